"""Bookings of documents before and after the figures of the books are read, and how often a figure includes them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from integration.core.booking_state import BookingStage, BookingState
from integration.core.records import Unreadable
from integration.flows.stock.included_count import MAYBE, NEVER, ONCE, CountRange, included_count, is_credit


@dataclass(frozen=True, slots=True)
class BookingSnapshot:
    """Bookings and credits that move stock in the books at one moment, by document and key.

    `open` are the sales orders among them that are not known to be invoiced, with the unreadable record, if any.
    """

    booked: Mapping[str, Mapping[str, BookingState]] = field(default_factory=dict)  # by document
    open: Mapping[str, Unreadable | None] = field(default_factory=dict)

    def times(self, document: str, *, orders_left: bool) -> dict[str, CountRange]:
        """Return how often a figure includes each booking and credit of a document; see `Tally.terms`."""
        return {
            key: self._count_range(key, state, orders_left=orders_left)
            for key, state in self.booked.get(document, {}).items()
        }

    def _count_range(self, key: str, booking_state: BookingState, *, orders_left: bool) -> CountRange:
        if booking_state.stage is not BookingStage.BOOKED:
            return MAYBE
        if orders_left or key not in self.open:
            return ONCE
        # Credits are queried again after the figures are read; an order may have been invoiced in between.
        return NEVER if is_credit(key) and self.open[key] is None else MAYBE


def count_in_window(before: BookingSnapshot, after: BookingSnapshot, document: str, *, orders_left: bool) -> CountRange:
    """Return how often a figure that was read between two states includes the sale of a document."""
    looks = [
        snapshot.times(document, orders_left=orders_left) for snapshot in (before, after) if document in snapshot.booked
    ]
    first, last = (looks[0], looks[-1]) if looks else ({}, {})
    return included_count({key: first.get(key, NEVER).union(last.get(key, NEVER)) for key in {**first, **last}})
