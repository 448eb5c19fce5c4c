"""The tree of article groups as the till tells it."""

from lxml import etree

from integration.connectors.mplus import codec


def test_a_deleted_group_and_what_is_below_it_are_left_out() -> None:
    answer = etree.fromstring(
        '<ns:a xmlns:ns="urn:mplusqapi"><ns:articleGroupList><ns:articleGroups><ns:groupNumber>10</ns:groupNumber>'
        "<ns:name>Kleding</ns:name><ns:text/><ns:subGroupList><ns:articleGroups><ns:groupNumber>14</ns:groupNumber>"
        "<ns:name>Shirts</ns:name><ns:text/><ns:subGroupList/><ns:sortOrder>1</ns:sortOrder></ns:articleGroups>"
        "</ns:subGroupList><ns:sortOrder>1</ns:sortOrder></ns:articleGroups><ns:articleGroups>"
        "<ns:groupNumber>11</ns:groupNumber><ns:name>Oud</ns:name><ns:text/><ns:subGroupList/>"
        "<ns:sortOrder>1</ns:sortOrder><ns:isDeleted>true</ns:isDeleted></ns:articleGroups></ns:articleGroupList></ns:a>"
    )
    groups = codec.decode_groups(answer)
    assert {number: group.parent for number, group in groups.items()} == {"10": "0", "14": "10"}
