"""The tree of article groups, with unreadable groups among the others."""

import pytest
from lxml import etree

from integration.connectors.mplus import codec
from integration.connectors.mplus.client import NAMESPACE
from tests.connectors.mplus.codec.elements import a_tree, group_element


def decode(*groups: str) -> list[codec.TillGroup]:
    return codec.decode_groups(etree.fromstring(f'<a xmlns="{NAMESPACE}">{a_tree(*groups)}</a>'))


def test_a_deleted_group_and_what_is_below_it_are_left_out() -> None:
    deleted = group_element("11", "Oud", group_element("12", "Ouder"), more="<isDeleted>true</isDeleted>")
    groups = decode(group_element("10", "Kleding", group_element("14", "Shirts")), deleted)
    assert {group.number: group.parent for group in groups} == {"10": "0", "14": "10"}


@pytest.mark.parametrize(
    ("broken", "number", "name", "field"),
    [
        (group_element("tien", "Jassen"), "?1", "Jassen", "groupNumber"),
        (group_element("-11", "Jassen"), "?1", "Jassen", "groupNumber"),
        (group_element("11</groupNumber><groupNumber>12", "Jassen"), "?1", "Jassen", "groupNumber"),
        (group_element("11", "Jassen</name><name>Mantels"), "11", "", "name"),
        (group_element("11", "Jassen", more="<isDeleted>misschien</isDeleted>"), "11", "Jassen", "isDeleted"),
        (group_element("11", "Jassen") + group_element("11", "Mantels"), "11", "Jassen", "name"),
        (group_element("11", "Jassen") * 2, "11", "Jassen", ""),
    ],
)
def test_a_broken_group_stands_with_its_reason_among_the_others(
    broken: str, number: str, name: str, field: str
) -> None:
    groups = decode(group_element("10", "Kleding"), broken, group_element("14", "Shirts"))
    group = groups[1]
    assert (group.number, group.name, group.error.field if group.error else "") == (number, name, field)
    assert [other.number for other in groups if other.error is None and other is not group] == ["10", "14"]


def test_what_is_below_a_group_without_a_number_keeps_its_place() -> None:
    above, below = decode(group_element("?", "Kleding", group_element("14", "Shirts")))
    assert (below.parent, below.error) == (above.number, None)
