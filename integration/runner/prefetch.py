"""Reading on: the next page of a run is on its way while one is worked at.

What is read ahead is in memory alone: on disk a run stands where it would if one page waited for the other. It is for
whoever asks for exactly that next, and what went wrong with it is raised there, not earlier. Else nobody gets it.
"""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial
from threading import Event
from typing import Any, TypeVar, TypeVarTuple

from integration.connectors.cancellation import cancel_unless
from integration.store.database import current_token

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


@dataclass(frozen=True, slots=True)
class _Prefetched:
    """A page on its way: how it is read and what it is asked by, the page, and whether nobody wants it any more."""

    read: Callable[..., Any]
    asked: tuple[Any, ...]
    coming: Future[Any]
    dropped: Event


class Prefetch:
    """What is read ahead: at most one page of each run, by a thread of its own."""

    def __init__(self) -> None:
        self._ahead: dict[str, _Prefetched] = {}

    def begin(self, run: str, read: Callable[[*Ts], object], *asked: *Ts) -> None:
        """Have the page read that a run is about to ask for next, on its behalf."""
        self.drop(run)
        dropped, context, thread = Event(), copy_context(), ThreadPoolExecutor(1)
        context.run(_apart, dropped)
        self._ahead[run] = _Prefetched(read, asked, thread.submit(context.run, partial(read, *asked)), dropped)
        thread.shutdown(wait=False)

    def page(self, run: str, read: Callable[[*Ts], T], *asked: *Ts) -> T:
        """Return a page: the one read ahead where it is this, else as it is read now. Raises what reading it met."""
        ahead = self._ahead.get(run)
        if ahead is None or (ahead.read, ahead.asked) != (read, asked):
            self.drop(run)
            return read(*asked)
        del self._ahead[run]
        found: T = ahead.coming.result()
        return found

    def drop(self, run: str) -> None:
        """Let go of what was read ahead of a run: no call is made for it any more, beyond those under way."""
        if (ahead := self._ahead.pop(run, None)) is not None:
            ahead.dropped.set()


def _apart(dropped: Event) -> None:
    """Let what follows be done for a page on its way, and not for the one at work: on disk it keeps nothing of its run.

    The next page claims the run anew while it is still on its way.
    """
    current_token.set(None)
    cancel_unless(lambda: not dropped.is_set())
