"""Periods by name, and the sums of their days."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from integration.core.days.check import DayComparison
from integration.core.days.period import (
    PeriodDay,
    calendar_month,
    calendar_quarter,
    calendar_year,
    date_range,
    parse_period,
    sums_of_days,
    turnover_of,
)
from integration.core.days.report import DayState
from integration.core.days.turnover import AccountTurnover

AT = datetime(2026, 12, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "first", "last", "before", "after"),
    [
        ("2026-02", "2026-02-01", "2026-02-28", "2026-01", "2026-03"),
        ("2026-12", "2026-12-01", "2026-12-31", "2026-11", "2027-01"),
        ("2026-Q1", "2026-01-01", "2026-03-31", "2025-Q4", "2026-Q2"),
        ("2024", "2024-01-01", "2024-12-31", "2023", "2025"),
        ("2026-11-03..2026-11-20", "2026-11-03", "2026-11-20", "2026-10-16..2026-11-02", "2026-11-21..2026-12-08"),
    ],
)
def test_a_period_is_read_from_its_name_and_has_neighbours(
    name: str, first: str, last: str, before: str, after: str
) -> None:
    period = parse_period(name)
    assert (period.name, period.first.isoformat(), period.last.isoformat()) == (name, first, last)
    assert (period.shifted(-1).name, period.shifted(1).name) == (before, after)


@pytest.mark.parametrize(
    "name",
    ["", "2026-13", "2026-00", "2026-Q5", "1999", "2101-01", "x..y", "2026-02-30..2026-03-01", "2026-03-02..2026-03-01",
     "2025-01-01..2026-12-31", "0001-01-01..0001-02-01"],
)  # fmt: skip
def test_another_text_is_no_period(name: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - any text may be in an address
        parse_period(name)


def test_a_day_is_in_a_month_a_quarter_and_a_year() -> None:
    day = date(2024, 2, 29)
    assert [calendar_period(day).name for calendar_period in (calendar_month, calendar_quarter, calendar_year)] == [
        "2024-02",
        "2024-Q1",
        "2024",
    ]
    assert calendar_month(day).a_year_before().name == "2023-02"
    assert date_range(day, day).a_year_before().first == date(2023, 2, 28)
    assert len(calendar_month(day).days(day)) == 29
    assert calendar_month(day).days(date(2024, 1, 1)) == []
    with pytest.raises(ValueError, match="1999"):
        parse_period("2000").shifted(-1)


def a_day(number: int, *rows: DayComparison, branch: str = "1", turnover: str = "") -> PeriodDay:
    sold = (AccountTurnover("10", "Fietsen", "8000", Decimal(turnover)),) if turnover else ()
    return PeriodDay(date(2026, 11, number), branch, f"Filiaal {branch}", DayState.EQUAL, AT, rows, turnover=sold)


def figure(about: str, code: str, till: str | None, books: str | None) -> DayComparison:
    return DayComparison(about, code, *(None if amount is None else Decimal(amount) for amount in (till, books)))


def test_days_of_which_a_side_is_not_known_are_in_neither_sum() -> None:
    known_day, unknown = a_day(1, figure("vat", "1", "21.00", "20.00")), a_day(2, figure("vat", "1", "4.00", None))
    (row,) = sums_of_days([known_day, unknown], "base", "vat")
    assert (row.till, row.books, row.difference) == (Decimal("21.00"), Decimal("20.00"), Decimal("-1.00"))
    assert (row.days, row.unknown, row.compared.larger_side) == ((known_day,), (unknown,), "till")
    (alone,) = sums_of_days([unknown], "vat")
    assert (alone.till, alone.books) == (Decimal("4.00"), None)


def test_taxable_amount_comes_before_vat_of_each_code() -> None:
    rows = [figure("vat", "2", "1", "1"), figure("base", "1", "1", "1"), figure("vat", "1", "1", "1")]
    sums = sums_of_days([a_day(1, *rows)], "base", "vat")
    assert [(row.key, row.about) for row in sums] == [("1", "base"), ("1", "vat"), ("2", "vat")]


def test_turnover_is_beside_that_of_another_period_even_if_one_of_them_has_none() -> None:
    now, before = [a_day(1, turnover="10.00"), a_day(2, turnover="-2.50")], [a_day(3, turnover="4.00", branch="2")]
    rows = [
        (turnover.branch, turnover.amount, turnover.before, turnover.change) for turnover in turnover_of(now, before)
    ]
    assert rows == [
        ("1", Decimal("7.50"), Decimal(0), Decimal("7.50")), ("2", Decimal(0), Decimal("4.00"), Decimal("-4.00")),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("till", "books", "larger"),
    [
        ("21.00", "20.00", "till"),
        ("-4.00", "-5.00", "books"),
        ("3.00", "-3.00", ""),
        (None, "3.00", ""),
        ("3.00", None, ""),
    ],
)
def test_a_difference_says_which_side_has_more(till: str | None, books: str | None, larger: str) -> None:
    assert figure("vat", "1", till, books).larger_side == larger


def test_a_day_is_known_by_its_date_and_branch() -> None:
    assert a_day(3, branch="12").key == "2026-11-03/12"
