"""Time limits of tests. They are long, because the machine may be busy."""

import time
from collections.abc import Callable

SECONDS = 180.0
LONGEST = 1800  # seconds that a test may take which waits for a browser or for other processes
LONGEST_PAUSE = 0.2  # seconds between two looks
LATE = 2  # seconds in which something that is late is surely asked for before it comes


def wait_until(reached: Callable[[], bool], description: str, seconds: float = SECONDS, *, pause: float = 0.02) -> None:
    """Poll a condition fifty times a second, later less often, until it holds."""
    begun = time.monotonic()
    while not reached():
        waited = time.monotonic() - begun
        assert waited < seconds, f"never came: {description}"
        time.sleep(max(pause, min(LONGEST_PAUSE, waited / 4)))
