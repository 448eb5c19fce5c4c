"""The check of a day reports the actions of people in both systems, and changes nothing."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import pytest

from integration.core.days.books import DayLine
from integration.core.days.check import Belongs, DayCheck, DayVerdict, OwnPage, check_day
from integration.core.days.corrections import correction_lines
from integration.core.days.documents import documents_of
from integration.core.days.entries import LedgerEntry, entry_of_row
from integration.core.days.till import till_day
from integration.core.records import Kind, Record
from tests.core.days.example import BOOKS, COUNTS, DAY, day_record, document, euros
from tests.core.days.test_corrections import later_day
from tests.core.days.test_page import page_for, with_parts

PAGE = "600/2600412"


def written_page(lines: Sequence[DayLine], **values: object) -> Record:
    """A page as it was written."""
    parts = tuple(
        Record(
            Kind.LINE,
            str(place),
            {
                "account": line.account, "text": line.text, "amount": line.amount, "vat": line.vat,
                "vat_code": line.vat_code, "debtor": line.debtor, "item": line.item, "method": line.method,
                "documents": line.documents,
            },
        )
        for place, line in enumerate(lines, start=1)
    )  # fmt: skip
    numbers = tuple(day_document.number for day_document in documents_of(till_day(day_record())))
    page_values = {"reference": "MZ6101700100", "documents": numbers, **values}
    return Record(Kind.DAY_PAGE, "2026-10-17/1", page_values, parts)  # type: ignore[arg-type]


def entries(page: Record, *, posted: bool = True) -> list[LedgerEntry]:
    """The rows of the ledger that a page makes."""
    rows = []
    for part in page.parts:
        account, amount, code, tax = (part.values[name] for name in ("account", "amount", "vat_code", "vat"))
        assert isinstance(amount, Decimal)
        assert isinstance(tax, Decimal)
        rows.append(LedgerEntry(DAY, str(account), amount, PAGE, "MZ6101700100", str(code), tax, posted=posted))
        if tax and posted:
            rows.append(LedgerEntry(DAY, BOOKS.vat_accounts[str(code)], tax, PAGE, "MZ6101700100", str(code)))
    return rows


def look(
    current: Record | None,
    rows: Sequence[LedgerEntry] | None,
    record: Record | None = None,
    page: Record | None = None,
    belongs: Belongs = lambda _: {},
) -> DayCheck:
    """Check the day as the till has it now against the books."""
    now = record or day_record()
    own = page or written_page(page_for(day_record()).lines)
    documents = documents_of(till_day(now))
    return check_day(page_for(now).lines, documents, [OwnPage(own, PAGE, current)], rows, BOOKS, belongs=belongs)


def test_a_day_that_nobody_touched_is_equal_by_code_account_and_method() -> None:
    page = written_page(page_for(day_record()).lines)
    check = look(page, entries(page))
    assert check.verdict is DayVerdict.EQUAL
    assert check.findings == ()
    by = {(row.about, row.key): (row.till, row.books) for row in check.rows}
    assert by["base", "1"] == (euros("1500.09"), euros("1500.09"))
    assert by["vat", "1"] == (euros("315.04"), euros("315.04"))
    assert by["base", "2"] == (euros("273.88"), euros("273.88"))
    assert by["vat", "2"] == (euros("24.64"), euros("24.64"))
    assert by["base", "3"] == (euros("55.00"), euros("55.00"))
    assert by["method", "CASH"] == (euros("202.95"), euros("202.95"))
    assert by["method", "PIN"] == (euros("1813.98"), euros("1813.98"))
    assert by["method", "GIFTCARD"] == (euros("35.00"), euros("35.00"))
    assert by["method", "INVOICE"] == (euros("279.73"), euros("279.73"))
    assert by["method", "ROUNDING"] == (euros("-0.01"), euros("-0.01"))
    assert by["account", "4400"] == (euros("0.35"), euros("0.35"))
    assert by["account", "1090"] == (euros("200.00"), euros("200.00"))
    assert check.difference == 0


def test_a_page_that_is_gone_is_named() -> None:
    check = look(None, [])
    assert check.verdict is DayVerdict.DIFFERENT
    assert [(finding.code, finding.facts["page"]) for finding in check.findings] == [("page_gone", PAGE)]
    assert next(row for row in check.rows if (row.about, row.key) == ("vat", "1")).books == 0


def test_a_line_moved_by_hand_is_named_with_what_it_was() -> None:
    page = written_page(page_for(day_record()).lines)
    moved = replace(page.parts[3], values={**page.parts[3].values, "account": "8010"})
    current = replace(page, parts=(*page.parts[:3], moved, *page.parts[4:]))
    check = look(current, [replace(entry, by="KARIN") for entry in entries(current)], page=page)
    (finding,) = check.findings
    assert finding.code == "line_changed"
    assert [finding.facts[name] for name in ("line", "field", "was", "now", "by")] == [
        "4", "account", "8030", "8010", "KARIN",
    ]  # fmt: skip
    off = {row.key: row.difference for row in check.rows if row.about == "account" and row.difference}
    assert off == {"8030": euros("175.70"), "8010": euros("-175.70")}
    assert not [row for row in check.rows if row.about in ("base", "vat", "method") and row.difference]


def test_a_receipt_that_came_late_is_named_with_its_amount() -> None:
    page = written_page(page_for(day_record()).lines)
    check = look(page, entries(page), later_day())
    assert ("document_late", "1.2.2026.2207", "18.15") in [
        (finding.code, finding.facts.get("document", ""), finding.facts.get("amount", "")) for finding in check.findings
    ]
    of_order = look(
        page, entries(page), later_day(), belongs=lambda late: {day_document.number: "2026.24" for day_document in late}
    )
    assert [(finding.code, finding.facts.get("behind", "")) for finding in of_order.findings] == [
        ("document_late_of", "2026.24")
    ]
    off = {row.key: row.difference for row in check.rows if row.about == "account" and row.difference}
    assert (off["8030"], off["1500"], off["1010"]) == (euros("15.00"), euros("3.15"), euros("-18.15"))


def as_recognised(page: Record, *accounts: str) -> Record:
    """The page as it is known after it was found in the books: the texts on some accounts are no longer ours."""
    beside = ("method", "documents")
    parts = tuple(
        replace(part, values={name: value for name, value in part.values.items() if name not in beside})
        if part.values["account"] in accounts
        else part
        for part in page.parts
    )
    return replace(page, parts=parts)


def test_a_page_that_was_found_in_the_books_is_equal_and_says_no_method() -> None:
    page = as_recognised(written_page(page_for(day_record()).lines), "1010")
    check = look(page, entries(page), page=page)
    assert (check.verdict, check.findings) == (DayVerdict.EQUAL, ())
    by = {row.key: (row.till, row.books) for row in check.rows if row.about == "method"}
    assert by["PIN"] == (euros("1813.98"), None)
    assert by["CASH"] == (euros("202.95"), euros("202.95"))
    late = look(page, entries(page), later_day(), page=page)
    off = {row.key: row.difference for row in late.rows if row.about == "account" and row.difference}
    assert off["1010"] == euros("-18.15")


def test_a_corrected_day_is_equal_by_method_too_and_what_came_late_is_known() -> None:
    before, now = page_for(day_record()).lines, page_for(later_day()).lines
    first = written_page(before)
    numbers = tuple(day_document.number for day_document in documents_of(till_day(later_day())))
    second = replace(written_page(correction_lines(now, before), documents=numbers), key="2026-10-17/1/01")
    check = check_day(
        now,
        documents_of(till_day(later_day())),
        [OwnPage(first, PAGE, first), OwnPage(second, PAGE, second)],
        [*entries(first), *entries(second)],
        BOOKS,
    )
    assert check.findings == ()
    assert check.verdict is DayVerdict.EQUAL
    back = replace(written_page(correction_lines(before, now)), key="2026-10-17/1/02")  # the late receipt was cancelled
    pages = [OwnPage(record, PAGE, record) for record in (first, second, back)]
    rows = [row for record in (first, second, back) for row in entries(record)]
    repeated_check = check_day(before, documents_of(till_day(day_record())), pages, rows, BOOKS)
    assert (repeated_check.verdict, repeated_check.findings) == (DayVerdict.EQUAL, ())


def test_vat_on_lines_of_its_own_is_compared_by_code() -> None:
    books = replace(BOOKS, mode="separate")
    lines = page_for(day_record(), books).lines
    page = written_page(lines)
    check = check_day(lines, documents_of(till_day(day_record())), [OwnPage(page, PAGE, page)], entries(page), books)
    assert check.verdict is DayVerdict.EQUAL
    by = {(row.about, row.key): (row.till, row.books) for row in check.rows}
    assert by["vat", "1"] == (euros("315.04"), euros("315.04"))
    assert by["base", "1"] == (euros("1500.09"), None)


def test_a_page_of_the_drawers_daybook_is_compared_as_it_is_posted() -> None:
    books = replace(BOOKS, mode="cash", drawer_account="1000")
    lines = page_for(day_record(), books).lines
    page = written_page(lines)
    turned = [replace(entry, amount=-entry.amount) for entry in entries(page)]
    drawer = LedgerEntry(DAY, "1000", euros("2.60"), PAGE, "MZ6101700100")
    check = check_day(
        lines, documents_of(till_day(day_record())), [OwnPage(page, PAGE, page)], [*turned, drawer], books
    )
    assert check.findings == ()
    by = {(row.about, row.key): (row.till, row.books) for row in check.rows}
    assert by["account", "1000"] == (euros("2.60"), euros("2.60"))
    assert by["method", "PIN"] == (euros("1813.98"), euros("1813.98"))


def test_a_page_with_turned_signs_is_equal_by_method() -> None:
    books = replace(BOOKS, credit_positive=True)
    lines = page_for(day_record()).lines
    rows = entries(written_page(lines))
    turned = [replace(line, amount=-line.amount, vat=-line.vat) for line in lines]
    page = written_page(turned)
    check = check_day(lines, documents_of(till_day(day_record())), [OwnPage(page, PAGE, page)], rows, books)
    assert (check.verdict, check.findings) == (DayVerdict.EQUAL, ())


def test_a_receipt_typed_again_by_hand_is_distinguished_from_our_own_rows() -> None:
    page = written_page(page_for(day_record()).lines)
    by_hand = [
        LedgerEntry(DAY, account, euros(amount), "600/2600415", text="bon 4102", by="JANSEN")
        for account, amount in (("8000", "-557.10"), ("8030", "-33.02"), ("1500", "-123.93"), ("1010", "714.05"))
    ]
    check = look(page, [*entries(page), *by_hand])
    (finding,) = check.findings
    assert finding.code == "page_by_hand"
    assert (finding.facts["page"], finding.facts["document"], finding.facts["by"], finding.facts["amount"]) == (
        "600/2600415", "1.1.2026.4102", "JANSEN", "714.05",
    )  # fmt: skip
    assert not [row for row in check.rows if row.difference]


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        ((("1010", "1813.98"), ("8000", "-1828.97")), "day_by_hand"),  # what moves most, in one sum
        ((("1000", "2.60"), ("1560", "-15.00"), ("8010", "-1.00")), "day_by_hand"),  # two that agree
        ((("1560", "-15.00"), ("8010", "-1.00")), ""),  # one small sum alone
        ((("1010", "-1813.98"), ("1000", "1813.98")), ""),  # the other way round: taken to the bank
        ((("1010", "1813.98"), ("9999", "-1813.98")), ""),  # on one account of the day alone
    ],
)
def test_a_day_typed_again_as_a_whole_is_distinguished_from_what_looks_a_little_like_it(
    rows: Sequence[tuple[str, str]], code: str
) -> None:
    page = written_page(page_for(day_record()).lines)
    by_hand = [LedgerEntry(DAY, account, euros(amount), "601/7") for account, amount in rows]
    findings = look(page, [*entries(page), *by_hand]).findings
    assert [finding.code for finding in findings] == [code] * bool(code)


def test_rows_of_the_bank_and_of_other_flows_are_not_ours_to_judge() -> None:
    page = written_page(page_for(day_record()).lines)
    bank = [LedgerEntry(DAY, "1010", euros("714.05"), "200/1"), LedgerEntry(DAY, "1010", euros("-714.05"), "200/1")]
    now = day_record()
    check = check_day(
        page_for(now).lines, documents_of(till_day(now)), [OwnPage(page, PAGE, page)], [*entries(page), *bank], BOOKS,
        elsewhere=frozenset({"200/1"}),
    )  # fmt: skip
    assert check.verdict is DayVerdict.EQUAL


def test_a_page_that_is_not_posted_yet_is_equal_and_waits() -> None:
    page = written_page(page_for(day_record()).lines)
    check = look(page, entries(page, posted=False))
    assert check.verdict is DayVerdict.NOT_POSTED
    assert [finding.code for finding in check.findings] == ["not_posted"]
    assert not [row for row in check.rows if row.difference]


def test_books_that_cannot_say_are_distinguished_from_books_that_have_nothing() -> None:
    page = written_page(page_for(day_record()).lines)
    unknown, nothing = look(page, None), look(page, [])
    assert (unknown.verdict, nothing.verdict) == (DayVerdict.UNKNOWN, DayVerdict.DIFFERENT)
    assert {row.books for row in unknown.rows if row.about == "account"} == {None}
    assert {row.books for row in nothing.rows if row.about == "account"} == {Decimal(0)}


def test_a_row_of_the_books_is_read() -> None:
    record = Record(
        Kind.ENTRY,
        "600/2600412/1",
        {
            "date": DAY, "account": "8000", "amount": euros("-557.10"), "vat_code": "1", "vat": euros("-117.00"),
            "daybook": "600", "page": "2600412", "reference": "MZ6101700100", "text": "Fietsen", "posted": False,
            "changed_by": "JANSEN",
        },
    )  # fmt: skip
    assert entry_of_row(record) == LedgerEntry(
        DAY, "8000", euros("-557.10"), PAGE, "MZ6101700100", "1", euros("-117.00"), "Fietsen", posted=False, by="JANSEN"
    )


def test_a_page_with_another_number_of_lines_is_reported() -> None:
    page = written_page(page_for(day_record()).lines)
    current = replace(page, parts=page.parts[:-2])
    facts = {finding.code: finding.facts for finding in look(current, entries(current), page=page).findings}
    assert (facts["lines_counted"]["was"], facts["lines_counted"]["now"]) == ("23", "21")


def test_a_document_that_went_after_booking_is_named() -> None:
    page = written_page(page_for(day_record()).lines)
    documents = page.values["documents"]
    assert isinstance(documents, tuple)
    more = replace(page, values={**page.values, "documents": (*documents, "1.1.2026.9999")})
    check = look(more, entries(more), page=more)
    assert [(finding.code, finding.facts["document"]) for finding in check.findings] == [
        ("document_gone", "1.1.2026.9999")
    ]


def test_a_drawer_counted_anew_is_named_by_what_is_not_booked_of_it() -> None:
    page = written_page(page_for(day_record()).lines)
    recount = ("1", "2026.311", "2", 15000, 19990, 34990, 20000, 0, 14990)
    check = look(page, entries(page), with_parts(counts=(recount, COUNTS[1])))
    assert [(finding.code, finding.facts) for finding in check.findings] == [
        ("till_changed", {"text": "Afstorting kassa 1", "account": "1000", "difference": "0.35"}),
        ("till_changed", {"text": "Kasverschil kassa 1", "account": "4400", "difference": "-0.35"}),
    ]


def test_what_a_person_took_back_is_no_change_at_the_till() -> None:
    page = written_page(page_for(day_record()).lines)
    back = [replace(part, values={**part.values, **negated_amounts(part)}) for part in page.parts]
    other = replace(page, key=f"{page.key}/01", parts=tuple(back))
    own = [OwnPage(page, PAGE, page), OwnPage(other, "600/2600499", other)]
    now = day_record()
    check = check_day(page_for(now).lines, documents_of(till_day(now)), own, [], BOOKS)
    assert [finding.code for finding in check.findings] == ["unexplained"]


def negated_amounts(part: Record) -> dict[str, Decimal]:
    return {name: -value for name, value in part.values.items() if isinstance(value, Decimal)}


def test_an_amount_changed_by_hand_is_reported_in_cents() -> None:
    page = written_page(page_for(day_record()).lines)
    first, *rest = page.parts
    current = replace(page, parts=(replace(first, values={**first.values, "amount": Decimal("-550.0000")}), *rest))
    facts = next(
        finding.facts for finding in look(current, entries(page), page=page).findings if finding.code == "line_changed"
    )
    assert (facts["field"], facts["was"], facts["now"]) == ("amount", "-557.10", "-550.00")


def test_a_day_that_was_never_booked_has_no_late_documents() -> None:
    now = day_record()
    check = check_day(page_for(now).lines, documents_of(till_day(now)), [], [], BOOKS)
    assert [finding.code for finding in check.findings] == ["unexplained"]


def test_rows_that_look_like_no_document_of_the_day_are_nobodys_business() -> None:
    page = written_page(page_for(day_record()).lines)
    rent = [LedgerEntry(DAY, "4510", euros("900.00"), "600/9"), LedgerEntry(DAY, "1010", euros("-900.00"), "600/9")]
    assert look(page, [*entries(page), *rent]).verdict is DayVerdict.EQUAL


def test_a_document_that_comes_to_nothing_is_like_no_page() -> None:
    now = day_record()
    nothing = document("1.1.2026.5000", "20/2 0.00", "2 0.00 0.00", "PIN 0.00")
    record = replace(now, parts=(*now.parts, nothing))
    page = written_page(
        page_for(now).lines, documents=tuple(day_document.number for day_document in documents_of(till_day(record)))
    )
    zero_entries = [LedgerEntry(DAY, "1010", euros("0.00"), "600/9"), LedgerEntry(DAY, "1000", euros("0.00"), "600/9")]
    assert look(page, [*entries(page), *zero_entries], record, page).verdict is DayVerdict.EQUAL
