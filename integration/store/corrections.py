"""Stores values that replace those of the source, by record and field."""

import hashlib
import json
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from integration.core.authorization import requires
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

    def keep(self, flow: str, kept: Sequence[Correction], by: str) -> None:
        """Store corrections. Each replaces an earlier one of the same field."""
        if kept:
            with self.database.write() as connection:
                keep_in(connection, self.clock(), flow, kept, by)

    @requires(Right.REPAIR)
    def remove(self, flow: str, gone: Sequence[Correction], by: str) -> None:
        """Delete corrections, so that the values of the source apply again."""
        with self.database.write() as connection:
            for one in gone:
                connection.execute(corrections.delete().filter_by(**_identity(flow, one)))
            append_events(connection, self.clock(), [_told("correction_removed", flow, one, by) for one in gone])

    @requires(Right.SEE)
    def of(self, flow: str, keys: Collection[str]) -> dict[str, list[Correction]]:
        """Return the corrections of these records, by key."""
        found: dict[str, list[Correction]] = {}
        for row in self.database.rows_with_values(_of_flow(flow), corrections.c.key, keys):
            found.setdefault(row.key, []).append(_correction(row))
        return found

    @requires(Right.SEE)
    def all(self, flow: str, offset: int = 0, limit: int = 100) -> list[Correction]:
        """Return the corrections of a flow, the newest first."""
        order = (corrections.c.changed_at.desc(), corrections.c.kind, corrections.c.key, corrections.c.field)
        page = _of_flow(flow).order_by(*order).offset(offset).limit(limit)
        return [_correction(row) for row in self.database.rows(page)]

    @requires(Right.SEE)
    def mark(self, flow: str) -> str:
        """Return a mark that changes when a correction of a flow is stored or removed."""
        here = corrections.c.flow == flow
        number = self.database.scalar(sa.select(sa.func.count()).select_from(corrections).where(here))
        newest = self.database.scalar(sa.select(sa.func.max(corrections.c.changed_at)).where(here))
        return f"{number} {newest or ''}".strip()

    def marks(self, flow: str) -> dict[str, str]:
        """Return a hash of the corrections of each record that has any, by key."""
        said: dict[str, list[list[object]]] = {}
        for row in self.database.rows(_of_flow(flow).order_by(corrections.c.kind, corrections.c.field)):
            said.setdefault(row.key, []).append([row.kind, row.field, row.was, row.becomes])
        return {key: hashlib.sha256(json.dumps(one).encode()).hexdigest()[:MARK] for key, one in said.items()}

    @requires(Right.SEE)
    def counts(self) -> dict[str, int]:
        """Return the number of corrections, by flow."""
        counted = sa.select(corrections.c.flow, sa.func.count().label("number")).group_by(corrections.c.flow)
        return {row.flow: row.number for row in self.database.rows(counted)}


def keep_in(connection: sa.Connection, now: datetime, flow: str, kept: Sequence[Correction], by: str) -> None:
    """Store corrections, in the current transaction."""
    rows = [
        {**_identity(flow, one), "title": one.title, "was": _kept(one.was), "becomes": _kept(one.becomes)}
        | {"by": by, "changed_at": now}
        for one in kept
    ]
    upsert(connection, corrections, rows)
    append_events(connection, now, [_told("value_corrected", flow, one, by) for one in kept])


def _kept(value: Value) -> dict[str, object]:
    return {"value": to_json(value)}


def _correction(row: sa.Row[tuple[object, ...]]) -> Correction:
    was, becomes = (from_json(shape["value"]) for shape in (row.was, row.becomes))
    return Correction(Kind.stored(row.kind), row.key, row.field, was, becomes, row.title, row.by)


def _of_flow(flow: str) -> sa.Select[Any]:
    return sa.select(corrections).where(corrections.c.flow == flow)


def _identity(flow: str, one: Correction) -> dict[str, str]:
    return {"flow": flow, "kind": one.kind, "key": one.key, "field": one.field}


def _told(event: str, flow: str, one: Correction, by: str) -> Event:
    was, becomes = {one.field: as_text(one.was)}, {one.field: as_text(one.becomes)}
    before, after = (was, becomes) if event == "value_corrected" else (becomes, was)
    return Event(
        event=event, flow=flow, kind=one.kind, key=one.key, title=one.title, facts={"by": by}, before=before,
        after=after,
    )  # fmt: skip
