"""What the documents of the sample shop sell: goods with their quantities and discounts, and what they come to."""

from dataclasses import dataclass
from decimal import Decimal

from integration.sandbox.mplus.sums import INCLUSIVE, Sums, rounded, summed
from integration.sandbox.shop.till_setup import RATES, REVERSED

SHIFTED = "VAT-METHOD-SHIFTED"


@dataclass(frozen=True, slots=True)
class Sold:
    """What one line sells: prices in cents, `places` the decimals its quantity is told with."""

    article: int
    text: str
    group: int
    vat_code: int
    incl: int
    quantity: Decimal = Decimal(1)
    places: int = 0
    discount: int = 0

    def excl(self, method: str) -> int:
        """The unit price without VAT."""
        rate = Decimal(0) if method == SHIFTED else RATES[self.vat_code]
        return rounded(self.incl / (1 + rate / 100))

    def amount(self, method: str) -> int:
        """What the line comes to, as the method counts it."""
        price = self.incl if method == INCLUSIVE else self.excl(method)
        return rounded(self.quantity * price * (100 - self.discount) / 100)


@dataclass(frozen=True, slots=True)
class Basket:
    """The content of one document with its totals."""

    sold: tuple[Sold, ...]
    method: str
    sums: Sums


def taken_back(one: Sold) -> Sold:
    return Sold(one.article, one.text, one.group, one.vat_code, one.incl, Decimal(-1), 0)


def with_reversed_vat(one: Sold) -> Sold:
    return Sold(one.article, one.text, one.group, REVERSED, one.incl, one.quantity, one.places, one.discount)


def returned(basket: Basket) -> Basket:
    """The same sold back."""
    sold = tuple(
        Sold(one.article, one.text, one.group, one.vat_code, one.incl, -one.quantity, one.places, one.discount)
        for one in basket.sold
    )
    lines = [(one.vat_code, one.amount(basket.method)) for one in sold]
    return Basket(sold, basket.method, summed(lines, RATES, basket.method))
