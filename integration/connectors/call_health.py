"""Health of a connection, derived from its real calls: whether the system answers, since when, and why not."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class HealthSnapshot:
    """Health of one connection at a moment. `since` is None before the first call."""

    since: datetime | None = None  # when the current state (answering or not) began
    answered_at: datetime | None = None
    milliseconds: int | None = None  # duration of the last answered call
    cause: str = ""  # why there is no answer; empty while there is one
    facts: Mapping[str, str] = field(default_factory=dict)
    called_at: datetime | None = None


class CallHealth:
    """Keeps the health of one connection; safe to share between threads.

    Calls run in parallel. The latest result counts: one answered call is enough for the system to be healthy.
    """

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._snapshot = HealthSnapshot()

    def snapshot(self) -> HealthSnapshot:
        """Return the current health."""
        return self._snapshot

    def answered(self, seconds: float) -> None:
        """Record that a call was answered after this number of seconds."""
        with self._lock:
            now, before = self._now(), self._snapshot
            continues = before.since is not None and not before.cause
            self._snapshot = HealthSnapshot(
                before.since if continues else now, now, round(seconds * 1000), called_at=now
            )

    def failed(self, cause: str, facts: Mapping[str, str]) -> None:
        """Record that a call was not answered, and why."""
        with self._lock:
            now, before = self._now(), self._snapshot
            since = before.since if before.cause else now
            self._snapshot = replace(before, since=since, cause=cause, facts=dict(facts), called_at=now)
