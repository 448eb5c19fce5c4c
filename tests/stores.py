"""What an application keeps, looked at past its services, and new databases for it."""

import tempfile
from functools import cache
from pathlib import Path

from integration.bootstrap import now
from integration.sandbox.server import Sandbox
from integration.services import Application
from integration.store.database import Database, open_database
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


def new_database(file: Path) -> Database:
    """Open a database in which nothing is yet: the copy of one, whose migrations are passed once in a process."""
    file.write_bytes(_migrated())
    return open_database(f"sqlite:///{file}")


@cache
def _migrated() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "console.sqlite"
        open_database(f"sqlite:///{file}").close()
        return file.read_bytes()
