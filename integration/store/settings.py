"""Settings made in the console, kept as JSON under a name."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from integration.store.database import Store, upsert
from integration.store.events import Event, tell
from integration.store.tables import settings


class StoredSettings(Store):
    """Settings by name. Never a secret: those are kept by `Connections`."""

    def get(self, name: str) -> dict[str, Any] | None:
        """Return a setting, or None when it was never made."""
        found = self.database.scalar(sa.select(settings.c.value).where(settings.c.name == name))
        return None if found is None else _group(found)

    def put(self, name: str, value: Mapping[str, Any], by: str) -> None:
        """Keep a setting; who and when is told to the log."""
        now = self.clock()
        with self.database.write() as connection:
            upsert(connection, settings, [{"name": name, "value": dict(value), "by": by, "changed_at": now}])
            tell(connection, now, [Event(event="setting_changed", key=name, facts={"by": by})])

    def named(self, prefix: str) -> dict[str, dict[str, Any]]:
        """Return every setting whose name begins so, by name."""
        found = sa.select(settings).where(settings.c.name.startswith(prefix, autoescape=True))
        return {row.name: _group(row.value) for row in self.database.rows(found)}

    def forget(self, name: str, by: str) -> None:
        """Take a setting away; who and when is told to the log."""
        now = self.clock()
        with self.database.write() as connection:
            connection.execute(settings.delete().where(settings.c.name == name))
            tell(connection, now, [Event(event="setting_forgotten", key=name, facts={"by": by})])


def _group(value: object) -> dict[str, Any]:
    """Return a stored setting; what is no group of values was written by no console, and counts as none."""
    return dict(value) if isinstance(value, dict) else {}
