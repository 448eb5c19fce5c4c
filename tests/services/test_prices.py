"""Comparison of prices: the price by the books beside what the till charges."""

from decimal import Decimal

import pytest

from integration.core.prices import PricePaid, PriceStep, TillPrice
from integration.core.records import Kind, Record
from integration.services.prices import KnownRecord, PriceComparison

D = Decimal
ARTICLE = KnownRecord("1001", "10001", "Bell", Record(Kind.ARTICLE, "1001", {}))


@pytest.mark.parametrize(
    ("quantity", "is_percent", "by_books", "at_till", "proven"),
    [
        ("1", False, "10.00", "10.00", True),
        ("1", False, "10.00", "10.01", False),
        ("6", False, "60.06", "60.05", True),  # 6 pieces of 10.01 are 72.66 with 21 % VAT
        ("6", False, "60.06", "60.10", False),
        ("1", True, "9.99", "9.98", True),  # a discount is rounded once more
        ("1", True, "9.99", "9.97", False),
    ],
)
def test_a_price_without_vat_may_differ_by_the_rounding_of_the_till(
    quantity: str, is_percent: bool, by_books: str, at_till: str, proven: bool
) -> None:
    step = PriceStep("offer", "1", D(0), D(10), is_percent, D(10), incl=False, wins=True)
    for incl, expected in ((False, proven), (True, by_books == at_till)):
        paid, till_price = PricePaid(D(by_books), incl, (step,)), TillPrice(D(at_till), D(at_till))
        assert PriceComparison(None, ARTICLE, D(quantity), "1", paid, till_price).proven is expected
    assert PriceComparison(None, ARTICLE, D(quantity), "1", paid).proven is None
