"""Health of this console: free disk space, the heartbeat of its engine, and delivery of events to the log."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from integration.core.authorization import requires
from integration.core.people import Right
from integration.log.logbook import Logbook
from integration.services.engine_lifecycle import EngineHandle
from integration.store.database import Clock, Database
from integration.store.heartbeats import Heartbeats
from integration.store.outbox_reader import OutboxReader

MIN_FREE = 100_000_000  # bytes; with less, no run begins
BEAT_SECONDS = 30.0
DRAIN_SECONDS = 180.0


@dataclass(frozen=True, slots=True)
class Health:
    """Health figures for a monitor. An age is None if there is nothing to measure."""

    free_bytes: int
    heartbeat_age_seconds: float | None
    events_waiting: int
    oldest_event_age_seconds: float | None
    undrained_seconds: float | None  # since the last delivery to the log, if this process delivers
    log_is_away: bool = False  # the log process has ended and does not start
    blocking_process: int | None = None  # id of a suspended process that blocks all writes to the database

    @property
    def problems(self) -> dict[str, dict[str, str]]:
        """Problems of this console: the facts of each by its cause."""
        beaten, undrained = self.heartbeat_age_seconds, self.undrained_seconds
        problems: dict[str, dict[str, str]] = {}
        if self.free_bytes < MIN_FREE:
            problems["disk_full"] = {"free": f"{self.free_bytes // 1_000_000} MB", "needed": "100 MB"}
        if beaten is None or beaten > BEAT_SECONDS:
            problems["no_heartbeat"] = {"seconds": "?" if beaten is None else f"{beaten:.0f}"}
        if self.blocking_process is not None:
            problems["database_held"] = {"process": str(self.blocking_process)}
        if self.log_is_away:
            problems["log_away"] = {}
        if undrained is not None and undrained > DRAIN_SECONDS and self.events_waiting:
            problems["log_behind"] = {"seconds": f"{undrained:.0f}", "count": str(self.events_waiting)}
        return problems


class HealthCheck:
    """Checks what this process needs to work."""

    def __init__(
        self,
        data: Path,
        database: Database,
        events: OutboxReader,
        heartbeats: Heartbeats,
        clock: Clock,
        work: EngineHandle,
        logbook: Logbook,
    ) -> None:
        self._data = data
        self._database = database
        self._events = events
        self._heartbeats = heartbeats
        self._clock = clock
        self._work = work
        self._logbook = logbook

    @requires(Right.SEE)
    def read(self) -> Health:
        """Return the health of this process. Raises IntegrationError if its database cannot be read."""
        now = self._clock()

        def age(moment: datetime | None) -> float | None:
            return None if moment is None else max(0.0, (now - moment).total_seconds())

        return Health(
            free_bytes=shutil.disk_usage(self._data).free,
            heartbeat_age_seconds=age(self._heartbeats.last_beat(self._work.executor)),
            events_waiting=self._events.count(),
            oldest_event_age_seconds=age(self._events.oldest()),
            undrained_seconds=self._logbook.seconds_since_drain(),
            log_is_away=self._logbook.is_away,
            blocking_process=self._database.suspended_lock_holder(),
        )


def health_report(health: Health) -> Mapping[str, object]:
    """Return the health of a process as JSON values for programs."""
    return {
        "status": "unwell" if health.problems else "well",
        "causes": list(health.problems),
        "free_bytes": health.free_bytes,
        "heartbeat_age_seconds": health.heartbeat_age_seconds,
        "events_waiting": health.events_waiting,
        "oldest_event_age_seconds": health.oldest_event_age_seconds,
    }
