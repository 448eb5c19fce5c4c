"""Reverted values are planned apart from new ones, and only while the source has the same value as before."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from integration.core.flow import Ownership
from integration.core.plan import Change, diff
from integration.core.records import Kind, Record, Value
from integration.core.reverted_values import RevertedValue, changed_since_revert, latest_reverted, split_reverted

AT = datetime(2026, 3, 2, 10, tzinfo=UTC)
FIGURES = {"A/price": "stock=26"}
POLICY = {
    f"{kind}.{name}": Ownership.KEEP_EQUAL
    for kind, name in (("product", "name"), ("product", "unit"), ("article", "price"), ("article", "ean"))
}


def product(name: str, unit: str = "", **articles: dict[str, Value]) -> Record:
    parts = tuple(Record(Kind.ARTICLE, key, values, source=key) for key, values in articles.items())
    return Record(Kind.PRODUCT, "P", {"name": name, "unit": unit}, parts)


def change_of(desired: Record, current: Record | None, agreed: Record | None = None) -> Change:
    result = diff(desired, current, agreed, POLICY, title="P")
    assert isinstance(result, Change)
    return result


def reverted_values(**values: Value) -> dict[str, RevertedValue]:
    return {path.replace("__", "/"): RevertedValue(value, "run", "Anna", AT) for path, value in values.items()}


def test_a_change_of_which_nothing_was_reversed_stays_whole() -> None:
    change = change_of(product("new"), product("old"))
    assert split_reverted(change, reverted_values(name="other", unit="x"), None) == (change, None)


def test_a_change_of_which_all_was_reversed_is_one_line() -> None:
    change = change_of(product("new"), product("old"))
    assert split_reverted(change, reverted_values(name="new"), None) == (None, change)


def test_what_is_created_has_nothing_that_was_reversed() -> None:
    change = change_of(product("new"), None)
    assert split_reverted(change, reverted_values(name="new"), None) == (change, None)


def test_a_change_is_distinguished_value_by_value_and_each_remembers_what_was_agreed_on_the_other() -> None:
    current = product("old", "a", A={"price": "1", "ean": "e"}, B={"price": "1"})
    desired = product("new", "b", A={"price": "2", "ean": "e"}, B={"price": "3"})
    agreed = product("old", "a", A={"price": "1", "ean": "e"}, B={"price": "1"})
    fresh, back = split_reverted(change_of(desired, current, agreed), reverted_values(name="new", A__price="2"), agreed)
    assert fresh is not None
    assert back is not None
    assert fresh.desired.flat() == {"unit": "b", "B/price": "3"}
    assert fresh.before is not None
    assert fresh.before.flat() == {"unit": "a", "B/price": "1"}
    assert fresh.agreed.flat() == {"name": "old", "unit": "b", "A/price": "1", "A/ean": "e", "B/price": "3"}
    assert back.desired.flat() == {"name": "new", "A/price": "2"}
    assert back.agreed.flat() == {"name": "new", "unit": "a", "A/price": "2", "A/ean": "e", "B/price": "1"}


def test_what_was_never_agreed_on_is_not_remembered_of_the_other() -> None:
    fresh, back = split_reverted(change_of(product("new", "b"), product("old", "a")), reverted_values(name="new"), None)
    assert fresh is not None
    assert back is not None
    assert (fresh.agreed.flat(), back.agreed.flat()) == ({"unit": "b"}, {"name": "new"})


def test_an_article_the_target_no_longer_has_is_new_whatever_was_reversed_of_it() -> None:
    change = change_of(product("old", A={"price": "2"}), product("old"))
    assert split_reverted(change, reverted_values(A__price="2"), None) == (change, None)


def test_the_newest_of_what_was_reversed_is_reported() -> None:
    change = change_of(product("new", "b"), product("old", "a"))
    last = RevertedValue("b", "later", "Bob", AT + timedelta(days=1))
    reverted = latest_reverted(change, {**reverted_values(name="new"), "unit": last})
    assert (reverted, reverted.facts) == (last, {"run": "later", "by": "Bob", "time": "2026-03-03T10:00:00+00:00"})


def test_the_source_has_moved_on_where_it_says_something_else() -> None:
    assert changed_since_revert(product("newer", "b"), reverted_values(name="new", unit="b", gone="x"), {}) == {"name"}


def test_a_running_figure_is_what_was_reversed_only_while_it_is_made_of_the_same_figures() -> None:
    change = replace(change_of(product("P", A={"price": "25"}), product("P", A={"price": "21"})), inputs=FIGURES)
    reverted_values = {"A/price": RevertedValue("25", "run", "Anna", AT, FIGURES["A/price"])}
    assert split_reverted(change, reverted_values, None) == (None, change)
    assert changed_since_revert(change.desired, reverted_values, FIGURES) == set()
    other = replace(change, inputs={"A/price": "stock=27"})
    assert split_reverted(other, reverted_values, None) == (other, None)
    assert changed_since_revert(other.desired, reverted_values, other.inputs) == {"A/price"}
