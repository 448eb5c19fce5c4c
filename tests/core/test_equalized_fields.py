"""Fields that a plan sets to one value although their values differ now."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from integration.core.equalized_fields import EqualizedField, equalized_facts, equalized_fields
from integration.core.plan import Action, Change
from integration.core.records import Value
from tests.builders import a_create, a_part, a_product, a_stock, an_update_at

LIMIT = 4
NAMES = [f"Artikel {number}" for number in range(5)]


def changes_of(path: str, pairs: Sequence[tuple[Value, Value]]) -> list[Change]:
    name = path.rpartition("/")[2]
    return [an_update_at(a_product("1", (a_part("1", **{name: old}),)), {path: new}) for old, new in pairs]


@pytest.mark.parametrize(
    ("old_values", "new", "count"),
    [
        (NAMES, "X", 5),
        (["1", "1", "1", "2", "3"], "2", 5),  # codes: a few values of many records
        (NAMES[:4], "X", 0),
        (["1"] * 9, "2", 0),  # one code replaces one other code
        ([True] * 9, False, 0),
        ([Decimal(number) for number in range(5, 10)], Decimal(0), 5),
        ([Decimal(number % 3 + 1) for number in range(9)], Decimal(0), 0),  # sold out
        ([date(2026, 1, day % 2 + 1) for day in range(9)], date(2026, 2, 1), 0),  # another last day
        ([None, "", *NAMES[:4]], "X", 0),  # empty before
        (NAMES, "", 0),  # cleared: another brake
        ([("1",), ("2",), ("1", "2"), ("3",), ("4",)], ("9",), 5),
    ],
)
def test_different_values_that_one_value_replaces_are_counted(old_values: list[Value], new: Value, count: int) -> None:
    result = equalized_fields(changes_of("1/field", [(old, new) for old in old_values]), LIMIT)
    assert result == ((EqualizedField("article.field", new, count),) if count else ())


def test_at_least_half_of_the_changes_of_the_field_have_the_value() -> None:
    others = [(f"Trui {number}", f"Trui {number} blauw") for number in range(6)]
    changes = changes_of("1/name", [(name, "X") for name in NAMES] + others[:5])
    prices = changes_of("1/price_incl", [(Decimal(9), Decimal(number)) for number in range(20)])
    assert equalized_fields(changes + prices, LIMIT)
    assert equalized_fields(changes + changes_of("1/name", others[5:]), LIMIT) == ()


def test_only_updates_of_existing_values_count() -> None:
    created = [a_create(a_product(str(number), name="X")) for number in range(9)]
    added = [an_update_at(a_product(name="X"), {"2/name": name}) for name in NAMES]
    retired = [
        replace(change, action=Action.RETIRE) for change in changes_of("1/name", [(name, "X") for name in NAMES])
    ]
    assert equalized_fields([*created, *added, *retired], LIMIT) == ()


def test_levels_are_a_field_of_each_branch() -> None:
    levels = [an_update_at(a_stock(str(at), b1=str(at + 1)), {"1/amount": Decimal(0)}) for at in range(5)]
    (field,) = equalized_fields(levels, LIMIT)
    assert (field.value, field.count) == (0, 5)


def test_the_facts_name_the_largest_field_first() -> None:
    few, many = EqualizedField("article.price", Decimal("1.00"), 5), EqualizedField("article.name", "X", 7)
    assert equalized_facts([few, many]) == {"field": "article.name, article.price", "value": "X, 1.00"}
