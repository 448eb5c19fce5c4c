"""How hard a system may be asked: its limits, and several calls at once, each with an end of its own."""

import contextvars
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Annotated, TypeVar

from pydantic import Field

from integration.core.errors import AccessDeniedError, IntegrationError, UnavailableError

# ---- how hard a system may be asked


PerSecond = Annotated[float, Field(ge=0.01, le=100_000, allow_inf_nan=False)]
Seconds = Annotated[float, Field(gt=0, le=3_600, allow_inf_nan=False)]


@dataclass(frozen=True, slots=True)
class RateLimits:
    """How hard a system may be asked: calls at once, calls per second, and how long we wait and try again.

    `patience_seconds` limits all attempts of one call together, and the time one answer may take to arrive.
    """

    in_flight: int
    per_second: float
    connect_seconds: float = 10
    read_seconds: float = 60
    attempts: int = 5
    patience_seconds: float = 120


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
