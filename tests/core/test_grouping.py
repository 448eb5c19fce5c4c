"""Values are grouped and added up by key, in the order they came in."""

from decimal import Decimal

import pytest

from integration.core.grouping import find_cycles, group_by_key, sum_by_key


def test_values_are_grouped_in_their_order() -> None:
    groups = group_by_key([("b", 2), ("a", 1), ("b", 1)])
    assert list(groups.items()) == [("b", [2, 1]), ("a", [1])]


def test_amounts_are_added_up_by_key() -> None:
    sums = sum_by_key([("b", Decimal("0.10")), ("a", Decimal(-1)), ("b", Decimal("0.20"))])
    assert list(sums.items()) == [("b", Decimal("0.30")), ("a", Decimal(-1))]
    assert sum_by_key([]) == {}


@pytest.mark.parametrize(
    ("parents", "expected"),
    [
        ({"A": "", "B": "A", "C": "B"}, {}),
        ({"A": "elsewhere", "B": "A"}, {}),
        ({"A": "A", "B": ""}, {"A": "A"}),
        ({"B": "A", "A": "B", "C": "A"}, {"A": "AB", "B": "AB"}),
        ({"D": "C", "C": "B", "B": "A", "A": "C", "E": "D"}, {"A": "ACB", "B": "ACB", "C": "ACB"}),
        ({"A": "B", "B": "A", "X": "Y", "Y": "X"}, {"A": "AB", "B": "AB", "X": "XY", "Y": "XY"}),
    ],
)
def test_keys_that_refer_to_each_other_are_found(parents: dict[str, str], expected: dict[str, str]) -> None:
    assert {key: "".join(cycle) for key, cycle in find_cycles(parents).items()} == expected
