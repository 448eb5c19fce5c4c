"""Stores the heartbeats of processes. Runs of a process without heartbeat are taken over by another."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from integration.store.database import Store, upsert
from integration.store.tables import heartbeats, stopped_executors


@dataclass(frozen=True, slots=True)
class HeartbeatInterval:
    """Seconds between heartbeats, and seconds without one after which a process counts as dead."""

    apart: float = 2.0
    dead_after: float = 15.0


DEFAULT_INTERVAL = HeartbeatInterval()


class Heartbeats(Store):
    """Stores the last heartbeat of every process."""

    def beat(self, executor: str) -> None:
        """Store a heartbeat of this process."""
        with self.database.write() as connection:
            upsert(connection, heartbeats, [{"executor": executor, "last_beat_at": self.clock()}])
            connection.execute(stopped_executors.delete().where(stopped_executors.c.executor == executor))

    def last_beat(self, executor: str) -> datetime | None:
        """Return the last heartbeat of a process, or None if it has none or ended."""
        beat: datetime | None = self.database.scalar(
            sa.select(heartbeats.c.last_beat_at).where(heartbeats.c.executor == executor)
        )
        return beat

    def alive(self, older_than_seconds: float) -> list[str]:
        """Return the names of processes with a heartbeat in the last `older_than_seconds`."""
        return self._process_names(~self._is_silent(older_than_seconds))

    def dead(self, older_than_seconds: float) -> list[str]:
        """Return the names of processes without one. One in the future is invalid: the clock was set back."""
        return self._process_names(self._is_silent(older_than_seconds))

    def _is_silent(self, seconds: float) -> sa.ColumnElement[bool]:
        now, apart = self.clock(), timedelta(seconds=seconds)
        beaten = heartbeats.c.last_beat_at
        return sa.or_(beaten < now - apart, beaten > now + apart)

    def _process_names(self, condition: sa.ColumnElement[bool]) -> list[str]:
        query = sa.select(heartbeats.c.executor).where(condition).order_by(heartbeats.c.executor)
        return [row.executor for row in self.database.rows(query)]

    def forget(self, executor: str) -> None:
        """Delete the heartbeat of a process that ended."""
        with self.database.write() as connection:
            connection.execute(heartbeats.delete().where(heartbeats.c.executor == executor))
            connection.execute(stopped_executors.delete().where(stopped_executors.c.executor == executor))

    def mark_dead(self, executor: str) -> None:
        """Delete the heartbeat of a process whose runs were taken over, and store that it was lost."""
        condition = heartbeats.c.executor == executor
        with self.database.write() as connection:
            beaten = connection.execute(sa.select(heartbeats.c.last_beat_at).where(condition)).scalar()
            connection.execute(heartbeats.delete().where(condition))
            if beaten is not None:
                upsert(connection, stopped_executors, [{"executor": executor, "last_beat_at": beaten}])

    def dead_processes(self) -> dict[str, datetime]:
        """Return the lost processes that were not restarted, with their last heartbeat."""
        rows = self.database.rows(sa.select(stopped_executors).order_by(stopped_executors.c.executor))
        return {row.executor: row.last_beat_at for row in rows}
