"""A waiting plan is not discarded: a newer one takes over what still applies, or leaves it unchanged."""

from dataclasses import replace
from decimal import Decimal

import pytest

from integration.connectors.protocol import References
from integration.core.errors import InDoubtError, PlanStaleError
from integration.core.links import Link
from integration.core.plan import Change
from integration.core.records import CurrentRecord, Kind, WriteResult
from integration.core.run import Mode, PreviewRequest, Run
from integration.core.states import RunState, Step
from integration.flows.spec import FlowLogic
from integration.store.database import Database
from tests.fakes import MemoryConnector
from tests.flow_harness import FlowHarness, articles, edit_record, variants
from tests.people import make_actor

HIGHER = {"price": Decimal("18.0000")}


@pytest.fixture
def plan_with_retirements(harness: FlowHarness, source: MemoryConnector) -> Run:
    """A plan with two retirements that waits behind its brake."""
    harness.run()
    source.remove(Kind.ARTICLE, "1003")
    source.remove(Kind.ARTICLE, "1004")
    run = harness.preview(Mode.COMPLETE)
    assert [(brake.code, brake.count) for brake in run.brakes] == [("brake_retirements", 2)]
    return run


def test_a_preview_of_changes_that_finds_nothing_leaves_the_plan_that_waits(
    harness: FlowHarness, plan_with_retirements: Run
) -> None:
    assert harness.preview().state is RunState.DONE
    assert harness.runs.get(plan_with_retirements.id) == plan_with_retirements
    assert harness.commit(plan_with_retirements).state is RunState.DONE


def test_changes_that_come_to_the_same_leave_the_plan_that_waits(
    harness: FlowHarness, source: MemoryConnector, plan_with_retirements: Run
) -> None:
    edit_record(source, "1001", {"stock": Decimal(7)})  # read, and nothing of it is written
    repeat_run = harness.preview()
    assert (repeat_run.state, repeat_run.error, repeat_run.facts["run"]) == (
        RunState.DISCARDED,
        "plan_says_the_same",
        plan_with_retirements.id,
    )
    assert harness.runs.get(plan_with_retirements.id) == plan_with_retirements
    with pytest.raises(PlanStaleError, match="plan_replaced"):
        harness.approve(repeat_run)
    assert harness.commit(plan_with_retirements).state is RunState.DONE


def test_a_plan_of_changes_takes_retirements_over_with_what_was_left_out(
    harness: FlowHarness, source: MemoryConnector, target: MemoryConnector, plan_with_retirements: Run
) -> None:
    harness.leave(plan_with_retirements, "1004", by="anna")
    edit_record(source, "1001", HIGHER)
    run = harness.preview()
    assert run.state is RunState.READY
    assert set(harness.changes(run)) == {"1001", "1003", "1004"}
    assert run.brakes == plan_with_retirements.brakes
    assert set(run.excluded) == {harness.changes(run)["1004"].seq}
    old = harness.runs.get(plan_with_retirements.id)
    assert (old.state, old.error, old.facts["run"]) == (RunState.DISCARDED, "plan_replaced", run.id)
    with pytest.raises(PlanStaleError) as refusal:
        harness.approve(old)
    assert (refusal.value.code, refusal.value.facts["run"]) == ("plan_replaced", run.id)
    harness.commit(run)
    products = target.records_of(Kind.PRODUCT)
    assert [products[key].flat()[f"{key}/active"] for key in ("1003", "1004")] == [False, True]


def test_what_has_come_back_meanwhile_is_not_taken_over(harness: FlowHarness, source: MemoryConnector) -> None:
    harness.run()
    back = source.records_of(Kind.ARTICLE)["1003"]
    source.remove(Kind.ARTICLE, "1003")
    source.remove(Kind.ARTICLE, "1004")
    harness.preview(Mode.COMPLETE)
    source.put(back)
    run = harness.preview()
    assert set(harness.changes(run)) == {"1004"}
    assert [(brake.code, brake.count) for brake in run.brakes] == [("brake_retirements", 1)]


