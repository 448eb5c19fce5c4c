"""Limits of the result of a user query: its number of values, and the range of its dates."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from integration.log.sql_allowlist import QueryError

if TYPE_CHECKING:  # the log process starts to listen before this import
    import pyarrow as pa

MAX_VALUES = 1_000_000  # of one result, including nested values; empty values take no bytes
DAYS = (date.min - date(1970, 1, 1)).days, (date.max - date(1970, 1, 1)).days  # Python's calendar, in days since 1970
DAY = 86_400  # seconds
TICKS = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}  # per second
MONTHS = timedelta.max.days // 31
NOT_IN_CALENDAR = f"the answer has a date outside the years {date.min.year} to {date.max.year}"


def count_values(part: pa.RecordBatch) -> int:
    """Return the number of values of a batch, including nested values.

    Raises QueryError `query_wrong` for a date or time outside the calendar, such as infinity.
    """
    return sum(map(_values, part.columns))


def _values(column: pa.Array) -> int:
    import pyarrow as pa  # noqa: PLC0415 - as said at the top

    kind = column.type
    if pa.types.is_map(kind):
        inner = [column.keys, column.items]
    elif pa.types.is_struct(kind):
        inner = column.flatten()
    elif pa.types.is_nested(kind):
        inner = [column.flatten()]
    else:
        inner = []
        if pa.types.is_temporal(kind):
            _require_calendar(column)
    return len(column) + sum(map(_values, inner))


def _require_calendar(column: pa.Array) -> None:
    import pyarrow as pa  # noqa: PLC0415 - as said at the top
    import pyarrow.compute as pc  # noqa: PLC0415 - likewise

    kind = column.type
    if pa.types.is_interval(kind):
        is_within = all(interval is None or abs(interval.months) <= MONTHS for interval in column.to_pylist())
    elif pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        first, last = DAYS
        if pa.types.is_timestamp(kind):
            day = DAY * TICKS[kind.unit]
            first, last = first * day, (last + 1) * day - 1
        met = pc.min_max(column.view(pa.int64() if kind.bit_width == 64 else pa.int32())).as_py()  # noqa: PLR2004 - bits
        is_within = met["min"] is None or (first <= met["min"] and met["max"] <= last)
    else:
        return
    if not is_within:
        raise QueryError("query_wrong", reason=NOT_IN_CALENDAR)
