"""Erases a person from the events of a log."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

import duckdb
import pyarrow as pa

from integration.core.erasure import ERASED, DataSubject
from integration.log.events import COLUMNS

FACT_COLUMNS = ("facts", "before", "after")


def erase_person(cursor: duckdb.DuckDBPyConnection, person: DataSubject, queries: Mapping[str, str]) -> int:
    """Erase a person from all events in one transaction, and return the number of changed events."""
    changed = list(_changed_events(cursor, person))
    cursor.execute("BEGIN TRANSACTION")
    try:
        if changed:
            cursor.register("places", pa.table({"place": [place for place, _ in changed]}))
            cursor.execute("DELETE FROM events WHERE rowid IN (SELECT place FROM places)")
            cursor.register("batch", pa.Table.from_pylist([event for _, event in changed], schema=COLUMNS))
            cursor.execute(queries["new_events"])
            _rebuild_names(cursor, [event for _, event in changed])
        cursor.execute("DELETE FROM records")
        cursor.execute(queries["records"])
        cursor.execute("COMMIT")
    except duckdb.Error:
        with suppress(duckdb.Error):
            cursor.execute("ROLLBACK")
        raise
    return len(changed)


def _rebuild_names(cursor: duckdb.DuckDBPyConnection, events: Sequence[Mapping[str, Any]]) -> None:
    """Rebuild the search names of the records of these events from the remaining events."""
    document_keys = {(event["flow"] or "", event["key"] or "") for event in events}
    cursor.register(
        "of", pa.table({"flow": [flow for flow, _ in document_keys], "key": [key for _, key in document_keys]})
    )
    condition = "(coalesce(flow, ''), coalesce(key, '')) IN (SELECT (flow, key) FROM of)"
    cursor.execute(f"DELETE FROM known WHERE {condition}")  # noqa: S608 - our names
    remaining_rows = cursor.sql(f"SELECT * FROM events WHERE {condition}").to_arrow_table()  # noqa: S608 - likewise
    cursor.register("left_over", remaining_rows)
    cursor.execute("INSERT INTO known FROM names_in('left_over')")


def _changed_events(cursor: duckdb.DuckDBPyConnection, person: DataSubject) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the row id and the new version of each event that changes."""
    for place, event in events_about(cursor, person):
        redacted_event = _erased_event(event, person) if _is_own(event, person) else _redacted_event(event, person)
        if redacted_event != event:
            yield place, redacted_event


def events_about(cursor: duckdb.DuckDBPyConnection, person: DataSubject) -> list[tuple[int, dict[str, Any]]]:
    """Return each event about a person, with its row id."""
    customer = person.customer
    searched_text = "lower(concat_ws(chr(10), title, facts, before, after))"
    starts = [f"{customer.relation}/"] * bool(customer.relation) + [f"={customer.debtor}/"] * bool(customer.debtor)
    where = [
        *(f"contains({searched_text}, ?)" for _ in person.search_spellings()),
        "key IN (SELECT unnest(?::VARCHAR[]))",
        *("starts_with(key, ?)" for _ in starts),
    ]
    parameters = [*person.search_spellings(), sorted(person.ids), *starts]
    query = f"SELECT rowid, {', '.join(COLUMNS.names)} FROM events WHERE {' OR '.join(where)}"  # noqa: S608 - our names
    rows = cursor.execute(query, parameters).fetchall()
    events = [(int(row[0]), dict(zip(COLUMNS.names, row[1:], strict=True))) for row in rows]
    return [(place, event) for place, event in events if _is_about(event, person)]


def _is_about(event: Mapping[str, Any], person: DataSubject) -> bool:
    """Return True if an event is about a person or names them."""
    record = (event["flow"] or "", event["kind"] or "", event["key"] or "")
    if person.is_of_another(*record):
        return False
    return (
        person.customer.is_described_by(*record)
        or person.is_own_document(record[2])
        or _redacted_event(event, person) != event
    )


def _is_own(event: Mapping[str, Any], person: DataSubject) -> bool:
    return person.customer.is_described_by(event["flow"] or "", event["kind"] or "", event["key"] or "")


def _erased_event(event: Mapping[str, Any], person: DataSubject) -> dict[str, Any]:
    facts = person.facts({name: str(value) for name, value in json.loads(event["facts"] or "{}").items()})
    values = {
        name: event[name] and _json(person.redacted_values(json.loads(event[name]))) for name in ("before", "after")
    }
    return {**event, "title": event["title"] and ERASED, "facts": _json(facts), **values}


def _redacted_event(event: Mapping[str, Any], person: DataSubject) -> dict[str, Any]:
    near = person.is_own_document(event["key"] or "")
    redacted_values = {
        name: event[name] and _json(person.redacted(json.loads(event[name]), near=near)) for name in FACT_COLUMNS
    }
    return {**event, "title": person.redacted(event["title"], near=near), **redacted_values}


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
