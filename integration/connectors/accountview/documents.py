"""Looks up documents in the books by our reference in their fiscal year, and creates them with their lines.

The first part serves all kinds of documents, the second part the history of invoiced orders.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import groupby
from typing import TypeVar

from integration.connectors.accountview.answers import lookup_name, refusal_cause
from integration.connectors.accountview.client import AccountViewClient, QueryFilter
from integration.connectors.accountview.codec import Body, Cell, Row, text_or_none
from integration.connectors.accountview.layout import Layout, Layouts
from integration.connectors.accountview.missing_key import MissingKeyError
from integration.connectors.accountview.reader import DocumentRows, RowReader
from integration.connectors.accountview.rows import read_of
from integration.connectors.accountview.settings import SYSTEM, AccountViewSettings, BusinessObject
from integration.connectors.accountview.target import (
    change_stamp,
    date_of,
    debtor_number,
    key_or_number,
    linked_number,
    not_found_yet,
    owner,
    owner_shown,
    pointer,
    rank,
    reference_of,
    without_case,
    writable_values,
)
from integration.connectors.accountview.years import FiscalYears
from integration.connectors.protocol import References
from integration.core.errors import RejectedError
from integration.core.records import Held, Kind, Record, Value

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class DocumentTables:
    """Object and layouts of one kind of documents."""

    of: BusinessObject
    header: Layout
    lines: Layout
    number: str  # our name of the field with AccountView's own number
    invoices: bool = False

    @property
    def sorted_by(self) -> str:
        """Return the column that sorts the documents; the number of an invoice may be empty for a while."""
        names = ("reference", self.number) if self.invoices else (self.number, "reference")
        return self.header.wire(*names)[0]

    def number_of(self, row: Row) -> str:
        """Return AccountView's own number of a document; pages are numbered within their daybook."""
        number, daybook = self.header.text(row, self.number), self.header.text(row, "daybook")
        if number and daybook:
            return f"{daybook}/{number}"
        return number or text_or_none(row.get("EXT_KEY")) or ""


class BooksDocuments:
    """Looks up and creates documents of any kind. Safe to share between threads."""

    def __init__(self, client: AccountViewClient, reader: RowReader, years: FiscalYears) -> None:
        self._client = client
        self._reader = reader
        self._years = years

    def lookup(self, tables: DocumentTables, wanted: Sequence[Record], references: References) -> dict[str, Held]:
        """Return the documents with our reference; of several, the first with the numbers of the others."""
        return {key: first_of(several) for key, several in self.by_key(tables, wanted, references).items()}

    def by_key(self, tables: DocumentTables, wanted: Sequence[Record], references: References) -> dict[str, list[Held]]:
        """Return every document with our reference, by the key of the wanted record."""
        column, key = tables.header.column("reference").name, tables.sorted_by

        def read(waiting: Sequence[Record], book_date: date | None) -> list[DocumentRows]:
            asked = tables.header.stored("reference", filter(None, map(reference_of, waiting)))
            since = from_earliest(tables.header, "date", waiting)
            return by_references(self._reader, tables.of, (column, asked), since, key=key, book_date=book_date)

        def held(record: Record, several: Sequence[DocumentRows]) -> list[Held]:
            numbered = {tables.number_of(row): (row, lines) for row, lines in several}
            return [
                _held(tables, record, number, *numbered[number], references) for number in sorted(numbered, key=rank)
            ]

        return by_year(wanted, self._years, read, lambda one: tables.header.text(one[0], "reference"), held)

    def create(self, tables: DocumentTables, wanted: Record, references: References) -> str:
        """Create a document with its lines and return its number, or an empty text if the answer lacks it."""
        debtor = debtor_number(wanted, references)
        cells = tables.header.encoded(writable_values(wanted))
        cells |= pointer(tables.header, "debtor", debtor)
        if tables.header.has_field("delivery_debtor") and debtor:
            cells |= pointer(tables.header, "delivery_debtor", debtor)
        if address := wanted.values.get("address"):
            number = references.reference(Kind.ADDRESS, str(address))
            cells |= pointer(tables.header, "address", linked_number(number, "address", str(address)))
        tables.header.expect_required(cells)
        lines = [_line(tables.lines, part, wanted) for part in wanted.parts if part.kind is Kind.LINE]
        body = Body(cells, {tables.of.detail: lines})
        made = self._client.create(tables.of, body, date_of(wanted) or self._client.today())
        return tables.number_of(made[tables.of.table.upper()][0])


