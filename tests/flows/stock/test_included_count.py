"""Movements that a stock figure of the books lacks, in each state of the bookings and credits of its documents."""

from decimal import Decimal

import pytest

from integration.flows.stock.included_count import (
    MAYBE,
    NEVER,
    ONCE,
    CountRange,
    included_count,
    is_settled,
    missing_amount,
)

# What stands in the books: the booking, its credit, and both booked anew. "-" never was, is not invoiced, or is a lost
# credit that somebody answered for, "x" is there, "?" was deleted or changed by hand, or sent without an answer.
KEYS = ("D", "D#credit", "D#2", "D#2#credit")
STATES = {"-": NEVER, "x": ONCE, "?": MAYBE}


def count_range(states: str) -> CountRange:
    """Return how often the sale of a document is in the figure."""
    return included_count({key: STATES[state] for key, state in zip(KEYS, states, strict=False) if state != "-"})


@pytest.mark.parametrize(
    ("states", "of_a_sale", "of_a_return"),
    [
        ("-", -3, 3),  # not booked: the figure has nothing of it
        ("x", 0, 0),  # booked
        ("?", -3, 0),  # deleted or changed: in the figure once, or typed anew, or in part
        ("xx", -3, 3),  # credited: what the books have sums up to nothing
        ("x?", -3, 0),  # credited, and that deleted, changed or unanswered: the booking may hold again
        ("?x", -6, 3),  # deleted and credited too: the figure may have it once too little
        ("??", -6, 0),  # both deleted: of the booking nothing may be there, and all of the credit
        ("-x", -6, 6),  # an order that is not invoiced whose credit is
        ("x-x", 0, -3),  # the credit set aside, and booked again: the figure has it twice
        ("xxx", 0, 0),  # booked again
        ("?xx", -3, 0),  # the first deleted, credited and booked again: typed anew, it is in the figure
        ("x?x", 0, -3),  # the credit deleted: the figure may have it twice
        ("xx?", -3, 0),  # what was booked again is deleted
        ("??x", -3, -3),
        ("?x?", -6, 0),
        ("xxxx", -3, 3),  # booked again, and credited again
        ("?x?x", -9, 3),  # both deleted, and both credited
    ],
)
def test_what_a_figure_lacks_of_a_document(states: str, of_a_sale: int, of_a_return: int) -> None:
    times = count_range(states)
    assert missing_amount(Decimal(-3), [times]) == of_a_sale
    assert missing_amount(Decimal(3), [times]) == of_a_return
    assert is_settled([times], is_back=False) is (of_a_sale == 0)
    if is_settled([times], is_back=True):
        assert of_a_return == 0


@pytest.mark.parametrize(
    ("documents", "of_a_sale", "of_a_return"),
    [
        (("-", "-"), -3, 3),
        (("x", "-"), 0, 0),  # the sale is booked as one of its documents, whichever
        (("xx", "x"), 0, 0),  # as an order, taken back, and then as its receipt
        (("?x", "x"), -3, 0),  # the order was deleted too: what the receipt took out came back by it
        (("x", "x"), 0, 0),  # beside each other, as sales of their own
        (("?", "-"), -3, 0),
    ],
)
def test_a_sale_of_several_documents_is_in_the_figure_once(
    documents: tuple[str, ...], of_a_sale: int, of_a_return: int
) -> None:
    times = [count_range(states) for states in documents]
    assert missing_amount(Decimal(-3), times) == of_a_sale
    assert missing_amount(Decimal(3), times) == of_a_return


def test_an_unanswered_return_of_goods_is_not_settled_though_it_may_exist() -> None:
    assert missing_amount(Decimal(3), [count_range("?")]) == 0
    assert not is_settled([count_range("?")], is_back=True)
