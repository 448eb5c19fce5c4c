"""One deadline for all that a call sends and receives; httpcore's own timeouts restart with each piece."""

import ssl
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import httpcore

PIECE = 65_536  # bytes per write, so that the deadline is checked between pieces even if a system takes them slowly


class TooSlowError(httpcore.ReadTimeout):
    """A call was still running at its deadline."""


class _Until(threading.local):
    moment: float | None = None


_until = _Until()


@contextmanager
def within_seconds(seconds: float) -> Iterator[None]:
    """Limit all reads and writes of this thread in the block to so many seconds in total."""
    _until.moment = time.monotonic() + seconds
    try:
        yield
    finally:
        _until.moment = None


def _left(timeout: float | None) -> float | None:
    """Return the timeout of one piece in seconds. Raises TooSlowError at the deadline."""
    if _until.moment is None:
        return timeout
    left = _until.moment - time.monotonic()
    if left <= 0:
        raise TooSlowError("the call took too long")
    return left if timeout is None else min(timeout, left)


class _Bounded(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        try:
            return self._stream.read(max_bytes, _left(timeout))
        except httpcore.ReadTimeout:
            _left(None)  # raises TooSlowError if the deadline, not the read timeout, has passed
            raise

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for begin in range(0, len(buffer), PIECE):
            self._stream.write(buffer[begin : begin + PIECE], _left(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _Bounded(self._stream.start_tls(ssl_context, server_hostname, _left(timeout)))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class Backend(httpcore.SyncBackend):
    """Opens connections whose reads and writes respect the deadline of the calling thread."""

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect as httpcore does, within the deadline."""
        return _Bounded(super().connect_tcp(host, port, _left(timeout), local_address, socket_options))
