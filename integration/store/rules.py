"""Stores mappings by flow and version, and the value tables that mappings share."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from integration.core.authorization import requires
from integration.core.errors import PlanStaleError
from integration.core.people import Right
from integration.store import audited_events
from integration.store.database import Store, upsert
from integration.store.events import Event
from integration.store.outbox import append_events
from integration.store.prepared_statements import PreparedStatement
from integration.store.settings import group
from integration.store.tables import mappings, settings, value_tables


@dataclass(frozen=True, slots=True)
class Version:
    """One published mapping of a flow, without its body."""

    version: int
    by: str
    note: str
    published_at: datetime


_newest = (
    sa.select(mappings.c.version, sa.type_coerce(mappings.c.body, sa.Text).label("body"))
    .where(mappings.c.flow == sa.bindparam("flow"))
    .order_by(mappings.c.version.desc())
    .limit(1)
    .subquery()
)
_IN_FORCE = PreparedStatement(
    sa.union_all(
        sa.select(sa.literal_column("'mapping'"), sa.cast(_newest.c.version, sa.Text), _newest.c.body),
        sa.select(sa.literal_column("'setting'"), settings.c.name, sa.type_coerce(settings.c.value, sa.Text)).where(
            settings.c.name == sa.bindparam("setting")
        ),
        sa.select(sa.literal_column("'table'"), value_tables.c.name, sa.type_coerce(value_tables.c.rows, sa.Text)),
    )
)
_BODY = PreparedStatement(
    sa.select(mappings.c.body).filter_by(flow=sa.bindparam("flow"), version=sa.bindparam("version"))
)
_TABLES = PreparedStatement(sa.select(value_tables.c.name, value_tables.c.rows))


@dataclass(frozen=True, slots=True)
class CurrentRules:
    """The mapping, settings and value tables in force for a flow. Equal to another instance if none of them changed."""

    stored_rules: tuple[tuple[str, str, str], ...]  # type, version or name, and the stored JSON text

    def mapping(self) -> tuple[int, dict[str, Any]] | None:
        """Return number and body of the newest version, or None if there is none."""
        return next(
            ((int(version), json.loads(body)) for of, version, body in self.stored_rules if of == "mapping"), None
        )

    def settings(self) -> dict[str, Any]:
        """Return the settings of the flow."""
        return next((group(json.loads(text)) for of, _, text in self.stored_rules if of == "setting"), {})

    def tables(self) -> dict[str, dict[str, str]]:
        """Return every value table, in the form of `MappingStore.tables`."""
        return {name: _texts(json.loads(text)) for of, name, text in self.stored_rules if of == "table"}


class MappingStore(Store):
    """Stores published mappings and value tables. A published version never changes."""

    @requires(Right.SEE)
    def published(self, flow: str) -> tuple[int, dict[str, Any]] | None:
        """Return number and body of a flow's newest version, or None if there is none."""
        row = self.database.first(sa.select(mappings).filter_by(flow=flow).order_by(mappings.c.version.desc()))
        return None if row is None else (row.version, dict(row.body))

    def current_rules(self, flow: str) -> CurrentRules:
        """Return the rules in force for a flow. They are read for every page of a run, so they are not parsed here.

        One statement reads all of them. Cached results of parsing are valid as long as this value is equal.
        """
        values = {"flow": flow, "setting": f"flow:{flow}"}
        return CurrentRules(tuple(sorted(tuple(row) for row in self.database.prepared_rows(_IN_FORCE, values))))

    @requires(Right.SEE)
    def body(self, flow: str, version: int) -> dict[str, Any]:
        """Return the body of one version. Raises KeyError if it does not exist."""
        for row in self.database.prepared_rows(_BODY, {"flow": flow, "version": version}):
            return dict(row.body)
        raise KeyError(f"{flow} has no mapping {version}")

    def publish(self, flow: str, body: Mapping[str, Any], by: str, note: str) -> int:
        """Store a mapping as the flow's next version and return its number.

        Raises PlanStaleError `mapping_published_since` if somebody else published at the same moment.
        """
        with self.database.write() as connection:
            return publish_in(connection, self.clock(), flow, body, by, note)

    @requires(Right.SEE)
    def history(self, flow: str) -> list[Version]:
        """Return the versions of a flow, the newest first."""
        columns = (mappings.c.version, mappings.c.by, mappings.c.note, mappings.c.published_at)
        every = sa.select(*columns).where(mappings.c.flow == flow).order_by(mappings.c.version.desc())
        return [Version(row.version, row.by, row.note, row.published_at) for row in self.database.rows(every)]

    @requires(Right.SEE)
    def tables(self) -> dict[str, dict[str, str]]:
        """Return every value table by name. A table maps codes of the source to codes of the target."""
        return {row.name: _texts(row.rows) for row in self.database.prepared_rows(_TABLES, {})}

    def set_table(self, name: str, rows: Mapping[str, str], by: str) -> None:
        """Replace a value table."""
        self._change_table(name, lambda _: rows, by)

    def add_row(self, name: str, code: str, other: str, by: str) -> None:
        """Add or replace one row of a value table. Concurrent additions of others are kept."""
        self._change_table(name, lambda before: {**before, code: other}, by)

    def add_rows(self, tables: Mapping[str, Mapping[str, str]], by: str) -> None:
        """Add or replace rows of several value tables in one transaction. `tables` maps table names to rows."""
        with self.database.write() as connection:
            now = self.clock()
            for name, rows in sorted(tables.items()):  # a fixed order of locks, so that two writers cannot deadlock
                change_table_in(connection, now, name, partial(_merge_rows, rows), by)

    def _change_table(self, name: str, changed: Callable[[Mapping[str, str]], Mapping[str, str]], by: str) -> None:
        with self.database.write() as connection:
            change_table_in(connection, self.clock(), name, changed, by)


