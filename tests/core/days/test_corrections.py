"""A late receipt and a recount: the difference is a page of its own, and after it the ledger is that of the day."""

from collections.abc import Sequence
from dataclasses import replace

from integration.core.days.books import DayLine
from integration.core.days.corrections import correction_lines, full_reversal, same_postings
from integration.core.days.till import total
from integration.core.records import Kind, Record
from tests.core.days.example import COUNTS, DOCUMENTS, FINANCIAL, JOURNAL, PAYMENTS, VAT, day_record, document, euros
from tests.core.days.test_page import ledger_of, page_for, with_parts


def later_day() -> Record:
    """The day after a bell for 18.15 came late and drawer 1 was counted again."""
    late = document("1.2.2026.2207", "40/2 18.15", "2 15.00 3.15", "PIN 18.15")
    journal = {**JOURNAL, "receipt": {**JOURNAL["receipt"], "40": (23075, 19070)}}
    rows = tuple(row.replace("40/2 21260 17570 3690", "40/2 23075 19070 4005") for row in FINANCIAL)
    paid = {**PAYMENTS, "receipt": {**PAYMENTS["receipt"], "PIN": 128763}}
    vat = {**VAT, "receipt": {**VAT["receipt"], "2": (106509, 22369)}}
    recount = ("1", "2026.311", "2", 15000, 19990, 34990, 20000, 0, 14990)
    return with_parts(
        journal=journal,
        financial=rows,
        payments=paid,
        vat=vat,
        counts=(recount, COUNTS[1]),
        documents=(*DOCUMENTS, late),
    )


def _day_correction() -> Sequence[DayLine]:
    return correction_lines(page_for(later_day()).lines, page_for(day_record()).lines)


def test_the_correction_is_the_difference_and_nothing_else() -> None:
    amounts = {line.account: (line.amount, line.vat_code, line.vat) for line in _day_correction()}
    assert amounts == {
        "8030": (euros("-15.00"), "1", euros("-3.15")),
        "1010": (euros("18.15"), "", 0),
        "4400": (euros("-0.35"), "", 0),
        "1000": (euros("0.35"), "", 0),
    }
    assert total(line.gross_amount for line in _day_correction()) == 0


def test_after_the_correction_the_ledger_is_that_of_the_day_as_it_is_now() -> None:
    together = ledger_of([*page_for(day_record()).lines, *_day_correction()])
    assert together == ledger_of(page_for(later_day()).lines)
    assert (together["8030"], together["1500"]) == (euros("-190.70"), euros("-318.19"))
    assert (together["1010"], together["1000"]) == (euros("1832.13"), euros("2.95"))
    assert "4400" not in together


def test_a_second_look_without_news_books_nothing() -> None:
    page = page_for(day_record()).lines
    assert correction_lines(page, page) == ()
    assert correction_lines(page_for(later_day()).lines, [*page, *_day_correction()]) == ()


def test_taking_back_and_booking_again_comes_to_the_day_as_it_is_now() -> None:
    before, now = page_for(day_record()).lines, page_for(later_day()).lines
    assert ledger_of([*before, *full_reversal(before, now)]) == ledger_of(now)


def test_what_was_sold_and_what_was_paid_on_one_account_are_corrected_apart() -> None:
    now = page_for(later_day()).lines
    more = [
        replace(now[0], account="1560", text="Cadeaubonnen", amount=euros("-50.00"), vat_code="", vat=euros(0)),
        replace(now[0], account="1560", amount=euros("50.00"), vat_code="", vat=euros(0), method="GIFTCARD"),
    ]
    assert [(line.method, line.amount) for line in correction_lines([*now, *more], now)] == [
        ("", euros("-50.00")), ("GIFTCARD", euros("50.00")),
    ]  # fmt: skip


def test_books_that_do_not_know_methods_hold_the_same_page() -> None:
    paid = Record(Kind.LINE, "1", {"account": "1010", "amount": euros("5.00"), "method": "PIN"})
    page = Record(Kind.DAY_PAGE, "2026-10-17/1", {}, (paid,))
    current = replace(page, parts=(replace(paid, values={"account": "1010", "amount": euros("5.00")}),))
    assert same_postings(current, page)
    assert not same_postings(replace(page, parts=()), page)


def test_a_page_that_was_found_in_the_books_is_corrected_by_account_and_not_by_method() -> None:
    now = page_for(later_day()).lines
    booked = [
        replace(line, method="", documents=(), from_books=True) if line.account == "1010" else line
        for line in page_for(day_record()).lines
    ]
    off = {line.account: line.amount for line in correction_lines(now, booked) if line.account == "1010"}
    assert off == {"1010": euros("18.15")}
    assert not [line for line in correction_lines(page_for(day_record()).lines, booked) if line.account == "1010"]
    assert not any(line.from_books for line in full_reversal(booked, now))
