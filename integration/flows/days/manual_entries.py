"""Detects days that somebody may have entered in the books manually; a person decides before the day is booked."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from itertools import chain as joined

from integration.core.days.books import DayBooks, DayLine
from integration.core.days.documents import DayDocument
from integration.core.days.entries import LedgerEntry, as_posted
from integration.core.days.lookalike_entries import LookalikePage, lookalike_pages, totals_of
from integration.core.issues import LONGEST_FOUND, Skip
from integration.core.money import amount
from integration.core.records import Record, Unreadable, Value
from integration.core.rules import as_text
from integration.flows.console_marks import console_mark
from integration.flows.day_pages import parse_day_reference
from integration.flows.deciding import KEEP, DecisionSubject, decision_mark, stored_decision
from integration.flows.settings import RecordRejected

BOOK = "book"
TYPED = (KEEP, BOOK)  # the entry is the day; the entry is something else
DISMISSED, TOTALS = "dismissed_entries", "totals"  # fields of a page: entries of others, and totals of its documents

LedgerRow = LedgerEntry | Unreadable


@dataclass(frozen=True, slots=True)
class ManualEntries:
    """Possible manual entries of a day: pages that resemble it, and unreadable rows of the books."""

    pages: tuple[LookalikePage, ...]
    rows: tuple[Unreadable, ...]

    @property
    def names(self) -> dict[DecisionSubject, tuple[str, ...]]:
        """The entries in question by subject; an answer about one subject does not answer the other."""
        names_by_subject = {
            DecisionSubject.TYPED: tuple(entry.page for entry in self.pages),
            DecisionSubject.UNREADABLE: tuple(row.key for row in self.rows),
        }
        return {about: names for about, names in names_by_subject.items() if names}

    def mark(self, page: Record, about: DecisionSubject) -> str:
        """Return the mark of the question about a subject."""
        return decision_mark(page, "+".join(name.replace(" ", "") for name in self.names[about]))

    def question(self, page: Record, about: DecisionSubject) -> RecordRejected:
        """Return the question that a person must answer before the page of the day is booked."""
        facts = {"document": _title(page), "mark": self.mark(page, about)}
        if about is DecisionSubject.UNREADABLE:
            row = self.rows[0]
            row_facts = {"field": row.field, "value": row.raw_value[:LONGEST_FOUND]}
            return RecordRejected("day_ledger_unreadable", about, **facts, **row_facts)
        size = str(amount(max(abs(entry.amount) for entry in self.pages)))
        return RecordRejected(
            "day_booked_by_hand", about, **facts, page=", ".join(entry.page for entry in self.pages), amount=size
        )


def stored_totals(documents: Sequence[DayDocument]) -> dict[str, Value]:
    """Return the document totals that a page stores, to recognise manual entries immediately before a write."""
    return {TOTALS: tuple(map(str, totals_of(documents)))}


def find_manual_entries(
    page: Record, lines: Sequence[DayLine], rows: Sequence[LedgerRow], books: DayBooks, prefix: str
) -> ManualEntries | None:
    """Return possible manual entries of the day of a page with these `lines`; None without any evidence.

    `rows` are the rows of the books on the days around it. Totals of separate documents are not evidence, and neither
    are pages written by a console: this one, with its `prefix`, or another one.
    """
    dismissed = _texts(page, DISMISSED)
    entries = [row for row in rows if isinstance(row, LedgerEntry)]
    excluded = {entry.page for entry in entries if _is_of_a_console(entry.reference, page, prefix)} | set(dismissed)
    totals = {Decimal(text): text for text in _texts(page, TOTALS)}
    alike = lookalike_pages(totals, as_posted(lines, books), entries, excluded)
    unreadable = (row for row in rows if isinstance(row, Unreadable) and row.key not in dismissed)
    manual_entries = ManualEntries(tuple(alike), tuple(unreadable))
    return manual_entries if manual_entries.names else None


def apply_manual_entry_decision(record: Record, page: Record, entries: ManualEntries) -> Record | Skip:
    """Return the page that a person decided to book, or a skip if the person said that the entry is this day.

    Raises RecordRejected while a decision is missing.
    """
    options = {
        about: stored_decision(record, about, entries.mark(page, about), TYPED).option for about in entries.names
    }
    for about, names in entries.names.items():
        if options[about] == KEEP:
            title = _title(page)
            return Skip("day_kept_by_hand", record.key, {"key": title, "document": title, "page": ", ".join(names)})
    for about, option in options.items():
        if not option:
            raise entries.question(page, about)
    return replace(page, values={**page.values, DISMISSED: tuple(joined(*entries.names.values()))})


def rows_near(rows: Sequence[LedgerRow], dates: Collection[date]) -> Iterator[LedgerRow]:
    """Yield the rows that are, or may be, on these dates."""
    for row in rows:
        if (row.date if isinstance(row, LedgerEntry) else _date_of(row)) in {*dates, None}:
            yield row


def _date_of(row: Unreadable) -> date | None:
    """Return the date in the key of an unreadable row; None if the date is unreadable."""
    try:
        return date.fromisoformat(row.key.partition("/")[0])
    except ValueError:
        return None


def _title(page: Record) -> str:
    return as_text(page.values.get("number"))


def _texts(page: Record, name: str) -> tuple[str, ...]:
    texts = page.values.get(name)
    return texts if isinstance(texts, tuple) else ()


def _is_of_a_console(reference: str, page: Record, prefix: str) -> bool:
    """Return True if a page of the books is a day of another console, or one of ours of the date of `page`.

    Our own pages are recognised by reference, because a page of the current run has no link yet.
    """
    parsed = parse_day_reference(reference)
    if parsed is None:
        return False
    return parsed.mark != console_mark(prefix) or parsed.day == page.values.get("day")
