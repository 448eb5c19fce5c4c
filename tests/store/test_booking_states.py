"""Booking states of documents: from links, sent writes, plans and parked records."""

from dataclasses import replace
from typing import Any

import pytest

from integration.core.booking_state import BookingStage
from integration.core.issues import Issue, IssueOccurrence, Skip
from integration.core.links import Link
from integration.core.position import START
from integration.core.records import Kind
from integration.core.run import Mode, Outcome
from integration.core.states import RunState, Step
from integration.store.booking_states import BookingStateStore
from integration.store.database import Database
from integration.store.issues import Issues
from integration.store.ledger import Ledger
from integration.store.links import Links
from integration.store.previews import Previews
from integration.store.runs import RunStore
from tests.store.samples import FLOW, STAGE, a_commit, a_create, a_link, a_park, a_plan, a_product, a_skip, a_staged

KINDS = (Kind.PRODUCT,)
KEY = "P1"


@pytest.fixture
def booking_states(database: Database) -> BookingStateStore:
    return BookingStateStore(database)


def find_stage(booking_states: BookingStateStore, key: str = KEY) -> BookingStage | None:
    states = booking_states.states_of(FLOW, KINDS, [key])
    return states[key].stage if states else None


def begin_run(runs: RunStore, mode: Mode = Mode.CHANGES) -> str:
    return runs.begin(FLOW, mode, "anna", 4).id


def read(previews: Previews, run: str, **values: Any) -> None:
    previews.stage_page(run, STAGE, [a_staged(1, key=KEY, **values)], START)


def test_what_nobody_knows_stands_nowhere(booking_states: BookingStateStore) -> None:
    assert (find_stage(booking_states), booking_states.states_of(FLOW, KINDS, [])) == (None, {})


def test_what_is_linked_is_booked_under_our_reference_and_a_link_that_is_retired_is_none(
    booking_states: BookingStateStore, links: Links
) -> None:
    agreed = replace(a_product(1), values={"number": "2026.1", "reference": "MP-2026.1"})
    links.keep(FLOW, [replace(a_link(1), agreed=agreed)])
    (state,) = booking_states.states_of(FLOW, KINDS, [KEY]).values()
    assert (state.stage, state.title, state.reference, state.sold, state.kind) == (
        BookingStage.BOOKED, "2026.1", "MP-2026.1", None, Kind.PRODUCT,
    )  # fmt: skip
    assert booking_states.states_of(FLOW, (Kind.GROUP,), [KEY]) == {}
    links.keep(FLOW, [replace(a_link(1), retired=True)])
    assert find_stage(booking_states) is None


def test_what_the_run_at_work_has_read_is_planned_until_its_plan_says_otherwise(
    booking_states: BookingStateStore, runs: RunStore, previews: Previews
) -> None:
    run = begin_run(runs)
    read(previews, run)
    assert find_stage(booking_states) is BookingStage.PLANNED
    previews.keep_page(run, [replace(a_park(1), key=KEY)], [], 0, START)
    assert find_stage(booking_states) is BookingStage.PARKED


@pytest.mark.parametrize("skipped", ["read", "cancelled", "planned"])
def test_what_takes_no_part_in_the_run_at_work_stands_nowhere(
    booking_states: BookingStateStore, runs: RunStore, previews: Previews, issues: Issues, skipped: str
) -> None:
    issues.open(FLOW, "earlier", [IssueOccurrence(Issue("price_missing", KEY), "product", "Thee 1")])
    run = begin_run(runs)
    assert find_stage(booking_states) is BookingStage.PARKED
    if skipped == "read":
        read(previews, run, record=None, skip=Skip("filtered_out", KEY))
    elif skipped == "cancelled":
        read(previews, run, record=replace(a_product(1), values={"cancelled": True}))
    else:
        read(previews, run)
        previews.keep_page(run, [replace(a_skip(1), key=KEY)], [], 0, START)
    assert find_stage(booking_states) is None


