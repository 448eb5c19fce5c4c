"""Converts rows of articles and groups into records, and handles rows that cannot be read."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from functools import partial
from itertools import zip_longest
from types import MappingProxyType
from typing import cast

from integration.connectors.accountview.codec import (
    LONGEST_SHOWN,
    NUMBERS,
    PRICE_PLACES,
    TOO_LARGE,
    DocumentRows,
    RepeatedColumn,
    Row,
    by_type,
    calendar_day,
    decode_flag,
    has_hidden_signs,
    is_date,
    key_text,
    number_or_none,
    require_text,
    require_unique_columns,
    stamp,
    text_or_none,
    typed_value,
)
from integration.connectors.accountview.layout import Layout
from integration.connectors.protocol import DictionaryColumn
from integration.core.grouping import group_by_key
from integration.core.records import Kind, Record, Unreadable, Value, WrongValueError, unreadable
from integration.core.rules import as_text

STOCK = frozenset({"stock", "stock_technical", "stock_free", "stock_reserved", "stock_ordered"})
_NUMBERS = frozenset({"price"}) | STOCK
_FLAGS = frozenset({"blocked"})
_DATES = frozenset({"changed", "stock_expected"})


def row_decoder(
    kind: Kind,
    names: Mapping[str, str],
    columns: Callable[[], Mapping[str, DictionaryColumn]] = lambda: MappingProxyType({}),
) -> Callable[[Row], Record]:
    """Return a decoder from rows to records, prepared once for many rows; a row without a code becomes unreadable.

    Columns with a name of ours have that name, all others their own, so that a mapping can use them all. `columns`
    returns the data dictionary; it is called only for a row with a number in a column that may be a text.
    """
    readers = [(name, column, _reader(name)) for name, column in names.items()]
    stock_columns = {column for name, column in names.items() if name in STOCK}  # a missing quantity is not None
    named_columns = frozenset(names.values())
    text_columns = tuple(column for name, column, reader in readers if reader is text_or_none)

    def require_texts(row: Row, texts: Iterable[str]) -> None:
        for name in texts:
            if isinstance(row.get(name), int | Decimal) and (column := columns().get(name)):
                require_text(column, row[name])

    def decode(row: Row) -> Record:
        key = ""
        try:
            require_texts(row, (names["code"],))
            key = record_key_in(row, names["code"])
            require_texts(row, text_columns)
            require_unique_columns(row)
            values = {
                name: checked_value(name, column, row, reader(row.get(column)))
                for name, column, reader in readers
                if column in row or column not in stock_columns
            }
            require_texts(row, [column for column in row if column not in named_columns])
            values |= {
                column: plain_value(column, value) for column, value in row.items() if column not in named_columns
            }
        except WrongValueError as error:
            return replace(unreadable(kind, key, error, raw_row(row)), readable_values=readable_values(row))
        return Record(kind, key, values)

    def readable_values(row: Row) -> dict[str, Value]:
        """Return the values that can be read; of a column that the row has more than once, all of them."""
        others: list[tuple[str, str, Callable[[object], Value]]] = [
            (column, column, partial(plain_value, column)) for column in row if column not in named_columns
        ]
        values: dict[str, Value] = {}
        for name, column, reader in (*readers, *others):
            readings, cell = list[Value](), row.get(column)
            for raw_value in cell if isinstance(cell, RepeatedColumn) else (cell,):
                with suppress(WrongValueError):
                    readings.append(checked_value(name, column, {column: raw_value}, reader(raw_value)))
            if readings:
                values[name] = readings[0] if len(readings) == 1 else tuple(map(as_text, readings))
        return values

    return decode


def checked_value(name: str, column: str, row: Row, value: Value) -> Value:
    """Return the parsed value of a column; an empty date of the database is a date long ago.

    Raises WrongValueError if the column is not empty and its value is not a valid number, date or flag.
    """
    raw_value = row.get(column)
    if isinstance(raw_value, list | dict) or (isinstance(raw_value, bool) and name not in _FLAGS):
        raise WrongValueError(column, str(raw_value)[:LONGEST_SHOWN])
    if name in _NUMBERS and (text_or_none(raw_value) if value is None else abs(cast("Decimal", value)) >= TOO_LARGE):
        raise WrongValueError(column, text_or_none(raw_value))
    if name in _FLAGS and (value is None or (raw_value is None and column in row)):
        raise WrongValueError(column, "" if raw_value is None else str(raw_value)[:LONGEST_SHOWN])
    # A change stamp in an unknown form counts as absent; the record is then read every time.
    if name in _DATES and value is None and (stamp(raw_value) if name == "changed" else is_date(raw_value)):
        raise WrongValueError(column, text_or_none(raw_value))
    return value


def whole_records(rows: Sequence[Row], decode: Callable[[Row], Record], beside: Sequence[Row] = ()) -> Iterator[Record]:
    """Yield the records of rows; a row that lacks a column which other rows of the list have is unreadable.

    `beside` are rows of the same list that are not decoded. A list has the same columns in each of its rows, and empty
    values are present as empty; a column missing in one row only may have any value. Raises MalformedAnswerError for a
    column that each of several rows has more than once.
    """
    _require_some_unique((*rows, *beside))
    columns = frozenset(column for row in (*rows, *beside) for column in row)
    for row in rows:
        record = decode(row)
        lacking = columns - row.keys()
        if lacking and not isinstance(record, Unreadable):
            error = WrongValueError(min(lacking), "")
            yield replace(unreadable(record.kind, record.key, error, raw_row(row)), readable_values=record.values)
        else:
            yield record


def unique_by_column(rows: Sequence[Row], column: str) -> list[Row]:
    """Return the rows of one answer with each value of a column once; see `unique_rows`."""
    return unique_rows(rows, lambda row: key_text(row.get(column)))


def unique_rows(rows: Sequence[Row], key: Callable[[Row], str]) -> list[Row]:
    """Return the rows of one answer with each key once; rows without a key are all returned.

    Rows with the same key that are equal are one row. If they differ, each column that differs holds all its values as
    a RepeatedColumn, so that the record is parked.
    """
    keys = [key(row) for row in rows]
    if len(set(keys)) == len(keys):
        return list(rows)
    rows_by_key = group_by_key(
        (row_key or f"?{place}", row) for place, (row_key, row) in enumerate(zip(keys, rows, strict=True))
    )
    return [_merged_row(copies) for copies in rows_by_key.values()]


def unique_documents(documents: Sequence[DocumentRows], key: Callable[[Row], str]) -> list[DocumentRows]:
    """Return the documents of one answer with each key once, as `unique_rows` does; lines are compared by place.

    A line that only some copies have has no reliable value either.
    """
    if len({key(row) for row, _ in documents}) == len(documents):
        return list(documents)
    documents_by_key = group_by_key(
        (key(document[0]) or f"?{place}", document) for place, document in enumerate(documents)
    )
    return [
        (
            _merged_row([row for row, _ in copies]),
            [_merged_row(lines) for lines in zip_longest(*(lines for _, lines in copies), fillvalue={})],
        )
        for copies in documents_by_key.values()
    ]


def ledger_row_key(layout: Layout, row: Row) -> str:
    """Return the key of a ledger row in its year, empty without a number: rows with the same key are one row."""
    number, *place = (", ".join(sorted(layout.texts(row, name))) for name in ("number", "daybook", "page"))
    return "/".join((number, *place)) if number else ""


def _merged_row(copies: Sequence[Row]) -> Row:
    first, *others = copies
    differing = {
        column: RepeatedColumn(column, (row.get(column) for row in copies))
        for column in dict.fromkeys(name for row in copies for name in row)
        if any(row.get(column) != first.get(column) for row in others)
    }
    return {**first, **differing}


def _require_some_unique(rows: Sequence[Row]) -> None:
    first, *following = rows or ({},)
    for name, value in first.items():
        if not isinstance(value, RepeatedColumn) or not following:
            continue
        if all(isinstance(row.get(name), RepeatedColumn) for row in following):
            raise value.error()


def require_values(layout: Layout, row: Row, *names: str) -> None:
    """Raise WrongValueError where a row has no value in one of these columns."""
    for name in names:
        column = layout.names.get(name, "")
        if column in layout.columns and typed_value(layout.columns[column], row.get(column)) is None:
            raise WrongValueError(column, "")


def record_key_in(row: Row, column: str) -> str:
    """Return the key of a row. Raises WrongValueError as `require_key` does."""
    key = key_text(row.get(column))
    require_key(key, column, row)
    return key


def require_key(key: str, column: str, row: Row) -> None:
    """Raise WrongValueError for a row without a key or with several, because its record cannot be identified.

    A key with invisible characters is refused as well: elsewhere the record is known without them.
    """
    raw_value = row.get(column)
    if isinstance(raw_value, RepeatedColumn):
        raise raw_value.as_wrong_value()
    if not key or has_hidden_signs(raw_value):
        raise WrongValueError(
            column, "" if raw_value is None else repr(raw_value)[1:-1] if key else str(raw_value)[:LONGEST_SHOWN]
        )


def raw_row(row: Row) -> str:
    """Return a row as it came, as JSON for people."""
    return json.dumps(row, default=str, ensure_ascii=False, indent=1)


def read_of(kind: Kind, key: str, row: Row, read_record: Callable[[], Record]) -> Record:
    """Return the record that `read_record` returns, or an unreadable record if it raises WrongValueError."""
    try:
        return read_record()
    except WrongValueError as error:
        return unreadable(kind, key, error, raw_row(row))


def unmapped_values(row: Row, names: Mapping[str, str], columns: Mapping[str, DictionaryColumn]) -> dict[str, Value]:
    """Return the values of the columns without a name of ours, under their own names. `columns` is the data dictionary.

    Raises WrongValueError for a column that occurs more than once, that holds a list or an object, that is a text in
    the dictionary and holds a number, or that is a number in the dictionary and holds something else.
    """
    require_unique_columns(row)
    named_columns = set(names.values())
    values: dict[str, Value] = {}
    for name, value in row.items():
        if name in named_columns:
            continue
        column = columns.get(name)
        if column is not None:
            require_text(column, value)
        if column is not None and column.type in NUMBERS and isinstance(value, str | bool):
            values[name] = typed_value(column, value)
        else:
            values[name] = plain_value(name, value)
    return values


def plain_value(column: str, value: object) -> Value:
    """Return the value of a column without a name of ours. Raises WrongValueError for a list or an object."""
    if isinstance(value, list | dict):
        raise WrongValueError(column, str(value)[:LONGEST_SHOWN])
    return by_type(value)


def _reader(name: str) -> Callable[[object], Value]:
    if name in _NUMBERS:
        return partial(number_or_none, places=PRICE_PLACES)
    if name in _FLAGS:
        return decode_flag
    return calendar_day if name in _DATES else text_or_none