def _line(layout: Layout, part: Record, document: Record) -> dict[str, Cell]:
    code, limit = str(part.values.get("article") or ""), None
    if "article" in part.values and layout.has_field("article"):
        limit = layout.column("article").length
    if limit and len(code) > limit:  # no article of the books has such a code
        raise RejectedError("article_missing", system=SYSTEM, article=code, document=reference_of(document))
    cells = layout.encoded(part.values)
    layout.expect_required(cells)
    return cells


def by_year(
    wanted: Sequence[Record],
    years: FiscalYears,
    read: Callable[[Sequence[Record], date | None], Sequence[T]],
    reference: Callable[[T], str],
    held_of: Callable[[Record, Sequence[T]], R],
) -> dict[str, R]:
    """Return the documents with the references of the wanted ones, by key; `held_of` combines those with one reference.

    A read covers one fiscal year, that of its book date: first the documents' own years, then the current year for
    those not found.
    """
    held: dict[str, R] = {}
    for book_date, records in years.documents_by_book_date(wanted):
        waiting = not_found_yet(records, held)
        found: dict[str, list[T]] = {}
        for one in read(waiting, book_date) if waiting else ():
            found.setdefault(reference(one).casefold(), []).append(one)
        for record in waiting:
            if there := found.get(reference_of(record).casefold()):
                held[record.key] = held_of(record, there)
    return held


def by_references(
    reader: RowReader,
    of: BusinessObject,
    asked: tuple[str, Collection[str]],
    since: tuple[QueryFilter, ...],
    *,
    key: str,
    book_date: date | None,
) -> list[DocumentRows]:
    """Return the documents whose column has one of our references, or all since a date if it cannot be filtered on.

    A fiscal year that does not exist has no documents; writing one is refused separately.
    """
    column, references = asked
    try:
        return reader.documents(of, column, references, key=key, book_date=book_date)
    except RejectedError as error:
        if says_no_such_year(error):
            return []
        if not is_about_filter(error, column.rpartition(".")[2]):
            raise
    found, asked_by = reader.all_documents(of, since, key=key, book_date=book_date), lookup_name(column)
    if untold := [row for row, _ in found if asked_by not in row]:  # it may be any of those asked for
        raise MissingKeyError.for_row(of, asked_by, untold[0])
    return found


def from_earliest(layout: Layout, name: str, wanted: Sequence[Record], prefix: str = "") -> tuple[QueryFilter, ...]:
    """Return the condition that selects everything from the earliest date of some documents on."""
    days = [date_of(record) for record in wanted]
    if None in days or name not in layout.names:
        return ()
    earliest = min(day for day in days if day is not None)
    return (QueryFilter(prefix + layout.names[name], "DateOnOrAfterDate", "T", f"{{^{earliest.isoformat()}}}"),)


def first_of(several: Sequence[Held]) -> Held:
    """Return the first of several documents with one reference, with the numbers of the others."""
    first, *rest = several
    return replace(first, others=tuple(one.reference for one in rest))


def _held(
    tables: DocumentTables, wanted: Record, number: str, row: Row, lines: Sequence[Row], references: References
) -> Held:
    record = read_of(wanted.kind, wanted.key, row, lambda: _document(tables, wanted, row, lines, references))
    return Held(record, number, change_stamp(tables.header, row))


def _document(tables: DocumentTables, wanted: Record, row: Row, lines: Sequence[Row], references: References) -> Record:
    header = tables.header
    values: dict[str, Value] = header.decoded(row, wanted.values)
    values.pop("delivery_debtor", None)
    values["reference"] = matching_reference(wanted, header.text(row, "reference"))
    if "debtor" in header.names:
        values |= owner_shown(header, row, wanted, references)
    if header.has_field("address"):
        values["address"] = key_or_number(
            Kind.ADDRESS, wanted.values.get("address"), header.text(row, "address"), references
        )
    if "trade_invoice" in wanted.values:
        values["trade_invoice"] = tables.invoices
    parts = numbered_lines(tables.lines, "number", lines, wanted)
    return Record(wanted.kind, wanted.key, values, parts)


def matching_reference(wanted: Record, found: str) -> str:
    """Return the wanted reference if the found one differs only in case, otherwise the found one."""
    reference = wanted.values.get("reference")
    return str(reference) if without_case(str(reference or "")) == found.casefold() else found


