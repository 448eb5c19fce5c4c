"""Copies a SQLite file while it is in use, and checks copies."""

import os
import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path

from integration.process.periodic import is_dead

PAGES_AT_ONCE = 2_000
PAUSE_SECONDS = 0.005  # between two portions of pages, so that others can write
BUSY_SECONDS = 30.0
INCOMPLETE_FILES = (".restore.*", "console.*.*", "log.duckdb.*", "sandbox.journal.*")
"""Files whose name ends in the number of the process that makes them, until they are complete."""
MAX_ERROR_LENGTH = 300  # characters of an error message


def copy_file(path: Path, to: Path) -> None:
    """Copy a SQLite database to a new file. Others can write meanwhile; the copy is consistent."""
    make_private(to)
    with closing(_open_database(path)) as source, closing(sqlite3.connect(to, isolation_level=None)) as target:
        source.execute("BEGIN")
        source.execute("SELECT count(*) FROM sqlite_master").fetchone()  # the read transaction begins here
        source.backup(target, pages=PAGES_AT_ONCE, sleep=PAUSE_SECONDS)
        target.execute("PRAGMA journal_mode = DELETE").fetchone()  # one file without -wal and -shm


def make_private(path: Path) -> None:
    """Create an empty file that only its owner can read. Raises FileExistsError."""
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))


def _open_database(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, isolation_level=None, timeout=BUSY_SECONDS)


def integrity_error(path: Path) -> str:
    """Return the fault of a copy of a SQLite database, or an empty string if the copy is intact."""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?immutable=1", uri=True)) as connection:
            (result,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
    except sqlite3.Error as error:
        return str(error)
    return "" if result == "ok" else str(result)[:MAX_ERROR_LENGTH]


def leftover_files(data: Path) -> Sequence[Path]:
    """Return incomplete files that dead processes left in a data folder. They are never used again."""
    paths = {path for pattern in INCOMPLETE_FILES for path in data.glob(pattern)}
    return sorted(path for path in paths if path.suffix[1:].isdecimal() and is_dead(int(path.suffix[1:])))


def remove_leftovers(data: Path) -> None:
    """Remove incomplete files of dead processes from a data folder. They may contain a key."""
    for path in leftover_files(data):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            with suppress(OSError):
                path.unlink()
