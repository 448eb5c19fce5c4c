"""Clocks for tests."""

from datetime import UTC, datetime


def now() -> datetime:
    """Return the present moment, as production does."""
    return datetime.now(UTC)
