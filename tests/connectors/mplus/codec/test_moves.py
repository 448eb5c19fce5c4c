"""Movements of stock in answers of the till, complete and damaged."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from lxml import etree

from integration.connectors.mplus import codec
from integration.connectors.mplus.client import Element
from integration.core.moves import NO_MOMENT, MoveSort

MOVE = """
<ns:articleStockHistory xmlns:ns="urn:mplusqapi">
  <ns:stockId>88213</ns:stockId><ns:branchNumber>1</ns:branchNumber><ns:articleNumber>200101</ns:articleNumber>
  <ns:type>STOCK-HISTORY-TYPE-SALES</ns:type><ns:amountChanged>-150</ns:amountChanged>
  <ns:decimalPlaces>2</ns:decimalPlaces><ns:receiptId>R1</ns:receiptId>
  <ns:timestamp><ns:sec>5</ns:sec><ns:min>4</ns:min><ns:hour>3</ns:hour><ns:day>2</ns:day><ns:mon>1</ns:mon>
    <ns:year>2026</ns:year><ns:isdst>false</ns:isdst><ns:timezone>0</ns:timezone></ns:timestamp>
</ns:articleStockHistory>
"""


def move_element(old: str = "", new: str = "") -> Element:
    return etree.fromstring(MOVE.replace(old, new) if old else MOVE)


def test_a_movement_has_its_article_its_amount_and_its_documents() -> None:
    move = codec.decode_move(move_element())
    assert (move.number, move.branch, move.article) == (88213, "1", "200101")
    assert (move.amount, move.sort, move.documents) == (Decimal("-1.5"), MoveSort.SALES, ("R1",))


@pytest.mark.parametrize(
    ("word", "amount", "document", "sort"),
    [
        ("SALES", "-150", "R1", MoveSort.SALES),
        ("DELIVERY", "150", "", MoveSort.DELIVERY),
        ("DELIVERY", "150", "R1", MoveSort.DELIVERY),
        ("DELIVERY", "-150", "R1", MoveSort.SALES),
        ("DELIVERY", "-150", "", MoveSort.DELIVERY),
        ("UNKNOWN", "-150", "R1", MoveSort.SALES),
        ("UNKNOWN", "150", "R1", MoveSort.OTHER),
        ("UNKNOWN", "-150", "", MoveSort.OTHER),
        ("MANUAL", "-150", "R1", MoveSort.OTHER),
        ("API", "-150", "", MoveSort.OTHER),
        ("CORRECTION", "-150", "", MoveSort.OTHER),
        ("INTERNAL-SHIPMENT", "-150", "", MoveSort.INTERNAL),
    ],
)
def test_goods_that_left_with_a_document_of_a_sale_were_sold_unless_somebody_counted_or_moved_them(
    word: str, amount: str, document: str, sort: MoveSort
) -> None:
    move_xml = MOVE.replace("TYPE-SALES", f"TYPE-{word}").replace("-150", amount).replace(">R1<", f">{document}<")
    assert codec.decode_move(etree.fromstring(move_xml)).sort is sort


@pytest.mark.parametrize("word", ["", "STOCK-HISTORY-TYPE-", "STOCK-HISTORY-TYPE-GIVEN-AWAY"])
def test_a_movement_of_which_nobody_can_tell_why_is_never_taken_for_one_that_does_not_count(word: str) -> None:
    move = codec.decode_move(move_element("STOCK-HISTORY-TYPE-SALES", word))
    assert (move.number, move.article, move.sort, move.unread) == (88213, "200101", MoveSort.UNREADABLE, "type")


@pytest.mark.parametrize("old", ["-150", "decimalPlaces>2"])
def test_a_movement_whose_amount_cannot_be_read_is_one_of_its_article_and_moves_nothing(old: str) -> None:
    move = codec.decode_move(move_element(old, old[:-1].replace("-15", "some") + "x"))
    assert (move.number, move.branch, move.article) == (88213, "1", "200101")
    assert (move.amount, move.sort, move.documents) == (Decimal(0), MoveSort.UNREADABLE, ("R1",))
    assert move.at == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_a_movement_whose_moment_cannot_be_read_may_count_for_every_level() -> None:
    move = codec.decode_move(move_element("<ns:year>2026", "<ns:year>never"))
    assert (move.sort, move.at) == (MoveSort.UNREADABLE, NO_MOMENT)


@pytest.mark.parametrize(
    ("old", "new", "told_of"),
    [
        ("88213", "8821x", (0, "1", "200101")),
        ("88213", "", (0, "1", "200101")),
        ("branchNumber>1", "branchNumber>x", (88213, "", "200101")),
        ("200101", "20010x", (88213, "1", "")),
        ("200101", "0", (88213, "1", "")),
    ],
)
def test_a_movement_tells_as_much_of_what_it_is_about_as_can_be_read(
    old: str, new: str, told_of: tuple[int, str, str]
) -> None:
    move = codec.decode_move(move_element(old, new))
    assert (move.number, move.branch, move.article) == told_of
    assert (move.amount, move.sort, move.documents) == (Decimal(0), MoveSort.UNREADABLE, ("R1",))
