"""Clocks for tests."""

from datetime import UTC, datetime, timedelta


def now() -> datetime:
    """Return the present moment, as production does."""
    return datetime.now(UTC)


class Ahead:
    """The clock of a machine on which days have passed."""

    def __init__(self) -> None:
        self._by = timedelta()

    def __call__(self) -> datetime:
        """Return the present moment there."""
        return now() + self._by

    def pass_days(self, days: int) -> None:
        """Let days pass at once."""
        self._by += timedelta(days=days)


class Clock:
    """A clock that stands still until it is told to go on."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        """Return the present moment."""
        return self.now

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)
