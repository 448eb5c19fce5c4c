"""Amounts with their VAT, per VAT code of a document."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal, TypeVar

from integration.core.money import add_vat, remove_vat

Basis = Literal["incl", "excl"]
"""Whether the prices that the books are sent include VAT."""

Rounding = Literal["line", "document"]
"""Where the books round VAT: on every line, or once for each VAT code of a document."""

NOTHING: Final = Decimal(0)
ONE: Final = Decimal(1)


@dataclass(frozen=True, slots=True)
class VatSum:
    """What one VAT code of a document comes to, in euros. It is false when both amounts are zero."""

    excl: Decimal = NOTHING
    vat: Decimal = NOTHING

    @property
    def incl(self) -> Decimal:
        """The amount with its VAT."""
        return self.excl + self.vat

    def of(self, basis: Basis) -> Decimal:
        """Return the amount that prices of this basis add up to."""
        return self.incl if basis == "incl" else self.excl

    def __add__(self, other: "VatSum") -> "VatSum":
        return VatSum(self.excl + other.excl, self.vat + other.vat)

    def __sub__(self, other: "VatSum") -> "VatSum":
        return VatSum(self.excl - other.excl, self.vat - other.vat)

    def __bool__(self) -> bool:
        return bool(self.excl or self.vat)


Sums = Mapping[str, VatSum]
"""Amounts by VAT code."""


Key = TypeVar("Key")


def summed(amounts: Iterable[tuple[Key, VatSum]]) -> dict[Key, VatSum]:
    """Return what amounts come to, by what each of them stands under."""
    sums: dict[Key, VatSum] = {}
    for key, each in amounts:
        sums[key] = sums.get(key, VatSum()) + each
    return sums


def plus(some: Sums, more: Sums) -> dict[str, VatSum]:
    """Return both added up per VAT code."""
    return summed([*some.items(), *more.items()])


def minus(some: Sums, less: Sums) -> dict[str, VatSum]:
    """Return the differences that are not zero."""
    codes = dict.fromkeys([*some, *less])
    differences = {code: some.get(code, VatSum()) - less.get(code, VatSum()) for code in codes}
    return {code: each for code, each in differences.items() if each}


def taxed(
    amounts: Iterable[tuple[str, Decimal]], rates: Mapping[str, Decimal], basis: Basis, rounding: Rounding
) -> dict[str, VatSum]:
    """Return what amounts in a basis come to per VAT code, at these rates in percent; a code without one has no VAT."""
    given: dict[str, list[Decimal]] = {}
    for code, each in amounts:
        given.setdefault(code, []).append(each)
    sums = {}
    for code, parts in given.items():
        rounded = parts if rounding == "line" else [sum(parts, NOTHING)]
        sums[code] = sum((_with_vat(part, rates.get(code, NOTHING), basis) for part in rounded), VatSum())
    return sums


def _with_vat(part: Decimal, rate: Decimal, basis: Basis) -> VatSum:
    if basis == "excl":
        return VatSum(part, add_vat(part, rate) - part)
    excl = remove_vat(part, rate)
    return VatSum(excl, part - excl)
