"""Servers for tests: one records every request, one is a proxy that alters answers."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit


class RecordingServer:
    """Address and recorded requests of a server."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/api/v3"
        self.requests: list[bytes] = []

    @property
    def received_bytes(self) -> bytes:
        """Every received byte."""
        return b"\n".join(self.requests)


@contextmanager
def listening(handler: type[BaseHTTPRequestHandler]) -> Iterator[int]:
    """Serve on a free port of this machine during the block; yield the port."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        worker = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        worker.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            worker.join()


@contextmanager
def recording_server(*, redirect: str = "", answer: bytes = b"{}") -> Iterator[RecordingServer]:
    """Record and answer every request, or redirect it to `redirect`, during the block."""

    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            server.requests.append(f"{self.requestline}\n{self.headers}".encode() + body)
            self.send_response(302 if redirect else 200)
            if redirect:
                self.send_header("location", redirect)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_GET = do_POST = handle_any  # noqa: N815 - names that the library looks for

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    with listening(Handler) as port:
        server = RecordingServer(port)
        yield server


@contextmanager
def alter_column(url: str, table: str, row: Mapping[str, str], column: str, replacement: str) -> Iterator[str]:
    """Run a proxy for AccountView that replaces a column by a piece of JSON, in all rows with these values."""
    mark = "altered-here"

    def alter(body: bytes) -> bytes:
        tables = json.loads(body) if body.startswith(b"{") else {}
        matches = [line for line in tables.get(table, ()) if row.items() <= line.items() and column in line]
        for line in matches:
            line[column] = mark
        return json.dumps(tables).replace(f'"{mark}"', replacement).encode() if matches else body

    with altering_proxy(url, alter) as proxy_url:
        yield proxy_url


@contextmanager
def altering_proxy(url: str, alter: Callable[[bytes], bytes]) -> Iterator[str]:
    """Run a proxy for a server that alters the body of every answer."""
    place = urlsplit(url)

    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            line = HTTPConnection(place.netloc)
            request_body = self.rfile.read(int(self.headers.get("content-length") or 0))
            line.request(self.command, self.path, request_body, dict(self.headers.items()))
            answer = line.getresponse()
            body = alter(answer.read())
            line.close()
            self.send_response(answer.status)
            self.send_header("content-type", answer.headers["content-type"])
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = handle_any  # noqa: N815 - names that the library looks for

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    with listening(Handler) as port:
        yield f"http://127.0.0.1:{port}{place.path}"
