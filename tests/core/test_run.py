"""Counts of a run add up, and its speed is right."""

import pickle
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration.core.errors import ConfigurationError, IntegrationError, PlanStaleError
from integration.core.plan import Approval
from integration.core.run import EARLIEST_SECONDS, Counts, Mode, Phase, Run, Speed, speed
from integration.core.states import WAITING_PHASES, RunState

SOME = st.integers(0, 1000)
BEGAN = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
RUN = Run("r1", "products", RunState.PREVIEWING, Mode.COMPLETE, "anna", BEGAN, progress_done=150, progress_total=400)
READING = Phase("extract", BEGAN, done_before=50)


@given(SOME, SOME, SOME, SOME, SOME, SOME)
def test_counts_that_add_up_have_no_difference(
    proven: int, unchanged: int, skipped: int, parked: int, in_doubt: int, planned: int
) -> None:
    read_count = proven + unchanged + skipped + parked + in_doubt + planned
    counts = Counts(read_count, proven, unchanged, skipped, parked, in_doubt, planned)
    assert counts.difference == 0


def test_a_lost_record_is_a_difference() -> None:
    assert Counts(read_count=3, proven=1, parked=1).difference == 1


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
        *((replace(READING, name=name), 20) for name in sorted(WAITING_PHASES)),
        (READING, EARLIEST_SECONDS / 2),
        (replace(READING, done_before=150), 20),
    ],
)
def test_a_run_that_rests_or_has_hardly_begun_has_no_speed(phase: Phase | None, seconds: float) -> None:
    assert speed(RUN, phase, BEGAN + timedelta(seconds=seconds)) == Speed()


def test_a_run_tells_whether_it_was_asked_for_with_an_earlier_mapping() -> None:
    assert replace(RUN, mapping_version=1, mapping_version_at_start=2).has_earlier_mapping
    assert not replace(RUN, mapping_version=2, mapping_version_at_start=2).has_earlier_mapping


def test_the_mark_of_a_run_covers_what_is_left_out_of_its_plan() -> None:
    plan = replace(RUN, fingerprint="f")
    assert plan.mark == "f"
    assert plan.mark != replace(plan, excluded={3: "digest"}).mark


@pytest.mark.parametrize(
    ("state", "approved", "counts", "nothing"),
    [
        (RunState.DONE, True, Counts(read_count=3, parked=2), True),
        (RunState.DONE, True, Counts(read_count=3, parked=2, reached=1), False),
        (RunState.DONE, True, Counts(read_count=3, parked=2, unchanged=1), True),
        (RunState.DONE, False, Counts(read_count=3, parked=2), True),
        (RunState.DONE, False, Counts(read_count=3, parked=2, skipped=1), True),
        (RunState.DONE, False, Counts(read_count=3, parked=2, unchanged=1), False),
        (RunState.DONE, False, Counts(read_count=3, skipped=3), False),
        (RunState.DONE, False, Counts(), False),
        (RunState.INTERRUPTED, True, Counts(read_count=3, parked=2), False),
    ],
)
def test_a_plan_that_went_through_without_a_proof_came_to_nothing(
    state: RunState, counts: Counts, *, approved: bool, nothing: bool
) -> None:
    approval = Approval("f", by="anna") if approved else None
    run = Run(
        id="1", flow="orders", mode=Mode.COMPLETE, state=state, by="anna", mapping_version=1,
        started_at=datetime(2026, 11, 25, tzinfo=UTC), approval=approval,
        counts=counts,
    )  # fmt: skip
    assert run.had_no_effect is nothing


@pytest.mark.parametrize(
    ("state", "error", "counts", "is_proof"),
    [
        (RunState.DONE, "", Counts(read_count=2, proven=2, reached=2), True),
        (RunState.DONE, "", Counts(read_count=2, unchanged=2), True),
        (RunState.DONE, "", Counts(read_count=2, proven=1, parked=1, reached=1), True),
        (RunState.DONE, "", Counts(reached=1), True),  # a picture
        (RunState.DONE, "", Counts(read_count=2, parked=2), False),
        (RunState.DONE, "", Counts(read_count=2, skipped=2), False),
        (RunState.DONE, "", Counts(read_count=2, accepted=2, reached=2), False),
        (RunState.DONE, "", Counts(), False),
        (RunState.DONE, "", Counts(read_count=3, proven=2, reached=2), False),  # one is lost
        (RunState.DONE, "x", Counts(read_count=2, unchanged=2), False),
        (RunState.READY, "", Counts(read_count=2, unchanged=2), False),
    ],
)
def test_a_proof_is_a_run_that_proved_a_change_or_found_something_equal(
    state: RunState, error: str, counts: Counts, *, is_proof: bool
) -> None:
    run = Run(
        "1", "orders", state, Mode.COMPLETE, "anna", datetime(2026, 11, 25, tzinfo=UTC), error=error, counts=counts
    )
    assert run.is_proof is is_proof


@pytest.mark.parametrize(
    ("mode", "trusting", "expected"),
    [(Mode.COMPLETE, False, True), (Mode.COMPLETE, True, False), (Mode.CHANGES, False, False)],
)
def test_a_run_that_recognizes_records_by_their_hashes_parses_only_some(
    mode: Mode, *, trusting: bool, expected: bool
) -> None:
    run = replace(RUN, mode=mode, position=replace(RUN.position, trusting=trusting))
    assert run.parses_everything is expected
