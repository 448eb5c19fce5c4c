"""What keeps a call back that nobody wants any more, such as one of a page read ahead of a run that has ended."""

from collections.abc import Callable
from contextvars import ContextVar

_is_wanted: ContextVar[Callable[[], bool]] = ContextVar("is_wanted", default=lambda: True)


class CancelledError(Exception):
    """Whoever asked does not wait for the answer any more: no call was made."""


def cancel_unless(is_wanted: Callable[[], bool]) -> None:
    """Let calls from here on, and of threads begun from here, be made only as long as this says so."""
    _is_wanted.set(is_wanted)


def expect_wanted() -> None:
    """Raise UnwantedError where nobody waits for the answer of a call that is about to be made."""
    if not _is_wanted.get()():
        raise CancelledError
