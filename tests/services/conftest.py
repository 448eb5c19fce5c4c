"""The log as services ask it."""

from tests.log.conftest import database, events, logbook, told

__all__ = ["database", "events", "logbook", "told"]
