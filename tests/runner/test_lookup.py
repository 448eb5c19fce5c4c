"""Articles that the till has under another number, or in another product, than the plan would want them."""

from dataclasses import replace
from decimal import Decimal

import pytest

from integration.core.plan import Action
from integration.core.records import Kind, Record, Value
from integration.core.run import Mode
from integration.core.states import RunState
from integration.store.database import Database
from tests.builders import a_group, an_article
from tests.fakes import MemoryConnector
from tests.flow_harness import FlowHarness, edit_record

CHANGED, ELSEWHERE = "article_number_changed", "article_in_other_product"
CHEAPER: dict[str, Value] = {"price": Decimal(10)}


def numbered_articles(*codes: str) -> list[Record]:
    """Return articles whose number is in a field of its own."""
    return [*(an_article(code, NUMBER=str(5000 + at)) for at, code in enumerate(codes, 1)), a_group()]


def variant(code: str, parent: str, **values: Value) -> Record:
    name = f"{'Broek' if code in '12' else 'Trui'} maat {code}"
    return an_article(code, parent=parent, **{"name": name, "size": f"maat {code}", **values})


def styles() -> list[Record]:
    """Return two articles of one parent, and three of another."""
    return [*(variant(code, "BROEK") for code in "12"), *(variant(code, "TRUI") for code in "345"), a_group()]


@pytest.fixture
def harness_with_numbers(database: Database, target: MemoryConnector) -> FlowHarness:
    """A flow whose numbers come from a field, carried out once."""
    source = MemoryConnector(numbered_articles("A", "B", "C"), system="accountview")
    harness = FlowHarness(database, source, target, sku_rule="field", sku_field="NUMBER")
    harness.run()
    return harness


@pytest.fixture
def harness_with_variants(database: Database, target: MemoryConnector) -> FlowHarness:
    """A flow with variants, carried out once."""
    harness = FlowHarness(database, MemoryConnector(styles(), system="accountview"), target)
    harness.run()
    return harness


def articles_by_product(target: MemoryConnector) -> dict[str, list[str]]:
    """Return which articles each product of the till has."""
    return {key: [part.key for part in record.parts] for key, record in target.records_of(Kind.PRODUCT).items()}


def move(target: MemoryConnector, number: str, to: str) -> None:
    """Move an article to another product at the till, as a person does."""
    products = target.records_of(Kind.PRODUCT)
    (home,) = (record for record in products.values() if number in {part.key for part in record.parts})
    (moved,) = (part for part in home.parts if part.key == number)
    target.put(replace(home, parts=tuple(part for part in home.parts if part is not moved)))
    target.put(replace(products[to], parts=(*products[to].parts, moved)))


# ---- another number


@pytest.mark.parametrize("mode", [Mode.CHANGES, Mode.COMPLETE])
def test_an_article_with_another_number_keeps_the_one_it_is_linked_by(
    harness_with_numbers: FlowHarness, target: MemoryConnector, mode: Mode
) -> None:
    before = articles_by_product(target)
    edit_record(harness_with_numbers.source, "A", {"NUMBER": "7001"})
    for code in "AB":
        edit_record(harness_with_numbers.source, code, CHEAPER)
    run = harness_with_numbers.preview(mode)
    assert harness_with_numbers.causes(run) == {}
    assert sorted(harness_with_numbers.changes(run)) == ["A", "B"]
    assert run.position.watched["older_number"] == 1
    harness_with_numbers.commit(run)
    assert articles_by_product(target) == before
    assert harness_with_numbers.preview(Mode.COMPLETE).state is RunState.DONE


def test_a_rule_that_gives_every_article_another_number_changes_nothing(
    harness_with_numbers: FlowHarness, target: MemoryConnector
) -> None:
    before = target.records_of(Kind.PRODUCT)
    harness_with_numbers.settings = {"sku_rule": "allotted"}
    run = harness_with_numbers.run(Mode.COMPLETE)
    assert run.position.watched["older_number"] == 3
    assert (run.counts.unchanged, target.records_of(Kind.PRODUCT)) == (3, before)


