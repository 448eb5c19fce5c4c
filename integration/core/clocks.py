"""A clock that nobody sets, for how much time has passed."""

import time


def since_boot() -> float:
    """Return a number of seconds that goes on while the machine sleeps, where the system can tell."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()
