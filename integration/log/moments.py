"""Moments as the log keeps them: in UTC, without saying so."""

from datetime import UTC, datetime

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


def naive(moment: datetime) -> datetime:
    """Return a moment as the log keeps it."""
    return moment.astimezone(UTC).replace(tzinfo=None)


def aware(moment: datetime) -> datetime:
    """Return a moment of the log with what it does not say: that it is UTC."""
    return moment.replace(tzinfo=UTC)
