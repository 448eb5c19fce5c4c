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


class _Deadline(threading.local):
    moment: float | None = None


_deadline = _Deadline()


@contextmanager
def within_seconds(seconds: float) -> Iterator[None]:
    """Limit the total time of all reads and writes of this thread in the block to this number of seconds."""
    _deadline.moment = time.monotonic() + seconds
    try:
        yield
    finally:
        _deadline.moment = None


def _remaining(timeout: float | None) -> float | None:
    """Return the timeout of one piece in seconds. Raises TooSlowError at the deadline."""
    if _deadline.moment is None:
        return timeout
    remaining = _deadline.moment - time.monotonic()
    if remaining <= 0:
        raise TooSlowError("the call took too long")
    return remaining if timeout is None else min(timeout, remaining)


class _DeadlineStream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        try:
            return self._stream.read(max_bytes, _remaining(timeout))
        except httpcore.ReadTimeout:
            _remaining(None)  # raises TooSlowError if the deadline, not the read timeout, has passed
            raise

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for begin in range(0, len(buffer), PIECE):
            self._stream.write(buffer[begin : begin + PIECE], _remaining(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _DeadlineStream(self._stream.start_tls(ssl_context, server_hostname, _remaining(timeout)))

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
        return _DeadlineStream(super().connect_tcp(host, port, _remaining(timeout), local_address, socket_options))
