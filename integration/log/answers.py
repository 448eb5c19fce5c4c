"""Converts query results of the log: to pandas for pages, and to plain values for programs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # the import takes half a second, and most terminal commands do not use the log
    import pandas as pd
    import pyarrow as pa

DAYS_OF_A_MONTH = 30


def frame_of(table: pa.Table) -> pd.DataFrame:
    """Return a result for pages.

    Decimals become floats, because charts cannot add Decimals. Integers with missing values stay integers. A date
    becomes the time at its start.
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
    """Return a result for programs: `columns`, `rows` of plain values, and `cut` if there are more rows."""
    columns = [[_told(value) for value in _plain(column).to_pylist()] for column in table.columns]
    rows = [list(row) for row in zip(*columns, strict=True)]
    return {"columns": _told_apart(table.column_names), "rows": rows, "cut": cut}


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column in a type that pages and programs can both use."""
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
    """Return the type of nested values, where a date stays a date."""
    return given if pa.types.is_date(given) else _plain_type(given, pa)


def _span(interval: Any) -> timedelta | None:
    """Return an interval as a timedelta. A month has thirty days, as in comparisons of DuckDB."""
    if interval is None:
        return None
    days = DAYS_OF_A_MONTH * interval.months + interval.days
    return timedelta(days=days, microseconds=interval.nanoseconds // 1000)


def _told(value: object) -> object:
    """Return a value for programs. NaN and infinity, which JSON cannot represent, become None."""
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
    """Return unique column names for pandas and files. Repeated names, ignoring case, get a number."""
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
