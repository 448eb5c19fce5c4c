"""Tables of clearing accounts: balances, their parts, open entries, payouts with fees, and days without a page."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from integration.core.days.clearing import ClearingRules, Payout, Taking, clearing_account, match_payouts
from integration.core.days.period import calendar_month
from integration.core.days.report import DayState
from integration.services.daybooks.clearing_accounts import ClearingReport
from integration.services.daybooks.clearing_sheets import ClearingTables
from integration.services.daybooks.days import DayListed


def november(day: int) -> date:
    return date(2026, 11, day)


@pytest.fixture
def tables() -> ClearingTables:
    """An account: 5.00 at first, 100.00 paid less 1.00, 50.00 late, 20.00 in transit, 7.00 without takings."""
    takings = [
        Taking(november(day), "1", Decimal(amount), f"600/{day}") for day, amount in ((2, 100), (3, 50), (9, 20))
    ]
    payouts = [Payout(november(4), Decimal(99), "200/1"), Payout(november(20), Decimal(7), "200/2")]
    account = clearing_account("1010", Decimal(5), takings, payouts, november(1), ClearingRules())
    cards = clearing_account("1560", Decimal(0), takings[:1], [], november(1), None)
    parked = DayListed(november(5), "2", "Amersfoort", DayState.PARKED)
    read_at = datetime(2026, 11, 10, 8, tzinfo=UTC)
    report = ClearingReport(
        calendar_month(november(1)),
        november(10),
        read_at,
        (account, cards),
        november(1),
        0,
        (parked,),
        {"1": "Utrecht"},
    )
    return ClearingTables(report, "en", UTC, {"1010": "Pin onderweg"})


def test_the_parts_add_up_to_the_closing_balance(tables: ClearingTables) -> None:
    account, _ = tables.report.accounts
    assert account.match is not None
    for sheet_table in (tables.balances(account), tables.balance_parts(account, account.match)):
        assert sum(row[1] for row in sheet_table.rows) == sheet_table.sums[1] == account.closing == 69  # type: ignore[misc]
    assert [row[1] for row in tables.balance_parts(account, account.match).rows] == [5, 70, 1, -7]


def test_open_entries_are_oldest_first_and_late_ones_are_marked(tables: ClearingTables) -> None:
    account, _ = tables.report.accounts
    assert account.match is not None
    rows = tables.open_entries(account, account.match).rows
    assert [(row[0], row[1], row[2], row[4]) for row in rows] == [
        (november(3), "Utrecht", 50, "Late"), (november(9), "Utrecht", 20, "Under way"),
        (november(20), "", -7, "Payout without takings"),
    ]  # fmt: skip
    assert tables.verdict() == "Under way: 70.00, late days: 1"


def test_movements_are_debit_and_credit_like_the_balance(tables: ClearingTables) -> None:
    account, _ = tables.report.accounts
    table = tables.text_table(tables.movements(account))
    assert [list(row.values())[1:4] for row in table.rows[-2:]] == [
        ["0.00", "7.00 Cr", "69.00 Dr"], ["170.00 Dr", "106.00 Cr", "69.00 Dr"],
    ]  # fmt: skip


def test_payouts_have_takings_and_fees_with_sums(tables: ClearingTables) -> None:
    account, _ = tables.report.accounts
    assert account.match is not None
    table = tables.payouts(account.match)
    assert [row[2:6] for row in (*table.rows, table.sums)] == [("Utrecht", 100, 99, 1), (None, 100, 99, 1)]


def test_payouts_of_days_before_the_first_day_are_named(tables: ClearingTables) -> None:
    payouts = [Payout(november(3), Decimal(90), "200/3"), Payout(november(4), Decimal(11), "200/4")]
    account = clearing_account(
        "1010", Decimal(50), [Taking(november(2), "1", Decimal(40))], payouts, november(1), ClearingRules()
    )
    assert account.match is not None
    (settled,) = tables.payouts(account.match).rows
    assert str(settled[1]).startswith("Opening balance, ")
    assert settled[3:6] == (90, 90, 0)
    (alone,) = tables.payouts(match_payouts((), payouts[:1], ClearingRules(), Decimal(90), november(1))).rows
    assert alone[1:6] == ("Opening balance", "", 90, 90, 0)
    assert [row[2:] for row in tables.open_entries(account, account.match).rows] == [
        (-11, "200/4", "Payout without takings, perhaps for days before the first day")
    ]


def test_days_without_a_page_are_named(tables: ClearingTables) -> None:
    assert tables.remarks() == ["Not booked, and in no balance: 1 day. 5 Nov 2026 Amersfoort"]


def test_a_first_day_within_the_period_is_named(tables: ClearingTables) -> None:
    tables.report = replace(tables.report, since=november(2), unbooked=())
    assert tables.remarks() == ["The accounts begin on 2 Nov 2026. Earlier days are in no balance."]


def test_a_sheet_has_the_tables_of_each_account(tables: ClearingTables) -> None:
    titles = [part.title for part in tables.parts()]
    assert titles == [
        "To be checked", "1010 Balances of the period", "1010 Parts of the closing balance",
        "1010 Under way, oldest first", "1010 Movements by day", "1010 Payouts and fees",
        "1560 Balances of the period", "1560 Movements by day",
    ]  # fmt: skip
    assert tables.text_table(tables.movements(tables.report.accounts[1])).rows[0]["Balance"] == "100.00 Dr"
