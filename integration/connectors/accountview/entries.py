"""Journal entries of a date: ledger rows, and the lines of daybook pages that are not posted yet.

A ledger row has neither our reference of its page nor who last changed it: both are read from the page, and left out if
the page is not found. Unposted entries are the lines of their page with the signs of the ledger: debit is positive. VAT
is on the line, or in its amount where the page is gross; the rows that posting adds, for VAT and for the account of the
daybook, do not exist yet.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import partial

from integration.connectors.accountview.client import QueryFilter
from integration.connectors.accountview.codec import DocumentRows, Row, key_text, require_unique_columns, stamp
from integration.connectors.accountview.documents import is_about_filter, line_sort_key, says_no_such_year
from integration.connectors.accountview.layout import Layout
from integration.connectors.accountview.ledger_source import LedgerSource
from integration.connectors.accountview.rows import (
    ledger_row_key,
    read_of,
    require_values,
    unique_documents,
    unique_rows,
)
from integration.connectors.accountview.settings import BusinessObject
from integration.connectors.last_activity import newest_days
from integration.core.errors import RejectedError
from integration.core.records import Kind, Record, Value, WrongValueError

WIDEST_GAP = timedelta(days=7)  # between days that are read by one query
CREDIT_POSITIVE_DAYBOOKS = frozenset(
    {"cash", "bank", "sales"}
)  # daybooks whose lines are positive where the ledger has a credit
_SUMS = ("amount", "vat", "vat_base")
_OF_LINES = ("account", "text", "amount", "vat_code", "vat", "vat_base", "debtor", "item")

_Place = tuple[str, str]  # daybook and number of a page
_PageValues = Mapping[_Place, Mapping[str, Value] | WrongValueError]  # the error of a page that contradicts itself


@dataclass(frozen=True, slots=True)
class _Span:
    """A range of days, first to last, in one fiscal year."""

    first: date
    last: date

    def filters(self, column: str) -> tuple[QueryFilter, QueryFilter]:
        """Return the conditions that select the rows of these days."""
        since = QueryFilter(column, "DateOnOrAfterDate", "T", f"{{^{self.first.isoformat()}}}")
        return since, QueryFilter(column, "DateOnOrBeforeDate", "T", f"{{^{self.last.isoformat()}}}")


class Entries(LedgerSource):
    """The journal entries of one installation, by booking date; safe to share between threads."""

    kind = Kind.ENTRY

    def fetch(self, keys: Collection[str]) -> list[Record]:
        """Return the entries of some days, such as `2026-10-17`; days close together are one query.

        Raises RejectedError where the settings name no object for the ledger.
        """
        days = sorted(date.fromisoformat(key) for key in set(keys))
        if days:
            self._require_ledger()
        records: list[Record] = []
        for book_date, year_days in self._years.of_days(days):
            for span in _spans(year_days):
                records += self._read_span(span, book_date, frozenset(year_days))
        return records

    def last_booking_days(self, debtors: Collection[str], since: date) -> dict[str, date | None]:
        """Return the latest booking date, from `since` on, of each of these debtors.

        The date is None where a row without a readable date or debtor may be newer. Empty where the settings name no
        object for the ledger.
        """
        if not self._settings.objects.transactions.code:
            return {}
        layout = self._layouts.layout_of_kind(Kind.ENTRY)[0]
        column = layout.column("date").name
        last_days: dict[str, date | None] = {}
        for debtor in debtors:
            debtor_days: list[tuple[str | None, date | None]] = []
            debtor_filter = QueryFilter(layout.column("debtor").name, "Equal", "C", debtor)
            for book_date, year_days in self._years.of_days([since, self._today()]):
                conditions = (debtor_filter, *_Span(min(year_days), self._today()).filters(column)[:1])
                of, key = self._settings.objects.transactions, layout.wire("number")[0]
                try:
                    rows = self._reader.all_documents(of, conditions, key=key, book_date=book_date)
                except RejectedError as error:
                    if not says_no_such_year(error):
                        raise
                    continue
                debtor_days += [(layout.text(row, "debtor") or None, layout.day(row, "date")) for row, _ in rows]
            last_days |= newest_days([debtor], debtor_days)
        return last_days

    def _read_span(self, span: _Span, book_date: date, days: Collection[date]) -> Iterator[Record]:
        ledger = _Ledger(self._layouts.layout_of_kind(Kind.ENTRY)[0])
        header, lines = self._layouts.layout_of_kind(Kind.DAY_PAGE)
        objects = self._settings.objects
        all_rows = [
            row for row, _ in self._read_rows(objects.transactions, ledger.layout, ("number",), span, book_date)
        ]
        rows = unique_rows(all_rows, partial(ledger_row_key, ledger.layout))
        pages: dict[_Place, DocumentRows] = {}
        for of in (objects.postings, *objects.posting_history):
            read_pages = self._read_rows(of, header, ("page", "reference"), span, book_date)
            for page in unique_documents(read_pages, partial(_page_key, header)):
                pages.setdefault(_place(header, page[0]), page)
        page_values = {place: _page_values(header, row) for place, (row, _) in pages.items()}
        for row in rows:
            if _may_be_of_days(days, ledger.layout, row):
                yield ledger.entry(row, page_values)
        posted = {_place(ledger.layout, row) for row in rows}
        waiting = {place: page for place, page in pages.items() if place not in posted}
        types = self._types() if waiting else {}
        for place, page in waiting.items():
            if _may_be_of_days(days, header, page[0]):
                turned = types.get(place[0], "").partition(" ")[0] in CREDIT_POSITIVE_DAYBOOKS
                yield from _unposted_entries((header, lines), page, page_values, turned=turned)

    def _read_rows(
        self, of: BusinessObject, layout: Layout, sorted_by: Sequence[str], span: _Span, book_date: date
    ) -> list[DocumentRows]:
        """Return the rows of an object whose date is in a span; none for a fiscal year that does not exist.

        The condition for the last day is not documented: where it is refused, later rows are returned as well.
        """
        column, key = layout.column("date").name, layout.wire(*sorted_by)[0]
        conditions = span.filters(column)
        try:
            return self._reader.all_documents(of, conditions, key=key, book_date=book_date)
        except RejectedError as error:
            if says_no_such_year(error):
                return []
            if not is_about_filter(error, column) and conditions[1].operator.casefold() not in _message_of(error):
                raise
        return self._reader.all_documents(of, conditions[:1], key=key, book_date=book_date)


def _may_be_of_days(days: Collection[date], layout: Layout, row: Row) -> bool:
    """Return True if a row is of one of these days, or its date is unreadable: it is then shown as unreadable."""
    day = layout.day(row, "date")
    return day is None or day in days


def _message_of(error: RejectedError) -> str:
    return error.facts.get("message", "").casefold()


def _spans(days: Sequence[date]) -> Iterator[_Span]:
    """Yield spans that cover all of the sorted days and contain no gap wider than WIDEST_GAP."""
    first = 0
    for place in range(1, len(days) + 1):
        if place == len(days) or days[place] - days[place - 1] > WIDEST_GAP:
            yield _Span(days[first], days[place - 1])
            first = place


@dataclass(frozen=True, slots=True)
class _Ledger:
    """Converts ledger rows into entries."""

    layout: Layout

    def entry(self, row: Row, page_values: _PageValues) -> Record:
        layout = self.layout
        number = layout.key(row, "number") or key_text(row.get("EXT_KEY"))
        key = f"{layout.day(row, 'date')}/{number}"

        def read() -> Record:
            require_unique_columns(row)
            require_values(layout, row, "date", "amount", "account")
            values = layout.decoded(row, {}) | {**_shared_values(page_values, _place(layout, row)), "posted": True}
            values.pop("number", None)
            return Record(Kind.ENTRY, key, values)

        return read_of(Kind.ENTRY, key, row, read)


def _place(layout: Layout, row: Row) -> _Place:
    daybook, page = (", ".join(sorted(layout.texts(row, name))) for name in ("daybook", "page"))
    return daybook, page


def _page_key(layout: Layout, row: Row) -> str:
    daybook, page = _place(layout, row)
    return f"{daybook}/{page}" if page else ""


def _shared_values(page_values: _PageValues, place: _Place) -> Mapping[str, Value]:
    """Return the values of a page, none for an unknown page. Raises WrongValueError if the page contradicts itself."""
    values = page_values.get(place, {})
    if isinstance(values, WrongValueError):
        raise values
    return values


def _page_values(header: Layout, row: Row) -> Mapping[str, Value] | WrongValueError:
    """Return the values of a page that all of its entries share. Its change stamp is text without a time zone."""
    try:
        require_unique_columns(row)
    except WrongValueError as error:
        return error
    values: dict[str, Value] = {
        name: header.text(row, name) for name in ("reference", "changed_by") if header.has_field(name)
    }
    if header.has_field("changed"):
        values["changed"] = stamp(row.get(header.column("changed").name))
    return values


def _unposted_entries(
    layouts: tuple[Layout, Layout], page: DocumentRows, page_values: _PageValues, *, turned: bool
) -> Iterator[Record]:
    """Yield the lines of a page as entries, with the signs of the ledger; one unreadable entry for no page at all."""
    (header, lines), (row, rows) = layouts, page
    place = _place(header, row)
    prefix = f"{header.day(row, 'date')}/{'/'.join(place)}"
    rows = rows if row else [row]

    def read(line: Row) -> Record:
        require_values(header, row, "date")
        require_values(lines, line, "amount", "account")
        shared_values, above = _shared_values(page_values, place), header.decoded(row, {})
        values = {name: above.get(name) for name in ("date", "daybook", "page", "period")} | dict(shared_values)
        for name, value in lines.decoded(line, {}).items():
            if name in _OF_LINES:
                turns = turned and name in _SUMS
                values[name] = -value if turns and isinstance(value, Decimal) else value
        return Record(Kind.ENTRY, f"{prefix}/{lines.text(line, 'number')}", values | {"posted": False})

    for line in sorted(rows, key=lambda line_row: line_sort_key(lines.text(line_row, "number"))):
        yield read_of(Kind.ENTRY, f"{prefix}/{lines.text(line, 'number')}", line, partial(read, line))
