"""Clearing accounts read from the ledger of the books, and exceptions for late payouts."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from integration.core.days.period import calendar_month, parse_period
from integration.core.errors import RejectedError
from integration.core.records import Record, Value
from integration.flows.days.settings import DaySettings
from integration.services.daybooks.clearing_accounts import LATE, ClearingAccounts
from integration.services.mappings.mappings import Logics
from integration.store.database import Database
from tests.alerts.test_service import watch
from tests.alerts.transport.receivers import web_server
from tests.core.days.example import DAY
from tests.parts import part
from tests.services.day_harness import DayHarness, an_entry
from tests.stores import new_database

MONTH = calendar_month(DAY)
CARD, CARDS_SOLD = "1010", "1560"
TAKEN = Decimal("1813.98")  # 1269.48 of receipts and 544.50 of an invoice
SETTINGS = DaySettings(
    payout_accounts=(CARD,), balance_accounts=(CARDS_SOLD,), clearing_from=date(2026, 10, 1), payout_late_days=2
)


class Place:
    """The harness of days, booked, with the service of clearing accounts."""

    def __init__(self, days: DayHarness, database: Database) -> None:
        self.days = days
        self.database = database
        self.settings = SETTINGS
        self.clearing = ClearingAccounts(
            days.days, days.stores.issues, days.links, part(Logics, settings=lambda _: self.settings), days.connectors,
            days.clock, ["orders"],
        )  # fmt: skip

    def late_amounts(self) -> list[str]:
        return [group.facts["amount"] for group in self.days.stores.issues.causes("days") if group.cause == LATE]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    database = new_database(tmp_path / "console.sqlite")
    days = DayHarness(database)
    days.run()
    yield Place(days, database)
    database.close()


def bank(day: date, amount: str, page: str, account: str = CARD) -> Record:
    values: dict[str, Value] = {
        "date": day,
        "account": account,
        "amount": Decimal(amount),
        "daybook": "200",
        "page": page,
    }
    return an_entry(f"200/{page}", values)


def test_takings_are_under_way_until_the_bank_pays_them_less_a_fee(place: Place) -> None:
    place.days.books.others = (bank(date(2026, 10, 1), "40", "1"), bank(date(2026, 10, 2), "-40", "2"))
    card, cards_sold = place.clearing.read(MONTH).accounts
    assert card.match is not None
    assert [card.opening, card.takings, card.payouts, card.closing] == [Decimal(40), TAKEN, Decimal(40), TAKEN]
    assert [(taking.date, taking.branch, taking.amount) for taking in card.match.unpaid_takings] == [(DAY, "1", TAKEN)]
    assert (cards_sold.closing, cards_sold.match) == (Decimal(-15), None)
    place.days.books.others += (bank(DAY + timedelta(days=1), "-1800", "3"),)
    card, _ = place.clearing.read(MONTH).accounts
    assert card.match is not None
    assert (card.match.unpaid_takings, card.match.unbooked_fees, card.closing) == (
        (),
        Decimal("13.98"),
        Decimal("13.98"),
    )
    assert place.clearing.report(MONTH) is not None


def test_days_before_the_first_day_are_in_no_balance(place: Place) -> None:
    place.days.books.others = (bank(date(2026, 9, 30), "-500", "1"), bank(date(2026, 10, 1), "40", "2"))
    for period in (MONTH, parse_period("2026-Q4"), parse_period("2026")):
        card, _ = place.clearing.read(period).accounts
        assert (card.opening, card.payouts, card.closing) == (Decimal(40), Decimal(0), 40 + TAKEN)
    card, _ = place.clearing.read(parse_period("2026-09")).accounts
    assert (card.closing, card.days) == (Decimal(0), ())


def test_each_row_of_a_bank_page_is_a_payout(place: Place) -> None:
    paid, fee = (bank(DAY + timedelta(days=1), amount, "7") for amount in ("-1800", "-13.98"))
    place.days.books.others = (paid, replace(fee, key="200/7/2"))
    card, _ = place.clearing.read(MONTH).accounts
    assert card.match is not None
    (settlement,) = card.match.settlements
    assert [payout.amount for payout in settlement.payouts] == [Decimal(1800)]
    assert (settlement.fee, settlement.fee_page, card.closing) == (Decimal("13.98"), "200/7", Decimal(0))


def test_a_late_payout_is_an_exception_until_it_comes(place: Place) -> None:
    place.days.clock.now += timedelta(days=1)
    place.clearing.check()
    assert place.late_amounts() == []
    place.days.clock.now += timedelta(days=2)
    place.clearing.check()
    assert place.late_amounts() == [str(TAKEN)]
    assert len(place.days.days.listed(MONTH.first, MONTH.last)) == 1  # the exception is no day
    place.days.books.others = (bank(DAY + timedelta(days=3), f"-{TAKEN}", "1"),)
    place.clearing.check()
    assert place.late_amounts() == []


def test_accounts_that_are_not_set_are_not_read(place: Place) -> None:
    place.settings = DaySettings()
    with pytest.raises(RejectedError) as error:
        place.clearing.read(MONTH)
    assert error.value.code == "clearing_not_set"
    assert place.clearing.report(MONTH) is None


def test_a_day_that_is_not_booked_is_named(tmp_path: Path) -> None:
    database = new_database(tmp_path / "console.sqlite")
    place = Place(DayHarness(database), database)
    place.days.days.check(DAY, "1")
    report = place.clearing.read(MONTH)
    assert [day.key for day in report.unbooked] == [f"{DAY}/1"]
    place.days.run()
    assert place.clearing.read(MONTH).unbooked == ()
    database.close()


def test_the_nightly_check_of_a_late_payout_sends_an_alert_and_its_end(place: Place, tmp_path: Path) -> None:
    place.settings = SETTINGS.model_copy(update={"on": True})
    with web_server() as hook:
        watching = watch(place.database, place.days.clock, tmp_path)
        watching.hook(hook)
        place.clearing.page("")
        watching.look()
        assert hook.titles == []
        place.days.clock.now += timedelta(days=3)
        place.clearing.page("")
        watching.look()
        assert [title.split(" · ")[:2] for title in hook.titles] == [["Warning", "Closed days"]]
        place.days.books.others = (bank(DAY + timedelta(days=3), f"-{TAKEN}", "1"),)
        place.clearing.page("")
        watching.look()
        place.days.clock.now += timedelta(minutes=2)
        watching.look()
        assert [title.split(" · ")[0] for title in hook.titles] == ["Warning", "Resolved"]
