"""Pruning: events that the log no longer keeps, and the file without them."""

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from integration.log.logbook import Logbook
from integration.store.database import Database
from integration.store.events import Event
from integration.store.outbox_reader import OutboxReader

OLD = datetime(2025, 3, 1, 12, 0, tzinfo=UTC)
CUT = datetime(2026, 1, 1, tzinfo=UTC)


def outbox_at(database: Database, moment: datetime) -> OutboxReader:
    """The outbox at a moment."""
    return OutboxReader(database, lambda: moment)


def drain(logbook: Logbook, outbox: OutboxReader) -> None:
    """Bring everything in that waits."""
    while logbook.drain(outbox):
        pass


def numbers(logbook: Logbook, sql: str) -> list[tuple[object, ...]]:
    """Return the rows of a user query, as tuples."""
    return [tuple(row) for row in logbook.ask_plain(sql)["rows"]]


def a_level(article: str, amount: str) -> Event:
    """A plan of the level of an article."""
    return Event(
        event="planned", run=f"r{amount}", flow="stock", kind="stock", key=article, sources=(article,), title=article,
        code="update", before={"1/amount": amount}, after={"1/amount": "9"},
    )  # fmt: skip


def test_events_of_long_ago_become_numbers_and_young_ones_stay(database: Database, logbook: Logbook) -> None:
    old = outbox_at(database, OLD)
    proven = [
        Event(event="proven", run="r1", flow="products", kind="product", key=f"P{n}", title="Thee") for n in range(9)
    ]
    old.record(*proven, Event(event="unchanged", run="r1", flow="products", facts={"records": "40"}))
    young = outbox_at(database, CUT + timedelta(days=1))
    young.record(Event(event="proven", run="r2", flow="products", kind="product", key="P1", title="Thee"))
    drain(logbook, old)

    assert logbook.count_events_before(CUT) == 10
    assert logbook.prune(CUT) == 10
    assert logbook.prune(CUT) == logbook.count_events_before(CUT) == 0
    assert numbers(logbook, "SELECT run, event FROM events") == [("r2", "proven")]
    assert numbers(logbook, "SELECT key FROM records") == [("P1",)]
    past = numbers(logbook, "SELECT CAST(day AS VARCHAR), event, events FROM past ORDER BY event")
    assert past == [("2025-03-01", "proven", 9), ("2025-03-01", "unchanged", 40)]


@pytest.mark.long
def test_the_file_is_smaller_afterwards_and_nothing_is_lost_that_comes_in_meanwhile(
    database: Database, logbook: Logbook, tmp_path: Path
) -> None:
    outbox = outbox_at(database, OLD)
    for portion in range(4):
        outbox.record(
            *(
                Event(event="planned", run="r1", flow="products", key=f"P{portion}-{n}", title=f"{n}" * 40,
                      after={"name": f"{n * 7919:x}" * 30})
                for n in range(5_000)
            )
        )  # fmt: skip
    drain(logbook, outbox)
    young, stop = outbox_at(database, CUT), threading.Event()
    event_count = [0]

    def go_on() -> None:
        while not stop.is_set():
            young.record(*(Event(event="proven", flow="products", key=f"Y{event_count[0] + n}") for n in range(50)))
            event_count[0] += 50
            drain(logbook, young)

    working = threading.Thread(target=go_on)
    logbook.close()  # all of it is in the file
    before = (tmp_path / "log.duckdb").stat().st_size
    working.start()
    try:
        assert logbook.prune(CUT) == 20_000
    finally:
        stop.set()
        working.join()
    drain(logbook, young)
    assert numbers(logbook, "SELECT count(*), count(DISTINCT key) FROM events") == [(event_count[0], event_count[0])]
    logbook.close()
    assert (tmp_path / "log.duckdb").stat().st_size < before / 2
    assert [path.name for path in tmp_path.glob("log.duckdb*")] == ["log.duckdb"]
    assert numbers(logbook, "SELECT sum(events) FROM past") == [(20_000,)]


def test_the_newest_level_of_an_article_stays_whatever_its_age(database: Database, logbook: Logbook) -> None:
    for day, amount in enumerate(("3", "4")):
        outbox_at(database, OLD + timedelta(days=day)).record(a_level("A1", amount))
    outbox_at(database, CUT).record(a_level("A2", "1"))
    drain(logbook, outbox_at(database, CUT))
    levels = numbers(logbook, "SELECT article, CAST(found AS INTEGER) FROM stock_plans ORDER BY ALL")
    logbook.prune(CUT)
    assert levels == [("A1", 3), ("A1", 4), ("A2", 1)]
    assert numbers(logbook, "SELECT article, CAST(found AS INTEGER) FROM stock_plans ORDER BY ALL") == levels[1:]


def test_a_copy_for_a_backup_knows_what_is_past(database: Database, logbook: Logbook, tmp_path: Path) -> None:
    old = outbox_at(database, OLD)
    old.record(Event(event="proven", flow="products", key="P1"))
    outbox_at(database, CUT).record(Event(event="proven", flow="products", key="P2"))
    drain(logbook, old)
    logbook.prune(CUT)
    assert logbook.copy(tmp_path / "copy.duckdb", instance=old.instance, until=99, waiting=[]) == 1
    copy = Logbook(tmp_path / "copy.duckdb")
    try:
        assert numbers(copy, "SELECT event, events FROM past") == [("proven", 1)]
    finally:
        copy.close()
