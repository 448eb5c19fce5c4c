"""The outbox as whoever keeps the log reads and empties it."""

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
        *(sa.type_coerce(one, TextColumn).label(one.name) if isinstance(one.type, Json) else one for one in outbox.c)
    )
    .order_by(outbox.c.id)
    .limit(sa.bindparam("most"))
)


class OutboxReader(Store):
    """The outbox, as whoever keeps the log reads and empties it."""

    @property
    def instance(self) -> str:
        """The id of the database the events come from: its ids count within it."""
        return self.database.instance

    def tell(self, *events: Event) -> None:
        """Keep events that tell of no change in the database: a connection check, a page that was opened."""
        with self.database.write() as connection:
            append_events(connection, self.clock(), events)

    def waiting(self, limit: int) -> list[dict[str, object]]:
        """Return up to `limit` events that nobody has taken, the lowest ids first, as values by column.

        On PostgreSQL a lower id may appear later, when a longer transaction ends; it is among the next ones then.
        """
        with self.database.read() as connection:
            rows = connection.execute(sa.select(outbox).order_by(outbox.c.id).limit(limit)).mappings()
            return [dict(row) for row in rows]

    def texts_waiting(self, limit: int) -> list[dict[str, object]]:
        """Return the same with what is kept as JSON as its text, for whoever keeps it as text too."""
        return [row._asdict() for row in self.database.ready(_AS_TEXT, {"most": limit})]

    def tell_again(self, file: str) -> None:
        """Tell once more what the database still keeps, for a log whose file had to be set aside under a name."""
        with self.database.write() as connection:
            append_events(connection, self.clock(), [Event(event="log_set_aside", facts={"file": file})])
            for portion in replay(connection):
                if portion:
                    put_events(connection, portion)

    def count(self) -> int:
        """Return how many events wait."""
        return int(self.database.scalar(sa.select(sa.func.count()).select_from(outbox)))

    def oldest(self) -> datetime | None:
        """Return when the event happened that waits longest, or None where none waits."""
        found: datetime | None = self.database.scalar(sa.select(outbox.c.happened_at).order_by(outbox.c.id))
        return found

    def forget(self, ids: Collection[int]) -> None:
        """Take out events that are safely in the log."""
        with self.database.write() as connection:
            for some in batches(ids):
                connection.execute(outbox.delete().where(outbox.c.id.in_(some)))
