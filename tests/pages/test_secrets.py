"""No secret on a page: neither while all is well, nor after everything was refused, nor while nothing can be opened."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import cycle
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Widget

from integration.application import bootstrap
from integration.application.application import Application
from integration.core.errors import IntegrationError
from integration.core.run import Run
from integration.core.states import RunState
from integration.sandbox.server import Sandbox, running
from integration.services.setup import steps
from integration.store.secrets import ConnectionStore
from tests.canary_secrets import (
    CONSOLE_KEY,
    DATABASE_PASSWORD,
    SPELLINGS,
    WRONG_CLIENT_SECRET,
    WRONG_REFRESH_TOKEN,
    WRONG_TILL_SECRET,
    contents,
    find_secrets,
    spellings_of,
)
from tests.pages.conftest import ROOT, Open, commit_run, preview_products
from tests.people import make_actor
from tests.programs import access
from tests.relay_proxy import MANNERS, RelayProxy, relay_proxy
from tests.stores import stores_in

PLANTED = [WRONG_TILL_SECRET, WRONG_CLIENT_SECRET, WRONG_REFRESH_TOKEN, DATABASE_PASSWORD, CONSOLE_KEY,
           "sandbox-secret", "sandbox-refresh"]  # fmt: skip
PAGES = sorted(path.stem for path in (ROOT / "pages").glob("*.py"))
FLOWS = ("products", "stock", "customers", "orders")
TABS = ("settings", "filters", "fields", "tables", "schedule", "brakes")
Place = tuple[str, dict[str, str]]
FRONTS: list[Place] = [*((page, {}) for page in PAGES), *(("setup", {"step": step}) for step in steps())]
"""Every page, and every step of the set-up."""

PLACES: list[Place] = [
    *FRONTS,
    ("setup", {"step": "accountview", "names": "true", "object": "articles"}),
    *(("flows", {"flow": "products", "tab": tab}) for tab in TABS),
    *(("mappings", {"flow": flow}) for flow in FLOWS),
    *(("logs", {"tab": tab}) for tab in ("volume", "queries")),
    ("logs", {"tab": "queries", "query": "SELECT * FROM events"}),
    ("logs", {"tab": "queries", "query": "no question"}),
]
"""The same pages, with the contents that they show on request."""

MIN_CUT = 11  # signs of a form: fewer, such as "sandbox...", stand anywhere
PROXY_PASSWORD, CODE = "planted/proxy+password", "planted-code&4711"
LEAST = 200  # bytes of a page that shows anything


def page_content(test: AppTest) -> bytes:
    """Return everything that a page sends to the browser: each element, and the values of its fields."""
    values = [repr(element.value) for element in elements(test) if isinstance(element, Widget)]
    values_text = "\n".join([*values, repr(dict(test.query_params))])
    return b"\n".join([*(element.proto.SerializeToString() for element in elements(test)), values_text.encode()])


def elements(test: AppTest) -> list[Any]:
    """Return all elements and containers that a page sends as messages."""
    return [node for node in test._tree if getattr(node, "proto", None) is not None]


def find_leaks(open_page: Open, secrets: list[str], places: list[Place]) -> dict[str, list[str]]:
    """Open pages, and return the pages that contain secrets, with these secrets."""
    pages = {f"{name} {address}": page_content(open_page(name, **address)) for name, address in places}
    assert [place for place, page in pages.items() if len(page) < LEAST] == []
    return {place: leaked_secrets for place, page in pages.items() if (leaked_secrets := find_secrets(secrets, page))}


def of_run(run: Run) -> list[Place]:
    return [*PLACES, ("runs", {"run": run.id}), ("preview", {"flow": run.flow, "plan": run.id})]


@contextmanager
def console(data: Path, **settings: str) -> Iterator[Application]:
    """A console with its settings in the environment."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.chdir(ROOT)
        for name, value in {"DATA": str(data), "KEY": CONSOLE_KEY, "SANDBOX": "false", **settings}.items():
            monkeypatch.setenv(f"CONSOLE_{name}", value)
        bootstrap.shut_down()
        try:
            yield bootstrap.running_application()
        finally:
            bootstrap.shut_down()


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """Both systems of one test alone: a log-in is good for one installation."""
    with running(articles=60) as running_sandbox:
        yield running_sandbox


