"""Harmful user queries: each is answered or stopped in time, nobody waits, and no event is lost."""

import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from itertools import cycle

import pytest

from integration.log.logbook import Logbook
from integration.log.sql_allowlist import QueryError
from integration.store.events import Event
from integration.store.outbox_reader import OutboxReader
from tests.log import hostile
from tests.timeouts import wait_until

pytestmark = pytest.mark.processes

LIMIT = 1.0  # seconds for what has to be asked for some time before it crashes or fills anything
SHORT = 0.3  # for what only goes on and on
REFUSED = {
    "query_refused", "query_function", "query_function_alone", "query_type", "query_table",
    "query_long",
}  # fmt: skip
STOPPED = {"query_slow", "query_large", "query_stopped"}
WRONG = {"query_wrong", "query_wrong_at"}
HARMFUL = (*hostile.CRASHING, *hostile.FILLING, *hostile.ENDLESS)
FEW = (*hostile.CRASHING[20::32], *hostile.FILLING[3::32], *hostile.ENDLESS[::32])  # some of them end the process
TURNS = 4
SLOWER = 1.5  # times what a program that only counts costs; a process of its own costs as much


def fill_places(sql: str, logbook: Logbook) -> str:
    """Return a user query with the places it asks for."""
    text = sql.replace("{log}", str(logbook.path)).replace("{folder}", str(logbook.path.parent))
    return text.replace("{{", "{").replace("}}", "}")


@pytest.fixture
def drained_logbook(logbook: Logbook, events: OutboxReader) -> Iterator[Logbook]:
    """A log that is drained in the background, as a server does."""
    logbook.start(events)
    yield logbook
    logbook.stop()


def test_there_are_enough_of_them() -> None:
    assert len(set(HARMFUL)) >= 60
    assert len(set(hostile.PRYING)) >= 40


def test_what_is_none_of_the_log_is_refused(shared_logbook: Logbook) -> None:
    for sql in hostile.PRYING:
        with pytest.raises(QueryError) as caught:
            shared_logbook.ask(fill_places(sql, shared_logbook))
        assert caught.value.code in REFUSED


@pytest.mark.parametrize(
    "harmful", [FEW, pytest.param(HARMFUL, marks=pytest.mark.long)], ids=["every thirty-second", "every one"]
)
def test_each_is_answered_or_stopped_and_no_event_is_lost(
    drained_logbook: Logbook, events: OutboxReader, harmful: tuple[str, ...]
) -> None:
    """Events arrive all the time; each event that was sent is counted exactly once at the end."""
    event_count, ended, ends = 0, threading.Event(), []

    def tell() -> None:
        nonlocal event_count
        while not ended.wait(0.02):
            events.record(Event(event="checked", key=str(event_count)))
            event_count += 1

    teller = threading.Thread(target=tell)
    teller.start()
    try:
        for sql in harmful:
            limit = SHORT if sql in hostile.ENDLESS else LIMIT
            before = drained_logbook.process
            try:
                drained_logbook.ask(sql, seconds=limit)
            except QueryError as error:
                assert error.code in REFUSED | STOPPED | WRONG, sql  # noqa: PT017 - it may be answered as well
            ends += [sql] if drained_logbook.process != before else []
    finally:
        ended.set()
        teller.join()
    wait_until(lambda: events.count() == 0, "all events in the log")
    counts = drained_logbook.ask("SELECT count(*) AS n, count(DISTINCT key) AS different FROM events", seconds=60)
    assert (counts["n"][0], counts["different"][0]) == (event_count, event_count)
    assert event_count > len(harmful)
    assert ends, "none of them needed the process to be ended: the list has grown harmless"


@pytest.mark.long
def test_who_works_beside_it_is_slowed_no_more_than_by_any_other_program(
    drained_logbook: Logbook, events: OutboxReader
) -> None:
    """Compare queries of a page beside a busy program with the same queries beside harmful user queries, in turns.

    What else the machine does falls on some of the turns; what user queries do would fall on all of them.
    """
    slower: list[float] = []
    ended = threading.Event()

    def harm() -> None:
        for sql in cycle(hostile.ENDLESS[:4]):
            with pytest.raises(QueryError):
                drained_logbook.ask(sql, seconds=SHORT)
            if ended.is_set():
                break

    def work() -> float:
        seconds: list[float] = []
        for _ in range(40):
            begun = time.perf_counter()
            events.count()
            sum(number * number for number in range(30_000))
            seconds.append(time.perf_counter() - begun)
        return statistics.median(seconds)

    for _ in range(TURNS):
        with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as counting:
            program = work()
            counting.kill()
        ended.clear()
        harmful = threading.Thread(target=harm)
        harmful.start()
        try:
            slower.append(work() / program)
        finally:
            ended.set()
            harmful.join()
    assert min(slower) < SLOWER, slower
