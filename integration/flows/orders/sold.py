"""Converts till documents to the sale values that the core calculates with."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from decimal import Decimal

from integration.core.days.till import optional_amount, turnover_group
from integration.core.money import HUNDRED
from integration.core.records import Kind, Record
from integration.core.rules import as_text
from integration.core.totals.sold import NOTHING, ONE, Sale, SoldLine, VatSum, sum_by

# Fields of a line that explain a total below quantity times price.
REDUCTIONS = ("discount_percent", "discountAmount", "discountAmountExcl", "bpeAmount", "bpeAmountExcl")
HALF_A_CENT = Decimal("0.005")  # unit prices and totals are in whole cents
SMALLEST_CONTRADICTION = Decimal("0.05")  # tolerance for totals that are rounded or agreed manually
NO_DISCOUNT = ("", "none")


def sale_lines(document: Record) -> tuple[Record, ...]:
    """Return the lines that sell something; text lines are left out."""
    return tuple(part for part in document.parts if part.kind is Kind.LINE and not _is_text(part))


def split_of(document: Record) -> dict[str, VatSum]:
    """Return the till's own VAT split: the totals of each of its VAT codes."""
    split = (part.values for part in document.parts if part.kind is Kind.VAT)
    return sum_by(
        (
            as_text(entry.get("code")),
            VatSum(optional_amount(entry, "excl") or NOTHING, optional_amount(entry, "vat") or NOTHING),
        )
        for entry in split
    )


def sold_vat_codes(document: Record, lines: Iterable[Record]) -> tuple[str, ...]:
    """Return the till's VAT codes of a sale: those of the lines, then those that occur only in the split."""
    in_split = (code for code, vat_sum in split_of(document).items() if vat_sum)
    return tuple(dict.fromkeys([*map(line_vat_code, lines), *in_split]))


def sale_of(document: Record, lines: Iterable[SoldLine], codes: Mapping[str, str], rounding: Collection[str]) -> Sale:
    """Return the sale with these lines, under the VAT codes to which `codes` translates those of the till.

    `rounding` are the payment methods with which the till reports cash rounding.
    """
    split = sum_by((codes[code], vat_sum) for code, vat_sum in split_of(document).items() if code in codes)
    cash = (
        part.values for part in document.parts if part.kind is Kind.PAYMENT and part.values.get("method") in rounding
    )
    return Sale(
        tuple(lines),
        split,
        optional_amount(document.values, "total_incl"),
        optional_amount(document.values, "total_excl"),
        vat_method(document),
        sum((optional_amount(entry, "amount") or NOTHING for entry in cash), NOTHING),
    )


def sold_line(line: Record, code: str, rates: Mapping[str, Decimal], *, discounts: bool) -> SoldLine:
    """Return a sold line under a VAT code. `rates` of the till are used for lines without a percentage.

    Without `discounts` the books have no discount field, so lines with a total are calculated without discount.
    """
    values = line.values
    incl, excl = optional_amount(values, "amount_incl"), optional_amount(values, "amount_excl")
    is_told = incl is not None or excl is not None
    percent = optional_amount(values, "vat_percent")
    return SoldLine(
        line.key,
        code,
        optional_amount(values, "quantity"),
        optional_amount(values, "price_incl"),
        optional_amount(values, "price_excl"),
        optional_amount(values, "discount_percent") if discounts or not is_told else None,
        incl,
        excl,
        rates.get(line_vat_code(line)) if percent is None else percent,
        turnover_group(values, "turnover_group"),
    )


def as_one_piece(line: SoldLine) -> SoldLine:
    """Return a line with quantity one at its total, if the total is known: postings have no quantities."""
    if line.amount_incl is None and line.amount_excl is None:
        return line
    return replace(line, quantity=ONE, price_incl=line.amount_incl, price_excl=line.amount_excl, discount_percent=None)


def vat_method(document: Record) -> str:
    """Return the VAT method of the till."""
    return as_text(document.values.get("vat_method")).strip() or "inclusive"


def line_vat_code(line: Record) -> str:
    """Return the till's VAT code of a line; empty if it has none."""
    return as_text(line.values.get("vat_code")).strip()


def line_contradiction(line: Record) -> tuple[Decimal, Decimal, Decimal] | None:
    """Return quantity, unit price and total of a line if they contradict each other; else None.

    They contradict if total and quantity times price differ by more than the rounding of the unit price explains, both
    with and without VAT, or if goods are returned but money is received. A discount explains a lower total, a surcharge
    or nested lines a higher one, a price per several pieces either, and a zero total is a gift. With a discount, a
    total is too high from twice the price on, because the unit price may already include the discount. It is too low
    below half of what the stated discount leaves, because discounts of several kinds may add up.
    """
    values, quantity = line.values, optional_amount(line.values, "quantity")
    reductions = {name: optional_amount(values, name) or NOTHING for name in REDUCTIONS}
    if quantity is None or min(reductions.values()) < 0 or values.get("composed") is True:
        return None
    if optional_amount(values, "pricePerQuantity") not in (None, NOTHING, ONE):
        return None
    is_reduced = any(reductions.values()) or as_text(values.get("discount_type")) not in NO_DISCOUNT
    least = max(HALF_A_CENT * (abs(quantity) + 1), SMALLEST_CONTRADICTION)
    contradiction = None
    for price_name, total_name in (("price_incl", "amount_incl"), ("price_excl", "amount_excl")):
        price, total = optional_amount(values, price_name), optional_amount(values, total_name)
        if not price or not total:
            continue
        size, worth = abs(total), abs(quantity * price)
        is_returned_for_money = quantity < 0 < min(price, total)
        is_reduction = is_reduced and _least_reduced(worth, abs(quantity), reductions) / 2 <= size < 2 * worth
        is_explained = abs(size - worth) <= least or is_reduction
        if is_explained and not is_returned_for_money:
            return None
        contradiction = contradiction or (quantity, price, total)
    return contradiction


def _least_reduced(worth: Decimal, quantity: Decimal, reductions: Mapping[str, Decimal]) -> Decimal:
    """Return what the stated discounts leave of an amount, at least; 0 if a discount is not stated as a number.

    An amount may be for one piece or for the line.
    """
    if not any(reductions.values()):
        return NOTHING
    percent = reductions["discount_percent"]
    amounts = sum((value for name, value in reductions.items() if name != "discount_percent"), NOTHING)
    return worth * (HUNDRED - percent) / HUNDRED - amounts * max(quantity, ONE)


def _is_text(line: Record) -> bool:
    values = line.values
    money = ("amount_incl", "amount_excl", "price_incl", "price_excl")
    nothing = not any(optional_amount(values, name) for name in money)
    return nothing and (
        optional_amount(values, "quantity") == NOTHING or not (values.get("article") or values.get("code"))
    )
