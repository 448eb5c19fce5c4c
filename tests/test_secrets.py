"""No secret in a log, a plan, an export, an exception, a file or the process list, whatever goes wrong.

What pages show is searched in `pages/test_secrets.py`.
"""

import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from integration.log.logbook import Logbook
from integration.sandbox.server import running
from integration.store.database import open_database
from integration.store.secrets import ConnectionStore
from tests.canary_secrets import (
    CONSOLE_KEY,
    DATABASE_PASSWORD,
    UNENCODED_PASSWORD,
    WRONG_CLIENT_SECRET,
    WRONG_REFRESH_TOKEN,
    WRONG_TILL_SECRET,
    command_lines,
    contents,
    find_secrets,
)
from tests.programs import ROOT, Terminal, access, environment

pytestmark = [
    pytest.mark.long,
    pytest.mark.processes,
    pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="needs a process list"),
]

PLANTED = [WRONG_TILL_SECRET, WRONG_CLIENT_SECRET, WRONG_REFRESH_TOKEN, DATABASE_PASSWORD, CONSOLE_KEY,
           *UNENCODED_PASSWORD, "sandbox-secret", "sandbox-refresh"]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Traces:
    """The output of a day with many faults: texts by their source, and the folder of files."""

    folder: Path
    outputs: dict[str, str]
    processes: list[bytes]
    tokens: list[str]

    @property
    def secrets(self) -> list[str]:
        """The planted secrets and the tokens that AccountView gave out."""
        return PLANTED + self.tokens


@pytest.fixture(scope="module")
def traces(tmp_path_factory: pytest.TempPathFactory) -> Traces:
    """Run the day: each fault, each refusal, a kill, then the terminal with good and wrong access."""
    folder = tmp_path_factory.mktemp("data")
    with running(articles=60) as sandbox:
        settings = {"DATA": str(folder), "KEY": CONSOLE_KEY, "LOG": "debug", **access(sandbox)}
        texts, processes = _leak_probe_output(folder, sandbox.control_url, settings)
        texts |= _terminal_outputs(Terminal(settings), folder, processes)
    return Traces(folder, texts, processes, _tokens(folder))


def _leak_probe_output(folder: Path, control: str, settings: dict[str, str]) -> tuple[dict[str, str], list[bytes]]:
    """Run the faults in one process, and read the process list meanwhile."""
    out, err = folder / "out.txt", folder / "err.txt"
    with out.open("w") as output, err.open("w") as errors:
        probe = subprocess.Popen(
            [sys.executable, "-m", "tests.leak_probe", str(folder), control], cwd=ROOT, stdout=output, stderr=errors,
            env=environment(**settings),
        )  # fmt: skip
        processes: list[bytes] = []
        try:
            while probe.poll() is None:
                processes += command_lines()
                time.sleep(0.5)
        finally:
            probe.kill()
            probe.wait()
    words = {"probe out": out.read_text(), "probe err": err.read_text()}
    assert probe.returncode == -signal.SIGKILL
    assert "Traceback" not in words["probe err"][-200:], words["probe err"][-3000:]
    return words, processes


