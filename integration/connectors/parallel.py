"""Several calls at once to one system, each with an end of its own."""

import contextvars
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import Empty, SimpleQueue
from typing import TypeVar

from integration.core.errors import AccessDeniedError, IntegrationError, UnavailableError

T = TypeVar("T")
R = TypeVar("R")


def side_by_side(call: Callable[[T], R], items: Sequence[T], limit: int) -> list[R | IntegrationError]:
    """Return what `call` gave for each item, or the error it ended in, in the order of the items.

    At most `limit` calls are under way at once. Once one ends because the system is unavailable or denies access,
    the items that have not begun get the same error and are not called. A bug is raised.
    """
    halt: list[IntegrationError] = []

    def guarded(item: T) -> R | IntegrationError:
        if halt:
            return halt[0]
        try:
            return call(item)
        except (UnavailableError, AccessDeniedError) as error:
            halt.append(error)
            return error
        except IntegrationError as error:
            return error

    if limit <= 1 or len(items) <= 1:
        return [guarded(item) for item in items]
    return _shared_out(guarded, items, min(limit, len(items)))


def _shared_out(call: Callable[[T], R], items: Sequence[T], workers: int) -> list[R]:
    """Let some threads take one item after the other; after a bug nothing more is begun."""
    waiting: SimpleQueue[int] = SimpleQueue()
    for place in range(len(items)):
        waiting.put(place)
    done: dict[int, R] = {}
    bugs: list[BaseException] = []

    def work() -> None:
        try:
            while not bugs:
                place = waiting.get_nowait()
                done[place] = call(items[place])
        except Empty:
            return
        except BaseException as bug:
            bugs.append(bug)
            raise

    with ThreadPoolExecutor(max_workers=workers) as pool:
        running = [pool.submit(contextvars.copy_context().run, work) for _ in range(workers)]
        for one in running:
            one.result()
    return [done[place] for place in range(len(items))]


def sliced(items: Sequence[T], size: int) -> list[Sequence[T]]:
    """Return the items in portions of at most so many."""
    return [items[start : start + size] for start in range(0, len(items), size)]
