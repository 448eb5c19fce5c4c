"""What a document of the till sold, as the core counts with it."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from decimal import Decimal

from integration.core.records import Kind, Record, Value
from integration.core.rules import as_text
from integration.core.totals.sold import NOTHING, ONE, Sale, SoldLine, VatSum, sum_by

# Fields of a line that say why its total is less than its quantity at its price.
REDUCTIONS = ("discount_percent", "discountAmount", "discountAmountExcl", "bpeAmount", "bpeAmountExcl")
HALF_A_CENT = Decimal("0.005")  # a unit price is told in whole cents, and so is a total
SMALLEST_CONTRADICTION = Decimal("0.05")  # a total that is rounded or agreed by hand may be so far off
NO_DISCOUNT = ("", "none")


def sale_lines(document: Record) -> tuple[Record, ...]:
    """Return the lines that sell something; a line of text alone is left out."""
    return tuple(part for part in document.parts if part.kind is Kind.LINE and not _is_text(part))


def split_of(document: Record) -> dict[str, VatSum]:
    """Return the till's own split: what each of its VAT codes comes to."""
    split = (part.values for part in document.parts if part.kind is Kind.VAT)
    return sum_by(
        (as_text(each.get("code")), VatSum(told_number(each, "excl") or NOTHING, told_number(each, "vat") or NOTHING))
        for each in split
    )


def sold_vat_codes(document: Record, lines: Iterable[Record]) -> tuple[str, ...]:
    """Return the till's VAT codes that something was sold under: those of the lines, then those of the split alone."""
    in_split = (code for code, told in split_of(document).items() if told)
    return tuple(dict.fromkeys([*map(line_vat_code, lines), *in_split]))


def sale_of(document: Record, lines: Iterable[SoldLine], codes: Mapping[str, str], rounding: Collection[str]) -> Sale:
    """Return the sale with these lines, under the VAT codes that `codes` has for those of the till.

    `rounding` are the payment methods by which the till tells the rounding of cash.
    """
    split = sum_by((codes[code], each) for code, each in split_of(document).items() if code in codes)
    cash = (
        part.values for part in document.parts if part.kind is Kind.PAYMENT and part.values.get("method") in rounding
    )
    return Sale(
        tuple(lines),
        split,
        told_number(document.values, "total_incl"),
        told_number(document.values, "total_excl"),
        vat_method(document),
        sum((told_number(each, "amount") or NOTHING for each in cash), NOTHING),
    )


def sold_line(line: Record, code: str, rates: Mapping[str, Decimal], *, discounts: bool) -> SoldLine:
    """Return a line as it was sold, under a VAT code. `rates` are those of the till, for lines that do not tell theirs.

    Without `discounts` the books have no field for one: a line that tells its total is counted without it.
    """
    values = line.values
    incl, excl = told_number(values, "amount_incl"), told_number(values, "amount_excl")
    is_told = incl is not None or excl is not None
    percent = told_number(values, "vat_percent")
    return SoldLine(
        line.key,
        code,
        told_number(values, "quantity"),
        told_number(values, "price_incl"),
        told_number(values, "price_excl"),
        told_number(values, "discount_percent") if discounts or not is_told else None,
        incl,
        excl,
        rates.get(line_vat_code(line)) if percent is None else percent,
    )


def as_one_piece(line: SoldLine) -> SoldLine:
    """Return a line as one piece at its own total, where that is told: postings have no quantities."""
    if line.amount_incl is None and line.amount_excl is None:
        return line
    return replace(line, quantity=ONE, price_incl=line.amount_incl, price_excl=line.amount_excl, discount_percent=None)


def vat_method(document: Record) -> str:
    """Return how the till counted VAT."""
    return as_text(document.values.get("vat_method")).strip() or "inclusive"


def line_vat_code(line: Record) -> str:
    """Return the till's VAT code of a line, empty when it has none."""
    return as_text(line.values.get("vat_code")).strip()


def told_number(values: Mapping[str, Value], name: str) -> Decimal | None:
    """Return an amount or a quantity; None when it is not told."""
    value = values.get(name)
    return value if isinstance(value, Decimal) else None


def line_contradiction(line: Record) -> tuple[Decimal, Decimal, Decimal] | None:
    """Return quantity, unit price and total of a line where these cannot all be right; None where they can.

    They cannot where total and quantity times price are further apart than rounding of the unit price explains, with
    VAT and without, or where goods come back and money comes in. A discount explains a lower total, a surcharge or
    lines inside the line a higher one, a price for several pieces either, and a total of nothing is a gift. Where a
    discount is told, a higher total is wrong from twice the price on: the unit price may have the discount in it.
    """
    values, quantity = line.values, told_number(line.values, "quantity")
    reductions = [told_number(values, name) or NOTHING for name in REDUCTIONS]
    if quantity is None or min(reductions) < 0 or values.get("composed") is True:
        return None
    if told_number(values, "pricePerQuantity") not in (None, NOTHING, ONE):
        return None
    is_reduced = any(reductions) or as_text(values.get("discount_type")) not in NO_DISCOUNT
    least = max(HALF_A_CENT * (abs(quantity) + 1), SMALLEST_CONTRADICTION)
    found = None
    for price_name, total_name in (("price_incl", "amount_incl"), ("price_excl", "amount_excl")):
        price, total = told_number(values, price_name), told_number(values, total_name)
        if not price or not total:
            continue
        size, worth = abs(total), abs(quantity * price)
        is_returned_for_money = quantity < 0 < min(price, total)
        is_explained = abs(size - worth) <= least or (is_reduced and size < 2 * worth)
        if is_explained and not is_returned_for_money:
            return None
        found = found or (quantity, price, total)
    return found


def _is_text(line: Record) -> bool:
    values = line.values
    money = ("amount_incl", "amount_excl", "price_incl", "price_excl")
    nothing = not any(told_number(values, name) for name in money)
    return nothing and (told_number(values, "quantity") == NOTHING or not (values.get("article") or values.get("code")))
