"""What was undone stays undone: the next plan marks it and leaves it out, until a person or the source says so."""

from dataclasses import replace
from decimal import Decimal

import pytest

from integration.core.plan import Action
from integration.core.records import Kind
from integration.core.run import Mode, PlanRow, PreviewRequest, Run, RunState, Step
from integration.core.taken_back import TAKEN_BACK
from tests.bench import Bench, edited
from tests.fakes import MemoryConnector
from tests.people import somebody
from tests.runner.test_undo import a_price_update, at_till

COMPLETE = Mode.COMPLETE
OLD, NEW = Decimal("20.00"), Decimal("24.20")


@pytest.fixture
def undone(bench: Bench, source: MemoryConnector) -> Run:
    """A run that changed a price and a name, taken back by Anna."""
    run = bench.runs.get(a_price_update(bench, source))
    return bench.commit(bench.undo(run), by="Anna")


def lines(bench: Bench, run: Run, key: str = "1002") -> list[PlanRow]:
    return [row for row in bench.plans.rows(run.id, "changes", limit=10_000) if row.key == key]


def only(bench: Bench, run: Run, key: str = "1002") -> PlanRow:
    (row,) = lines(bench, run, key)
    return row


def test_the_next_plan_marks_what_was_undone_and_leaves_it_out(bench: Bench, undone: Run) -> None:
    plan = bench.preview(COMPLETE)
    row = only(bench, plan)
    assert row.cause == TAKEN_BACK
    assert row.facts == {"run": undone.id, "by": "Anna", "time": undone.ended_at.isoformat()}  # type: ignore[union-attr]
    assert row.seq in plan.excluded
    assert plan.brakes == ()


@pytest.mark.usefixtures("undone")
def test_what_is_left_out_by_its_mark_is_not_written(bench: Bench, target: MemoryConnector) -> None:
    done = bench.run(COMPLETE)
    assert bench.steps(done) == {"1002": Step.LEFT}
    assert at_till(target, "1002", "1002/price_incl") == OLD
    assert only(bench, bench.preview(COMPLETE)).cause == TAKEN_BACK


@pytest.mark.usefixtures("undone")
def test_what_both_sides_agreed_on_follows_the_undo(bench: Bench) -> None:
    agreed = bench.links.get("products", Kind.PRODUCT, ["1002"])["1002"].agreed
    assert agreed is not None
    assert agreed.flat().items() >= {"name": "Artikel 1002", "1002/price_incl": OLD}.items()


@pytest.mark.usefixtures("undone")
def test_a_person_who_takes_it_in_has_it_written_and_the_mark_is_gone(bench: Bench, target: MemoryConnector) -> None:
    plan = bench.preview(COMPLETE)
    bench.choices.take(plan.id, list(plan.excluded), "Bob")
    assert bench.commit(bench.runs.get(plan.id)).counts.proven == 1
    assert at_till(target, "1002", "1002/price_incl") == NEW
    assert bench.preview(COMPLETE).state is RunState.DONE
    edited(target, "1002", {"1002/price_incl": OLD}, Kind.PRODUCT)  # by a person
    again = only(bench, bench.preview(COMPLETE))
    assert again.cause == ""


@pytest.mark.usefixtures("undone")
def test_what_the_source_says_since_is_proposed_as_usual(
    bench: Bench, source: MemoryConnector, target: MemoryConnector
) -> None:
    edited(source, "1002", {"price": Decimal("30.0000"), "name": "Nieuw"})
    plan = bench.preview()
    assert [(row.cause, row.seq in plan.excluded) for row in lines(bench, plan)] == [("", False)]
    bench.commit(plan)
    assert at_till(target, "1002", "1002/price_incl") == Decimal("36.30")


