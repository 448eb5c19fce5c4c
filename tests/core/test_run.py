"""What may follow what, and that the counts add up."""

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration.core.errors import ConfigurationError, IntegrationError, PlanStaleError
from integration.core.flow import Flow, Stage
from integration.core.records import Kind
from integration.core.run import ACTIVE, CHANGE_STEPS, RUN_STEPS, Counts, RunState, Step, may_follow

SOME = st.integers(0, 1000)


def test_the_tables_know_every_state() -> None:
    assert set(RUN_STEPS) == set(RunState)
    assert set(CHANGE_STEPS) == set(Step)


@given(st.sampled_from(RunState), st.sampled_from(RunState))
def test_a_run_goes_only_where_its_table_says(now: RunState, wanted: RunState) -> None:
    assert may_follow(now, wanted) == (wanted in RUN_STEPS[now])


@given(st.sampled_from(Step), st.sampled_from(Step))
def test_a_change_goes_only_where_its_table_says(now: Step, wanted: Step) -> None:
    assert may_follow(now, wanted) == (wanted in CHANGE_STEPS[now])


@pytest.mark.parametrize("end", [Step.PROVEN, Step.PARKED, Step.LEFT])
def test_what_is_settled_stays_settled(end: Step) -> None:
    assert not CHANGE_STEPS[end]


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


def test_a_flow_knows_the_stage_that_writes_a_kind() -> None:
    flow = Flow("products", "a", "b", (Stage(Kind.GROUP, Kind.GROUP), Stage(Kind.ARTICLE, Kind.PRODUCT)))
    assert flow.stage(Kind.PRODUCT) == 1


def test_an_error_survives_the_way_through_a_database() -> None:
    error = pickle.loads(pickle.dumps(PlanStaleError("plan_stale", flow="products", version=3)))  # noqa: S301
    assert isinstance(error, PlanStaleError)
    assert (error.code, dict(error.facts)) == ("plan_stale", {"flow": "products", "version": "3"})


def test_an_error_says_its_code_and_facts() -> None:
    assert str(ConfigurationError(setting="key")) == "setting_invalid: setting=key"
    assert str(IntegrationError()) == "unexpected_error"
