"""When a flow runs next, and its numbers as a monitor reads them."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from integration.services.flows import Gauge, crons, exposition, next_time

HERE = ZoneInfo("Europe/Amsterdam")


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


def test_gauges_are_told_with_what_they_mean_and_their_labels() -> None:
    told = exposition(
        [Gauge("parked", "Records that wait.", {'flow="products"': 21}), Gauge("waiting", "Events.", {"": 0})]
    )

    assert told == (
        '# HELP parked Records that wait.\n# TYPE parked gauge\nparked{flow="products"} 21\n'
        "# HELP waiting Events.\n# TYPE waiting gauge\nwaiting 0\n"
    )
