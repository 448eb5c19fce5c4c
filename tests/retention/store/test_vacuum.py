"""Room that is given back."""

import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

from integration.retention.store.vacuum import file_space, incremental_vacuum
from integration.store.tables import settings
from tests.clocks import now
from tests.stores import new_database


def fill_file(path: Path, *pragmas: str) -> None:
    """A file of which most is gone again."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for pragma in (*pragmas, "journal_mode = WAL"):
            connection.execute(f"PRAGMA {pragma}").fetchall()
        connection.execute("CREATE TABLE IF NOT EXISTS filler (n INTEGER PRIMARY KEY, told TEXT)")
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO filler (told) VALUES (?)", (("x" * 3_000,) for _ in range(1_000)))
        connection.execute("COMMIT")
        connection.execute("DELETE FROM filler WHERE n % 40")


@pytest.mark.long
def test_what_one_large_change_took_beside_the_file_is_given_back_by_the_next(tmp_path: Path) -> None:
    database, beside = new_database(tmp_path / "console.sqlite"), tmp_path / "console.sqlite-wal"
    values = {"value": "x" * 5_000, "by": "anna", "changed_at": now()}
    with database.write() as connection:
        connection.execute(settings.insert(), [{"name": f"n{number}", **values} for number in range(30_000)])
    large = beside.stat().st_size
    for _ in range(2):
        with database.write() as connection:
            connection.execute(settings.update().where(settings.c.name == "n1").values(by="ben"))
    assert beside.stat().st_size < large / 2
    database.close()


@pytest.mark.long
def test_a_new_database_gives_back_what_is_free_while_others_write(tmp_path: Path) -> None:
    path, stop, write_count = tmp_path / "console.sqlite", threading.Event(), [0]
    new_database(path).close()
    fill_file(path)
    before = file_space(path)

    def go_on() -> None:
        with closing(sqlite3.connect(path, isolation_level=None, timeout=5)) as connection:
            while not stop.is_set():
                connection.execute("INSERT INTO filler (told) VALUES ('meanwhile')")
                write_count[0] += 1
                time.sleep(0.02)  # as between two changes that are proven

    working = threading.Thread(target=go_on)
    working.start()
    try:
        after = incremental_vacuum(path)
    finally:
        stop.set()
        working.join()
    assert write_count[0] > 0
    assert before.free > 2_000_000
    assert (after.before >= before.size, after.free < 200_000) == (True, True)  # the other wrote before it, too
    assert incremental_vacuum(path).size < before.size / 3
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM filler WHERE told = 'meanwhile'").fetchone() == (
            write_count[0],
        )
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
