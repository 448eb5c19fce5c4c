"""Cents that lines and split of a document differ by go to the same part in each booking of the document."""

from integration.core.days.till import total
from integration.core.totals.allocation import allocate_vat
from integration.core.totals.sold import VatSum
from tests.core.days.example import euros


def test_what_is_sold_and_reversed_on_one_receipt_keeps_its_signs() -> None:
    parts = {"20": VatSum(euros("-41.28"), euros("-8.67")), "30": VatSum(euros("82.64"), euros("17.35"))}
    moved = allocate_vat(VatSum(vat=euros("8.69")), parts, ())
    assert total(vat_sum.vat for vat_sum in moved.values()) == euros("8.69")
    assert {group: vat_sum.incl for group, vat_sum in moved.items()} == {
        group: vat_sum.incl for group, vat_sum in parts.items()
    }
    assert moved["20"].vat < 0 < moved["30"].vat
