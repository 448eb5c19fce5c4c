"""Processes that change the key of a console and are killed in it, or work on while another does."""

import os
import signal
import sys
from pathlib import Path

import sqlalchemy as sa

from integration.store.database import open_database
from integration.store.secrets import ConnectionStore
from tests.clocks import now

TOUCHES = ("open", "os.rename", "os.remove", "os.link", "os.chmod")  # what a file notices


def change_until(url: str, file: Path, moment: int, key: str = "", before: str = "") -> None:
    """Change the key, and die at this touch of a file or of the database."""
    database = open_database(url)
    connection_store = ConnectionStore(database, now, key=key, before=before, key_file=file)
    _die_at(moment, database.engine, file.parent)
    connection_store.change_key("anna")
    database.close()


def _die_at(moment: int, engine: sa.Engine, folder: Path) -> None:
    remaining = moment

    def count_touch(*_: object) -> None:
        nonlocal remaining
        remaining -= 1
        if remaining == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def watch_event(event: str, arguments: tuple[object, ...]) -> None:
        if event in TOUCHES and str(arguments[0]).startswith(str(folder)):
            count_touch()

    for event in ("begin", "commit", "before_cursor_execute", "after_cursor_execute"):
        sa.event.listen(engine, event, count_touch)
    sys.addaudithook(watch_event)


def work_on(url: str, file: Path, stop: Path, result_file: Path) -> None:
    """Encrypt and decrypt until a file tells it to stop, and write the number of successes or the error."""
    database = open_database(url)
    connection_store = ConnectionStore(database, now, key_file=file)
    turns = 0
    name = f"worker-{os.getpid()}"
    try:
        while not stop.exists():
            turns += 1
            connection_store.renew(name, {"turn": turns})
            values, other = connection_store.get(name), connection_store.get("mplus")
            if values != {"turn": turns} or other is None:
                result_file.write_text(f"{values} {other}", encoding="utf-8")
                return
        result_file.write_text(f"well {turns}", encoding="utf-8")
    except Exception as error:
        result_file.write_text(repr(error), encoding="utf-8")
        raise
    finally:
        database.close()
