"""The room of what is gone, given back: of a SQLite file a little at a time, by PostgreSQL itself."""

import shutil
import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

BUSY_SECONDS = 30.0
PAGES = 500  # given back in one transaction: 2 MB
PAUSE_SECONDS = 0.02  # between two, in which others write
WORTH = 4_096  # free pages below which nothing is done: 16 MB
SHARE = 4  # a file that gives nothing back by itself is written anew when one page in so many is free
INCREMENTAL = 2


@dataclass(frozen=True, slots=True)
class FileSpace:
    """What a file takes and how much of that is free, in bytes; `before` is what it took before."""

    size: int
    free: int
    before: int


def room_of(path: Path) -> FileSpace:
    """Return what a SQLite file takes, with what is written and not yet part of it."""
    with closing(_opened(path)) as connection:
        return _room(connection, path, _size(path))


def incremental_vacuum(path: Path, *, whole: bool, worth: int = WORTH) -> FileSpace:
    """Give free pages of a SQLite file back, in small transactions, and return what it takes then.

    A file of before, which cannot do so, is written anew once where that pays and `whole` says that nobody is at work:
    from then on it can. Others wait at most as long as that takes.
    """
    before = _size(path)
    with closing(_opened(path)) as connection:
        if _number(connection, "auto_vacuum") == INCREMENTAL:
            while (free := _number(connection, "freelist_count")) > 0:
                connection.execute(f"PRAGMA incremental_vacuum({PAGES})").fetchall()
                if _number(connection, "freelist_count") >= free:
                    break
                time.sleep(PAUSE_SECONDS)
        elif whole and _pays(connection, path, worth):
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
            connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        return _room(connection, path, before)


def _pays(connection: sqlite3.Connection, path: Path, worth: int) -> bool:
    pages, free = _number(connection, "page_count"), _number(connection, "freelist_count")
    has_room = shutil.disk_usage(path.parent).free > 3 * pages * _number(connection, "page_size")
    return free >= worth and free * SHARE >= pages and has_room


def _room(connection: sqlite3.Connection, path: Path, before: int) -> FileSpace:
    free = _number(connection, "freelist_count") * _number(connection, "page_size")
    return FileSpace(_size(path), free, before)


def _number(connection: sqlite3.Connection, pragma: str) -> int:
    return int(connection.execute(f"PRAGMA {pragma}").fetchone()[0])


def _opened(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, isolation_level=None, timeout=BUSY_SECONDS)


def _size(path: Path) -> int:
    files = (path, path.with_name(f"{path.name}-wal"))
    return sum(one.stat().st_size for one in files if one.exists())


def vacuum(engine: sa.Engine) -> None:
    """Let PostgreSQL use the room of what is gone again; its files keep their size, as a plain VACUUM does."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("VACUUM"))


def full_vacuum(path: Path, seconds: float = BUSY_SECONDS) -> bool:
    """Write a SQLite file anew, with nothing of what is gone in it or beside it, and tell whether that came about.

    Others wait as long as that takes. Whoever reads all the time keeps what was written before beside the file.
    """
    until = time.monotonic() + seconds
    with closing(_opened(path)) as connection:
        connection.execute("VACUUM")
        while True:
            (busy, *_) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            if not busy or time.monotonic() > until:
                return not busy
            time.sleep(PAUSE_SECONDS)
