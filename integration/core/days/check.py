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

    written: Record
    number: str
    held: Record | None


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
    off = [one for one in rows if one.about == "account" and one.difference]
    return max(off, key=lambda one: abs(one.difference), default=None)


def largest_difference(rows: Iterable[DayComparison]) -> Decimal:
    """Return the largest absolute difference of an account, in euros."""
    found = most_different(rows)
    return amount(abs(found.difference)) if found else amount(NOTHING)


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
    own = {one.number for one in pages}
    rows = None if entries is None else [one for one in entries if one.page in own]
    wanted = as_posted(expected, books)
    compared = (*_by_vat(wanted, rows, books), *_by_account(wanted, rows, books), *_by_method(wanted, pages, books))
    findings = [
        *_of_pages(pages, entries or ()),
        *(list(_of_documents(pages, documents, belongs)) or _of_the_till(expected, pages, books)),
        *_by_hand(lookalike_pages(totals_of(documents), wanted, entries or (), own | elsewhere)),
    ]
    if any(one.difference for one in compared) and not findings:
        off = next(one for one in compared if one.difference)
        findings.append(DayFinding("unexplained", {"about": off.key, "difference": str(amount(off.difference))}))
    if any(one.difference for one in compared) or findings:
        return DayCheck(DayVerdict.DIFFERENT, compared, tuple(findings))
    if rows is None:
        return DayCheck(DayVerdict.UNKNOWN, compared)
    waiting = sorted({one.page for one in rows if not one.posted})
    if waiting:
        return DayCheck(DayVerdict.NOT_POSTED, compared, (DayFinding("not_posted", {"page": ", ".join(waiting)}),))
    return DayCheck(DayVerdict.EQUAL, compared)


# ---- figures


def _by_vat(
    expected: Sequence[DayLine], rows: Sequence[LedgerEntry] | None, books: DayBooks
) -> Iterator[DayComparison]:
    codes = dict.fromkeys(one.vat_code for one in expected if one.vat_code)
    if rows is not None:
        codes |= dict.fromkeys(one.vat_code for one in rows if one.vat_code)
    for code in codes:
        own = [one for one in expected if one.vat_code == code]
        if books.mode == "separate":
            yield from _by_vat_lines(code, own, rows)
            continue
        base = total(_net(one, books) for one in own)
        there = None if rows is None else vat_by_code(rows, books).get(code, VatSum())
        yield DayComparison("base", code, -base, None if there is None else there.excl)
        yield DayComparison("vat", code, -total(one.vat for one in own), None if there is None else there.vat)


def vat_by_code(rows: Iterable[LedgerEntry], books: DayBooks) -> dict[str, VatSum]:
    """Return taxable amount and VAT of ledger rows by VAT code; credit is positive. Rows without a code are left out.

    With separate VAT lines the rows do not report the taxable amount.
    """
    found: dict[str, VatSum] = {}
    for one in rows_with_vat(rows, books):
        if one.vat_code:
            is_vat = books.mode == "separate" or one.account == books.vat_accounts.get(one.vat_code, "")
            moved = VatSum(NOTHING, -one.amount) if is_vat else VatSum(-one.amount, NOTHING)
            found[one.vat_code] = found.get(one.vat_code, VatSum()) + moved
    return found


def _by_vat_lines(code: str, own: Sequence[DayLine], rows: Sequence[LedgerEntry] | None) -> Iterator[DayComparison]:
    """Yield the figures of a VAT code with separate VAT lines: ledger entries do not report the base."""
    on_vat = None if rows is None else total(-one.amount for one in rows if one.vat_code == code)
    yield DayComparison("base", code, -total(one.vat_base or NOTHING for one in own), None)
    yield DayComparison("vat", code, -total(one.amount for one in own), on_vat)


def _net(one: DayLine, books: DayBooks) -> Decimal:
    return one.amount - one.vat if books.mode == "gross" else one.amount


def rows_with_vat(rows: Iterable[LedgerEntry], books: DayBooks) -> Iterator[LedgerEntry]:
    """Yield ledger rows with VAT on its account. VAT on the lines of an unprocessed page becomes rows of its own."""
    for one in rows:
        if one.posted or not one.vat:
            yield one
            continue
        net = one.amount - one.vat if books.mode == "gross" else one.amount
        yield LedgerEntry(one.date, one.account, net, one.page, one.reference, one.vat_code, posted=False)
        account = books.vat_accounts.get(one.vat_code, "")
        yield LedgerEntry(one.date, account, one.vat, one.page, one.reference, one.vat_code, posted=False)


