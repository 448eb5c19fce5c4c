"""Copies of SQLite files: complete while others write, and made before a change of tables."""

import os
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

from integration.store.files import (
    copy_file,
    integrity_error,
    leftover_files,
    remove_leftovers,
)


def test_a_copy_is_of_one_moment_while_somebody_writes_all_the_time(tmp_path: Path) -> None:
    path, stop = tmp_path / "a.sqlite", threading.Event()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE pairs (side TEXT PRIMARY KEY, n INTEGER, filling BLOB)")
        connection.executemany("INSERT INTO pairs VALUES (?, 0, randomblob(4000000))", [("a",), ("b",)])
        connection.commit()

    def write() -> None:
        with closing(sqlite3.connect(path, timeout=30)) as other:
            while not stop.is_set():
                with other:
                    other.execute("UPDATE pairs SET n = n + 1")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        copy_file(path, tmp_path / "b.sqlite")
    finally:
        stop.set()
        writer.join()

    with closing(sqlite3.connect(tmp_path / "b.sqlite")) as copy:
        (first_count,), (other,) = copy.execute("SELECT n FROM pairs").fetchall()
    assert (first_count, integrity_error(tmp_path / "b.sqlite")) == (other, "")
    assert (tmp_path / "b.sqlite").stat().st_mode & 0o777 == 0o600


def test_what_dead_processes_left_is_removed_and_what_living_ones_make_is_not(tmp_path: Path) -> None:
    ended = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    dead, alive = ended.stdout.decode().strip(), os.getpid()
    for process in (dead, alive):
        (tmp_path / f".restore.{process}").mkdir()
        (tmp_path / f".restore.{process}" / "console.key").write_bytes(b"the key of a backup")
        (tmp_path / f"console.key.{process}").write_bytes(b"the same")
        (tmp_path / f"mine.{process}").write_bytes(b"of somebody else")
    for name in ("console.sqlite", "console.key", "log.duckdb.broken-20261126"):
        (tmp_path / name).write_bytes(b"kept")

    assert [path.name for path in leftover_files(tmp_path)] == [f".restore.{dead}", f"console.key.{dead}"]
    remove_leftovers(tmp_path)

    assert leftover_files(tmp_path) == []
    assert {path.name for path in tmp_path.iterdir()} == {
        f".restore.{alive}", f"console.key.{alive}", f"mine.{alive}", f"mine.{dead}", "console.sqlite", "console.key",
        "log.duckdb.broken-20261126",
    }  # fmt: skip