@pytest.mark.parametrize("mode", [Mode.CHANGES, Mode.COMPLETE])
def test_two_articles_that_change_numbers_both_keep_theirs(
    harness_with_numbers: FlowHarness, target: MemoryConnector, mode: Mode
) -> None:
    before = target.records_of(Kind.PRODUCT)
    edit_record(harness_with_numbers.source, "A", {"NUMBER": "5002"})
    edit_record(harness_with_numbers.source, "B", {"NUMBER": "5001"})
    run = harness_with_numbers.run(mode)
    assert harness_with_numbers.causes(run) == {}
    assert target.records_of(Kind.PRODUCT) == before


def test_the_number_given_by_hand_at_the_till_is_the_one_from_then_on(
    harness_with_numbers: FlowHarness, target: MemoryConnector
) -> None:
    product = target.records_of(Kind.PRODUCT)["A"]
    target.put(replace(product, parts=tuple(replace(part, key="7001") for part in product.parts)))
    edit_record(harness_with_numbers.source, "A", CHEAPER)
    assert not harness_with_numbers.causes(harness_with_numbers.run())
    assert harness_with_numbers.links.get("products", Kind.ARTICLE, ["A"])["A"].reference == "7001"

    harness_with_numbers.source.remove(Kind.ARTICLE, "A")
    run = harness_with_numbers.run(Mode.COMPLETE)
    assert harness_with_numbers.planned_values(run) == {"A": {"7001/active": False}}
    assert run.counts.parked == 0


def test_an_article_with_another_number_and_another_parent_is_not_made_again(
    harness_with_variants: FlowHarness, target: MemoryConnector
) -> None:
    before = articles_by_product(target)
    harness_with_variants.settings = {"sku_rule": "allotted", "parent_field": ""}
    run = harness_with_variants.run(Mode.COMPLETE)
    assert set(harness_with_variants.causes(run).values()) == {"article_in_other_product"}
    assert articles_by_product(target) == before


# ---- another product


@pytest.mark.parametrize("mode", [Mode.CHANGES, Mode.COMPLETE])
@pytest.mark.parametrize(("moved", "to"), [("2", "TRUI"), ("3", "BROEK"), ("1", "BROEK 2"), ("4", "")])
def test_an_article_with_another_parent_waits_alone_until_it_is_moved_back(
    harness_with_variants: FlowHarness, target: MemoryConnector, mode: Mode, moved: str, to: str
) -> None:
    before = target.records_of(Kind.PRODUCT)
    edit_record(harness_with_variants.source, moved, {"parent": to})
    run = harness_with_variants.run(mode)
    assert harness_with_variants.causes(run) == {moved: ELSEWHERE}
    assert harness_with_variants.run(Mode.COMPLETE).state is RunState.DONE
    assert target.records_of(Kind.PRODUCT) == before

    edit_record(harness_with_variants.source, moved, {"parent": "BROEK" if moved in "12" else "TRUI"})
    assert not harness_with_variants.causes(harness_with_variants.run())
    assert target.records_of(Kind.PRODUCT) == before


def test_the_others_of_both_products_go_on(harness_with_variants: FlowHarness) -> None:
    edit_record(harness_with_variants.source, "2", {"parent": "TRUI"})
    edit_record(harness_with_variants.source, "1", CHEAPER)
    edit_record(harness_with_variants.source, "3", CHEAPER)
    run = harness_with_variants.run()
    assert harness_with_variants.planned_values(run).keys() == {"BROEK", "TRUI"}
    assert (run.counts.proven, run.counts.unchanged, run.counts.parked) == (4, 0, 1)


def test_an_article_that_was_moved_by_hand_goes_on_in_its_new_product(
    harness_with_variants: FlowHarness, target: MemoryConnector
) -> None:
    edit_record(harness_with_variants.source, "2", {"parent": "TRUI"})
    harness_with_variants.run()
    move(target, "2", "TRUI")
    edit_record(harness_with_variants.source, "2", CHEAPER)
    run = harness_with_variants.run()
    assert not harness_with_variants.causes(run)
    assert articles_by_product(target) == {"BROEK": ["1"], "TRUI": ["3", "4", "5", "2"]}
    assert harness_with_variants.links.get("products", Kind.ARTICLE, ["2"])["2"].owner == "TRUI"
    assert harness_with_variants.preview(Mode.COMPLETE).state is RunState.DONE


