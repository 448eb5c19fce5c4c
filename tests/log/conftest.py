"""The log as tests get it: a file of its own, and an operational database with events waiting."""

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from integration.log.logbook import Logbook
from integration.store.database import Database
from integration.store.events import Event
from integration.store.outbox_reader import OutboxReader
from tests.postgres import postgres_server, postgres_url
from tests.stores import database, new_database

__all__ = ["database", "postgres_server", "postgres_url"]

NOW = datetime(2026, 11, 25, 9, 30, tzinfo=UTC)


@pytest.fixture
def events(database: Database) -> OutboxReader:
    """Its outbox, where it is always half past nine."""
    return OutboxReader(database, lambda: NOW)


@pytest.fixture
def logbook(tmp_path: Path) -> Iterator[Logbook]:
    """An empty log."""
    opened = Logbook(tmp_path / "log.duckdb", memory="256MB")
    yield opened
    opened.close()


@pytest.fixture
def logbook_of_run(events: OutboxReader, logbook: Logbook) -> Logbook:
    """A log of one run in which one product was proven and another was parked."""
    return fill_logbook(logbook, events)


@pytest.fixture(scope="module")
def shared_logbook(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Logbook]:
    """A log like `logbook_of_run`, started once for all tests of a file. Tests may stop its query process."""
    folder = tmp_path_factory.mktemp("asked")
    outbox_database, logbook = new_database(folder / "console.sqlite"), Logbook(folder / "log.duckdb", memory="256MB")
    yield fill_logbook(logbook, OutboxReader(outbox_database, lambda: NOW))
    logbook.close()
    outbox_database.close()


def fill_logbook(logbook: Logbook, events: OutboxReader) -> Logbook:
    """Write the events of one run to a log, and return the log."""
    run = partial(Event, run="r1", flow="products")
    product = partial(run, kind="product", key="P1", sources=("A1", "A2"), title="Thee")
    events.record(
        run(event="run_started"),
        product(event="planned", code="update", before={"name": "Tee"}, after={"name": "Thee"}),
        run(event="parked", key="A3", title="Köffie 100%", code="price_missing", facts={"key": "A3"}),
        run(event="plan_ready", ms=1500),
        product(event="proven", ms=80),
        run(event="run_done", ms=9000),
        Event(event="setting_changed", key="flow:products"),
    )
    assert logbook.drain(events) == 7
    return logbook
