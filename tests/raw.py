"""HTTP as it goes over the line: what a client of a library would never send, too."""

import socket
from dataclasses import dataclass
from typing import Self

from tests.timeouts import SECONDS

SOCKET = (
    "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Protocol: streamlit",
)  # fmt: skip
"""The headers by which a request asks for a socket of Streamlit."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What came back: 0 for a line that was closed without a word."""

    status: int
    headers: dict[str, str]
    body: bytes

    @classmethod
    def of(cls, said: bytes) -> Self:
        """Return an answer as it came over the line."""
        head, _, body = said.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        status = int(lines[0].split()[1]) if lines[0].startswith("HTTP/") else 0
        parted = (line.partition(":") for line in lines[1:])
        return cls(status, {name.lower(): value.strip() for name, _, value in parted}, body)


def asked(port: int, *lines: str, body: bytes = b"", seconds: float = SECONDS) -> Answered:
    """Send these lines and return what comes back until the other side has said all, or has answered a socket."""
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as line:
        line.sendall("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
        return Answered.of(heard(line))


def heard(line: socket.socket) -> bytes:
    """Return what comes over a line: one answer, as long as it says it is."""
    said = b""
    while not _whole(said):
        try:
            part = line.recv(65536)
        except ConnectionResetError:
            break
        if not part:
            break
        said += part
    return said


def _whole(said: bytes) -> bool:
    _, end, body = said.partition(b"\r\n\r\n")
    if not end:
        return False
    answer = Answered.of(said)
    if answer.status == 101 or "content-length" not in answer.headers:
        return answer.status == 101
    return len(body) >= int(answer.headers["content-length"])
