"""Clocks for tests."""

from datetime import UTC, datetime, timedelta


def now() -> datetime:
    """Return the present moment, as in production."""
    return datetime.now(UTC)


class ShiftedClock:
    """The clock of this machine, moved ahead by a test."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        """Return the moved time."""
        return now() + self.ahead

    def pass_days(self, days: int) -> None:
        """Move the clock forward by days."""
        self.ahead += timedelta(days=days)


class Clock:
    """A clock that stands still until `advance`."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        """Return the present moment."""
        return self.now

    def advance(self, seconds: float) -> None:
        """Move the clock forward."""
        self.now += timedelta(seconds=seconds)
