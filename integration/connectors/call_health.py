"""Whether a system answers, as its real calls tell: since when, when it did last, and what stands in the way."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class HealthSnapshot:
    """What the calls of one connection came to. Nothing was called yet while `since` is None."""

    since: datetime | None = None  # for so long it has answered, or has not
    answered_at: datetime | None = None
    milliseconds: int | None = None  # which the last answer took
    cause: str = ""  # why there is no answer; empty while there is one
    facts: Mapping[str, str] = field(default_factory=dict)
    called_at: datetime | None = None


class CallHealth:
    """Remembers what became of the calls of one connection; safe to share between threads.

    Calls go on side by side: while one of them is answered, the system answers.
    """

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._heard = HealthSnapshot()

    def now(self) -> HealthSnapshot:
        """Return what the calls so far came to."""
        return self._heard

    def answered(self, seconds: float) -> None:
        """Note that a call was answered within so many seconds."""
        with self._lock:
            now, before = self._now(), self._heard
            goes_on = before.since is not None and not before.cause
            self._heard = HealthSnapshot(before.since if goes_on else now, now, round(seconds * 1000), called_at=now)

    def failed(self, cause: str, facts: Mapping[str, str]) -> None:
        """Note that a call was not answered, and why."""
        with self._lock:
            now, before = self._now(), self._heard
            since = before.since if before.cause else now
            self._heard = replace(before, since=since, cause=cause, facts=dict(facts), called_at=now)
