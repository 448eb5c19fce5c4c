"""Opens a database for reading only. It is neither created nor migrated."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa

from integration.core.errors import ConfigurationError
from integration.store.database import Database, file_unusable, known_revisions, parse_url, translated_errors
from integration.store.tables import connections, heartbeats, instance


@dataclass(frozen=True, slots=True)
class InspectedDatabase:
    """A database with the revision of its tables."""

    database: Database
    revision: str


@contextmanager
def open_read_only(url: str) -> Iterator[InspectedDatabase]:
    """Open a database for reading. Raises ConfigurationError and UnavailableError as `open_database` does."""
    address = parse_url(url)
    engine = _read_only_engine(address)
    try:
        with translated_errors(address):
            with engine.connect() as connection:
                if connection.dialect.name == "sqlite":
                    _require_intact(connection)
                revision = str(connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar())
                instance_id = str(connection.execute(sa.select(instance.c.id)).scalar())
            revisions = known_revisions()
            if revision not in revisions:
                raise ConfigurationError("database_too_new", found=revision, known=revisions[0])
            yield InspectedDatabase(Database(engine, instance_id), revision)
    finally:
        engine.dispose()


def _read_only_engine(address: sa.URL) -> sa.Engine:
    if address.get_backend_name() == "postgresql":
        return sa.create_engine(address, poolclass=sa.NullPool, execution_options={"postgresql_readonly": True})
    path = Path(address.database or "").absolute()
    return sa.create_engine(address, creator=lambda: _connect(path), poolclass=sa.NullPool)


def _connect(path: Path) -> sqlite3.Connection:
    how = "mode=ro" if path.with_name(f"{path.name}-wal").exists() else "immutable=1"  # mode=ro would create it
    return sqlite3.connect(f"{path.as_uri()}?{how}", uri=True, timeout=5)


def file_fault(path: Path) -> str:
    """Return the fault of a SQLite file, or an empty text if the file is intact."""
    try:
        with closing(_connect(path)) as connection:
            answer = str(connection.execute("PRAGMA integrity_check(1)").fetchone()[0])
    except sqlite3.Error as error:
        return str(error)
    return "" if answer == "ok" else answer[:200]


def _require_intact(connection: sa.Connection) -> None:
    result = str(connection.exec_driver_sql("PRAGMA integrity_check(1)").scalar())
    if result != "ok":
        raise file_unusable(connection.engine.url.database or "", result[:200])


def sealed_in(database: Database) -> dict[str, bytes]:
    """Return the sealed values, by name."""
    return {row.system: bytes(row.sealed) for row in database.rows(sa.select(connections))}


def last_beat(database: Database, name: str) -> datetime | None:
    """Return the newest heartbeat of the processes named `name` with a number, or None."""
    beaten = sa.select(heartbeats.c.last_beat_at).where(heartbeats.c.executor.startswith(f"{name}-", autoescape=True))
    beat: datetime | None = database.scalar(beaten.order_by(heartbeats.c.last_beat_at.desc()))
    return beat
