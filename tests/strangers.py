"""A server that is neither of our systems and writes down all it is told."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Stranger:
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
def stranger(*, leads_to: str = "", answer: bytes = b"{}") -> Iterator[Stranger]:
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
        known = Stranger(port)
        yield known
