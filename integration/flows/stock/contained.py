"""How often a figure of the books has what a movement of the till moved, by all that was booked of it.

A booking has it once, what takes that back takes it out once, and booked again it is there once more. Of what somebody
deleted or changed by hand, and of what was sent without an answer, nobody knows which: so it is a span, and a level
goes by the end of it that offers less. A sale whose booking was deleted and credited too may be in the figure less
than not at all.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal

from integration.flows.orders.credits import CREDIT


@dataclass(frozen=True, slots=True)
class CountRange:
    """How often a figure has something: at the least, and at the most."""

    least: int
    most: int

    def or_as(self, other: "CountRange") -> "CountRange":
        """Return what holds of a figure that may be of before or after a change from one to the other."""
        return CountRange(min(self.least, other.least), max(self.most, other.most))


NEVER, ONCE, MAYBE = CountRange(0, 0), CountRange(1, 1), CountRange(0, 1)


def is_credit(key: str) -> bool:
    """Tell whether what is booked under a key takes another booking back; what takes that back books it again."""
    return key.count(CREDIT) % 2 == 1


def included_count(bookings: Mapping[str, CountRange]) -> CountRange:
    """Return how often a figure has the sale of one document, by how often it has each booking and credit of it."""
    there = [one for key, one in bookings.items() if not is_credit(key)]
    back = [one for key, one in bookings.items() if is_credit(key)]
    return CountRange(
        sum(one.least for one in there) - sum(one.most for one in back),
        sum(one.most for one in there) - sum(one.least for one in back),
    )


def lacking(amount: Decimal, documents: Collection[CountRange]) -> Decimal:
    """Return what a figure lacks of a movement, by how often it has the sale of each of its documents.

    What left is taken for as seldom in it as may be, and what came back for as often: what the level gets is never too
    much. A sale of several documents is booked as one of them, so more than once is once.
    """
    if amount < 0:
        return amount * (1 - _at_least(documents))
    return amount * (1 - max((one.most for one in documents), default=0))


def is_settled(documents: Collection[CountRange], *, is_back: bool) -> bool:
    """Tell whether a figure is known to have a movement for as long as nothing is taken back: nothing is lacking."""
    return _at_least(documents) == 1 and (not is_back or max(one.most for one in documents) == 1)


def _at_least(documents: Collection[CountRange]) -> int:
    return min(1, sum(one.least for one in documents))
