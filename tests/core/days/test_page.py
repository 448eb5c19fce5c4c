"""The page of the worked example, in every variant of booking, and the reasons to refuse it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import pytest

from integration.core.days.books import Contents, DayBooks, DayLine, DayPage, SeparateBooking, Voucher
from integration.core.days.check import DayFinding
from integration.core.days.documents import documents_of, sums_of_journals
from integration.core.days.identities import failed_checks, with_cash_signs
from integration.core.days.page import page_of
from integration.core.days.report import page_notes
from integration.core.days.till import DayRefusedError, till_day, total
from integration.core.ledgers import LedgerRules
from integration.core.missing_codes import missing_codes_in
from integration.core.records import Kind, Record
from integration.core.totals.categories import Purpose
from integration.core.totals.sold import VatSum
from tests.core.days.example import (
    BOOKS,
    COUNTS,
    DAY,
    DOCUMENTS,
    FINANCIAL,
    GROUPS,
    JOURNAL,
    METHODS,
    PAYMENTS,
    VAT,
    counts,
    day_record,
    document,
    euros,
    financial,
    journal,
    missing,
    payments,
    vat,
)

# account, text, amount, VAT code, VAT, debtor, item: as its bookkeeper wrote it
PAGE = """
8000 | Fietsen bonnen            | -557.10 | 1 | -117.00
8010 | Kleding bonnen            | -123.96 | 1 | -26.03
8020 | Onderdelen bonnen         | -193.33 | 1 | -40.61
8030 | Accessoires bonnen        | -175.70 | 1 | -36.90
8040 | Diensten bonnen           | -229.31 | 2 | -20.63
8100 | Boeken en kaarten bonnen  | -44.57  | 2 | -4.01
8300 | Onderdelen bonnen         | -55.00  | 3 | 0.00
1020 | Wisselgeld uit kluis      | -100.00 |   |
1560 | Cadeaubonnen              | -50.00  |   |
1570 | Statiegeld en borg        | -25.00  |   |
1580 | Fooi                      | -2.50   |   |
4510 | Kleine uitgaven porti     | 14.50   |   |
1000 | Contant                   | 202.95  |   |
1010 | Pin                       | 1269.48 |   |
1300 | Op rekening 1.2.2026.2202 | 279.73  |   |         | 10007 | MP12262202
1560 | Cadeaubon ingewisseld     | 35.00   |   |
4410 | Afronding contant         | -0.01   |   |
8000 | Fietsen facturen          | -450.00 | 1 | -94.50
1010 | Pin facturen              | 544.50  |   |
4400 | Kasverschil kassa 1       | 0.35    |   |
1000 | Kasverschil kassa 1       | -0.35   |   |
1090 | Afstorting kassa 1        | 200.00  |   |
1000 | Afstorting kassa 1        | -200.00 |   |
"""
LEDGER = {
    "1000": "2.60", "1010": "1813.98", "1020": "-100.00", "1090": "200.00", "1300": "279.73", "1500": "-315.04",
    "1510": "-24.64", "1560": "-15.00", "1570": "-25.00", "1580": "-2.50", "4400": "0.35", "4410": "-0.01",
    "4510": "14.50", "8000": "-1007.10", "8010": "-123.96", "8020": "-193.33", "8030": "-175.70", "8040": "-229.31",
    "8100": "-44.57", "8300": "-55.00",
}  # fmt: skip


def page_for(record: Record, books: DayBooks = BOOKS) -> DayPage:
    """The page of a day that adds up."""
    day = with_cash_signs(till_day(record))
    documents, sums = documents_of(day), sums_of_journals(day)
    assert list(failed_checks(day, sums, documents, books.drawers)) == []
    return page_of(day, sums, documents, books)


def refusal_of(record: Record, books: DayBooks = BOOKS) -> DayRefusedError:
    """Why a day has no page."""
    with pytest.raises(DayRefusedError) as caught:
        page_for(record, books)
    return caught.value


def ledger_of(lines: Sequence[DayLine], books: DayBooks = BOOKS) -> dict[str, Decimal]:
    """Return the amounts that lines post, by account, with VAT on its own account."""
    amounts: dict[str, Decimal] = {}
    for line in lines:
        amounts[line.account] = amounts.get(line.account, Decimal(0)) + line.amount
        if line.vat:
            account = books.vat_accounts[line.vat_code]
            amounts[account] = amounts.get(account, Decimal(0)) + line.vat
    return {account: amount for account, amount in sorted(amounts.items()) if amount}


def expected_ledger() -> dict[str, Decimal]:
    """The ledger as the bookkeeper has it."""
    return {account: euros(amount) for account, amount in LEDGER.items()}


def with_parts(**changed: object) -> Record:
    """The day with other answers of the till: journal, financial, payments, vat, counts or documents."""
    told_ = {
        "journal": JOURNAL, "financial": FINANCIAL, "payments": PAYMENTS, "vat": VAT, "counts": COUNTS,
        "documents": DOCUMENTS, **changed,
    }  # fmt: skip
    return day_record(
        *journal(told_["journal"]),  # type: ignore[arg-type]
        *financial(told_["financial"]),  # type: ignore[arg-type]
        *payments(told_["payments"]),  # type: ignore[arg-type]
        *vat(told_["vat"]),  # type: ignore[arg-type]
        *counts(told_["counts"]),  # type: ignore[arg-type]
        *told_["documents"],  # type: ignore[misc]
    )


def small(
    group: str, code: str, incl: int, excl: int, method: str = "PIN", source: str = "receipt", **more: str
) -> Record:
    """A day of one receipt."""
    tax = incl - excl
    kind = Kind.RECEIPT if source == "receipt" else Kind.INVOICE
    receipt = document(
        "1.1.2026.1", f"{group}/{code} {euros(incl) / 100}", f"{code} {euros(excl) / 100} {euros(tax) / 100}",
        f"{method} {euros(incl) / 100}", kind=kind, **more,  # type: ignore[arg-type]
    )  # fmt: skip
    return with_parts(
        journal={source: {group: (incl, excl)}}, financial=(f"{source} {group}/{code} {incl} {excl} {tax}",),
        payments={source: {method: incl}}, vat={source: {code: (excl, tax)}}, counts=(), documents=(receipt,),
    )  # fmt: skip


# ---- the page


def test_the_page_is_the_bookkeepers_line_by_line() -> None:
    page = page_for(day_record())
    rows = [tuple(cell.strip() for cell in row.split("|")) for row in PAGE.strip().splitlines()]
    assert len(page.lines) == len(rows) == 23
    for line, (account, text, amount, code, *rest) in zip(page.lines, rows, strict=True):
        tax, debtor, item = (*rest, "", "", "")[:3]
        assert (line.account, line.text, line.amount, line.vat_code) == (account, text, euros(amount), code)
        assert (line.vat, line.debtor, line.item) == (euros(tax or 0), debtor, item)
    assert total(line.amount for line in page.lines) == euros("339.68")
    assert total(line.vat for line in page.lines) == euros("-339.68")


def test_the_ledger_is_the_bookkeepers_and_adds_up_to_nothing() -> None:
    ledger = ledger_of(page_for(day_record()).lines)
    assert ledger == expected_ledger()
    assert total(ledger.values()) == 0


def test_vat_is_the_tills_and_never_computed_from_a_day_or_a_group() -> None:
    page = page_for(day_record())
    by_code = {code: -total(line.vat for line in page.lines if line.vat_code == code) for code in ("1", "2")}
    assert by_code == {"1": euros("315.04"), "2": euros("24.64")}  # 220.54 of receipts and 94.50 of the invoice
    first, _, third, _, fifth, *_ = page.lines
    assert [line.vat for line in (first, third, fifth)] == [euros("-117.00"), euros("-40.61"), euros("-20.63")]
    computed = [
        euros(str(round(line.amount * rate, 2))) for line, rate in ((first, Decimal("0.21")), (fifth, Decimal("0.09")))
    ]
    assert computed == [euros("-116.99"), euros("-20.64")]


def test_what_is_no_turnover_is_no_base_of_vat() -> None:
    page = page_for(day_record())
    bases = {code: -total(line.amount for line in page.lines if line.vat_code == code) for code in ("1", "2", "3", "4")}
    assert bases == {"1": euros("1500.09"), "2": euros("273.88"), "3": euros("55.00"), "4": 0}


def test_receipts_and_turnover_are_those_of_the_day() -> None:
    turnover = [line for line in page_for(day_record()).lines if line.about == "turnover"]
    assert -total(line.amount for line in turnover) == euros("1828.97")


def test_gross_pages_carry_vat_inside_and_come_to_zero() -> None:
    page = page_for(day_record(), replace(BOOKS, mode="gross"))
    assert total(line.amount for line in page.lines) == 0
    assert page.lines[0].amount == euros("-674.10")
    assert page.lines[0].vat == euros("-117.00")


def test_vat_on_lines_of_its_own_gives_the_same_ledger() -> None:
    page = page_for(day_record(), replace(BOOKS, mode="separate"))
    of_vat = {line.account: line.amount for line in page.lines if line.about == "vat"}
    assert of_vat == {"1500": euros("-315.04"), "1510": euros("-24.64")}
    assert ledger_of(page.lines) == expected_ledger()


def test_a_daybook_of_the_drawer_has_no_lines_of_the_drawer_and_comes_to_what_it_changed_by() -> None:
    page = page_for(day_record(), replace(BOOKS, mode="cash", drawer_account="1000"))
    assert "1000" not in {line.account for line in page.lines}
    assert total(line.gross_amount for line in page.lines) == euros("2.60")
    turned = {account: -amount for account, amount in ledger_of(page.lines).items()}
    assert turned == {account: amount for account, amount in expected_ledger().items() if account != "1000"}


def test_the_drawer_changes_by_what_the_counts_say() -> None:
    moved = total(line.amount for line in page_for(day_record()).lines if line.account == "1000")
    assert moved == euros("2.60") == euros("149.55") - 150 + euros("103.05") - 100


# ---- the same day, its documents booked one by one


def test_invoices_one_by_one_leave_their_payment_on_their_open_item() -> None:
    page = page_for(day_record(), replace(BOOKS, contents="receipts"))
    (apart,) = page.separate_documents
    assert apart.number == "2026.731"
    assert not [line for line in page.lines if line.text == "Fietsen facturen"]
    (settled,) = (line for line in page.lines if line.item == "MP26731")
    assert (settled.account, settled.amount, settled.debtor) == ("1300", euros("-544.50"), "10012")
    own = ledger_of(page.lines)
    invoice = {"1300": euros("544.50"), "8000": euros("-450.00"), "1500": euros("-94.50")}
    together = {key: own.get(key, Decimal(0)) + invoice.get(key, Decimal(0)) for key in {*own, *invoice}}
    assert {key: amount for key, amount in together.items() if amount} == expected_ledger()


def test_receipts_one_by_one_and_the_counts_alone_give_the_same_ledger() -> None:
    ledger = ledger_of(page_for(day_record(), replace(BOOKS, contents="counts")).lines)
    assert ledger == {"1000": euros("-200.35"), "1090": euros("200.00"), "4400": euros("0.35")}
    for record in DOCUMENTS:
        for account, amount in ledger_of(page_for(_single_document_day(record)).lines).items():
            ledger[account] = ledger.get(account, Decimal(0)) + amount
    assert {account: amount for account, amount in sorted(ledger.items()) if amount} == expected_ledger()


COUNTED = {"1000": euros("-200.35"), "1090": euros("200.00"), "4400": euros("0.35")}  # by the counts alone


def books_with_separate_bookings(**with_payments: bool) -> DayBooks:
    """Books in which these documents are booked separately, whatever a day is set to include."""
    alone = {
        f"id-{number}": SeparateBooking(with_payments=flag, debtor="10099") for number, flag in with_payments.items()
    }
    return replace(BOOKS, separate_bookings=alone)


def test_what_is_booked_by_itself_with_its_payments_leaves_both_out_of_the_day() -> None:
    every = {record.key.removeprefix("id-"): True for record in DOCUMENTS}
    page = page_for(day_record(), books_with_separate_bookings(**every))
    assert ledger_of(page.lines) == COUNTED
    assert len(page.separate_documents) == len(DOCUMENTS)
    ledger = dict(COUNTED)
    for record in DOCUMENTS:
        for account, amount in ledger_of(page_for(_single_document_day(record)).lines).items():
            ledger[account] = ledger.get(account, Decimal(0)) + amount
    assert {account: amount for account, amount in sorted(ledger.items()) if amount} == expected_ledger()


def test_one_receipt_with_its_payments_is_missing_from_its_day_to_the_cent() -> None:
    split = next(record for record in DOCUMENTS if record.key == "id-1.1.2026.4107")
    ledger = ledger_of(page_for(day_record(), books_with_separate_bookings(**{"1.1.2026.4107": True})).lines)
    for account, amount in ledger_of(page_for(_single_document_day(split)).lines).items():
        ledger[account] = ledger.get(account, Decimal(0)) + amount
    assert {account: amount for account, amount in sorted(ledger.items()) if amount} == expected_ledger()
    assert "4107" not in str(
        [
            line.documents
            for line in page_for(day_record(), books_with_separate_bookings(**{"1.1.2026.4107": True})).lines
        ]
    )


def test_a_receipt_booked_without_its_payments_is_settled_by_its_day() -> None:
    page = page_for(day_record(), books_with_separate_bookings(**{"1.1.2026.4107": False}))
    (settled,) = (line for line in page.lines if line.debtor == "10099")
    assert (settled.account, settled.amount, settled.item) == ("1300", euros("-196.00"), "1.1.2026.4107")
    methods = ledger_of([line for line in page.lines if line.about == "payment"])
    assert methods == ledger_of([line for line in page_for(day_record()).lines if line.about == "payment"])


def test_what_a_voucher_paid_stands_with_the_posting_alone() -> None:
    voucher = {"VOUCHER": Voucher(Purpose.SINGLE, "1")}
    repair = document("1.1.2026.4200", "50/1 54.50", "1 50.00 4.50", "VOUCHER 54.50")
    day = _single_document_day(repair)
    accounts = {**BOOKS.method_accounts, "VOUCHER": "1565"}
    books = replace(
        books_with_separate_bookings(**{"1.1.2026.4200": False}), vouchers=voucher, method_accounts=accounts
    )
    assert page_for(day, books).lines == ()


@pytest.mark.parametrize("tells", [False, True])
@pytest.mark.parametrize("with_payments", [False, True])
def test_what_was_paid_for_an_order_that_is_posted_is_no_down_payment(tells: bool, with_payments: bool) -> None:
    order = document("2026.55", "", "", "PIN 100.00", kind=Kind.ORDER)
    groups = {"92": (10000, 10000)}
    day = with_parts(
        journal={"order": groups} if tells else {},
        financial=("order 92/4 10000 10000 0",) if tells else (),
        payments={"order": {"PIN": 10000}}, vat={"order": {"4": (10000, 0)}} if tells else {}, counts=(),
        documents=(order,),
    )  # fmt: skip
    rows = [
        (line.account, line.amount, line.item)
        for line in page_for(day, books_with_separate_bookings(**{"2026.55": with_payments})).lines
    ]
    assert rows == ([] if with_payments else [("1010", euros(100), ""), ("1300", euros(-100), "2026.55")])


def test_down_payments_under_two_vat_codes_are_not_distinguished_from_those_of_an_order_that_is_posted() -> None:
    day = with_parts(
        journal={"order": {"92": (10000, 10000)}},
        financial=("order 92/4 5000 5000 0", "order 92/3 5000 5000 0"),
        payments={"order": {"PIN": 10000}}, vat={"order": {"4": (5000, 0), "3": (5000, 0)}}, counts=(),
        documents=(document("2026.55", "", "", "PIN 100.00", kind=Kind.ORDER),),
    )  # fmt: skip
    error = refusal_of(day, books_with_separate_bookings(**{"2026.55": True}))
    assert (error.cause, error.facts["document"]) == ("day_down_payments_off", "2026.55")


@pytest.mark.parametrize("with_payments", [False, True])
def test_an_invoice_whose_order_is_booked_settles_that_with_what_was_not_paid_beforehand(with_payments: bool) -> None:
    invoice = document("2026.80", "10/2 121.00", "2 100.00 21.00", "DEPOSIT 21.00 CASH 100.00", kind=Kind.INVOICE)
    order = SeparateBooking(with_payments=with_payments, debtor="10099", item="MO2655", by_order=True)
    page = page_for(_single_document_day(invoice), replace(BOOKS, separate_bookings={invoice.key: order}))
    rows = [(line.account, line.amount, line.debtor, line.item) for line in page.lines]
    assert rows == [("1000", euros(100), "", ""), ("1300", euros(-100), "10099", "MO2655")]
    assert [day_document.number for day_document in page.separate_documents] == ["2026.80"]


def _single_document_day(record: Record) -> Record:
    """A day of which this document is all."""
    day = with_cash_signs(till_day(day_record(record)))
    (only,) = documents_of(day)
    groups: dict[str, tuple[int, int]] = {}
    rows = []
    for (group, code), vat_sum in only.groups.items():
        incl, excl, tax = (int(amount * 100) for amount in (vat_sum.incl, vat_sum.excl, vat_sum.vat))
        before = groups.get(group, (0, 0))
        groups[group] = (before[0] + incl, before[1] + excl)
        rows.append(f"{only.source} {group}/{code} {incl} {excl} {tax}")
    return with_parts(
        journal={only.source: groups},
        financial=tuple(rows),
        payments={only.source: {method: int(paid * 100) for method, paid in only.payments_by_method.items()}},
        vat={
            only.source: {code: (int(vat_sum.excl * 100), int(vat_sum.vat * 100)) for code, vat_sum in only.vat.items()}
        },
        counts=(),
        documents=(record,),
    )


def test_a_split_payment_is_booked_by_its_methods() -> None:
    page = page_for(_single_document_day(next(record for record in DOCUMENTS if record.key == "id-1.1.2026.4107")))
    amounts = {(line.account, line.amount, line.vat) for line in page.lines}
    assert amounts == {
        ("8030", euros("-98.34"), euros("-20.66")), ("8010", euros("-53.31"), euros("-11.19")),
        ("8100", euros("-11.47"), euros("-1.03")), ("1560", euros("35.00"), 0), ("1000", euros("61.00"), 0),
        ("1010", euros("100.00"), 0),
    }  # fmt: skip


# ---- what is no sale like others


def test_a_multi_purpose_card_is_owed_until_it_is_used_and_never_taxed() -> None:
    cards = [line for line in page_for(day_record()).lines if line.account == "1560"]
    assert [(line.amount, line.vat_code) for line in cards] == [(euros("-50.00"), ""), (euros("35.00"), "")]
    assert total(line.gross_amount for line in cards) == euros("-15.00")  # sold less used: so much more is owed


def test_a_single_purpose_voucher_is_taxed_when_it_is_sold_and_not_again() -> None:
    books = replace(BOOKS, accounts={"85": "1565"}, vouchers={"VOUCHER": Voucher(Purpose.SINGLE, "1")})
    sold = document("1.1.2026.1", "85/1 54.50", "1 50.00 4.50", "PIN 54.50")
    redemption = document("1.1.2026.2", "50/1 54.50", "1 50.00 4.50", "VOUCHER 54.50")
    record = with_parts(
        journal={"receipt": {"85": (5450, 5000), "50": (5450, 5000)}},
        financial=("receipt 85/1 5450 5000 450", "receipt 50/1 5450 5000 450"),
        payments={"receipt": {"PIN": 5450, "VOUCHER": 5450}}, vat={"receipt": {"1": (10000, 900)}}, counts=(),
        documents=(sold, redemption),
    )  # fmt: skip
    lines = {
        (line.account, line.about): (line.amount, line.vat_code, line.vat) for line in page_for(record, books).lines
    }
    assert lines["1565", "balance"] == (euros("-50.00"), "2", euros("-4.50"))
    assert lines["1565", "payment"] == (euros("50.00"), "2", euros("4.50"))
    assert lines["8040", "turnover"] == (euros("-50.00"), "2", euros("-4.50"))


def test_a_negative_day_is_the_same_page_with_its_signs_turned() -> None:
    page = page_for(small("20", "2", -4995, -4128, "CASH"))
    assert [(line.account, line.amount, line.vat) for line in page.lines] == [
        ("8010", euros("41.28"), euros("8.67")), ("1000", euros("-49.95"), 0),
    ]  # fmt: skip


def test_an_outflow_with_vat_is_input_tax_under_a_code_of_its_own() -> None:
    record = small("97", "2", -1210, -1000, "CASH")
    assert missing(refusal_of(record))[0].cause == "purchase_vat_code_unmapped"
    page = page_for(record, replace(BOOKS, purchase_vat_codes={"2": "6"}))
    assert (page.lines[0].account, page.lines[0].amount, page.lines[0].vat_code) == ("4510", euros("10.00"), "6")
    assert page.lines[0].vat == euros("2.10")


def test_a_list_of_vat_that_is_about_revenue_leaves_the_vat_of_the_rest_alone() -> None:
    sold = document("1.1.2026.1", "20/2 121.00", "2 100.00 21.00", "PIN 121.00")
    spent = document("1.1.2026.2", "97/2 -12.10", "", "CASH -12.10")
    record = with_parts(
        journal={"receipt": {"20": (12100, 10000), "97": (-1210, -1000)}},
        financial=("receipt 20/2 12100 10000 2100", "receipt 97/2 -1210 -1000 -210"),
        payments={"receipt": {"PIN": 12100, "CASH": -1210}}, vat={"receipt": {"2": (10000, 2100)}}, counts=(),
        documents=(sold, spent),
    )  # fmt: skip
    amounts = {
        line.account: (line.amount, line.vat)
        for line in page_for(record, replace(BOOKS, purchase_vat_codes={"2": "6"})).lines
    }
    assert amounts["8010"] == (euros("-100.00"), euros("-21.00"))
    assert amounts["4510"] == (euros("10.00"), euros("2.10"))


def test_an_outflow_told_without_its_sign_gets_the_sign_with_which_the_day_adds_up() -> None:
    turned = {**JOURNAL["receipt"], "97": (1450, 1450)}
    rows = tuple(row.replace("97/4 -1450 -1450", "97/4 1450 1450") for row in FINANCIAL)
    page = page_for(with_parts(journal={**JOURNAL, "receipt": turned}, financial=rows))
    assert ledger_of(page.lines) == expected_ledger()


@pytest.mark.parametrize("contents", ["all", "receipts"])
def test_an_invoice_without_its_vat_is_booked_by_itself_and_a_receipt_like_that_is_refused(contents: Contents) -> None:
    invoice = small("10", "3", 5000, 5000, source="invoice", method="PIN", relation="10012", vat_number="DE129273398")
    page = page_for(invoice, replace(BOOKS, contents=contents))
    assert [day_document.number for day_document in page.separate_documents] == ["1.1.2026.1"]
    assert [(line.account, line.amount, line.item) for line in page.lines] == [
        ("1010", euros("50.00"), ""), ("1300", euros("-50.00"), "1.1.2026.1"),
    ]  # fmt: skip
    shifted = document("1.1.2026.1", "10/3 50.00", "3 50.00 0", "PIN 50.00", method="shifted")
    record = replace(small("10", "3", 5000, 5000), parts=(*small("10", "3", 5000, 5000).parts[:-1], shifted))
    assert refusal_of(record).cause == "day_reverse_charge"


@pytest.mark.parametrize(
    ("code", "excl", "vat_number", "is_refused"),
    [
        ("3", 5000, "BE0411905847", True),
        ("2", 4132, "BE0411905847", False),  # taxed at home, as anybody's purchase at a counter
        ("3", 5000, "NO123456785MVA", False),  # export
        ("3", 5000, "GB980780684", False),
        ("3", 5000, "NL001234567B01", False),
    ],
)
def test_a_receipt_without_vat_for_the_sales_list_is_never_a_part_of_a_total(
    code: str, excl: int, vat_number: str, is_refused: bool
) -> None:
    record = small("10", code, 5000, excl, relation="10012", vat_number=vat_number)
    if not is_refused:
        assert page_for(record).lines
        return
    error = refusal_of(record)
    assert (error.cause, error.facts) == (
        "day_sale_abroad_untaxed", {"document": "1.1.2026.1", "number": vat_number},
    )  # fmt: skip
    by_itself = replace(BOOKS, separate_bookings={"id-1.1.2026.1": SeparateBooking(with_payments=True)})
    assert page_for(record, by_itself).lines == ()


def test_an_invoice_of_another_day_is_paid_without_being_sold_again() -> None:
    before = document(
        "2026.700", "10/2 121.00", "2 100.00 21.00", "PIN 121.00", kind=Kind.INVOICE, relation="10012",
        on=DAY.replace(day=3), paid_on=DAY,
    )  # fmt: skip
    record = with_parts(
        journal={}, financial=(), payments={"invoice": {"PIN": 12100}}, vat={}, counts=(), documents=(before,)
    )
    page = page_for(record)
    assert [(line.account, line.amount, line.debtor, line.item) for line in page.lines] == [
        ("1010", euros("121.00"), "", ""), ("1300", euros("-121.00"), "10012", "2026.700"),
    ]  # fmt: skip


def test_what_an_invoice_leaves_open_stands_on_its_debtor() -> None:
    part = document("2026.732", "10/2 121.00", "2 100.00 21.00", "PIN 21.00", kind=Kind.INVOICE, relation="10012")
    record = with_parts(
        journal={"invoice": {"10": (12100, 10000)}}, financial=("invoice 10/2 12100 10000 2100",),
        payments={"invoice": {"PIN": 2100}}, vat={"invoice": {"2": (10000, 2100)}}, counts=(), documents=(part,),
    )  # fmt: skip
    (open_,) = (line for line in page_for(record).lines if line.about == "open")
    assert (open_.account, open_.amount, open_.debtor) == ("1300", euros("100.00"), "10012")


def test_a_sale_on_account_wants_a_debtor_of_the_books() -> None:
    stranger = replace(BOOKS, debtor=lambda _: "")
    error = refusal_of(day_record(), stranger)
    assert (error.cause, error.facts["document"]) == ("day_debtor_missing", "1.2.2026.2202")
    page = page_for(day_record(), replace(stranger, collective_debtor="10000", contents="all"))
    assert {line.debtor for line in page.lines if line.account == "1300"} == {"10000"}


def test_what_is_paid_for_orders_waits_for_its_account() -> None:
    order = document("2026.50", "10/2 500.00", "", "PIN 100.00", kind=Kind.ORDER)
    record = with_parts(
        journal={}, financial=(), payments={"order": {"PIN": 10000}}, vat={}, counts=(), documents=(order,)
    )
    assert refusal_of(record).cause == "day_down_payments_off"
    page = page_for(record, replace(BOOKS, down_payments_account="1575"))
    assert [(line.account, line.amount) for line in page.lines] == [
        ("1010", euros("100.00")),
        ("1575", euros("-100.00")),
    ]


def test_a_journal_that_has_a_group_for_what_is_paid_for_orders_is_booked_by_that_group() -> None:
    order = document("2026.50", "10/2 500.00", "", "PIN 100.00", kind=Kind.ORDER)
    record = with_parts(
        journal={"order": {"92": (10000, 10000)}}, financial=("order 92/4 10000 10000 0",),
        payments={"order": {"PIN": 10000}}, vat={"order": {"4": (10000, 0)}}, counts=(), documents=(order,),
    )  # fmt: skip
    assert [(line.account, line.amount, line.vat_code) for line in page_for(record).lines] == [
        ("1575", euros("-100.00"), ""), ("1010", euros("100.00"), ""),
    ]  # fmt: skip


def test_a_journal_of_orders_that_sells_is_not_taken_for_down_payments() -> None:
    order = document("2026.50", "10/2 500.00", "", "PIN 100.00", kind=Kind.ORDER)
    record = with_parts(
        journal={"order": {"10": (10000, 8264)}}, financial=("order 10/2 10000 8264 1736",),
        payments={"order": {"PIN": 10000}}, vat={"order": {"2": (8264, 1736)}}, counts=(), documents=(order,),
    )  # fmt: skip
    day = with_cash_signs(till_day(record))
    assert list(failed_checks(day, sums_of_journals(day), documents_of(day), BOOKS.drawers))


def test_foreign_money_in_a_drawer_parks_the_day() -> None:
    receipt = document("1.1.2026.1", "95/4 10.00", "4 10.00 0", "CASH 10.00", price_type="exchange-rate-buy")
    base = small("95", "4", 1000, 1000, "CASH")
    assert refusal_of(replace(base, parts=(*base.parts[:-1], receipt))).cause == "day_foreign_currency"


# ---- accounts and what they demand


@pytest.mark.parametrize(
    ("rules", "cause", "wants"),
    [
        (LedgerRules(is_blocked=True), "ledger_blocked", ""),
        (LedgerRules(("cost",)), "ledger_wants", "cost"),
        (LedgerRules(("quantity",)), "ledger_wants", "quantity"),
        (LedgerRules(("part",)), "ledger_wants", "part"),
        (LedgerRules(is_collective=True), "ledger_wants", "debtor"),
        (LedgerRules(currency="USD"), "ledger_wants", "currency=USD"),
        (LedgerRules(unclear=("REC_BLK", "misschien")), "ledger_unclear", ""),
    ],
)
def test_an_account_that_does_not_take_the_line_parks_the_whole_day(rules: LedgerRules, cause: str, wants: str) -> None:
    error = refusal_of(day_record(), replace(BOOKS, ledger_rules={**BOOKS.ledger_rules, "8010": rules}))
    assert (error.cause, error.facts["account"], error.facts.get("wants", "")) == (cause, "8010", wants)
    assert error.facts["kind"] == "Kleding bonnen"


def test_an_account_that_demands_a_vat_code_takes_no_line_without_one() -> None:
    error = refusal_of(day_record(), replace(BOOKS, ledger_rules={**BOOKS.ledger_rules, "1570": LedgerRules(("vat",))}))
    assert (error.cause, error.facts["wants"]) == ("ledger_wants", "vat")


def test_a_cost_centre_comes_from_the_group_or_the_branch() -> None:
    rules = {**BOOKS.ledger_rules, "8010": LedgerRules(("cost",))}
    page = page_for(day_record(), replace(BOOKS, ledger_rules=rules, cost_centres={"20": "WINKEL", "@1": "UTR"}))
    assert next(line.cost_centre for line in page.lines if line.account == "8010") == "WINKEL"
    assert next(line.cost_centre for line in page.lines if line.account == "8020") == "UTR"


def test_an_account_the_books_do_not_have_parks_the_day() -> None:
    error = refusal_of(day_record(), replace(BOOKS, accounts={**BOOKS.accounts, "10": "8999"}))
    assert (error.cause, error.facts["account"]) == ("ledger_missing", "8999")


def test_a_row_for_group_and_code_comes_before_that_of_the_group_and_before_the_till() -> None:
    books = replace(BOOKS, accounts={"30": "8030", "30/3": "8300"})
    lines = page_for(day_record(), books).lines
    assert "8020" not in {line.account for line in lines}
    of_groups = next(line for line in lines if line.account == "8030")  # of 30 and 40 together
    assert of_groups.amount == euros("-369.03")
    assert next(line.amount for line in lines if line.account == "8300") == euros("-55.00")


def test_a_number_of_the_till_is_the_ledger_that_it_can_mean_alone() -> None:
    zero = {("0" + key if key == "8010" else key): name for key, name in BOOKS.ledgers.items()}
    assert "08010" in {line.account for line in page_for(day_record(), replace(BOOKS, ledgers=zero)).lines}
    error = refusal_of(day_record(), replace(BOOKS, ledgers={**zero, "8010": "Oud"}))
    assert [(missing_code.cause, missing_code.facts["account"]) for missing_code in missing(error)] == [
        ("day_account_missing", "8010")
    ]


def test_the_accounts_of_the_till_count_only_once_a_person_agreed() -> None:
    missing_code, *_ = missing(refusal_of(day_record(), replace(BOOKS, till_accounts=False)))
    assert missing_code.cause == "day_account_missing"
    assert missing_code.facts["account"] == "8000"  # what the till has is told, as a proposal


def test_a_vat_code_or_rate_that_the_books_do_not_share_parks_the_day() -> None:
    assert missing(refusal_of(day_record(), replace(BOOKS, vat_codes={"2": "1"})))[0].cause == "vat_code_unmapped"
    error = refusal_of(day_record(), replace(BOOKS, rates={**BOOKS.rates, "2": Decimal(6)}))
    assert (error.cause, error.facts["till"], error.facts["books"]) == ("day_vat_rate_differs", "9", "6")


@pytest.mark.parametrize("group", ["", "0"])
def test_what_is_sold_without_a_turnover_group_is_turnover_with_a_row_of_its_own(group: str) -> None:
    day, free = small(group, "2", 12100, 10000), small(group, "3", 5500, 5500)
    missing_code, *_ = missing(refusal_of(day))
    assert (missing_code.cause, missing_code.facts["group"], missing_code.facts["kind"]) == (
        "day_account_missing",
        "0",
        "0",
    )
    books = replace(BOOKS, accounts={"0": "8020", "0/3": "8300"})
    (line, _), (other, _) = (page_for(record, books).lines for record in (day, free))
    assert (line.account, line.amount, line.vat, line.about) == ("8020", euros(-100), euros(-21), "turnover")
    assert (other.account, other.amount, other.vat_code) == ("8300", euros(-55), "3")


def test_a_group_of_an_unknown_sort_is_never_taken_for_turnover() -> None:
    record = day_record()
    strange = tuple(
        replace(part, values={**part.values, "type": "unknown"}) if part.values.get("group") == "70" else part
        for part in record.parts
    )
    assert missing(refusal_of(replace(record, parts=strange)))[0].cause == "turnover_group_unknown"
    page = page_for(replace(record, parts=strange), replace(BOOKS, accounts={**BOOKS.accounts, "70": "1575"}))
    assert (
        next(line.about for line in page.lines if line.account == "1575") == "balance"
    )  # where a person says it stands


# ---- drawers


def test_differences_are_booked_by_drawer_and_never_netted() -> None:
    rows = (COUNTS[0], ("2", "2026.312", "1", 10000, 305, 10340, 0, 35, 10340))
    page = page_for(with_parts(counts=rows))
    amounts = [(line.account, line.amount, line.text) for line in page.lines if line.about == "difference"]
    assert amounts == [
        ("4400", euros("0.35"), "Kasverschil kassa 1"), ("4400", euros("-0.35"), "Kasverschil kassa 2"),
    ]  # fmt: skip


def test_what_is_banked_by_a_receipt_is_not_booked_from_the_count_again() -> None:
    page = page_for(day_record(), replace(BOOKS, banked_by="receipt"))
    assert not [line for line in page.lines if line.about == "banked"]


def test_texts_are_cut_and_references_never() -> None:
    long = replace(BOOKS, item=lambda _: "MP1234567890")
    page = page_for(day_record(), long)
    assert max(len(line.text) for line in page.lines) <= 40
    assert next(line.item for line in page.lines if line.item) == "MP1234567890"


@pytest.mark.parametrize("books", [BOOKS, replace(BOOKS, mode="cash", drawer_account="1000")])
def test_a_page_that_does_not_add_up_is_never_made(books: DayBooks) -> None:
    day = with_cash_signs(till_day(day_record()))
    documents, sums = documents_of(day), sums_of_journals(day)
    wrong = replace(sums, payments={**sums.payments, ("receipt", "PIN"): euros("1269.49")})
    with pytest.raises(DayRefusedError) as caught:
        page_of(day, wrong, documents, books)
    assert (caught.value.cause, caught.value.facts["amount"]) == ("day_page_unbalanced", "0.01")


def test_what_nobody_paid_is_left_out_until_it_has_an_account_and_its_sum_is_reported() -> None:
    receipt = document("1.1.2026.1", "20/2 12.10", "2 10.00 2.10", "BPE 12.10")
    record = with_parts(
        journal={"receipt": {"20": (1210, 1000)}}, financial=("receipt 20/2 1210 1000 210",),
        payments={"receipt": {"BPE": 1210}}, vat={"receipt": {"2": (1000, 210)}}, counts=(), documents=(receipt,),
    )  # fmt: skip
    page = page_for(record)
    assert page_notes(page) == (DayFinding("own_use", {"amount": "12.10"}),)
    assert (page.lines, page.own_use) == ((), euros("12.10"))
    booked = page_for(record, replace(BOOKS, own_use_account="4510"))
    assert [(line.account, line.gross_amount) for line in booked.lines] == [
        ("8010", euros("-12.10")),
        ("4510", euros("12.10")),
    ]


def test_a_method_without_an_account_parks_the_day_with_what_the_till_has() -> None:
    missing_code, *_ = missing(
        refusal_of(day_record(), replace(BOOKS, till_accounts=False, accounts=dict.fromkeys(GROUPS, "8000")))
    )
    assert (missing_code.cause, missing_code.facts["method"], missing_code.facts["account"]) == (
        "day_method_account_missing",
        "CASH",
        "1000",
    )


def test_a_sale_on_account_that_no_document_explains_parks_the_day() -> None:
    day = with_cash_signs(till_day(day_record()))
    documents = [day_document for day_document in documents_of(day) if day_document.number != "1.2.2026.2202"]
    with pytest.raises(DayRefusedError) as caught:
        page_of(day, sums_of_journals(day), documents, BOOKS)
    assert (caught.value.cause, caught.value.facts["amount"]) == ("day_open_item_unknown", "279.73")


def test_a_drawer_without_accounts_parks_the_day() -> None:
    error = refusal_of(day_record(), _books_without_drawers())
    assert (error.cause, error.facts["workplace"]) == ("day_drawer_account_missing", "1")


def _books_without_drawers() -> DayBooks:
    methods = {name: account for name, (_, _, account) in METHODS.items()}
    accounts = {group: account for group, (_, _, account) in GROUPS.items()}
    return replace(BOOKS, till_accounts=False, accounts=accounts, method_accounts=methods)


def test_more_paid_by_voucher_than_was_sold_under_its_code_parks_the_day() -> None:
    books = replace(BOOKS, vouchers={"VOUCHER": Voucher(Purpose.SINGLE, "1")})
    sold = document("1.1.2026.1", "20/2 54.50", "2 45.04 9.46", "VOUCHER 54.50")
    record = with_parts(
        journal={"receipt": {"20": (5450, 4504)}}, financial=("receipt 20/2 5450 4504 946",),
        payments={"receipt": {"VOUCHER": 5450}}, vat={"receipt": {"2": (4504, 946)}}, counts=(), documents=(sold,),
    )  # fmt: skip
    assert refusal_of(record, books).cause == "voucher_too_large"


def test_a_voucher_that_pays_a_part_takes_its_part_of_the_vat() -> None:
    books = replace(BOOKS, vouchers={"VOUCHER": Voucher(Purpose.SINGLE, "1")})
    sold = document("1.1.2026.1", "50/1 109.00", "1 100.00 9.00", "VOUCHER 54.50 PIN 54.50")
    record = with_parts(
        journal={"receipt": {"50": (10900, 10000)}}, financial=("receipt 50/1 10900 10000 900",),
        payments={"receipt": {"VOUCHER": 5450, "PIN": 5450}}, vat={"receipt": {"1": (10000, 900)}}, counts=(),
        documents=(sold,),
    )  # fmt: skip
    (voucher_line,) = (line for line in page_for(record, books).lines if line.method == "VOUCHER")
    assert (voucher_line.amount, voucher_line.vat) == (euros("50.00"), euros("4.50"))


def test_vat_without_an_account_cannot_have_lines_of_its_own() -> None:
    error = refusal_of(day_record(), replace(BOOKS, mode="separate", vat_accounts={}))
    assert error.cause == "day_vat_account_missing"


def test_a_cent_that_the_tills_vat_is_off_is_booked_and_reported() -> None:
    off = {**VAT, "receipt": {**VAT["receipt"], "1": (27387, 2465)}}
    page = page_for(with_parts(vat=off))
    assert dict(page.vat_off) == {"1": euros("0.01")}
    assert page_notes(page) == (DayFinding("vat_off", {"code": "1", "difference": "0.01"}),)
    assert -total(line.vat for line in page.lines if line.vat_code == "2") == euros("24.65")
    assert total(line.gross_amount for line in page.lines) == 0


def test_a_group_that_neither_journal_knows_is_reported() -> None:
    day = with_cash_signs(till_day(day_record()))
    documents, sums = documents_of(day), sums_of_journals(day)
    strange = replace(sums, groups={**sums.groups, ("receipt", "77", "2"): VatSum(euros("10"), euros("2.10"))})
    with pytest.raises(DayRefusedError) as caught:
        page_of(day, strange, documents, BOOKS)
    (missing_code,) = missing(caught.value)
    assert (missing_code.cause, missing_code.facts["group"]) == ("turnover_group_unknown", "77")


def test_a_debtor_and_an_item_that_nobody_tells_are_none() -> None:
    books = DayBooks()
    assert (books.debtor("10007"), books.item(DOCUMENTS[0])) == ("", "")


def test_a_line_that_tells_one_amount_is_taken_without_vat() -> None:
    receipt = document("1.1.2026.1", "10/3 50.00", "3 50.00 0", "PIN 50.00")
    line_without_amount = replace(receipt.parts[0], values={**receipt.parts[0].values, "amount_incl": None})
    (day_document,) = documents_of(
        replace(till_day(day_record()), documents=(replace(receipt, parts=(line_without_amount, *receipt.parts[1:])),))
    )
    assert day_document.groups["10", "3"] == VatSum(euros("50.00"))


def test_a_code_that_the_vat_list_leaves_out_keeps_what_its_groups_say() -> None:
    day = with_cash_signs(till_day(day_record()))
    documents, sums = documents_of(day), sums_of_journals(day)
    less = replace(sums, vat={key: vat_sum for key, vat_sum in sums.vat.items() if key[1] != "1"})
    assert ledger_of(page_of(day, less, documents, BOOKS).lines) == expected_ledger()


def test_a_group_that_one_journal_alone_knows_is_booked_by_that() -> None:
    day = with_cash_signs(till_day(day_record()))
    alone = replace(day, financial=tuple(turnover for turnover in day.financial if turnover.group != "70"))
    page = page_of(alone, sums_of_journals(day), documents_of(day), BOOKS)
    assert next(line.amount for line in page.lines if line.account == "8100") == euros("-44.57")


def test_a_refused_day_names_every_code_that_has_no_row() -> None:
    books = replace(BOOKS, till_accounts=False, vat_codes={"1": "2", "3": "4"})
    error = refusal_of(day_record(), books)
    assert error.cause == "day_rows_missing"
    by_cause = Counter(missing_code.cause for missing_code in missing(error))
    assert by_cause == {"day_account_missing": 11, "vat_code_unmapped": 4, "day_method_account_missing": 5}
    parsed = missing_codes_in(error.facts)
    assert parsed == missing(error)
    rows = {str(missing_code.facts["group"]): "8000" for missing_code in parsed if "group" in missing_code.facts}
    rows_of_methods = {
        str(missing_code.facts["method"]): "1000" for missing_code in parsed if "method" in missing_code.facts
    }
    added = replace(books, accounts=rows, method_accounts=rows_of_methods, vat_codes=BOOKS.vat_codes)
    added = replace(added, difference_account="8000", banked_account="8000")
    assert page_for(day_record(), added).lines  # nothing else is missing once all of them have a row


def test_another_refusal_is_reported_where_no_row_is_missing_and_codes_that_were_cut_are_none() -> None:
    no_drawer = replace(BOOKS, difference_account="", till_accounts=False, accounts={"*": "8000"})
    assert missing_codes_in({"missing_codes": '[{"cause":"day_acc'}) == missing_codes_in({}) == ()
    assert refusal_of(day_record(), replace(no_drawer, method_accounts={"*": "1000"})).cause != "day_rows_missing"
    assert missing(refusal_of(day_record(), no_drawer))
