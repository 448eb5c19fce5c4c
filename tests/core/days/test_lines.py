"""Refused lines of a day, by the missing account, code, debtor or voucher."""

from dataclasses import replace
from decimal import Decimal

import pytest

from integration.core.days.books import NO_VOUCHER, DayBooks, Voucher
from integration.core.days.documents import documents_of, sums_of_journals
from integration.core.days.lines import DayLines
from integration.core.days.page import page_of
from integration.core.days.till import DayRefusedError, till_day
from integration.core.records import Kind, Record, Value
from integration.core.totals.categories import Purpose
from tests.core.days.example import BOOKS, COUNTS, day_record, document, euros, missing
from tests.core.days.test_page import page_for, refusal_of, small, with_parts


def refusal_of_lines(record: Record, books: DayBooks = BOOKS) -> DayRefusedError:
    """Why the lines of a day that was not looked through are refused."""
    day = till_day(record)
    documents = documents_of(day)
    with pytest.raises(DayRefusedError) as caught:
        DayLines(day, documents, books).all_lines(sums_of_journals(day))
    return caught.value


def test_a_group_that_no_journal_knows_is_refused() -> None:
    record = small("20", "2", 12100, 10000)
    without = tuple(part for part in record.parts if part.values.get("book") != "journal")
    day = till_day(replace(record, parts=without))
    lines = DayLines(replace(day, financial=()), documents_of(day), BOOKS)
    with pytest.raises(DayRefusedError) as caught:
        lines.all_lines(sums_of_journals(day))
    (missing_code,) = missing(caught.value)
    assert (missing_code.cause, missing_code.facts["group"], missing_code.amount) == (
        "turnover_group_unknown",
        "20",
        euros("121.00"),
    )


def test_a_group_that_only_one_journal_knows_is_booked_by_it() -> None:
    record = small("20", "2", 12100, 10000)
    day = till_day(record)
    lines = DayLines(replace(day, journal=()), documents_of(day), BOOKS)
    first = next(lines.documents(sums_of_journals(day)))
    assert (first.account, first.amount, first.vat) == ("8010", euros("-100.00"), euros("-21.00"))


def test_a_code_that_the_till_does_not_list_keeps_the_vat_of_its_groups() -> None:
    record = small("20", "2", 12100, 10000)
    day = till_day(replace(record, parts=tuple(part for part in record.parts if part.kind is not Kind.VAT)))
    first = next(DayLines(day, documents_of(day), BOOKS).documents(sums_of_journals(day)))
    assert (first.amount, first.vat) == (euros("-100.00"), euros("-21.00"))


def test_a_method_without_an_account_is_refused_with_what_the_till_has() -> None:
    missing_code, *_ = missing(
        refusal_of_lines(day_record(), replace(BOOKS, till_accounts=False, accounts={**_accounts()}))
    )
    assert (missing_code.cause, missing_code.facts["method"], missing_code.facts["account"]) == (
        "day_method_account_missing",
        "CASH",
        "1000",
    )


def _accounts() -> dict[str, str]:
    return {
        str(part.values["group"]): str(part.values["account"]) for part in day_record().parts if "group" in part.values
    }


def test_what_is_on_account_and_belongs_to_no_document_is_refused() -> None:
    record = day_record()
    nobody = tuple(part for part in record.parts if part.key != "id-1.2.2026.2202")
    error = refusal_of_lines(replace(record, parts=nobody))
    assert (error.cause, error.facts["method"], error.facts["amount"]) == ("day_open_item_unknown", "INVOICE", "279.73")


def test_a_count_without_accounts_is_refused_by_its_drawer() -> None:
    day = till_day(with_parts(counts=(COUNTS[0],)))
    with pytest.raises(DayRefusedError) as caught:
        list(DayLines(day, documents_of(day), replace(BOOKS, till_accounts=False)).counts())
    assert (caught.value.cause, caught.value.facts["workplace"]) == ("day_drawer_account_missing", "1")


def test_a_single_purpose_voucher_pays_no_more_than_was_taxed_like_it() -> None:
    books = replace(BOOKS, vouchers={"VOUCHER": Voucher(Purpose.SINGLE, "1")})
    error = refusal_of(
        small("50", "1", 5450, 5000, "VOUCHER"), replace(books, vouchers={"VOUCHER": Voucher(Purpose.SINGLE, "2")})
    )
    assert (error.cause, error.facts["there"]) == ("voucher_too_large", "0")
    assert page_for(small("50", "1", 5450, 5000, "VOUCHER"), books)
    assert NO_VOUCHER.purpose is Purpose.NONE


def test_what_nobody_paid_is_left_out_until_it_has_an_account() -> None:
    receipt = document("1.1.2026.1", "20/2 121.00", "2 100.00 21.00", "PIN 121.00")
    paid: dict[str, Value] = {"method": "BPE", "type": "bpe", "amount": euros("121.00"), "date": receipt.values["date"]}
    receipt = replace(receipt, parts=(*receipt.parts[:-1], Record(Kind.PAYMENT, "payment:1", paid)))
    record = small("20", "2", 12100, 10000)
    parts = tuple(
        replace(part, values={**part.values, "method": "BPE", "type": "bpe", "account": ""})
        if part.kind is Kind.PAYMENT
        else part
        for part in record.parts[:-1]
    )
    record = replace(record, parts=(*parts, receipt))
    left_out = page_for(record)
    assert (left_out.lines, left_out.own_use) == ((), euros("121.00"))
    page = page_for(record, replace(BOOKS, own_use_account="4400"))
    assert [(line.account, line.amount) for line in page.lines] == [
        ("8010", euros("-100.00")),
        ("4400", euros("121.00")),
    ]


def test_vat_that_is_not_that_of_the_documents_is_reported_and_booked_as_the_till_says() -> None:
    record = small("20", "2", 12100, 10000)
    off = tuple(
        replace(part, values={**part.values, "excl": euros("100.01"), "vat": euros("20.99")})
        if part.kind is Kind.VAT
        else part
        for part in record.parts
    )
    page = page_for(replace(record, parts=off))
    assert page.vat_off == {"2": euros("-0.01")}
    assert page.lines[0].vat == euros("-20.99")


def test_vat_on_lines_of_its_own_wants_an_account() -> None:
    error = refusal_of(small("20", "2", 12100, 10000), replace(BOOKS, mode="separate", vat_accounts={}))
    assert (error.cause, error.facts["code"]) == ("day_vat_account_missing", "1")


def test_a_line_that_tells_one_amount_alone_has_no_vat_of_its_own() -> None:
    receipt = document("1.1.2026.1", "30/3 50.00", "3 50.00 0", "PIN 50.00")
    bare = tuple(
        replace(part, values={name: value for name, value in part.values.items() if name != "amount_excl"})
        for part in receipt.parts
    )
    day = till_day(day_record(replace(receipt, parts=bare)))
    (only,) = documents_of(day)
    assert (only.groups["30", "3"].incl, only.groups["30", "3"].vat) == (euros("50.00"), Decimal(0))


def test_without_anything_chosen_nobody_is_a_debtor_and_nothing_is_an_item() -> None:
    books = DayBooks()
    assert (books.debtor("10007"), books.item(day_record())) == ("", "")
    assert (
        page_of(
            till_day(day_record(Record(Kind.VAT, "x", {}))),
            sums_of_journals(till_day(day_record(Record(Kind.VAT, "x", {})))),
            [],
            books,
        ).lines
        == ()
    )
