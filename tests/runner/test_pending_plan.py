"""A plan that waits is not thrown away: a newer one takes over what still holds, or leaves it as it is."""

from dataclasses import replace
from decimal import Decimal

import pytest

from integration.connectors.protocol import References
from integration.core.errors import InDoubtError, PlanStaleError
from integration.core.plan import Change
from integration.core.records import Held, Kind, Written
from integration.core.run import Link, Mode, PreviewRequest, Run, RunState, Step
from integration.flows.spec import FlowLogic
from integration.store.database import Database
from tests.bench import Bench, articles, edited, variants
from tests.fakes import MemoryConnector
from tests.people import somebody

HIGHER = {"price": Decimal("18.0000")}


@pytest.fixture
def gone(bench: Bench, source: MemoryConnector) -> Run:
    """A plan with two retirements that waits behind its brake."""
    bench.run()
    source.remove(Kind.ARTICLE, "1003")
    source.remove(Kind.ARTICLE, "1004")
    run = bench.preview(Mode.COMPLETE)
    assert [(brake.code, brake.count) for brake in run.brakes] == [("brake_retirements", 2)]
    return run


def test_a_preview_of_changes_that_finds_nothing_leaves_the_plan_that_waits(bench: Bench, gone: Run) -> None:
    assert bench.preview().state is RunState.DONE
    assert bench.runs.get(gone.id) == gone
    assert bench.commit(gone).state is RunState.DONE


def test_changes_that_come_to_the_same_leave_the_plan_that_waits(
    bench: Bench, source: MemoryConnector, gone: Run
) -> None:
    edited(source, "1001", {"stock": Decimal(7)})  # read, and nothing of it is written
    again = bench.preview()
    assert (again.state, again.error, again.facts["run"]) == (RunState.DISCARDED, "plan_says_the_same", gone.id)
    assert bench.runs.get(gone.id) == gone
    with pytest.raises(PlanStaleError, match="plan_replaced"):
        bench.approve(again)
    assert bench.commit(gone).state is RunState.DONE


def test_a_plan_of_changes_takes_retirements_over_with_what_was_left_out(
    bench: Bench, source: MemoryConnector, target: MemoryConnector, gone: Run
) -> None:
    bench.leave(gone, "1004", by="anna")
    edited(source, "1001", HIGHER)
    run = bench.preview()
    assert run.state is RunState.READY
    assert set(bench.changes(run)) == {"1001", "1003", "1004"}
    assert run.brakes == gone.brakes
    assert set(run.excluded) == {bench.changes(run)["1004"].seq}
    old = bench.runs.get(gone.id)
    assert (old.state, old.error, old.facts["run"]) == (RunState.DISCARDED, "plan_replaced", run.id)
    with pytest.raises(PlanStaleError) as refusal:
        bench.approve(old)
    assert (refusal.value.code, refusal.value.facts["run"]) == ("plan_replaced", run.id)
    bench.commit(run)
    held = target.held(Kind.PRODUCT)
    assert [held[key].flat()[f"{key}/active"] for key in ("1003", "1004")] == [False, True]


def test_what_has_come_back_meanwhile_is_not_taken_over(bench: Bench, source: MemoryConnector) -> None:
    bench.run()
    back = source.held(Kind.ARTICLE)["1003"]
    source.remove(Kind.ARTICLE, "1003")
    source.remove(Kind.ARTICLE, "1004")
    bench.preview(Mode.COMPLETE)
    source.put(back)
    run = bench.preview()
    assert set(bench.changes(run)) == {"1004"}
    assert [(brake.code, brake.count) for brake in run.brakes] == [("brake_retirements", 1)]


def test_what_was_retired_by_hand_meanwhile_is_not_taken_over(
    bench: Bench, source: MemoryConnector, target: MemoryConnector, gone: Run
) -> None:
    edited(target, "1003", {"1003/active": False}, Kind.PRODUCT)
    edited(source, "1001", HIGHER)
    run = bench.preview()
    assert set(bench.changes(run)) == {"1001", "1004"}
    assert bench.runs.get(gone.id).error == "plan_replaced"


def test_what_only_reading_everything_shows_is_taken_over(
    bench: Bench, source: MemoryConnector, target: MemoryConnector
) -> None:
    bench.run()
    link = bench.links.get(bench.flow, Kind.PRODUCT, ["1002"])["1002"]
    edited(target, "1002", {"1002/price_incl": Decimal("1.00")}, Kind.PRODUCT)
    now = target.lookup([link.agreed], bench.links.references(bench.flow))["1002"] if link.agreed else None
    assert now is not None
    bench.links.keep(bench.flow, [Link(link.kind, link.key, link.reference, link.agreed, now.marker)])
    whole = bench.preview(Mode.COMPLETE)
    assert set(bench.changes(whole)) == {"1002"}
    edited(source, "1001", HIGHER)
    run = bench.preview()
    assert set(bench.changes(run)) == {"1001", "1002"}
    assert bench.runs.get(whole.id).facts["run"] == run.id


