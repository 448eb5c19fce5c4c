"""Log-in over HTTP, as a browser sends it."""

import re
from dataclasses import dataclass
from urllib.parse import urlencode

from tests.raw_http import RawResponse, send_request
from tests.servers import Server
from tests.timeouts import wait_until

PASSWORD = "correct horse battery"
_LINK = re.compile(r"/invitation\?key=([\w-]+)")


def first_key(server: Server) -> str:
    """Return the key of the invitation that the server printed at its start."""
    log = server.data / "server.log"
    wait_until(lambda: bool(_LINK.search(log.read_text(encoding="utf-8"))), "the link for the first administrator")
    return str(_LINK.findall(log.read_text(encoding="utf-8"))[-1])


@dataclass
class Browser:
    """A browser that sends forms and keeps one cookie."""

    server: Server
    cookie: str = ""
    at: str = ""  # its address in the header of a proxy

    def get(self, path: str, *lines: str, mode: str = "navigate") -> RawResponse:
        """Open an address; without a mode, as a program does."""
        sent_mode = [f"Sec-Fetch-Mode: {mode}"] if mode else []
        return send_request(self.server.port, f"GET {path} HTTP/1.1", *self._head(), *sent_mode, *lines)

    def send(self, path: str, origin: str | None = None, **form: str) -> RawResponse:
        """Send a form, from a page of the console or of another origin; keep the cookie of the response."""
        body = urlencode(form).encode()
        answer = send_request(
            self.server.port, f"POST {path} HTTP/1.1", *self._head(), f"Origin: {origin or self.server.address}",
            "Content-Type: application/x-www-form-urlencoded", f"Content-Length: {len(body)}", body=body,
        )  # fmt: skip
        cookie = answer.headers.get("set-cookie", "").partition(";")[0]
        self.cookie = cookie or self.cookie
        return answer

    def _head(self) -> list[str]:
        host = f"Host: 127.0.0.1:{self.server.port}"
        forwarded = [f"X-Forwarded-For: {self.at}"] if self.at else []
        return [host, *forwarded, *([f"Cookie: {self.cookie}"] if self.cookie else [])]
