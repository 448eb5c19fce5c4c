"""Clearing accounts: takings matched with payouts, and balances by day."""

from datetime import date
from decimal import Decimal
from random import Random

import pytest

from integration.core.days.clearing import (
    ClearingRules,
    Payout,
    PayoutMatch,
    SettlementType,
    Taking,
    clearing_account,
    match_payouts,
)

RULES = ClearingRules(window_days=7, largest_fee=Decimal(2), late_days=3)


def takings_of(*of: tuple[int, str], branch: str = "1") -> list[Taking]:
    return [Taking(date(2026, 11, day), branch, Decimal(amount), f"600/{day}") for day, amount in of]


def payouts_of(*of: tuple[int, str]) -> list[Payout]:
    return [Payout(date(2026, 11, day), Decimal(amount), f"200/{n}") for n, (day, amount) in enumerate(of)]


def settlement_days(match: PayoutMatch) -> list[tuple[list[int], list[int], str]]:
    """Days of the takings, days of the payouts, and the fee of each settlement."""
    return [
        (
            [item.date.day for item in settlement.takings],
            [item.date.day for item in settlement.payouts],
            str(settlement.fee),
        )
        for settlement in match.settlements
    ]


@pytest.mark.parametrize(
    ("takings", "payouts", "settlements", "under_way", "unmatched"),
    [
        pytest.param([(6, "10"), (7, "20.05"), (8, "30")], [(9, "60.05")], [([6, 7, 8], [9], "0.00")], [], [],
                     id="one payout for several days"),
        pytest.param([(2, "100"), (3, "50")], [(4, "98.50")], [([2], [4], "1.50")], [3], [], id="a fee withheld"),
        pytest.param([(2, "100")], [(4, "97.99")], [], [2], [4], id="more than the largest fee"),
        pytest.param([(2, "100")], [(4, "60"), (5, "40")], [([2], [4, 5], "0")], [], [], id="split in two"),
        pytest.param([(2, "100")], [(4, "60"), (5, "39")], [([2], [4, 5], "1")], [], [], id="split in two with a fee"),
        pytest.param([(2, "80"), (3, "80")], [(4, "80")], [([2], [4], "0")], [3], [], id="the same amount twice"),
        pytest.param([(2, "80"), (3, "80")], [(4, "80"), (4, "80")], [([2], [4], "0"), ([3], [4], "0")], [], [],
                     id="the same amount and payout twice"),
        pytest.param([(2, "70"), (3, "80")], [(4, "80")], [([3], [4], "0")], [2], [], id="a payout that never comes"),
        pytest.param([(2, "-20"), (3, "100")], [(4, "80")], [([2, 3], [4], "0")], [], [], id="a refund deducted"),
        pytest.param([(2, "-20")], [(3, "-20")], [([2], [3], "0")], [], [], id="a refund withdrawn"),
        pytest.param([(2, "-30"), (3, "100")], [(4, "69.30")], [([2, 3], [4], "0.70")], [], [],
                     id="a refund deducted, less a fee"),
        pytest.param([(2, "-20")], [(3, "-20.20")], [([2], [3], "0.20")], [], [], id="a refund withdrawn with a fee"),
        pytest.param([(6, "10"), (7, "20"), (8, "30")], [(9, "59.40")], [([6, 7, 8], [9], "0.60")], [], [],
                     id="a weekend less a fee"),
        pytest.param([(6, "10"), (7, "20"), (8, "30")], [(9, "45"), (9, "15")], [([6, 7, 8], [9, 9], "0")], [], [],
                     id="a weekend in two payouts of a day"),
        pytest.param([(6, "10"), (7, "20"), (8, "30")], [(9, "44.55"), (9, "14.85")], [([6, 7, 8], [9, 9], "0.60")],
                     [], [], id="a weekend in two payouts of a day less a fee"),
        pytest.param([(2, "100")], [(4, "99"), (4, "1")], [([2], [4], "1")], [], [], id="the fee as a line of its own"),
        pytest.param([(2, "50")], [(10, "50")], [], [2], [10], id="after the window"),
        pytest.param([(5, "50")], [(4, "50")], [], [5], [4], id="before the taking"),
        pytest.param([(2, "99"), (3, "100")], [(4, "99"), (5, "98.50")], [([2], [4], "0"), ([3], [5], "1.50")], [], [],
                     id="an equal amount before one less a fee"),
    ],
)  # fmt: skip
def test_takings_are_matched_with_payouts(
    takings: list[tuple[int, str]],
    payouts: list[tuple[int, str]],
    settlements: list[tuple[list[int], list[int], str]],
    under_way: list[int],
    unmatched: list[int],
) -> None:
    match = match_payouts(takings_of(*takings), payouts_of(*payouts), RULES)
    expected = [(days, on, Decimal(fee)) for days, on, fee in settlements]
    assert [(days, on, Decimal(fee)) for days, on, fee in settlement_days(match)] == expected
    assert [taking.date.day for taking in match.unpaid_takings] == under_way
    assert [payout.date.day for payout in match.unmatched] == unmatched
    assert {settlement.type for settlement in match.settlements} <= set(SettlementType)


