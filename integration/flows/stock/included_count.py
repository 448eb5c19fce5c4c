"""Computes how often a figure of the books includes a movement of the till, from its bookings and credits.

A booking includes it once, its credit excludes it once, and a later booking includes it again. For bookings that
somebody deleted or changed, and for unanswered writes, this is unknown. The result is therefore a range, and a level
uses the end that offers less stock. If a booking was deleted and also credited, the range may be below zero.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal

from integration.flows.orders.credits import CREDIT


@dataclass(frozen=True, slots=True)
class CountRange:
    """The minimum and maximum number of times that a figure includes something."""

    least: int
    most: int

    def union(self, other: "CountRange") -> "CountRange":
        """Return the range that covers both, for a figure from before or after a change."""
        return CountRange(min(self.least, other.least), max(self.most, other.most))


NEVER, ONCE, MAYBE = CountRange(0, 0), CountRange(1, 1), CountRange(0, 1)


def is_credit(key: str) -> bool:
    return key.endswith(CREDIT)


def included_count(bookings: Mapping[str, CountRange]) -> CountRange:
    """Return how often a figure includes the sale of one document, from the ranges of its bookings and credits."""
    booked = [count_range for key, count_range in bookings.items() if not is_credit(key)]
    back = [count_range for key, count_range in bookings.items() if is_credit(key)]
    return CountRange(
        sum(count_range.least for count_range in booked) - sum(count_range.most for count_range in back),
        sum(count_range.most for count_range in booked) - sum(count_range.least for count_range in back),
    )


def missing_amount(amount: Decimal, documents: Collection[CountRange]) -> Decimal:
    """Return the amount of a movement that a figure lacks, from the ranges of its documents.

    An outgoing movement counts as included as rarely as possible, an incoming one as often as possible, so that a level
    is never too high. A sale with several documents is booked through one of them, so more than once counts as once.
    """
    if amount < 0:
        return amount * (1 - _least_count(documents))
    return amount * (1 - max((count_range.most for count_range in documents), default=0))


def is_settled(documents: Collection[CountRange], *, is_back: bool) -> bool:
    """Return True if a figure is known to include a movement completely, as long as nothing is reversed."""
    return _least_count(documents) == 1 and (not is_back or max(count_range.most for count_range in documents) == 1)


def _least_count(documents: Collection[CountRange]) -> int:
    return min(1, sum(count_range.least for count_range in documents))
