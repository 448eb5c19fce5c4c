"""Clocks: the current time, and the time since the machine started."""

import time
from datetime import UTC, datetime


def now() -> datetime:
    """Return the current time in UTC."""
    return datetime.now(UTC)


def boottime_seconds() -> float:
    """Return seconds of a clock that cannot be set. It includes sleep of the machine where possible."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()
