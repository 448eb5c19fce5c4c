"""The log answers only programs and pages of its owner, within limits, and leaves no file behind."""

import json
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import anyio
import pytest

from integration.services.log.download_tokens import SECONDS as TOKEN_SECONDS
from integration.web.routes import MAX_QUERY_BYTES, OneTimeFileResponse
from tests.raw_http import RawResponse, read_response, send_request
from tests.servers import Server, serve_console
from tests.timeouts import SECONDS, wait_until
from tests.visitor import Visitor


def token(server: Server) -> str:
    return str(json.loads((server.data / "server.json").read_text(encoding="utf-8"))["token"])


@contextmanager
def asking(server: Server, *lines: str) -> Iterator[socket.socket]:
    """Start a request to the log, and let the block send its body."""
    head = ["POST /api/log HTTP/1.1", f"Host: 127.0.0.1:{server.port}", *lines, "", ""]
    with socket.create_connection(("127.0.0.1", server.port), timeout=SECONDS) as line:
        line.sendall("\r\n".join(head).encode())
        yield line


def sent_until_refused(line: socket.socket, piece: bytes, limit: int) -> int:
    """Send a piece again and again until nobody takes it any more, and return how many were sent."""
    for number in range(limit):
        try:
            line.sendall(piece)
        except OSError:
            return number
    return limit


# ---- questions


def test_a_question_with_the_token_is_answered(server: Server) -> None:
    body = json.dumps({"sql": "SELECT 1 AS one", "rows": 1}).encode()
    with asking(server, f"Authorization: Bearer {token(server)}", f"Content-Length: {len(body)}") as line:
        line.sendall(body)
        answer = RawResponse.parse(read_response(line))

    assert answer.status == 200
    assert json.loads(answer.body)["rows"] == [[1]]
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "authorization", ["", "Authorization: Bearer guess", "Authorization: Basic x", "Authorization: Bearer "]
)
@pytest.mark.parametrize("length", ["Content-Length: 1000000000", "Transfer-Encoding: chunked"])
def test_without_the_token_nothing_is_read(server: Server, authorization: str, length: str) -> None:
    with asking(server, *([authorization] if authorization else []), length) as line:
        answer = RawResponse.parse(read_response(line))  # before a byte of the question is sent

    assert answer.status == 403
    assert answer.headers["connection"] == "close"


@pytest.mark.parametrize("length", ["1000000000", str(MAX_QUERY_BYTES + 1)])
def test_a_question_that_says_it_is_too_long_is_not_read(server: Server, length: str) -> None:
    with asking(server, f"Authorization: Bearer {token(server)}", f"Content-Length: {length}") as line:
        assert RawResponse.parse(read_response(line)).status == 413


def test_a_question_without_an_end_is_left_at_its_bound(server: Server) -> None:
    piece = b"1000\r\n" + b" " * 4096 + b"\r\n"
    with asking(server, f"Authorization: Bearer {token(server)}", "Transfer-Encoding: chunked") as line:
        pieces = sent_until_refused(line, piece, 10_000)

    assert pieces < 10_000  # forty megabytes
    assert send_request(server.port, "GET /healthz HTTP/1.1", f"Host: 127.0.0.1:{server.port}").status == 200


def test_a_question_of_the_longest_length_is_read_to_its_end(server: Server) -> None:
    body = json.dumps({"sql": "SELECT 1 AS one", "rows": 1}).encode().ljust(MAX_QUERY_BYTES)
    with asking(server, f"Authorization: Bearer {token(server)}", "Transfer-Encoding: chunked") as line:
        line.sendall(f"{len(body):x}\r\n".encode() + body + b"\r\n0\r\n\r\n")
        assert RawResponse.parse(read_response(line)).status == 200


@pytest.mark.parametrize(
    "length", ["Content-Length: 40", pytest.param("Transfer-Encoding: chunked", marks=pytest.mark.long)]
)
def test_a_question_that_does_not_come_is_not_waited_for(server: Server, length: str) -> None:
    with asking(server, f"Authorization: Bearer {token(server)}", length) as line:
        answer = RawResponse.parse(read_response(line))

    assert answer.status == 408


def test_another_page_cannot_ask_even_with_the_token(server: Server) -> None:
    with asking(
        server, f"Authorization: Bearer {token(server)}", "Origin: http://evil.test", "Content-Length: 0"
    ) as line:
        assert RawResponse.parse(read_response(line)).status == 403


# ---- the whole of it


@pytest.fixture(scope="module")
def visitor(server: Server) -> "Visitor":
    """The download tokens that the page of the log gives to a browser."""
    return Visitor(server)


def remaining_files(server: Server) -> list[Path]:
    """Return the files of the log that are on the disk, beside the log itself."""
    return [file for file in (server.data / "exports").rglob("*") if file.is_file()]


