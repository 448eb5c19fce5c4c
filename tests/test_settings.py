"""A wrong setting stops the start with its name, its form and the remedy, without a trace or its value."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from integration.core.errors import ConfigurationError
from integration.settings import known_settings, load_settings, settings_table, unknown_settings
from integration.words import say
from tests.canary_secrets import spellings_of

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"


@pytest.fixture(autouse=True)
def clean_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """An environment without settings, and a folder without a file of them."""
    for setting in known_settings():
        monkeypatch.delenv(setting.name, raising=False)
    monkeypatch.chdir(tmp_path)
    yield monkeypatch
    structlog.reset_defaults()


WRONG = {
    "CONSOLE_SANDBOX": ("perhaps", "true or false"),
    "CONSOLE_SANDBOX_ARTICLES": ("49", "from 50"),
    "CONSOLE_PATIENCE_SECONDS": ("-1", "from 0 to 86400"),
    "CONSOLE_KEY": ("too short", "at least 16 characters"),
    "CONSOLE_DATABASE_URL": ("mysql://user:password@host/database", "postgresql://"),
    "CONSOLE_LOG": ("loud", "debug, info, warning or error"),
    "CONSOLE_ACCOUNTVIEW__URL": ("http://books.example/api/v3", "https://"),
    "CONSOLE_DATA": ("/srv/a?b", "without ? and % in its path"),
    "CONSOLE_ACCOUNTVIEW__PER_SECOND": ("0.001", "from 0.01 to 100000"),
    "CONSOLE_MPLUS__URL": ("http://127.0.0.1.elsewhere.example/", "https://api.mpluskassa.nl:PORT/"),
    "CONSOLE_MPLUS__IN_FLIGHT": ("9", "from 1 to 8"),
    "CONSOLE_MPLUS__PER_SECOND": ("many", "from 0.01"),
    "CONSOLE_MPLUS": ("till.example", "CONSOLE_MPLUS__URL"),
    "CONSOLE_ACCOUNTVIEW": ("{", "CONSOLE_ACCOUNTVIEW__URL"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_setting_is_reported_by_name_and_shape_without_its_value(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    value, shape = WRONG[name]
    monkeypatch.setenv(name, value)

    with pytest.raises(ConfigurationError) as caught:
        load_settings()

    sentences = say(caught.value.code, caught.value.facts)
    assert name in sentences.problem
    assert shape in sentences.do
    assert "docs/settings.md" in sentences.do
    assert value not in str(caught.value).replace(shape, "")
    assert caught.value.__cause__ is None


def test_a_group_given_as_another_kind_of_value_is_reported_in_our_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONSOLE_MPLUS", "[1]")

    with pytest.raises(ConfigurationError) as caught:
        load_settings()

    assert "one variable per value, such as CONSOLE_MPLUS__URL" in say(caught.value.code, caught.value.facts).do


@pytest.mark.parametrize("number", ["inf", "-inf", "nan", "1e300"])
@pytest.mark.parametrize("name", ["PATIENCE_SECONDS", "ACCOUNTVIEW__PER_SECOND", "MPLUS__PER_SECOND"])
def test_a_number_that_no_clock_can_count_is_refused(name: str, number: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"CONSOLE_{name}", number)

    with pytest.raises(ConfigurationError) as caught:
        load_settings()

    assert caught.value.facts["setting"] == f"CONSOLE_{name}"


def test_a_pace_slower_than_any_clock_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONSOLE_MPLUS__PER_SECOND", "1e-300")

    with pytest.raises(ConfigurationError):
        load_settings()


def test_what_is_no_text_is_refused_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONSOLE_KEY", os.fsdecode(b"sixteen signs and \xff"))
    with pytest.raises(ConfigurationError) as variable:
        load_settings()
    monkeypatch.delenv("CONSOLE_KEY")
    (tmp_path / ".env").write_bytes(b"CONSOLE_MPLUS__IDENT=caf\xe9\n")
    with pytest.raises(ConfigurationError) as file:
        load_settings()

    assert [caught.value.facts["setting"] for caught in (variable, file)] == ["CONSOLE_KEY", ".env"]


@pytest.mark.parametrize("url", ["https://api.mpluskassa.nl:34562/", "http://127.0.0.1:8000/", "http://localhost/", ""])
def test_an_encrypted_or_local_address_is_taken(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONSOLE_MPLUS__URL", url)

    assert load_settings().access("mplus").url == url


def test_a_file_of_settings_is_read_and_the_environment_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("CONSOLE_MPLUS__IDENT=file\nCONSOLE_SANDBOX_ARTICLES=99\n", encoding="utf-8")
    monkeypatch.setenv("CONSOLE_SANDBOX_ARTICLES", "77")

    settings = load_settings()

    assert (settings.access("mplus").ident, settings.sandbox_articles) == ("file", 77)
    assert settings.explicit_names() == {"CONSOLE_MPLUS__IDENT", "CONSOLE_SANDBOX_ARTICLES"}


def test_names_that_mean_nothing_are_found_with_the_nearest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONSOLE_DATABASE", "x")
    (tmp_path / ".env").write_text("CONSOLE_MPLUS_SECRET=x\nCONSOLE_ZZZZZZZZZ=1\n", encoding="utf-8")

    assert unknown_settings() == {
        "CONSOLE_DATABASE": "CONSOLE_DATABASE_URL",
        "CONSOLE_MPLUS_SECRET": "CONSOLE_MPLUS__SECRET",
        "CONSOLE_ZZZZZZZZZ": "",
    }


def test_a_name_that_means_nothing_is_warned_of_without_its_value(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CONSOLE_MPLUS__SECRT", "hidden")
    load_settings()
    output = capsys.readouterr()

    assert output.out == ""
    assert "CONSOLE_MPLUS__SECRT" in output.err
    assert "hidden" not in output.err


def test_secrets_are_not_shown_with_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    secret = "a secret of sixteen signs and more"
    for name in ("KEY", "MPLUS__SECRET", "ACCOUNTVIEW__CLIENT_SECRET", "ACCOUNTVIEW__REFRESH_TOKEN"):
        monkeypatch.setenv(f"CONSOLE_{name}", secret)
    monkeypatch.setenv("CONSOLE_DATABASE_URL", f"postgresql://console:{secret}@host/database")

    assert secret not in repr(load_settings()) + str(load_settings())


def test_a_trace_in_the_log_shows_no_values(capsys: pytest.CaptureFixture[str]) -> None:
    load_settings()

    def fail(hidden: str) -> None:
        raise RuntimeError(f"something of {len(hidden)} signs")

    try:
        fail("a value " + "of the moment"[:13])
    except RuntimeError:
        structlog.get_logger().exception("it failed")
    output = capsys.readouterr().err

    assert "RuntimeError: something of 21 signs" in output
    assert "a value of the moment" not in output


def test_both_databases_follow_one_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings(data=Path("/somewhere")).operational_url() == "sqlite:////somewhere/console.sqlite"
    assert load_settings(data=Path("/somewhere")).engine_url() == "sqlite:////somewhere/engine.sqlite"
    monkeypatch.setenv("CONSOLE_DATABASE_URL", "postgresql://host/console")
    assert load_settings().operational_url() == load_settings().engine_url() == "postgresql+psycopg://host/console"


def test_every_setting_says_what_it_should_look_like() -> None:
    assert [setting.name for setting in known_settings() if not setting.shape] == []


def test_every_setting_is_in_the_docs() -> None:
    table = settings_table()
    assert table in (DOCS / "settings.md").read_text(encoding="utf-8"), f"docs/settings.md needs this table:\n{table}"


def test_no_document_names_a_setting_that_does_not_exist() -> None:
    known_names = {setting.name for setting in known_settings()} | {
        "CONSOLE_",
        "CONSOLE_MPLUS__",
        "CONSOLE_ACCOUNTVIEW__",
    }
    pages = [*DOCS.rglob("*.md"), *DOCS.parent.glob("*.md")]
    names = {name for page in pages for name in re.findall(r"CONSOLE_[A-Z_]*", page.read_text(encoding="utf-8"))}

    assert names - known_names == set()


# ---- the network route to the systems


@pytest.fixture
def proxies(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment that names no proxy."""
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def test_the_proxy_is_ours_or_else_that_of_the_machine(proxies: pytest.MonkeyPatch) -> None:
    assert load_settings().route("https://till.example:18083/")["proxy"] == ""
    proxies.setenv("HTTPS_PROXY", "proxy.example:3128")
    assert load_settings().route("https://till.example:18083/")["proxy"] == "http://proxy.example:3128"
    proxies.setenv("CONSOLE_PROXY", "http://u:p@other.example:8080")
    assert load_settings().route("https://till.example:18083/")["proxy"] == "http://u:p@other.example:8080"
    proxies.setenv("NO_PROXY", "till.example,.lan")
    for url in ("https://till.example:18083/", "https://books.lan/api/v3"):
        assert load_settings().route(url)["proxy"] == ""


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "localhost", "[::1]"])
def test_this_machine_is_never_reached_by_a_proxy(host: str, proxies: pytest.MonkeyPatch) -> None:
    proxies.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    proxies.setenv("CONSOLE_PROXY", "http://proxy.example:3128")
    assert load_settings().route(f"http://{host}:18083/")["proxy"] == ""


