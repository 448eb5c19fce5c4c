"""What the file of the log holds: its tables, the macros and views over them, and events as rows."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import duckdb

from integration.core.records import Kind
from integration.log.moments import naive

if TYPE_CHECKING:  # half a second to import, and most commands of a terminal ask no log
    import pyarrow as pa

MACROS = ("words", "mark_of", "ago", "planned_levels", "proven_levels", "planned_groups")
# What charts of stock are drawn from, taken out of events as they come in: the table, and the macro that fills it.
EXTRACTS = {"stock_plans": "planned_levels", "stock_proofs": "proven_levels", "group_plans": "planned_groups"}

DRAWN = frozenset({Kind.STOCK, Kind.PRODUCT, Kind.GROUP})  # kinds of record that charts of stock are drawn from

VIEWS = ("view_levels", "view_movements", "view_paces", "view_article_groups")  # made in this order

_MAKE = """
CREATE TABLE IF NOT EXISTS events (
    instance VARCHAR NOT NULL, id BIGINT NOT NULL, happened_at TIMESTAMP NOT NULL, run VARCHAR, flow VARCHAR,
    kind VARCHAR, key VARCHAR, sources VARCHAR[], title VARCHAR, event VARCHAR NOT NULL, code VARCHAR,
    facts VARCHAR, before VARCHAR, after VARCHAR, ms BIGINT
);
CREATE TABLE IF NOT EXISTS drained (instance VARCHAR NOT NULL, id BIGINT NOT NULL);
CREATE TABLE IF NOT EXISTS records (
    flow VARCHAR, kind VARCHAR, key VARCHAR, title VARCHAR, sources VARCHAR[], words VARCHAR, mark UBIGINT
);
CREATE TABLE IF NOT EXISTS stock_plans (
    run VARCHAR, article VARCHAR, title VARCHAR, branch VARCHAR, found_at TIMESTAMP, found DECIMAL(18, 3),
    wanted DECIMAL(18, 3)
);
CREATE TABLE IF NOT EXISTS stock_proofs (run VARCHAR, article VARCHAR, written_at TIMESTAMP);
CREATE TABLE IF NOT EXISTS group_plans (article VARCHAR, happened_at TIMESTAMP, groups VARCHAR[]);
"""


def make(connection: duckdb.DuckDBPyConnection, queries: Mapping[str, str]) -> None:
    """Make what a file does not have yet, and fill it from its events."""
    connection.execute(_MAKE)
    for name in (*MACROS, *VIEWS):
        connection.execute(queries[name])
    if connection.execute("SELECT 1 FROM records LIMIT 1").fetchone() is None:
        connection.execute(queries["records"])
    for table in EXTRACTS:
        if connection.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone() is None:  # noqa: S608 - our names
            extract(connection, table, "events")


def extract(connection: duckdb.DuckDBPyConnection, table: str, events: str) -> None:
    """Take out of a table of events what one of the extracts holds."""
    connection.execute(f"INSERT INTO {table} FROM {EXTRACTS[table]}('{events}')")


def moves_levels(event: Mapping[str, object]) -> bool:
    """Tell whether an answer about stock may be another one after an event."""
    return event["event"] in ("planned", "proven") and event["kind"] in DRAWN


def rows(instance: str, events: Sequence[Mapping[str, object]]) -> pa.Table:
    """Return events as the table of the log keeps them."""
    import pyarrow as pa  # noqa: PLC0415 - most processes bring no event in

    text, texts = pa.string(), pa.list_(pa.string())
    columns = [
        ("instance", text), ("id", pa.int64()), ("happened_at", pa.timestamp("us")), ("run", text), ("flow", text),
        ("kind", text), ("key", text), ("sources", texts), ("title", text), ("event", text), ("code", text),
        ("facts", text), ("before", text), ("after", text), ("ms", pa.int64()),
    ]  # fmt: skip

    def shaped(event: Mapping[str, Any]) -> dict[str, object]:
        texts = {name: _json(event[name]) for name in ("facts", "before", "after")}
        return {**event, **texts, "instance": instance, "happened_at": naive(event["happened_at"])}

    return pa.Table.from_pylist([shaped(event) for event in events], schema=pa.schema(columns))


def _json(value: object) -> str | None:
    return None if value is None else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