def test_an_issue_parks_while_it_is_open_and_not_once_a_person_set_it_aside(
    booking_states: BookingStateStore, issues: Issues
) -> None:
    issues.open(FLOW, "run", [IssueOccurrence(Issue("price_missing", KEY), "product", "Thee 1")])
    assert find_stage(booking_states) is BookingStage.PARKED
    (issue,) = issues.of_key(FLOW, KEY)
    issues.dismiss_all({issue.id: {}}, "as it is", "anna")
    assert find_stage(booking_states) is None


@pytest.mark.parametrize(
    ("mode", "expected"),
    [(Mode.CHANGES, None), (Mode.COMPLETE, None), (Mode.CHOSEN, BookingStage.WAITING)],
)
def test_a_plan_that_waits_counts_unless_the_run_at_work_takes_it_over(
    booking_states: BookingStateStore, runs: RunStore, mode: Mode, expected: BookingStage | None
) -> None:
    a_plan(runs, a_create(1))
    assert find_stage(booking_states) is BookingStage.WAITING
    begin_run(runs, mode)
    assert find_stage(booking_states) is expected


@pytest.mark.parametrize("step", [Step.SENT, Step.IN_DOUBT])
def test_what_was_sent_and_has_no_end_is_doubtful_whatever_else_is_known(
    booking_states: BookingStateStore, runs: RunStore, ledger: Ledger, issues: Issues, step: Step
) -> None:
    run = a_commit(runs, a_create(1))
    ledger.mark_sent(run, [1])
    if step is Step.IN_DOUBT:
        ledger.settle(run, [Outcome(1, step)])
    issues.open(FLOW, run, [IssueOccurrence(Issue("never_answered", KEY), "product", "Thee 1")])
    assert find_stage(booking_states) is BookingStage.DOUBTFUL
    ledger.settle(run, [Outcome(1, Step.PROVEN, "7001")])
    assert find_stage(booking_states) is BookingStage.BOOKED


def test_what_comes_out_of_an_order_is_found_from_it_booked_or_in_doubt(
    booking_states: BookingStateStore, runs: RunStore, links: Links, ledger: Ledger
) -> None:
    booked = replace(a_product(2), values={"orders": ("order-1", "order-2")})
    links.keep(FLOW, [Link(Kind.PRODUCT, "P2", "7002", booked)])
    links.keep(FLOW, [Link(Kind.PRODUCT, "P2", "7002", booked)])
    line = a_create(1)
    assert line.change is not None
    agreed = replace(line.change.agreed, values={"orders": ("order-1",)})
    run = a_commit(runs, replace(line, change=replace(line.change, agreed=agreed)))
    assert booking_states.documents_made_from(FLOW, KINDS, ["order-1", "order-2", "order-3"]) == {
        "order-1": {"P2"},
        "order-2": {"P2"},
    }
    ledger.mark_sent(run, [1])
    assert booking_states.documents_made_from(FLOW, KINDS, ["order-1"]) == {"order-1": {"P1", "P2"}}
    assert booking_states.documents_made_from("stock", KINDS, ["order-1"]) == {}
    assert runs.get(run).state is RunState.COMMITTING


def test_what_is_booked_or_in_doubt_is_found_by_the_end_of_its_key(
    booking_states: BookingStateStore, runs: RunStore, links: Links, ledger: Ledger
) -> None:
    links.keep(FLOW, [Link(Kind.PRODUCT, key, key, a_product(2)) for key in ("P2#off", "P2_off")])
    line = a_create(1)
    assert line.change is not None
    run = a_commit(runs, replace(line, key="P1#off", change=replace(line.change, key="P1#off")))
    assert booking_states.ending(FLOW, KINDS, "#off") == {"P2#off"}
    ledger.mark_sent(run, [1])
    assert booking_states.ending(FLOW, KINDS, "#off") == {"P1#off", "P2#off"}
    assert booking_states.ending("stock", KINDS, "#off") == set()
