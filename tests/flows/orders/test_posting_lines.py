"""Lines of a posting carry the VAT of the till."""

from dataclasses import replace
from decimal import Decimal

from integration.core.records import Kind
from tests.flows.orders.tills import a_line, an_order, booking, lines_of, parked, without


def test_a_posting_has_a_line_for_each_vat_code_and_account() -> None:
    low = a_line("3", "10.90", "10.00", vat_code="1")
    one = booking(an_order(lines=(a_line("1"), a_line("2"), low)), becomes="posting")
    assert one.kind is Kind.POSTING
    assert (one.values["daybook"], one.values["period"], one.values["gross"]) == ("700", Decimal(11), False)
    assert one.values["text"] == "2026.1 Els de Wit"
    names = ("account", "vat_code", "amount", "vat")
    assert [tuple(part.values[name] for name in names) for part in lines_of(one)] == [
        ("8000", "1", Decimal("20.00"), Decimal("4.20")),
        ("8100", "2", Decimal("10.00"), Decimal("0.90")),
    ]


def test_a_posting_can_carry_amounts_with_vat() -> None:
    one = booking(an_order(), becomes="posting", price_basis="incl")
    assert (one.values["gross"], lines_of(one)[0].values["amount"]) == (True, Decimal("12.10"))


def test_a_difference_in_a_posting_goes_to_the_rounding_account() -> None:
    order = an_order(lines=(a_line("1"),))
    parts = tuple(
        replace(part, values={**part.values, "excl": Decimal("10.02")}) if part.kind is Kind.VAT else part
        for part in order.parts
    )
    odd = without(replace(order, parts=parts), "total_incl", "total_excl")
    assert parked(odd, becomes="posting").cause == "totals_differ"
    one = booking(odd, becomes="posting", rounding_account="4400")
    assert [(part.values["account"], part.values["amount"], part.values["vat"]) for part in lines_of(one)] == [
        ("8000", Decimal("10.00"), Decimal("2.10")),
        ("4400", Decimal("0.02"), Decimal("0.00")),
    ]
    assert one.values["rounding"] == Decimal("0.02")
    assert one.values["booked_incl"] == one.values["sold_incl"] == Decimal("12.12")
