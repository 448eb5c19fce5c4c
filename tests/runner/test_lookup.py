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


def numbered(*codes: str) -> list[Record]:
    """Return articles whose number is in a field of its own."""
    return [*(an_article(code, NUMBER=str(5000 + at)) for at, code in enumerate(codes, 1)), a_group()]


def variant(code: str, parent: str, **values: Value) -> Record:
    name = f"{'Broek' if code in '12' else 'Trui'} maat {code}"
    return an_article(code, parent=parent, **{"name": name, "size": f"maat {code}", **values})


def styles() -> list[Record]:
    """Return two articles of one parent, and three of another."""
    return [*(variant(code, "BROEK") for code in "12"), *(variant(code, "TRUI") for code in "345"), a_group()]


@pytest.fixture
def renumbered(database: Database, target: MemoryConnector) -> FlowHarness:
    """A flow whose numbers come from a field, carried out once."""
    source = MemoryConnector(numbered("A", "B", "C"), system="accountview")
    harness = FlowHarness(database, source, target, sku_rule="field", sku_field="NUMBER")
    harness.run()
    return harness


@pytest.fixture
def regrouped(database: Database, target: MemoryConnector) -> FlowHarness:
    """A flow with variants, carried out once."""
    harness = FlowHarness(database, MemoryConnector(styles(), system="accountview"), target)
    harness.run()
    return harness


def inside(target: MemoryConnector) -> dict[str, list[str]]:
    """Return which articles each product of the till has."""
    return {key: [part.key for part in record.parts] for key, record in target.held(Kind.PRODUCT).items()}


def move(target: MemoryConnector, number: str, to: str) -> None:
    """Let somebody move an article to another product at the till."""
    products = target.held(Kind.PRODUCT)
    (home,) = (record for record in products.values() if number in {part.key for part in record.parts})
    (moved,) = (part for part in home.parts if part.key == number)
    target.put(replace(home, parts=tuple(part for part in home.parts if part is not moved)))
    target.put(replace(products[to], parts=(*products[to].parts, moved)))


# ---- another number


@pytest.mark.parametrize("mode", [Mode.CHANGES, Mode.COMPLETE])
def test_an_article_with_another_number_keeps_the_one_it_is_linked_by(
    renumbered: FlowHarness, target: MemoryConnector, mode: Mode
) -> None:
    before = inside(target)
    edit_record(renumbered.source, "A", {"NUMBER": "7001"})
    for code in "AB":
        edit_record(renumbered.source, code, CHEAPER)
    run = renumbered.preview(mode)
    assert renumbered.causes(run) == {}
    assert sorted(renumbered.changes(run)) == ["A", "B"]
    assert run.position.watched["older_number"] == 1
    renumbered.commit(run)
    assert inside(target) == before
    assert renumbered.preview(Mode.COMPLETE).state is RunState.DONE


def test_a_rule_that_gives_every_article_another_number_changes_nothing(
    renumbered: FlowHarness, target: MemoryConnector
) -> None:
    before = target.held(Kind.PRODUCT)
    renumbered.settings = {"sku_rule": "allotted"}
    run = renumbered.run(Mode.COMPLETE)
    assert run.position.watched["older_number"] == 3
    assert (run.counts.unchanged, target.held(Kind.PRODUCT)) == (3, before)


@pytest.mark.parametrize("mode", [Mode.CHANGES, Mode.COMPLETE])
def test_two_articles_that_change_numbers_both_keep_theirs(
    renumbered: FlowHarness, target: MemoryConnector, mode: Mode
) -> None:
    before = target.held(Kind.PRODUCT)
    edit_record(renumbered.source, "A", {"NUMBER": "5002"})
    edit_record(renumbered.source, "B", {"NUMBER": "5001"})
    run = renumbered.run(mode)
    assert renumbered.causes(run) == {}
    assert target.held(Kind.PRODUCT) == before


def test_the_number_given_by_hand_at_the_till_is_the_one_from_then_on(
    renumbered: FlowHarness, target: MemoryConnector
) -> None:
    product = target.held(Kind.PRODUCT)["A"]
    target.put(replace(product, parts=tuple(replace(part, key="7001") for part in product.parts)))
    edit_record(renumbered.source, "A", CHEAPER)
    assert not renumbered.causes(renumbered.run())
    assert renumbered.links.get("products", Kind.ARTICLE, ["A"])["A"].reference == "7001"

    renumbered.source.remove(Kind.ARTICLE, "A")
    run = renumbered.run(Mode.COMPLETE)
    assert renumbered.wanted(run) == {"A": {"7001/active": False}}
    assert run.counts.parked == 0


def test_an_article_with_another_number_and_another_parent_is_not_made_again(
    regrouped: FlowHarness, target: MemoryConnector
) -> None:
    before = inside(target)
    regrouped.settings = {"sku_rule": "allotted", "parent_field": ""}
    run = regrouped.run(Mode.COMPLETE)
    assert set(regrouped.causes(run).values()) == {"article_in_other_product"}
    assert inside(target) == before


# ---- another product


