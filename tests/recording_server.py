"""Servers that are neither of our systems: one records all it is told, one stands before ours and spoils a row."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit


class RecordingServer:
    """What a stranger heard, and the address it is reached at."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/api/v3"
        self.heard: list[bytes] = []

    @property
    def all(self) -> bytes:
        """Every byte it was told."""
        return b"\n".join(self.heard)


@contextmanager
def listening(handler: type[BaseHTTPRequestHandler]) -> Iterator[int]:
    """Answer on a port of this machine, which is given, until the block ends."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        worker = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        worker.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            worker.join()


@contextmanager
def stranger(*, leads_to: str = "", answer: bytes = b"{}") -> Iterator[RecordingServer]:
    """Answer whatever is asked, or lead elsewhere, until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            known.heard.append(f"{self.requestline}\n{self.headers}".encode() + body)
            self.send_response(302 if leads_to else 200)
            if leads_to:
                self.send_header("location", leads_to)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_GET = do_POST = handle_any  # noqa: N815 - names that the library looks for

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with listening(Handler) as port:
        known = RecordingServer(port)
        yield known


@contextmanager
def spoiling(url: str, table: str, row: Mapping[str, str], column: str, held: str) -> Iterator[str]:
    """Stand before AccountView: in the rows of a table that have these values, a column holds this piece of JSON."""
    mark = "spoilt-here"

    def spoilt(body: bytes) -> bytes:
        told = json.loads(body) if body.startswith(b"{") else {}
        found = [one for one in told.get(table, ()) if row.items() <= one.items() and column in one]
        for one in found:
            one[column] = mark
        return json.dumps(told).replace(f'"{mark}"', held).encode() if found else body

    with before(url, spoilt) as there:
        yield there


@contextmanager
def before(url: str, spoilt: Callable[[bytes], bytes]) -> Iterator[str]:
    """Stand before a server, and hand its answers on as they are spoilt."""
    place = urlsplit(url)

    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            line = HTTPConnection(place.netloc)
            sent = self.rfile.read(int(self.headers.get("content-length") or 0))
            line.request(self.command, self.path, sent, dict(self.headers.items()))
            answer = line.getresponse()
            body = spoilt(answer.read())
            line.close()
            self.send_response(answer.status)
            self.send_header("content-type", answer.headers["content-type"])
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = handle_any  # noqa: N815 - names that the library looks for

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with listening(Handler) as port:
        yield f"http://127.0.0.1:{port}{place.path}"
