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
from integration.connectors.accountview.codec import Body, Cell, DocumentRows, Row, text_or_none
from integration.connectors.accountview.layout import Layout, Layouts
from integration.connectors.accountview.missing_key import MissingKeyError
from integration.connectors.accountview.reader import RowReader
from integration.connectors.accountview.rows import read_of, unique_documents
from integration.connectors.accountview.settings import SYSTEM, AccountViewSettings, BusinessObject
from integration.connectors.accountview.target import (
    PLANNED,
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
from integration.core.grouping import group_by_key
from integration.core.records import CurrentRecord, Kind, Record, Value, WrongValueError

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

    def lookup(
        self, tables: DocumentTables, records: Sequence[Record], references: References
    ) -> dict[str, CurrentRecord]:
        """Return the documents with our reference; of several, the first with the numbers of the others."""
        return {key: first_of(several) for key, several in self.by_key(tables, records, references).items()}

    def by_key(
        self, tables: DocumentTables, records: Sequence[Record], references: References
    ) -> dict[str, list[CurrentRecord]]:
        """Return every document with our reference, by the key of the wanted record."""
        column, key = tables.header.column("reference").name, tables.sorted_by

        def read(waiting: Sequence[Record], book_date: date | None) -> list[DocumentRows]:
            values = tables.header.stored("reference", filter(None, map(reference_of, waiting)))
            since = from_earliest(tables.header, "date", waiting)
            return by_references(self._reader, tables.of, (column, values), since, key=key, book_date=book_date)

        def held_documents(record: Record, several: Sequence[DocumentRows]) -> list[CurrentRecord]:
            unique = unique_documents(several, tables.number_of)
            return [
                _current_document(tables, record, tables.number_of(row), row, lines, references)
                for row, lines in sorted(unique, key=lambda document: rank(tables.number_of(document[0])))
            ]

        return by_year(
            records, self._years, read, lambda document: tables.header.text(document[0], "reference"), held_documents
        )

    def require_storable(self, tables: DocumentTables, desired: Record) -> None:
        """Raise RejectedError for what `create` would refuse before a call if the needed records existed."""
        _body(tables, desired, PLANNED)

    def create(self, tables: DocumentTables, desired: Record, references: References) -> str:
        """Create a document with its lines and return its number, or an empty text if the answer lacks it."""
        body = _body(tables, desired, references)
        created_rows = self._client.create(tables.of, body, date_of(desired) or self._client.today())
        return tables.number_of(created_rows[tables.of.table.upper()][0])


def _body(tables: DocumentTables, desired: Record, references: References) -> Body:
    """Return a new document as it is sent. Raises RejectedError for a value that does not fit or is missing."""
    debtor = debtor_number(desired, references)
    cells = tables.header.encoded(writable_values(desired))
    cells |= pointer(tables.header, "debtor", debtor)
    if tables.header.has_field("delivery_debtor") and debtor:
        cells |= pointer(tables.header, "delivery_debtor", debtor)
    if address := desired.values.get("address"):
        number = references.reference(Kind.ADDRESS, str(address))
        cells |= pointer(tables.header, "address", linked_number(number, "address", str(address)))
    tables.header.require_required(cells)
    return Body(cells, {tables.of.detail: _lines(tables, desired)})


def _lines(tables: DocumentTables, desired: Record) -> list[dict[str, Cell]]:
    return [_line(tables.lines, part, desired) for part in desired.parts if part.kind is Kind.LINE]


def _line(layout: Layout, part: Record, document: Record) -> dict[str, Cell]:
    code, limit = str(part.values.get("article") or ""), None
    if "article" in part.values and layout.has_field("article"):
        limit = layout.column("article").length
    if limit and len(code) > limit:  # no article of the books has such a code
        raise RejectedError("article_missing", system=SYSTEM, article=code, document=reference_of(document))
    cells = layout.encoded(part.values)
    layout.require_required(cells)
    return cells


def by_year(
    documents: Sequence[Record],
    years: FiscalYears,
    read_documents: Callable[[Sequence[Record], date | None], Sequence[T]],
    reference: Callable[[T], str],
    held_of: Callable[[Record, Sequence[T]], R],
) -> dict[str, R]:
    """Return the results of `held_of` by key; it combines all rows that have one document's reference.

    A read covers one fiscal year, that of its book date: first the documents' own years, then the current year for
    those not found.
    """
    current: dict[str, R] = {}
    for book_date, records in years.documents_by_book_date(documents):
        waiting = not_found_yet(records, current)
        rows = read_documents(waiting, book_date) if waiting else ()
        by_reference = group_by_key((reference(row).casefold(), row) for row in rows)
        for record in waiting:
            if matches := by_reference.get(reference_of(record).casefold()):
                current[record.key] = held_of(record, matches)
    return current


def by_references(
    reader: RowReader,
    of: BusinessObject,
    condition: tuple[str, Collection[str]],
    since: tuple[QueryFilter, ...],
    *,
    key: str,
    book_date: date | None,
) -> list[DocumentRows]:
    """Return the documents whose column has one of our references, or all since a date if it cannot be filtered on.

    A fiscal year that does not exist has no documents; writing one is refused separately.
    """
    column, references = condition
    try:
        return reader.documents(of, column, references, key=key, book_date=book_date)
    except RejectedError as error:
        if says_no_such_year(error):
            return []
        if not is_about_filter(error, column.rpartition(".")[2]):
            raise
    documents, asked_by = reader.all_documents(of, since, key=key, book_date=book_date), lookup_name(column)
    incomplete_rows = [row for row, _ in documents if asked_by not in row]
    if incomplete_rows:  # a row without the column may belong to any of these references
        raise MissingKeyError.for_row(of, asked_by, incomplete_rows[0])
    return documents


def from_earliest(layout: Layout, name: str, records: Sequence[Record], prefix: str = "") -> tuple[QueryFilter, ...]:
    """Return the condition that selects everything from the earliest date of some documents on."""
    days = [date_of(record) for record in records]
    if None in days or name not in layout.names:
        return ()
    earliest = min(day for day in days if day is not None)
    return (QueryFilter(prefix + layout.names[name], "DateOnOrAfterDate", "T", f"{{^{earliest.isoformat()}}}"),)


def first_of(several: Sequence[CurrentRecord]) -> CurrentRecord:
    """Return the first of several documents with one reference, with the numbers of the others."""
    first, *rest = several
    return replace(first, other_references=tuple(document.reference for document in rest))


def _current_document(
    tables: DocumentTables, desired: Record, number: str, row: Row, lines: Sequence[Row], references: References
) -> CurrentRecord:
    record = read_of(desired.kind, desired.key, row, lambda: _document(tables, desired, row, lines, references))
    return CurrentRecord(record, number, change_stamp(tables.header, row))


def _document(
    tables: DocumentTables, desired: Record, row: Row, lines: Sequence[Row], references: References
) -> Record:
    header = tables.header
    values: dict[str, Value] = header.decoded(row, desired.values)
    values.pop("delivery_debtor", None)
    values["reference"] = matching_reference(desired, header.text(row, "reference"))
    if "debtor" in header.names:
        values |= owner_shown(header, row, desired, references)
    if header.has_field("address"):
        values["address"] = key_or_number(
            Kind.ADDRESS, desired.values.get("address"), header.text(row, "address"), references
        )
    if "trade_invoice" in desired.values:
        values["trade_invoice"] = tables.invoices
    parts = numbered_lines(tables.lines, "number", lines, desired)
    return Record(desired.kind, desired.key, values, parts)


def matching_reference(desired: Record, stored_reference: str) -> str:
    """Return the wanted reference if the found one differs only in case, otherwise the found one."""
    reference = desired.values.get("reference")
    return str(reference) if without_case(str(reference or "")) == stored_reference.casefold() else stored_reference


def numbered_lines(layout: Layout, number: str, rows: Sequence[Row], desired: Record) -> tuple[Record, ...]:
    """Return the lines, numbered in the order of their own numbers, which is the order in which they were entered.

    Raises WrongValueError for a line that is no object.
    """
    line_values = {part.key: part.values for part in desired.parts if part.kind is Kind.LINE}
    parts = []
    for place, row in enumerate(sorted(rows, key=lambda row: line_sort_key(layout.text(row, number))), start=1):
        if not row:
            raise WrongValueError(layout.names.get(number, ""), "")
        values = layout.decoded(row, line_values.get(str(place), {}))
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
    message = error.facts.get("message", "").casefold()
    return column.casefold() in message or "filter" in message


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

    def lookup(self, records: Sequence[Record], references: References) -> dict[str, CurrentRecord]:
        """Return the orders that moved to the history, with the fields that the history has."""
        layout = self._layouts.history()
        return by_year(
            records,
            self._years,
            lambda waiting, book_date: self._rows(layout, waiting, book_date),
            lambda row: layout.text(row, "reference"),
            lambda record, rows: _from_history(layout, record, rows, references),
        )

    def _rows(self, layout: Layout, records: Sequence[Record], book_date: date | None) -> list[Row]:
        of, names = self._settings.objects.history, self._settings.history
        ours = filter(None, map(reference_of, records))
        condition = (f"{names.header}.{names.reference}", layout.stored("reference", ours))
        since = from_earliest(Layout("", {"date": names.invoice_date}, {}), "date", records, f"{names.header}.")
        key = layout.wire("line_number", "article")[0]
        documents = by_references(self._reader, of, condition, since, key=key, book_date=book_date)
        return [row for row, _ in documents]


def _from_history(layout: Layout, desired: Record, rows: Sequence[Row], references: References) -> CurrentRecord:
    """Return an order from the history; rows of several debtors or order numbers are several documents."""

    def document(row: Row) -> tuple[str, str]:
        return layout.text(row, "debtor"), layout.text(row, "order_number")

    several = [list(group) for _, group in groupby(sorted(rows, key=document), key=document)]
    numbers = [_history_number(layout, group, desired, references) for group in several]
    linked_number, debtor = references.reference(desired.kind, desired.key), owner(desired, references)
    debtor_places = [place for place, group in enumerate(several) if document(group[0])[0] == debtor]
    chosen = next((place for place in debtor_places if numbers[place] == linked_number), (*debtor_places, 0)[0])
    row = several[chosen][0]
    of_header = ("order_number", "invoice_date", "delivery_date", "shipping_method", "remark")
    header = replace(layout, names={name: layout.names[name] for name in of_header if name in layout.names})
    of_lines = ("line_number", "article", "quantity", "price", "text")
    detail = replace(layout, names={name: layout.names[name] for name in of_lines if name in layout.names})
    copied_values = owner_shown(layout, row, desired, references)
    copied_values["reference"] = matching_reference(desired, layout.text(row, "reference"))

    def read() -> Record:
        values = header.decoded(row, desired.values) | copied_values
        return Record(
            desired.kind, desired.key, values, numbered_lines(detail, "line_number", several[chosen], desired)
        )

    record = read_of(desired.kind, desired.key, row, read)
    others = tuple(number for place, number in enumerate(numbers) if place != chosen)
    return CurrentRecord(record, numbers[chosen], evidence="history", other_references=others)


def _history_number(layout: Layout, rows: Sequence[Row], desired: Record, references: References) -> str:
    number = layout.text(rows[0], "order_number") or references.reference(desired.kind, desired.key)
    return number or min((text_or_none(row.get("EXT_KEY")) or "" for row in rows), key=rank)
