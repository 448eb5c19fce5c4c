"""Schedules: by which clock flows run."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from integration.core.run import Mode
from integration.core.schedule import WALL_CLOCK, Schedule, crons, next_time


def test_schedules_are_written_by_the_clock_on_the_wall_of_the_shop() -> None:
    assert datetime(2026, 7, 1, tzinfo=ZoneInfo(WALL_CLOCK)).utcoffset() == timedelta(hours=2)


def test_what_changed_and_everything_are_two_schedules_of_a_flow() -> None:
    often, nightly = (Schedule("products", "0 0 3 * * *", mode) for mode in (Mode.CHANGES, Mode.COMPLETE))
    assert len({often, nightly}) == 2


HERE = ZoneInfo(WALL_CLOCK)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("minutes", "now", "due"),
    [
        (5, "2026-11-25 09:41:30", "2026-11-25 09:45:00"),
        (5, "2026-11-25 09:45:00", "2026-11-25 09:50:00"),
        (7, "2026-11-25 09:57:00", "2026-11-25 10:00:00"),
        (1, "2026-11-25 23:59:59", "2026-11-26 00:00:00"),
    ],
)
def test_the_next_run_is_on_the_minutes_of_the_hour(minutes: int, now: str, due: str) -> None:
    assert next_time(minutes, at(now), HERE, nightly=False) == at(due)


def test_the_run_of_the_night_is_next_when_it_comes_first() -> None:
    assert next_time(59, at("2026-11-25 01:01:00"), HERE, nightly=True) == at("2026-11-25 01:17:30")
    assert next_time(5, at("2026-11-25 01:17:31"), HERE, nightly=True) == at("2026-11-25 01:20:00")


def test_the_night_is_that_of_the_shop_in_summer_too() -> None:
    assert next_time(59, at("2026-07-01 00:01:00"), HERE, nightly=True) == at("2026-07-01 00:17:30")


def test_a_schedule_without_a_night_has_one_line() -> None:
    assert crons(5, nightly=False) == ["0 */5 * * * *"]
    assert crons(5, nightly=True) == ["0 */5 * * * *", "30 17 2 * * *"]
