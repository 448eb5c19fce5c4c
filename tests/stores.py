"""What an application keeps, looked at past its services."""

from integration.bootstrap import now
from integration.sandbox.server import Sandbox
from integration.services import Application
from integration.store.database import open_database
from integration.store.stores import Stores, stores_of

_opened: dict[int, Stores] = {}


def stores_in(application: Application) -> Stores:
    """Return the stores of an application, opened once and closed with it."""
    key = id(application)
    if key not in _opened:
        database = open_database(application.settings.operational_url())
        _opened[key] = stores_of(database, now)
        application.closing.callback(_opened.pop, key)
        application.closing.callback(database.close)
    return _opened[key]


def built_in(application: Application) -> Sandbox:
    """Return the built-in systems that an application runs."""
    assert application.sandbox.running is not None
    return application.sandbox.running
