"""Reads and empties the outbox for the process that writes the log."""

from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa

from integration.store.columns import Json, TextColumn
from integration.store.database import Store, batches
from integration.store.event_replay import replay
from integration.store.events import Event
from integration.store.outbox import append_events, put_events
from integration.store.prepared_statements import PreparedStatement
from integration.store.tables import outbox

_AS_TEXT = PreparedStatement(
    sa.select(
        *(
            sa.type_coerce(column, TextColumn).label(column.name) if isinstance(column.type, Json) else column
            for column in outbox.c
        )
    )
    .order_by(outbox.c.id)
    .limit(sa.bindparam("most"))
)


class OutboxReader(Store):
    """Reads and empties the outbox."""

    @property
    def instance(self) -> str:
        """The id of the database. The ids of events are unique within it."""
        return self.database.instance

    def record(self, *events: Event) -> None:
        """Record events without a change in the database, such as a connection check or an opened page."""
        with self.database.write() as connection:
            append_events(connection, self.clock(), events)

    def waiting(self, limit: int) -> list[dict[str, object]]:
        """Return up to `limit` waiting events, the lowest ids first, as values by column.

        On PostgreSQL a lower id may appear later, when a longer transaction ends. It is then among the next events.
        """
        with self.database.read() as connection:
            rows = connection.execute(sa.select(outbox).order_by(outbox.c.id).limit(limit)).mappings()
            return [dict(row) for row in rows]

    def texts_waiting(self, limit: int) -> list[dict[str, object]]:
        """Return the waiting events with JSON columns as text, because the log stores them as text too."""
        return [row._asdict() for row in self.database.prepared_rows(_AS_TEXT, {"most": limit})]

    def recreate_events(self, file: str) -> None:
        """Add all events that can be recreated to the outbox, because the log file was set aside as `file`."""
        with self.database.write() as connection:
            append_events(connection, self.clock(), [Event(event="log_replaced", facts={"file": file})])
            for portion in replay(connection):
                if portion:
                    put_events(connection, portion)

    def count(self) -> int:
        """Return the number of waiting events."""
        return int(self.database.scalar(sa.select(sa.func.count()).select_from(outbox)))

    def oldest(self) -> datetime | None:
        """Return the time of the oldest waiting event, or None."""
        moment: datetime | None = self.database.scalar(sa.select(outbox.c.happened_at).order_by(outbox.c.id))
        return moment

    def forget(self, ids: Collection[int]) -> None:
        with self.database.write() as connection:
            for batch in batches(ids):
                connection.execute(outbox.delete().where(outbox.c.id.in_(batch)))
