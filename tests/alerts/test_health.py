"""Health of a console, as a monitor asks for it."""

import shutil
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from integration.alerts.health import Health, HealthCheck, health_report
from integration.application.stores import stores_of
from integration.log.logbook import Logbook
from integration.services.engine_lifecycle import EngineHandle
from integration.store.database import Database
from integration.store.events import Event
from tests.clocks import Clock
from tests.consoles import open_application
from tests.parts import part
from tests.timeouts import wait_until

WELL = Health(10**12, 1.0, 0, None, 0.5)


@pytest.mark.parametrize(
    ("health", "causes"),
    [
        (WELL, []),
        (Health(99_999_999, 1.0, 0, None, 0.5), ["disk_full"]),
        (Health(10**12, 31.0, 0, None, 0.5), ["no_heartbeat"]),
        (Health(10**12, None, 0, None, 0.5), ["no_heartbeat"]),
        (Health(10**12, 1.0, 5, 900.0, 200.0), ["log_behind"]),
        (Health(10**12, 1.0, 5, 900.0, 0.5), []),  # they are on their way
        (Health(10**12, 1.0, 5, 900.0, None), []),  # another process brings them in
        (Health(10**12, 1.0, 0, None, 0.5, blocking_process=4711), ["database_held"]),
        (Health(10**12, 1.0, 0, None, 0.5, log_is_away=True), ["log_away"]),
        (Health(0, None, 5, 900.0, 200.0), ["disk_full", "no_heartbeat", "log_behind"]),
    ],
)
def test_what_is_not_as_it_should_be_is_reported_by_its_cause(health: Health, causes: list[str]) -> None:
    assert list(health.problems) == health_report(health)["causes"] == causes
    assert health_report(health)["status"] == ("unwell" if causes else "well")


def test_a_console_at_work_is_well(tmp_path: Path) -> None:
    with open_application(tmp_path, serves=True) as application:
        wait_until(lambda: application.health.read().events_waiting == 0, "the last event in the log")
        health = application.health.read()
    assert health_report(health)["status"] == "well"
    assert health.undrained_seconds is not None


def test_ages_are_counted_from_the_last_beat_and_the_oldest_event(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    stores = stores_of(database, clock)
    check = HealthCheck(
        tmp_path,
        stores.database,
        stores.events,
        stores.heartbeats,
        clock,
        part(EngineHandle, executor="server-1"),
        part(Logbook, seconds_since_drain=lambda: 500.0, is_away=False),
    )
    stores.heartbeats.beat("server-1")
    stores.events.record(Event(event="checked"))
    clock.now += timedelta(seconds=40)
    stores.events.record(Event(event="checked"))
    stores.heartbeats.beat("worker-1")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=5_000_000))

    health = check.read()

    assert (health.heartbeat_age_seconds, health.oldest_event_age_seconds, health.events_waiting) == (40.0, 40.0, 2)
    assert health.problems == {
        "disk_full": {"free": "5 MB", "needed": "100 MB"}, "no_heartbeat": {"seconds": "40"},
        "log_behind": {"seconds": "500", "count": "2"},
    }  # fmt: skip
