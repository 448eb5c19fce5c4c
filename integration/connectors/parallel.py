"""Several calls at once to one system, each with an end of its own."""

import contextvars
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any, Generic, ParamSpec, Self, TypeVar

from integration.core.errors import AccessDeniedError, IntegrationError, UnavailableError

T = TypeVar("T")
R = TypeVar("R")
P = ParamSpec("P")


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


class BoundedExecutor(Generic[T, R]):
    """Calls of which each is begun as soon as there is room for it, at most `limit` under way at once.

    A block of it ends when all its calls have. With a limit of one a call is done where it is begun.
    """

    def __init__(self, call: Callable[[T], R], limit: int) -> None:
        self._call = call
        self._limit = limit
        self._threads = ThreadPoolExecutor(limit) if limit > 1 else None
        self._under_way: dict[Future[R], T] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._threads is not None:
            self._threads.shutdown()

    def __len__(self) -> int:
        """Return how many calls were begun whose ends nobody has asked for."""
        return len(self._under_way)

    @property
    def room(self) -> int:
        """How many calls may be begun now."""
        return self._limit - len(self)

    def begin(self, items: Sequence[T]) -> None:
        """Begin the calls of some items."""
        for item in items:
            if self._threads is None:
                done: Future[R] = Future()
                self._into(done, item)
            else:
                done = self._threads.submit(contextvars.copy_context().run, self._call, item)
            self._under_way[done] = item

    def ended(self, besides: Collection[Future[Any]] = ()) -> list[tuple[T, R | IntegrationError]]:
        """Wait until a call under way has ended, and return all that have, each with its end. A bug is raised.

        What is done `besides` them ends the wait as well.
        """
        found: list[tuple[T, R | IntegrationError]] = []
        ended = wait([*self._under_way, *besides], return_when=FIRST_COMPLETED).done
        for one in [call for call in self._under_way if call in ended]:
            item = self._under_way.pop(one)
            error = one.exception()
            if error is None:
                found.append((item, one.result()))
            elif isinstance(error, IntegrationError):
                found.append((item, error))
            else:
                raise error
        return found

    def _into(self, done: "Future[R]", item: T) -> None:
        try:
            done.set_result(self._call(item))
        except BaseException as error:  # noqa: BLE001 - kept for whoever asks for the end, as a thread keeps it
            done.set_exception(error)


class BackgroundWorker:
    """Work that is done by one other thread, one after the other; a block of it ends when all of that has."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.shutdown()

    def begin(self, work: Callable[P, R], *arguments: P.args, **more: P.kwargs) -> Future[R]:
        """Have something done, on behalf of whoever asks."""
        return self._thread.submit(contextvars.copy_context().run, partial(work, *arguments, **more))


def sliced(items: Sequence[T], size: int) -> list[Sequence[T]]:
    """Return the items in portions of at most so many."""
    return [items[start : start + size] for start in range(0, len(items), size)]
