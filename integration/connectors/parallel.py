"""Parallel calls to one system, each with its own result or error."""

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


def run_parallel(call: Callable[[T], R], items: Sequence[T], limit: int) -> list[R | IntegrationError]:
    """Return the result or error of `call` for each item, in the order of the items.

    At most `limit` calls run at once. Once one fails because the system is unavailable or denies access, the items that
    have not begun get the same error and are not called. Other exceptions than IntegrationError are raised.
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
    return _run_in_threads(guarded, items, min(limit, len(items)))


def _run_in_threads(call: Callable[[T], R], items: Sequence[T], workers: int) -> list[R]:
    """Process the items in worker threads. After an unexpected exception no further item is begun."""
    waiting: SimpleQueue[int] = SimpleQueue()
    for place in range(len(items)):
        waiting.put(place)
    results: dict[int, R] = {}
    bugs: list[BaseException] = []

    def work() -> None:
        try:
            while not bugs:
                place = waiting.get_nowait()
                results[place] = call(items[place])
        except Empty:
            return
        except BaseException as bug:
            bugs.append(bug)
            raise

    with ThreadPoolExecutor(max_workers=workers) as pool:
        running = [pool.submit(contextvars.copy_context().run, work) for _ in range(workers)]
        for future in running:
            future.result()
    return [results[place] for place in range(len(items))]


class BoundedExecutor(Generic[T, R]):
    """Runs at most `limit` calls at once, in threads. Leaving its `with` block waits for all calls.

    With a limit of one, a call runs in the thread that begins it.
    """

    def __init__(self, call: Callable[[T], R], limit: int) -> None:
        self._call = call
        self._limit = limit
        self._threads = ThreadPoolExecutor(limit) if limit > 1 else None
        self._running: dict[Future[R], T] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._threads is not None:
            self._threads.shutdown()

    def __len__(self) -> int:
        """Return how many calls were begun and not yet returned by `ended`."""
        return len(self._running)

    @property
    def free_slots(self) -> int:
        """Number of calls that may be begun now."""
        return self._limit - len(self)

    def begin(self, items: Sequence[T]) -> None:
        """Begin a call for each item."""
        for item in items:
            if self._threads is None:
                future: Future[R] = Future()
                self._run_now(future, item)
            else:
                future = self._threads.submit(contextvars.copy_context().run, self._call, item)
            self._running[future] = item

    def wait_finished(self, besides: Collection[Future[Any]] = ()) -> list[tuple[T, R | IntegrationError]]:
        """Wait until a call has finished, and return all finished items, each with its result or IntegrationError.

        Other exceptions are raised. A finished future in `besides` ends the wait as well.
        """
        results: list[tuple[T, R | IntegrationError]] = []
        ended = wait([*self._running, *besides], return_when=FIRST_COMPLETED).done
        for future in [call for call in self._running if call in ended]:
            item = self._running.pop(future)
            error = future.exception()
            if error is None:
                results.append((item, future.result()))
            elif isinstance(error, IntegrationError):
                results.append((item, error))
            else:
                raise error
        return results

    def _run_now(self, future: "Future[R]", item: T) -> None:
        try:
            future.set_result(self._call(item))
        except BaseException as error:  # noqa: BLE001 - raised by `ended` later, as with a call in a thread
            future.set_exception(error)


class BackgroundWorker:
    """Runs tasks one after the other in one background thread. Leaving its `with` block waits for all tasks."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.shutdown()

    def begin(self, work: Callable[P, R], *arguments: P.args, **more: P.kwargs) -> Future[R]:
        """Start a task in the context of the caller and return its future."""
        return self._thread.submit(contextvars.copy_context().run, partial(work, *arguments, **more))


def portions(items: Sequence[T], size: int) -> list[Sequence[T]]:
    """Return the items in portions of at most `size`."""
    return [items[start : start + size] for start in range(0, len(items), size)]
