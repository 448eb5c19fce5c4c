"""How a program is asked to end, at whatever moment."""

import signal
from collections.abc import Callable
from queue import Empty, SimpleQueue

INTERRUPTIONS = (signal.SIGTERM, signal.SIGINT)
LOOK_SECONDS = 1.0  # where nothing but the clock wakes a thread that waits, as on Windows


def interruption() -> Callable[[], None]:
    """Take note from here on of whoever asks this process to end, and return what waits for that; for the main thread.

    A handler runs in the thread that waits, at any moment: an event, whose lock that thread may hold just then, would
    have the two wait for each other for ever. This queue is made to be put into at such a moment.
    """
    told: SimpleQueue[int] = SimpleQueue()
    for number in INTERRUPTIONS:
        signal.signal(number, lambda number, _: told.put(number))

    def wait() -> None:
        while True:
            try:
                told.get(timeout=LOOK_SECONDS)
            except Empty:
                continue
            return

    return wait
