"""Shipping costs on a sales order: ordinary lines, or one amount in a field of the document.

The VAT that the books charge on this field is not publicly documented, so a setting names its VAT code. Documents with
shipping costs under another VAT code wait.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from integration.core.records import Record
from integration.core.rules import as_text
from integration.core.totals.booked import BookLine, booked_totals
from integration.core.totals.sold import NOTHING, ONE, Basis
from integration.core.vat import UNKNOWN, vat_fact
from integration.flows.orders.balances import turnover_group_of
from integration.flows.orders.parties import CompletedDocument
from integration.flows.orders.settings import OrderSettings
from integration.flows.settings import BOOKS, RecordRejected

FIELD = "sales_order.shipping_cost"  # the mapping must fill it from `books_shipping`
KINDS = ("order", "invoice")


def is_shipping(line: Record, settings: OrderSettings) -> bool:
    """Return True if a line is a shipping cost, by its article or its turnover group."""
    codes = {as_text(line.values.get(name)).strip() for name in ("code", "article")} - {""}
    return turnover_group_of(line) in settings.shipping_groups or not codes.isdisjoint(settings.shipping_articles)


def in_field(document: CompletedDocument, lines: Sequence[Record], settings: OrderSettings) -> frozenset[str]:
    """Return the keys of the lines that are booked in the shipping field of the document."""
    is_used = settings.shipping == "field" and settings.becomes(document.record.kind) in KINDS
    return frozenset(line.key for line in lines if is_shipping(line, settings)) if is_used else frozenset()


def shipping_lines(
    document: CompletedDocument,
    lines: Sequence[Record],
    computed_lines: Sequence[BookLine],
    settings: OrderSettings,
    rates: Mapping[str, Decimal],
    basis: Basis,
) -> tuple[frozenset[str], BookLine | None]:
    """Return the keys of the lines booked in the shipping field, and its amount; None if all lines remain lines.

    `rates` are the VAT percentages of the books. Raises RecordRejected if the totals of the books would change.
    """
    keys = in_field(document, lines, settings)
    shipping_lines = [book_line for book_line in computed_lines if book_line.key in keys]
    if not shipping_lines:
        return keys, None
    rest = [book_line for book_line in computed_lines if book_line.key not in keys]
    amount = sum((book_line.amount for book_line in shipping_lines), NOTHING)
    field = BookLine("", ONE, amount, vat_code=settings.shipping_vat_code)
    codes = sorted({book_line.vat_code for book_line in shipping_lines})
    same = booked_totals([*rest, field], rates, basis, settings.rounding) == booked_totals(
        computed_lines, rates, basis, settings.rounding
    )
    if not rest or codes != [settings.shipping_vat_code] or not same:
        code = next(
            (vat_code for vat_code in codes if vat_code != settings.shipping_vat_code), settings.shipping_vat_code
        )
        under = sum((book_line.amount for book_line in shipping_lines if book_line.vat_code == code), NOTHING)
        facts = {"document": document.title, "amount": str(under), "code": code, "system": BOOKS.system}
        facts["vat"] = vat_fact(code, rates.get(code), BOOKS.system)
        expected = settings.shipping_vat_code or UNKNOWN
        raise RecordRejected(
            "shipping_not_exact", FIELD, **facts, field_vat=vat_fact(expected, rates.get(expected), BOOKS.system)
        )
    return keys, field
