"""An undo lasts: the next plan marks the value and leaves it out, until a person or the source changes it."""

from dataclasses import replace
from decimal import Decimal

import pytest

from integration.core.plan import Action
from integration.core.plan_lines import PlanRow
from integration.core.records import Kind
from integration.core.reverted_values import VALUE_REVERTED
from integration.core.run import Mode, PreviewRequest, Run
from integration.core.states import RunState, Step
from tests.fakes import MemoryConnector
from tests.flow_harness import FlowHarness, edit_record
from tests.people import make_actor
from tests.runner.test_undo import a_price_update, till_value

COMPLETE = Mode.COMPLETE
OLD, NEW = Decimal("20.00"), Decimal("24.20")


@pytest.fixture
def undo_run(harness: FlowHarness, source: MemoryConnector) -> Run:
    """Undo a run, which changed a price and a name, as Anna."""
    run = harness.runs.get(a_price_update(harness, source))
    return harness.commit(harness.undo(run), by="Anna")


def lines(harness: FlowHarness, run: Run, key: str = "1002") -> list[PlanRow]:
    return [row for row in harness.plans.rows(run.id, "changes", limit=10_000) if row.key == key]


def only_line(harness: FlowHarness, run: Run, key: str = "1002") -> PlanRow:
    (row,) = lines(harness, run, key)
    return row


def test_the_next_plan_marks_what_was_undone_and_leaves_it_out(harness: FlowHarness, undo_run: Run) -> None:
    plan = harness.preview(COMPLETE)
    row = only_line(harness, plan)
    assert row.cause == VALUE_REVERTED
    assert row.facts == {"run": undo_run.id, "by": "Anna", "time": undo_run.ended_at.isoformat()}  # type: ignore[union-attr]
    assert row.seq in plan.excluded
    assert plan.brakes == ()


@pytest.mark.usefixtures("undo_run")
def test_what_is_left_out_by_its_mark_is_not_written(harness: FlowHarness, target: MemoryConnector) -> None:
    final_run = harness.run(COMPLETE)
    assert harness.steps(final_run) == {"1002": Step.LEFT}
    assert till_value(target, "1002", "1002/price_incl") == OLD
    assert only_line(harness, harness.preview(COMPLETE)).cause == VALUE_REVERTED


@pytest.mark.usefixtures("undo_run")
def test_what_both_sides_agreed_on_follows_the_undo(harness: FlowHarness) -> None:
    agreed = harness.links.get("products", Kind.PRODUCT, ["1002"])["1002"].agreed
    assert agreed is not None
    assert agreed.flat().items() >= {"name": "Artikel 1002", "1002/price_incl": OLD}.items()


@pytest.mark.usefixtures("undo_run")
def test_a_person_who_takes_it_in_has_it_written_and_the_mark_is_gone(
    harness: FlowHarness, target: MemoryConnector
) -> None:
    plan = harness.preview(COMPLETE)
    harness.choices.take(plan.id, list(plan.excluded), "Bob")
    assert harness.commit(harness.runs.get(plan.id)).counts.proven == 1
    assert till_value(target, "1002", "1002/price_incl") == NEW
    assert harness.preview(COMPLETE).state is RunState.DONE
    edit_record(target, "1002", {"1002/price_incl": OLD}, Kind.PRODUCT)  # by a person
    plan_line = only_line(harness, harness.preview(COMPLETE))
    assert plan_line.cause == ""


@pytest.mark.usefixtures("undo_run")
def test_what_the_source_says_since_is_proposed_as_usual(
    harness: FlowHarness, source: MemoryConnector, target: MemoryConnector
) -> None:
    edit_record(source, "1002", {"price": Decimal("30.0000"), "name": "Nieuw"})
    plan = harness.preview()
    assert [(row.cause, row.seq in plan.excluded) for row in lines(harness, plan)] == [("", False)]
    harness.commit(plan)
    assert till_value(target, "1002", "1002/price_incl") == Decimal("36.30")


