"""The sandbox and the log of `tests/services`, and the clock of `tests/store`."""

from tests.services.conftest import database, events, logbook, shared_logbook, shop
from tests.store.conftest import clock

__all__ = ["clock", "database", "events", "logbook", "shared_logbook", "shop"]