def test_what_was_retired_by_hand_meanwhile_is_not_taken_over(
    harness: FlowHarness, source: MemoryConnector, target: MemoryConnector, plan_with_retirements: Run
) -> None:
    edit_record(target, "1003", {"1003/active": False}, Kind.PRODUCT)
    edit_record(source, "1001", HIGHER)
    run = harness.preview()
    assert set(harness.changes(run)) == {"1001", "1004"}
    assert harness.runs.get(plan_with_retirements.id).error == "plan_replaced"


def test_what_only_reading_everything_shows_is_taken_over(
    harness: FlowHarness, source: MemoryConnector, target: MemoryConnector
) -> None:
    harness.run()
    link = harness.links.get(harness.flow, Kind.PRODUCT, ["1002"])["1002"]
    edit_record(target, "1002", {"1002/price_incl": Decimal("1.00")}, Kind.PRODUCT)
    now = target.lookup([link.agreed], harness.links.references(harness.flow))["1002"] if link.agreed else None
    assert now is not None
    harness.links.keep(harness.flow, [Link(link.kind, link.key, link.reference, link.agreed, now.marker)])
    whole = harness.preview(Mode.COMPLETE)
    assert set(harness.changes(whole)) == {"1002"}
    edit_record(source, "1001", HIGHER)
    run = harness.preview()
    assert set(harness.changes(run)) == {"1001", "1002"}
    assert harness.runs.get(whole.id).facts["run"] == run.id


def test_a_change_that_the_source_took_back_ends_the_plan_that_waits(
    harness: FlowHarness, source: MemoryConnector
) -> None:
    harness.run()
    before = source.records_of(Kind.ARTICLE)["1001"].values["price"]
    edit_record(source, "1001", HIGHER)
    plan = harness.preview()
    edit_record(source, "1001", {"price": before})
    run = harness.preview()
    assert run.state is RunState.DONE
    old = harness.runs.get(plan.id)
    assert (old.state, old.error, old.facts["run"]) == (RunState.DISCARDED, "plan_replaced", run.id)


def test_a_choice_is_asked_again_where_the_change_is_another_one(harness: FlowHarness, source: MemoryConnector) -> None:
    harness.run()
    edit_record(source, "1001", HIGHER)
    edit_record(source, "1002", HIGHER)
    plan = harness.leave(harness.preview(), "1001", "1002")
    edit_record(source, "1002", {"price": Decimal("19.0000")})
    run = harness.preview()
    assert set(run.excluded) == {harness.changes(run)["1001"].seq}
    assert harness.runs.get(plan.id).facts["run"] == run.id


def test_what_was_left_out_stays_so_whatever_it_becomes_once_what_decided_it_is_otherwise(
    harness: FlowHarness, source: MemoryConnector
) -> None:
    harness.run()
    edit_record(source, "1001", HIGHER)
    edit_record(source, "1002", HIGHER)
    plan = harness.leave(harness.preview(), "1001", by="anna")
    harness.decides, harness.settings = {"settings": "changed"}, {"price_basis": "incl"}
    run = harness.preview(Mode.COMPLETE)
    assert harness.changes(run)["1001"].digest != harness.changes(plan)["1001"].digest
    assert set(run.excluded) == {harness.changes(run)["1001"].seq}


def test_a_plan_that_says_the_same_takes_over_one_whose_records_were_corrected_since(
    harness: FlowHarness, source: MemoryConnector
) -> None:
    harness.run()
    edit_record(source, "1001", HIGHER)
    harness.corrections = {"1001": "typed"}
    plan = harness.preview()
    harness.corrections = {}
    run = harness.preview()
    assert (run.fingerprint, harness.runs.get(plan.id).error) == (plan.fingerprint, "plan_replaced")
    assert harness.commit(run).state is RunState.DONE


def test_a_plan_that_says_the_same_takes_over_one_that_no_longer_holds(
    harness: FlowHarness, source: MemoryConnector
) -> None:
    harness.run()
    edit_record(source, "1001", HIGHER)
    plan = harness.preview()
    harness.decides = {"settings": "changed"}
    run = harness.preview()
    assert (run.fingerprint, harness.runs.get(plan.id).error) == (plan.fingerprint, "plan_replaced")
    assert harness.commit(run).state is RunState.DONE


