"""How people come into a console that is asked as a browser asks it, over the line."""

import re
from dataclasses import dataclass
from urllib.parse import urlencode

from tests.raw import Answered, asked
from tests.servers import Server
from tests.timeouts import until

PASSWORD = "correct horse battery"
_LINK = re.compile(r"/invitation\?key=([\w-]+)")


def first_key(server: Server) -> str:
    """Return the key of the invitation that the server printed at its start."""
    log = server.data / "server.log"
    until(lambda: bool(_LINK.search(log.read_text(encoding="utf-8"))), "the link for the first administrator")
    return str(_LINK.findall(log.read_text(encoding="utf-8"))[-1])


@dataclass
class Browser:
    """A browser as far as a form and a cookie need one."""

    server: Server
    cookie: str = ""
    at: str = ""  # the address it has, as a proxy of this machine tells it

    def get(self, path: str, *lines: str, mode: str = "navigate") -> Answered:
        """Open an address."""
        return asked(
            self.server.port, f"GET {path} HTTP/1.1", *self._head(), f"Sec-Fetch-Mode: {mode}", *lines,
        )  # fmt: skip

    def send(self, path: str, origin: str | None = None, **form: str) -> Answered:
        """Send a form of the console's own page, or of that of another origin; keep the cookie it is answered with."""
        body = urlencode(form).encode()
        answer = asked(
            self.server.port, f"POST {path} HTTP/1.1", *self._head(), f"Origin: {origin or self.server.address}",
            "Content-Type: application/x-www-form-urlencoded", f"Content-Length: {len(body)}", body=body,
        )  # fmt: skip
        given = answer.headers.get("set-cookie", "").partition(";")[0]
        self.cookie = given or self.cookie
        return answer

    def _head(self) -> list[str]:
        host = f"Host: 127.0.0.1:{self.server.port}"
        told = [f"X-Forwarded-For: {self.at}"] if self.at else []
        return [host, *told, *([f"Cookie: {self.cookie}"] if self.cookie else [])]