def _merge_rows(rows: Mapping[str, str], before: Mapping[str, str]) -> dict[str, str]:
    return {**before, **rows}


def publish_in(connection: sa.Connection, now: datetime, flow: str, body: Mapping[str, Any], by: str, note: str) -> int:
    """Store a mapping as the flow's next version, in the current transaction; see `MappingStore.publish`."""
    newest = sa.select(mappings.c.version, mappings.c.body).where(mappings.c.flow == flow)
    latest = connection.execute(newest.order_by(mappings.c.version.desc()).limit(1)).first()
    version = (latest.version if latest else 0) + 1
    before, after = audited_events.differing_values(latest.body, body) if latest else ({}, {})
    row = {"flow": flow, "version": version, "body": dict(body), "note": note, "by": by}
    try:
        connection.execute(mappings.insert().values(**row, published_at=now))
    except IntegrityError:
        raise PlanStaleError("mapping_published_since", flow=flow, version=version - 1, current=version) from None
    facts = {"by": by, "version": str(version), "note": note}
    append_events(
        connection, now, [Event(event="mapping_published", flow=flow, facts=facts, before=before, after=after)]
    )
    return version


def change_table_in(
    connection: sa.Connection,
    now: datetime,
    name: str,
    changed: Callable[[Mapping[str, str]], Mapping[str, str]],
    by: str,
) -> None:
    """Apply a change to a value table, in the current transaction."""
    query = sa.select(value_tables.c.rows).where(value_tables.c.name == name).with_for_update()
    before = connection.execute(query).scalar()
    after = dict(changed(before or {}))
    upsert(connection, value_tables, [{"name": name, "rows": after, "by": by, "changed_at": now}])
    event = Event(event="table_changed", key=name, facts={"by": by}, before=before, after=after)
    append_events(connection, now, [event])


def _texts(rows: object) -> dict[str, str]:
    """Return the rows of a table. Ignores values that are not texts, and anything that is not a table."""
    items = rows.items() if isinstance(rows, dict) else ()
    return {str(code): other for code, other in items if isinstance(other, str)}
