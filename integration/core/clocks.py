"""Clocks: the present moment, and the time that has passed since the machine started."""

import time
from datetime import UTC, datetime


def now() -> datetime:
    """Return the present moment, in UTC."""
    return datetime.now(UTC)


def boottime_seconds() -> float:
    """Return seconds of a clock that nobody sets. It goes on while the machine sleeps, where the system can tell."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()