def _by_account(
    expected: Sequence[DayLine], rows: Sequence[LedgerEntry] | None, books: DayBooks
) -> Iterator[DayComparison]:
    till: dict[str, Decimal] = {}
    for one in expected:
        till[one.account] = till.get(one.account, NOTHING) + _net(one, books)
        if one.vat:
            of_vat = books.vat_accounts.get(one.vat_code, "")
            till[of_vat] = till.get(of_vat, NOTHING) + one.vat
    there: dict[str, Decimal] = {}
    for row in rows_with_vat(rows or (), books):
        there[row.account] = there.get(row.account, NOTHING) + row.amount
    for account in sorted({*till, *there}):
        found = None if rows is None else there.get(account, NOTHING)
        yield DayComparison("account", account, till.get(account, NOTHING), found)


def _by_method(expected: Sequence[DayLine], pages: Sequence[OwnPage], books: DayBooks) -> Iterator[DayComparison]:
    """Yield the amount per payment method, against the lines of our pages written for it.

    If a line of an account comes only from the books, the payment methods of this account are unknown.
    """
    turned = books.credit_positive != (books.mode == "cash")
    there: dict[str, Decimal] = {}
    written = [line for one in pages for line in page_lines(one.written)]
    unclear = {line.account for line in written if line.from_books}
    unknown = {line.method for line in (*expected, *written) if line.account in unclear}
    for one in pages:
        now = page_lines(one.held) if one.held else ()
        for line, held in zip(page_lines(one.written), now, strict=False):  # a different number of lines is a finding
            there[line.method] = there.get(line.method, NOTHING) + (-held.amount if turned else held.amount)
    for method in dict.fromkeys([*(one.method for one in expected), *there]):
        if method:
            paid = total(one.amount for one in expected if one.method == method)
            found = None if method in unknown else there.get(method, NOTHING)
            yield DayComparison("method", method, paid, found)


# ---- what happened


def _of_pages(pages: Sequence[OwnPage], entries: Sequence[LedgerEntry]) -> Iterator[DayFinding]:
    """Yield the changes of others to our pages, with the person of the last change if the books report it."""
    changed_by = {row.page: row.by for row in entries if row.by}
    for one in pages:
        told = {"page": one.number, "reference": till_text(one.written.values, "reference")}
        if one.held is None:
            yield DayFinding("page_gone", told)
            continue
        was, now = page_lines(one.written), page_lines(one.held)
        if len(was) != len(now):
            facts = {"was": str(len(was)), "now": str(len(now)), "by": changed_by.get(one.number, "")}
            yield DayFinding("lines_counted", {**told, **facts})
            continue
        for place, (before, after) in enumerate(zip(was, now, strict=True), start=1):
            for name in ("account", "amount", "vat_code", "vat", "debtor", "item"):
                old, new = getattr(before, name), getattr(after, name)
                if old != new:
                    facts = {"line": str(place), "field": name, "was": _told(old), "now": _told(new)}
                    yield DayFinding("line_changed", {**told, **facts, "by": changed_by.get(one.number, "")})


def _told(value: object) -> str:
    return str(amount(value)) if isinstance(value, Decimal) else str(value)


def _of_documents(pages: Sequence[OwnPage], documents: Sequence[DayDocument], belongs: Belongs) -> Iterator[DayFinding]:
    """Yield documents that were added or removed after the day was booked."""
    if not pages:
        return
    newest = max(pages, key=lambda one: one.written.key)  # the newest page includes the documents of earlier ones
    listed = newest.written.values.get("documents")
    booked = set(listed) if isinstance(listed, tuple) else set()
    now = {one.number: one for one in documents}
    late = [now[number] for number in sorted(now.keys() - booked)]
    of = belongs(late) if late else {}
    for one in late:
        facts = {"document": one.number, "amount": str(one.total)}
        if behind := of.get(one.number):
            yield DayFinding("document_late_of", {**facts, "behind": behind})
        else:
            yield DayFinding("document_late", facts)
    for number in sorted(booked - now.keys()):
        yield DayFinding("document_gone", {"document": number})


def _of_the_till(expected: Sequence[DayLine], pages: Sequence[OwnPage], books: DayBooks) -> Iterator[DayFinding]:
    """Yield changes of the till's answers since the day was booked, such as a new cash count."""
    sign = -1 if books.credit_positive else 1
    lines = [line for one in pages for line in page_lines(one.written)]
    booked = [replace(line, amount=sign * line.amount, vat=sign * line.vat) for line in lines]
    is_taken_back = not changed_lines((), booked)  # by a person, and not by the till
    for off in () if is_taken_back else changed_lines(expected, booked):
        facts = {"text": off.text, "account": off.account, "difference": str(amount(off.gross_amount))}
        yield DayFinding("till_changed", facts)


def _by_hand(pages: Iterable[LookalikePage]) -> Iterator[DayFinding]:
    """Yield pages of others that look like a document of the day or like the whole day."""
    for one in pages:
        facts = {"page": one.page, "date": _told(one.on), "by": one.by, "amount": str(amount(one.amount))}
        if one.document:
            yield DayFinding("page_by_hand", {**facts, "document": one.document})
        else:
            yield DayFinding("day_by_hand", facts)