def test_a_payout_settles_days_of_one_branch_or_of_all() -> None:
    takings = [*takings_of((2, "10"), (3, "11")), *takings_of((2, "20"), (3, "22"), branch="2")]
    by_branch = match_payouts(takings, payouts_of((4, "21"), (5, "42")), RULES)
    assert [[taking.branch for taking in settlement.takings] for settlement in by_branch.settlements] == [
        ["1", "1"],
        ["2", "2"],
    ]
    assert [
        len(settlement.takings) for settlement in match_payouts(takings, payouts_of((4, "63")), RULES).settlements
    ] == [4]


def test_a_fee_is_found_for_whole_days_only() -> None:
    takings = [
        *takings_of((1, "172.90"), (2, "236.80")), *takings_of((1, "547.71"), branch="3"),
        *takings_of((1, "165.90"), (6, "221.49"), (7, "646.65"), (8, "295.06"), branch="2"),
    ]  # fmt: skip
    rules = ClearingRules(largest_fee=Decimal(3))
    (settlement,) = match_payouts(takings, payouts_of((9, "1151.57")), rules).settlements
    assert [(taking.date.day, taking.branch) for taking in settlement.takings] == [(6, "2"), (7, "2"), (8, "2")]
    assert (settlement.fee, sum(taking.amount for taking in settlement.takings)) == (
        Decimal("11.63"),
        Decimal("1163.20"),
    )


def test_the_usual_percentage_decides_among_possible_fees() -> None:
    takings = [*takings_of((2, "101")), *takings_of((2, "100"), branch="2"), *takings_of((2, "500"), branch="3")]
    first, second = match_payouts(takings, payouts_of((3, "99"), (3, "495")), RULES).settlements
    assert [(settlement.takings[0].branch, settlement.fee) for settlement in (first, second)] == [
        ("2", Decimal(1)),
        ("3", Decimal(5)),
    ]


def test_the_percentage_that_is_possible_for_the_most_payouts_is_the_usual_one() -> None:
    takings, payouts = (
        takings_of((1, "124"), (2, "81"), (3, "123"), (4, "84")),
        payouts_of((3, "202.95"), (5, "204.93")),
    )
    match = match_payouts(takings, payouts, RULES)  # also 81 + 123 is within a fee of the first payout
    assert settlement_days(match) == [([1, 2], [3], "2.05"), ([3, 4], [5], "2.07")]


def test_another_percentage_is_no_fee_if_almost_all_payouts_have_the_usual_one() -> None:
    days = range(1, 21, 2)
    takings = takings_of(*((day, "100") for day in days), (25, "100"))
    payouts = payouts_of(*((day + 1, "99") for day in days), (26, "98"))
    for ten in (True, False):
        match = match_payouts(takings if ten else takings[1:], payouts if ten else payouts[1:], RULES)
        assert [payout.amount for payout in match.unmatched] == ([Decimal(98)] if ten else [])


