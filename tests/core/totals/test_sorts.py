"""What a line and a payment are, by the words of the till."""

import re
from pathlib import Path

import pytest

from integration.core.totals.sorts import GROUPS, METHODS, Means, Sort, means_of, sort_of

CONTRACT = (Path(__file__).parents[3] / "integration" / "connectors" / "mplus" / "mplus.wsdl").read_text("utf-8")


@pytest.mark.parametrize(
    ("price", "line", "group", "sort"),
    [
        ("", "", "turnover", Sort.REVENUE),
        ("", "turnover", "", Sort.REVENUE),
        ("article", "turnover", "turnover", Sort.REVENUE),
        ("", "", "balance-upgrade", Sort.GIFT_CARD),
        ("gift-card", "turnover", "turnover", Sort.GIFT_CARD),
        ("", "turnover", "refundable-deposit", Sort.PACKAGING_DEPOSIT),
        ("", "refundable-deposit", "turnover", Sort.PACKAGING_DEPOSIT),
        ("", "unknown", "suspense", Sort.DOWN_PAYMENT),
        ("", "cash-outflow", "cash-inflow", Sort.CASH_OUT),
        ("", "unknown", "unknown", Sort.UNKNOWN),
        ("", "", "", Sort.UNKNOWN),
        ("", "", "tips", Sort.UNKNOWN),
    ],
)
def test_a_word_for_no_revenue_counts_wherever_it_stands(price: str, line: str, group: str, sort: Sort) -> None:
    assert sort_of(price, line, group) is sort


def test_only_what_is_known_is_taken_for_a_balance() -> None:
    assert {sort for sort in Sort if not sort.is_balance} == {Sort.REVENUE, Sort.UNKNOWN}


@pytest.mark.parametrize(("prefix", "words"), [("TURNOVER-GROUP-TYPE", GROUPS), ("PAYMENT-METHOD-TYPE", METHODS)])
def test_every_word_of_the_interface_is_known(prefix: str, words: dict[str, object]) -> None:
    told = {each.lower() for each in re.findall(rf'"{prefix}-([A-Z-]+)"', CONTRACT)}
    assert told - {"unknown"} == words.keys()


@pytest.mark.parametrize(
    ("type_", "rounds", "is_card", "means"),
    [
        ("payment", False, False, Means.MONEY),
        ("eft", False, False, Means.MONEY),
        ("deposit", False, False, Means.DOWN_PAYMENT),
        ("suspense", False, False, Means.SUSPENSE),
        ("suspense", True, False, Means.ROUNDING),
        ("suspense", False, True, Means.GIFT_CARD),
        ("bpe", False, False, Means.OWN_USE),
        ("a-new-word", False, False, Means.SUSPENSE),
    ],
)
def test_a_payment_is_what_its_method_is_for(type_: str, rounds: bool, is_card: bool, means: Means) -> None:
    assert means_of(type_, rounds=rounds, is_card=is_card) is means
