"""Article groups at the till: a tree, found by name under its parent."""

import pytest

from integration.connectors.mplus.client import NAMESPACE
from integration.connectors.mplus.connector import Mplus
from integration.connectors.mplus.groups import TillGroups
from integration.core.errors import MalformedAnswerError
from integration.core.records import Kind, Unreadable
from tests.builders import a_group
from tests.connectors.mplus.codec.elements import a_tree, group_element
from tests.connectors.mplus.test_client import SETTINGS, a_client, xml
from tests.connectors.mplus.tills import create, look, update
from tests.fakes import Links


def test_groups_keep_their_tree_and_are_found_by_name_under_their_parent(
    connector: Mplus, links: Links, serial: int
) -> None:
    top = a_group("ZT", name=f"Zomer {serial}", parent="")
    other = a_group("ZO", name=f"Overig {serial}", parent="")
    below, double = a_group("ZH", name="Hemden", parent="ZT"), a_group("ZD", name="Hemden", parent="ZO")
    for group in (top, other, below, double):
        create(connector, group, links)
    current_groups = connector.lookup([double, below, other, top], Links())
    assert {key: current.reference for key, current in current_groups.items()} == {
        key: reference for (_, key), reference in links.references.items()
    }
    assert current_groups["ZH"].record.values == {"name": "Hemden", "parent": "ZT"}


def test_a_group_can_move_and_a_parent_that_is_not_ours_is_shown_as_its_number(connector: Mplus, links: Links) -> None:
    top, below = a_group("ZT", name="Zomer", parent=""), a_group("ZH", name="Hemden", parent="")
    create(connector, top, links)
    current = create(connector, below, links)
    update(connector, current, links, parent="ZT")
    assert look(connector, below, links).record.values["parent"] == "ZT"
    number = links.references.pop((Kind.GROUP, "ZT"))
    assert look(connector, below, links).record.values["parent"] == f"#{number}"


def test_a_tree_without_end_cannot_be_read(links: Links) -> None:
    deep = "<ns:subGroupList><ns:articleGroups><ns:groupNumber>1</ns:groupNumber>" * 1000
    closed = "</ns:articleGroups></ns:subGroupList>" * 1000
    tree = f"<ns:articleGroupList><ns:articleGroups><ns:groupNumber>1</ns:groupNumber>{deep}{closed}"
    answer = f"{tree}</ns:articleGroups></ns:articleGroupList>"
    client, _ = a_client(xml(f"<ns:GetArticleGroupsResponse>{answer}</ns:GetArticleGroupsResponse>"))
    with pytest.raises(MalformedAnswerError, match="answer_unreadable"):
        TillGroups(SETTINGS, client).lookup([a_group("A")], links)


@pytest.mark.parametrize(
    ("broken", "parked"),
    [
        (group_element("tien", "Jassen"), {"ZJ", "linked", "gone"}),
        (group_element("11", "Jassen</name><name>Mantels"), {"ZJ", "new", "linked"}),
        (group_element("11", "Jassen") + group_element("11", "Mantels"), {"ZJ", "linked"}),
        (group_element("11", "Jassen") * 2, set()),
    ],
    ids=["without number", "two names", "twice", "the same twice"],
)
def test_a_broken_group_parks_only_the_groups_that_it_may_be(links: Links, broken: str, parked: set[str]) -> None:
    tree = a_tree(group_element("10", "Kleding", group_element("14", "Shirts")), broken)
    client, _ = a_client(xml(f'<ns:GetArticleGroupsResponse xmlns="{NAMESPACE}">{tree}</ns:GetArticleGroupsResponse>'))
    links.references = {(Kind.GROUP, "linked"): "11", (Kind.GROUP, "gone"): "99"}
    names = {"ZK": "Kleding", "ZS": "Shirts", "ZJ": "Jassen", "new": "Sokken", "linked": "Regen", "gone": "Sneeuw"}
    groups = [a_group(key, name=name, parent="ZK" if key == "ZS" else "") for key, name in names.items()]
    current = TillGroups(SETTINGS, client).lookup(groups, links)
    assert {key for key, current_record in current.items() if isinstance(current_record.record, Unreadable)} == parked
    assert {key: current[key].reference for key in ("ZK", "ZS")} == {"ZK": "10", "ZS": "14"}
