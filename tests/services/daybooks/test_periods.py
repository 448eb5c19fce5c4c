"""Periods of days: known figures, other entries in the books, and unknown figures."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from integration.core.days.period import calendar_month, date_range
from integration.core.days.report import DayState
from integration.core.days.vat_return import VatBox
from integration.core.errors import RejectedError, UnavailableError
from integration.core.issues import Issue, IssueOccurrence
from integration.core.links import Link
from integration.core.records import Kind, Record, Unreadable, Value
from integration.flows.days.settings import DaySettings
from integration.flows.days.spec import DAYS
from integration.flows.orders.settings import OrderSettings
from integration.flows.orders.spec import ORDERS
from integration.services.daybooks.period_sheets import PeriodTables
from integration.services.daybooks.periods import Origin, Periods
from integration.services.mappings.code_lists import CodeLists
from integration.services.mappings.mappings import Logics
from integration.store.rules import MappingStore
from tests.core.days.example import BOOKS, DAY
from tests.parts import part
from tests.services.day_harness import KEY, DayHarness, an_entry, october
from tests.stores import new_database

MONTH = calendar_month(DAY)
LISTS = {"vat_rates": {"1": "21.00", "2": "9.00", "3": "0.00", "4": "0.00"}, "vat_accounts": dict(BOOKS.vat_accounts)}
TABLES = {"vat_codes_sales": {"2": "1", "1": "2", "DE:2:no": "9", "GR:2:no": "9"}, "purchase_vat_codes": {"2": "6"}}


class Place:
    """The harness of days with the service of periods."""

    def __init__(self, database: Any) -> None:
        self.days = DayHarness(database)
        self.days.books.offered["vat_accounts"] = LISTS["vat_accounts"]
        self.lists = {name: dict(codes) for name, codes in LISTS.items()}
        self.settings: Mapping[str, Any] = {"days": DaySettings(), "orders": OrderSettings()}
        self.periods = Periods(
            self.days.days,
            self.days.links,
            part(MappingStore, tables=lambda: TABLES),
            part(CodeLists, captions=lambda _, name, **_more: self.lists.get(name, {})),
            part(
                Logics,
                settings=lambda flow: self.settings[flow],
                home_country=lambda: self.settings["orders"].default_country,
            ),
            self.days.connectors,
            self.days.clock,
            {"days": DAYS, "orders": ORDERS},
        )


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """The worked-out day, closed at the till and not booked."""
    database = new_database(tmp_path / "console.sqlite")
    yield Place(database)
    database.close()


@pytest.fixture
def booked_place(place: Place) -> Place:
    """The day, booked and compared."""
    place.days.run()
    place.days.days.check(DAY, "1")
    return place


def vat(place: Place, branch: str = "") -> dict[tuple[str, str], tuple[Decimal, Decimal | None]]:
    return {(row.about, row.key): (row.till, row.books) for row in place.periods.report(MONTH, branch).vat}


EXPECTED = {
    ("base", "1"): Decimal("1500.09"), ("vat", "1"): Decimal("315.04"), ("base", "2"): Decimal("273.88"),
    ("vat", "2"): Decimal("24.64"), ("base", "3"): Decimal("55.00"), ("vat", "3"): Decimal(0),
}  # fmt: skip


def test_a_booked_month_is_equal_to_the_worked_out_example(booked_place: Place) -> None:
    assert vat(booked_place) == {key: (amount, amount) for key, amount in EXPECTED.items()}
    report = booked_place.periods.report(MONTH)
    assert sum(row.amount for row in report.turnover) == Decimal("1828.97")
    assert {row.key for row in report.accounts} == {row.account for row in report.turnover}
    assert all(not row.difference for row in report.accounts)
    assert (len(report.days), report.without_figures, report.different) == (1, [], [])
    assert report.days[0].documents["2"]  # the receipts behind the low rate
    assert not report.is_equal  # other days of the month were never compared
    assert booked_place.periods.report(date_range(DAY, DAY)).is_equal
    assert vat(booked_place, "2") == {}


def test_a_day_that_is_not_booked_is_a_difference_of_everything(place: Place) -> None:
    place.days.days.check(DAY, "1")
    assert vat(place) == {key: (amount, Decimal(0)) for key, amount in EXPECTED.items()}
    assert {day.state for day in place.periods.report(MONTH).different} == {DayState.CLOSED}


def test_turnover_on_another_account_is_a_difference_with_its_amount(booked_place: Place) -> None:
    report = booked_place.periods.report(date_range(DAY, DAY))
    (day,), account = report.days, report.accounts[0]
    assert account.books is not None
    moved = account.books + Decimal("12.50")
    rows = tuple(
        replace(row, books=moved) if (row.about, row.key) == (account.about, account.key) else row for row in day.rows
    )
    changed = replace(
        report, days=(replace(day, rows=rows),), accounts=(replace(account, books=moved), *report.accounts[1:])
    )
    assert (changed.is_equal, [row.key for row in changed.different]) == (False, [KEY])
    assert PeriodTables(changed, "en", UTC, {}, {}).verdict() == "Different 12.50"


def test_a_day_booked_since_its_check_is_in_no_figure_and_is_named(place: Place) -> None:
    place.days.days.check(DAY, "1")
    place.days.run()
    report = place.periods.report(MONTH)
    assert (report.vat, [day.key for day in report.without_figures]) == ((), [KEY])


def test_days_that_nobody_compared_are_counted(place: Place) -> None:
    report = place.periods.report(MONTH)
    assert report.never_checked == 18  # up to the day it is, in one branch
    place.days.days.check(DAY, "1")
    assert place.periods.report(MONTH).never_checked == 17


def test_turnover_is_beside_the_period_before_or_the_year_before(booked_place: Place) -> None:
    after = booked_place.periods.report(MONTH.shifted(1))
    assert sum(row.before for row in after.turnover) == Decimal("1828.97")
    assert booked_place.periods.report(MONTH.shifted(12), a_year_before=True).against == MONTH


def foreign_entry(number: int, on: date, code: str, account: str, amount: str, **values: Value) -> Record:
    defaults: dict[str, Value] = {
        "date": on,
        "account": account,
        "amount": Decimal(amount),
        "vat_code": code,
        "daybook": "700",
        "page": "7",
    }
    return an_entry(str(number), {**defaults, **values})


def test_what_is_in_the_books_besides_is_shown_apart_by_where_it_comes_from(booked_place: Place) -> None:
    booked_place.days.books.others = (
        foreign_entry(1, october(3), "1", "8000", "-100.00", text="Verkoop", changed_by="KARIN"),
        foreign_entry(2, october(3), "1", "1500", "-21.00"),
        foreign_entry(3, october(4), "", "1500", "5.00", page="8"),  # no code: in no return
        foreign_entry(4, october(5), "6", "7000", "50.00", page="9"),
        foreign_entry(5, october(5), "6", "1530", "10.50", page="9"),
        foreign_entry(6, october(6), "1", "8000", "-10.00", page="10"),
        foreign_entry(7, october(7), "2", "8040", "-20.00", page="11"),
    )
    booked_place.days.books.offered["vat_accounts"] = {**LISTS["vat_accounts"], "6": "1530"}
    agreed = Record(Kind.POSTING, "receipt:1", {"reference": "MR1"})
    booked_place.days.links.keep("orders", [Link(Kind.POSTING, "receipt:1", "700/10", agreed)])
    page = Record(Kind.DAY_PAGE, "2026-09-30/1", {"reference": "MZ6093000100", "date": october(7)})
    booked_place.days.links.keep("days", [Link(Kind.DAY_PAGE, "2026-09-30/1", "700/11", page)])
    assert booked_place.periods.books(MONTH) is None
    reported_days: list[date] = []
    books = booked_place.periods.read_books(MONTH, reported_days.append)
    assert reported_days == [october(1)]
    assert {key: (amounts.excl, amounts.vat) for key, amounts in books.sums.items() if amounts} == {
        (Origin.DAYS, "1"): (Decimal("1500.09"), Decimal("315.04")),
        (Origin.DAYS, "2"): (Decimal("273.88"), Decimal("24.64")),
        (Origin.DAYS, "3"): (Decimal("55.00"), Decimal(0)),
        (Origin.FOREIGN, "1"): (Decimal("100.00"), Decimal("21.00")),
        (Origin.FOREIGN, "6"): (Decimal("-50.00"), Decimal("-10.50")),
        (Origin.DOCUMENTS, "1"): (Decimal("10.00"), Decimal(0)),
        (Origin.OTHER_DAYS, "2"): (Decimal("20.00"), Decimal(0)),
    }
    assert [(row.page, row.code, row.by) for row in books.foreign] == [("700/7", "1", "KARIN"), ("700/9", "6", "")]
    report = booked_place.periods.report(MONTH)
    assert report.books is booked_place.periods.books(MONTH) is books
    boxes = {line.box: line.books for line in report.lines}
    assert (boxes[VatBox.NL_1A].base, boxes[VatBox.NL_5B].vat) == (Decimal("1610.09"), Decimal("10.50"))  # type: ignore[union-attr]
    assert report.totals(of_books=True) == (Decimal("360.68"), Decimal("10.50"))
    assert booked_place.periods.report(MONTH, "1").books is None  # entries of others have no branch


def test_books_that_cannot_be_asked_leave_the_last_answer(booked_place: Place) -> None:
    books = booked_place.periods.read_books(MONTH)
    booked_place.days.books.has_ledger = False
    with pytest.raises(RejectedError):
        booked_place.periods.read_books(MONTH)
    booked_place.days.books.has_ledger = True
    booked_place.days.books.go_away()
    with pytest.raises(UnavailableError):
        booked_place.periods.read_books(MONTH)
    assert booked_place.periods.books(MONTH) is books


def test_entries_that_cannot_be_read_are_counted(booked_place: Place) -> None:
    broken = Unreadable(Kind.ENTRY, "1", {"date": DAY}, field="amount", raw_value="x")
    booked_place.days.books.others = (broken,)
    assert booked_place.periods.read_books(MONTH).unreadable == 1


def test_a_code_of_consumers_in_another_country_is_of_the_oss_return(booked_place: Place) -> None:
    booked_place.lists["vat_rates"]["9"] = "21.00"
    boxes = booked_place.periods.boxes()
    assert (boxes.country, boxes.box("9"), boxes.oss) == ("NL", VatBox.OSS, {"9": ("DE", "GR")})
    booked_place.settings = {**booked_place.settings, "orders": OrderSettings(default_country="DE")}
    assert booked_place.periods.boxes().country == "DE"
    assert booked_place.periods.boxes().oss == {}
    booked_place.settings = {**booked_place.settings, "orders": OrderSettings(default_country="BE")}
    assert booked_place.periods.boxes().country == ""


def test_a_name_that_is_no_period_is_the_month_that_needs_attention(booked_place: Place) -> None:
    assert booked_place.periods.period("never") == MONTH
    assert booked_place.periods.period("2026-Q1").name == "2026-Q1"


def test_days_open_on_the_last_difference_or_the_last_closed_day(booked_place: Place) -> None:
    days, store = booked_place.days.days, booked_place.days.stores.days
    assert days.day_of_interest() == DAY
    (day,) = store.in_period(DAY, DAY)
    store.keep([replace(day, date=october(10), state=DayState.DIFFERENT)])
    assert days.day_of_interest() == october(10)
    store.keep([replace(day, date=october(10), state=DayState.OPEN), replace(day, state=DayState.WAITING)])
    assert days.day_of_interest() == DAY  # it is booked
    issue = Issue("day_gap", f"{october(18).isoformat()}/1")
    booked_place.days.stores.issues.open(days.flow, "run", [IssueOccurrence(issue, Kind.DAY)])
    assert days.day_of_interest() == october(18)  # a plan parked it
    booked_place.days.clock.advance(60 * 60 * 24 * 60)
    store.keep([replace(day, date=october(11), state=DayState.DIFFERENT)])
    assert days.day_of_interest() == october(11)  # the last closed day; its difference is old
