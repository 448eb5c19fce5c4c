"""Sold amounts of a document of the till."""

from dataclasses import replace
from decimal import Decimal

from integration.core.records import Kind, Record
from integration.core.totals.sold import VatSum
from integration.flows.orders.sold import sale_lines, sale_of, sold_line, sold_vat_codes, split_of
from tests.flows.orders.tills import (
    TILL,
    a_line,
    an_order,
    booking,
    lines_of,
)


def test_lines_of_text_alone_are_left_out_and_the_others_numbered_anew() -> None:
    text = a_line("1", "0", "0", article="", code="", text="Met de groeten van het team")
    assert [part.key for part in lines_of(booking(an_order(lines=(text, a_line("2"), a_line("3")))))] == ["1", "2"]


def with_split(*groups: tuple[str, str, str]) -> Record:
    """Return an order with another split: VAT codes with their bases and VAT."""
    order = an_order()
    others = tuple(part for part in order.parts if part.kind is not Kind.VAT)
    split = tuple(
        Record(Kind.VAT, f"vat:{place}", {"code": code, "excl": Decimal(excl), "vat": Decimal(vat)})
        for place, (code, excl, vat) in enumerate(groups)
    )
    return replace(order, parts=(*others, *split))


def test_groups_of_one_vat_code_are_added_up() -> None:
    order = with_split(("2", "10.00", "2.10"), ("1", "0.00", "0.00"), ("2", "5.00", "1.05"))
    assert split_of(order) == {"2": VatSum(Decimal("15.00"), Decimal("3.15")), "1": VatSum(Decimal(0), Decimal(0))}


def test_a_code_counts_when_a_line_has_it_or_something_stands_under_it() -> None:
    order = with_split(("1", "0.00", "0.00"), ("3", "0.02", "0.00"))
    assert sold_vat_codes(order, sale_lines(order)) == ("2", "3")


def test_codes_that_are_one_in_the_books_are_one_in_the_sale() -> None:
    order = with_split(("2", "10.00", "2.10"), ("6", "5.00", "1.05"), ("9", "1.00", "0.00"))
    assert sale_of(order, (), {"2": "1", "6": "1"}, ()).sold == {"1": VatSum(Decimal("15.00"), Decimal("3.15"))}


def test_cash_rounding_is_what_was_paid_by_the_methods_for_it() -> None:
    paid = [Record(Kind.PAYMENT, name, {"method": name, "amount": Decimal("0.02")}) for name in ("ROUNDING", "PIN")]
    assert sale_of(an_order(others=tuple(paid)), (), {}, ("ROUNDING",)).rounding == Decimal("0.02")


def test_a_line_that_does_not_tell_its_rate_has_that_of_its_code() -> None:
    with_rate, without_rate = a_line(vat_percent=Decimal(19)), a_line(vat_percent=None)
    assert [sold_line(line, "1", TILL, discounts=True).vat_percent for line in (with_rate, without_rate)] == [19, 21]


def test_without_a_field_for_discounts_a_line_with_a_total_is_counted_without_one() -> None:
    line = a_line(discount_percent=Decimal(10))
    line_without_amount = replace(line, values={**line.values, "amount_incl": None, "amount_excl": None})
    assert [
        sold_line(order_line, "1", TILL, discounts=False).discount_percent for order_line in (line, line_without_amount)
    ] == [
        None,
        10,
    ]
