"""The sandbox and the log of `tests/services`."""

from tests.services.conftest import database, events, logbook, shared_logbook, shop

__all__ = ["database", "events", "logbook", "shared_logbook", "shop"]
