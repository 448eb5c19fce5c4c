"""What was sold: a document of the till with its lines, and its own split per VAT code, which is the measure."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from integration.core.totals.vat import NOTHING, Basis, Sums, VatSum, summed

UNTAXED: Final = frozenset({"shifted", "none"})
"""The VAT methods under which an amount including and excluding VAT is the same amount."""


@dataclass(frozen=True, slots=True)
class SoldLine:
    """One line as the till sold it; None is what the till does not say.

    Amounts are the line's own totals, after discount. `vat_percent` is the rate as the till tells it and only serves to
    explain a difference.
    """

    key: str
    vat_code: str = ""
    quantity: Decimal | None = None
    price_incl: Decimal | None = None
    price_excl: Decimal | None = None
    discount_percent: Decimal | None = None
    amount_incl: Decimal | None = None
    amount_excl: Decimal | None = None
    vat_percent: Decimal | None = None

    def price(self, basis: Basis) -> Decimal | None:
        """Return the unit price with or without VAT."""
        return self.price_incl if basis == "incl" else self.price_excl

    def amount(self, basis: Basis) -> Decimal | None:
        """Return the line's own total with or without VAT."""
        return self.amount_incl if basis == "incl" else self.amount_excl

    def total(self, basis: Basis, method: str) -> Decimal | None:
        """Return the line's own total in a basis; under a VAT method without VAT the other one is the same."""
        told = self.amount(basis)
        return self.amount("excl" if basis == "incl" else "incl") if told is None and method in UNTAXED else told


@dataclass(frozen=True, slots=True)
class Sale:
    """A document of the till: its lines, and the split per VAT code that says what was sold.

    `method` is "inclusive", "exclusive", "shifted" or "none". `rounding` is cash rounding that the till tells as a
    payment: what the customer saved or paid extra, which does not belong to what was sold.
    """

    lines: tuple[SoldLine, ...]
    vat: Sums
    total_incl: Decimal | None = None
    total_excl: Decimal | None = None
    method: str = "inclusive"
    rounding: Decimal = NOTHING

    @property
    def sold(self) -> Sums:
        """What was sold per VAT code: the till's split, or without one the totals of its lines, if all are told."""
        if self.vat:
            return self.vat
        totals = []
        for line in self.lines:
            incl, excl = line.total("incl", self.method), line.total("excl", self.method)
            if incl is None or excl is None:
                return {}
            totals.append((line.vat_code, VatSum(excl, incl - excl)))
        return summed(totals)


def basis_of(method: str) -> Basis:
    """Return the basis in which the till counted a document with this VAT method; in it fewest cents go astray."""
    return "incl" if method == "inclusive" else "excl"
