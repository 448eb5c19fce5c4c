"""Processes that are alive."""

from datetime import timedelta

from integration.store.database import Database
from integration.store.heartbeats import Heartbeats
from tests.clocks import Clock


def test_a_process_that_stopped_beating_is_dead_until_it_is_forgotten(database: Database, clock: Clock) -> None:
    heartbeats = Heartbeats(database, clock)
    heartbeats.beat("server-1")
    heartbeats.beat("worker-1")
    clock.advance(20)
    heartbeats.beat("server-1")
    assert heartbeats.dead(15) == ["worker-1"]
    heartbeats.forget("worker-1")
    assert heartbeats.dead(15) == []


def test_the_last_beat_of_a_process_is_known_until_it_ends(database: Database, clock: Clock) -> None:
    heartbeats = Heartbeats(database, clock)
    assert heartbeats.last_beat("server-1") is None
    heartbeats.beat("server-1")
    clock.advance(20)
    heartbeats.beat("worker-1")
    assert heartbeats.last_beat("server-1") == clock.now - timedelta(seconds=20)
    heartbeats.forget("server-1")
    assert heartbeats.last_beat("server-1") is None


def test_a_process_that_ended_without_a_word_is_remembered_until_it_begins_again_or_is_forget_process(
    database: Database, clock: Clock
) -> None:
    heartbeats = Heartbeats(database, clock)
    for process in ("worker-1", "worker-2"):
        heartbeats.beat(process)
    beaten = clock.now
    clock.advance(20)
    for process in ("worker-1", "worker-2", "worker-3"):  # nobody ever saw the third
        heartbeats.mark_dead(process)
    assert heartbeats.dead_processes() == {"worker-1": beaten, "worker-2": beaten}
    assert heartbeats.dead(15) == []
    heartbeats.beat("worker-1")
    heartbeats.forget("worker-2")
    assert heartbeats.dead_processes() == {}
