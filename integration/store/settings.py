"""Stores settings of the console as JSON, by name."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from integration.store import audited_events
from integration.store.database import Store, upsert
from integration.store.events import Event
from integration.store.outbox import append_events
from integration.store.prepared_statements import PreparedStatement
from integration.store.tables import settings

_NAMED = PreparedStatement(sa.select(settings.c.value).where(settings.c.name == sa.bindparam("name")))


class StoredSettings(Store):
    """Stores settings by name. Secrets are stored by `secrets.ConnectionStore` instead."""

    def get(self, name: str) -> dict[str, Any] | None:
        """Return a setting, or None if it does not exist."""
        for row in self.database.prepared_rows(_NAMED, {"name": name}):
            return None if row.value is None else group(row.value)
        return None

    def put(self, name: str, value: Mapping[str, Any], by: str, *also: Event) -> None:
        """Store a setting and record the change, together with the events in `also`."""
        with self.database.write() as connection:
            put_in(connection, self.clock(), name, value, by)
            append_events(connection, self.clock(), also)

    def replace(self, name: str, before: Mapping[str, Any], value: Mapping[str, Any], by: str, *also: Event) -> bool:
        """Store a setting as `put` does if its value is still `before`. Return True if it was."""
        with self.database.write() as connection:
            if _locked_value(connection, name) != before:
                return False
            put_in(connection, self.clock(), name, value, by)
            append_events(connection, self.clock(), also)
        return True

    def remember(self, name: str, value: Mapping[str, Any]) -> None:
        """Store a value that the program determined itself. Neither the log nor the audit log records it."""
        with self.database.write() as connection:
            row = {"name": name, "value": dict(value), "by": "", "changed_at": self.clock()}
            upsert(connection, settings, [row])

    def settings_with_prefix(self, prefix: str) -> dict[str, dict[str, Any]]:
        """Return every setting whose name starts with `prefix`, by name."""
        query = sa.select(settings).where(settings.c.name.startswith(prefix, autoescape=True))
        return {row.name: group(row.value) for row in self.database.rows(query)}

    def forget(self, name: str, by: str) -> None:
        """Delete a setting and record the deletion."""
        now = self.clock()
        with self.database.write() as connection:
            before, _ = audited_events.differing_values(_locked_value(connection, name), {})
            connection.execute(settings.delete().where(settings.c.name == name))
            append_events(
                connection, now, [Event(event="setting_forgotten", key=name, facts={"by": by}, before=before)]
            )


def put_in(connection: sa.Connection, now: datetime, name: str, value: Mapping[str, Any], by: str) -> None:
    """Store a setting and record its change, in the current transaction."""
    before, after = audited_events.differing_values(_locked_value(connection, name), value)
    upsert(connection, settings, [{"name": name, "value": dict(value), "by": by, "changed_at": now}])
    event = Event(event="setting_changed", key=name, facts={"by": by}, before=before, after=after)
    append_events(connection, now, [event])


def _locked_value(connection: sa.Connection, name: str) -> dict[str, Any]:
    value = connection.execute(sa.select(settings.c.value).where(settings.c.name == name).with_for_update()).scalar()
    return group(value)


def group(value: object) -> dict[str, Any]:
    """Return a stored setting as a dict. Any other JSON value counts as an empty setting."""
    return dict(value) if isinstance(value, dict) else {}