def test_the_articles_of_a_product_that_are_gone_are_taken_over_together(
    database: Database, target: MemoryConnector
) -> None:
    source = MemoryConnector(variants(), system="accountview")
    harness = FlowHarness(database, source, target)
    harness.run()
    for key in ("1", "2", "3"):
        source.remove(Kind.ARTICLE, key)
    plan = harness.preview(Mode.COMPLETE)
    edit_record(source, "9001", HIGHER)
    run = harness.preview()
    assert run.brakes == plan.brakes
    harness.commit(run)
    product = target.records_of(Kind.PRODUCT)["TRUI"].flat()
    assert [product[f"{key}/active"] for key in ("1", "2", "3")] == [False, False, False]


def test_a_plan_of_an_empty_source_puts_nothing_aside_and_keeps_its_brake(
    harness: FlowHarness, source: MemoryConnector
) -> None:
    harness.run()
    edit_record(source, "1001", HIGHER)
    plan = harness.preview()
    article_records = source.records_of(Kind.ARTICLE)
    for key in list(article_records):
        source.remove(Kind.ARTICLE, key)
    empty = harness.preview(Mode.COMPLETE)
    assert {harness.runs.get(run.id).state for run in (plan, empty)} == {RunState.READY}
    for record in article_records.values():
        source.put(record)
    run = harness.preview()
    assert set(harness.changes(run)) == {"1001"}
    assert not run.brakes
    assert {harness.runs.get(pending.id).facts["run"] for pending in (plan, empty)} == {run.id}


# ---- plans of chosen records


def test_a_plan_of_chosen_records_leaves_the_plan_of_everything_and_both_are_written(
    harness: FlowHarness, source: MemoryConnector, target: MemoryConnector
) -> None:
    harness.run()
    for key in ("1001", "1002", "1003"):
        edit_record(source, key, HIGHER)
    every = harness.preview()
    chosen = harness.preview(Mode.CHOSEN, ["1001"])
    assert {run.id for run in harness.runs.latest(harness.flow, [RunState.READY])} == {every.id, chosen.id}
    harness.commit(chosen)
    writes_before = len(target.writes)
    final_run = harness.commit(every)
    assert harness.steps(final_run) == dict.fromkeys(("1001", "1002", "1003"), Step.PROVEN)
    assert len(target.writes) == writes_before + 2  # what the other plan had written is not written twice
    assert not harness.causes(final_run)


def test_what_is_new_in_two_plans_is_created_once(harness: FlowHarness, target: MemoryConnector) -> None:
    every = harness.preview()
    chosen = harness.preview(Mode.CHOSEN, ["1001"])
    harness.commit(chosen)
    writes_before = len(target.writes)
    final_run = harness.commit(every)
    assert set(harness.steps(final_run).values()) == {Step.PROVEN}
    assert len(target.writes) - writes_before == len(harness.changes(final_run)) - len(harness.changes(chosen))
    assert set(target.records_of(Kind.PRODUCT)) == {"1001", "1002", "1003", "1004", "1005"}


class UnansweringTill(MemoryConnector):
    """A till that receives a write of one record, does not answer, and does not show the record."""

    key = "1001"

    def write(self, change: Change, current: CurrentRecord | None, references: References, token: str) -> WriteResult:
        if change.key == self.key:
            self.writes.append(change.key)
            raise InDoubtError(system=self.system, key=change.key)
        return super().write(change, current, references, token)


def test_what_another_plan_sent_and_nobody_knows_of_is_a_question_and_not_sent_again(database: Database) -> None:
    target, source = UnansweringTill(system="mplus"), MemoryConnector(articles("1002", "1003"), system="accountview")
    harness = FlowHarness(database, source, target)
    harness.run()
    source.put(articles("1001")[0])
    source.put(articles("1004")[0])
    every = harness.preview()
    chosen = harness.commit(harness.preview(Mode.CHOSEN, ["1001"]))
    assert harness.causes(chosen) == {"1001": "never_answered"}
    writes_before = target.writes.count("1001")
    final_run = harness.commit(every)
    assert harness.causes(final_run) == {"1001": "never_answered"}
    assert harness.steps(final_run)["1004"] is Step.PROVEN
    assert target.writes.count("1001") == writes_before