def fetch_log(
    server: Server, download_token: str, *lines: str, method: str = "GET", name: str = "log.csv"
) -> RawResponse:
    line = f"{method} /api/log/{name}?ticket={download_token} HTTP/1.1"
    return send_request(server.port, line, f"Host: 127.0.0.1:{server.port}", *lines)


def test_the_whole_log_is_sent_once_and_is_gone(server: Server, visitor: Visitor) -> None:
    download_token = visitor.download_token()
    first, second = fetch_log(server, download_token), fetch_log(server, download_token)

    assert (first.status, second.status) == (200, 403)
    assert b"happened_at" in first.body
    assert first.headers["content-disposition"] == 'attachment; filename="log.csv"'
    assert len(first.body) == int(first.headers["content-length"])
    assert remaining_files(server) == []


@pytest.mark.parametrize(
    "asked_for",
    [
        "bytes=99999999999-", "bytes=5-1", "bytes=-0", "bytes=", "bytes=a-b", "lines=1-2", "bytes=0-0,1-1,2-2",
        "x" * 500, "bytes=0-1",
    ],
)  # fmt: skip
def test_whatever_part_is_asked_for_nothing_stays_behind(server: Server, visitor: Visitor, asked_for: str) -> None:
    answer = fetch_log(server, visitor.download_token(), f"Range: {asked_for}")

    assert answer.status == 200  # the log is not sent in parts
    assert remaining_files(server) == []


def test_a_look_at_the_head_spends_no_ticket(server: Server, visitor: Visitor) -> None:
    download_token = visitor.download_token()

    assert (
        send_request(
            server.port, f"HEAD /api/log/log.csv?ticket={download_token} HTTP/1.0", f"Host: 127.0.0.1:{server.port}"
        ).status
        == 405
    )
    assert remaining_files(server) == []
    assert fetch_log(server, download_token).status == 200


@pytest.mark.parametrize("name", ["log.xlsx", "console.sqlite", "..%2Fconsole.sqlite", "log.csv%00", "%2e%2e"])
def test_nothing_but_the_log_is_sent(server: Server, visitor: Visitor, name: str) -> None:
    download_token = visitor.download_token()

    answer = fetch_log(server, download_token, name=name)

    assert answer.status in (400, 403, 404) or b"<html" in answer.body
    assert b"SQLite" not in answer.body
    assert fetch_log(server, download_token).status == 200  # and the token still holds


def test_who_leaves_while_it_is_made_leaves_nothing_behind(server: Server, visitor: Visitor) -> None:
    head = f"GET /api/log/log.csv?ticket={visitor.download_token()} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port)) as line:
        line.sendall(head.encode())
    wait_until(lambda: remaining_files(server) == [], "the end of the file")
    assert send_request(server.port, "GET /healthz HTTP/1.1", f"Host: 127.0.0.1:{server.port}").status == 200


@pytest.mark.parametrize("download_token", ["", "x", "%00", "%ff", "9999999999-0.0", "a" * 8000])
def test_without_a_download_token_nothing_is_made(server: Server, download_token: str) -> None:
    answer = fetch_log(server, download_token)

    assert answer.status == 403
    assert TOKEN_SECONDS == 300
    assert "five minutes" in answer.body.decode()


def test_a_file_is_gone_before_its_first_byte_is_sent_and_after_any_end(tmp_path: Path) -> None:
    file_counts: list[int] = []

    async def breaking(_message: object) -> None:
        file_counts.append(len(os.listdir(tmp_path)))  # noqa: PTH208 - what is asked is whether it is there at this moment
        if len(file_counts) > 1:
            raise ConnectionResetError

    async def answer() -> None:
        await OneTimeFileResponse(file, "log.csv")({"type": "http"}, hearing, breaking)

    async def hearing() -> dict[str, object]:
        raise AssertionError("nothing is waited for")

    file = tmp_path / "x-log.csv"
    file.write_bytes(b"x" * 1_000_000)
    with pytest.raises(ConnectionResetError):
        anyio.run(answer)
    assert file_counts == [0, 0]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.long
def test_what_a_killed_server_left_is_gone_after_the_next_start(tmp_path: Path) -> None:
    with serve_console(tmp_path, settings={}) as first:
        (tmp_path / "exports").mkdir()
        (tmp_path / "exports" / "half-log.csv").write_text("id,", encoding="utf-8")
        first.process.send_signal(signal.SIGKILL)
        first.process.wait()
    with serve_console(tmp_path, settings={}) as second:
        assert remaining_files(second) == []


def test_a_browser_that_stalls_leaves_no_file_while_it_does(server: Server, visitor: Visitor) -> None:
    head = f"GET /api/log/log.csv?ticket={visitor.download_token()} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port)) as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
        line.sendall(head.encode())
        assert line.recv(16).startswith(b"HTTP/1.1 200")
        assert remaining_files(server) == []
