"""Finds the rows that have one of many values. Each call has as many conditions as the server accepts."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date
from urllib.parse import urlencode

from integration.connectors.accountview.answers import lookup_name
from integration.connectors.accountview.client import AccountViewClient, Query, QueryFilter
from integration.connectors.accountview.codec import (
    DocumentRows,
    Row,
    has_hidden_signs,
    key_text,
    text_or_none,
    without_hidden_signs,
)
from integration.connectors.accountview.missing_key import MissingKeyError
from integration.connectors.accountview.paging import PageSequence, incomplete, part_by_key, require_sorted
from integration.connectors.accountview.settings import AccountViewSettings, BusinessObject
from integration.connectors.parallel import run_parallel
from integration.core.errors import IntegrationError, RejectedError

LONGEST_URL = 4000  # characters; servers and proxies commonly accept addresses of this length
Asking = Callable[[Query], list[DocumentRows]]


class RowReader:
    """Reads rows by the values of a column; safe to share between threads.

    `Equal` may compare prefixes only and may be case-sensitive, so callers compare the rows again. `probe` is a
    readable object that surely has rows, with its key; it shows how many conditions a call may carry. The default is
    the debtors.
    """

    def __init__(
        self, client: AccountViewClient, settings: AccountViewSettings, probe: tuple[BusinessObject, str] | None = None
    ) -> None:
        self._client = client
        self._settings = settings
        self._probe = probe or (settings.objects.debtors, settings.debtor.number)
        self._tested_limit = 0  # how many conditions of one call are known to have an effect; 0 before that was tested

    def rows(
        self, of: BusinessObject, column: str, values: Iterable[str], *, key: str, fields: tuple[str, ...] = ()
    ) -> list[Row]:
        """Return the rows whose column has one of the values. `key` sorts the pages.

        Rows whose value only begins with a wanted value may be included, and rows may occur more than once.
        """
        query = Query(of=of, sort=(key,), size=self._settings.page_size, fields=fields)
        return [
            row
            for _, portion_rows in self._rows_by_query(query, column, values, self._plain_rows)
            for row, _ in portion_rows
        ]

    def exact_rows(
        self, of: BusinessObject, column: str, values: Iterable[str], *, then: tuple[str, ...], fields: tuple[str, ...]
    ) -> list[Row]:
        """Return the rows whose column equals one of the values, ignoring case, sorted by the column and `then`."""
        query = Query(of=of, sort=(column, *then), size=self._settings.page_size, fields=fields)
        return [
            row
            for portion_query, portion_rows in self._rows_by_query(query, column, values, self._plain_rows, exact=True)
            for row, _ in portion_rows
            if (text_or_none(row.get(column.upper())) or "").casefold()
            in {condition.value.casefold() for condition in portion_query.filters}
        ]

    def documents(
        self, of: BusinessObject, column: str, values: Iterable[str], *, key: str, book_date: date | None = None
    ) -> list[DocumentRows]:
        """Return the header rows whose column has one of the values, each with its lines."""
        query = Query(of=of, sort=(key,), size=self._settings.page_size, book_date=book_date)
        answers = self._rows_by_query(query, column, values, self._client.documents, exact=True)
        return [document for _, portion_rows in answers for document in portion_rows]

    def all_documents(
        self, of: BusinessObject, filters: tuple[QueryFilter, ...], *, key: str, book_date: date | None = None
    ) -> list[DocumentRows]:
        """Return every header row that meets the conditions, each with its lines."""
        query = Query(of=of, sort=(key,), size=self._settings.page_size, filters=filters, book_date=book_date)
        return self._read_all_pages(query, self._client.documents)

    def _plain_rows(self, query: Query) -> list[DocumentRows]:
        return [(row, []) for row in self._client.page(query)]

    def _rows_by_query(
        self, query: Query, column: str, values: Iterable[str], ask: Asking, *, exact: bool = False
    ) -> list[tuple[Query, list[DocumentRows]]]:
        """Return the query of each portion of the values, with the rows found.

        Raises MissingKeyError for a row without a value in the column, or with several values; with `exact`, also for
        a row whose value differs from a wanted one only in invisible characters.
        """
        conditions = [
            QueryFilter(column, "Equal", "C", value) for value in sorted({value for value in values if value})
        ]
        limit = self._condition_limit() if len(conditions) > 1 else 1
        room = LONGEST_URL - len(self._settings.url) - len(urlencode(query.parameters(self._client.today())))
        queries = [
            replace(query, filters=portion, match_any=len(portion) > 1)
            for portion in _portions(conditions, limit, room)
        ]
        rows_by_query: list[tuple[Query, list[DocumentRows]]] = []
        answers = run_parallel(
            lambda portion_query: self._read_all_pages(portion_query, ask, few=True), queries, self._settings.in_flight
        )
        for portion_query, answer in zip(queries, answers, strict=True):
            if isinstance(answer, IntegrationError):
                raise answer
            column_values = [(row, row.get(lookup_name(column))) for row, _ in answer]
            unnamed = [row for row, value in column_values if not key_text(value)]
            if exact:
                wanted_values = {condition.value.casefold() for condition in portion_query.filters}
                unnamed += [row for row, value in column_values if _is_hidden_in(value, wanted_values)]
            if unnamed:
                raise MissingKeyError.for_row(query.of, lookup_name(column), unnamed[0])
            rows_by_query.append((portion_query, answer))
        return rows_by_query

    def _read_all_pages(self, query: Query, ask: Asking, *, few: bool = False) -> list[DocumentRows]:
        """Return the rows of all pages; with `few`, a first page below a known page size ends the list."""
        rows = page = ask(query)
        enough = self._client.given if few else 0
        if self._settings.page_strategy == "last_key":
            return page if len(page) < min(enough, query.size) else _read_pages_by_key(query, page, ask)
        pages_seen = PageSequence(query.of, query.size, query.sort[0], enough=enough)
        row_query = replace(query, size=1)

        def row_at(place: int) -> list[Row]:
            return [row for row, _ in ask(replace(row_query, number=place))]

        while not pages_seen.is_last([row for row, _ in page], row_at):
            number, size = pages_seen.asking()
            query = replace(query, number=number, size=size)
            page = ask(query)
            rows = rows + page
        return rows

    def _condition_limit(self) -> int:
        """Return how many conditions one call may have; an ignored condition would hide existing records.

        Only one public client combines conditions by "or", and none uses many. So the last condition of a full call
        must once find an existing row before such calls are trusted.
        """
        if self._tested_limit:
            return self._tested_limit
        limit, (of, key) = self._settings.conditions, self._probe
        rows = self._client.page(Query(of=of, sort=(key,), size=1, fields=(key,)))
        if not rows:
            return limit  # the object is empty, so no row can be missed; tested again next time
        existing_key = text_or_none(rows[0].get(key.upper())) or ""
        nobody = tuple(QueryFilter(key, "Equal", "C", f"~{place}") for place in range(1, limit))
        filters = (*nobody, QueryFilter(key, "Equal", "C", existing_key))
        query = Query(of=of, sort=(key,), size=1, fields=(key,), filters=filters, match_any=True)
        try:
            matches = self._client.page(query)
        except RejectedError:
            matches = []
        self._tested_limit = limit if [text_or_none(row.get(key.upper())) for row in matches] == [existing_key] else 1
        return self._tested_limit


def _read_pages_by_key(query: Query, page: list[DocumentRows], ask: Asking) -> list[DocumentRows]:
    """Return the rows of a first page and of all pages behind it, each requested by the last key before it.

    Raises MalformedAnswerError if rows may be missing: pages come again or are out of order, rows follow a page that
    was not full, or one key fills a page.
    """
    column, size = lookup_name(query.sort[0]), len(page)
    rows: list[DocumentRows] = []
    last, read_again, is_short, first_keys = "", "", False, set[str]()
    while True:
        keys = [key_text(row.get(column)) for row, _ in page]
        start, stop = part_by_key(query.of, keys, last, size, read_again)
        if start == len(keys):
            return rows
        if is_short or keys[start] in first_keys or (stop == start and len(keys) >= query.size > 1):
            raise incomplete(query.of, len(rows))
        require_sorted(query.of, [last, *keys])
        first_keys.add(keys[start])
        end = len(keys) if stop in {start, None} else stop
        rows += page[start:end]
        last, is_short = next(filter(None, reversed(keys[:end])), ""), len(keys) < size
        if not last:
            raise incomplete(query.of, len(rows))
        read_again = "" if end == len(keys) else keys[end]
        page = ask(replace(query, size=size, last_key=last))


def _is_hidden_in(value: object, wanted_values: set[str]) -> bool:
    """Return True if a value equals a wanted one without its invisible characters."""
    return (
        isinstance(value, str) and has_hidden_signs(value) and without_hidden_signs(value).casefold() in wanted_values
    )


def _portions(conditions: Sequence[QueryFilter], limit: int, room: int) -> Iterator[tuple[QueryFilter, ...]]:
    """Yield the conditions in portions that each fit into one address."""
    portion: list[QueryFilter] = []
    total_length = 0
    for condition in conditions:
        length = len(urlencode(condition.parameters(limit))) + 1
        if portion and (len(portion) == limit or total_length + length > room):
            yield tuple(portion)
            portion, total_length = [], 0
        portion.append(condition)
        total_length += length
    if portion:
        yield tuple(portion)
