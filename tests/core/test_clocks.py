"""How much time has passed."""

import time

from integration.core.clocks import since_boot


def test_time_passes() -> None:
    before = since_boot()
    time.sleep(0.01)
    assert 0.01 <= since_boot() - before < 60
