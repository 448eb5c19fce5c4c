"""Handles the signals that ask a process to end."""

import signal
from collections.abc import Callable
from queue import Empty, SimpleQueue

INTERRUPTIONS = (signal.SIGTERM, signal.SIGINT)
POLL_SECONDS = 1.0  # polling interval where signals do not wake a waiting thread, as on Windows


def interruption_waiter() -> Callable[[], None]:
    """Install handlers for SIGTERM and SIGINT, and return a function that waits for one. For the main thread only.

    A handler may interrupt the waiting thread at any moment. With an event, whose lock that thread may hold at this
    moment, both would deadlock. SimpleQueue is reentrant.
    """
    signals: SimpleQueue[int] = SimpleQueue()
    for number in INTERRUPTIONS:
        signal.signal(number, lambda number, _: signals.put(number))

    def wait() -> None:
        while True:
            try:
                signals.get(timeout=POLL_SECONDS)
            except Empty:
                continue
            return

    return wait
