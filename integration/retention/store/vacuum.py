"""Returns free space to the file system: of SQLite files in small steps, or by a VACUUM of PostgreSQL."""

import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

BUSY_SECONDS = 30.0
PAGES = 500  # per transaction: 2 MB
PAUSE_SECONDS = 0.02  # between two transactions, so that others can write


@dataclass(frozen=True, slots=True)
class FileSpace:
    """Size and free space of a file in bytes. `before` is its size before a vacuum."""

    size: int
    free: int
    before: int


def file_space(path: Path) -> FileSpace:
    """Return size and free space of a SQLite file, including its WAL file."""
    with closing(_open_database(path)) as connection:
        return _space_of(connection, path, _size(path))


def incremental_vacuum(path: Path) -> FileSpace:
    """Return free pages of a SQLite file to the file system in small transactions, and return its new size."""
    before = _size(path)
    with closing(_open_database(path)) as connection:
        while (free := _pragma_value(connection, "freelist_count")) > 0:
            connection.execute(f"PRAGMA incremental_vacuum({PAGES})").fetchall()
            if _pragma_value(connection, "freelist_count") >= free:
                break
            time.sleep(PAUSE_SECONDS)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        return _space_of(connection, path, before)


def _space_of(connection: sqlite3.Connection, path: Path, before: int) -> FileSpace:
    free = _pragma_value(connection, "freelist_count") * _pragma_value(connection, "page_size")
    return FileSpace(_size(path), free, before)


def _pragma_value(connection: sqlite3.Connection, pragma: str) -> int:
    return int(connection.execute(f"PRAGMA {pragma}").fetchone()[0])


def _open_database(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, isolation_level=None, timeout=BUSY_SECONDS)


def _size(path: Path) -> int:
    files = (path, path.with_name(f"{path.name}-wal"))
    return sum(file.stat().st_size for file in files if file.exists())


def vacuum(engine: sa.Engine) -> None:
    """Make the space of deleted rows reusable in PostgreSQL. A plain VACUUM does not shrink the files."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("VACUUM"))


def full_vacuum(path: Path, seconds: float = BUSY_SECONDS) -> bool:
    """Rewrite a SQLite file without deleted data, empty its WAL file, and return whether both succeeded.

    Other processes wait meanwhile. Continuous readers can keep old data in the WAL file; the result is then False.
    """
    until = time.monotonic() + seconds
    with closing(_open_database(path)) as connection:
        connection.execute("VACUUM")
        while True:
            (busy, *_) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            if not busy or time.monotonic() > until:
                return not busy
            time.sleep(PAUSE_SECONDS)
