"""Undo of a run of products: a normal plan, for values that nobody changed since."""

from decimal import Decimal

import pytest

from integration.core.errors import IntegrationError
from integration.core.plan import Action
from integration.core.records import Kind, Value
from integration.core.run import Mode
from integration.core.states import RunState, Step
from tests.builders import an_article
from tests.fakes import MemoryConnector
from tests.flow_harness import FlowHarness, edit_record

EAN, OTHER = "8712345678906", "8700000000001"


def till_value(target: MemoryConnector, key: str, path: str) -> Value:
    return target.records_of(Kind.PRODUCT)[key].flat()[path]


def a_price_update(harness: FlowHarness, source: MemoryConnector) -> str:
    harness.run()
    edit_record(source, "1002", {"price": Decimal("20.0000"), "name": "Beter"})
    return harness.run().id


def test_a_plan_that_was_never_written_cannot_be_undone_and_goes_on_waiting(harness: FlowHarness) -> None:
    waiting = harness.preview()

    with pytest.raises(IntegrationError, match="nothing_to_undo"):
        harness.undo(waiting)

    assert [run.id for run in harness.runs.latest()] == [waiting.id]
    assert harness.commit(waiting).state is RunState.DONE


def test_a_preview_of_an_undo_writes_nothing(
    harness: FlowHarness, source: MemoryConnector, target: MemoryConnector
) -> None:
    run = a_price_update(harness, source)
    calls = target.calls_made["write"]
    back = harness.undo(harness.runs.get(run))
    assert (back.mode, back.state, back.counts.planned) == (Mode.UNDO, RunState.READY, 1)
    assert target.calls_made["write"] == calls


def test_an_update_is_undone_to_the_old_values(
    harness: FlowHarness, source: MemoryConnector, target: MemoryConnector
) -> None:
    run = a_price_update(harness, source)
    back = harness.undo(harness.runs.get(run))
    assert (
        harness.planned_values(back)["1002"].items()
        >= {"name": "Artikel 1002", "1002/price_incl": Decimal("20.00")}.items()
    )
    final_run = harness.commit(back)
    assert (final_run.state, harness.steps(final_run)) == (RunState.DONE, {"1002": Step.PROVEN})
    assert till_value(target, "1002", "1002/price_incl") == Decimal("20.00")
    assert till_value(target, "1002", "name") == "Artikel 1002"


def test_what_was_created_is_undone_by_making_it_inactive(harness: FlowHarness, target: MemoryConnector) -> None:
    run = harness.run()
    back = harness.undo(run)
    assert {row.action for row in harness.changes(back).values()} == {Action.RETIRE}
    assert harness.reasons(back) == {"KLED": "undo_keeps"}
    assert [(brake.code, brake.count) for brake in back.brakes] == [("brake_retirements", 5)]
    assert harness.commit(back).counts.proven == 5
    assert till_value(target, "1001", "1001/active") is False


def test_what_was_created_as_inactive_has_nothing_to_be_undone(harness: FlowHarness, source: MemoryConnector) -> None:
    harness.settings["blocked"] = "inactive"
    edit_record(source, "1001", {"blocked": True})
    back = harness.undo(harness.run())
    assert harness.reasons(back)["1001"] == "undo_keeps"
    assert set(harness.changes(back)) == {"1002", "1003", "1004", "1005"}


def test_an_undone_create_is_not_taken_up_again_by_the_next_run_of_changes(harness: FlowHarness) -> None:
    harness.commit(harness.undo(harness.run()))
    assert harness.preview().counts.read_count == 0


def test_what_was_changed_since_is_left_and_said_to_be(
    harness: FlowHarness, source: MemoryConnector, target: MemoryConnector
) -> None:
    run = harness.runs.get(a_price_update(harness, source))
    edit_record(target, "1002", {"1002/price_incl": Decimal("23.00")}, Kind.PRODUCT)
    back = harness.undo(run)
    assert (back.state, harness.causes(back)) == (RunState.DONE, {"1002": "undo_blocked"})
    assert till_value(target, "1002", "1002/price_incl") == Decimal("23.00")


def test_a_field_that_the_run_did_not_write_does_not_stand_in_the_way(
    harness: FlowHarness, source: MemoryConnector, target: MemoryConnector
) -> None:
    run = harness.runs.get(a_price_update(harness, source))
    edit_record(target, "1002", {"1002/unit": "DS"}, Kind.PRODUCT)
    assert set(harness.changes(harness.undo(run))) == {"1002"}


def test_what_is_changed_between_plan_and_commit_of_an_undo_is_left(
    harness: FlowHarness, source: MemoryConnector, target: MemoryConnector
) -> None:
    back = harness.undo(harness.runs.get(a_price_update(harness, source)))
    edit_record(target, "1002", {"1002/price_incl": Decimal("23.00")}, Kind.PRODUCT)
    assert harness.steps(harness.commit(back)) == {"1002": Step.PARKED}
    assert till_value(target, "1002", "1002/price_incl") == Decimal("23.00")


