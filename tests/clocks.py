"""Clocks for tests."""

from datetime import UTC, datetime, timedelta


def now() -> datetime:
    """Return the present moment, as production does."""
    return datetime.now(UTC)


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
