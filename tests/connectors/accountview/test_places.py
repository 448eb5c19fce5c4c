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
    ("invoices", "told"),
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
    invoices: list[Record], told: tuple[str, ...]
) -> None:
    there = [CurrentRecord(one, f"i{place}") for place, one in enumerate(invoices)]
    for order in (an_order(), an_order(lines=(a_line(1, quantity=Decimal(1)),))):  # of which a part may be left
        found = with_invoices([an_order()], {"118": CurrentRecord(order, "o")}, {"118": there}, Links())
        assert (found["118"].reference, found["118"].other_references) == ("o", told)
    grown = an_order(lines=(a_line(1), a_line(2, article="9003")))  # by somebody in the books
    its = {"118": [CurrentRecord(grown, "i0")]}
    assert with_invoices([an_order()], {"118": CurrentRecord(grown, "o")}, its, Links())["118"].other_references == ()


def test_a_trade_invoice_with_the_tills_id_of_another_sale_is_of_no_order() -> None:
    for ids, told in ((("a", "A"), ()), (("a", ""), ()), (("a", "b"), ("i0",))):
        order, invoice = (an_order(till_id=one) for one in ids)
        found = with_invoices(
            [order], {"118": CurrentRecord(order, "o")}, {"118": [CurrentRecord(invoice, "i0")]}, Links()
        )
        assert found["118"].other_references == told


def test_a_trade_invoice_that_we_wrote_is_of_no_order() -> None:
    one, ours = an_order(), Links({(Kind.SALES_ORDER, "118"): "i0"})
    invoices = {"118": [CurrentRecord(one, "i0"), CurrentRecord(one, "i1")]}
    assert with_invoices([one], {"118": CurrentRecord(one, "o")}, {"118": [CurrentRecord(one, "i0")]}, ours)[
        "118"
    ].other_references == ("i0",)
    alone = with_invoices([one], {}, invoices, ours)["118"]
    assert (alone.reference, alone.other_references) == ("i0", ("i1",))
