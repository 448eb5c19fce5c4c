"""Bank entries of the sample shop: payouts on working days, fees, a missing payout and one that is too low."""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

import pytest

from integration.sandbox.accountview.seed.bank import CardTaking, bank_entries
from integration.sandbox.mplus.seed.till import card_takings
from integration.sandbox.server import Sandbox, running

TODAY = date(2026, 11, 25)  # a Wednesday


def takings(branch: int, amount: str = "100") -> list[CardTaking]:
    return [CardTaking(TODAY - timedelta(days=ago), branch, Decimal(amount)) for ago in range(1, 29)]


def test_a_branch_is_paid_on_working_days_before_today() -> None:
    entries = bank_entries(takings(1), TODAY)
    assert {entry.date.weekday() for entry in entries} == set(range(5))
    assert {(entry.date.weekday() == 0, entry.amount) for entry in entries} == {
        (True, Decimal(300)),
        (False, Decimal(100)),
    }
    assert max(entry.date for entry in entries) == date(2026, 11, 24)


def test_withheld_fees_are_invoiced_on_the_next_monday() -> None:
    entries = [entry for entry in bank_entries(takings(12), TODAY) if entry.is_cost]
    assert entries == []
    costs = [entry for entry in bank_entries(takings(2), TODAY) if entry.is_cost]
    assert {entry.date.weekday() for entry in costs} == {0}
    assert costs[1].amount == 7  # of a week of 700.00 at one percent


def test_one_payout_is_missing_and_one_is_too_low() -> None:
    missing = {entry.date for entry in bank_entries(takings(1), TODAY)}
    assert missing - {entry.date for entry in bank_entries(takings(3), TODAY)} == {date(2026, 11, 17)}
    assert [entry.date for entry in bank_entries(takings(2), TODAY) if entry.amount == 95] == [date(2026, 11, 13)]


def test_a_negative_day_is_set_off_against_the_next_payout() -> None:
    entries = bank_entries([CardTaking(date(2026, 11, 9), 1, Decimal(-40)), *takings(1)[14:15]], TODAY)
    assert [(entry.date, entry.amount) for entry in entries] == [(date(2026, 11, 11), Decimal(60))]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with running(articles=60) as sandbox:
        yield sandbox


def test_the_ledger_has_the_entries_with_their_contra_accounts(sandbox: Sandbox) -> None:
    till_takings = [
        CardTaking(*place, Decimal(cents).scaleb(-2)) for place, cents in card_takings(sandbox.shop).items()
    ]
    entries = bank_entries(till_takings, sandbox.shop.today)
    sums: dict[str, Decimal] = {}
    for row in sandbox.state("TRANSACT"):
        if row["DJ_CODE"] == "200":
            sums[row["ACCT_NR"]] = sums.get(row["ACCT_NR"], Decimal(0)) + Decimal(row["AMOUNT"])
    costs = sum(entry.amount for entry in entries if entry.is_cost)
    paid = sum(entry.amount for entry in entries if not entry.is_cost)
    assert sums == {"1010": -paid - costs, "1100": paid, "4520": costs}
