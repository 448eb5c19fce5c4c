"""A commit that stops three times in a row with the same error becomes an exception."""

import pytest

from integration.core.issues import OpenIssue
from integration.core.states import RunState
from integration.store.database import Database
from integration.store.issues import Issues
from integration.store.ledger import Ledger
from integration.store.runs import RunStore
from tests.clocks import Clock
from tests.store.samples import FLOW, a_commit, a_create, prove

CAUSE = "run_stops_repeatedly"
FACTS = {"flow": FLOW, "system": "mplus"}


@pytest.fixture
def issues(database: Database, clock: Clock) -> Issues:
    return Issues(database, clock)


def stop(runs: RunStore, clock: Clock, *codes: str) -> None:
    """Stop a commit of two records with each error, and discard it."""
    for code in codes:
        run = a_commit(runs, a_create(1), a_create(2))
        runs.interrupt(run, code, FACTS)
        runs.discard(run, "anna")
        clock.advance(60)


def repeated(issues: Issues) -> list[OpenIssue]:
    return issues.list(FLOW, CAUSE, limit=10)


def test_the_third_stop_in_a_row_opens_one_exception_for_the_records_that_wait(
    runs: RunStore, issues: Issues, clock: Clock
) -> None:
    stop(runs, clock, "look_unproven", "look_unproven")
    assert repeated(issues) == []
    stop(runs, clock, "look_unproven", "look_unproven")
    (group,) = issues.causes()
    assert (group.cause, group.count) == (CAUSE, 2)
    assert {waiting.issue.key: waiting.issue.facts["count"] for waiting in repeated(issues)} == {"P1": "4", "P2": "4"}
    assert repeated(issues)[0].issue.facts["cause"] == "look_unproven"
    stop(runs, clock, "deviation_stops")
    assert repeated(issues) == []


@pytest.mark.parametrize(
    "codes", [("look_unproven", "deviation_stops", "look_unproven"), ("cancelled", "cancelled", "cancelled")]
)
def test_other_errors_and_stops_by_a_person_are_not_counted(
    runs: RunStore, issues: Issues, clock: Clock, codes: tuple[str, ...]
) -> None:
    stop(runs, clock, *codes)
    assert repeated(issues) == []


def test_a_run_that_is_resumed_is_counted_and_closes_its_exception_when_it_ends(
    runs: RunStore, issues: Issues, ledger: Ledger, clock: Clock
) -> None:
    stop(runs, clock, "look_unproven")
    run = a_commit(runs, a_create(1), a_create(2))
    for _ in range(2):
        runs.interrupt(run, "look_unproven", FACTS)
        approval = runs.get(run).approval
        assert approval is not None
        runs.approve(run, approval)
    assert len(repeated(issues)) == 2
    prove(runs, run)
    ledger.finish(run)
    assert (runs.get(run).state, repeated(issues)) == (RunState.DONE, [])
    stop(runs, clock, "look_unproven")
    assert repeated(issues) == []
