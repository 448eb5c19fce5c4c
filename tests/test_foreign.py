"""Both systems full of hostile names: no command of the terminal, no log of a server and no file does what they say.

What pages make of them is looked at in `browser/test_foreign.py`; what each function makes of one, in
`core/test_foreign.py`.
"""

import io
import json
import logging
import re
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pandas as pd
import pytest
import structlog

from integration.core.foreign import unguarded, visible
from integration.stderr import set_up_log
from integration.terminal import show_bug
from tests.hostile import EVERY, FOREIGN, TERMINAL, UNSEEN, systems
from tests.programs import Ended, Terminal, access, confirmations
from tests.strangers import listening

pytestmark = pytest.mark.processes

ALL_WELL = "All well"  # what the names would have a terminal say


@pytest.fixture(scope="module")
def terminal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    """A terminal of an installation whose systems are full of hostile names, with every flow previewed."""
    with systems() as both:
        yield Terminal({"DATA": str(tmp_path_factory.mktemp("data")), **access(both)})


def harmful(said: str) -> list[str]:
    """Return what of it a terminal would obey or hide, and lines that are not the console's own."""
    signs = [
        ascii(sign) for sign in said if sign != "\n" and unicodedata.category(sign) in ("Cc", "Cf", "Zl", "Zp", "Cs")
    ]
    return signs + [line for line in said.splitlines() if line.startswith(ALL_WELL)]


def looked_at(ended: Ended) -> Ended:
    assert (harmful(ended.out), harmful(ended.err)) == ([], [])
    assert "Traceback" not in ended.err
    return ended


def test_no_command_does_what_a_name_says(terminal: Terminal, tmp_path: Path) -> None:
    for flow in ("products", "customers", "stock", "orders"):
        looked_at(terminal("preview", flow))
    run = looked_at(terminal("preview", "products", "--complete", "--json")).json
    looked_at(terminal("show", run["run"]))
    looked_at(terminal("show", run["run"], "--json"))
    looked_at(terminal("commit", run["run"], "--fingerprint", run["fingerprint"], *confirmations(run)))
    for command in ("issues", "runs", "check", "settings"):
        looked_at(terminal(command))
        looked_at(terminal(command, "--json"))
    said = looked_at(
        terminal("log", "SELECT title, facts, before, after FROM events WHERE title <> ''", "--rows", "500")
    )
    assert visible("invoice\u202efdp.exe") in said.out
    told = looked_at(terminal("log", "SELECT DISTINCT title FROM events", "--rows", "1000", "--json")).json
    assert {"invoice\u202efdp.exe", "=cmd|' /C calc'!A0"} <= {title for (title,) in told["rows"]}

    file = tmp_path / "log.csv"
    looked_at(terminal("export", str(file)))
    kept = pd.read_csv(file, keep_default_na=False, encoding="utf-8-sig")
    assert {"=cmd|' /C calc'!A0", "\u202aa\u202bb\u202cc\u202dd"} <= set(kept["title"].map(unguarded))
    assert not [one for one in kept["title"] if re.match("[=+@-]", one)]
    assert pd.api.types.is_numeric_dtype(kept["ms"].replace("", 0).astype(float))


@pytest.mark.parametrize("name", [*TERMINAL[:6], *UNSEEN[:2]])
def test_what_was_typed_is_told_in_one_line(terminal: Terminal, name: str) -> None:
    given = name.replace("\x00", "")
    asked = ["log", f"SELECT '{given}' AS \"{given}\""]
    for arguments in (
        [given],
        ["show", given],
        ["preview", given],
        ["show", "x", "--limit", given],
        ["retry", "products", given],
        asked,
    ):
        looked_at(terminal(*arguments))


# ---- answers of systems that are none -------------------------------------------------------------------------------


@contextmanager
def answering(status: int, reason: str, body: str, kind: str, **headers: str) -> Iterator[str]:
    """The address of a server that answers everything in this way."""

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            """Read what was asked, and answer."""
            self.rfile.read(int(self.headers.get("content-length", 0)))
            self.do_GET()

        def do_GET(self) -> None:
            """Answer."""
            self.send_response(status, reason)
            for name, value in {"content-type": kind, "content-length": str(len(body.encode())), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with listening(Answers) as port:
        yield f"http://127.0.0.1:{port}/"


HARM = "\x1b[2J\x9b31m two\x85All well \u202e [link=http://evil.example]x[/link] ![x](http://evil.example/i.png)"
IN_LATIN = "\x1b[2J\x9b31m\x85All well"
FAULT = (
    '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><s:Fault><faultcode>s:Server</faultcode>'
    "<faultstring>&#155;31m\nAll well &#x202e; [link=http://evil.example]x[/link]</faultstring></s:Fault></s:Body>"
    "</s:Envelope>"
)
ANSWERS = {
    "reason": (500, IN_LATIN, "", "text/plain", {}),
    "message": (400, "Bad", json.dumps({"Message": f"All well\n{HARM}", "error": HARM}), "application/json", {}),
    "error": (200, "OK", json.dumps({"ErrorMessage": HARM, "Message": f"x\n{ALL_WELL}"}), "application/json", {}),
    "redirect": (302, IN_LATIN, "", "text/plain", {"location": f"http://{FOREIGN}/\x1b[2J%1b[2J"}),
    "fault": (500, "Fault", FAULT, "text/xml; charset=utf-8", {}),
    "page": (503, "Away", f"<html><title>{HARM}</title>\n{ALL_WELL}</html>", "text/html; charset=utf-8", {}),
    "kind": (200, "OK", HARM, "text/\x9bplain", {}),
}


@pytest.mark.parametrize("answer", ANSWERS)
def test_no_error_of_a_system_does_what_it_says(terminal: Terminal, tmp_path: Path, answer: str) -> None:
    status, reason, body, kind, headers = ANSWERS[answer]
    with answering(status, reason, body, kind, **headers) as address:
        places = {"DATA": str(tmp_path), "ACCOUNTVIEW__URL": f"{address}api/v3", "MPLUS__URL": address, "LOG": "debug"}
        for arguments in (["check"], ["check", "--json"], ["preview", "products", "--wait", "1"]):
            looked_at(terminal(*arguments, **places))


# ---- the log of the server ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", EVERY)
def test_no_line_of_the_log_is_made_by_what_it_speaks_of(name: str) -> None:
    said = io.StringIO()
    factory = logging.getLogRecordFactory()
    with redirect_stderr(said):
        set_up_log("debug")
        try:
            structlog.get_logger("test").warning(f"x {name}", key=name, several=[name])
            structlog.get_logger("test").error("bug", exc_info=ValueError(name))
            handler = logging.StreamHandler(said)
            logger = logging.getLogger("test.library")
            logger.addHandler(handler)
            logger.warning("of a library: %s", name, exc_info=ValueError(name))
            logger.removeHandler(handler)
        finally:
            logging.setLogRecordFactory(factory)
            structlog.reset_defaults()
    lines = said.getvalue().splitlines()
    assert harmful(said.getvalue()) == []
    assert [line for line in lines if not re.match(r"\d{4}-\d\d-\d\dT|  |of a library: ", line)] == []
    assert visible(name) in said.getvalue()


@pytest.mark.parametrize("name", TERMINAL)
def test_no_line_of_a_bug_stands_for_itself(name: str) -> None:
    said = io.StringIO()
    with redirect_stderr(said):
        show_bug(ValueError, ValueError(name), None)
    assert harmful(said.getvalue()) == []
    assert all(line.startswith("  ") for line in said.getvalue().splitlines())
