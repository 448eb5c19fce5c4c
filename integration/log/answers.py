"""Answers of the log as whoever asked takes them: for pages as pandas has them, for programs as plain values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # half a second to import, and most commands of a terminal ask no log
    import pandas as pd
    import pyarrow as pa

DAYS_OF_A_MONTH = 30


def frame_of(table: pa.Table) -> pd.DataFrame:
    """Return an answer for pages.

    Decimals are floats, for charts add no Decimals; whole numbers with gaps stay whole; a date is its first moment.
    """
    import pandas as pd  # noqa: PLC0415 - as said at the top
    import pyarrow as pa  # noqa: PLC0415 - likewise

    whole = {
        pa.int8(): pd.Int8Dtype(), pa.int16(): pd.Int16Dtype(), pa.int32(): pd.Int32Dtype(),
        pa.int64(): pd.Int64Dtype(),
        pa.uint8(): pd.UInt8Dtype(), pa.uint16(): pd.UInt16Dtype(), pa.uint32(): pd.UInt32Dtype(),
        pa.uint64(): pd.UInt64Dtype(), pa.bool_(): pd.BooleanDtype(),
    }  # fmt: skip
    gaps = {column.type for column in table.columns if column.null_count} & whole.keys()
    told = pa.Table.from_arrays([_plain(column) for column in table.columns], _told_apart(table.column_names))
    frame: pd.DataFrame = told.to_pandas(maps_as_pydicts="lossy", date_as_object=True)
    for place, column in enumerate(told.columns):
        if column.null_count and column.type in gaps:
            frame.isetitem(place, column.to_pandas(types_mapper=whole.get))
    return frame


def plain_of(table: pa.Table, *, cut: bool) -> dict[str, Any]:
    """Return an answer as programs are told it: `columns`, `rows` of plain values, and `cut` when there are more."""
    columns = [[_told(value) for value in _plain(column).to_pylist()] for column in table.columns]
    rows = [list(row) for row in zip(*columns, strict=True)]
    return {"columns": _told_apart(table.column_names), "rows": rows, "cut": cut}


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column in types that add up and are written alike everywhere."""
    import pyarrow as pa  # noqa: PLC0415 - as said at the top

    if pa.types.is_interval(column.type):
        return pa.chunked_array([pa.array([_span(one) for one in column.to_pylist()], pa.duration("us"))])
    plain = _plain_type(column.type, pa)
    return column if plain == column.type else column.cast(plain, safe=False)


def _plain_type(given: pa.DataType, pa: Any) -> pa.DataType:
    if pa.types.is_decimal(given):
        return pa.float64()
    if pa.types.is_date(given):
        return pa.timestamp("us")
    if pa.types.is_list(given):
        return pa.list_(_inner(given.value_type, pa))
    return given


def _inner(given: pa.DataType, pa: Any) -> pa.DataType:
    """Return the type of values inside of others, where a day stays a day."""
    return given if pa.types.is_date(given) else _plain_type(given, pa)


def _span(interval: Any) -> timedelta | None:
    """Return an interval as a length of time; a month has thirty days, as when DuckDB compares them."""
    if interval is None:
        return None
    days = DAYS_OF_A_MONTH * interval.months + interval.days
    return timedelta(days=days, microseconds=interval.nanoseconds // 1000)


def _told(value: object) -> object:
    """Return one value for programs: a number that JSON cannot write is nothing."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, list):
        return [_told(one) for one in value]
    if isinstance(value, dict):
        return {name: _told(one) for name, one in value.items()}
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime.combine(value, time())
    return value


def _told_apart(names: Sequence[str]) -> list[str]:
    """Return names of columns that pandas and files can tell apart: of two alike, also in capitals, one is numbered."""
    taken: set[str] = set()
    apart = []
    for name in names:
        fresh, number = name, 0
        while fresh.lower() in taken:
            number += 1
            fresh = f"{name}_{number}"
        taken.add(fresh.lower())
        apart.append(fresh)
    return apart
