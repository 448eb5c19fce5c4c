"""A planned document carries what was sold beside what is booked, and is read however it was kept."""

from decimal import Decimal

from integration.core.records import Kind, Record, record_from_json, record_to_json
from integration.core.totals.comparison import Compared, as_parts, compared_in, without_sums
from integration.core.totals.vat import VatSum

LINE = Record(Kind.LINE, "1", {"quantity": Decimal(1)})
HIGH = Compared("2", VatSum(Decimal("10.00"), Decimal("2.10")), VatSum(Decimal("10.01"), Decimal("2.10")))
LOW = Compared("1", VatSum(Decimal("10.00"), Decimal("0.90")))


def test_each_vat_code_is_a_part_of_the_document_that_survives_the_way_to_disk() -> None:
    document = Record(Kind.SALES_ORDER, "order-1", {"sold_incl": Decimal("23.00")}, (LINE, *as_parts([HIGH, LOW])))
    assert compared_in(record_from_json(record_to_json(document))) == (HIGH, LOW)
    assert without_sums(document) == Record(Kind.SALES_ORDER, "order-1", document.values, (LINE,))


def test_a_document_that_an_earlier_version_kept_is_read_the_same() -> None:
    values = {
        "sold_incl": Decimal("23.00"), "sold_vat:2": Decimal("2.10"), "sold_vat:1": Decimal("0.90"),
        "sold_excl:2": Decimal("10.00"), "sold_excl:1": Decimal("10.00"), "booked_excl:2": Decimal("10.01"),
        "booked_vat:2": Decimal("2.10"), "booked_excl:1": None,
    }  # fmt: skip
    assert compared_in(Record(Kind.SALES_ORDER, "order-1", values, (LINE,))) == (HIGH, LOW)


def test_a_document_without_sums_compares_nothing() -> None:
    assert compared_in(Record(Kind.SALES_ORDER, "order-1", {"reference": "MP-1"}, (LINE,))) == ()


def test_an_amount_that_was_not_kept_counts_as_nothing() -> None:
    (one,) = compared_in(Record(Kind.POSTING, "1", {"sold_vat:2": Decimal("2.10"), "sold_excl:2": None}))
    assert one == Compared("2", VatSum(Decimal(0), Decimal("2.10")))
