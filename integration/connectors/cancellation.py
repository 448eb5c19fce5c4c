"""Cancels calls whose result is no longer needed, for example a prefetched page of a finished run."""

from collections.abc import Callable
from contextvars import ContextVar

_is_needed: ContextVar[Callable[[], bool]] = ContextVar("is_wanted", default=lambda: True)


class CancelledError(Exception):
    """Raised before a call whose result is no longer needed; the call was not made."""


def cancel_unless(is_wanted: Callable[[], bool]) -> None:
    """Make later calls of this context, and of threads started from it, only while `is_wanted` returns True."""
    _is_needed.set(is_wanted)


def require_not_cancelled() -> None:
    """Raise CancelledError if the result of the next call is no longer needed."""
    if not _is_needed.get()():
        raise CancelledError