@pytest.mark.usefixtures("undo_run")
def test_a_field_that_changed_goes_on_and_the_one_reversed_waits_beside_it(
    harness: FlowHarness, source: MemoryConnector, target: MemoryConnector
) -> None:
    edit_record(source, "1002", {"name": "Nieuw"})
    plan = harness.preview()
    fresh, back = lines(harness, plan)
    assert fresh.change is not None
    assert back.change is not None
    assert set(fresh.change.desired.flat()) >= {"name"}
    assert set(back.change.desired.flat()) == {"1002/price_incl"}
    assert (fresh.weight, back.weight, back.cause) == (1, 0, VALUE_REVERTED)
    harness.commit(plan)
    assert till_value(target, "1002", "name") == "Nieuw"
    assert till_value(target, "1002", "1002/price_incl") == OLD
    agreed = harness.links.get("products", Kind.PRODUCT, ["1002"])["1002"].agreed
    assert agreed is not None
    assert agreed.flat().items() >= {"name": "Nieuw", "1002/price_incl": OLD}.items()


@pytest.mark.usefixtures("undo_run")
def test_both_parts_of_a_record_can_be_written_together(
    harness: FlowHarness, source: MemoryConnector, target: MemoryConnector
) -> None:
    edit_record(source, "1002", {"name": "Nieuw"})
    plan = harness.preview()
    harness.choices.take(plan.id, list(plan.excluded), "Bob")
    final_run = harness.commit(harness.runs.get(plan.id))
    assert [row.step for row in lines(harness, final_run)] == [Step.PROVEN, Step.PROVEN]
    agreed = harness.links.get("products", Kind.PRODUCT, ["1002"])["1002"].agreed
    assert agreed is not None
    assert agreed.flat().items() >= {"name": "Nieuw", "1002/price_incl": NEW}.items()
    assert till_value(target, "1002", "1002/price_incl") == NEW


@pytest.mark.usefixtures("undo_run")
def test_what_came_back_after_another_value_is_proposed_as_usual(harness: FlowHarness, source: MemoryConnector) -> None:
    edit_record(source, "1002", {"price": Decimal("30.0000")})
    harness.run()
    edit_record(source, "1002", {"price": Decimal("20.0000")})
    price, name = lines(harness, harness.preview())
    assert price.change is not None
    assert (set(price.change.desired.flat()), price.cause, name.cause) == ({"1002/price_incl"}, "", VALUE_REVERTED)


@pytest.mark.usefixtures("undo_run")
def test_a_value_the_source_has_left_is_proposed_as_usual_though_nobody_sent_the_one_between(
    harness: FlowHarness, source: MemoryConnector
) -> None:
    edit_record(source, "1002", {"price": Decimal("30.0000"), "name": "Tussen"})
    harness.preview()
    edit_record(source, "1002", {"price": Decimal("20.0000"), "name": "Beter"})
    assert {row.cause for row in lines(harness, harness.preview())} == {""}


@pytest.mark.usefixtures("undo_run")
def test_what_an_earlier_mapping_says_is_not_what_the_source_says(
    harness: FlowHarness, source: MemoryConnector
) -> None:
    harness.mapping_version = 2
    edit_record(source, "1002", {"price": Decimal("30.0000")})
    harness.finish_preview(
        harness.runner.preview.begin(PreviewRequest("products", make_actor("test"), Mode.CHOSEN, ("1002",), version=1))
    )
    edit_record(source, "1002", {"price": Decimal("20.0000")})
    assert {row.cause for row in lines(harness, harness.preview())} == {VALUE_REVERTED}


def test_undoing_the_undo_takes_nothing_back(harness: FlowHarness, undo_run: Run, source: MemoryConnector) -> None:
    harness.commit(harness.undo(undo_run))
    assert harness.preview(COMPLETE).state is RunState.DONE
    edit_record(source, "1002", {"price": Decimal("16.5289"), "name": "Artikel 1002"})  # as it was at first
    assert {row.cause for row in lines(harness, harness.preview())} == {""}


def test_what_was_created_by_mistake_stays_inactive_and_no_brake_counts_it(
    harness: FlowHarness, target: MemoryConnector
) -> None:
    harness.commit(harness.undo(harness.run()))
    plan = harness.preview(COMPLETE)
    assert {row.cause for row in harness.changes(plan).values()} == {VALUE_REVERTED}
    assert len(plan.excluded) == len(harness.changes(plan)) == 5
    assert plan.brakes == ()
    harness.commit(plan)
    assert till_value(target, "1001", "1001/active") is False


