"""The sandbox and the log of `tests/services`."""

from tests.services.conftest import asked, database, events, logbook, shop

__all__ = ["asked", "database", "events", "logbook", "shop"]