def test_a_change_that_the_source_took_back_ends_the_plan_that_waits(bench: Bench, source: MemoryConnector) -> None:
    bench.run()
    before = source.held(Kind.ARTICLE)["1001"].values["price"]
    edited(source, "1001", HIGHER)
    plan = bench.preview()
    edited(source, "1001", {"price": before})
    run = bench.preview()
    assert run.state is RunState.DONE
    old = bench.runs.get(plan.id)
    assert (old.state, old.error, old.facts["run"]) == (RunState.DISCARDED, "plan_replaced", run.id)


def test_a_choice_is_asked_again_where_the_change_is_another_one(bench: Bench, source: MemoryConnector) -> None:
    bench.run()
    edited(source, "1001", HIGHER)
    edited(source, "1002", HIGHER)
    plan = bench.leave(bench.preview(), "1001", "1002")
    edited(source, "1002", {"price": Decimal("19.0000")})
    run = bench.preview()
    assert set(run.excluded) == {bench.changes(run)["1001"].seq}
    assert bench.runs.get(plan.id).facts["run"] == run.id


def test_what_was_left_out_stays_so_whatever_it_becomes_once_what_decided_it_is_otherwise(
    bench: Bench, source: MemoryConnector
) -> None:
    bench.run()
    edited(source, "1001", HIGHER)
    edited(source, "1002", HIGHER)
    plan = bench.leave(bench.preview(), "1001", by="anna")
    bench.decides, bench.settings = {"settings": "changed"}, {"price_basis": "incl"}
    run = bench.preview(Mode.COMPLETE)
    assert bench.changes(run)["1001"].digest != bench.changes(plan)["1001"].digest
    assert set(run.excluded) == {bench.changes(run)["1001"].seq}


def test_a_plan_that_says_the_same_takes_over_one_that_no_longer_holds(bench: Bench, source: MemoryConnector) -> None:
    bench.run()
    edited(source, "1001", HIGHER)
    plan = bench.preview()
    bench.decides = {"settings": "changed"}
    run = bench.preview()
    assert (run.fingerprint, bench.runs.get(plan.id).error) == (plan.fingerprint, "plan_replaced")
    assert bench.commit(run).state is RunState.DONE


def test_the_articles_of_a_product_that_are_gone_are_taken_over_together(
    database: Database, target: MemoryConnector
) -> None:
    source = MemoryConnector(variants(), system="accountview")
    bench = Bench(database, source, target)
    bench.run()
    for key in ("1", "2", "3"):
        source.remove(Kind.ARTICLE, key)
    plan = bench.preview(Mode.COMPLETE)
    edited(source, "9001", HIGHER)
    run = bench.preview()
    assert run.brakes == plan.brakes
    bench.commit(run)
    held = target.held(Kind.PRODUCT)["TRUI"].flat()
    assert [held[f"{key}/active"] for key in ("1", "2", "3")] == [False, False, False]


def test_a_plan_of_an_empty_source_puts_nothing_aside_and_keeps_its_brake(
    bench: Bench, source: MemoryConnector
) -> None:
    bench.run()
    edited(source, "1001", HIGHER)
    plan = bench.preview()
    kept = source.held(Kind.ARTICLE)
    for key in list(kept):
        source.remove(Kind.ARTICLE, key)
    empty = bench.preview(Mode.COMPLETE)
    assert {bench.runs.get(run.id).state for run in (plan, empty)} == {RunState.READY}
    for record in kept.values():
        source.put(record)
    run = bench.preview()
    assert set(bench.changes(run)) == {"1001"}
    assert not run.brakes
    assert {bench.runs.get(one.id).facts["run"] for one in (plan, empty)} == {run.id}


# ---- plans of chosen records


def test_a_plan_of_chosen_records_leaves_the_plan_of_everything_and_both_are_written(
    bench: Bench, source: MemoryConnector, target: MemoryConnector
) -> None:
    bench.run()
    for key in ("1001", "1002", "1003"):
        edited(source, key, HIGHER)
    every = bench.preview()
    chosen = bench.preview(Mode.CHOSEN, ["1001"])
    assert {run.id for run in bench.runs.latest(bench.flow, [RunState.READY])} == {every.id, chosen.id}
    bench.commit(chosen)
    written = len(target.writes)
    done = bench.commit(every)
    assert bench.steps(done) == dict.fromkeys(("1001", "1002", "1003"), Step.PROVEN)
    assert len(target.writes) == written + 2  # what the other plan had written is not written twice
    assert not bench.causes(done)


