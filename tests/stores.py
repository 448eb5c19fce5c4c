"""The stores of an application, without its services, and new databases for tests."""

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from functools import cache
from pathlib import Path

import pytest
import sqlalchemy as sa

from integration.application.application import Application
from integration.application.stores import Stores, stores_of
from integration.core.clocks import now
from integration.engine.tables import make_ready
from integration.sandbox.server import Sandbox
from integration.store.database import Database, open_database

_open_stores: dict[int, Stores] = {}
_shared_engines: dict[
    bool, sa.Engine
] = {}  # the ones whose statements all share: of the engine's files, and of all others


@sa.event.listens_for(sa.Engine, "engine_connect")
def _share_statements(connection: sa.Connection) -> None:
    """Compile SQLite statements once per process, not once per file."""
    engine = connection.engine
    if engine.dialect.name == "sqlite" and not isinstance(engine.pool, sa.NullPool):
        first = _shared_engines.setdefault(Path(engine.url.database or "").name == "engine.sqlite", engine)
        for shared_engine in (
            engine,
            getattr(engine, "_proxied", engine),
        ):  # one with options of its own, and the one behind it
            shared_engine.dialect, shared_engine._compiled_cache = (
                first.dialect,
                first._compiled_cache,
            )  # a text is known by its dialect
        connection.dialect = first.dialect


def stores_in(application: Application) -> Stores:
    """Return the stores of an application, opened once and closed with it."""
    key = id(application)
    if key not in _open_stores:
        database = open_database(application.settings.operational_url())
        _open_stores[key] = stores_of(database, now)
        application.closing.callback(_open_stores.pop, key)
        application.closing.callback(database.close)
    return _open_stores[key]


def sandbox_of(application: Application) -> Sandbox:
    """Return the sandbox systems of an application."""
    assert application.sandbox.running is not None
    return application.sandbox.running


def new_database(file: Path) -> Database:
    """Open an empty database: a copy of one that is migrated once per process."""
    prepare(file)
    return open_database(f"sqlite:///{file}")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """An empty database."""
    opened = new_database(tmp_path / "console.sqlite")
    yield opened
    opened.close()


def prepare(file: Path) -> None:
    """Create a missing database as a copy, without running all migrations again."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(_database_template())


def prepare_engine(file: Path) -> None:
    """Create a missing file of the engine in the same way."""
    if not file.exists():
        file.write_bytes(_engine_template())


@cache
def _engine_template() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "engine.sqlite"
        make_ready(f"sqlite:///{file}", "nobody")
        with closing(sqlite3.connect(file)) as connection:
            connection.execute("DELETE FROM queues")  # who opens a copy has its own
            connection.commit()
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return file.read_bytes()


@cache
def _database_template() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "console.sqlite"
        open_database(f"sqlite:///{file}").close()
        with closing(sqlite3.connect(file)) as connection:
            connection.execute("DELETE FROM instance")  # who opens a copy says who it is
            connection.commit()
        return file.read_bytes()
