"""A reference matches its credit, differs from that of every other document, and can be decoded."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration.core.links import Link
from integration.core.plan import Change, diff
from integration.core.records import Kind, Record
from integration.flows.console_marks import LAST_YEAR, console_mark
from integration.flows.day_pages import bears_day, parse_day_reference
from integration.flows.day_pages import reference as of_day
from integration.flows.orders.references import (
    FIRST_BOOKING,
    LAST_BOOKING,
    DecodedReference,
    DocumentNumber,
    OrderReferences,
    encode_reference,
    has_prefix,
    of_credit,
    parse_reference,
)
from tests.flows.orders.tills import (
    PAPERS,
    Questions,
    an_order,
    booking,
    orders,
    parked_issue,
    without_values,
)

KINDS = (Kind.ORDER, Kind.INVOICE, Kind.RECEIPT)
FEW = st.one_of(st.integers(0, 120), st.integers(0, 1035))  # branches, workplaces
NUMBERS = st.builds(
    DocumentNumber,
    st.sampled_from(KINDS),
    st.integers(2020, LAST_YEAR),
    st.one_of(st.integers(1, 1100), st.integers(9_900, 100_100), st.integers(1, 43_770_015)),
    FEW,
    FEW,
)
MARKS = st.sampled_from("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")


BOOKINGS = st.integers(FIRST_BOOKING, LAST_BOOKING)


@given(MARKS, NUMBERS, BOOKINGS, st.booleans())
def test_a_reference_is_read_back_as_what_it_stands_for(
    mark: str, number: DocumentNumber, booking: int, credit: bool
) -> None:
    reference = encode_reference(mark, number, booking, credit=credit)
    assert reference is not None
    assert len(reference) == 12
    assert reference == reference.upper()
    assert parse_reference(reference) == DecodedReference(mark, number, booking, credit)
    assert DocumentNumber.read(number.kind, number.text) == number


@given(st.lists(st.tuples(MARKS, NUMBERS, BOOKINGS, st.booleans()), min_size=2, max_size=40, unique=True))
def test_no_two_bookings_or_credits_share_a_reference(many: list[tuple[str, DocumentNumber, int, bool]]) -> None:
    assert len(
        {encode_reference(mark, number, booking, credit=credit) for mark, number, booking, credit in many}
    ) == len(many)


@given(MARKS, NUMBERS)
def test_each_booking_has_a_credit_of_its_own_and_no_credit_has_one(mark: str, number: DocumentNumber) -> None:
    ours = [str(encode_reference(mark, number, booking)) for booking in range(FIRST_BOOKING, LAST_BOOKING + 1)]
    backs = [str(of_credit(Kind.POSTING, reference)) for reference in ours]
    assert len({*ours, *backs}) == 2 * LAST_BOOKING
    assert {len(reference) for reference in (*ours, *backs)} == {12}
    assert [of_credit(Kind.POSTING, reference) for reference in backs] == [None] * LAST_BOOKING


def test_a_document_has_so_many_bookings_and_not_one_more() -> None:
    assert LAST_BOOKING == 4
    assert encode_reference("M", DocumentNumber(Kind.RECEIPT, 2026, 1), LAST_BOOKING + 1) is None


@given(MARKS, NUMBERS, BOOKINGS, st.booleans())
def test_no_booking_of_any_console_looks_like_the_page_of_a_day(
    mark: str, number: DocumentNumber, booking: int, credit: bool
) -> None:
    ours = str(encode_reference(mark, number, booking, credit=credit))
    assert parse_day_reference(ours) is None
    assert not bears_day(mark, Kind.DAY_PAGE, ours)


@pytest.mark.parametrize("prefix", ["M", "MZ", "MZ6-", "mz6", "MP-"])
def test_the_page_of_a_day_is_no_posting_of_a_flow_of_documents_whatever_its_prefix(prefix: str) -> None:
    page = str(of_day(prefix, date(2026, 10, 17), "1"))
    assert parse_reference(page) is None
    assert not has_prefix(prefix, Kind.POSTING, page)
    assert not has_prefix(prefix, Kind.POSTING, page.lower())
    assert bears_day(prefix, Kind.DAY_PAGE, page)


@given(st.sampled_from((Kind.SALES_ORDER, Kind.POSTING)), st.lists(NUMBERS, min_size=1, max_size=20, unique=True))
def test_every_booking_of_every_document_has_a_reference_of_its_own(kind: Kind, many: list[DocumentNumber]) -> None:
    references = OrderReferences(kind, "MP-")
    all_references: list[str | None] = []
    for number in many:
        document = Record(number.kind, number.text, {"number": number.text})
        ours = [references.reference_of(document, booking) for booking in range(FIRST_BOOKING, LAST_BOOKING + 1)]
        all_references += [*ours, *(of_credit(kind, reference) for reference in ours)]
    # Orders and receipts that become sales orders share numbers, as they always did: the till never gives one twice.
    texts = {number.text if kind is Kind.SALES_ORDER and number.kind is not Kind.INVOICE else number for number in many}
    assert None not in all_references
    assert len(set(all_references)) == 2 * LAST_BOOKING * len(texts)


def test_every_number_of_a_wide_range_has_a_reference_of_its_own() -> None:
    all_references = {
        encode_reference("M", DocumentNumber(kind, year, number, branch, workplace), credit=credit)
        for kind in KINDS
        for year in (2025, 2026, 2030)
        for branch in (0, 1, 9, 10, 99, 100)
        for workplace in (0, 1, 10, 12)
        for number in (*range(1, 40), *range(990, 1010), *range(9_990, 10_010), *range(99_990, 100_040))
        for credit in (False, True)
    }
    assert None not in all_references
    assert len(all_references) == 3 * 3 * 6 * 4 * (39 + 20 + 20 + 50) * 2


@pytest.mark.parametrize("number", [
    DocumentNumber(Kind.RECEIPT, 2019, 1, 1, 1), DocumentNumber(Kind.RECEIPT, 2056, 1, 1, 1),
    DocumentNumber(Kind.RECEIPT, 2026, 1, 1036, 1), DocumentNumber(Kind.RECEIPT, 2026, 1, 1, 1036),
    DocumentNumber(Kind.ORDER, 2026, 43_770_016),
])  # fmt: skip
def test_what_has_no_room_has_no_reference_rather_than_a_cut_one(number: DocumentNumber) -> None:
    assert encode_reference("M", number) is None


@pytest.mark.parametrize("text", ["WEB-118", "2026", "01.2.2026.118", "1.2.2026.0118", "1.2026.118", "2026.١"])
def test_any_other_text_is_no_number(text: str) -> None:
    assert DocumentNumber.read(Kind.RECEIPT, text) is None


@pytest.mark.parametrize("text", ["MP-26118", "MR60102010000", "MZ6010201000", "MR601021A000", "MR6010201000-C"])
def test_a_text_of_another_form_is_no_reference_of_ours(text: str) -> None:
    assert parse_reference(text) is None


@pytest.mark.parametrize(("prefix", "mark"), [("MP-", "M"), ("kassa 2", "K"), ("", "M"), ("-2", "2")])
def test_the_prefix_tells_consoles_apart_by_its_first_sign(prefix: str, mark: str) -> None:
    assert console_mark(prefix) == mark


# ---- of documents


class Booked(Questions):
    """One document is booked, as both systems agreed."""

    def __init__(self, agreed: Record) -> None:
        super().__init__()
        self.agreed = agreed

    def find_links(self, ids: Collection[str]) -> Mapping[str, Link]:
        return {key: Link(Kind.POSTING, key, "700/1", self.agreed) for key in ids if key == self.agreed.key}


RECEIPTS: dict[str, Any] = {"becomes": "posting", "documents": "receipt"}


def a_receipt(number: str) -> Record:
    return replace(an_order(number=number, type="RECEIPT", state="paid"), kind=Kind.RECEIPT)


@pytest.mark.parametrize(
    ("number", "reference"),
    [
        ("1.2.2026.118", "MR6010200118"),
        ("1.2.2026.1000", "MR6010201000"),
        ("12.10.2026.99999", "MR6121099999"),
        ("12.10.2026.100000", "MR61210A0000"),
    ],
)
def test_a_receipt_from_number_1000_and_branch_10_on_is_booked_and_credited(number: str, reference: str) -> None:
    logic = orders(**RECEIPTS)
    document = booking(a_receipt(number), logic)
    assert document.values["reference"] == reference
    change = diff(document, None, None, logic.policy, title=number)
    assert isinstance(change, Change)
    back = logic.withdraw(PAPERS, change)
    assert isinstance(back, Change)
    assert back.desired.values["reference"] == reference.replace("MR", "MS")


def test_an_order_and_an_invoice_of_one_number_are_two_documents_in_the_daybook() -> None:
    of = OrderReferences(Kind.POSTING, "MP-").reference_of
    order = an_order("order-118")
    invoice = replace(order, kind=Kind.INVOICE)
    assert (of(order), of(invoice)) == ("MO6000000118", "MI6000000118")


def test_an_order_and_an_invoice_of_one_number_are_two_sales_orders() -> None:
    order = an_order("order-118")
    invoice = booking(
        replace(an_order("order-118", type="INVOICE"), kind=Kind.INVOICE), documents="invoice", becomes="order"
    )
    assert booking(order).values["reference"] == "MP-2026.118"
    assert invoice.values["reference"] == "MP-I2026.118"


def test_what_is_booked_keeps_the_reference_and_the_day_it_was_booked_under() -> None:
    record = a_receipt("1.2.2026.118")
    logic = orders(**RECEIPTS)
    agreed = booking(record, logic)
    agreed = replace(agreed, values={**agreed.values, "reference": "MP-1226118"})
    now = booking(record, orders(questions=Booked(agreed), **RECEIPTS))
    assert (now.values["reference"], now.values["date"]) == ("MP-1226118", agreed.values["date"])


@pytest.mark.parametrize(
    ("reference", "credit"),
    [
        ("MR6010201000", "MS6010201000"),
        ("MS6010201000", None),  # nothing credits a credit
        ("MP-WEB-118", "MP-WEB-118-C"),
        ("WEB-LONGTEXT", None),
    ],
)
def test_whatever_is_booked_has_a_credit_that_fits(reference: str, credit: str | None) -> None:
    assert of_credit(Kind.POSTING, reference) == credit
    assert credit is None or len(credit) <= 12


def test_a_number_that_is_none_of_the_tills_needs_room_for_its_credit() -> None:
    assert booking(an_order(number="WEB-118"), becomes="posting").values["reference"] == "MP-WEB-118"
    issue = parked_issue(an_order(number="WEB-1187"), becomes="posting")
    assert (issue.cause, issue.facts["length"], issue.facts["limit"]) == ("field_too_long", "11", "10")
    assert issue.facts["field"] == "posting.reference"


def test_an_order_and_an_invoice_with_one_number_have_different_references_as_postings() -> None:
    orders = booking(an_order(number="26.118"), becomes="posting")
    invoices = booking(
        replace(an_order(number="26.118", type="INVOICE"), kind=Kind.INVOICE), documents="invoice", becomes="posting"
    )
    assert (orders.values["reference"], invoices.values["reference"]) == ("MP-26.118", "MP-I26.118")


def test_a_reference_of_an_order_has_room_for_its_credit_in_forty_characters() -> None:
    assert booking(an_order("order-118")).values["reference"] == "MP-2026.118"
    assert booking(an_order(number="9" * 35))
    assert parked_issue(an_order(number="9" * 36)).cause == "field_too_long"


def test_a_document_without_a_number_is_parked_because_its_external_id_can_be_the_number_of_another() -> None:
    for becomes in ("order", "posting"):
        issue = parked_issue(without_values(an_order(external_id="2026.118"), "number"), becomes=becomes)
        assert issue.cause == "required_field_empty"