def test_what_is_gone_from_the_till_cannot_be_undone(
    harness: FlowHarness, source: MemoryConnector, target: MemoryConnector
) -> None:
    run = harness.runs.get(a_price_update(harness, source))
    target.remove(Kind.PRODUCT, "1002")
    assert harness.causes(harness.undo(run)) == {"1002": "undo_blocked"}


def test_a_variant_added_by_the_run_is_made_inactive_and_the_others_stay(
    harness: FlowHarness, source: MemoryConnector, target: MemoryConnector
) -> None:
    edit_record(source, "1001", {"parent": "1001", "size": "M"})
    harness.run()
    source.put(an_article("1006", parent="1001", size="L"))
    run = harness.run()
    assert till_value(target, "1001", "1006/active") is True
    harness.commit(harness.undo(run))
    assert till_value(target, "1001", "1006/active") is False
    assert till_value(target, "1001", "1001/active") is True


def test_a_retirement_is_undone_by_making_it_active_again(
    harness: FlowHarness, source: MemoryConnector, target: MemoryConnector
) -> None:
    harness.run()
    source.remove(Kind.ARTICLE, "1003")
    run = harness.run(Mode.COMPLETE)
    assert till_value(target, "1003", "1003/active") is False
    back = harness.undo(run)
    assert harness.planned_values(back) == {"1003": {"1003/active": True}}
    assert harness.commit(back).state is RunState.DONE
    assert till_value(target, "1003", "1003/active") is True


def test_an_article_does_not_get_its_barcode_back_once_another_one_has_it(
    harness: FlowHarness, source: MemoryConnector, target: MemoryConnector
) -> None:
    edit_record(source, "1003", {"ean": EAN})
    harness.run()
    article = source.records_of(Kind.ARTICLE)["1003"]
    source.remove(Kind.ARTICLE, "1003")
    run = harness.run(Mode.COMPLETE)
    edit_record(source, "1002", {"ean": EAN})
    later = harness.run()
    back = harness.undo(run)
    assert harness.causes(back) == {"1003": "ean_duplicate"}
    assert till_value(target, "1003", "1003/active") is False
    source.put(article)
    harness.commit(harness.undo(later))
    assert harness.planned_values(harness.undo(run)) == {"1003": {"1003/active": True, "1003/ean": EAN}}


def test_two_articles_that_handed_a_barcode_over_both_get_back_what_they_had(
    harness: FlowHarness, source: MemoryConnector
) -> None:
    edit_record(source, "1003", {"ean": EAN})
    harness.run()
    edit_record(source, "1003", {"ean": OTHER})
    edit_record(source, "1002", {"ean": EAN})
    run = harness.run(Mode.COMPLETE)
    assert harness.causes(harness.undo(run)) == {}


def test_each_of_several_lines_of_one_record_is_undone(
    harness: FlowHarness, source: MemoryConnector, target: MemoryConnector
) -> None:
    for key, size in (("1001", "M"), ("1002", "L")):
        edit_record(source, key, {"parent": "1001", "size": size})
    harness.run()
    before = target.records_of(Kind.PRODUCT)["1001"]
    edit_record(source, "1001", {"price": Decimal("20.0000")})
    source.remove(Kind.ARTICLE, "1002")
    run = harness.run(Mode.COMPLETE)
    assert [row.key for row in harness.plans.rows(run.id, "changes", limit=9)] == ["1001", "1001"]
    harness.commit(harness.undo(run))
    assert target.records_of(Kind.PRODUCT)["1001"] == before


def test_an_undo_can_be_undone(harness: FlowHarness, source: MemoryConnector, target: MemoryConnector) -> None:
    run = harness.runs.get(a_price_update(harness, source))
    harness.commit(harness.undo(harness.commit(harness.undo(run))))
    assert till_value(target, "1002", "1002/price_incl") == Decimal("24.20")


def test_only_what_was_proven_is_undone(harness: FlowHarness, source: MemoryConnector, target: MemoryConnector) -> None:
    harness.run()
    for key in ("1001", "1002"):
        edit_record(source, key, {"price": Decimal("20.0000")})
    target.refuse("1001")
    run = harness.run()
    target.accept("1001")
    assert set(harness.changes(harness.undo(run))) == {"1002"}


def test_an_undo_does_not_move_the_place_where_the_next_run_starts(
    harness: FlowHarness, source: MemoryConnector
) -> None:
    run = harness.runs.get(a_price_update(harness, source))
    before = harness.cursors.get("products", "source:article")
    harness.commit(harness.undo(run))
    assert harness.cursors.get("products", "source:article") == before


def test_an_undo_goes_on_after_a_restart(harness: FlowHarness, source: MemoryConnector) -> None:
    whole = harness.undo(harness.runs.get(a_price_update(harness, source)))
    harness.runs.discard(whole.id, by="test")
    run = harness.runner.preview.undo(whole.undo_of, by="test")
    harness.restart()
    while harness.runner.preview.page(run.id):
        harness.restart()
    assert harness.checked_run(run).fingerprint == whole.fingerprint
