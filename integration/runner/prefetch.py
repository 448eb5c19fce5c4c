"""Prefetches the next page of a run while the current page is processed.

A prefetched page is only in memory: the data on disk is the same as without prefetching. The page is returned only for
exactly the same query, and an error is raised at that moment. Otherwise the page is discarded.
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
    """Prefetched page: the function and arguments that read it, its future, and the event that cancels it."""

    read_page: Callable[..., Any]
    arguments: tuple[Any, ...]
    future: Future[Any]
    cancelled: Event


class Prefetch:
    """Prefetches at most one page of each run, in a separate thread."""

    def __init__(self) -> None:
        self._prefetched_pages: dict[str, _Prefetched] = {}

    def begin(self, run: str, read_page: Callable[[*Ts], object], *arguments: *Ts) -> None:
        """Start reading the page that the run will request next."""
        self.drop(run)
        dropped, context, thread = Event(), copy_context(), ThreadPoolExecutor(1)
        context.run(_detach, dropped)
        self._prefetched_pages[run] = _Prefetched(
            read_page, arguments, thread.submit(context.run, partial(read_page, *arguments)), dropped
        )
        thread.shutdown(wait=False)

    def page(self, run: str, read_page: Callable[[*Ts], T], *arguments: *Ts) -> T:
        """Return the prefetched page if the query is the same; otherwise read it now. Raises the error of the read."""
        ahead = self._prefetched_pages.get(run)
        if ahead is None or (ahead.read_page, ahead.arguments) != (read_page, arguments):
            self.drop(run)
            return read_page(*arguments)
        del self._prefetched_pages[run]
        page: T = ahead.future.result()
        return page

    def drop(self, run: str) -> None:
        """Discard the prefetched page of a run. No new call is made for it; calls in progress finish."""
        if (ahead := self._prefetched_pages.pop(run, None)) is not None:
            ahead.cancelled.set()


def _detach(dropped: Event) -> None:
    """Detach the prefetch thread from the run: it stores nothing, and stops when the page is discarded.

    The thread must not use the fencing token, because the next page claims the run again in the meantime.
    """
    current_token.set(None)
    cancel_unless(lambda: not dropped.is_set())
