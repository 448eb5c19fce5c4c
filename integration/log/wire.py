"""Protocol between the console and the log process: length-prefixed JSON messages and Arrow streams.

It uses a Unix socket in a folder that only the owner can access. If the platform has none, or if the path would be too
long, it uses a local TCP port whose number is in the folder. A client first sends the token of the process.
"""

import contextlib
import errno
import json
import os
import socket
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_LENGTH = struct.Struct(">Q")
_SMALL = 100_000  # bytes
_LONGEST_PATH = 100  # bytes; systems allow 103 to 107
_SOCKET, _PORT = "socket", "port"
_HOST = "127.0.0.1"


def listen(folder: Path, *, unix: bool = True) -> socket.socket:
    """Return a listening socket in a folder that only its owner can access."""
    path = folder / _SOCKET
    if unix and hasattr(socket, "AF_UNIX") and len(os.fsencode(path)) <= _LONGEST_PATH:
        server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        server.bind(str(path))
        server.listen()
        return server
    server = socket.create_server((_HOST, 0))
    fresh = folder / f"{_PORT}.new"
    fresh.write_text(str(server.getsockname()[1]), encoding="ascii")
    fresh.replace(folder / _PORT)
    return server


def connect(folder: Path, token: str, seconds: float) -> socket.socket:
    """Return a connection to the listener in a folder. Raises OSError if nothing listens yet."""
    if (folder / _PORT).exists():
        line = socket.create_connection((_HOST, int((folder / _PORT).read_text(encoding="ascii"))), timeout=seconds)
    elif hasattr(socket, "AF_UNIX"):
        line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    else:
        raise ConnectionRefusedError(errno.ECONNREFUSED, "nobody listens yet")
    try:
        line.settimeout(seconds)
        if line.family != socket.AF_INET:
            line.connect(str(folder / _SOCKET))
        else:
            with contextlib.suppress(OSError):
                line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        send(line, {"token": token})
    except BaseException:
        line.close()
        raise
    return line


def message_line(message: Mapping[str, Any]) -> bytes:
    """Return a message as one line of standard input."""
    return json.dumps(message).encode() + b"\n"


def send(line: socket.socket, message: Mapping[str, Any], table: memoryview | None = None) -> None:
    """Send a message and its table, if any. Small ones are sent in one piece, to wake the reader only once."""
    content = json.dumps(message, ensure_ascii=False).encode()
    head = _LENGTH.pack(len(content)) + content
    if table is None:
        line.sendall(head)
    elif len(table) <= _SMALL:
        line.sendall(b"".join((head, _LENGTH.pack(len(table)), table)))
    else:
        line.sendall(head + _LENGTH.pack(len(table)))
        line.sendall(table)


def receive(line: socket.socket) -> dict[str, Any]:
    """Return the next message. Raises EOFError if the connection was closed, OSError if it broke or timed out."""
    return dict(json.loads(received_bytes(line)))


def received_bytes(line: socket.socket) -> bytearray:
    """Return the next bytes. Raises as `receive` does."""
    (length,) = _LENGTH.unpack(_receive_exactly(line, _LENGTH.size))
    return _receive_exactly(line, length)


def _receive_exactly(line: socket.socket, length: int) -> bytearray:
    content = bytearray(length)
    remaining = memoryview(content)
    while remaining:
        count = line.recv_into(remaining)
        if not count:
            raise EOFError
        remaining = remaining[count:]
    return content
