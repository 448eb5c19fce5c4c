"""Desired records compared with those of the till: corrected, left unchanged, or parked with a question."""

from decimal import Decimal

from integration.core.plan import Action
from integration.core.records import Kind, Record, WrongValueError, unreadable
from integration.core.run import Mode
from integration.core.states import RunState
from integration.store.database import Database
from tests.builders import an_article
from tests.fakes import MemoryConnector
from tests.flow_harness import FlowHarness, edit_record, variants


def test_a_text_edited_at_the_till_is_left_alone(harness: FlowHarness, target: MemoryConnector) -> None:
    harness.run()
    edit_record(target, "1001", {"1001/receipt_text": "Bonnetje"}, Kind.PRODUCT)
    run = harness.preview()
    assert run.state is RunState.DONE
    assert run.counts.unchanged == run.counts.read_count == 1


def test_a_price_edited_at_the_till_is_set_right(harness: FlowHarness, target: MemoryConnector) -> None:
    harness.run()
    edit_record(target, "1001", {"1001/price_incl": Decimal("1.00")}, Kind.PRODUCT)
    run = harness.preview()
    assert harness.planned_values(run) == {"1001": {"1001/price_incl": Decimal("20.00")}}


def test_what_is_written_once_is_never_set_right(harness: FlowHarness, target: MemoryConnector) -> None:
    harness.run()
    edit_record(target, "1001", {"1001/stock_managed": False}, Kind.PRODUCT)
    assert harness.preview(Mode.COMPLETE).state is RunState.DONE


def test_a_field_of_the_till_alone_is_never_touched(
    harness: FlowHarness, source: MemoryConnector, target: MemoryConnector
) -> None:
    harness.run()
    edit_record(target, "1001", {"1001/kitchen_printer": "2"}, Kind.PRODUCT)
    edit_record(source, "1001", {"price": Decimal("20.0000")})
    harness.run()
    assert target.records_of(Kind.PRODUCT)["1001"].flat()["1001/kitchen_printer"] == "2"


def test_a_text_edited_on_both_sides_is_a_conflict_with_all_three_values(
    harness: FlowHarness, source: MemoryConnector, target: MemoryConnector
) -> None:
    harness.run()
    edit_record(source, "1001", {"name": "Onze naam"})
    edit_record(target, "1001", {"name": "Hun naam"}, Kind.PRODUCT)
    run = harness.run()
    (row,) = harness.plans.rows(run.id, "parked")
    assert row.cause == "field_conflict"
    assert row.facts["agreed_value"] == "Artikel 1001"
    assert (row.facts["source_value"], row.facts["target_value"]) == ("Onze naam", "Hun naam")
    assert target.records_of(Kind.PRODUCT)["1001"].values["name"] == "Hun naam"


def test_a_product_that_both_had_is_met_and_brought_in_line(harness: FlowHarness, target: MemoryConnector) -> None:
    run = harness.run()
    other = harness.changes(run)["1001"].change
    assert other is not None
    first = Record(Kind.PRODUCT, "2001", {**other.desired.values, "name": "Van de kassa"}, ())
    part = Record(Kind.ARTICLE, "2001", {**other.desired.parts[0].values, "external_id": "2001"}, source="2001")
    target.put(Record(first.kind, first.key, first.values, (part,)))
    harness.source.put(an_article("2001", name="Van het boek"))
    row = harness.changes(harness.preview())["2001"]
    assert row.action is Action.UPDATE
    assert row.change is not None
    assert row.change.first_match
    assert row.change.desired.values["name"] == "Van het boek"


def test_what_somebody_removed_from_the_till_is_a_question(
    harness: FlowHarness, source: MemoryConnector, target: MemoryConnector
) -> None:
    harness.run()
    target.remove(Kind.PRODUCT, "1003")
    edit_record(source, "1003", {"price": Decimal("20.0000")})
    run = harness.preview()
    assert harness.causes(run) == {"1003": "target_record_missing"}
    assert not harness.changes(run)


def test_a_new_variant_joins_its_product(database: Database, target: MemoryConnector) -> None:
    source = MemoryConnector(variants(), system="accountview")
    harness = FlowHarness(database, source, target)
    harness.run()
    source.put(an_article("4", parent="TRUI", size="XL"))
    run = harness.run()
    assert harness.changes(run)["TRUI"].action is Action.UPDATE
    assert [part.key for part in target.records_of(Kind.PRODUCT)["TRUI"].parts] == ["1", "2", "3", "4"]


def test_a_record_of_the_till_that_cannot_be_read_parks_alone(
    harness: FlowHarness, source: MemoryConnector, target: MemoryConnector
) -> None:
    harness.run()
    edit_record(source, "1001", {"price": Decimal("20.0000")})
    edit_record(source, "1002", {"price": Decimal("20.0000")})
    before = target.records_of(Kind.PRODUCT)["1002"]
    wrong = unreadable(Kind.PRODUCT, "1002", WrongValueError("priceIncl", "veel"), "<priceIncl>veel</priceIncl>")
    target.put(wrong)
    run = harness.run(Mode.COMPLETE)
    assert harness.causes(run) == {"1002": "record_unreadable"}
    (issue,) = harness.issues.list("products", "record_unreadable")
    assert (issue.issue.facts["system"], issue.issue.facts["raw"]) == ("mplus", "<priceIncl>veel</priceIncl>")
    assert target.records_of(Kind.PRODUCT)["1002"] is wrong
    target.put(before)
    assert harness.planned_values(harness.run(Mode.COMPLETE)) == {"1002": {"1002/price_incl": Decimal("24.20")}}
