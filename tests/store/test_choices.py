"""Lines excluded from a waiting plan: who excluded them, and which lines an approval covers."""

import pytest

from integration.core.errors import PlanStaleError
from integration.core.plan import Approval
from integration.core.states import RunState
from integration.store.choices import ChoiceStore
from integration.store.database import Database
from integration.store.outbox_reader import OutboxReader
from integration.store.runs import RunStore
from tests.clocks import Clock
from tests.store.samples import FLOW, a_commit, a_create, a_park, a_plan


@pytest.fixture
def choices(database: Database, clock: Clock) -> ChoiceStore:
    return ChoiceStore(database, clock)


def test_what_is_left_out_is_there_for_whoever_looks(choices: ChoiceStore, runs: RunStore) -> None:
    run = a_plan(runs, a_create(1), a_create(2), a_create(3), a_park(4))
    choices.exclude(run, {1, 3}, "anna")
    choices.take(run, {3}, "ben")
    assert set(runs.get(run).excluded) == {1}
    assert set(runs.latest(FLOW)[0].excluded) == {1}


def test_the_event_says_who_left_out_what(
    choices: ChoiceStore, runs: RunStore, database: Database, clock: Clock
) -> None:
    run = a_plan(runs, a_create(1), a_create(2))
    choices.exclude(run, {2}, "anna")
    choices.exclude(run, {2}, "ben")  # it is left out already
    choices.take(run, {1, 2}, "ben")
    events = [
        event for event in OutboxReader(database, clock).waiting(100) if event["event"] in ("left_out", "taken_in")
    ]
    assert [(row["event"], row["key"], row["facts"]) for row in events] == [
        ("left_out", "P2", {"by": "anna"}), ("taken_in", "P2", {"by": "ben"}),
    ]  # fmt: skip


def test_only_changes_can_be_left_out(choices: ChoiceStore, runs: RunStore) -> None:
    run = a_plan(runs, a_create(1), a_park(2))
    choices.exclude(run, {2, 9}, "anna")
    assert not runs.get(run).excluded


def test_a_yes_covers_the_choice(choices: ChoiceStore, runs: RunStore) -> None:
    run = a_plan(runs, a_create(1), a_create(2))
    stored_run = runs.get(run)
    choices.exclude(run, {2}, "ben")
    with pytest.raises(PlanStaleError) as refusal:
        runs.approve(run, Approval(stored_run.mark, "anna"))
    assert (refusal.value.code, refusal.value.facts["count"]) == ("choice_changed", "1")
    assert runs.get(run).state is RunState.READY
    choices.take(run, {2}, "ben")
    assert runs.get(run).mark == stored_run.mark == "fingerprint"
    runs.approve(run, Approval(stored_run.mark, "anna"))


def test_a_plan_that_was_approved_keeps_its_choice(choices: ChoiceStore, runs: RunStore) -> None:
    run = a_commit(runs, a_create(1), a_create(2), left_out=frozenset({2}))
    for decide in (choices.exclude, choices.take):
        with pytest.raises(PlanStaleError, match="plan_not_waiting"):
            decide(run, {2}, "ben")
    assert set(runs.get(run).excluded) == {2}


def test_a_choice_of_a_run_that_does_not_exist_is_refused(choices: ChoiceStore) -> None:
    with pytest.raises(KeyError):
        choices.exclude("no-run", {1}, "anna")
