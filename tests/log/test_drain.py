"""Exactly once: writers and the drainer are real processes, killed at random moments."""

import random
import subprocess
import sys
import time
from collections.abc import Callable, Collection
from pathlib import Path

import pytest

from integration.log.logbook import Logbook
from integration.store.database import Database, open_database
from integration.store.events import Event
from integration.store.outbox import append_events
from integration.store.outbox_reader import OutboxReader
from tests.log.conftest import NOW
from tests.timeouts import SECONDS

WRITER = """
import random, sys, time
from datetime import UTC, datetime
from integration.store import cursors
from integration.store.database import open_database
from integration.store.events import Event
from integration.store.outbox import append_events
url, name, longest = sys.argv[1], sys.argv[2], float(sys.argv[3])
database, now = open_database(url), datetime.now(UTC)
print("ready", flush=True)
number = 0
while True:
    number += 1
    with database.write() as connection:
        for part in ("a", "b"):  # two statements: their ids need not be neighbours
            side = f"{name}-{number}-{part}"
            append_events(connection, now, [Event(event="test", key=side)])
            time.sleep(random.random() * longest)
            cursors.keep_cursors(connection, now, "test", {side: "kept"})
"""

DRAINER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from integration.log.logbook import Logbook
from integration.store.database import open_database
from integration.store.outbox_reader import OutboxReader
events = OutboxReader(open_database(sys.argv[1]), lambda: datetime.now(UTC))
logbook = Logbook(Path(sys.argv[2]), memory="128MB", threads=1)
logbook.open()
print("ready", flush=True)
while True:
    logbook.drain(events)
"""

KILLS = 4


def _start_process(code: str, *arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen([sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, text=True)


def _wait_until_ready(process: "subprocess.Popen[str]") -> None:
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"


def _kill(process: "subprocess.Popen[str]") -> None:
    process.kill()
    process.communicate()


def _kill_at_random(url: str, log: Path, writers: int, longest: float) -> None:
    """Let processes write and drain, and kill a random one of them repeatedly."""
    chance = random.Random(7)  # noqa: S311 - moments, not secrets
    writing = [_start_process(WRITER, url, f"w{number}", str(longest)) for number in range(writers)]
    draining = _start_process(DRAINER, url, str(log))
    try:
        for process in (*writing, draining):
            _wait_until_ready(process)
        for kill in range(KILLS):
            time.sleep(chance.uniform(0.05, 0.6))
            _kill(draining)
            draining = _start_process(DRAINER, url, str(log))
            _wait_until_ready(draining)
            if kill == KILLS // 2:
                _kill(writing[0])
                writing[0] = _start_process(WRITER, url, "again", str(longest))
                _wait_until_ready(writing[0])
    finally:
        for process in (*writing, draining):
            _kill(process)


def _recorded_keys(database: Database) -> set[str]:
    with database.read() as connection:
        rows = connection.exec_driver_sql("SELECT side FROM cursors WHERE flow = 'test'")
        return {str(side) for (side,) in rows}


def _require_exactly_once(url: str, log: Path) -> None:
    database = open_database(url)
    events, logbook = OutboxReader(database, lambda: NOW), Logbook(log)
    while logbook.drain(events):
        pass
    keys = list(logbook.ask("SELECT key FROM events", seconds=SECONDS, rows=10_000_000)["key"])
    recorded_keys = _recorded_keys(database)
    logbook.close()
    database.close()
    assert len(recorded_keys) > 100
    assert len(keys) == len(set(keys))
    assert set(keys) == recorded_keys


@pytest.mark.long
@pytest.mark.processes
def test_every_event_comes_in_once_whoever_is_killed(tmp_path: Path) -> None:
    url, log = f"sqlite:///{tmp_path / 'console.sqlite'}", tmp_path / "log.duckdb"
    _kill_at_random(url, log, writers=2, longest=0)
    _require_exactly_once(url, log)


@pytest.mark.long
@pytest.mark.processes
@pytest.mark.postgres
def test_every_event_comes_in_once_also_when_ids_appear_out_of_order(postgres_url: str, tmp_path: Path) -> None:
    log = tmp_path / "log.duckdb"
    _kill_at_random(postgres_url, log, writers=4, longest=0.02)
    _require_exactly_once(postgres_url, log)


class _DyingOutbox:
    """An outbox whose process dies at a chosen moment: the call never comes back."""

    def __init__(self, events: OutboxReader, *, forgets: bool) -> None:
        self.events = events
        self.forgets = forgets
        self.instance = events.instance
        self.texts_waiting: Callable[[int], list[dict[str, object]]] = events.texts_waiting
        self.recreate_events: Callable[[str], None] = events.recreate_events

    def forget(self, ids: Collection[int]) -> None:
        """Take the events out or not, and die."""
        if self.forgets:
            self.events.forget(ids)
        raise KeyboardInterrupt


@pytest.mark.parametrize("forgets", [False, True])
def test_a_death_between_log_and_outbox_neither_doubles_nor_loses(
    events: OutboxReader, logbook: Logbook, *, forgets: bool
) -> None:
    events.record(*[Event(event="test", key=str(number)) for number in range(3)])
    with pytest.raises(KeyboardInterrupt):
        logbook.drain(_DyingOutbox(events, forgets=forgets))
    events.record(Event(event="test", key="later"))
    assert logbook.drain(events) == 1
    assert sorted(logbook.ask("SELECT key FROM events")["key"]) == ["0", "1", "2", "later"]


@pytest.mark.postgres
def test_an_event_whose_transaction_ends_late_still_comes_in(postgres_url: str, tmp_path: Path) -> None:
    database = open_database(postgres_url)
    events, logbook = OutboxReader(database, lambda: NOW), Logbook(tmp_path / "log.duckdb")
    with database.write() as slow:
        append_events(slow, NOW, [Event(event="test", key="slow")])
        events.record(Event(event="test", key="fast"))
        assert logbook.drain(events) == 1
    assert logbook.drain(events) == 1
    assert list(logbook.ask("SELECT key FROM events ORDER BY id")["key"]) == ["slow", "fast"]
    logbook.close()
    database.close()
