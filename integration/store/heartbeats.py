"""Which processes are alive: a process that has stopped beating has its runs taken over."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from integration.store.database import Store, upsert
from integration.store.tables import heartbeats, stopped


@dataclass(frozen=True, slots=True)
class HeartbeatInterval:
    """How many seconds apart signs of life are, and after how many without one a process counts as dead."""

    apart: float = 2.0
    dead_after: float = 15.0


USUAL = HeartbeatInterval()


class Heartbeats(Store):
    """The last sign of life of every process."""

    def beat(self, executor: str) -> None:
        """Say that this process is alive."""
        with self.database.write() as connection:
            upsert(connection, heartbeats, [{"executor": executor, "beaten_at": self.clock()}])
            connection.execute(stopped.delete().where(stopped.c.executor == executor))

    def last(self, executor: str) -> datetime | None:
        """Return when a process gave its last sign of life, or None when it never did or ended."""
        found: datetime | None = self.database.scalar(
            sa.select(heartbeats.c.beaten_at).where(heartbeats.c.executor == executor)
        )
        return found

    def alive(self, older_than_seconds: float) -> list[str]:
        """Return the processes that gave a sign of life since, by their names."""
        return self._named(~self._silent(older_than_seconds))

    def dead(self, older_than_seconds: float) -> list[str]:
        """Return the processes that gave no sign of life for so long; one from the future is of a clock set back."""
        return self._named(self._silent(older_than_seconds))

    def _silent(self, seconds: float) -> sa.ColumnElement[bool]:
        now, apart = self.clock(), timedelta(seconds=seconds)
        beaten = heartbeats.c.beaten_at
        return sa.or_(beaten < now - apart, beaten > now + apart)

    def _named(self, which: sa.ColumnElement[bool]) -> list[str]:
        found = sa.select(heartbeats.c.executor).where(which).order_by(heartbeats.c.executor)
        return [row.executor for row in self.database.rows(found)]

    def forget(self, executor: str) -> None:
        """Drop a process that ended."""
        with self.database.write() as connection:
            connection.execute(heartbeats.delete().where(heartbeats.c.executor == executor))
            connection.execute(stopped.delete().where(stopped.c.executor == executor))

    def lose(self, executor: str) -> None:
        """Drop a process whose runs were taken over, and remember that it ended without a word."""
        here = heartbeats.c.executor == executor
        with self.database.write() as connection:
            beaten = connection.execute(sa.select(heartbeats.c.beaten_at).where(here)).scalar()
            connection.execute(heartbeats.delete().where(here))
            if beaten is not None:
                upsert(connection, stopped, [{"executor": executor, "beaten_at": beaten}])

    def lost(self) -> dict[str, datetime]:
        """Return the processes that ended without a word and were not begun again, with their last sign of life."""
        found = self.database.rows(sa.select(stopped).order_by(stopped.c.executor))
        return {row.executor: row.beaten_at for row in found}