@pytest.mark.parametrize("url", ["proxy.example:3128", "ftp://proxy.example", "socks5://proxy.example", "http://"])
def test_what_is_no_address_of_a_proxy_stops_the_start(url: str, proxies: pytest.MonkeyPatch) -> None:
    proxies.setenv("CONSOLE_PROXY", url)
    with pytest.raises(ConfigurationError) as caught:
        load_settings()
    assert (caught.value.facts["setting"], caught.value.facts["expected"]) == (
        "CONSOLE_PROXY",
        "expected_console_proxy",
    )


def test_a_file_without_certificates_stops_the_start(proxies: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("nothing")
    for file in (tmp_path / "empty.pem", tmp_path / "absent.pem"):
        proxies.setenv("CONSOLE_CERTIFICATES", str(file))
        with pytest.raises(ConfigurationError, match="CONSOLE_CERTIFICATES"):
            load_settings()


def test_the_password_of_a_proxy_is_printed_nowhere(proxies: pytest.MonkeyPatch) -> None:
    proxies.setenv("CONSOLE_PROXY", "http://winkel:geheim@proxy.example:3128")
    assert "geheim" not in repr(load_settings())


def test_what_libraries_and_dying_threads_say_passes_the_mask() -> None:
    script = """
import logging, sys, threading
from integration.settings import load_settings
load_settings(mplus={"secret": "planted-till/secret"}, log="debug", _env_file=None)
logging.basicConfig(level=logging.DEBUG, stream=sys.stdout)
def fail():
    try:
        raise OSError("https://x/?a=planted-till%2fsecret")
    except OSError as error:
        raise ValueError("planted-till\\\\/secret") from error
for name in ("httpx", "httpcore", "zeep", "urllib3", "dbos", "uvicorn.access"):
    try:
        fail()
    except ValueError:
        logging.getLogger(name).exception("told %s", "planted-till/secret")
thread = threading.Thread(target=fail)
thread.start()
thread.join()
fail()
"""
    process = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert process.returncode == 1
    for output, least in ((process.stdout, 6), (process.stderr, 2)):
        assert output.count("Traceback") >= 2 * least, output
        assert [form for form in spellings_of("planted-till/secret").values() if form in output] == []
        assert "***" in output
