"""Unique reference texts for calls, with the id of the current run."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from itertools import count

_run: ContextVar[str] = ContextVar("run", default="")
_numbers = count(1)


@contextmanager
def current_run(run: str) -> Iterator[None]:
    """Assign the calls of the block, and of threads started in it, to this run."""
    token = _run.set(run)
    try:
        yield
    finally:
        _run.reset(token)


def new_reference() -> str:
    """Return a unique text: the run's id with a number, or a random text outside a run.

    A run may resume in another process, whose numbers restart; the text therefore also contains day and time.
    """
    run = _run.get()
    if not run:
        return uuid.uuid4().hex
    return f"{run}-{datetime.now(UTC):%d%H%M%S}{next(_numbers)}"
