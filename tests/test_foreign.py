"""Both systems full of hostile names: no terminal and no file carries out what they contain.

What pages make of them is looked at in `browser/test_foreign.py`, and the log of a server in
`test_stderr.py`; what each function makes of one, in `core/test_untrusted_text.py`.
"""

import io
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pandas as pd
import pytest

from integration.cli.standard_streams import show_bug
from integration.core.untrusted_text import unescape_formulas, visible
from tests.hostile import ALL_WELL, FOREIGN, TERMINAL, UNSEEN, harmful, systems
from tests.programs import CommandResult, Terminal, access, confirmations
from tests.recording_server import listening

pytestmark = pytest.mark.processes


@pytest.fixture(scope="module")
def terminal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    """A terminal of an installation whose systems are full of hostile names, with every flow previewed."""
    with systems() as sandbox:
        yield Terminal({"DATA": str(tmp_path_factory.mktemp("data")), **access(sandbox)})


def check_output(ended: CommandResult) -> CommandResult:
    assert (harmful(ended.out), harmful(ended.err)) == ([], [])
    assert "Traceback" not in ended.err
    return ended


@pytest.mark.long
def test_no_command_does_what_a_name_says(terminal: Terminal, tmp_path: Path) -> None:
    for flow in ("products", "customers", "stock", "orders"):
        check_output(terminal("preview", flow))
    run = check_output(terminal("preview", "products", "--complete", "--json")).json
    check_output(terminal("show", run["run"]))
    check_output(terminal("show", run["run"], "--json"))
    check_output(terminal("commit", run["run"], "--fingerprint", run["fingerprint"], *confirmations(run)))
    for command in ("issues", "runs", "check", "settings"):
        check_output(terminal(command))
        check_output(terminal(command, "--json"))
    result = check_output(
        terminal("log", "SELECT title, facts, before, after FROM events WHERE title <> ''", "--rows", "500")
    )
    assert visible("invoice\u202efdp.exe") in result.out
    query_result = check_output(terminal("log", "SELECT DISTINCT title FROM events", "--rows", "1000", "--json")).json
    assert {"invoice\u202efdp.exe", "=cmd|' /C calc'!A0"} <= {title for (title,) in query_result["rows"]}

    file = tmp_path / "log.csv"
    check_output(terminal("export", str(file)))
    table = pd.read_csv(file, keep_default_na=False, encoding="utf-8-sig")
    assert {"=cmd|' /C calc'!A0", "\u202aa\u202bb\u202cc\u202dd"} <= set(table["title"].map(unescape_formulas))
    assert not [title for title in table["title"] if re.match("[=+@-]", title)]
    assert pd.api.types.is_numeric_dtype(table["ms"].replace("", 0).astype(float))


@pytest.mark.long
@pytest.mark.parametrize(
    "name",
    [TERMINAL[0], UNSEEN[0], *(pytest.param(text, marks=pytest.mark.long) for text in (*TERMINAL[1:6], UNSEEN[1]))],
)
def test_what_was_typed_is_reported_in_one_line(terminal: Terminal, name: str) -> None:
    clean_name = name.replace("\x00", "")
    query = ["log", f"SELECT '{clean_name}' AS \"{clean_name}\""]
    for arguments in (
        [clean_name],
        ["show", clean_name],
        ["preview", clean_name],
        ["show", "x", "--limit", clean_name],
        ["retry", "products", clean_name],
        query,
    ):
        check_output(terminal(*arguments))


# ---- answers of systems that are none -------------------------------------------------------------------------------


@contextmanager
def answering(status: int, reason: str, body: str, kind: str, **headers: str) -> Iterator[str]:
    """The address of a server that answers everything in this way."""

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            """Read the request body, and answer as to a GET."""
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
            """Log nothing."""

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


FEW = ("reason", "fault")  # one that speaks HTTP, one that speaks SOAP


@pytest.mark.parametrize(
    "answer",
    [pytest.param(answer_name, marks=() if answer_name in FEW else pytest.mark.long) for answer_name in ANSWERS],
)
def test_no_error_of_a_system_does_what_it_says(terminal: Terminal, tmp_path: Path, answer: str) -> None:
    status, reason, body, kind, headers = ANSWERS[answer]
    with answering(status, reason, body, kind, **headers) as address:
        places = {"DATA": str(tmp_path), "ACCOUNTVIEW__URL": f"{address}api/v3", "MPLUS__URL": address, "LOG": "debug"}
        for arguments in (["check"], ["check", "--json"], ["preview", "products", "--wait", "1"]):
            check_output(terminal(*arguments, **places))


# ---- what a bug says -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", TERMINAL)
def test_no_line_of_a_bug_stands_for_itself(name: str) -> None:
    output = io.StringIO()
    with redirect_stderr(output):
        show_bug(ValueError, ValueError(name), None)
    assert harmful(output.getvalue()) == []
    assert all(line.startswith("  ") for line in output.getvalue().splitlines())
