"""Which processes are alive: a process that has stopped beating has its runs taken over."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from integration.store.database import Store, upsert
from integration.store.tables import heartbeats


@dataclass(frozen=True, slots=True)
class Pulse:
    """How many seconds apart signs of life are, and after how many without one a process counts as dead."""

    apart: float = 2.0
    dead_after: float = 15.0


USUAL = Pulse()


class Heartbeats(Store):
    """The last sign of life of every process."""

    def beat(self, executor: str) -> None:
        """Say that this process is alive."""
        with self.database.write() as connection:
            upsert(connection, heartbeats, [{"executor": executor, "beaten_at": self.clock()}])

    def last(self, executor: str) -> datetime | None:
        """Return when a process gave its last sign of life, or None when it never did or ended."""
        found: datetime | None = self.database.scalar(
            sa.select(heartbeats.c.beaten_at).where(heartbeats.c.executor == executor)
        )
        return found

    def dead(self, older_than_seconds: float) -> list[str]:
        """Return the processes that gave no sign of life for so long; one from the future is of a clock set back."""
        now, apart = self.clock(), timedelta(seconds=older_than_seconds)
        beaten = heartbeats.c.beaten_at
        silent = sa.or_(beaten < now - apart, beaten > now + apart)
        found = sa.select(heartbeats.c.executor).where(silent).order_by(heartbeats.c.executor)
        return [row.executor for row in self.database.rows(found)]

    def forget(self, executor: str) -> None:
        """Drop a process that ended, or whose runs were taken over."""
        with self.database.write() as connection:
            connection.execute(heartbeats.delete().where(heartbeats.c.executor == executor))