def test_a_new_article_beside_one_that_waits_becomes_a_product_of_the_new_parent(
    harness_with_variants: FlowHarness, target: MemoryConnector
) -> None:
    edit_record(harness_with_variants.source, "2", {"parent": "JAS"})
    harness_with_variants.source.put(variant("6", "JAS"))
    run = harness_with_variants.run()
    assert harness_with_variants.causes(run) == {"2": ELSEWHERE}
    assert harness_with_variants.changes(run)["JAS"].action is Action.CREATE
    assert articles_by_product(target) == {"BROEK": ["1", "2"], "JAS": ["6"], "TRUI": ["3", "4", "5"]}
    assert harness_with_variants.run(Mode.COMPLETE).state is RunState.DONE


@pytest.mark.parametrize("last", [{"blocked": True}, {"ean": "123"}])
def test_a_parent_with_another_code_keeps_its_product_also_when_one_of_its_articles_takes_no_part(
    harness_with_variants: FlowHarness, last: dict[str, Value]
) -> None:
    edit_record(harness_with_variants.source, "3", {"parent": "VEST"})
    edit_record(harness_with_variants.source, "4", {"parent": "VEST", **CHEAPER})
    edit_record(harness_with_variants.source, "5", {"parent": "VEST", **last})
    run = harness_with_variants.run()
    assert list(harness_with_variants.changes(run)) == ["VEST"]
    assert ELSEWHERE not in harness_with_variants.causes(run).values()
    assert harness_with_variants.preview(Mode.COMPLETE).state is RunState.DONE


def test_a_retired_article_does_not_keep_its_product_from_a_new_parent(
    harness_with_variants: FlowHarness, target: MemoryConnector
) -> None:
    harness_with_variants.source.remove(Kind.ARTICLE, "2")
    harness_with_variants.run(Mode.COMPLETE)
    edit_record(harness_with_variants.source, "1", {"parent": "JAS", **CHEAPER})
    run = harness_with_variants.run()
    assert (list(harness_with_variants.changes(run)), harness_with_variants.causes(run)) == (["JAS"], {})
    assert articles_by_product(target)["BROEK"] == ["1", "2"]


def test_an_article_that_returns_to_a_parent_that_gave_its_product_away_waits(
    harness_with_variants: FlowHarness, target: MemoryConnector
) -> None:
    for code in "345":
        edit_record(harness_with_variants.source, code, {"parent": "VEST", **CHEAPER})
    harness_with_variants.run()
    before = target.records_of(Kind.PRODUCT)
    edit_record(harness_with_variants.source, "3", {"parent": "TRUI"})
    assert harness_with_variants.causes(harness_with_variants.run()) == {"3": ELSEWHERE}
    assert harness_with_variants.run(Mode.COMPLETE).state is RunState.DONE
    assert target.records_of(Kind.PRODUCT) == before


def test_a_parent_field_that_is_set_later_leaves_one_article_in_each_product(
    database: Database, target: MemoryConnector
) -> None:
    harness = FlowHarness(database, MemoryConnector(styles(), system="accountview"), target, parent_field="")
    harness.run()
    before = articles_by_product(target)
    harness.settings = {}
    run = harness.run(Mode.COMPLETE)
    assert harness.causes(run) == {"2": ELSEWHERE, "4": ELSEWHERE, "5": ELSEWHERE}
    assert harness.changes(run).keys() == {"BROEK", "TRUI"}
    assert articles_by_product(target) == before
    assert harness.preview(Mode.COMPLETE).state is RunState.DONE


def test_the_issue_names_the_product_at_the_till(harness_with_variants: FlowHarness) -> None:
    edit_record(harness_with_variants.source, "2", {"parent": "TRUI"})
    run = harness_with_variants.preview()
    (row,) = harness_with_variants.plans.rows(run.id, "parked")
    link = harness_with_variants.links.get("products", Kind.PRODUCT, ["BROEK"])["BROEK"]
    assert row.facts["product"] == f"{link.reference} (Broek)"
    assert row.title == "Broek maat 2"
    assert (row.facts["parent"], row.facts["article"], row.weight) == ("TRUI", "2", 1)
