"""Schedules: by which clock flows run."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from integration.core.run import Mode
from integration.core.schedule import WALL_CLOCK, Schedule


def test_schedules_are_written_by_the_clock_on_the_wall_of_the_shop() -> None:
    assert datetime(2026, 7, 1, tzinfo=ZoneInfo(WALL_CLOCK)).utcoffset() == timedelta(hours=2)


def test_what_changed_and_everything_are_two_schedules_of_a_flow() -> None:
    often, nightly = (Schedule("products", "0 0 3 * * *", mode) for mode in (Mode.CHANGES, Mode.COMPLETE))
    assert len({often, nightly}) == 2
