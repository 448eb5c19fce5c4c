"""Calls a check right before each write, at the last moment at which the write can be stopped."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from integration.core.clocks import boottime_seconds

SUSPENSION_SECONDS = 1.0  # only a suspended process takes so long between two steps

_before_writing: ContextVar[Callable[[], None]] = ContextVar("before_writing", default=lambda: None)


@contextmanager
def before_each_write(ask: Callable[[], None]) -> Iterator[None]:
    """Call `ask` in the block right before each write: when all of the request but its body has been sent.

    An exception of `ask` stops the write, because no server acts on half a request. `ask` is called again if the
    process was suspended meanwhile.
    """
    token = _before_writing.set(ask)
    try:
        yield
    finally:
        _before_writing.reset(token)


def guarded_body(body: bytes) -> Iterator[bytes]:
    """Yield the body of a write once its check passed; the head of the request is sent by then."""
    ask = _before_writing.get()
    asked_at = float("-inf")
    while boottime_seconds() - asked_at > SUSPENSION_SECONDS:
        asked_at = boottime_seconds()
        ask()
    yield body
