"""Runs: begun, approved, stopped and counted, and transitions that are refused."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integration.core.errors import PlanStaleError, RunActiveError
from integration.core.issues import Issue
from integration.core.plan import Approval
from integration.core.position import START
from integration.core.run import Counts, Mode, Outcome, Progress, speed
from integration.core.states import RunState, Step
from integration.store.database import Database, open_database
from integration.store.ledger import Ledger
from integration.store.outbox_reader import OutboxReader
from integration.store.plans import PlanStore
from integration.store.previews import Previews
from integration.store.runs import RunStore
from tests.clocks import Clock
from tests.store.samples import (
    FLOW,
    STAGES,
    a_commit,
    a_create,
    a_park,
    a_plan,
    a_preview,
    a_skip,
    prove,
    waiting_events,
)


def test_a_run_comes_back_as_it_was_begun(runs: RunStore, clock: Clock) -> None:
    run = runs.begin(FLOW, Mode.CHANGES, "anna", 4)
    assert run == runs.get(run.id)
    assert (run.flow, run.mode, run.by, run.mapping_version) == (FLOW, Mode.CHANGES, "anna", 4)
    assert (run.state, run.started_at, run.position) == (RunState.PREVIEWING, clock(), START)


def test_a_second_run_of_a_flow_is_refused_and_told_who_is_at_work(runs: RunStore) -> None:
    first = runs.begin(FLOW, Mode.CHANGES, "anna", 4)
    with pytest.raises(RunActiveError) as caught:
        runs.begin(FLOW, Mode.CHANGES, "ben", 4)
    assert (caught.value.facts["by"], caught.value.facts["run"]) == ("anna", first.id)
    assert runs.count() == 1


def test_it_is_refused_through_another_connection_too(runs: RunStore, url: str, clock: Clock) -> None:
    runs.begin(FLOW, Mode.CHANGES, "anna", 4)
    other = open_database(url)
    with pytest.raises(RunActiveError):
        RunStore(other, clock).begin(FLOW, Mode.CHANGES, "ben", 4)
    other.close()


def test_two_runs_of_one_second_never_share_an_id(database: Database, clock: Clock) -> None:
    ids = iter(["one", "one", "one", "two"])
    runs = RunStore(database, clock, new_id=lambda _: next(ids))
    assert [runs.begin(flow, Mode.CHANGES, "anna", 4).id for flow in ("products", "stock")] == ["one", "two"]


def test_runs_of_different_flows_are_at_work_side_by_side(runs: RunStore) -> None:
    runs.begin("products", Mode.CHANGES, "anna", 4)
    runs.begin("stock", Mode.CHANGES, "anna", 4)
    assert runs.count(states=[RunState.PREVIEWING]) == 2


def test_a_plan_that_waits_does_not_hold_up_the_next_preview(runs: RunStore) -> None:
    a_plan(runs, a_create(1))
    runs.begin(FLOW, Mode.CHANGES, "anna", 4)


def test_a_waiting_plan_cannot_be_committed_while_another_run_is_at_work(runs: RunStore) -> None:
    waiting = a_plan(runs, a_create(1))
    runs.begin(FLOW, Mode.CHANGES, "anna", 4)
    with pytest.raises(RunActiveError):
        runs.approve(waiting, Approval("fingerprint", "ben"))
    assert runs.get(waiting).state is RunState.READY


def test_the_newest_run_began_last_though_the_clock_was_set_back(runs: RunStore, clock: Clock) -> None:
    earlier = a_plan(runs, a_create(1))
    clock.advance(-3600)
    later = a_plan(runs, a_create(1))
    assert [run.id for run in runs.latest()] == [later, earlier]
    waiting = runs.waiting_for_all(FLOW)
    assert waiting is not None
    assert waiting.id == later


def test_an_unknown_run_is_named(runs: RunStore, previews: Previews) -> None:
    with pytest.raises(KeyError, match="there is no run nowhere"):
        runs.get("nowhere")
    with pytest.raises(KeyError, match="there is no run nowhere"):
        previews.keep_page("nowhere", [], [], 0, START)


def test_runs_are_listed_newest_first_by_flow_and_state(runs: RunStore, clock: Clock) -> None:
    first = a_plan(runs, a_create(1))
    clock.advance(60)
    second = a_plan(runs, a_create(1))
    assert [run.id for run in runs.latest()] == [second, first]
    assert [run.id for run in runs.latest(offset=1, limit=1)] == [first]
    assert runs.latest("stock") == []
    assert [run.id for run in runs.latest(FLOW, [RunState.READY], limit=1)] == [second]
    assert runs.latest(FLOW, [RunState.DONE]) == []


def test_how_flows_stand_is_the_newest_in_each_state_and_every_plan_that_waits(runs: RunStore) -> None:
    for _ in range(2):
        runs.fail(a_preview(runs), "right_missing", {})
    failed = runs.latest(FLOW, [RunState.FAILED])[0].id
    plans = [a_plan(runs, a_create(1)), a_plan(runs, a_create(1))]
    other = runs.begin("stock", Mode.CHANGES, "anna", 1).id
    run_ids = {flow: [run.id for run in flow_runs] for flow, flow_runs in runs.newest_by_state().items()}
    assert run_ids == {FLOW: [*reversed(plans), failed], "stock": [other]}
    assert [run.id for run in runs.newest_by_state("stock")["stock"]] == [other]
    assert runs.newest_by_state("orders") == {}


def test_a_failed_run_says_what_stopped_it_and_makes_room(runs: RunStore, clock: Clock) -> None:
    run = a_preview(runs, a_create(1))
    runs.fail(run, "right_missing", {"system": "MplusKASSA"})
    failed = runs.get(run)
    assert (failed.state, failed.error, failed.facts) == (RunState.FAILED, "right_missing", {"system": "MplusKASSA"})
    assert failed.ended_at == clock()
    runs.begin(FLOW, Mode.CHANGES, "anna", 4)


def test_what_a_run_waits_for_is_gone_when_it_goes_on(runs: RunStore, previews: Previews) -> None:
    run = a_preview(runs)
    runs.waiting_for(run, "service_unavailable", {"system": "MplusKASSA"})
    assert runs.get(run).error == "service_unavailable"
    previews.keep_page(run, [], [], 0, START, Progress("plan", 3, 10))
    going = runs.get(run)
    assert (going.error, going.phase, going.progress_done, going.progress_total) == ("", "plan", 3, 10)


def test_an_approval_is_kept_and_starts_the_commit(runs: RunStore, plans: PlanStore) -> None:
    run = a_commit(runs, a_create(1), a_create(2), left_out=frozenset({2}))
    committing = runs.get(run)
    assert committing.state is RunState.COMMITTING
    assert committing.approval == Approval(committing.mark, "anna")
    assert committing.mark.startswith("fingerprint-")
    assert (committing.phase, committing.progress_total) == ("write", 1)
    assert [line.step for line in plans.rows(run)] == [Step.PLANNED, Step.LEFT]
    assert committing.counts == Counts(read_count=2, planned=1, skipped=1)


def test_a_plan_is_committed_once(runs: RunStore) -> None:
    run = a_commit(runs, a_create(1))
    with pytest.raises(PlanStaleError) as caught:
        runs.approve(run, Approval("fingerprint", "ben"))
    assert (caught.value.code, caught.value.facts["person"]) == ("plan_already_committed", "anna")


def test_a_run_that_failed_before_it_had_a_plan_cannot_be_committed(runs: RunStore) -> None:
    run = a_preview(runs, a_create(1))
    runs.fail(run, "right_missing", {})
    with pytest.raises(PlanStaleError):
        runs.approve(run, Approval("", "ben"))


def test_a_discarded_plan_cannot_be_committed(runs: RunStore) -> None:
    run = a_plan(runs, a_create(1))
    runs.discard(run, "anna")
    assert runs.get(run).state is RunState.DISCARDED
    with pytest.raises(PlanStaleError, match="plan_discarded"):
        runs.approve(run, Approval("fingerprint", "ben"))


def test_who_discards_a_plan_after_somebody_else_decided_is_told_who_was_first(runs: RunStore) -> None:
    run, other = a_plan(runs, a_create(1)), a_commit(runs, a_create(1))
    runs.discard(run, "anna")
    with pytest.raises(PlanStaleError, match="plan_discarded"):
        runs.discard(run, "ben")
    with pytest.raises(PlanStaleError, match="plan_already_committed"):
        runs.discard(other, "ben")


def test_a_state_that_may_not_follow_is_refused(runs: RunStore) -> None:
    run = a_plan(runs, a_create(1))
    with pytest.raises(ValueError, match="cannot go from ready to interrupted"):
        runs.interrupt(run, "cancelled", {})


def test_an_interrupted_commit_is_taken_up_where_it_stopped(runs: RunStore, ledger: Ledger) -> None:
    run = a_commit(runs, a_create(1), a_create(2), a_create(3))
    ledger.mark_sent(run, [1])
    ledger.settle(run, [Outcome(1, Step.PROVEN, "71")])
    runs.request_cancel(run, "ben")
    assert runs.cancel_requested(run)
    runs.interrupt(run, "cancelled", {"flow": FLOW})
    runs.approve(run, Approval("fingerprint", "ben"))
    resumed_run = runs.get(run)
    assert (resumed_run.progress_done, resumed_run.progress_total, resumed_run.error) == (1, 3, "")
    assert not runs.cancel_requested(run)
    assert [line.seq for line in ledger.next_planned(run, STAGES, 10)] == [2, 3]


def test_every_record_read_is_accounted_for_at_every_moment(runs: RunStore, ledger: Ledger) -> None:
    lines = [a_create(number) for number in range(1, 6)]
    run = a_commit(runs, *lines, a_skip(6), a_park(7), unchanged=3, left_out=frozenset({5}))
    ledger.mark_sent(run, [1, 2, 3])
    ledger.settle(
        run,
        [
            Outcome(1, Step.PROVEN, "71"),
            Outcome(2, Step.PARKED, issue=Issue("mplus_rejected", "P2")),
            Outcome(3, Step.IN_DOUBT),
        ],
    )
    expected = Counts(read_count=10, proven=1, unchanged=3, skipped=2, parked=2, in_doubt=1, planned=1)
    assert runs.counts(run) == expected
    assert runs.get(run).counts == expected
    assert expected.difference == 0


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moves=st.lists(st.tuples(st.integers(1, 6), st.sampled_from(list(Step))), max_size=40))
def test_the_running_counts_are_those_of_the_lines_whatever_happens(
    runs: RunStore, moves: list[tuple[int, Step]], ledger: Ledger
) -> None:
    if active := runs.latest(states=[RunState.COMMITTING]):
        runs.fail(active[0].id, "unexpected_error", {})
    run = a_commit(runs, *[a_create(number) for number in range(1, 7)], a_skip(8))
    for seq, step in moves:
        try:
            if step is Step.SENT:
                ledger.mark_sent(run, [seq])
            else:
                ledger.settle(run, [Outcome(seq, step, "7")])
        except ValueError:
            continue
    assert runs.get(run).counts == runs.counts(run)
    assert runs.counts(run).difference == 0


def test_each_step_of_a_record_is_reported_and_a_quiet_run_says_little(
    runs: RunStore, database: Database, clock: Clock, previews: Previews, ledger: Ledger
) -> None:
    run = a_commit(runs, a_create(1), a_park(2))
    prove(runs, run)
    ledger.finish(run)
    assert waiting_events(database, clock) == [
        "run_started", "parked", "planned", "plan_ready", "approved", "sent", "proven", "run_done",
    ]  # fmt: skip
    quiet = a_preview(runs, unchanged=1_000)
    previews.finish(quiet, "mark", (), RunState.DONE, 1_000)
    later = waiting_events(database, clock)[8:]
    assert later.count("matched") == 1_000  # of what is linked from here on; a link that is known already is not told
    assert [event_name for event_name in later if event_name != "matched"] == [
        "run_started",
        "unchanged",
        "issue_closed",
        "run_done",
    ]


def test_a_run_tells_its_phases_and_how_long_each_took(
    runs: RunStore, clock: Clock, ledger: Ledger, previews: Previews
) -> None:
    run = a_plan(runs, a_create(1), a_create(2))
    clock.advance(600)
    runs.approve(run, Approval("fingerprint", "anna"))
    clock.advance(5)
    runs.waiting_for(run, "host_unknown", {})
    clock.advance(60)
    previews.keep_page(run, [], [], 0, START, Progress("write", 0, 2))
    prove(runs, run)
    clock.advance(10)
    ledger.finish(run)
    durations = [
        (phase.name, (phase.ended_at - phase.started_at).total_seconds())
        for phase in runs.phases(run)
        if phase.ended_at
    ]
    assert durations == [("extract", 0), ("approve", 600), ("write", 5), ("hold", 60), ("write", 10)]
    assert runs.working_time([runs.get(run), runs.begin(FLOW, Mode.CHANGES, "anna", 4)]) == {run: timedelta(seconds=15)}


def test_what_holds_a_run_up_is_reported_once_and_so_is_that_it_goes_on(
    runs: RunStore, clock: Clock, previews: Previews, database: Database
) -> None:
    run = a_preview(runs)
    for _ in range(3):
        clock.advance(20)
        runs.waiting_for(run, "service_unavailable", {"system": "MplusKASSA"})
    clock.advance(20)
    previews.keep_page(run, [], [], 0, START, Progress("plan", 3, 10))
    waits = [
        event for event in OutboxReader(database, clock).waiting(100) if event["event"] in ("run_held", "run_went_on")
    ]
    assert [(event["event"], event["code"], event["ms"]) for event in waits] == [
        ("run_held", "service_unavailable", None),
        ("run_went_on", "", 60_000),
    ]


def test_a_phase_that_goes_on_is_reported_once(runs: RunStore, clock: Clock, previews: Previews) -> None:
    run = runs.begin("products", runs.get(a_plan(runs)).mode, "anna", 4).id
    for done_count in (10, 20, 30):
        clock.advance(1)
        previews.keep_page(run, [], [], 0, START, Progress("plan", done_count, 100))
    assert [(phase.name, phase.done_before) for phase in runs.phases(run)] == [("extract", 0), ("plan", 10)]
    assert runs.phases(run)[-1].ended_at is None


def test_everybody_gets_the_same_speed(runs: RunStore, clock: Clock, ledger: Ledger) -> None:
    run = a_commit(runs, *(a_create(number) for number in range(40)))
    clock.advance(1)
    assert speed(runs.get(run), runs.phases(run)[-1], clock()).per_second == 0
    clock.advance(9)
    seqs = list(range(1, 11))
    ledger.mark_sent(run, seqs)
    ledger.settle(run, [Outcome(seq, Step.PROVEN, str(seq), "1") for seq in seqs])
    going = runs.get(run)
    assert (going.progress_done, going.progress_total) == (10, 40)
    current_speed = speed(going, runs.phases(run)[-1], clock())
    assert (current_speed.per_second, current_speed.seconds_left) == (1.0, 30.0)


def test_a_run_that_stands_still_has_no_speed(runs: RunStore, clock: Clock, ledger: Ledger) -> None:
    run = a_commit(runs, *(a_create(number) for number in range(4)))
    clock.advance(10)
    ledger.mark_sent(run, [1])
    ledger.settle(run, [Outcome(1, Step.PROVEN, "1", "1")])
    runs.interrupt(run, "cancelled", {})
    assert speed(runs.get(run), runs.phases(run)[-1], clock()).per_second == 0
    clock.advance(3600)
    runs.approve(run, Approval("fingerprint", "ben"))
    clock.advance(4)
    ledger.mark_sent(run, [2])
    ledger.settle(run, [Outcome(2, Step.PROVEN, "2", "1")])
    current_speed = speed(runs.get(run), runs.phases(run)[-1], clock())
    assert (current_speed.per_second, current_speed.seconds_left) == (0.25, 8.0)
