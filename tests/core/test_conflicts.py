"""Conflicts: the question to a person, and the agreed values after the answer."""

from dataclasses import replace
from decimal import Decimal

import pytest

from integration.core.conflicts import (
    SOURCE,
    TARGET,
    conflict_values,
    conflicts,
    resolve,
    resolved_values,
    with_current_values,
)
from integration.core.flow import Ownership
from integration.core.issues import Issue
from integration.core.plan import Change, Policy, Unchanged, diff
from integration.core.records import Kind, Record, Value

POLICY: Policy = {"product.name": Ownership.KEEP_UNLESS_CHANGED, "article.price_incl": Ownership.KEEP_UNLESS_CHANGED}


def product(name: Value, price: Value, source: str = "TS-M") -> Record:
    part = Record(Kind.ARTICLE, "2001", {"price_incl": price}, source=source)
    return Record(Kind.PRODUCT, "10", {"name": name}, (part,), "10")


AGREED, BOOKS, TILL = product("Oud", Decimal(1)), product("Bron", Decimal(2)), product("Kassa", Decimal(3))
PATHS = ("name", "2001/price_incl")


def find_conflicts(desired: Record = BOOKS, agreed: Record | None = AGREED) -> list[Issue]:
    return list(conflicts(PATHS, desired, TILL, agreed, "Trui"))


def test_each_field_in_conflict_is_a_question_of_its_own_under_the_key_the_source_has_it_by() -> None:
    name, price = find_conflicts()
    assert (name.cause, name.key, name.field) == ("field_conflict", "10", "name")
    assert (price.cause, price.key, price.field) == ("field_conflict", "TS-M", "price_incl")
    assert (price.facts["agreed_value"], price.facts["source_value"], price.facts["target_value"]) == ("1", "2", "3")
    assert conflict_values(price) == {"agreed": Decimal(1), "source": Decimal(2), "target": Decimal(3)}


def test_a_part_without_a_source_is_distinguished_by_its_path() -> None:
    _, level = find_conflicts(product("Bron", Decimal(2), source=""))
    assert (level.key, level.field) == ("10", "2001/price_incl")


def test_other_values_are_another_question() -> None:
    assert find_conflicts()[0].facts["mark"] == find_conflicts()[0].facts["mark"]
    assert find_conflicts()[0].facts["mark"] != find_conflicts(product("Anders", Decimal(2)))[0].facts["mark"]


def test_a_value_that_nobody_agreed_on_is_none() -> None:
    assert conflict_values(find_conflicts(agreed=None)[0])["agreed"] is None
    assert [conflict_values(conflict)["target"] for conflict in conflicts(("name",), BOOKS, None, AGREED, "Trui")] == [
        None
    ]


@pytest.mark.parametrize("at", [0, 1])
def test_the_value_of_the_source_is_written_once_it_was_chosen(at: int) -> None:
    resolution = resolve(find_conflicts()[at], SOURCE)
    assert resolution is not None
    agreed = resolved_values(AGREED, resolution)
    change = diff(BOOKS, TILL, agreed, POLICY, title="Trui")
    assert isinstance(change, Change)
    assert list(change.desired.flat()) == [PATHS[at]]
    assert change.desired.flat()[PATHS[at]] == BOOKS.flat()[PATHS[at]]
    assert change.conflicts == (PATHS[1 - at],)


@pytest.mark.parametrize("at", [0, 1])
def test_the_value_of_the_target_stays_once_it_was_chosen_until_the_source_changes_again(at: int) -> None:
    resolution = resolve(find_conflicts()[at], TARGET)
    assert resolution is not None
    agreed = resolved_values(AGREED, resolution)
    assert agreed is not None
    result = diff(BOOKS, TILL, agreed, POLICY, title="Trui")
    assert isinstance(result, Unchanged)
    assert (result.kept_paths, result.conflicts) == ((PATHS[at],), (PATHS[1 - at],))
    next_result = diff(product("Nog anders", Decimal(9)), TILL, agreed, POLICY, title="Trui")
    assert isinstance(next_result, Unchanged)
    assert next_result.conflicts == PATHS


def test_a_choice_holds_for_the_values_that_were_shown_alone() -> None:
    resolution = resolve(find_conflicts()[0], TARGET)
    assert resolution is not None
    assert resolved_values(product("Iets anders", Decimal(1)), resolution) is None


def test_only_a_conflict_can_be_settled() -> None:
    assert resolve(Issue("price_missing", "10"), SOURCE) is None


def test_what_was_decided_while_a_change_waited_is_not_undone_by_it() -> None:
    decided = product("Bron", Decimal(2))
    assert with_current_values(AGREED, decided, ("name",)).flat() == {"name": "Bron", "2001/price_incl": Decimal(1)}
    assert with_current_values(AGREED, decided, PATHS) == decided
    assert with_current_values(AGREED, Record(Kind.PRODUCT, "10", {}), PATHS) == AGREED


def relation(**values: Value) -> Record:
    return Record(Kind.RELATION, "7", values)


def test_an_address_in_conflict_is_so_as_a_whole_and_nothing_else_waits_with_it() -> None:
    policy: Policy = {
        f"relation.{name}": Ownership.KEEP_UNLESS_CHANGED for name in ("street", "city", "postcode", "phone")
    }
    agreed = relation(street="Kerklaan 1", city="Utrecht", postcode="3511 AB", phone="1")
    desired = relation(street="Molenweg 7", city="Zeist", postcode="3511 AB", phone="2")
    current = relation(street="Postbus 5", city="Utrecht", postcode="3511 AB", phone="1")
    change = diff(desired, current, agreed, policy, title="Els")
    assert isinstance(change, Change)
    assert change.desired.flat() == {"phone": "2"}
    assert change.conflicts == ("street", "city")
    assert (change.agreed.values["street"], change.agreed.values["city"]) == ("Kerklaan 1", "Utrecht")
    city = next(
        conflict
        for conflict in conflicts(change.conflicts, desired, current, agreed, "Els")
        if conflict.field == "city"
    )
    source_resolution = resolve(city, SOURCE)
    assert source_resolution is not None
    assert resolved_values(agreed, source_resolution) == agreed  # only the source had moved there
    target_resolution = resolve(city, TARGET)
    assert target_resolution is not None
    assert resolved_values(agreed, target_resolution) == replace(agreed, values={**agreed.values, "city": "Zeist"})
