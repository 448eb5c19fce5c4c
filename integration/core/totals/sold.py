"""A sale at the till: its lines, its split per VAT code, which is the reference, and sums of such amounts."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal, TypeVar

from integration.core.grouping import group_by_key
from integration.core.money import add_vat, remove_vat

# ---- amounts with their VAT, per VAT code of a document


# Whether prices sent to the books include VAT.
Basis = Literal["incl", "excl"]

# Where the books round VAT: on each line, or once per VAT code of a document.
Rounding = Literal["line", "document"]

NOTHING: Final = Decimal(0)
ONE: Final = Decimal(1)


@dataclass(frozen=True, slots=True)
class VatSum:
    """Total of one VAT code in euros. It is false if both amounts are zero."""

    excl: Decimal = NOTHING
    vat: Decimal = NOTHING

    @property
    def incl(self) -> Decimal:
        """The amount including VAT."""
        return self.excl + self.vat

    def amount_on_basis(self, basis: Basis) -> Decimal:
        """Return the amount on a basis: including or excluding VAT."""
        return self.incl if basis == "incl" else self.excl

    def __add__(self, other: "VatSum") -> "VatSum":
        return VatSum(self.excl + other.excl, self.vat + other.vat)

    def __sub__(self, other: "VatSum") -> "VatSum":
        return VatSum(self.excl - other.excl, self.vat - other.vat)

    def __bool__(self) -> bool:
        return bool(self.excl or self.vat)


# Amounts by VAT code.
Sums = Mapping[str, VatSum]


Key = TypeVar("Key")


def sum_by(amounts: Iterable[tuple[Key, VatSum]]) -> dict[Key, VatSum]:
    sums: dict[Key, VatSum] = {}
    for key, vat_sum in amounts:
        sums[key] = sums.get(key, VatSum()) + vat_sum
    return sums


def plus(sums: Sums, more: Sums) -> dict[str, VatSum]:
    """Return the sums of both, per VAT code."""
    return sum_by([*sums.items(), *more.items()])


def minus(sums: Sums, less: Sums) -> dict[str, VatSum]:
    """Return the differences per VAT code that are not zero."""
    codes = dict.fromkeys([*sums, *less])
    differences = {code: sums.get(code, VatSum()) - less.get(code, VatSum()) for code in codes}
    return {code: vat_sum for code, vat_sum in differences.items() if vat_sum}


def sum_by_vat_code(
    amounts: Iterable[tuple[str, Decimal]], rates: Mapping[str, Decimal], basis: Basis, rounding: Rounding
) -> dict[str, VatSum]:
    """Return the totals of amounts on a basis per VAT code, at rates in percent. A code without a rate has no VAT."""
    sums = {}
    for code, parts in group_by_key(amounts).items():
        rounded = parts if rounding == "line" else [sum(parts, NOTHING)]
        sums[code] = sum((_sum_with_vat(part, rates.get(code, NOTHING), basis) for part in rounded), VatSum())
    return sums


def _sum_with_vat(part: Decimal, rate: Decimal, basis: Basis) -> VatSum:
    if basis == "excl":
        return VatSum(part, add_vat(part, rate) - part)
    excl = remove_vat(part, rate)
    return VatSum(excl, part - excl)


# VAT methods without VAT, in which the amounts including and excluding VAT are equal.
UNTAXED: Final = frozenset({"shifted", "none"})


@dataclass(frozen=True, slots=True)
class SoldLine:
    """One line as the till sold it. None means that the till does not report the value.

    Amounts are the line's own totals after discount. `vat_percent` is the till's rate, used only to explain
    differences.
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
    turnover_group: str = ""

    def price(self, basis: Basis) -> Decimal | None:
        """Return the unit price with or without VAT."""
        return self.price_incl if basis == "incl" else self.price_excl

    def amount(self, basis: Basis) -> Decimal | None:
        """Return the line's own total with or without VAT."""
        return self.amount_incl if basis == "incl" else self.amount_excl

    def total(self, basis: Basis, method: str) -> Decimal | None:
        """Return the line's own total on a basis. Under a VAT method without VAT, either amount serves."""
        own_total = self.amount(basis)
        return (
            self.amount("excl" if basis == "incl" else "incl") if own_total is None and method in UNTAXED else own_total
        )


@dataclass(frozen=True, slots=True)
class Sale:
    """A document of the till: its lines, and the split per VAT code, which is the reference.

    `method` is "inclusive", "exclusive", "shifted" or "none". `rounding` is cash rounding that the till reports as a
    payment: the customer's gain or loss, which is not part of the sale.
    """

    lines: tuple[SoldLine, ...]
    vat: Sums
    total_incl: Decimal | None = None
    total_excl: Decimal | None = None
    method: str = "inclusive"
    rounding: Decimal = NOTHING

    @property
    def sold(self) -> Sums:
        """Sold amounts per VAT code: the till's split, or else the line totals if all are reported, or else empty."""
        if self.vat:
            return self.vat
        totals = []
        for line in self.lines:
            incl, excl = line.total("incl", self.method), line.total("excl", self.method)
            if incl is None or excl is None:
                return {}
            totals.append((line.vat_code, VatSum(excl, incl - excl)))
        return sum_by(totals)


def basis_of(method: str) -> Basis:
    """Return the basis of the till's calculation for a VAT method. On it, rounding differences are smallest."""
    return "incl" if method == "inclusive" else "excl"
