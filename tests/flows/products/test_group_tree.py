"""Article groups that contain each other."""

import pytest

from integration.core.records import Kind, Record
from integration.core.staged_records import StagedRecord
from integration.flows.products.group_tree import find_cycles, without_cycles


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
def test_groups_that_contain_each_other_are_detected(parents: dict[str, str], expected: dict[str, str]) -> None:
    assert {key: "".join(cycle) for key, cycle in find_cycles(parents).items()} == expected


def test_each_group_of_a_cycle_is_parked_with_all_of_them_named() -> None:
    groups = [
        StagedRecord(key, key, f"Group {key}", record=Record(Kind.GROUP, key, {"name": key, "parent": parent}))
        for key, parent in (("A", "B"), ("B", "A"), ("C", "B"), ("D", ""))
    ]
    staged = without_cycles(groups)
    assert [(result.issue.cause, result.issue.facts["groups"]) for result in staged if result.issue] == [
        ("group_cycle", "A, B")
    ] * 2
    assert [result.key for result in staged if result.record] == ["C", "D"]
