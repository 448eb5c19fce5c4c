"""Timetables: when a flow runs."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from integration.core.run import Mode
from integration.core.timetable import WALL_CLOCK, Schedule, Timetable, crons, next_time

HERE = ZoneInfo(WALL_CLOCK)
CHRISTMAS = date(2026, 12, 25)
NIGHTS = Timetable(60, time(22), time(2))
SHOP = Timetable(5, time(7), time(22), frozenset(range(6)), skipped_holidays="NL")


def is_holiday(country: str, day: date) -> bool:
    return (country, day) == ("NL", CHRISTMAS)


def local_time(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=HERE)


def next_starts(table: Timetable, now: datetime, number: int) -> list[str]:
    """Return the next times, as the clock on the wall shows them."""
    times = []
    for _ in range(number):
        due = table.next_start(now, HERE, is_holiday)
        assert due is not None
        now = due
        times.append(f"{now.astimezone(HERE):%d %H:%M}")
    return times


@pytest.mark.parametrize(
    ("table", "now", "due"),
    [
        (Timetable(5), "2026-11-25 09:41:30", ["25 09:45", "25 09:50"]),
        (Timetable(45), "2026-11-25 08:00:00", ["25 08:15", "25 09:00", "25 09:45", "25 10:30"]),
        (Timetable(7), "2026-11-25 23:50:00", ["25 23:55", "26 00:00", "26 00:07"]),
        (Timetable(90, time(7, 10)), "2026-11-25 07:00:00", ["25 07:10", "25 08:40", "25 10:10"]),
        (SHOP, "2026-11-25 21:55:00", ["25 22:00", "26 07:00"]),
        (SHOP, "2026-11-28 22:00:00", ["30 07:00"]),  # no Sunday
        (SHOP, "2026-12-24 22:00:00", ["26 07:00"]),  # no holiday
        (NIGHTS, "2026-11-25 22:30:00", ["25 23:00", "26 00:00", "26 01:00", "26 02:00", "26 22:00"]),
        (Timetable(1440, time(3)), "2026-11-25 22:30:00", ["26 03:00", "27 03:00"]),
    ],
)  # fmt: skip
def test_the_next_times_are_those_of_the_shop(table: Timetable, now: str, due: list[str]) -> None:
    assert next_starts(table, local_time(now), len(due)) == due


def test_an_hour_that_is_left_out_brings_nothing_and_one_that_comes_twice_is_run_twice() -> None:
    assert next_starts(Timetable(30), local_time("2026-03-29 01:00:00"), 3) == ["29 01:30", "29 03:00", "29 03:30"]
    assert next_starts(Timetable(30), local_time("2026-10-25 01:30:00"), 6) == [
        "25 02:00", "25 02:30", "25 02:00", "25 02:30", "25 03:00", "25 03:30",
    ]  # fmt: skip


def test_what_is_never_due_has_no_next_time() -> None:
    never = Timetable(5, weekdays=frozenset())
    assert never.next_start(local_time("2026-11-25 09:00:00"), HERE, is_holiday) is None
    assert never.previous_start(local_time("2026-11-25 09:00:00"), HERE, is_holiday, 3) is None


@pytest.mark.parametrize(
    ("now", "rounds", "began"),
    [
        ("2026-11-25 09:41:30", 1, "25 09:40"),
        ("2026-11-25 09:41:30", 3, "25 09:30"),
        ("2026-11-25 07:05:00", 3, "24 22:00"),
        ("2026-11-30 07:02:00", 2, "28 22:00"),
    ],
)
def test_rounds_that_were_due_are_counted_back(now: str, rounds: int, began: str) -> None:
    start = SHOP.previous_start(local_time(now), HERE, is_holiday, rounds)
    assert start is not None
    assert f"{start.astimezone(HERE):%d %H:%M}" == began


@pytest.mark.parametrize(
    ("table", "line"),
    [
        (Timetable(5), "0 */5 * * * *"),
        (SHOP, "0 */5 7-22 * * 1,2,3,4,5,6"),
        (Timetable(45), "0 */15 * * * *"),
        (Timetable(7), "0 */1 * * * *"),
        (Timetable(90, time(7, 10)), "0 10,40 * * * *"),
        (Timetable(120, time(8), time(8, 30)), "0 0 8 * * *"),
        (Timetable(60, time(22), time(2)), "0 0 * * * *"),
    ],
)
def test_it_is_woken_whenever_it_is_due(table: Timetable, line: str) -> None:
    if table.begins == time(7, 10):
        line = "0 10,40 7-23 * * *"
    assert table.cron == line
    assert table.is_exact is (table == Timetable(5))
    now, end = local_time("2026-11-22 00:00:00"), local_time("2026-11-29 00:00:00")
    due = []
    while (start := table.next_start(now, HERE, is_holiday)) is not None and start < end:
        now = start
        due.append(start.astimezone(HERE))
    assert due
    assert all(is_woken(line, moment) for moment in due)


def is_woken(line: str, at: datetime) -> bool:
    """Return True if a line of cron includes a moment."""
    _, minutes, hours, _, _, days = line.split()
    return is_in(minutes, at.minute) and is_in(hours, at.hour) and is_in(days, (at.weekday() + 1) % 7)


def is_in(field: str, value: int) -> bool:
    if field.startswith("*"):
        return value % int(field[2:] or 1) == 0
    ranges = [part.partition("-") for part in field.split(",")]
    return any(int(first) <= value <= int(last or first) for first, _, last in ranges)


def test_a_moment_is_due_or_not() -> None:
    assert SHOP.is_due(local_time("2026-11-25 07:05:30"), HERE, is_holiday)
    assert not SHOP.is_due(local_time("2026-11-25 07:06:00"), HERE, is_holiday)
    assert not SHOP.is_due(local_time("2026-11-25 22:05:00"), HERE, is_holiday)
    assert not SHOP.is_due(local_time("2026-11-29 07:05:00"), HERE, is_holiday)
    assert not SHOP.is_due(local_time("2026-12-25 07:05:00"), HERE, is_holiday)


def test_schedules_are_written_by_the_clock_on_the_wall_of_the_shop() -> None:
    assert datetime(2026, 7, 1, tzinfo=ZoneInfo(WALL_CLOCK)).utcoffset() == timedelta(hours=2)


def test_what_changed_and_everything_are_two_schedules_of_a_flow() -> None:
    often, nightly = (Schedule("products", "0 0 3 * * *", mode) for mode in (Mode.CHANGES, Mode.COMPLETE))
    assert len({often, nightly}) == 2


def utc_time(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def is_no_holiday(*_: object) -> bool:
    return False


def test_without_a_night_the_next_run_is_that_of_the_timetable() -> None:
    assert next_time(Timetable(5), utc_time("2026-11-25 09:41:30"), HERE, is_no_holiday, nightly=False) == utc_time(
        "2026-11-25 09:45:00"
    )


def test_the_run_of_the_night_is_next_when_it_comes_first() -> None:
    assert next_time(Timetable(59), utc_time("2026-11-25 01:01:00"), HERE, is_no_holiday, nightly=True) == utc_time(
        "2026-11-25 01:17:30"
    )
    assert next_time(Timetable(5), utc_time("2026-11-25 01:17:31"), HERE, is_no_holiday, nightly=True) == utc_time(
        "2026-11-25 01:20:00"
    )


def test_the_night_is_that_of_the_shop_in_summer_too() -> None:
    assert next_time(Timetable(59), utc_time("2026-07-01 00:01:00"), HERE, is_no_holiday, nightly=True) == utc_time(
        "2026-07-01 00:17:30"
    )


def test_a_schedule_without_a_night_has_one_line() -> None:
    assert crons(Timetable(5), nightly=False) == ["0 */5 * * * *"]
    assert crons(Timetable(5), nightly=True) == ["0 */5 * * * *", "30 17 2 * * *"]
