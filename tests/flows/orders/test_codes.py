"""Under which VAT code and on which account something is booked."""

from dataclasses import replace
from decimal import Decimal

import pytest

from integration.core.records import Kind, Record
from integration.core.totals.sold import VatSum
from integration.flows.orders.codes import sale_lines, sale_of, sold_line, sold_vat_codes, split_of
from integration.flows.orders.logic import Orders
from integration.flows.orders.settings import OrderSettings
from tests.flows.orders.tills import (
    BODY,
    BOOKS,
    TILL,
    TOLD,
    VAT_NUMBER,
    Questions,
    a_customer,
    a_line,
    an_order,
    booking,
    line_of,
    lines_of,
    parked,
    with_tables,
)


@pytest.mark.parametrize(
    ("vat_number", "table", "found"),
    [
        ("", {"2": "1"}, "1"),
        ("", {"2": "1", "NL:2": "6"}, "6"),
        ("", {"2": "1", "NL:2": "6", "NL:2:no": "7", "NL:2:yes": "8"}, "7"),
        (VAT_NUMBER, {"2": "1", "NL:2": "6", "NL:2:no": "7", "NL:2:yes": "8"}, "8"),
    ],
)
def test_the_vat_code_goes_by_country_and_vat_number(vat_number: str, table: dict[str, str], found: str) -> None:
    order = an_order(customer=a_customer(vat_number=vat_number))
    asked = Questions()
    rates = {**BOOKS, "6": Decimal(21), "7": Decimal(21), "8": Decimal(21)}
    chosen = OrderSettings(collective_account="1300")
    logic = Orders(chosen, BODY, 1, with_tables(vat_codes_sales=table), rates, TILL, asked.known, asked.linked, TOLD)
    assert lines_of(booking(order, logic))[0].values["vat_code"] == found


def test_reverse_charge_asks_for_a_code_of_its_own_first() -> None:
    line = a_line("1", "10.00", "10.00", vat_percent=Decimal(0))
    order = an_order(lines=(line,), vat_method="shifted")
    tables = with_tables(vat_codes_sales={"2": "1", "NL:2": "1", "2:shifted": "5"})
    one = booking(order, tables=tables)
    assert lines_of(one)[0].values["vat_code"] == "5"
    assert one.values["gross"] is False


def test_a_vat_code_without_a_counterpart_parks_the_document() -> None:
    issue = parked(an_order(), tables=with_tables(vat_codes_sales={"1": "2"}))
    assert issue.cause == "vat_code_unmapped"
    assert (issue.facts["code"], issue.facts["rate"], issue.facts["country"]) == ("2", "21%", "NL")


def test_the_revenue_account_goes_by_country() -> None:
    assert line_of(an_order(country="BE"), becomes="posting")["account"] == "8200"
    issue = parked(an_order(), becomes="posting", tables=with_tables(revenue_accounts={"BE:1": "8200"}))
    assert issue.cause == "revenue_account_unmapped"
    assert (issue.facts["country"], issue.facts["code"]) == ("NL", "1")
    assert line_of(an_order(), becomes="posting", tables=with_tables(revenue_accounts={"*": "8"}))["account"] == "8"


# ---- what was sold is read from the lines and the split of the till


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
    told, untold = a_line(vat_percent=Decimal(19)), a_line(vat_percent=None)
    assert [sold_line(line, "1", TILL, discounts=True).vat_percent for line in (told, untold)] == [19, 21]


def test_without_a_field_for_discounts_a_line_with_a_total_is_counted_without_one() -> None:
    line = a_line(discount_percent=Decimal(10))
    untold = replace(line, values={**line.values, "amount_incl": None, "amount_excl": None})
    assert [sold_line(one, "1", TILL, discounts=False).discount_percent for one in (line, untold)] == [None, 10]


@pytest.mark.parametrize("becomes", ["order", "posting"])
def test_a_document_under_a_code_without_a_percentage_waits(becomes: str) -> None:
    asked, rates = Questions(), {code: rate for code, rate in BOOKS.items() if code != "1"}
    chosen = OrderSettings.model_validate({"orders": becomes, "daybook": "700", "collective_account": "1300"})
    logic = Orders(chosen, BODY, 7, with_tables(), rates, TILL, asked.known, asked.linked, TOLD)
    issue = parked(an_order(), logic)
    assert (issue.cause, issue.facts["vat"]) == ("vat_rate_unknown", "accountview - 1")
