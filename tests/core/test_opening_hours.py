"""Time counts while the shop is open."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from integration.core.opening_hours import WeekHours, open_between

ZONE = ZoneInfo("Europe/Amsterdam")


def local_time(day: int, hour: int, minute: int = 0) -> datetime:
    """A moment on the wall, in November 2026."""
    return datetime(2026, 11, day, hour, minute, tzinfo=ZONE)


@pytest.mark.parametrize(
    ("start", "end", "hours"),
    [
        (local_time(25, 10), local_time(25, 12), 2),
        (local_time(25, 6), local_time(25, 10), 1),  # before it opens
        (local_time(24, 17), local_time(25, 10), 2),  # over night
        (local_time(28, 17), local_time(30, 10), 2),  # over a Sunday
        (local_time(25, 20), local_time(26, 8), 0),
        (local_time(26, 9), local_time(27, 9, 30), 0.5),  # a holiday
    ],
)
def test_time_counts_while_the_shop_is_open(start: datetime, end: datetime, hours: float) -> None:
    opened = open_between(start, end, WeekHours(), ZONE, lambda day: day == date(2026, 11, 26))
    assert opened == timedelta(hours=hours)


def test_no_day_is_a_holiday_unless_somebody_says_so() -> None:
    assert open_between(local_time(26, 9), local_time(26, 10), WeekHours(), ZONE) == timedelta(hours=1)
