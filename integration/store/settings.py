"""Settings made in the console, kept as JSON under a name."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from integration.store.database import Clock, Database, upsert
from integration.store.events import Event, tell
from integration.store.tables import settings


class StoredSettings:
    """Settings by name. Never a secret: those are kept by `Connections`."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self.database = database
        self.clock = clock

    def get(self, name: str) -> dict[str, Any] | None:
        """Return a setting, or None when it was never made."""
        with self.database.read() as connection:
            found = connection.execute(sa.select(settings.c.value).where(settings.c.name == name)).scalar()
            return None if found is None else dict(found)

    def put(self, name: str, value: Mapping[str, Any], by: str) -> None:
        """Keep a setting; who and when is told to the log."""
        now = self.clock()
        with self.database.write() as connection:
            upsert(connection, settings, [{"name": name, "value": dict(value), "by": by, "changed_at": now}])
            tell(connection, now, [Event(event="setting_changed", key=name, facts={"by": by})])

    def named(self, prefix: str) -> dict[str, dict[str, Any]]:
        """Return every setting whose name begins so, by name."""
        here = settings.c.name.startswith(prefix, autoescape=True)
        with self.database.read() as connection:
            return {row.name: dict(row.value) for row in connection.execute(sa.select(settings).where(here))}

    def forget(self, name: str, by: str) -> None:
        """Take a setting away; who and when is told to the log."""
        now = self.clock()
        with self.database.write() as connection:
            connection.execute(settings.delete().where(settings.c.name == name))
            tell(connection, now, [Event(event="setting_forgotten", key=name, facts={"by": by})])
