"""How much time has passed."""

import time

from integration.core.clocks import boottime_seconds


def test_time_passes() -> None:
    before = boottime_seconds()
    time.sleep(0.01)
    assert 0.01 <= boottime_seconds() - before < 60