def numbered_lines(layout: Layout, number: str, rows: Sequence[Row], wanted: Record) -> tuple[Record, ...]:
    """Return the lines, numbered in the order of their own numbers, which is the order in which they were entered."""
    asked = {part.key: part.values for part in wanted.parts if part.kind is Kind.LINE}
    parts = []
    for place, row in enumerate(sorted(rows, key=lambda row: line_sort_key(layout.text(row, number))), start=1):
        values = layout.decoded(row, asked.get(str(place), {}))
        values.pop(number, None)
        parts.append(Record(Kind.LINE, str(place), values))
    return tuple(parts)


def line_sort_key(number: str) -> tuple[int, str]:
    """Return a sort key that puts line numbers in the order in which the lines were entered."""
    return len(number), number


def is_about_filter(error: RejectedError, column: str) -> bool:
    """Return True if a refusal means that this column cannot be filtered."""
    if error.code != "read_refused":
        return error.code == "request_refused"
    said = error.facts.get("message", "").casefold()
    return column.casefold() in said or "filter" in said


def says_no_such_year(error: RejectedError) -> bool:
    """Return True if a read was refused because its fiscal year does not exist."""
    return refusal_cause(error.facts.get("message", ""))[0] == "period_closed"


# ---- invoiced orders, from the history of their lines


class BooksHistory:
    """The history of invoiced order lines of one installation."""

    def __init__(self, settings: AccountViewSettings, layouts: Layouts, reader: RowReader, years: FiscalYears) -> None:
        self._settings = settings
        self._layouts = layouts
        self._reader = reader
        self._years = years

    def lookup(self, wanted: Sequence[Record], references: References) -> dict[str, Held]:
        """Return the orders that moved to the history, with the fields that the history has."""
        layout = self._layouts.history()
        return by_year(
            wanted,
            self._years,
            lambda waiting, book_date: self._rows(layout, waiting, book_date),
            lambda row: layout.text(row, "reference"),
            lambda record, rows: _from_history(layout, record, rows, references),
        )

    def _rows(self, layout: Layout, wanted: Sequence[Record], book_date: date | None) -> list[Row]:
        of, named = self._settings.objects.history, self._settings.history
        ours = filter(None, map(reference_of, wanted))
        asked = (f"{named.header}.{named.reference}", layout.stored("reference", ours))
        since = from_earliest(Layout("", {"date": named.invoice_date}, {}), "date", wanted, f"{named.header}.")
        key = layout.wire("line_number", "article")[0]
        found = by_references(self._reader, of, asked, since, key=key, book_date=book_date)
        return [row for row, _ in found]


def _from_history(layout: Layout, wanted: Record, rows: Sequence[Row], references: References) -> Held:
    """Return an order from the history; rows of several debtors or order numbers are several documents."""

    def document(row: Row) -> tuple[str, str]:
        return layout.text(row, "debtor"), layout.text(row, "order_number")

    several = [list(group) for _, group in groupby(sorted(rows, key=document), key=document)]
    numbers = [_history_number(layout, group, wanted, references) for group in several]
    known, whose = references.reference(wanted.kind, wanted.key), owner(wanted, references)
    mine = [place for place, group in enumerate(several) if document(group[0])[0] == whose]
    chosen = next((place for place in mine if numbers[place] == known), (*mine, 0)[0])
    row = several[chosen][0]
    of_header = ("order_number", "invoice_date", "delivery_date", "shipping_method", "remark")
    header = replace(layout, names={name: layout.names[name] for name in of_header if name in layout.names})
    of_lines = ("line_number", "article", "quantity", "price", "text")
    detail = replace(layout, names={name: layout.names[name] for name in of_lines if name in layout.names})
    shown = owner_shown(layout, row, wanted, references)
    shown["reference"] = matching_reference(wanted, layout.text(row, "reference"))

    def read() -> Record:
        values = header.decoded(row, wanted.values) | shown
        return Record(wanted.kind, wanted.key, values, numbered_lines(detail, "line_number", several[chosen], wanted))

    record = read_of(wanted.kind, wanted.key, row, read)
    others = tuple(number for place, number in enumerate(numbers) if place != chosen)
    return Held(record, numbers[chosen], evidence="history", others=others)


def _history_number(layout: Layout, rows: Sequence[Row], wanted: Record, references: References) -> str:
    told = layout.text(rows[0], "order_number") or references.reference(wanted.kind, wanted.key)
    return told or min((text_or_none(row.get("EXT_KEY")) or "" for row in rows), key=rank)
