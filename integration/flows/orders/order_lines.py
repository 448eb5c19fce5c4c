"""Lines of an order. The books compute VAT themselves, so everything is under their VAT codes."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from integration.core.records import Kind, Record, Value
from integration.core.totals.booked import BookLine, book_lines, booked
from integration.core.totals.difference import rounding_lines, verdict
from integration.core.totals.sold import basis_of
from integration.core.totals.vat import NOTHING, Basis, VatSum
from integration.flows.orders.codes import Codes
from integration.flows.orders.lines import BookedLines, about, numbered
from integration.flows.orders.parties import Told
from integration.flows.orders.refusals import books_differ
from integration.flows.orders.sold import codes_of, goods, number, sale_of, sold_line, vat_code


def order_lines(told: Told, articles: Mapping[str, str], tables: Codes, *, discounts: bool) -> BookedLines:
    """Return the lines of a sales order, on these articles. Raises Parked when they would not come to what was sold."""
    settings, lines = tables.settings, goods(told.record)
    codes = {code: tables.vat_code(told, code) for code in codes_of(told.record, lines)}
    sold = [sold_line(line, codes[vat_code(line)], tables.till_rates, discounts=discounts) for line in lines]
    sale = sale_of(told.record, sold, codes, settings.rounding_methods)
    basis: Basis = basis_of(sale.method) if settings.price_basis == "till" else settings.price_basis
    rates = tables.rates(codes.values())
    found = verdict(sale, rates, basis, settings.rounding, settings.price_places)
    made = book_lines(sale, basis, rates, settings.price_places)
    extra: tuple[BookLine, ...] = ()
    if found.rule:
        more = rounding_lines(found, made, rates, basis, settings.rounding, settings.rounding_limit)
        if more is None or not settings.rounding_article:
            raise books_differ(told, sale, found, "line.price", settings.rounding_limit, _theirs(codes))
        extra = more
    sources = [
        *(_line(told, one, articles[line.key], line.values) for line, one in zip(lines, made, strict=True)),
        *(_line(told, one, settings.rounding_article) for one in extra),
    ]
    sums = booked((*made, *extra), rates, basis, settings.rounding)
    lines_made = BookedLines(numbered(sources), basis == "incl", sums, codes)
    return replace(lines_made, correction=found.amount, rule=found.rule) if extra else lines_made


def order_sums(lines: Iterable[tuple[str, Mapping[str, Value]]], tables: Codes, *, gross: bool) -> dict[str, VatSum]:
    """Return what the books come to for the fields of lines, each under its VAT code of the books."""
    sent = []
    for code, line in lines:
        quantity, price, discount = (
            number(line, each) or NOTHING for each in ("quantity", "price", "discount_percent")
        )
        sent.append(BookLine("", quantity, price, discount, code))
    return booked(
        sent, tables.rates(line.vat_code for line in sent), "incl" if gross else "excl", tables.settings.rounding
    )


def _line(told: Told, sent: BookLine, article: str, sold: Mapping[str, Value] | None = None) -> Record:
    """Return what the rules for a line read; one on the rounding article was not sold."""
    values: dict[str, Value] = {
        **about(told),
        **(sold or {}),
        "books_article": article,
        "books_quantity": sent.quantity,
        "books_price": sent.price,
    }
    if sent.discount_percent:
        values["books_discount"] = sent.discount_percent
    if sent.vat_code:
        values["books_vat_code"] = sent.vat_code
    return Record(Kind.LINE, sent.key, values)


def _theirs(codes: Mapping[str, str]) -> dict[str, str]:
    """Return what the till calls each VAT code of the books."""
    return {code: ", ".join(ours for ours, books in codes.items() if books == code) for code in codes.values()}
