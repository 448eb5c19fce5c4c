"""Articles that are blocked in the books and for sale at the till, without a link."""

from collections.abc import Mapping
from typing import Any

import pytest

from integration.core.plan import Action
from integration.core.records import Kind, Record, Value
from integration.core.run import Mode
from integration.core.states import RunState
from integration.store.database import Database
from tests.builders import a_group, a_part, a_product, an_article
from tests.fakes import MemoryConnector
from tests.flow_harness import FlowHarness, edit_record
from tests.stores import database

__all__ = ["database"]

FIRST = [an_article("1001", blocked=True), an_article("1002"), an_article("1003", blocked=True), a_group()]


def a_till(**parts: Mapping[str, Value]) -> MemoryConnector:
    """Return a till that was filled by hand: a product for each article, none with a code of the books."""
    articles = {number: {"name": f"Bel {number}", "active": True, **values} for number, values in parts.items()}
    return MemoryConnector(
        [a_product(f"P{number}", (Record(Kind.ARTICLE, number, values),)) for number, values in articles.items()]
    )


def a_harness(database: Database, till: MemoryConnector, *records: Record, **settings: Any) -> FlowHarness:
    return FlowHarness(database, MemoryConnector(records or FIRST, system="accountview"), till, **settings)


def active(till: MemoryConnector) -> dict[str, Value]:
    """Return whether each article of the till is for sale."""
    products = till.records_of(Kind.PRODUCT).values()
    return {part.key: part.values.get("active") for product in products for part in product.parts}


def test_one_that_is_at_the_till_goes_off_sale_at_a_first_run_and_one_that_is_not_stays_away(
    database: Database,
) -> None:
    till = a_till(**{"1001": {}, "1002": {}})
    harness = a_harness(database, till)
    run = harness.run(Mode.COMPLETE)
    assert active(till) == {"1001": False, "1002": True}
    assert harness.reasons(run) == {"1003": "blocked"}
    (off_sale,) = [change for key, change in harness.changes(run).items() if key == "1001"]
    assert off_sale.action is Action.UPDATE
    assert harness.planned_values(run)["1001"] == {"1001/active": False}, "all else of it is left as it is"
    assert harness.links.get("products", Kind.ARTICLE, ["1001"])["1001"].reference == "1001"


def test_once_it_is_unblocked_it_is_for_sale_again(database: Database) -> None:
    till = a_till(**{"1001": {}})
    harness = a_harness(database, till)
    harness.run(Mode.COMPLETE)
    edit_record(harness.source, "1001", {"blocked": False})
    harness.run(Mode.COMPLETE)
    assert active(till)["1001"] is True


def test_more_of_them_than_the_brake_allows_wait_for_a_person(database: Database) -> None:
    harness = a_harness(database, a_till(**{"1001": {}}), brakes={"off_sale": 0})
    run = harness.preview(Mode.COMPLETE)
    assert run.state is RunState.READY
    assert [(brake.code, brake.count) for brake in run.brakes] == [("brake_off_sale", 1)]


@pytest.mark.parametrize("settings", [{"blocked": "skip"}, {"offer": {"update": False}}])
def test_where_it_is_set_otherwise_it_stays_as_it_is(database: Database, settings: dict[str, Any]) -> None:
    till = a_till(**{"1001": {}})
    harness = a_harness(database, till, **settings)
    assert harness.reasons(harness.run(Mode.COMPLETE))["1001"] == "blocked"
    assert active(till)["1001"] is True


def test_an_article_of_another_code_under_its_number_is_not_it(database: Database) -> None:
    till = a_till(**{"1001": {"external_id": "FIETS"}, "1003": {"external_id": "1003"}})
    harness = a_harness(database, till)
    assert harness.reasons(harness.run(Mode.COMPLETE)) == {"1001": "blocked"}
    assert active(till) == {"1001": True, "1002": True, "1003": False}


def test_one_without_a_number_under_the_rule_cannot_be_at_the_till(database: Database) -> None:
    harness = a_harness(database, a_till(**{"1001": {}}), an_article("TS-RED", blocked=True), a_group())
    assert harness.reasons(harness.run(Mode.COMPLETE)) == {"TS-RED": "blocked"}


def test_no_number_is_allotted_by_a_lookup(database: Database) -> None:
    harness = a_harness(database, a_till(**{"100000": {}}), sku_rule="allotted")
    assert harness.reasons(harness.run(Mode.COMPLETE)) == {"1001": "blocked", "1003": "blocked"}
    assert harness.links.allocated_numbers("products", "article", ["1001", "1003"]) == {}


def test_one_that_shares_its_number_with_another_is_a_question(database: Database) -> None:
    records = [an_article("A", NUMBER="7", blocked=True), an_article("B", NUMBER="7"), a_group()]
    harness = a_harness(database, a_till(**{"7": {}}), *records, sku_rule="field", sku_field="NUMBER")
    assert harness.causes(harness.run(Mode.COMPLETE)) == {"A": "sku_duplicate", "B": "sku_duplicate"}


def test_a_filter_leaves_out_blocked_ones_too(database: Database) -> None:
    outside = [{"field": "group", "operator": "equal", "value": "FIETS"}]
    till = a_till(**{"1001": {}})
    harness = a_harness(database, till, filters=outside)
    assert harness.reasons(harness.run(Mode.COMPLETE))["1001"] == "filtered_out"
    assert active(till)["1001"] is True


def test_a_variant_that_is_blocked_goes_off_sale_beside_one_like_it(database: Database) -> None:
    records = [
        an_article("11", parent="TRUI", size="M", name="Trui M", blocked=True),
        an_article("12", parent="TRUI", size="M", name="Trui M"),
        a_group(),
    ]
    parts = tuple(a_part(number, active=True) for number in ("11", "12"))
    till = MemoryConnector([Record(Kind.PRODUCT, "TRUI", {"name": "Trui"}, parts)])
    harness = a_harness(database, till, *records)
    for _ in range(2):
        run = harness.run(Mode.COMPLETE)
        assert harness.causes(run) == {}, "what is off sale cannot be taken for another"
        assert active(till) == {"11": False, "12": True}