def _terminal_outputs(terminal: Terminal, folder: Path, processes: list[bytes]) -> dict[str, str]:
    database = f"postgresql://console:{DATABASE_PASSWORD}@127.0.0.1:9/none"
    wrong_login = {"ACCOUNTVIEW__REFRESH_TOKEN": WRONG_REFRESH_TOKEN, "ACCOUNTVIEW__CLIENT_SECRET": WRONG_CLIENT_SECRET}
    texts = {}
    with terminal.running("worker", "--json") as worker:
        assert worker.stdout is not None
        texts["worker"] = worker.stdout.readline()
        processes += command_lines()
    run = terminal("runs", "--json", "--limit", "1").json[0]["run"]
    for arguments, settings in (
        (("show", run, "--json", "--limit", "1000"), {}),
        (("show", run), {}),
        (("issues", "--json"), {}),
        (("check", "--json"), {}),
        (("settings",), {}),
        (("export", str(folder / "log.csv")), {}),
        (("export", str(folder / "log.parquet")), {}),
        (("check",), {"MPLUS__SECRET": WRONG_TILL_SECRET}),
        (("run", "products", "--json", "--wait", "0"), {"MPLUS__SECRET": WRONG_TILL_SECRET}),
        (("check",), {**wrong_login, "DATA": str(folder / "login")}),
        (("run", "products"), {**wrong_login, "DATA": str(folder / "login"), "LOG": "debug"}),
        (("runs",), {"DATABASE_URL": database}),
        (("runs",), {"DATABASE_URL": database.replace("postgresql", "mysql")}),
        (("runs",), {"DATABASE_URL": database.replace(DATABASE_PASSWORD, "@".join(UNENCODED_PASSWORD))}),
        (("runs",), {"DATABASE_URL": database.replace(DATABASE_PASSWORD, "@x:".join(UNENCODED_PASSWORD))}),
        (("runs",), {"DATABASE_URL": database.replace(DATABASE_PASSWORD, "?".join(UNENCODED_PASSWORD))}),
        (("runs",), {"KEY": DATABASE_PASSWORD[:8]}),
        (("check",), {"MPLUS__URL": f"https://x:{WRONG_TILL_SECRET}@till.example/"}),
    ):
        ended = terminal(*arguments, **settings)
        texts[f"{len(texts)} {arguments} {list(settings)}"] = ended.out + ended.err
        assert ended.status != 1 or "run" in arguments, ended
    return texts


def _tokens(folder: Path) -> list[str]:
    database = open_database(f"sqlite:///{folder / 'console.sqlite'}")
    try:
        tokens = ConnectionStore(database, lambda: datetime.now(UTC), key=CONSOLE_KEY).get("accountview-tokens")
    finally:
        database.close()
    assert tokens
    return [tokens["access"], tokens["refresh"]]


def test_nothing_that_was_said_holds_a_secret(traces: Traces) -> None:
    found_secrets = {who: find_secrets(traces.secrets, text.encode()) for who, text in traces.outputs.items()}

    assert {who: secrets for who, secrets in found_secrets.items() if secrets} == {}
    assert "createProduct" in traces.outputs["probe out"]  # there was much to be said


def test_no_file_holds_a_secret_in_clear(traces: Traces) -> None:
    names = []
    secrets_by_file = {}
    for name, content in contents(traces.folder):
        names.append(name)
        if secrets := find_secrets(traces.secrets, content):
            secrets_by_file[name] = secrets

    assert secrets_by_file == {}
    assert {"console.sqlite", "engine.sqlite", "log.duckdb", "log.csv", "log.parquet"} <= set(names)


def test_the_log_holds_no_secret_behind_its_compression(traces: Traces) -> None:
    logbook = Logbook(traces.folder / "log.duckdb")
    try:
        events = logbook.ask("SELECT * FROM events", rows=100_000)
    finally:
        logbook.close()

    assert len(events) > 100
    assert find_secrets(traces.secrets, repr(events.to_dict("records")).encode()) == []


def test_no_command_line_holds_a_secret(traces: Traces) -> None:
    assert any(b"tests.leak_probe" in line for line in traces.processes)
    assert [line for line in traces.processes if find_secrets(traces.secrets, line)] == []


def test_the_search_would_find_a_secret(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "leak.sqlite")) as leak:
        leak.execute("CREATE TABLE said (words TEXT)")
        leak.execute("INSERT INTO said VALUES ('https://till/?secret=planted%2Ftill+secret%2B%C3%A9%26%3C')")
        leak.commit()

    assert [find_secrets(PLANTED, content) for _, content in contents(tmp_path)] == [[WRONG_TILL_SECRET]] * 2