def tokens(app: Application) -> list[str]:
    token_pair = ConnectionStore(stores_in(app).database, lambda: datetime.now(UTC), key=CONSOLE_KEY).get(
        "accountview-tokens"
    )
    assert token_pair
    return [token_pair["access"], token_pair["refresh"]]


def test_no_page_shows_a_secret_of_a_console_that_works(sandbox: Sandbox, tmp_path: Path, open_page: Open) -> None:
    with console(tmp_path, **access(sandbox)) as app:
        assert all(finding.ok for system in ("accountview", "mplus") for finding in app.connections.check(system))
        run = commit_run(app, preview_products(app))
        secrets = [*PLANTED, *tokens(app)]

        assert find_leaks(open_page, secrets, of_run(run)) == {}


@pytest.mark.long
def test_no_page_shows_a_secret_after_it_was_refused(sandbox: Sandbox, tmp_path: Path, open_page: Open) -> None:
    with console(tmp_path, **access(sandbox)) as app:
        preview_products(app)
    with console(tmp_path, **{**access(sandbox), "MPLUS__SECRET": WRONG_TILL_SECRET}) as app:
        assert "mplus_credentials_rejected" in {finding.cause for finding in app.connections.check("mplus")}
        run = preview_products(app)
        assert run.state is RunState.FAILED

        assert find_leaks(open_page, [*PLANTED, *tokens(app)], of_run(run)) == {}


@pytest.mark.long
def test_no_page_shows_a_secret_of_a_log_in_that_was_refused(sandbox: Sandbox, tmp_path: Path, open_page: Open) -> None:
    wrong = {"ACCOUNTVIEW__CLIENT_SECRET": WRONG_CLIENT_SECRET, "ACCOUNTVIEW__REFRESH_TOKEN": WRONG_REFRESH_TOKEN}
    with console(tmp_path, **{**access(sandbox), **wrong}) as app:
        assert "accountview_client_rejected" in {finding.cause for finding in app.connections.check("accountview")}

        assert find_leaks(open_page, PLANTED, FRONTS) == {}


def test_what_was_typed_into_the_set_up_is_gone_once_it_was_sent(
    sandbox: Sandbox, fresh: Application, open_page: Open
) -> None:
    test = open_page("setup", step="mplus")
    address, port, ident, secret = test.text_input
    host, _, number = sandbox.mplus_url.rstrip("/").rpartition(":")
    for field, value in ((address, host), (port, number), (ident, "sandbox"), (secret, WRONG_TILL_SECRET)):
        field.input(value)
    next(button for button in test.button if button.label == "Check the connection").click().run()

    assert fresh.connections.statuses()[1].findings[-1].ok is None
    assert b"does not accept" in page_content(test)
    assert find_leaks(open_page, PLANTED, FRONTS) == {}


