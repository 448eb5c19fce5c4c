"""Which processes are alive."""

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
