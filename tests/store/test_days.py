"""The result of the last check of each day."""

from datetime import date
from typing import Any

from integration.store.database import Database
from integration.store.days import DayCheckResult, DayChecks
from tests.clocks import Clock

RESULT: dict[str, Any] = {"rows": [["vat", "1", "315.04", None]]}


def test_the_last_check_of_a_day_takes_the_place_of_the_one_before(database: Database, clock: Clock) -> None:
    checks = DayChecks(database, clock)

    def check_result(day: int, branch: str, state: str) -> DayCheckResult:
        return DayCheckResult(date(2026, 10, day), branch, state, clock(), RESULT)

    first, other = check_result(17, "1", "booked"), check_result(17, "2", "equal")
    checks.keep([first, other])
    clock.advance(60)
    newest, late = check_result(17, "1", "different"), check_result(31, "1", "open")
    checks.keep([newest, late])
    checks.keep([])
    assert checks.in_period(date(2026, 10, 1), date(2026, 10, 31)) == [newest, other, late]
    assert checks.in_period(date(2026, 10, 17), date(2026, 10, 30), "1") == [newest]
    assert checks.newest_of_branches() == {"1": late, "2": other}
    assert checks.in_period(date(2026, 9, 1), date(2026, 10, 16)) == []