def test_what_is_new_in_two_plans_is_created_once(bench: Bench, target: MemoryConnector) -> None:
    every = bench.preview()
    chosen = bench.preview(Mode.CHOSEN, ["1001"])
    bench.commit(chosen)
    written = len(target.writes)
    done = bench.commit(every)
    assert set(bench.steps(done).values()) == {Step.PROVEN}
    assert len(target.writes) - written == len(bench.changes(done)) - len(bench.changes(chosen))
    assert set(target.held(Kind.PRODUCT)) == {"1001", "1002", "1003", "1004", "1005"}


class Deaf(MemoryConnector):
    """A till that gets a write of one record, never says so, and does not show it."""

    key = "1001"

    def write(self, change: Change, held: Held | None, references: References, token: str) -> Written:
        if change.key == self.key:
            self.writes.append(change.key)
            raise InDoubtError(system=self.system, key=change.key)
        return super().write(change, held, references, token)


def test_what_another_plan_sent_and_nobody_knows_of_is_a_question_and_not_sent_again(database: Database) -> None:
    target, source = Deaf(system="mplus"), MemoryConnector(articles("1002", "1003"), system="accountview")
    bench = Bench(database, source, target)
    bench.run()
    source.put(articles("1001")[0])
    source.put(articles("1004")[0])
    every = bench.preview()
    chosen = bench.commit(bench.preview(Mode.CHOSEN, ["1001"]))
    assert bench.causes(chosen) == {"1001": "never_answered"}
    written = target.writes.count("1001")
    done = bench.commit(every)
    assert bench.causes(done) == {"1001": "never_answered"}
    assert bench.steps(done)["1004"] is Step.PROVEN
    assert target.writes.count("1001") == written


class Unread(Bench):
    """The flow where nobody can read back what was written of products."""

    def made(self) -> FlowLogic:
        logic = super().made()
        stages = [
            replace(one, unverifiable=True, once=True) if one.target is Kind.PRODUCT else one
            for one in logic.flow.stages
        ]
        logic.flow = replace(logic.flow, stages=tuple(stages))
        return logic


def test_what_nobody_can_read_back_is_written_by_one_of_two_plans(
    database: Database, source: MemoryConnector, target: MemoryConnector
) -> None:
    bench = Unread(database, source, target)
    every = bench.preview()
    bench.commit(bench.preview(Mode.CHOSEN, ["1001"]))
    assert target.writes.count("1001") == 1
    done = bench.commit(every)
    assert target.writes.count("1001") == 1
    assert bench.steps(done)["1001"] is Step.ACCEPTED
    assert len(set(target.writes)) == len(target.writes)


def test_a_plan_of_chosen_records_ends_when_one_of_everything_has_all_of_it(
    bench: Bench, source: MemoryConnector
) -> None:
    bench.run()
    edited(source, "1001", HIGHER)
    chosen = bench.preview(Mode.CHOSEN, ["1001"])
    run = bench.preview()
    assert bench.runs.get(chosen.id).facts["run"] == run.id
    edited(source, "1002", HIGHER)
    other = bench.preview(Mode.CHOSEN, ["1002"])
    assert bench.runs.get(run.id).state is RunState.READY
    again = bench.preview(Mode.CHOSEN, ["1002"])
    assert bench.runs.get(other.id).facts["run"] == again.id


def test_an_undo_puts_no_plan_aside(bench: Bench, source: MemoryConnector) -> None:
    bench.run()
    edited(source, "1001", HIGHER)
    done = bench.run()
    edited(source, "1002", HIGHER)
    plan = bench.preview()
    back = bench.undo(done)
    assert {bench.runs.get(run.id).state for run in (plan, back)} == {RunState.READY}
    edited(source, "1003", HIGHER)
    bench.preview()
    assert bench.runs.get(back.id).state is RunState.READY


def test_a_preview_goes_on_after_a_restart_while_it_takes_over(
    bench: Bench, source: MemoryConnector, gone: Run
) -> None:
    edited(source, "1001", HIGHER)
    bench.clock.advance(60)
    run = bench.runner.preview.begin(PreviewRequest("products", somebody("test")))
    while bench.runner.preview.page(run.id):
        bench.restart()
    assert set(bench.changes(bench.rested(run))) == {"1001", "1003", "1004"}
    assert bench.runs.get(gone.id).facts["run"] == run.id
