"""Records that are valid by themselves and conflict with another."""

import pytest

from integration.core.records import Kind
from integration.core.run import Mode
from integration.store.database import Database
from tests.builders import a_group, an_article
from tests.fakes import MemoryConnector
from tests.flow_harness import FlowHarness, articles, edit_record


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


@pytest.mark.parametrize("mode", [Mode.CHANGES, Mode.COMPLETE])
def test_groups_that_contain_each_other_are_parked_on_whichever_page_and_in_whichever_run_they_are_read(
    database: Database, target: MemoryConnector, mode: Mode
) -> None:
    groups = [a_group(key, parent=parent) for key, parent in (("A", ""), ("B", "A"), ("C", "B"), ("D", "C"))]
    source = MemoryConnector(groups, system="accountview", page_size=2)
    harness = FlowHarness(database, source, target)
    harness.run(Mode.COMPLETE)
    edit_record(source, "A", {"parent": "C"}, Kind.GROUP)
    causes = harness.causes(harness.run(mode))
    assert causes == dict.fromkeys("A" if mode is Mode.CHANGES else "ABC", "group_cycle")
    assert harness.issues.list("products", "group_cycle")[0].issue.facts["groups"] == "A, C, B"
    parents = {key: group.values["parent"] for key, group in target.records_of(Kind.GROUP).items()}
    assert parents == {"A": None, "B": "A", "C": "B", "D": "C"}
