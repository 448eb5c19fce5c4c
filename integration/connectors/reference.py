"""What a call is told that wants to know for what it is made: the run at work, and a number no call had before."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from itertools import count

_run: ContextVar[str] = ContextVar("run", default="")
_numbers = count(1)


@contextmanager
def on_behalf_of(run: str) -> Iterator[None]:
    """Let the calls of the block, and of threads begun in it, be made for this run."""
    token = _run.set(run)
    try:
        yield
    finally:
        _run.reset(token)


def new_reference() -> str:
    """Return a text that no call had before: the run's id with a number behind it, or a text of its own outside a run.

    A run may go on in another process, whose numbers begin anew; so they hold the second, too.
    """
    run = _run.get()
    if not run:
        return uuid.uuid4().hex
    return f"{run}-{datetime.now(UTC):%d%H%M%S}{next(_numbers)}"
