"""Fencing tokens: a page of a run is stored only while no other process has claimed the run."""

from datetime import timedelta

import pytest

from integration.core.plan import Approval
from integration.core.run import Mode
from integration.store.database import Database, FencingTokenLost, SharedClock
from integration.store.fencing_tokens import FencingTokens
from integration.store.heartbeats import Heartbeats
from integration.store.leases import Leases
from integration.store.runs import RunStore
from tests.clocks import Clock, now
from tests.store.samples import FLOW, a_create, a_plan


@pytest.fixture
def tokens(database: Database, clock: Clock) -> FencingTokens:
    """The fencing tokens of the database."""
    return FencingTokens(database, clock)


def test_a_page_keeps_nothing_once_another_claimed_its_run(tokens: FencingTokens, runs: RunStore) -> None:
    run = runs.begin(FLOW, Mode.CHANGES, "anna", 4).id
    with tokens.hold(run, "server-1"):
        runs.waiting_for(run, "server_error", {})
        tokens.require_current()
        tokens.take(run, "worker-1")
        with pytest.raises(FencingTokenLost):
            tokens.require_current()
        with pytest.raises(FencingTokenLost):
            runs.waiting_for(run, "host_unknown", {})
    assert runs.get(run).error == "server_error"


def test_whoever_is_at_no_page_is_not_held_back(tokens: FencingTokens, runs: RunStore) -> None:
    run = runs.begin(FLOW, Mode.CHANGES, "anna", 4).id
    tokens.take(run, "server-1")
    tokens.require_current()
    runs.request_cancel(run, "anna")
    assert runs.cancel_requested(run)


def test_a_run_that_does_not_exist_cannot_be_claimed(tokens: FencingTokens) -> None:
    with pytest.raises(KeyError):
        tokens.take("none", "server-1")


# ---- clocks


def test_a_sign_of_life_from_the_future_is_of_a_clock_set_back(database: Database, clock: Clock) -> None:
    heartbeats = Heartbeats(database, clock)
    heartbeats.beat("server-1")
    clock.advance(-3600)
    assert heartbeats.dead(15) == ["server-1"]


def test_a_lease_that_lasts_longer_than_it_can_is_over(database: Database, clock: Clock) -> None:
    leases = Leases(database, clock)
    assert leases.try_take("slot", "one", 60)
    clock.advance(-3600)
    assert leases.try_take("slot", "two", 60)


def test_processes_on_one_server_share_its_clock(database: Database) -> None:
    wrong = SharedClock(database, lambda: now() - timedelta(hours=1))
    apart = abs(wrong() - now())
    if database.engine.dialect.name == "postgresql":
        assert apart < timedelta(seconds=30)
    else:  # a file has the clock of its machine
        assert apart > timedelta(minutes=59)


def test_each_yes_to_a_run_has_its_number(runs: RunStore) -> None:
    run = a_plan(runs, a_create(1))
    assert runs.approve(run, Approval(runs.get(run).fingerprint, "anna")) == 1
    runs.interrupt(run, "cancelled", {})
    assert runs.approve(run, Approval(runs.get(run).fingerprint, "anna")) == 2
