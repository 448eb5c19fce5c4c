"""Compares a closed day at the till and in the books, by VAT code, account and payment method, with reasons.

The expected page comes from the till's current answers. The actual state comes from the books' ledger: our own pages,
and pages of others that look like a document of the day. Changes nothing.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum

from integration.core.days.books import DayBooks, DayLine
from integration.core.days.corrections import changed_lines, page_lines
from integration.core.days.documents import DayDocument
from integration.core.days.entries import LedgerEntry, as_posted
from integration.core.days.lookalike_entries import LookalikePage, lookalike_pages, totals_of
from integration.core.days.till import till_text, total
from integration.core.grouping import sum_by_key
from integration.core.money import amount
from integration.core.records import Record
from integration.core.totals.sold import NOTHING, VatSum


class DayVerdict(StrEnum):
    """Verdict of a check."""

    EQUAL = "equal"
    NOT_POSTED = "not_posted"  # equal, but not processed to the ledger yet
    DIFFERENT = "different"
    UNKNOWN = "unknown"  # the books do not report the entries on their accounts


@dataclass(frozen=True, slots=True)
class OwnPage:
    """A page written for a day: as written, its number in the books, and its current state in the books."""

    written_record: Record
    number: str
    current: Record | None


@dataclass(frozen=True, slots=True)
class DayComparison:
    """One figure on both sides, None if a side does not report it. `about` is base, vat, account or method."""

    about: str
    key: str
    till: Decimal | None
    books: Decimal | None

    @property
    def difference(self) -> Decimal:
        """The books' figure minus the till's."""
        return NOTHING if self.till is None or self.books is None else self.books - self.till

    @property
    def larger_side(self) -> str:
        """The side with the larger amount, till or books; empty if both are equally large or one is not known."""
        if self.till is None or self.books is None or abs(self.till) == abs(self.books):
            return ""
        return "books" if abs(self.books) > abs(self.till) else "till"


def most_different(rows: Iterable[DayComparison]) -> DayComparison | None:
    """Return the account with the largest absolute difference, or None if none differs."""
    off = [comparison for comparison in rows if comparison.about == "account" and comparison.difference]
    return max(off, key=lambda comparison: abs(comparison.difference), default=None)


def largest_difference(rows: Iterable[DayComparison]) -> Decimal:
    """Return the largest absolute difference of an account, in euros."""
    comparison = most_different(rows)
    return amount(abs(comparison.difference)) if comparison else amount(NOTHING)


Belongs = Callable[[Sequence[DayDocument]], Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class DayFinding:
    """Something that a person did or needs to know: a code and the facts of its sentence."""

    code: str
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DayCheck:
    """Result of the check of a day."""

    verdict: DayVerdict
    rows: tuple[DayComparison, ...] = ()
    findings: tuple[DayFinding, ...] = ()

    @property
    def difference(self) -> Decimal:
        """The largest absolute difference of an account, in euros."""
        return largest_difference(self.rows)


def check_day(
    expected: Sequence[DayLine],
    documents: Sequence[DayDocument],
    pages: Sequence[OwnPage],
    entries: Sequence[LedgerEntry] | None,
    books: DayBooks,
    *,
    elsewhere: frozenset[str] = frozenset(),
    belongs: Belongs = lambda _: {},
) -> DayCheck:
    """Compare a day on both sides.

    `expected` are the page lines from the till's current answers. `entries` are the books' ledger entries on the
    dates of its pages, or None if the books do not report them. `elsewhere` are pages that others account for: those
    of other flows, and bank pages that settle the till's receipts. `belongs` returns, by document number, the
    invoices and orders that some documents belong to; it is called only for late documents.
    """
    own = {page.number for page in pages}
    rows = None if entries is None else [row for row in entries if row.page in own]
    posted_lines = as_posted(expected, books)
    compared = (
        *_vat_comparisons(posted_lines, rows, books),
        *_account_comparisons(posted_lines, rows, books),
        *_method_comparisons(posted_lines, pages, books),
    )
    findings = [
        *_page_findings(pages, entries or ()),
        *(list(_document_findings(pages, documents, belongs)) or _till_findings(expected, pages, books)),
        *_manual_page_findings(lookalike_pages(totals_of(documents), posted_lines, entries or (), own | elsewhere)),
    ]
    if any(comparison.difference for comparison in compared) and not findings:
        off = next(comparison for comparison in compared if comparison.difference)
        findings.append(DayFinding("unexplained", {"about": off.key, "difference": str(amount(off.difference))}))
    if any(comparison.difference for comparison in compared) or findings:
        return DayCheck(DayVerdict.DIFFERENT, compared, tuple(findings))
    if rows is None:
        return DayCheck(DayVerdict.UNKNOWN, compared)
    waiting = sorted({row.page for row in rows if not row.posted})
    if waiting:
        return DayCheck(DayVerdict.NOT_POSTED, compared, (DayFinding("not_posted", {"page": ", ".join(waiting)}),))
    return DayCheck(DayVerdict.EQUAL, compared)


# ---- figures


def _vat_comparisons(
    expected: Sequence[DayLine], rows: Sequence[LedgerEntry] | None, books: DayBooks
) -> Iterator[DayComparison]:
    codes = dict.fromkeys(line.vat_code for line in expected if line.vat_code)
    if rows is not None:
        codes |= dict.fromkeys(row.vat_code for row in rows if row.vat_code)
    for code in codes:
        own = [line for line in expected if line.vat_code == code]
        if books.mode == "separate":
            yield from _vat_line_comparisons(code, own, rows)
            continue
        base = total(_net_amount(line, books) for line in own)
        booked_sum = None if rows is None else vat_by_code(rows, books).get(code, VatSum())
        yield DayComparison("base", code, -base, None if booked_sum is None else booked_sum.excl)
        yield DayComparison(
            "vat", code, -total(line.vat for line in own), None if booked_sum is None else booked_sum.vat
        )


def vat_by_code(rows: Iterable[LedgerEntry], books: DayBooks) -> dict[str, VatSum]:
    """Return taxable amount and VAT of ledger rows by VAT code; credit is positive. Rows without a code are left out.

    With separate VAT lines the rows do not report the taxable amount.
    """
    sums: dict[str, VatSum] = {}
    for row in rows_with_vat(rows, books):
        if row.vat_code:
            is_vat = books.mode == "separate" or row.account == books.vat_accounts.get(row.vat_code, "")
            moved = VatSum(NOTHING, -row.amount) if is_vat else VatSum(-row.amount, NOTHING)
            sums[row.vat_code] = sums.get(row.vat_code, VatSum()) + moved
    return sums


def _vat_line_comparisons(
    code: str, own: Sequence[DayLine], rows: Sequence[LedgerEntry] | None
) -> Iterator[DayComparison]:
    """Yield the figures of a VAT code with separate VAT lines: ledger entries do not report the base."""
    on_vat = None if rows is None else total(-row.amount for row in rows if row.vat_code == code)
    yield DayComparison("base", code, -total(line.vat_base or NOTHING for line in own), None)
    yield DayComparison("vat", code, -total(line.amount for line in own), on_vat)


def _net_amount(line: DayLine, books: DayBooks) -> Decimal:
    return line.amount - line.vat if books.mode == "gross" else line.amount


def rows_with_vat(rows: Iterable[LedgerEntry], books: DayBooks) -> Iterator[LedgerEntry]:
    """Yield ledger rows with VAT on its account. VAT on the lines of an unprocessed page becomes rows of its own."""
    for row in rows:
        if row.posted or not row.vat:
            yield row
            continue
        net = row.amount - row.vat if books.mode == "gross" else row.amount
        yield LedgerEntry(row.date, row.account, net, row.page, row.reference, row.vat_code, posted=False)
        account = books.vat_accounts.get(row.vat_code, "")
        yield LedgerEntry(row.date, account, row.vat, row.page, row.reference, row.vat_code, posted=False)


def _account_comparisons(
    expected: Sequence[DayLine], rows: Sequence[LedgerEntry] | None, books: DayBooks
) -> Iterator[DayComparison]:
    till: dict[str, Decimal] = {}
    for line in expected:
        till[line.account] = till.get(line.account, NOTHING) + _net_amount(line, books)
        if line.vat:
            of_vat = books.vat_accounts.get(line.vat_code, "")
            till[of_vat] = till.get(of_vat, NOTHING) + line.vat
    booked_amounts = sum_by_key((row.account, row.amount) for row in rows_with_vat(rows or (), books))
    for account in sorted({*till, *booked_amounts}):
        booked_amount = None if rows is None else booked_amounts.get(account, NOTHING)
        yield DayComparison("account", account, till.get(account, NOTHING), booked_amount)


def _method_comparisons(
    expected: Sequence[DayLine], pages: Sequence[OwnPage], books: DayBooks
) -> Iterator[DayComparison]:
    """Yield the amount per payment method, against the lines of our pages written for it.

    If a line of an account comes only from the books, the payment methods of this account are unknown.
    """
    turned = books.credit_positive != (books.mode == "cash")
    written_lines = [line for page in pages for line in page_lines(page.written_record)]
    unclear = {line.account for line in written_lines if line.from_books}
    unknown = {line.method for line in (*expected, *written_lines) if line.account in unclear}
    booked_amounts = sum_by_key(
        (line.method, -current_line.amount if turned else current_line.amount)
        for page in pages
        if page.current
        # a different number of lines is a finding
        for line, current_line in zip(page_lines(page.written_record), page_lines(page.current), strict=False)
    )
    for method in dict.fromkeys([*(line.method for line in expected), *booked_amounts]):
        if method:
            paid = total(line.amount for line in expected if line.method == method)
            booked_amount = None if method in unknown else booked_amounts.get(method, NOTHING)
            yield DayComparison("method", method, paid, booked_amount)


# ---- what happened


def _page_findings(pages: Sequence[OwnPage], entries: Sequence[LedgerEntry]) -> Iterator[DayFinding]:
    """Yield the changes of others to our pages, with the person of the last change if the books report it."""
    changed_by = {row.page: row.by for row in entries if row.by}
    for page in pages:
        page_facts = {"page": page.number, "reference": till_text(page.written_record.values, "reference")}
        if page.current is None:
            yield DayFinding("page_gone", page_facts)
            continue
        was, now = page_lines(page.written_record), page_lines(page.current)
        if len(was) != len(now):
            facts = {"was": str(len(was)), "now": str(len(now)), "by": changed_by.get(page.number, "")}
            yield DayFinding("lines_counted", {**page_facts, **facts})
            continue
        for place, (before, after) in enumerate(zip(was, now, strict=True), start=1):
            for name in ("account", "amount", "vat_code", "vat", "debtor", "item"):
                old, new = getattr(before, name), getattr(after, name)
                if old != new:
                    facts = {"line": str(place), "field": name, "was": _fact_text(old), "now": _fact_text(new)}
                    yield DayFinding("line_changed", {**page_facts, **facts, "by": changed_by.get(page.number, "")})


def _fact_text(value: object) -> str:
    return str(amount(value)) if isinstance(value, Decimal) else str(value)


def _document_findings(
    pages: Sequence[OwnPage], documents: Sequence[DayDocument], belongs: Belongs
) -> Iterator[DayFinding]:
    """Yield documents that were added or removed after the day was booked."""
    if not pages:
        return
    newest = max(
        pages, key=lambda page: page.written_record.key
    )  # the newest page includes the documents of earlier ones
    document_numbers = newest.written_record.values.get("documents")
    booked = set(document_numbers) if isinstance(document_numbers, tuple) else set()
    now = {document.number: document for document in documents}
    late = [now[number] for number in sorted(now.keys() - booked)]
    of = belongs(late) if late else {}
    for document in late:
        facts = {"document": document.number, "amount": str(document.total)}
        if behind := of.get(document.number):
            yield DayFinding("document_late_of", {**facts, "behind": behind})
        else:
            yield DayFinding("document_late", facts)
    for number in sorted(booked - now.keys()):
        yield DayFinding("document_gone", {"document": number})


def _till_findings(expected: Sequence[DayLine], pages: Sequence[OwnPage], books: DayBooks) -> Iterator[DayFinding]:
    """Yield changes of the till's answers since the day was booked, such as a new cash count."""
    sign = -1 if books.credit_positive else 1
    lines = [line for page in pages for line in page_lines(page.written_record)]
    booked = [replace(line, amount=sign * line.amount, vat=sign * line.vat) for line in lines]
    is_reversed = not changed_lines((), booked)  # by a person, and not by the till
    for off in () if is_reversed else changed_lines(expected, booked):
        facts = {"text": off.text, "account": off.account, "difference": str(amount(off.gross_amount))}
        yield DayFinding("till_changed", facts)


def _manual_page_findings(pages: Iterable[LookalikePage]) -> Iterator[DayFinding]:
    """Yield pages of others that look like a document of the day or like the whole day."""
    for page in pages:
        facts = {
            "page": page.page,
            "date": _fact_text(page.book_date),
            "by": page.by,
            "amount": str(amount(page.amount)),
        }
        if page.document:
            yield DayFinding("page_by_hand", {**facts, "document": page.document})
        else:
            yield DayFinding("day_by_hand", facts)