def test_no_page_shows_the_password_of_a_database_that_does_not_answer(
    tmp_path: Path, open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("CONSOLE_DATA", str(tmp_path))
    monkeypatch.setenv("CONSOLE_DATABASE_URL", f"postgresql://console:{DATABASE_PASSWORD}@127.0.0.1:9/none")
    bootstrap.shut_down()

    pages = {name: page_content(open_page(name)) for name in PAGES}

    assert all(b"database" in page for page in pages.values())
    assert {
        name: leaked_secrets for name, page in pages.items() if (leaked_secrets := find_secrets(PLANTED, page))
    } == {}


def leaking(secret: str) -> None:
    """Show a secret in many ways."""
    import pandas as pd  # noqa: PLC0415 - a script of its own
    import plotly.express as px  # noqa: PLC0415
    import streamlit as st  # noqa: PLC0415

    st.markdown(f"a {secret} b")
    st.text_input("Secret", secret)
    st.text_input("Field", placeholder=secret)
    st.selectbox("Choice", ["one", secret])
    st.dataframe(pd.DataFrame({"said": [secret]}))
    st.table({"said": secret})
    st.plotly_chart(px.bar(x=[secret], y=[1]))
    st.error(secret)
    st.download_button(secret, "x")
    st.exception(ValueError(secret))
    st.expander(secret).write("inside")
    st.html(f"<p>{secret}</p>")
    st.link_button("There", f"https://till.example/?secret={secret}")


@pytest.mark.parametrize("secret", [WRONG_CLIENT_SECRET, WRONG_TILL_SECRET])
def test_the_search_would_find_a_secret_on_a_page(secret: str) -> None:
    test = AppTest.from_function(leaking, args=(secret,), default_timeout=30).run()
    leaks = [element.type for element in elements(test) if find_secrets([secret], element.proto.SerializeToString())]

    assert find_secrets(PLANTED, page_content(test)) == [secret]
    assert len(leaks) == 13, leaks


@pytest.mark.long
def test_no_spelling_of_a_secret_reaches_a_page_a_file_or_the_terminal(
    sandbox: Sandbox, tmp_path: Path, open_page: Open, capfd: pytest.CaptureFixture[str]
) -> None:
    logging.basicConfig(level=logging.DEBUG, stream=sys.stdout, force=True)
    planted = {"KEY": CONSOLE_KEY, "PROXY": f"http://user:{quote(PROXY_PASSWORD, safe='')}@127.0.0.1:9", "LOG": "debug"}
    with relay_proxy(sandbox.mplus_url) as till, relay_proxy(sandbox.accountview_url) as books:
        settings = {**access(sandbox), "MPLUS__URL": till.url, "ACCOUNTVIEW__URL": books.url, **planted}
        with console(tmp_path, **settings) as app:
            assert all(finding.ok for finding in app.connections.check("accountview"))
            known_secrets = [CODE, PROXY_PASSWORD, CONSOLE_KEY, "sandbox-secret", "sandbox-refresh", *tokens(app)]
            till.says, till.to = [text_with_secrets(name, known_secrets) for name in SPELLINGS], "createProduct"
            run = commit_run(app, preview_products(app))
            assert run.counts.parked > len(SPELLINGS)
            manners = cycle(MANNERS)
            for name in SPELLINGS:  # one that is cut off stands alone: others would say where it ends
                for secrets in [[secret] for secret in known_secrets] if "cut" in name else [known_secrets]:
                    quote_back(app, till, books, text_with_secrets(name, secrets), next(manners))
            logging.getLogger("httpx").error("told %s", "sandbox-secret", exc_info=ValueError("sandbox%2dsecret"))
            output = capfd.readouterr()
            pages = {f"{name} {address}": page_content(open_page(name, **address)) for name, address in of_run(run)}
    files = {f"file {name}": content for name, content in contents(tmp_path)}
    everything = {**pages, **files, "out": output.out.encode(), "err": output.err.encode()}
    leaks = {
        where: leaked_secrets
        for where, content in everything.items()
        if (leaked_secrets := spellings_in(content, known_secrets))
    }

    assert leaks == {}
    assert "told ***" in output.out
    assert any(b"***" in content for where, content in everything.items() if where.startswith("file console"))


def text_with_secrets(spelling: str, secrets: list[str]) -> str:
    """Return a text that holds secrets in one spelling."""
    return "De aanvraag: https://x/?" + "&y=".join(SPELLINGS[spelling](secret) for secret in secrets)


def quote_back(app: Application, till: RelayProxy, books: RelayProxy, text: str, manner: str) -> None:
    """Make both systems answer a check and a log-in with this text."""
    till.says = books.says = [text]
    till.manner = books.manner = manner
    till.to, books.to = "getApiVersion", "companies"
    for system in ("accountview", "mplus"):
        assert not all(finding.ok for finding in app.connections.check(system))
    books.to = "token"
    address = app.connections.authorize_address("http://127.0.0.1/", "sandbox-client", "x", make_actor("test"))
    with pytest.raises(IntegrationError):
        app.connections.authorized(CODE, parse_qs(urlsplit(address).query)["state"][0])
    till.says = books.says = []


def spellings_in(content: bytes, secrets: list[str]) -> list[str]:
    """Return the secrets in a content, with the spelling of each."""
    return [
        f"{secret} {name}"
        for secret in secrets
        for name, form in spellings_of(secret).items()
        if len(form) >= MIN_CUT and form.encode() in content
    ]
