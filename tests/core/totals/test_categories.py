"""Categories of lines and payments, from the words of the till."""

import re
from pathlib import Path

import pytest

from integration.core.totals.categories import GROUPS, METHODS, LineCategory, Tender, category_of, tender_of

CONTRACT = (Path(__file__).parents[3] / "integration" / "connectors" / "mplus" / "mplus.wsdl").read_text("utf-8")


@pytest.mark.parametrize(
    ("price", "line", "group", "category"),
    [
        ("", "", "turnover", LineCategory.REVENUE),
        ("", "turnover", "", LineCategory.REVENUE),
        ("article", "turnover", "turnover", LineCategory.REVENUE),
        ("", "", "balance-upgrade", LineCategory.GIFT_CARD),
        ("gift-card", "turnover", "turnover", LineCategory.GIFT_CARD),
        ("", "turnover", "refundable-deposit", LineCategory.PACKAGING_DEPOSIT),
        ("", "refundable-deposit", "turnover", LineCategory.PACKAGING_DEPOSIT),
        ("", "unknown", "suspense", LineCategory.DOWN_PAYMENT),
        ("", "cash-outflow", "cash-inflow", LineCategory.CASH_OUT),
        ("", "unknown", "unknown", LineCategory.UNKNOWN),
        ("", "", "", LineCategory.UNKNOWN),
        ("", "", "tips", LineCategory.UNKNOWN),
        ("exchange-rate-buy", "turnover", "turnover", LineCategory.UNKNOWN),
        ("exchange-rate-sell", "turnover", "", LineCategory.UNKNOWN),
    ],
)
def test_a_word_for_no_revenue_counts_wherever_it_stands(
    price: str, line: str, group: str, category: LineCategory
) -> None:
    assert category_of(price, line, group) is category


def test_only_what_is_known_is_taken_for_a_balance() -> None:
    assert {category for category in LineCategory if not category.is_balance} == {
        LineCategory.REVENUE,
        LineCategory.UNKNOWN,
    }


@pytest.mark.parametrize(("prefix", "words"), [("TURNOVER-GROUP-TYPE", GROUPS), ("PAYMENT-METHOD-TYPE", METHODS)])
def test_every_word_of_the_interface_is_known(prefix: str, words: dict[str, object]) -> None:
    contract_words = {word.lower() for word in re.findall(rf'"{prefix}-([A-Z-]+)"', CONTRACT)}
    assert contract_words - {"unknown"} == words.keys()


@pytest.mark.parametrize(
    ("type_", "rounds", "is_card", "tender"),
    [
        ("payment", False, False, Tender.MONEY),
        ("eft", False, False, Tender.MONEY),
        ("deposit", False, False, Tender.DOWN_PAYMENT),
        ("suspense", False, False, Tender.SUSPENSE),
        ("suspense", True, False, Tender.ROUNDING),
        ("suspense", False, True, Tender.GIFT_CARD),
        ("bpe", False, False, Tender.OWN_USE),
        ("a-new-word", False, False, Tender.SUSPENSE),
    ],
)
def test_a_payment_is_what_its_method_is_for(type_: str, rounds: bool, is_card: bool, tender: Tender) -> None:
    assert tender_of(type_, rounds=rounds, is_card=is_card) is tender
