"""Deletes old events from the log, keeping counts by day, and copies the rest to a compacted file."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import duckdb
import pyarrow as pa

OTHER_TABLES = (
    "drained",
    "records",
    "known",
    "naming",
    "stock_plans",
    "stock_proofs",
    "group_plans",
    "past",
)  # tables besides the events
PIECE = 100_000  # events per batch
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
    """Delete events before a time in one transaction, keeping counts by day, and return their number.

    Of the tables for charts of stock, the newest rows of each article stay.
    """
    result = cursor.execute("SELECT count(*) FROM events WHERE happened_at < ?", [before]).fetchall()
    deleted = int(result[0][0])
    if not deleted:
        return 0
    cursor.execute("BEGIN TRANSACTION")
    try:
        for name in STEPS:
            cursor.execute(queries[name], {"before": before} if "$before" in queries[name] else {})
        cursor.execute("INSERT INTO gone VALUES (?)", [deleted])
        cursor.execute("COMMIT")
    except duckdb.Error:
        with suppress(duckdb.Error):
            cursor.execute("ROLLBACK")
        raise
    return deleted


def is_worth_compacting(cursor: duckdb.DuckDBPyConnection, share: float) -> bool:
    """Return True if the events deleted since the last compaction are at least `share` of the remaining ones."""
    query = "SELECT (SELECT coalesce(sum(events), 0) FROM gone), (SELECT count(*) FROM events)"
    ((deleted, remaining),) = cursor.execute(query).fetchall()
    return bool(deleted > 0 and deleted >= share * remaining)


def snapshot(cursor: duckdb.DuckDBPyConnection) -> Iterator[pa.RecordBatch]:
    """Return a consistent snapshot of all events, in batches."""
    cursor.execute("BEGIN TRANSACTION READ ONLY")
    cursor.execute("SELECT 1 FROM events LIMIT 1").fetchall()  # the read transaction begins here
    return iter(cursor.sql("SELECT * FROM events").to_arrow_reader(PIECE))


def add_rows(to: duckdb.DuckDBPyConnection, table: str, rows: pa.Table) -> None:
    """Add rows to a table of another file."""
    if rows.num_rows:
        to.register("rows_to_add", rows)
        to.execute(f"INSERT INTO {table} BY NAME SELECT * FROM rows_to_add")  # noqa: S608 - our names
        to.unregister("rows_to_add")


def copy_others(connection: duckdb.DuckDBPyConnection, to: duckdb.DuckDBPyConnection) -> None:
    """Copy all tables except the events and the count of deleted events."""
    for table in OTHER_TABLES:
        add_rows(to, table, connection.sql(f"SELECT * FROM {table}").to_arrow_table())  # noqa: S608 - likewise


def remove(path: Path) -> None:
    """Remove an incomplete file and its WAL file."""
    for end in ("", ".wal"):
        path.with_name(path.name + end).unlink(missing_ok=True)
