"""Records that are valid by themselves and conflict with another."""

from integration.core.records import Kind
from integration.store.database import Database
from tests.builders import an_article
from tests.fakes import MemoryConnector
from tests.flow_harness import FlowHarness, articles


def test_two_codes_with_one_number_in_different_runs_are_a_question(
    database: Database, target: MemoryConnector
) -> None:
    source = MemoryConnector(articles("A", NUMBER="5001"), system="accountview")
    harness = FlowHarness(database, source, target, sku_rule="field", sku_field="NUMBER")
    harness.run()
    source.put(an_article("B", NUMBER="5001"))
    run = harness.preview()
    assert harness.causes(run) == {"B": "sku_duplicate"}
    assert not harness.changes(run)


def test_two_codes_with_one_number_in_one_run_are_both_parked(database: Database, target: MemoryConnector) -> None:
    source = MemoryConnector([*articles("A", "B", NUMBER="5001"), an_article("C", NUMBER="5002")], system="accountview")
    harness = FlowHarness(database, source, target, sku_rule="field", sku_field="NUMBER")
    run = harness.run()
    assert harness.causes(run) == {"A": "sku_duplicate", "B": "sku_duplicate"}
    assert list(target.records_of(Kind.PRODUCT)) == ["C"]
