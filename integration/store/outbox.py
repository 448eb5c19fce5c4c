"""Stores events in the transaction of the change they describe. The log process collects them later."""

from collections.abc import Iterable, Sequence
from datetime import datetime

import sqlalchemy as sa

from integration.store import audited_events
from integration.store.events import Event
from integration.store.prepared_statements import PreparedStatement
from integration.store.tables import outbox

_INSERT = PreparedStatement(outbox.insert().inline(), *(column.name for column in outbox.c if column.name != "id"))


def append_events(connection: sa.Connection, at: datetime, events: Sequence[Event]) -> None:
    """Add events to the outbox, and decisions of people to the audit log, in the current transaction."""
    if events:
        put_events(connection, [(at, event) for event in events])
        audited_events.record_audit_entries(connection, at, events)


def put_events(connection: sa.Connection, events: Iterable[tuple[datetime, Event]]) -> None:
    """Add events to the outbox only, each with its time."""
    _INSERT.execute_many(connection, [_row(at, event) for at, event in events])


def _row(at: datetime, event: Event) -> dict[str, object]:
    return {
        "happened_at": at,
        "run": event.run,
        "flow": event.flow,
        "kind": event.kind,
        "key": event.key,
        "sources": list(event.sources),
        "title": event.title,
        "event": event.event,
        "code": event.code,
        "facts": dict(event.facts),
        "before": event.before,
        "after": event.after,
        "ms": event.ms,
    }