@pytest.mark.parametrize("mode", [Mode.CHANGES, Mode.COMPLETE])
@pytest.mark.parametrize(("moved", "to"), [("2", "TRUI"), ("3", "BROEK"), ("1", "BROEK 2"), ("4", "")])
def test_an_article_with_another_parent_waits_alone_until_it_is_moved_back(
    regrouped: FlowHarness, target: MemoryConnector, mode: Mode, moved: str, to: str
) -> None:
    before = target.held(Kind.PRODUCT)
    edit_record(regrouped.source, moved, {"parent": to})
    run = regrouped.run(mode)
    assert regrouped.causes(run) == {moved: ELSEWHERE}
    assert regrouped.run(Mode.COMPLETE).state is RunState.DONE
    assert target.held(Kind.PRODUCT) == before

    edit_record(regrouped.source, moved, {"parent": "BROEK" if moved in "12" else "TRUI"})
    assert not regrouped.causes(regrouped.run())
    assert target.held(Kind.PRODUCT) == before


def test_the_others_of_both_products_go_on(regrouped: FlowHarness) -> None:
    edit_record(regrouped.source, "2", {"parent": "TRUI"})
    edit_record(regrouped.source, "1", CHEAPER)
    edit_record(regrouped.source, "3", CHEAPER)
    run = regrouped.run()
    assert regrouped.wanted(run).keys() == {"BROEK", "TRUI"}
    assert (run.counts.proven, run.counts.unchanged, run.counts.parked) == (4, 0, 1)


def test_an_article_that_was_moved_by_hand_goes_on_in_its_new_product(
    regrouped: FlowHarness, target: MemoryConnector
) -> None:
    edit_record(regrouped.source, "2", {"parent": "TRUI"})
    regrouped.run()
    move(target, "2", "TRUI")
    edit_record(regrouped.source, "2", CHEAPER)
    run = regrouped.run()
    assert not regrouped.causes(run)
    assert inside(target) == {"BROEK": ["1"], "TRUI": ["3", "4", "5", "2"]}
    assert regrouped.links.get("products", Kind.ARTICLE, ["2"])["2"].owner == "TRUI"
    assert regrouped.preview(Mode.COMPLETE).state is RunState.DONE


def test_a_new_article_beside_one_that_waits_becomes_a_product_of_the_new_parent(
    regrouped: FlowHarness, target: MemoryConnector
) -> None:
    edit_record(regrouped.source, "2", {"parent": "JAS"})
    regrouped.source.put(variant("6", "JAS"))
    run = regrouped.run()
    assert regrouped.causes(run) == {"2": ELSEWHERE}
    assert regrouped.changes(run)["JAS"].action is Action.CREATE
    assert inside(target) == {"BROEK": ["1", "2"], "JAS": ["6"], "TRUI": ["3", "4", "5"]}
    assert regrouped.run(Mode.COMPLETE).state is RunState.DONE


@pytest.mark.parametrize("last", [{"blocked": True}, {"ean": "123"}])
def test_a_parent_with_another_code_keeps_its_product_also_when_one_of_its_articles_takes_no_part(
    regrouped: FlowHarness, last: dict[str, Value]
) -> None:
    edit_record(regrouped.source, "3", {"parent": "VEST"})
    edit_record(regrouped.source, "4", {"parent": "VEST", **CHEAPER})
    edit_record(regrouped.source, "5", {"parent": "VEST", **last})
    run = regrouped.run()
    assert list(regrouped.changes(run)) == ["VEST"]
    assert ELSEWHERE not in regrouped.causes(run).values()
    assert regrouped.preview(Mode.COMPLETE).state is RunState.DONE


def test_a_retired_article_does_not_keep_its_product_from_a_new_parent(
    regrouped: FlowHarness, target: MemoryConnector
) -> None:
    regrouped.source.remove(Kind.ARTICLE, "2")
    regrouped.run(Mode.COMPLETE)
    edit_record(regrouped.source, "1", {"parent": "JAS", **CHEAPER})
    run = regrouped.run()
    assert (list(regrouped.changes(run)), regrouped.causes(run)) == (["JAS"], {})
    assert inside(target)["BROEK"] == ["1", "2"]


def test_an_article_that_returns_to_a_parent_that_gave_its_product_away_waits(
    regrouped: FlowHarness, target: MemoryConnector
) -> None:
    for code in "345":
        edit_record(regrouped.source, code, {"parent": "VEST", **CHEAPER})
    regrouped.run()
    before = target.held(Kind.PRODUCT)
    edit_record(regrouped.source, "3", {"parent": "TRUI"})
    assert regrouped.causes(regrouped.run()) == {"3": ELSEWHERE}
    assert regrouped.run(Mode.COMPLETE).state is RunState.DONE
    assert target.held(Kind.PRODUCT) == before


def test_a_parent_field_that_is_set_later_leaves_one_article_in_each_product(
    database: Database, target: MemoryConnector
) -> None:
    harness = FlowHarness(database, MemoryConnector(styles(), system="accountview"), target, parent_field="")
    harness.run()
    before = inside(target)
    harness.settings = {}
    run = harness.run(Mode.COMPLETE)
    assert harness.causes(run) == {"2": ELSEWHERE, "4": ELSEWHERE, "5": ELSEWHERE}
    assert harness.changes(run).keys() == {"BROEK", "TRUI"}
    assert inside(target) == before
    assert harness.preview(Mode.COMPLETE).state is RunState.DONE


def test_the_issue_names_the_product_at_the_till(regrouped: FlowHarness) -> None:
    edit_record(regrouped.source, "2", {"parent": "TRUI"})
    run = regrouped.preview()
    (row,) = regrouped.plans.rows(run.id, "parked")
    link = regrouped.links.get("products", Kind.PRODUCT, ["BROEK"])["BROEK"]
    assert row.facts["product"] == f"{link.reference} (Broek)"
    assert row.title == "Broek maat 2"
    assert (row.facts["parent"], row.facts["article"], row.weight) == ("TRUI", "2", 1)