@pytest.mark.parametrize(("paid", "is_settled"), [("49", True), ("48.50", False)])
def test_several_payouts_less_a_fee_settle_a_day_with_the_usual_percentage_only(paid: str, is_settled: bool) -> None:
    match = match_payouts(takings_of((1, "50"), (8, "100")), payouts_of((2, "49.50"), (9, "50"), (10, paid)), RULES)
    assert (len(match.settlements) == 2, not match.unmatched) == (is_settled, is_settled)


def test_a_payout_may_settle_days_of_the_former_period() -> None:
    takings = takings_of((6, "10"), (7, "20"), (8, "30"), (9, "5"))
    payouts = payouts_of((9, "59.40"))
    account = clearing_account("1010", Decimal(0), takings, payouts, date(2026, 11, 8), RULES, date(2026, 11, 1))
    assert account.match is not None
    assert [account.opening, account.closing, account.match.fees, account.match.waiting] == [
        Decimal(30), Decimal("5.60"), Decimal("0.60"), Decimal(5),
    ]  # fmt: skip


def test_a_refund_is_no_late_payout() -> None:
    account = clearing_account("1010", Decimal(0), takings_of((2, "-20"), (3, "5")), [], date(2026, 11, 1), RULES)
    assert [taking.date.day for taking in account.late(date(2026, 11, 30))] == [3]


def test_a_page_that_books_fees_settles_them() -> None:
    match = match_payouts(takings_of((2, "100"), (3, "200")), payouts_of((4, "99"), (5, "197"), (28, "4")), RULES)
    assert [(settlement.fee, settlement.fee_page) for settlement in match.settlements] == [
        (Decimal(1), "200/2"),
        (Decimal(3), "200/2"),
    ]
    assert (match.fees, match.unbooked_fees, match.unmatched, match.balance) == (Decimal(4), Decimal(0), (), Decimal(0))


def test_the_opening_balance_covers_the_first_payouts() -> None:
    payouts = payouts_of((2, "60"), (3, "50"), (12, "10"))
    match = match_payouts(takings_of((1, "60")), payouts, RULES, Decimal(75), date(2026, 11, 1))
    assert (match.opening_rest, [payout.date.day for payout in match.unmatched]) == (Decimal(25), [12])


def test_a_payout_of_the_whole_opening_balance_and_the_first_takings_settles_both() -> None:
    takings = [*takings_of((1, "40"), (2, "30")), *takings_of((1, "7"), branch="2")]
    match = match_payouts(takings, payouts_of((3, "145"), (4, "9")), RULES, Decimal(75), date(2026, 11, 1))
    (settlement,) = match.settlements
    assert (settlement.from_opening, settlement.fee, settlement.gross) == (Decimal(75), Decimal(0), Decimal(145))
    assert [(taking.branch, taking.amount) for taking in match.unpaid_takings] == [("2", Decimal(7))]
    assert (match.opening_rest, match.balance) == (Decimal(0), Decimal(7 - 9))


def test_payouts_of_several_branches_settle_the_opening_balance_and_the_first_takings() -> None:
    takings = [*takings_of((1, "40"), (2, "30")), *takings_of((1, "7"), branch="2")]
    payouts = payouts_of((2, "60"), (3, "62"), (4, "9"))
    account = clearing_account("1010", Decimal(75), takings, payouts, date(2026, 11, 1), RULES, date(2026, 11, 1))
    match = account.match
    assert match is not None
    assert settlement_days(match) == [([1, 1], [2, 3], "0")]
    assert [taking.date.day for taking in match.unpaid_takings] == [2]
    assert [payout.date.day for payout in match.early] == [4]
    assert [int(day.unpaid_amount) for day in account.days] == [47, 77, 30, 30]  # the opening balance is paid first


