"""Clocks measure the time that has passed."""

import time
from datetime import UTC

from integration.core.clocks import boottime_seconds, now


def test_time_passes() -> None:
    before = boottime_seconds()
    time.sleep(0.01)
    assert 0.01 <= boottime_seconds() - before < 60


def test_the_present_moment_is_in_utc_and_goes_on() -> None:
    before = now()
    assert before.tzinfo is UTC
    assert before <= now()
