"""What is asked right before each call that writes: the last moment at which it can be kept back."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from integration.core.clocks import boottime_seconds

HELD_STILL_SECONDS = 1.0  # nothing but being suspended takes so long between an answer and the next step

_before_writing: ContextVar[Callable[[], None]] = ContextVar("before_writing", default=lambda: None)


@contextmanager
def before_each_write(ask: Callable[[], None]) -> Iterator[None]:
    """Ask something in the block right before each call that writes: when all but its body is on its way.

    What it raises keeps the call back, for no server acts on half a request. It is asked again where the process was
    suspended meanwhile.
    """
    token = _before_writing.set(ask)
    try:
        yield
    finally:
        _before_writing.reset(token)


def asked_before(body: bytes) -> Iterator[bytes]:
    """Yield the body of a write, whose head is on its way by then, once it was asked whether it may follow."""
    ask = _before_writing.get()
    asked_at = float("-inf")
    while boottime_seconds() - asked_at > HELD_STILL_SECONDS:
        asked_at = boottime_seconds()
        ask()
    yield body
