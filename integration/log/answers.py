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
    plain_table = pa.Table.from_arrays(
        [_plain_column(column) for column in table.columns], _unique_names(table.column_names)
    )
    frame: pd.DataFrame = plain_table.to_pandas(maps_as_pydicts="lossy", date_as_object=True)
    for place, column in enumerate(plain_table.columns):
        if column.null_count and column.type in gaps:
            frame.isetitem(place, column.to_pandas(types_mapper=whole.get))
    return frame


def plain_of(table: pa.Table, *, cut: bool) -> dict[str, Any]:
    """Return a result for programs: `columns`, `rows` of plain values, and `cut` if there are more rows."""
    columns = [[_plain_value(value) for value in _plain_column(column).to_pylist()] for column in table.columns]
    rows = [list(row) for row in zip(*columns, strict=True)]
    return {"columns": _unique_names(table.column_names), "rows": rows, "cut": cut}


def _plain_column(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column in a type that pages and programs can both use."""
    import pyarrow as pa  # noqa: PLC0415 - as said at the top

    if pa.types.is_interval(column.type):
        return pa.chunked_array(
            [pa.array([_interval_timedelta(interval) for interval in column.to_pylist()], pa.duration("us"))]
        )
    plain = _plain_type(column.type, pa)
    return column if plain == column.type else column.cast(plain, safe=False)


def _plain_type(arrow_type: pa.DataType, pa: Any) -> pa.DataType:
    if pa.types.is_decimal(arrow_type):
        return pa.float64()
    if pa.types.is_date(arrow_type):
        return pa.timestamp("us")
    if pa.types.is_list(arrow_type):
        return pa.list_(_inner_type(arrow_type.value_type, pa))
    return arrow_type


def _inner_type(arrow_type: pa.DataType, pa: Any) -> pa.DataType:
    """Return the type of nested values, where a date stays a date."""
    return arrow_type if pa.types.is_date(arrow_type) else _plain_type(arrow_type, pa)


def _interval_timedelta(interval: Any) -> timedelta | None:
    """Return an interval as a timedelta. A month has thirty days, as in comparisons of DuckDB."""
    if interval is None:
        return None
    days = DAYS_OF_A_MONTH * interval.months + interval.days
    return timedelta(days=days, microseconds=interval.nanoseconds // 1000)


def _plain_value(value: object) -> object:
    """Return a value for programs. NaN and infinity, which JSON cannot represent, become None."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, list):
        return [_plain_value(item) for item in value]
    if isinstance(value, dict):
        return {name: _plain_value(item) for name, item in value.items()}
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime.combine(value, time())
    return value


def _unique_names(names: Sequence[str]) -> list[str]:
    """Return unique column names for pandas and files. Repeated names, ignoring case, get a number."""
    used_names: set[str] = set()
    apart = []
    for name in names:
        fresh, number = name, 0
        while fresh.lower() in used_names:
            number += 1
            fresh = f"{name}_{number}"
        used_names.add(fresh.lower())
        apart.append(fresh)
    return apart
