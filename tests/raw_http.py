"""Raw HTTP requests, including those that no client library sends."""

import socket
from dataclasses import dataclass
from typing import Self

from tests.timeouts import SECONDS

SOCKET = (
    "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Protocol: streamlit",
)  # fmt: skip
"""Headers of a request for a WebSocket of Streamlit."""


@dataclass(frozen=True, slots=True)
class RawResponse:
    """A response; status 0 if the connection was closed without one."""

    status: int
    headers: dict[str, str]
    body: bytes

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Parse the bytes of a response."""
        head, _, body = data.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        status = int(lines[0].split()[1]) if lines[0].startswith("HTTP/") else 0
        headers = (line.partition(":") for line in lines[1:])
        return cls(status, {name.lower(): value.strip() for name, _, value in headers}, body)


def send_request(port: int, *lines: str, body: bytes = b"", seconds: float = SECONDS) -> RawResponse:
    """Send these lines and return the response, or the answer to the request for a WebSocket."""
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
        return RawResponse.parse(read_response(connection))


def read_response(connection: socket.socket) -> bytes:
    """Return the bytes of one response, of the length that it states."""
    data = b""
    while not _is_complete(data):
        try:
            part = connection.recv(65536)
        except ConnectionResetError:
            break
        if not part:
            break
        data += part
    return data


def _is_complete(data: bytes) -> bool:
    _, end, body = data.partition(b"\r\n\r\n")
    if not end:
        return False
    answer = RawResponse.parse(data)
    if answer.status == 101 or "content-length" not in answer.headers:
        return answer.status == 101
    return len(body) >= int(answer.headers["content-length"])