def test_a_retirement_reversed_is_proposed_with_its_mark(
    harness: FlowHarness, source: MemoryConnector, target: MemoryConnector
) -> None:
    harness.run()
    source.remove(Kind.ARTICLE, "1003")
    harness.commit(harness.undo(harness.run(COMPLETE)), by="Anna")
    plan = harness.preview(COMPLETE)
    row = only_line(harness, plan, "1003")
    assert (row.action, row.cause, row.facts["by"], plan.brakes) == (Action.RETIRE, VALUE_REVERTED, "Anna", ())
    harness.commit(plan)
    assert till_value(target, "1003", "1003/active") is True


@pytest.mark.usefixtures("undo_run")
def test_what_is_left_out_by_its_mark_does_not_hold_up_where_the_next_run_starts(
    harness: FlowHarness, source: MemoryConnector
) -> None:
    edit_record(source, "1002", {"name": "Nieuw"})
    edit_record(source, "1003", {"name": "Ander"})
    before = harness.cursors.get("products", "source:article")
    final_run = harness.run()
    assert (final_run.counts.proven, harness.plans.count(final_run.id, "left")) == (2, 1)
    assert harness.cursors.get("products", "source:article") != before


@pytest.mark.usefixtures("undo_run")
def test_a_plan_that_takes_over_keeps_what_was_taken_in(harness: FlowHarness, source: MemoryConnector) -> None:
    plan = harness.preview(COMPLETE)
    harness.choices.take(plan.id, list(plan.excluded), "Bob")
    edit_record(source, "1003", {"name": "Ander"})
    newer = harness.preview()
    assert harness.runs.get(plan.id).state is RunState.DISCARDED
    assert (set(harness.changes(newer)), newer.excluded) == ({"1002", "1003"}, {})


@pytest.mark.usefixtures("undo_run")
def test_a_plan_that_takes_over_leaves_out_what_was_left_out(harness: FlowHarness, source: MemoryConnector) -> None:
    harness.preview(COMPLETE)
    edit_record(source, "1003", {"name": "Ander"})
    newer = harness.preview()
    assert list(newer.excluded) == [only_line(harness, newer).seq]


def test_a_plan_of_before_the_undo_does_not_go_on_for_one_that_marks(
    harness: FlowHarness, source: MemoryConnector
) -> None:
    harness.run()
    edit_record(source, "1002", {"price": Decimal("20.0000")})
    waits = harness.preview()
    chosen = harness.commit(harness.preview(Mode.CHOSEN, ["1002"]))
    harness.commit(harness.undo(chosen))
    newer = harness.preview()
    assert (newer.state, harness.runs.get(waits.id).state) == (RunState.READY, RunState.DISCARDED)
    assert (only_line(harness, newer).cause, len(newer.excluded)) == (VALUE_REVERTED, 1)


@pytest.mark.usefixtures("undo_run")
def test_a_preview_of_chosen_records_marks_too(harness: FlowHarness) -> None:
    assert only_line(harness, harness.preview(Mode.CHOSEN, ["1002"])).cause == VALUE_REVERTED


def test_a_variant_that_was_added_and_reversed_stays_inactive(harness: FlowHarness, source: MemoryConnector) -> None:
    edit_record(source, "1001", {"parent": "1001", "size": "M"})
    harness.run()
    source.put(
        replace(
            source.records_of(Kind.ARTICLE)["1001"],
            key="1006",
            values={**source.records_of(Kind.ARTICLE)["1001"].values, "size": "L", "ean": ""},
        )
    )
    harness.commit(harness.undo(harness.run()))
    row = only_line(harness, harness.preview(COMPLETE), "1001")
    assert row.change is not None
    assert (row.change.desired.flat(), row.cause) == ({"1006/active": True}, VALUE_REVERTED)


@pytest.mark.usefixtures("undo_run")
def test_it_goes_on_after_a_restart(harness: FlowHarness) -> None:
    harness.restart()
    assert only_line(harness, harness.preview(COMPLETE)).cause == VALUE_REVERTED
