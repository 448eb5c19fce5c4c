"""The latest documents in each place of the books that may hold documents of ours."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date

from integration.connectors.accountview.client import AccountViewClient, Query, QueryFilter
from integration.connectors.accountview.codec import Row
from integration.connectors.accountview.documents import DocumentTables, is_about_filter, says_no_such_year
from integration.connectors.accountview.layout import Layout, Layouts
from integration.connectors.accountview.places import invoice_tables
from integration.connectors.accountview.settings import AccountViewSettings, BusinessObject
from integration.connectors.accountview.years import FiscalYears
from integration.connectors.protocol import Document
from integration.core.errors import RejectedError
from integration.core.records import Kind

NEWEST = 100  # rows that are read of each place


@dataclass(frozen=True, slots=True)
class _Place:
    """One object that holds documents, with its sort column, its layout, and a function that returns a row's number.

    `condition` limits it to the pages of one daybook.
    """

    of: BusinessObject
    layout: Layout
    sorted_by: str
    number_of: Callable[[Row], str]
    condition: QueryFilter | None = None


class NewestDocuments:
    """Reads the latest documents of one installation: one call per place, for this fiscal year and the one before.

    Pages are numbered within their daybook, so each daybook in use is a place of its own: pages of another daybook may
    have higher numbers.
    """

    def __init__(
        self, client: AccountViewClient, settings: AccountViewSettings, layouts: Layouts, years: FiscalYears
    ) -> None:
        self._client = client
        self._objects = settings.objects
        self._layouts = layouts
        self._years = years

    def newest_of_kind(self, kind: Kind, daybook: str) -> list[list[Document]]:
        """Return the latest documents of a kind, newest first, one list per place; see `Configurable`."""
        places = [
            place for place in self._places(kind, daybook) if place.sorted_by and place.layout.has_field("reference")
        ]
        return [self._read_documents(place, day) for place in places for day in (None, self._years.last_day_before())]

    def _places(self, kind: Kind, daybook: str) -> Iterator[_Place]:
        objects, (header, lines) = self._objects, self._layouts.layout_of_kind(kind)
        match kind:
            case Kind.SALES_ORDER:
                yield _place_of(DocumentTables(objects.orders, header, lines, "order_number"))
                if objects.trade_invoices.code:
                    invoices = _place_of(invoice_tables(self._layouts, objects))
                    yield replace(invoices, number_of=lambda _: "")  # it may get its number later
                if objects.history.code:
                    history = self._layouts.history()
                    sorted_by = (*history.wire("line_number", "article"), "")[0]
                    yield _Place(objects.history, history, sorted_by, lambda row: history.text(row, "order_number"))
            case Kind.QUOTATION:
                yield _place_of(DocumentTables(objects.quotations, header, lines, "quotation_number"))
            case Kind.POSTING | Kind.DAY_PAGE:
                for of in (objects.postings, *objects.posting_history):
                    pages = _place_of(DocumentTables(of, header, lines, "page"))
                    yield pages
                    if daybook and header.has_field("daybook"):
                        column = header.column("daybook").name
                        yield replace(pages, condition=QueryFilter(column, "Equal", "C", daybook))
            case _:
                return

    def _read_documents(self, place: _Place, book_date: date | None) -> list[Document]:
        key, filters = place.sorted_by, (place.condition,) if place.condition else ()
        query = Query(
            of=place.of, sort=(key,), size=NEWEST, filters=filters, descending=True, key=key, book_date=book_date
        )
        try:
            rows = self._client.page(query)
        except RejectedError as error:
            is_refused = place.condition is not None and is_about_filter(error, place.condition.column)
            if not is_refused and not says_no_such_year(error):
                raise
            return []
        documents = (Document(place.layout.text(row, "reference"), place.number_of(row)) for row in rows)
        return list(dict.fromkeys(documents))  # a row of the history is a line, so a document may occur several times


def _place_of(tables: DocumentTables) -> _Place:
    sorted_by = (*tables.header.wire(tables.number, "reference"), "")[0]
    return _Place(tables.of, tables.header, sorted_by, tables.number_of)
