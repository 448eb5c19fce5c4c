"""What may follow what, and that the counts add up."""

import pickle
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration.core.errors import ConfigurationError, IntegrationError, PlanStaleError
from integration.core.plan import Approval
from integration.core.run import (
    ACTIVE,
    CHANGE_STEPS,
    EARLIEST_SECONDS,
    RESTING,
    RUN_STEPS,
    START,
    Counts,
    Mode,
    Phase,
    Run,
    RunState,
    Schedule,
    Speed,
    Step,
    Task,
    may_follow,
    speed,
)
from integration.core.timetable import WALL_CLOCK, Timetable, crons, next_time

SOME = st.integers(0, 1000)
BEGAN = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
RUN = Run("r1", "products", RunState.PREVIEWING, Mode.COMPLETE, "anna", BEGAN, progress_done=150, progress_total=400)
READING = Phase("extract", BEGAN, done_before=50)


def test_the_tables_know_every_state() -> None:
    assert set(RUN_STEPS) == set(RunState)
    assert set(CHANGE_STEPS) == set(Step)


@given(st.sampled_from(RunState), st.sampled_from(RunState))
def test_a_run_goes_only_where_its_table_says(now: RunState, wanted: RunState) -> None:
    assert may_follow(now, wanted) == (wanted in RUN_STEPS[now])


@given(st.sampled_from(Step), st.sampled_from(Step))
def test_a_change_goes_only_where_its_table_says(now: Step, wanted: Step) -> None:
    assert may_follow(now, wanted) == (wanted in CHANGE_STEPS[now])


@pytest.mark.parametrize("end", [Step.PROVEN, Step.ACCEPTED, Step.LEFT])
def test_what_is_settled_stays_settled(end: Step) -> None:
    assert not CHANGE_STEPS[end]


def test_what_was_a_question_is_answered_and_never_sent_by_that() -> None:
    assert CHANGE_STEPS[Step.PARKED] == {Step.PROVEN, Step.ACCEPTED, Step.LEFT}


def test_a_plan_is_committed_once_it_is_ready() -> None:
    assert may_follow(RunState.READY, RunState.COMMITTING)
    assert not may_follow(RunState.PREVIEWING, RunState.COMMITTING)


def test_nothing_is_proven_that_was_never_sent() -> None:
    assert not may_follow(Step.PLANNED, Step.PROVEN)


def test_only_a_run_at_work_is_active() -> None:
    assert {RunState.PREVIEWING, RunState.COMMITTING} == ACTIVE


@given(SOME, SOME, SOME, SOME, SOME, SOME)
def test_counts_that_add_up_have_no_difference(
    proven: int, unchanged: int, skipped: int, parked: int, in_doubt: int, planned: int
) -> None:
    read = proven + unchanged + skipped + parked + in_doubt + planned
    counts = Counts(read, proven, unchanged, skipped, parked, in_doubt, planned)
    assert counts.difference == 0


def test_a_lost_record_is_a_difference() -> None:
    assert Counts(read=3, proven=1, parked=1).difference == 1


def test_an_error_survives_the_way_through_a_database() -> None:
    error = pickle.loads(pickle.dumps(PlanStaleError("plan_stale", flow="products", version=3)))  # noqa: S301
    assert isinstance(error, PlanStaleError)
    assert (error.code, dict(error.facts)) == ("plan_stale", {"flow": "products", "version": "3"})


def test_an_error_says_its_code_and_facts() -> None:
    assert str(ConfigurationError(setting="key")) == "setting_invalid: setting=key"
    assert str(IntegrationError()) == "unexpected_error"


# ---- how fast a run goes


def test_the_pace_is_what_was_done_since_the_phase_began() -> None:
    assert speed(RUN, READING, BEGAN + timedelta(seconds=20)) == Speed(per_second=5, seconds_left=50)


def test_a_run_that_found_more_than_it_expected_has_no_time_left() -> None:
    assert speed(replace(RUN, progress_total=100), READING, BEGAN + timedelta(seconds=20)) == Speed(5, 0)