@pytest.mark.usefixtures("undone")
def test_a_field_that_changed_goes_on_and_the_one_taken_back_waits_beside_it(
    bench: Bench, source: MemoryConnector, target: MemoryConnector
) -> None:
    edited(source, "1002", {"name": "Nieuw"})
    plan = bench.preview()
    fresh, back = lines(bench, plan)
    assert fresh.change is not None
    assert back.change is not None
    assert set(fresh.change.wanted.flat()) >= {"name"}
    assert set(back.change.wanted.flat()) == {"1002/price_incl"}
    assert (fresh.weight, back.weight, back.cause) == (1, 0, TAKEN_BACK)
    bench.commit(plan)
    assert at_till(target, "1002", "name") == "Nieuw"
    assert at_till(target, "1002", "1002/price_incl") == OLD
    agreed = bench.links.get("products", Kind.PRODUCT, ["1002"])["1002"].agreed
    assert agreed is not None
    assert agreed.flat().items() >= {"name": "Nieuw", "1002/price_incl": OLD}.items()


@pytest.mark.usefixtures("undone")
def test_both_parts_of_a_record_can_be_written_together(
    bench: Bench, source: MemoryConnector, target: MemoryConnector
) -> None:
    edited(source, "1002", {"name": "Nieuw"})
    plan = bench.preview()
    bench.choices.take(plan.id, list(plan.excluded), "Bob")
    done = bench.commit(bench.runs.get(plan.id))
    assert [row.step for row in lines(bench, done)] == [Step.PROVEN, Step.PROVEN]
    agreed = bench.links.get("products", Kind.PRODUCT, ["1002"])["1002"].agreed
    assert agreed is not None
    assert agreed.flat().items() >= {"name": "Nieuw", "1002/price_incl": NEW}.items()
    assert at_till(target, "1002", "1002/price_incl") == NEW


@pytest.mark.usefixtures("undone")
def test_what_came_back_after_another_value_is_proposed_as_usual(bench: Bench, source: MemoryConnector) -> None:
    edited(source, "1002", {"price": Decimal("30.0000")})
    bench.run()
    edited(source, "1002", {"price": Decimal("20.0000")})
    price, name = lines(bench, bench.preview())
    assert price.change is not None
    assert (set(price.change.wanted.flat()), price.cause, name.cause) == ({"1002/price_incl"}, "", TAKEN_BACK)


@pytest.mark.usefixtures("undone")
def test_a_value_the_source_has_left_is_proposed_as_usual_though_nobody_sent_the_one_between(
    bench: Bench, source: MemoryConnector
) -> None:
    edited(source, "1002", {"price": Decimal("30.0000"), "name": "Tussen"})
    bench.preview()
    edited(source, "1002", {"price": Decimal("20.0000"), "name": "Beter"})
    assert {row.cause for row in lines(bench, bench.preview())} == {""}


@pytest.mark.usefixtures("undone")
def test_what_an_earlier_mapping_says_is_not_what_the_source_says(bench: Bench, source: MemoryConnector) -> None:
    bench.mapping_version = 2
    edited(source, "1002", {"price": Decimal("30.0000")})
    bench.previewed(
        bench.runner.preview.begin(PreviewRequest("products", somebody("test"), Mode.CHOSEN, ("1002",), version=1))
    )
    edited(source, "1002", {"price": Decimal("20.0000")})
    assert {row.cause for row in lines(bench, bench.preview())} == {TAKEN_BACK}


def test_undoing_the_undo_takes_nothing_back(bench: Bench, undone: Run, source: MemoryConnector) -> None:
    bench.commit(bench.undo(undone))
    assert bench.preview(COMPLETE).state is RunState.DONE
    edited(source, "1002", {"price": Decimal("16.5289"), "name": "Artikel 1002"})  # as it was at first
    assert {row.cause for row in lines(bench, bench.preview())} == {""}


def test_what_was_created_by_mistake_stays_inactive_and_no_brake_counts_it(
    bench: Bench, target: MemoryConnector
) -> None:
    bench.commit(bench.undo(bench.run()))
    plan = bench.preview(COMPLETE)
    assert {row.cause for row in bench.changes(plan).values()} == {TAKEN_BACK}
    assert len(plan.excluded) == len(bench.changes(plan)) == 5
    assert plan.brakes == ()
    bench.commit(plan)
    assert at_till(target, "1001", "1001/active") is False


