"""Transitions between states."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration.core.states import ACTIVE, CHANGE_STEPS, RUN_STEPS, RunState, Step, may_follow


def test_the_tables_know_every_state() -> None:
    assert set(RUN_STEPS) == set(RunState)
    assert set(CHANGE_STEPS) == set(Step)


@given(st.sampled_from(RunState), st.sampled_from(RunState))
def test_a_run_goes_only_where_its_table_says(now: RunState, next_state: RunState) -> None:
    assert may_follow(now, next_state) == (next_state in RUN_STEPS[now])


@given(st.sampled_from(Step), st.sampled_from(Step))
def test_a_change_goes_only_where_its_table_says(now: Step, next_state: Step) -> None:
    assert may_follow(now, next_state) == (next_state in CHANGE_STEPS[now])


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
