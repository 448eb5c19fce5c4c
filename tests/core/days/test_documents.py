"""Totals of separate documents: groups, VAT, and payments of the day."""

from dataclasses import replace
from decimal import Decimal

import pytest

from integration.core.days.documents import (
    DayDocument,
    documents_of,
    sums_of_documents,
    sums_of_journals,
)
from integration.core.days.till import till_day, total
from integration.core.records import Kind
from tests.core.days.example import DAY, DOCUMENTS, day_record, document, euros


def test_the_documents_of_the_day_come_to_the_tills_own_sums() -> None:
    day = till_day(day_record())
    documents = documents_of(day)
    assert total(day_document.total for day_document in documents if day_document.source == "receipt") == euros(
        "1787.15"
    )
    assert sums_of_documents(documents).vat == sums_of_journals(day).vat
    assert sums_of_documents(documents).payments == sums_of_journals(day).payments
    assert sums_of_documents(documents).groups == sums_of_journals(day).groups


def test_the_vat_of_a_document_is_shared_out_to_the_cent() -> None:
    receipt = DayDocument(next(receipt for receipt in DOCUMENTS if receipt.key.endswith("4107")), DAY)
    assert receipt.groups["40", "2"].vat == euros("20.66")
    assert receipt.groups["20", "2"].vat == euros("11.19")


def test_cents_go_to_the_revenue_that_the_split_covers_and_never_to_a_deposit() -> None:
    lines = "20/2 866.20 30/2 752.75 91/2 -12.50"
    revenue = frozenset({"20", "30"})
    for split in ("2 1337.97 280.98", "2 1327.64 278.81"):  # of revenue only, and with the taxed deposit
        sold = DayDocument(document("1", lines, split, "PIN 1606.45"), DAY, revenue_groups=revenue)
        assert {group: vat_sum.vat for (group, _), vat_sum in sold.groups.items()} == {
            "20": euros("150.34"), "30": euros("130.64"), "91": euros("-2.17"),
        }  # fmt: skip


def test_a_document_of_before_is_only_paid() -> None:
    record = document(
        "2026.700", "10/2 121.00", "2 100.00 21.00", "PIN 121.00", kind=Kind.INVOICE, on=DAY.replace(day=3), paid_on=DAY
    )
    day_document = DayDocument(record, DAY)
    assert (day_document.is_sold, day_document.total, day_document.rest) == (False, Decimal(0), euros("-121.00"))
    assert sums_of_documents([day_document]).groups == {}


def test_reverse_charge_and_foreign_vat_numbers_are_seen() -> None:
    shifted = DayDocument(document("1", "10/3 1.00", "3 1.00 0", "PIN 1.00", method="shifted"), DAY)
    foreign = DayDocument(
        document("1", "10/3 1.00", "3 1.00 0", "PIN 1.00", relation="1", vat_number="BE0123456749"), DAY
    )
    home = DayDocument(
        document("1", "10/3 1.00", "3 1.00 0", "PIN 1.00", relation="1", vat_number="NL001234567B01"), DAY
    )
    assert (shifted.is_untaxed, foreign.has_foreign_vat_number("NL"), home.has_foreign_vat_number("NL")) == (
        True,
        True,
        False,
    )


@pytest.mark.parametrize(
    ("country", "is_foreign", "is_listed"),
    [("BE", True, True), ("be", True, True), ("GB", True, False), ("NL", False, False), ("", False, False)],
)
def test_a_vat_number_without_letters_is_of_the_country_of_its_customer(
    country: str, is_foreign: bool, is_listed: bool
) -> None:
    record = document("1", "10/3 1.00", "3 1.00 0", "PIN 1.00", relation="1", vat_number="0411.905.847")
    *parts, customer = record.parts
    foreign_customer = replace(customer, values={**customer.values, "country": country})
    day_document = DayDocument(replace(record, parts=(*parts, foreign_customer)), DAY)
    assert (day_document.has_foreign_vat_number("NL"), day_document.is_for_the_sales_list("NL")) == (
        is_foreign,
        is_listed,
    )


def test_what_is_paid_at_another_branch_is_neither_sold_nor_paid_twice() -> None:
    invoice = document("2026.700", "10/2 121.00", "2 100.00 21.00", "PIN 50.00 CASH 71.00", kind=Kind.INVOICE)
    parts = tuple(
        replace(part, values={**part.values, "branch": "2"}) if part.values.get("method") == "CASH" else part
        for part in invoice.parts
    )
    branch_invoice = replace(invoice, parts=parts)
    own, other = DayDocument(branch_invoice, DAY, "1"), DayDocument(branch_invoice, DAY, "2")
    assert (own.is_sold, own.payments_by_method, own.rest) == (True, {"PIN": euros("50.00")}, euros("71.00"))
    assert (other.is_sold, other.payments_by_method, other.rest) == (False, {"CASH": euros("71.00")}, euros("-71.00"))


def test_a_document_comes_to_its_total_where_its_list_of_vat_is_about_less() -> None:
    invoice = document(
        "2026.700", "10/2 121.00 90/3 25.00 91/2 6.05", "2 100.00 21.00", "PIN 152.05", kind=Kind.INVOICE
    )
    day_document = DayDocument(replace(invoice, values={**invoice.values, "total_incl": euros("152.05")}), DAY)
    assert (day_document.total, day_document.rest) == (euros("152.05"), Decimal(0))
    assert {key: vat_sum.vat for key, vat_sum in day_document.groups.items()} == {
        ("10", "2"): euros("21.00"), ("90", "3"): 0, ("91", "2"): euros("1.05"),
    }  # fmt: skip
