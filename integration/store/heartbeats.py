"""Which processes are alive: a process that has stopped beating has its runs taken over."""

from datetime import timedelta

import sqlalchemy as sa

from integration.store.database import Clock, Database, upsert
from integration.store.tables import heartbeats


class Heartbeats:
    """The last sign of life of every process."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self.database = database
        self.clock = clock

    def beat(self, executor: str) -> None:
        """Say that this process is alive."""
        with self.database.write() as connection:
            upsert(connection, heartbeats, [{"executor": executor, "beaten_at": self.clock()}])

    def dead(self, older_than_seconds: float) -> list[str]:
        """Return the processes that gave no sign of life for so long."""
        limit = self.clock() - timedelta(seconds=older_than_seconds)
        with self.database.read() as connection:
            found = sa.select(heartbeats.c.executor).where(heartbeats.c.beaten_at < limit)
            return list(connection.execute(found.order_by(heartbeats.c.executor)).scalars())

    def forget(self, executor: str) -> None:
        """Drop a process that ended, or whose runs were taken over."""
        with self.database.write() as connection:
            connection.execute(heartbeats.delete().where(heartbeats.c.executor == executor))
