"""Spaces calls evenly, and delays them when a system asks for a pause."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from integration.connectors.answer import HttpAnswer


class Throttle:
    """Spaces calls evenly, and delays all of them while a system asks for a pause. Safe to share between threads."""

    def __init__(self, per_second: float, clock: Callable[[], float], sleep: Callable[[float], None]) -> None:
        self._spacing = 1 / per_second
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._next = clock()
        self._paused_until = self._next

    def wait_turn(self) -> None:
        """Block until the call may begin."""
        while True:
            with self._lock:
                now = self._clock()
                start = max(now, self._next, self._paused_until)
                self._next = start + self._spacing
            if start > now:
                self._sleep(start - now)
            if start >= self._paused_until:
                return

    def hold(self, seconds: float) -> None:
        """Delay all calls until this many seconds have passed."""
        with self._lock:
            self._paused_until = max(self._paused_until, self._clock() + seconds)


def requested_pause(answer: HttpAnswer) -> float | None:
    """Return the requested pause in seconds (RFC 9110, 10.2.3: a number of seconds or a date), or None."""
    text = answer.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(text)
    until = _http_date(text)
    if until is None:
        return None
    now = _http_date(answer.headers.get("date", "")) or datetime.now(UTC)  # their clock, since it is their date
    return max(0.0, (until - now).total_seconds())


def _http_date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
