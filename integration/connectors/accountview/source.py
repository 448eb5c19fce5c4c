"""Sources of the books: one for each kind of record, and paged reading of their rows."""

import hashlib
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Protocol, runtime_checkable
from zoneinfo import ZoneInfo

from integration.connectors.accountview.client import AccountViewClient, Query, QueryFilter
from integration.connectors.accountview.codec import Row, has_unique_columns, is_blank, key_text, literal, stamp
from integration.connectors.accountview.paging import PageState, books_out_of_order, incomplete, part_by_key
from integration.connectors.accountview.raw_rows import RawRow, raw_rows_of
from integration.connectors.accountview.reader import RowReader
from integration.connectors.accountview.rows import unique_by_column, whole_records
from integration.connectors.accountview.settings import AccountViewSettings, BusinessObject
from integration.core.records import DEFAULTED, Batch, FieldPresence, Record

FURTHEST = 2**14  # the furthest page that `estimate_count` tries: sixteen million records


class BooksSource(Protocol):
    """Reads records of one kind; see `Connector` for what each method promises."""

    def extract(self, since: str | None, after: str | None) -> Batch:
        """Return one page of the records that changed since the stamp `since`."""

    def fetch(self, keys: Collection[str]) -> list[Record]:
        """Return the records with these keys, without those that no longer exist."""


@runtime_checkable
class FieldReportingSource(BooksSource, Protocol):
    """A source that also reports which columns its rows had."""

    def fetched(self, keys: Collection[str]) -> Batch:
        """Return the records that `fetch` returns, as one page."""


@dataclass(frozen=True, slots=True)
class Reading:
    """Reading rules for records of one kind: the object, our names of its columns, and the row decoder."""

    of: BusinessObject
    names: Mapping[str, str]
    decode: Callable[[Row], Record]
    code: str = "code"  # our name of the key

    @property
    def key(self) -> str:
        """Return the column of the key."""
        return self.names[self.code]

    @property
    def change_column(self) -> str:
        """Return the column of the change stamp, empty where there is none."""
        return self.names.get("changed", "")

    def unique_rows(self, rows: Sequence[Row]) -> list[Row]:
        """Return the rows with each record once. Rows of one record that differ become one that cannot be read."""
        return unique_by_column(rows, self.key)

    def fields_of(self, rows: Sequence[Row]) -> FieldPresence:
        """Return which columns occur in all, some or none of these rows.

        Also returns which columns are never null and which always are, which columns with a default value are filled,
        and in how many rows each field has a value, by its name in the record.
        """
        rows = [row for row in rows if row]  # a row that is no object has no columns
        if not rows:
            return FieldPresence()
        columns, named_columns = frozenset[str]().union(*rows), frozenset(self.names.values()) - {""}
        filled = [_not_null(row) for row in rows]
        defaulted = {self.names[name] for name in DEFAULTED if self.names.get(name)}
        times = {column: sum(not _is_empty(row.get(column)) for row in rows) for column in columns | defaulted}
        names = {column: name for name, column in self.names.items()}
        return FieldPresence(
            columns.intersection(*rows),
            named_columns - columns,
            columns,
            filled=columns.intersection(*filled),
            null=columns.difference(*filled),
            known_fields=named_columns,
            fields_with_value=frozenset(column for column in defaulted if times[column]),
            fields_often_with_value=frozenset(column for column in defaulted if times[column] > 1),
            counts={names.get(column, column): number for column, number in times.items()},
            is_single_record=len(rows) == 1,
            blanks=any(is_blank(value) for row in rows for value in row.values()),
        )


def _is_empty(value: object) -> bool:
    return value is None or is_blank(value) or (not value and not isinstance(value, bool))


def _not_null(row: Row) -> frozenset[str]:
    return frozenset(column for column, value in row.items() if value is not None)


@dataclass(frozen=True, slots=True)
class _Mark(PageState):
    """Position of an extract, serialized as text for the caller. `stamp` was read before the first page."""

    stamp: str | None = None
    first: str = ""
    begun: str = ""  # short digests of the first key of each page so far
    read_again: str = ""  # the key of the page before that the next page by last key must begin with

    def __str__(self) -> str:
        return json.dumps(asdict(self))

    def was_first_key(self, key: str) -> bool:
        """Return True if an earlier page began with this key: then the server does not advance to the next page."""
        digest = _digest(key)
        return any(
            self.begun[place : place + len(digest)] == digest for place in range(0, len(self.begun), len(digest))
        )


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:10]


def _unique_raw_rows(rows: Sequence[RawRow]) -> list[RawRow]:
    """Return the rows of one answer without repetitions; rows without a key are all returned."""
    return list({(row.key, row.content) if row.key else place: row for place, row in enumerate(rows)}.values())


