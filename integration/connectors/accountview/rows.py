"""Rows as records: of articles and their groups, and what becomes of a row that cannot be read."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import cast

from integration.connectors.accountview.codec import (
    LONGEST_SHOWN,
    PRICE_PLACES,
    TOO_LARGE,
    RepeatedColumn,
    Row,
    by_type,
    calendar_day,
    expect_unique_columns,
    has_hidden_signs,
    is_date,
    number_or_none,
    stamp,
    text_or_none,
    typed_value,
    yes_or_no,
)
from integration.connectors.accountview.layout import Layout
from integration.core.records import Kind, Record, Unreadable, Value, WrongValueError, unreadable

STOCK = frozenset({"stock", "stock_technical", "stock_free", "stock_reserved", "stock_ordered"})
_NUMBERS = frozenset({"price"}) | STOCK
_FLAGS = frozenset({"blocked"})
_DATES = frozenset({"changed", "stock_expected"})


def row_decoder(kind: Kind, names: Mapping[str, str]) -> Callable[[Row], Record]:
    """Return what makes records of rows, made ready for many; a row without a code is one that cannot be read.

    Columns with a meaning stand under our names, every other one under its own: an operator can map them all.
    """
    known = [(name, column, _reader(name)) for name, column in names.items()]
    untold = {column for name, column in names.items() if name in STOCK}  # a quantity that nobody tells is not none
    meant = frozenset(names.values())

    def decode(row: Row) -> Record:
        key = ""
        try:
            key = record_key_in(row, names["code"])
            expect_unique_columns(row)
            values = {
                name: checked_value(name, column, row, read(row.get(column)))
                for name, column, read in known
                if column in row or column not in untold
            }
            values |= {column: plain_value(column, value) for column, value in row.items() if column not in meant}
        except WrongValueError as error:
            return unreadable(kind, key, error, raw_row(row))
        return Record(kind, key, values)

    return decode


def checked_value(name: str, column: str, row: Row, value: Value) -> Value:
    """Return what was read of a column. An empty day of the database is a day of long ago.

    Raises WrongValueError where it holds something and that is no number, day, yes or no.
    """
    told = row.get(column)
    if isinstance(told, list | dict) or (isinstance(told, bool) and name not in _FLAGS):
        raise WrongValueError(column, str(told)[:LONGEST_SHOWN])
    if name in _NUMBERS and (text_or_none(told) if value is None else abs(cast("Decimal", value)) >= TOO_LARGE):
        raise WrongValueError(column, text_or_none(told))
    if name in _FLAGS and (value is None or (told is None and column in row)):
        raise WrongValueError(column, "" if told is None else str(told)[:LONGEST_SHOWN])
    # A stamp in a form of its own is none, and everything is read each time.
    if name in _DATES and value is None and (stamp(told) if name == "changed" else is_date(told)):
        raise WrongValueError(column, text_or_none(told))
    return value


def whole_records(rows: Sequence[Row], decode: Callable[[Row], Record], beside: Sequence[Row] = ()) -> Iterator[Record]:
    """Yield the records of rows; one that lacks a column which others of the list have is one that cannot be read.

    `beside` are rows of the same list that are not decoded. A list tells the same columns of each of its rows, and what
    is empty as empty; what one row alone does not tell may be anything. Raises MalformedAnswerError for a column that
    each of several rows has more than once.
    """
    _expect_some_unique((*rows, *beside))
    columns = frozenset(column for row in (*rows, *beside) for column in row)
    for row in rows:
        record = decode(row)
        lacking = columns - row.keys()
        if lacking and not isinstance(record, Unreadable):
            yield unreadable(record.kind, record.key, WrongValueError(min(lacking), ""), raw_row(row))
        else:
            yield record


def _expect_some_unique(rows: Sequence[Row]) -> None:
    first, *following = rows or ({},)
    for name, value in first.items():
        if not isinstance(value, RepeatedColumn) or not following:
            continue
        if all(isinstance(row.get(name), RepeatedColumn) for row in following):
            raise value.error()


def expect_told(layout: Layout, row: Row, *names: str) -> None:
    """Raise WrongValueError where a row holds nothing in one of the columns under these names."""
    for name in names:
        column = layout.names.get(name, "")
        if column in layout.columns and typed_value(layout.columns[column], row.get(column)) is None:
            raise WrongValueError(column, "")


def record_key_in(row: Row, column: str) -> str:
    """Return the key of a row. Raises WrongValueError as `expect_key` does."""
    key = text_or_none(row.get(column)) or ""
    expect_key(key, column, row)
    return key


def expect_key(key: str, column: str, row: Row) -> None:
    """Raise WrongValueError for a row without a key: nobody knows which record it is, or that it is none.

    A key with signs that nobody sees is none either: the record is known elsewhere without them.
    """
    told = row.get(column)
    if not key or has_hidden_signs(told):
        raise WrongValueError(column, "" if told is None else repr(told)[1:-1] if key else str(told)[:LONGEST_SHOWN])


def raw_row(row: Row) -> str:
    """Return a row as it came, for people."""
    return json.dumps(row, default=str, ensure_ascii=False, indent=1)


def read_of(kind: Kind, key: str, row: Row, read: Callable[[], Record]) -> Record:
    """Return the record that a row is read as; one that cannot be read, where a column does not hold what it says."""
    try:
        return read()
    except WrongValueError as error:
        return unreadable(kind, key, error, raw_row(row))


def others(row: Row, names: Mapping[str, str]) -> dict[str, Value]:
    """Return what stands in the columns without a meaning of ours, under their own names.

    Raises WrongValueError for a row that has a column more than once, or a list or an object in one.
    """
    expect_unique_columns(row)
    meant = set(names.values())
    return {column: plain_value(column, value) for column, value in row.items() if column not in meant}


def plain_value(column: str, value: object) -> Value:
    """Return a value of a column without a meaning of ours. Raises WrongValueError for a list or an object."""
    if isinstance(value, list | dict):
        raise WrongValueError(column, str(value)[:LONGEST_SHOWN])
    return by_type(value)


def _reader(name: str) -> Callable[[object], Value]:
    if name in _NUMBERS:
        return partial(number_or_none, places=PRICE_PLACES)
    if name in _FLAGS:
        return yes_or_no
    return calendar_day if name in _DATES else text_or_none
