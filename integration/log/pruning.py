"""What the log no longer keeps: events before a moment, of which numbers by day stay; and its file without them."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import duckdb
import pyarrow as pa

OTHERS = (
    "drained",
    "records",
    "known",
    "naming",
    "stock_plans",
    "stock_proofs",
    "group_plans",
    "past",
)  # tables beside the events
PIECE = 100_000  # events that are copied at once
STEPS = (
    "past_events",
    "events_gone",
    "records_gone",
    "known_gone",
    "stock_plans_gone",
    "stock_proofs_gone",
    "group_plans_gone",
)


def prune(cursor: duckdb.DuckDBPyConnection, before: datetime, queries: Mapping[str, str]) -> int:
    """Let events before a moment go in one transaction, and return how many: their numbers by day stay.

    Of what charts of stock are drawn from, the newest of each article stays whatever its age.
    """
    counted = cursor.execute("SELECT count(*) FROM events WHERE happened_at < ?", [before]).fetchall()
    gone = int(counted[0][0])
    if not gone:
        return 0
    cursor.execute("BEGIN TRANSACTION")
    try:
        for name in STEPS:
            cursor.execute(queries[name], {"before": before} if "$before" in queries[name] else {})
        cursor.execute("INSERT INTO gone VALUES (?)", [gone])
        cursor.execute("COMMIT")
    except duckdb.Error:
        with suppress(duckdb.Error):
            cursor.execute("ROLLBACK")
        raise
    return gone


def is_worth_compacting(cursor: duckdb.DuckDBPyConnection, share: float) -> bool:
    """Tell whether so large a share of what the log has is gone since its file was last written anew."""
    asked = "SELECT (SELECT coalesce(sum(events), 0) FROM gone), (SELECT count(*) FROM events)"
    ((gone, left),) = cursor.execute(asked).fetchall()
    return bool(gone > 0 and gone >= share * left)


def snapshot(cursor: duckdb.DuckDBPyConnection) -> Iterator[pa.RecordBatch]:
    """Return all events as they are at this moment, in parts, whatever comes in meanwhile."""
    cursor.execute("BEGIN TRANSACTION READ ONLY")
    cursor.execute("SELECT 1 FROM events LIMIT 1").fetchall()  # from here on it is of this moment
    return iter(cursor.sql("SELECT * FROM events").to_arrow_reader(PIECE))


def add_rows(to: duckdb.DuckDBPyConnection, table: str, rows: pa.Table) -> None:
    """Add rows to a table of ours in another file; a column that they do not have is filled when that is opened."""
    if rows.num_rows:
        to.register("rows_to_add", rows)
        to.execute(f"INSERT INTO {table} BY NAME SELECT * FROM rows_to_add")  # noqa: S608 - our names
        to.unregister("rows_to_add")


def copy_others(connection: duckdb.DuckDBPyConnection, to: duckdb.DuckDBPyConnection) -> None:
    """Copy every table but the events, and what is counted of those that are gone."""
    for table in OTHERS:
        add_rows(to, table, connection.sql(f"SELECT * FROM {table}").to_arrow_table())  # noqa: S608 - likewise


def remove(path: Path) -> None:
    """Remove a file that was being written, with what belongs to it."""
    for end in ("", ".wal"):
        path.with_name(path.name + end).unlink(missing_ok=True)