@pytest.mark.parametrize(
    ("phase", "seconds"),
    [
        (None, 20),
        (replace(READING, ended_at=BEGAN + timedelta(seconds=9)), 20),
        *((replace(READING, name=name), 20) for name in sorted(RESTING)),
        (READING, EARLIEST_SECONDS / 2),
        (replace(READING, done_before=150), 20),
    ],
)
def test_a_run_that_rests_or_has_hardly_begun_has_no_speed(phase: Phase | None, seconds: float) -> None:
    assert speed(RUN, phase, BEGAN + timedelta(seconds=seconds)) == Speed()


def test_a_position_counts_on_and_each_task_begins_at_the_first_page() -> None:
    there = replace(START, stage=1, after="7", read=2, watched={"brake_price": 1}).counting(3, 1, {"brake_price": 2})

    assert (there.changes, there.retirements, there.watched) == (3, 1, {"brake_price": 3})
    assert there.at(Task.COMPARE) == replace(there, task=Task.COMPARE, stage=0, after=None)


def test_enough_is_read_once_as_much_is_read_as_may_be() -> None:
    assert not replace(START, read=9).has_enough
    assert [replace(START, read=read, most=2).has_enough for read in (1, 2)] == [False, True]


def test_of_what_may_be_read_the_rest_is_left_and_never_less_than_one() -> None:
    assert replace(START, read=9).remaining is None
    assert [replace(START, read=read, most=5).remaining for read in (0, 3, 5, 7)] == [5, 2, 1, 1]


def test_a_run_tells_whether_it_was_asked_for_with_an_earlier_mapping() -> None:
    assert replace(RUN, mapping_version=1, in_force=2).has_earlier_mapping
    assert not replace(RUN, mapping_version=2, in_force=2).has_earlier_mapping


def test_the_mark_of_a_run_covers_what_is_left_out_of_its_plan() -> None:
    plan = replace(RUN, fingerprint="f")
    assert plan.mark == "f"
    assert plan.mark != replace(plan, excluded={3: "digest"}).mark


# ---- schedules: by which clock flows run


def test_schedules_are_written_by_the_clock_on_the_wall_of_the_shop() -> None:
    assert datetime(2026, 7, 1, tzinfo=ZoneInfo(WALL_CLOCK)).utcoffset() == timedelta(hours=2)


def test_what_changed_and_everything_are_two_schedules_of_a_flow() -> None:
    often, nightly = (Schedule("products", "0 0 3 * * *", mode) for mode in (Mode.CHANGES, Mode.COMPLETE))
    assert len({often, nightly}) == 2


HERE = ZoneInfo(WALL_CLOCK)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def never(_: date) -> bool:
    return False


def test_without_a_night_the_next_run_is_that_of_the_timetable() -> None:
    assert next_time(Timetable(5), at("2026-11-25 09:41:30"), HERE, never, nightly=False) == at("2026-11-25 09:45:00")


def test_the_run_of_the_night_is_next_when_it_comes_first() -> None:
    assert next_time(Timetable(59), at("2026-11-25 01:01:00"), HERE, never, nightly=True) == at("2026-11-25 01:17:30")
    assert next_time(Timetable(5), at("2026-11-25 01:17:31"), HERE, never, nightly=True) == at("2026-11-25 01:20:00")


def test_the_night_is_that_of_the_shop_in_summer_too() -> None:
    assert next_time(Timetable(59), at("2026-07-01 00:01:00"), HERE, never, nightly=True) == at("2026-07-01 00:17:30")


def test_a_schedule_without_a_night_has_one_line() -> None:
    assert crons(Timetable(5), nightly=False) == ["0 */5 * * * *"]
    assert crons(Timetable(5), nightly=True) == ["0 */5 * * * *", "30 17 2 * * *"]


@pytest.mark.parametrize(
    ("state", "approved", "reached", "nothing"),
    [
        (RunState.DONE, True, 0, True),
        (RunState.DONE, True, 1, False),
        (RunState.DONE, False, 0, False),
        (RunState.INTERRUPTED, True, 0, False),
    ],
)
def test_a_plan_that_went_through_without_a_proof_came_to_nothing(
    state: RunState, reached: int, *, approved: bool, nothing: bool
) -> None:
    approval = Approval("f", by="anna") if approved else None
    run = Run(
        id="1", flow="orders", mode=Mode.COMPLETE, state=state, by="anna", mapping_version=1,
        started_at=datetime(2026, 11, 25, tzinfo=UTC), approval=approval,
        counts=Counts(read=3, parked=2, reached=reached),
    )  # fmt: skip
    assert run.came_to_nothing is nothing
