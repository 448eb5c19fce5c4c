"""Documents that may be in several objects of the books."""

from decimal import Decimal

import pytest

from integration.connectors.accountview.places import merge_places, with_invoices
from integration.core.records import CurrentRecord, Kind, Record
from tests.connectors.accountview.samples import a_line, a_posting, an_order
from tests.fakes import Links


def test_what_two_places_have_under_different_numbers_is_two_documents() -> None:
    first, same, second = (CurrentRecord(a_posting("643"), number) for number in ("7", "7", "8"))
    assert merge_places({"643": first}, {"643": same}) == {"643": first}
    assert merge_places({"643": first}, {"643": second})["643"].other_references == ("8",)
    assert merge_places({}, {"643": second}) == {"643": second}


@pytest.mark.parametrize(
    ("invoices", "expected"),
    [
        ([an_order()], ()),
        ([an_order(lines=(a_line(1),))], ()),
        ([an_order(lines=(a_line(1, price=Decimal("18.99")),))], ()),
        ([an_order(lines=(a_line(1),)), an_order(lines=(a_line(1, quantity=Decimal(1)),))], ()),
        ([an_order(), an_order(lines=(a_line(1),))], ("i0", "i1")),
        ([an_order(lines=(a_line(1, quantity=Decimal(4)),))], ("i0",)),
        ([an_order(lines=(a_line(1, price=Decimal("30.00")),))], ("i0",)),
        ([an_order(lines=(a_line(1, quantity=Decimal(-2)),))], ("i0",)),
        ([an_order(lines=(a_line(1, article="9002", price=Decimal(1)),))], ("i0",)),
        ([an_order(lines=(Record(Kind.LINE, "1", {"article": "9001", "quantity": Decimal(2)}),))], ("i0",)),
        ([an_order(debtor_number="20002")], ("i0",)),
        ([an_order(gross=False)], ("i0",)),
        ([an_order(shipping_cost=Decimal(5))], ("i0",)),
    ],
)
def test_a_trade_invoice_beside_an_order_is_another_document_unless_it_is_of_that_order(
    invoices: list[Record], expected: tuple[str, ...]
) -> None:
    candidates = [CurrentRecord(invoice, f"i{place}") for place, invoice in enumerate(invoices)]
    for order in (an_order(), an_order(lines=(a_line(1, quantity=Decimal(1)),))):  # of which a part may be left
        orders = with_invoices([an_order()], {"118": CurrentRecord(order, "o")}, {"118": candidates}, Links())
        assert (orders["118"].reference, orders["118"].other_references) == ("o", expected)
    grown = an_order(lines=(a_line(1), a_line(2, article="9003")))  # by somebody in the books
    its = {"118": [CurrentRecord(grown, "i0")]}
    assert with_invoices([an_order()], {"118": CurrentRecord(grown, "o")}, its, Links())["118"].other_references == ()


def test_a_trade_invoice_with_the_tills_id_of_another_sale_is_of_no_order() -> None:
    for ids, expected in ((("a", "A"), ()), (("a", ""), ()), (("a", "b"), ("i0",))):
        order, invoice = (an_order(till_id=till_id) for till_id in ids)
        orders = with_invoices(
            [order], {"118": CurrentRecord(order, "o")}, {"118": [CurrentRecord(invoice, "i0")]}, Links()
        )
        assert orders["118"].other_references == expected


def test_a_trade_invoice_that_we_wrote_is_of_no_order() -> None:
    order, ours = an_order(), Links({(Kind.SALES_ORDER, "118"): "i0"})
    invoices = {"118": [CurrentRecord(order, "i0"), CurrentRecord(order, "i1")]}
    assert with_invoices([order], {"118": CurrentRecord(order, "o")}, {"118": [CurrentRecord(order, "i0")]}, ours)[
        "118"
    ].other_references == ("i0",)
    alone = with_invoices([order], {}, invoices, ours)["118"]
    assert (alone.reference, alone.other_references) == ("i0", ("i1",))