class UnverifiableHarness(FlowHarness):
    """A flow whose written products cannot be read back."""

    def make_logic(self) -> FlowLogic:
        logic = super().make_logic()
        stages = [
            replace(stage, unverifiable=True, write_once=True) if stage.target is Kind.PRODUCT else stage
            for stage in logic.flow.stages
        ]
        logic.flow = replace(logic.flow, stages=tuple(stages))
        return logic


def test_what_nobody_can_read_back_is_written_by_one_of_two_plans(
    database: Database, source: MemoryConnector, target: MemoryConnector
) -> None:
    harness = UnverifiableHarness(database, source, target)
    every = harness.preview()
    harness.commit(harness.preview(Mode.CHOSEN, ["1001"]))
    assert target.writes.count("1001") == 1
    final_run = harness.commit(every)
    assert target.writes.count("1001") == 1
    assert harness.steps(final_run)["1001"] is Step.ACCEPTED
    assert len(set(target.writes)) == len(target.writes)


def test_a_plan_of_chosen_records_ends_when_one_of_everything_has_all_of_it(
    harness: FlowHarness, source: MemoryConnector
) -> None:
    harness.run()
    edit_record(source, "1001", HIGHER)
    chosen = harness.preview(Mode.CHOSEN, ["1001"])
    run = harness.preview()
    assert harness.runs.get(chosen.id).facts["run"] == run.id
    edit_record(source, "1002", HIGHER)
    other = harness.preview(Mode.CHOSEN, ["1002"])
    assert harness.runs.get(run.id).state is RunState.READY
    next_run = harness.preview(Mode.CHOSEN, ["1002"])
    assert harness.runs.get(other.id).facts["run"] == next_run.id


def test_an_undo_puts_no_plan_aside(harness: FlowHarness, source: MemoryConnector) -> None:
    harness.run()
    edit_record(source, "1001", HIGHER)
    final_run = harness.run()
    edit_record(source, "1002", HIGHER)
    plan = harness.preview()
    back = harness.undo(final_run)
    assert {harness.runs.get(run.id).state for run in (plan, back)} == {RunState.READY}
    edit_record(source, "1003", HIGHER)
    harness.preview()
    assert harness.runs.get(back.id).state is RunState.READY


def test_a_preview_goes_on_after_a_restart_while_it_takes_over(
    harness: FlowHarness, source: MemoryConnector, plan_with_retirements: Run
) -> None:
    edit_record(source, "1001", HIGHER)
    harness.clock.advance(60)
    run = harness.runner.preview.begin(PreviewRequest("products", make_actor("test")))
    while harness.runner.preview.page(run.id):
        harness.restart()
    assert set(harness.changes(harness.checked_run(run))) == {"1001", "1003", "1004"}
    assert harness.runs.get(plan_with_retirements.id).facts["run"] == run.id


def test_a_plan_whose_records_a_later_run_has_written_is_closed(harness: FlowHarness, source: MemoryConnector) -> None:
    harness.run()
    edit_record(source, "1001", HIGHER)
    chosen = harness.preview(Mode.CHOSEN, ["1001"])
    edit_record(source, "1003", HIGHER)
    other = harness.preview(Mode.CHOSEN, ["1003"])
    edit_record(source, "1003", {"price": Decimal("19.0000")})
    edit_record(source, "1001", {"price": Decimal("20.0000")})
    whole = harness.commit(harness.leave(harness.preview(Mode.COMPLETE), "1003"))

    old = harness.runs.get(chosen.id)
    assert (old.state, old.error, old.facts["run"]) == (RunState.DISCARDED, "plan_superseded", whole.id)
    with pytest.raises(PlanStaleError, match="plan_superseded"):
        harness.approve(old)
    assert harness.runs.get(other.id).state is RunState.READY  # its record was left out


def test_a_later_plan_and_an_undo_are_not_closed_by_a_commit(harness: FlowHarness, source: MemoryConnector) -> None:
    first = harness.run()
    edit_record(source, "1001", HIGHER)
    undo = harness.undo(first)
    whole = harness.preview(Mode.COMPLETE)
    later = harness.preview(Mode.CHOSEN, ["1001"])
    harness.commit(whole)
    assert {harness.runs.get(run.id).state for run in (undo, later)} == {RunState.READY}
