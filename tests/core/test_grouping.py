"""Values are grouped and added up by key, in the order they came in."""

from decimal import Decimal

from integration.core.grouping import group_by_key, sum_by_key


def test_values_are_grouped_in_their_order() -> None:
    groups = group_by_key([("b", 2), ("a", 1), ("b", 1)])
    assert list(groups.items()) == [("b", [2, 1]), ("a", [1])]


def test_amounts_are_added_up_by_key() -> None:
    sums = sum_by_key([("b", Decimal("0.10")), ("a", Decimal(-1)), ("b", Decimal("0.20"))])
    assert list(sums.items()) == [("b", Decimal("0.30")), ("a", Decimal(-1))]
    assert sum_by_key([]) == {}