def test_a_retirement_taken_back_is_proposed_with_its_mark(
    bench: Bench, source: MemoryConnector, target: MemoryConnector
) -> None:
    bench.run()
    source.remove(Kind.ARTICLE, "1003")
    bench.commit(bench.undo(bench.run(COMPLETE)), by="Anna")
    plan = bench.preview(COMPLETE)
    row = only(bench, plan, "1003")
    assert (row.action, row.cause, row.facts["by"], plan.brakes) == (Action.RETIRE, TAKEN_BACK, "Anna", ())
    bench.commit(plan)
    assert at_till(target, "1003", "1003/active") is True


@pytest.mark.usefixtures("undone")
def test_what_is_left_out_by_its_mark_does_not_hold_up_where_the_next_run_starts(
    bench: Bench, source: MemoryConnector
) -> None:
    edited(source, "1002", {"name": "Nieuw"})
    edited(source, "1003", {"name": "Ander"})
    before = bench.cursors.get("products", "source:article")
    done = bench.run()
    assert (done.counts.proven, bench.plans.count(done.id, "left")) == (2, 1)
    assert bench.cursors.get("products", "source:article") != before


@pytest.mark.usefixtures("undone")
def test_a_plan_that_takes_over_keeps_what_was_taken_in(bench: Bench, source: MemoryConnector) -> None:
    plan = bench.preview(COMPLETE)
    bench.choices.take(plan.id, list(plan.excluded), "Bob")
    edited(source, "1003", {"name": "Ander"})
    newer = bench.preview()
    assert bench.runs.get(plan.id).state is RunState.DISCARDED
    assert (set(bench.changes(newer)), newer.excluded) == ({"1002", "1003"}, {})


@pytest.mark.usefixtures("undone")
def test_a_plan_that_takes_over_leaves_out_what_was_left_out(bench: Bench, source: MemoryConnector) -> None:
    bench.preview(COMPLETE)
    edited(source, "1003", {"name": "Ander"})
    newer = bench.preview()
    assert list(newer.excluded) == [only(bench, newer).seq]


def test_a_plan_of_before_the_undo_does_not_go_on_for_one_that_marks(bench: Bench, source: MemoryConnector) -> None:
    bench.run()
    edited(source, "1002", {"price": Decimal("20.0000")})
    waits = bench.preview()
    chosen = bench.commit(bench.preview(Mode.CHOSEN, ["1002"]))
    bench.commit(bench.undo(chosen))
    newer = bench.preview()
    assert (newer.state, bench.runs.get(waits.id).state) == (RunState.READY, RunState.DISCARDED)
    assert (only(bench, newer).cause, len(newer.excluded)) == (TAKEN_BACK, 1)


@pytest.mark.usefixtures("undone")
def test_a_preview_of_chosen_records_marks_too(bench: Bench) -> None:
    assert only(bench, bench.preview(Mode.CHOSEN, ["1002"])).cause == TAKEN_BACK


def test_a_variant_that_was_added_and_taken_back_stays_inactive(bench: Bench, source: MemoryConnector) -> None:
    edited(source, "1001", {"parent": "1001", "size": "M"})
    bench.run()
    source.put(
        replace(
            source.held(Kind.ARTICLE)["1001"],
            key="1006",
            values={**source.held(Kind.ARTICLE)["1001"].values, "size": "L", "ean": ""},
        )
    )
    bench.commit(bench.undo(bench.run()))
    row = only(bench, bench.preview(COMPLETE), "1001")
    assert row.change is not None
    assert (row.change.wanted.flat(), row.cause) == ({"1006/active": True}, TAKEN_BACK)


@pytest.mark.usefixtures("undone")
def test_it_goes_on_after_a_restart(bench: Bench) -> None:
    bench.restart()
    assert only(bench, bench.preview(COMPLETE)).cause == TAKEN_BACK
