"""A console at a Unix socket: a proxy that can open the socket names the person, and no other caller can."""

import os
import re
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from urllib.parse import urlencode

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import unix_connect
from websockets.typing import Origin, Subprotocol

from integration.log.client import ask_server
from tests import command
from tests.forks import start_process
from tests.raw_http import SOCKET, RawResponse, read_response
from tests.servers import ROOT, environment, free_port
from tests.timeouts import SECONDS, wait_until

HOST, HEADER = "console.example.com", "X-Shop-User"
LINK = re.compile(r"/invitation\?key=([\w-]+)")

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such sockets")


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """A folder of a short name: a path of a socket cannot be long."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


@contextmanager
def serve_at(place: Path) -> Iterator[ForkServerProcess]:
    """Run a console at a Unix socket, and wait until it answers."""
    log = place / "server.log"
    process = start_process(command.run, ["console"], settings(place), log, log)
    try:
        wait_until(lambda: answers(place), "the console at its socket")
        yield process
    finally:
        process.terminate()
        process.join(SECONDS)


def settings(place: Path) -> dict[str, str]:
    variables = {
        "CONSOLE_LOG_IN": "proxy", "CONSOLE_ADDRESS": f"https://{HOST}", "CONSOLE_LOGIN_PROXY__HEADER": HEADER,
        "CONSOLE_LOGIN_PROXY__SOCKET": str(place / "console.sock"),
    }  # fmt: skip
    return environment(place, variables)


def send_lines(place: Path, *lines: str, body: bytes = b"") -> RawResponse:
    """Send a request as a proxy does, and return the response."""
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(SECONDS)
        line.connect(str(place / "console.sock"))
        line.sendall("\r\n".join([*lines, f"Host: {HOST}", "", ""]).encode("latin-1") + body)
        return RawResponse.parse(read_response(line))


def answers(place: Path) -> bool:
    with suppress(OSError):
        return send_lines(place, "GET /healthz HTTP/1.1").status == 200
    return False


@pytest.fixture(scope="module")
def console(place: Path) -> Iterator[Path]:
    """A console at its socket."""
    with serve_at(place):
        yield place


@pytest.fixture(scope="module")
def cookie(console: Path) -> str:
    """The session of the first administrator, as the proxy named them."""
    key = LINK.findall((console / "server.log").read_text(encoding="utf-8"))[-1]
    body = urlencode({"key": key}).encode()
    answer = send_lines(
        console, "POST /invitation HTTP/1.1", f"Origin: https://{HOST}", f"{HEADER}: anna@shop",
        "Content-Type: application/x-www-form-urlencoded", f"Content-Length: {len(body)}", body=body,
    )  # fmt: skip
    assert answer.status == 303, answer.body
    return answer.headers["set-cookie"].partition(";")[0]


@pytest.mark.long
def test_whom_the_proxy_names_comes_in_and_nobody_else(console: Path, cookie: str) -> None:
    request_line, session = "GET / HTTP/1.1", f"Cookie: {cookie}"
    assert send_lines(console, request_line, session, f"{HEADER}: anna@shop").status == 200
    assert send_lines(console, request_line, f"{HEADER}: anna@shop").status == 303  # a session of their own
    for lines in (
        (session,), (session, f"{HEADER}: ben@shop"), (session, f"{HEADER}: anna@shop", f"{HEADER}: anna@shop"),
        (session, f"{HEADER}: "), (session, "X-Forwarded-User: anna@shop"), (f"{HEADER}: ben@shop",),
    ):  # fmt: skip
        assert send_lines(console, request_line, *lines).status == 401, lines
    stream = ("GET /_stcore/stream HTTP/1.1", f"Origin: https://{HOST}", *SOCKET)
    assert send_lines(console, *stream, session, f"{HEADER}: anna@shop").status == 101
    assert send_lines(console, *stream, session).status in (401, 403)
    assert send_lines(console, *stream, session, f"{HEADER}: ben@shop").status in (401, 403)


@pytest.mark.long
def test_a_page_is_drawn_through_the_socket(console: Path, cookie: str) -> None:
    spoken, headers = [Subprotocol("streamlit")], {"Cookie": cookie, HEADER: "anna@shop"}
    with unix_connect(
        str(console / "console.sock"), f"ws://{HOST}/_stcore/stream", origin=Origin(f"https://{HOST}"),
        subprotocols=spoken, max_size=None, additional_headers=headers, legacy=True,
    ) as line:  # fmt: skip
        back_message = BackMsg()
        back_message.rerun_script.page_name = "overview"
        line.send(back_message.SerializeToString())
        content = ""
        for message in line:
            forward_message = ForwardMsg.FromString(message if isinstance(message, bytes) else message.encode())
            content += str(forward_message.delta)
            if forward_message.WhichOneof("type") == "script_finished":
                break
    assert "Logged in as admin" in content


def test_its_owner_and_its_group_may_open_it_and_it_is_no_port(console: Path) -> None:
    status = (console / "console.sock").stat()
    assert (stat.S_ISSOCK(status.st_mode), stat.S_IMODE(status.st_mode)) == (True, 0o660)
    streamlit = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless", "true"]
    streamlit += ["--server.port", str(free_port()), "--server.address", "127.0.0.1"]
    ended = subprocess.run(
        streamlit, cwd=ROOT, env=settings(console), capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert ended.returncode == 5, ended.stderr
    assert "127.0.0.1" in ended.stderr


def test_the_terminal_asks_the_log_by_the_socket(console: Path, cookie: str) -> None:
    assert cookie
    answer = ask_server(console, {"sql": "SELECT 1 AS one", "rows": 1})
    assert answer is not None
    assert answer["rows"] == [[1]]


@pytest.mark.long
def test_a_server_that_was_killed_leaves_nothing_in_the_way() -> None:
    with tempfile.TemporaryDirectory() as folder:
        with serve_at(Path(folder)) as process:
            process.kill()
            process.join()
            assert os.path.exists(f"{folder}/console.sock")  # noqa: PTH110
        with serve_at(Path(folder)):
            assert answers(Path(folder))
