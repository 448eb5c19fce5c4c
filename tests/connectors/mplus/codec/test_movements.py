"""Movements of stock in answers of the till, complete and damaged."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from lxml import etree

from integration.connectors.mplus import codec
from integration.connectors.mplus.client import Element
from integration.core.movements import NO_MOMENT, MovementType

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
    movement = codec.decode_movement(move_element())
    assert (movement.number, movement.branch, movement.article) == (88213, "1", "200101")
    assert (movement.amount, movement.type, movement.documents) == (Decimal("-1.5"), MovementType.SALES, ("R1",))


@pytest.mark.parametrize(
    ("word", "amount", "document", "movement_type"),
    [
        ("SALES", "-150", "R1", MovementType.SALES),
        ("DELIVERY", "150", "", MovementType.DELIVERY),
        ("DELIVERY", "150", "R1", MovementType.DELIVERY),
        ("DELIVERY", "-150", "R1", MovementType.SALES),
        ("DELIVERY", "-150", "", MovementType.DELIVERY),
        ("UNKNOWN", "-150", "R1", MovementType.SALES),
        ("UNKNOWN", "150", "R1", MovementType.OTHER),
        ("UNKNOWN", "-150", "", MovementType.OTHER),
        ("MANUAL", "-150", "R1", MovementType.OTHER),
        ("API", "-150", "", MovementType.OTHER),
        ("CORRECTION", "-150", "", MovementType.OTHER),
        ("INTERNAL-SHIPMENT", "-150", "", MovementType.INTERNAL),
    ],
)
def test_goods_that_left_with_a_document_of_a_sale_were_sold_unless_somebody_counted_or_moved_them(
    word: str, amount: str, document: str, movement_type: MovementType
) -> None:
    move_xml = MOVE.replace("TYPE-SALES", f"TYPE-{word}").replace("-150", amount).replace(">R1<", f">{document}<")
    assert codec.decode_movement(etree.fromstring(move_xml)).type is movement_type


@pytest.mark.parametrize("word", ["", "STOCK-HISTORY-TYPE-", "STOCK-HISTORY-TYPE-GIVEN-AWAY"])
def test_a_movement_of_which_nobody_can_tell_why_is_never_taken_for_one_that_does_not_count(word: str) -> None:
    movement = codec.decode_movement(move_element("STOCK-HISTORY-TYPE-SALES", word))
    assert (movement.number, movement.article, movement.type, movement.unread) == (
        88213,
        "200101",
        MovementType.UNREADABLE,
        "type",
    )


@pytest.mark.parametrize("old", ["-150", "decimalPlaces>2"])
def test_a_movement_whose_amount_cannot_be_read_is_one_of_its_article_and_moves_nothing(old: str) -> None:
    movement = codec.decode_movement(move_element(old, old[:-1].replace("-15", "some") + "x"))
    assert (movement.number, movement.branch, movement.article) == (88213, "1", "200101")
    assert (movement.amount, movement.type, movement.documents) == (Decimal(0), MovementType.UNREADABLE, ("R1",))
    assert movement.at == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_a_movement_whose_moment_cannot_be_read_may_count_for_every_level() -> None:
    movement = codec.decode_movement(move_element("<ns:year>2026", "<ns:year>never"))
    assert (movement.type, movement.at) == (MovementType.UNREADABLE, NO_MOMENT)


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
    movement = codec.decode_movement(move_element(old, new))
    assert (movement.number, movement.branch, movement.article) == told_of
    assert (movement.amount, movement.type, movement.documents) == (Decimal(0), MovementType.UNREADABLE, ("R1",))
