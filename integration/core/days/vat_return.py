"""The VAT return of a country: its boxes, the box of each VAT code of the books, and the amounts in each box.

Amounts are credit positive: turnover and the VAT owed on it are positive, input VAT is negative. The boxes that ship
with the console are a proposal; the settings of days decide, and a bookkeeper checks them.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from integration.core.totals.sold import NOTHING


class VatBox(StrEnum):
    """Box of a VAT return: an NL rubriek or a DE Kennziffer, the OSS return, or no return."""

    NL_1A = "nl_1a"
    NL_1B = "nl_1b"
    NL_1C = "nl_1c"
    NL_1D = "nl_1d"
    NL_1E = "nl_1e"
    NL_2A = "nl_2a"
    NL_3A = "nl_3a"
    NL_3B = "nl_3b"
    NL_3C = "nl_3c"
    NL_4A = "nl_4a"
    NL_4B = "nl_4b"
    NL_5B = "nl_5b"
    DE_81 = "de_81"
    DE_86 = "de_86"
    DE_87 = "de_87"
    DE_35 = "de_35"
    DE_41 = "de_41"
    DE_43 = "de_43"
    DE_48 = "de_48"
    DE_60 = "de_60"
    DE_45 = "de_45"
    DE_66 = "de_66"
    OSS = "oss"
    NONE = "none"  # in no return, such as exempt sales in the Netherlands


COUNTRIES = ("NL", "DE")  # with a known form of the return
INPUT = frozenset({VatBox.NL_5B, VatBox.DE_66})  # VAT that is deducted
OUTSIDE = (VatBox.OSS, VatBox.NONE)
# Standard codes with the rate that they must have, in percent. Unverified: a bookkeeper checks them.
STANDARD: Mapping[str, Mapping[tuple[str, Decimal], VatBox]] = {
    "NL": {
        ("1", Decimal(21)): VatBox.NL_1A, ("2", Decimal(9)): VatBox.NL_1B, ("3", Decimal(0)): VatBox.NL_3A,
        ("4", Decimal(0)): VatBox.NONE, ("5", Decimal(0)): VatBox.NL_3B,
    },
    "DE": {
        ("1", Decimal(19)): VatBox.DE_81, ("2", Decimal(7)): VatBox.DE_86, ("3", Decimal(0)): VatBox.DE_43,
        ("4", Decimal(0)): VatBox.DE_48, ("5", Decimal(0)): VatBox.DE_41,
    },
}  # fmt: skip
INPUT_BOX = {"NL": VatBox.NL_5B, "DE": VatBox.DE_66}


@dataclass(frozen=True, slots=True)
class VatBoxes:
    """The box of each VAT code of the books. `country` is that of the return; empty if its form is not known.

    `chosen` are the boxes of the settings. `oss` are the countries whose sales have a code, by code, and `purchases`
    are the codes of input VAT.
    """

    country: str = ""
    chosen: Mapping[str, VatBox] = field(default_factory=dict)
    rates: Mapping[str, Decimal] = field(default_factory=dict)
    oss: Mapping[str, Sequence[str]] = field(default_factory=dict)
    purchases: Collection[str] = ()

    def box(self, code: str) -> VatBox | None:
        """Return the box of a VAT code, or None if neither the settings nor the standard codes have it."""
        if box := self.chosen.get(code):
            return box
        if code in self.oss:
            return VatBox.OSS
        if code in self.purchases:
            return INPUT_BOX.get(self.country)
        rate = self.rates.get(code)
        return None if rate is None else STANDARD.get(self.country, {}).get((code, rate))

    def boxes(self) -> list[VatBox]:
        """Return the boxes of the country's return, in the order of its form."""
        return [box for box in VatBox if box.startswith(f"{self.country.lower()}_")] if self.country else []


class CodeSum(NamedTuple):
    """Taxable amount and VAT of one VAT code. None is not known."""

    code: str
    base: Decimal | None
    vat: Decimal | None


@dataclass(frozen=True, slots=True)
class BoxSum:
    """One line of a return: its box, None for codes without a box, its codes and its amounts. None is not known."""

    box: VatBox | None
    codes: tuple[str, ...]
    base: Decimal | None
    vat: Decimal | None


def box_sums(sums: Iterable[CodeSum], boxes: VatBoxes) -> list[BoxSum]:
    """Return the lines of the return that have codes, in the order of the form; codes without a box are the last."""
    by_box: dict[VatBox | None, list[CodeSum]] = {}
    for code_sum in sums:
        by_box.setdefault(boxes.box(code_sum.code), []).append(code_sum)
    order: list[VatBox | None] = [*VatBox, None]
    return [_box_sum(box, by_box[box]) for box in order if box in by_box]


def _box_sum(box: VatBox | None, code_sums: Sequence[CodeSum]) -> BoxSum:
    sign = -1 if box in INPUT else 1
    base, vat = (known_total([getattr(code_sum, name) for code_sum in code_sums]) for name in ("base", "vat"))
    return BoxSum(
        box,
        tuple(code_sum.code for code_sum in code_sums),
        None if base is None else sign * base,
        None if vat is None else sign * vat,
    )


def known_total(amounts: Sequence[Decimal | None]) -> Decimal | None:
    """Return the sum of amounts, or None if one of them is not known."""
    known_amounts = [amount for amount in amounts if amount is not None]
    return sum(known_amounts, NOTHING) if len(known_amounts) == len(amounts) else None


def return_totals(sums: Iterable[BoxSum]) -> tuple[Decimal | None, Decimal | None]:
    """Return the VAT owed and the input VAT of the lines of a return."""
    inside = [box_sum for box_sum in sums if box_sum.box is not None and box_sum.box not in OUTSIDE]
    output_vat = known_total([box_sum.vat for box_sum in inside if box_sum.box not in INPUT])
    return output_vat, known_total([box_sum.vat for box_sum in inside if box_sum.box in INPUT])
