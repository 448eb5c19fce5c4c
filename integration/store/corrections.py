"""Stores values that replace those of the source, by record and field."""

import hashlib
import json
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from integration.core.authorization import requires
from integration.core.grouping import group_by_key
from integration.core.people import Right
from integration.core.records import Correction, Kind, Value, from_json, to_json
from integration.core.rules import as_text
from integration.store.database import Store, upsert
from integration.store.events import Event
from integration.store.outbox import append_events
from integration.store.tables import corrections

MARK = 16  # characters of the mark


class Corrections(Store):
    """Stores corrections that people made. They are never written to the source."""

    def keep(self, flow: str, new_corrections: Sequence[Correction], by: str) -> None:
        """Store corrections. Each replaces an earlier one of the same field."""
        if new_corrections:
            with self.database.write() as connection:
                keep_in(connection, self.clock(), flow, new_corrections, by)

    @requires(Right.REPAIR)
    def remove(self, flow: str, old_corrections: Sequence[Correction], by: str) -> None:
        """Delete corrections, so that the values of the source apply again."""
        with self.database.write() as connection:
            for correction in old_corrections:
                connection.execute(corrections.delete().filter_by(**_identity(flow, correction)))
            append_events(
                connection,
                self.clock(),
                [_correction_event("correction_removed", flow, correction, by) for correction in old_corrections],
            )

    @requires(Right.SEE)
    def corrections_of(self, flow: str, keys: Collection[str]) -> dict[str, list[Correction]]:
        """Return the corrections of these records, by key."""
        rows = self.database.rows_with_values(_flow_query(flow), corrections.c.key, keys)
        return group_by_key((row.key, _correction(row)) for row in rows)

    @requires(Right.SEE)
    def list_corrections(self, flow: str, offset: int = 0, limit: int = 100) -> list[Correction]:
        """Return the corrections of a flow, the newest first."""
        order = (corrections.c.changed_at.desc(), corrections.c.kind, corrections.c.key, corrections.c.field)
        page = _flow_query(flow).order_by(*order).offset(offset).limit(limit)
        return [_correction(row) for row in self.database.rows(page)]

    @requires(Right.SEE)
    def mark(self, flow: str) -> str:
        """Return a mark that changes when a correction of a flow is stored or removed."""
        condition = corrections.c.flow == flow
        number = self.database.scalar(sa.select(sa.func.count()).select_from(corrections).where(condition))
        newest = self.database.scalar(sa.select(sa.func.max(corrections.c.changed_at)).where(condition))
        return f"{number} {newest or ''}".strip()

    def marks(self, flow: str) -> dict[str, str]:
        """Return a hash of the corrections of each record that has any, by key."""
        rows = self.database.rows(_flow_query(flow).order_by(corrections.c.kind, corrections.c.field))
        by_key = group_by_key((row.key, [row.kind, row.field, row.was, row.becomes]) for row in rows)
        return {key: hashlib.sha256(json.dumps(values).encode()).hexdigest()[:MARK] for key, values in by_key.items()}

    @requires(Right.SEE)
    def counts(self) -> dict[str, int]:
        """Return the number of corrections, by flow."""
        query = sa.select(corrections.c.flow, sa.func.count().label("number")).group_by(corrections.c.flow)
        return {row.flow: row.number for row in self.database.rows(query)}


def keep_in(
    connection: sa.Connection, now: datetime, flow: str, new_corrections: Sequence[Correction], by: str
) -> None:
    """Store corrections, in the current transaction."""
    rows = [
        {
            **_identity(flow, correction),
            "title": correction.title,
            "was": _value_to_json(correction.was),
            "becomes": _value_to_json(correction.becomes),
        }
        | {"by": by, "changed_at": now}
        for correction in new_corrections
    ]
    upsert(connection, corrections, rows)
    append_events(
        connection, now, [_correction_event("value_corrected", flow, correction, by) for correction in new_corrections]
    )


def _value_to_json(value: Value) -> dict[str, object]:
    return {"value": to_json(value)}


def _correction(row: sa.Row[tuple[object, ...]]) -> Correction:
    was, becomes = (from_json(shape["value"]) for shape in (row.was, row.becomes))
    return Correction(Kind.stored(row.kind), row.key, row.field, was, becomes, row.title, row.by)


def _flow_query(flow: str) -> sa.Select[Any]:
    return sa.select(corrections).where(corrections.c.flow == flow)


def _identity(flow: str, correction: Correction) -> dict[str, str]:
    return {"flow": flow, "kind": correction.kind, "key": correction.key, "field": correction.field}


def _correction_event(event: str, flow: str, correction: Correction, by: str) -> Event:
    was, becomes = {correction.field: as_text(correction.was)}, {correction.field: as_text(correction.becomes)}
    before, after = (was, becomes) if event == "value_corrected" else (becomes, was)
    return Event(
        event=event,
        flow=flow,
        kind=correction.kind,
        key=correction.key,
        title=correction.title,
        facts={"by": by},
        before=before,
        after=after,
    )