@dataclass(frozen=True, slots=True)
class _PagePart:
    """Range of rows to read for a page, from `start` to `stop`, after `rows`, which replace others."""

    start: int = 0
    stop: int | None = None
    rows: Sequence[Row] = ()


def _conflicting_rows(reading: Reading, copies: Sequence[Row]) -> Sequence[Row]:
    """Return the copies if they differ, so that their record is parked; no row if they are equal."""
    return () if all(has_unique_columns(row) for row in reading.unique_rows(copies)) else copies


@dataclass(frozen=True, slots=True)
class RowSource:
    """One page of unparsed rows, the mark of the next page, and the newest change stamp."""

    rows: list[RawRow]
    after: str | None
    stamp: str | None


class Pages:
    """Reads pages of records; safe to share between threads. Stamps are AccountView's local time as text."""

    def __init__(
        self, client: AccountViewClient, settings: AccountViewSettings, reader: RowReader, now: Callable[[], datetime]
    ) -> None:
        self._client = client
        self._settings = settings
        self._reader = reader
        self._now = now
        self._first_page_sizes: dict[str, int] = {}  # number of rows in the first page of each object

    def page(self, reading: Reading, since: str | None, after: str | None) -> Batch:
        """Return one page of the records that changed since the stamp `since`, or of all records when it is None.

        Raises MalformedAnswerError when the server does not advance to the next page or skips rows, because records
        would be missing.
        """
        mark = self._mark(reading, since, after)
        rows = self._client.page(self._query(reading, since, mark))
        keys = [key_text(row.get(reading.key)) for row in rows]
        part = self._part(reading, mark, keys)
        unique = reading.unique_rows([*part.rows, *rows[part.start : part.stop]])
        records = tuple(whole_records(unique, reading.decode))
        return Batch(records, self._next_mark(reading, mark, keys, part), mark.stamp, reading.fields_of(unique))

    def extract_unparsed(self, reading: Reading, since: str | None, after: str | None) -> RowSource:
        """Return the page as raw rows, of which only the key is parsed."""
        mark = self._mark(reading, since, after)
        rows = self._client.raw_page(self._query(reading, since, mark), reading.key)
        keys = [row.key for row in rows]
        part = self._part(reading, mark, keys)
        unique = _unique_raw_rows([*raw_rows_of(part.rows, reading.key), *rows[part.start : part.stop]])
        return RowSource(unique, self._next_mark(reading, mark, keys, part), mark.stamp)

    def _mark(self, reading: Reading, since: str | None, after: str | None) -> _Mark:
        return _Mark(**json.loads(after)) if after else _Mark(stamp=self._newest_stamp(reading) or since)

    def _part(self, reading: Reading, mark: _Mark, keys: Sequence[str]) -> _PagePart:
        if self._settings.page_strategy == "last_key":
            return self._part_by_key(reading, mark, keys)
        return self._part_by_number(reading, mark, keys)

    def _part_by_number(self, reading: Reading, mark: _Mark, keys: Sequence[str]) -> _PagePart:
        """Return the part without the rows at its start that have the key of the last row before the page.

        Equal copies are the record that was read before. Copies that differ are a record that cannot be read, in place
        of the one that was read before. Raises MalformedAnswerError if no copy exists: then the list has moved between
        two pages, and a row may be missing.
        """
        count = next((place for place, key in enumerate(keys) if key != mark.last), len(keys)) if mark.last else 0
        if not count or keys[0] == mark.first or mark.was_first_key(keys[0]):
            return _PagePart()
        same_key_rows = self._reader.exact_rows(reading.of, reading.key, [mark.last], then=(), fields=())
        copies = [row for row in same_key_rows if key_text(row.get(reading.key)) == mark.last]
        if len(copies) <= count:
            raise books_out_of_order(reading.of, mark.last)
        return _PagePart(count, rows=_conflicting_rows(reading, copies))

    def _part_by_key(self, reading: Reading, mark: _Mark, keys: Sequence[str]) -> _PagePart:
        """Return the part that holds all rows of each of its keys.

        If a full page has a single key, all rows with this key are looked up.
        """
        start, stop = part_by_key(reading.of, keys, mark.last, mark.size, mark.read_again)
        if stop != start:
            return _PagePart(start, stop)
        key = next(filter(None, keys[start:]))
        copies = self._reader.exact_rows(reading.of, reading.key, [key], then=(), fields=())
        if 1 < len(copies) >= (mark.size or self._settings.page_size):  # the answer may have left some out as well
            raise incomplete(reading.of, mark.row_count)
        if not _conflicting_rows(reading, copies) and {key_text(row.get(reading.key)) for row in copies} <= {*keys}:
            return _PagePart(start)
        return _PagePart(start, keys.index(key, start), copies)

    def _next_mark(self, reading: Reading, mark: _Mark, keys: Sequence[str], part: _PagePart) -> str | None:
        """Return the mark of the page after one with these keys; None after an empty page, which is the last."""
        by_key = self._settings.page_strategy == "last_key"
        if mark.page == 1:
            self._first_page_sizes[reading.of.code] = len(keys)
        new_keys = keys[part.start if by_key else 0 :]
        if not new_keys:
            return None
        first = next(filter(None, new_keys), "")  # rows without a key come anywhere
        if mark.row_count and first and (first == mark.first or mark.was_first_key(first)):
            raise incomplete(reading.of, mark.row_count)
        if not first and by_key:  # the next page would be this one
            raise incomplete(reading.of, mark.row_count)
        if mark.last and any(key == mark.last and before != mark.last for before, key in pairwise(new_keys)):
            raise books_out_of_order(reading.of, mark.last)  # a row before it may be missing
        following = replace(
            mark.after_page(reading.of, self._settings.page_size, keys),
            first=first,
            begun=mark.begun + _digest(first),
            read_again="",
        )
        if part.stop is not None and not part.rows:
            last = next(filter(None, reversed(keys[: part.stop])))
            following = replace(following, last=last, read_again=keys[part.stop])
        return str(following)

    def estimate_count(self, reading: Reading) -> int:
        """Return the approximate number of records, to the size of a page, found by reading single rows far ahead.

        Returns 0 for pages by last key, which can only be read in sequence, and if the first page was not full, which
        then probably held all records.
        """
        size = self._settings.page_size
        if self._settings.page_strategy == "last_key" or self._first_page_sizes.get(reading.of.code, size) < size:
            return 0
        existing, beyond = 1, 2
        while beyond <= FURTHEST and self._has_full_page(reading, beyond):
            existing, beyond = beyond, 2 * beyond
        while beyond - existing > 1:
            middle = (existing + beyond) // 2
            existing, beyond = (middle, beyond) if self._has_full_page(reading, middle) else (existing, middle)
        return existing * self._settings.page_size

    def _has_full_page(self, reading: Reading, page: int) -> bool:
        """Return True if a page is full, by reading its last row."""
        row = Query(of=reading.of, sort=(reading.key,), size=1, fields=(reading.key,), key=reading.key)
        return bool(self._client.page(replace(row, number=page * self._settings.page_size)))

    def with_keys(self, reading: Reading, keys: Collection[str]) -> Batch:
        """Return the records with these keys; a key that does not occur exactly matches regardless of case."""
        rows = reading.unique_rows(self._reader.exact_rows(reading.of, reading.key, keys, then=(), fields=()))
        records_read = list(whole_records(rows, reading.decode))
        exact, alike = (
            {record.key: record for record in records_read},
            {record.key.casefold(): record for record in reversed(records_read)},
        )
        records_by_key = {key: exact.get(key) or alike.get(key.casefold()) for key in sorted(set(keys))}
        records = tuple(record for record in records_by_key.values() if record is not None)
        return Batch(records, None, fields=reading.fields_of(rows))

    def most_with_field(self, reading: Reading, name: str, count: int) -> list[Record]:
        """Return the records with the highest values of a field or column, highest first."""
        column = reading.names.get(name) or name
        query = Query(of=reading.of, sort=(column,), size=count, descending=True, key=reading.key)
        return list(whole_records(reading.unique_rows(self._client.page(query)), reading.decode))

    def _query(self, reading: Reading, since: str | None, mark: _Mark) -> Query:
        filters: tuple[QueryFilter, ...] = ()
        if since and reading.change_column:
            start = datetime.fromisoformat(since) - timedelta(seconds=self._settings.overlap_seconds)
            filters = (QueryFilter(reading.change_column, "DateOnOrAfterDate", "T", literal(start)),)
        number, size = mark.asking(self._settings.page_size)
        query = Query(of=reading.of, sort=(reading.key,), size=size, filters=filters)
        if self._settings.page_strategy == "last_key":
            return replace(query, size=mark.size or size, last_key=mark.last or None)
        return replace(query, number=number)

    def _newest_stamp(self, reading: Reading) -> str | None:
        """Return the highest stamp before the first page is read, so that the next extract includes changes made since.

        The stamp is limited to now: one from the future, of a workstation with a wrong clock, would hide all changes
        until then.
        """
        if not reading.change_column:
            return None
        columns = (reading.key, reading.change_column)
        rows = self._client.page(
            Query(
                of=reading.of, sort=(reading.change_column,), size=1, fields=columns, descending=True, key=reading.key
            )
        )
        newest = stamp(rows[0].get(reading.change_column)) if rows else None
        now = self._now().astimezone(ZoneInfo(self._settings.time_zone))
        return min(newest, f"{now:%Y-%m-%dT%H:%M:%S}") if newest else None