@pytest.mark.parametrize(
    ("paid", "unmatched", "rest", "fee"),
    [("75", "20", "0", "0"), ("74.25", "20", "0", "0.75"), ("73.60", "73.60", "55", "2")],
)
def test_a_payout_of_the_opening_balance_goes_before_one_that_it_does_not_explain(
    paid: str, unmatched: str, rest: str, fee: str
) -> None:
    takings, payouts = takings_of((1, "200")), payouts_of((2, "198"), (2, "20"), (3, paid))
    match = match_payouts(takings, payouts, RULES, Decimal(75), date(2026, 11, 1))  # the usual fee is 1 percent
    assert [payout.amount for payout in match.unmatched] == [Decimal(unmatched)]
    assert (match.opening_rest, match.settlements[-1].fee) == (Decimal(rest), Decimal(fee))


@pytest.mark.parametrize(("amount", "opening"), [("146", "75"), ("145", "0"), ("145", "-5")])
def test_a_payout_at_the_start_that_no_sum_explains_may_cover_days_before(amount: str, opening: str) -> None:
    payouts = payouts_of((3, amount), (20, "9"))
    match = match_payouts(takings_of((1, "40"), (2, "30")), payouts, RULES, Decimal(opening), date(2026, 11, 1))
    assert [payout.date.day for payout in match.unmatched] == [3, 20]
    assert [payout.date.day for payout in match.early] == [3]
    assert match.opening_rest == Decimal(opening)


def test_an_account_has_balances_by_day_and_late_takings() -> None:
    takings, payouts = takings_of((1, "100"), (2, "50"), (3, "70")), payouts_of((2, "99"), (4, "30"), (6, "40"))
    account = clearing_account("1010", Decimal(5), takings, payouts, date(2026, 11, 2), RULES, date(2026, 11, 1))
    rows = [
        (day.date.day, *map(int, (day.takings, day.payouts, day.balance, day.unpaid_amount))) for day in account.days
    ]
    assert rows == [(2, 50, 99, 56, 50), (3, 70, 0, 126, 120), (4, 0, 30, 96, 90), (6, 0, 40, 56, 50)]
    assert [account.opening, account.takings, account.payouts, account.closing] == [
        Decimal(amount) for amount in (105, 120, 169, 56)
    ]
    assert account.match is not None
    assert account.match.balance == account.closing  # 5 opening, 50 under way, 1 fee
    assert [taking.date.day for taking in account.late(date(2026, 11, 6))] == [2]
    assert account.late(date(2026, 11, 5)) == []


def test_an_account_without_payouts_is_not_matched() -> None:
    account = clearing_account("1560", Decimal(-20), takings_of((2, "-50"), (3, "35")), [], date(2026, 11, 1), None)
    assert (account.closing, account.match, account.late(date(2026, 12, 1))) == (Decimal(-35), None, [])


@pytest.mark.seeds(*range(20))
def test_each_cent_is_settled_or_named(seed: int) -> None:
    chance = Random(seed)  # noqa: S311 - no secret
    days = [(day, str(chance.choice((1, 2, 2, 5, -1)) * 100)) for day in range(1, 25) if chance.random() < 0.8]
    money = [(day + chance.randint(0, 5), str(chance.choice((99, 100, 198, 300, 500, 1)))) for day, _ in days]
    takings, payouts = takings_of(*days), payouts_of(*money)
    account = clearing_account("1010", Decimal(150), takings, payouts, date(2026, 11, 9), RULES, date(2026, 11, 1))
    match = account.match
    assert match is not None
    expected = Decimal(150) + sum(item.amount for item in takings) - sum(item.amount for item in payouts)
    assert match.balance == account.closing == expected
    every = [*match.unpaid_takings, *(taking for settlement in match.settlements for taking in settlement.takings)]
    assert sorted(taking.page for taking in every) == sorted(taking.page for taking in takings)
