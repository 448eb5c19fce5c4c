"""Copies of SQLite files: whole while others write, and kept before tables are changed."""

import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest

from integration.store import database
from integration.store.database import open_database
from integration.store.files import (
    copies_beside,
    copy_before,
    copy_file,
    integrity_error,
    leftover_files,
    remove_leftovers,
)

LATER = """
import sqlalchemy as sa
from alembic import op
revision, down_revision = "0002", "0001"
def upgrade():
    op.add_column("settings", sa.Column("later", sa.Text(), nullable=False, server_default=""))
"""


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


def test_a_file_of_an_earlier_version_is_copied_before_its_tables_are_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, migrations = tmp_path / "data" / "console.sqlite", tmp_path / "migrations"
    open_database(f"sqlite:///{path}").close()
    shutil.copytree(database.MIGRATIONS, migrations)
    (migrations / "versions" / "0002_later.py").write_text(LATER, encoding="utf-8")
    monkeypatch.setattr(database, "MIGRATIONS", migrations)

    open_database(f"sqlite:///{path}").close()
    open_database(f"sqlite:///{path}").close()

    (copy,) = copies_beside(path)
    assert (copy.name, copy.stat().st_mode & 0o777, integrity_error(copy)) == ("console.sqlite.before-0001", 0o600, "")
    for file, revision in ((copy, "0001"), (path, "0002")):
        with closing(sqlite3.connect(file)) as connection:
            assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == (revision,)


def test_a_new_database_has_no_copy_beside_it(tmp_path: Path) -> None:
    open_database(f"sqlite:///{tmp_path / 'console.sqlite'}").close()
    assert list(copies_beside(tmp_path / "console.sqlite")) == []


def test_the_last_three_copies_of_before_are_kept_and_no_more(tmp_path: Path) -> None:
    path = tmp_path / "console.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE one (n INTEGER)")

    for number, revision in enumerate(["0009", "0003", "0011", "0005", "0013"]):
        copy_before(path, revision)
        os.utime(path.with_name(f"console.sqlite.before-{revision}"), (number, number))
        (tmp_path / "console.sqlite.before-0001.7").write_bytes(b"")  # on its way, by another process

    assert [file.suffix for file in copies_beside(path)] == [".before-0011", ".before-0005", ".before-0013"]


def test_what_dead_processes_left_is_removed_and_what_living_ones_make_is_not(tmp_path: Path) -> None:
    ended = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    dead, alive = ended.stdout.decode().strip(), os.getpid()
    for process in (dead, alive):
        (tmp_path / f".restore.{process}").mkdir()
        (tmp_path / f".restore.{process}" / "console.key").write_bytes(b"the key of a backup")
        (tmp_path / f"console.key.{process}").write_bytes(b"the same")
        (tmp_path / f"mine.{process}").write_bytes(b"of somebody else")
    for name in ("console.sqlite", "console.key", "console.sqlite.before-0009", "log.duckdb.broken-20261126"):
        (tmp_path / name).write_bytes(b"kept")

    assert [path.name for path in leftover_files(tmp_path)] == [f".restore.{dead}", f"console.key.{dead}"]
    remove_leftovers(tmp_path)

    assert leftover_files(tmp_path) == []
    assert {path.name for path in tmp_path.iterdir()} == {
        f".restore.{alive}", f"console.key.{alive}", f"mine.{alive}", f"mine.{dead}", "console.sqlite", "console.key",
        "console.sqlite.before-0009", "log.duckdb.broken-20261126",
    }  # fmt: skip
