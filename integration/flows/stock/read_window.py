"""What the books have of documents before and after their figures are read, and how often a figure has them by that."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from integration.core.booking_state import BookingStage, BookingState
from integration.core.records import Unreadable
from integration.flows.stock.contained import MAYBE, NEVER, ONCE, CountRange, included_count, is_credit


@dataclass(frozen=True, slots=True)
class SeenBookings:
    """What the books have of documents at one moment: each booking and credit that moves stock there, by its key.

    `open` are the sales orders among them that are not known to be invoiced, with what cannot be read of them.
    """

    booked: Mapping[str, Mapping[str, BookingState]] = field(default_factory=dict)  # by the document
    open: Mapping[str, Unreadable | None] = field(default_factory=dict)

    def times(self, document: str, *, orders_left: bool) -> dict[str, CountRange]:
        """Return how often a figure has each booking and credit of a document; see `terms` of a tally."""
        return {
            key: self._times(key, one, orders_left=orders_left) for key, one in self.booked.get(document, {}).items()
        }

    def _times(self, key: str, standing: BookingState, *, orders_left: bool) -> CountRange:
        if standing.where is not BookingStage.BOOKED:
            return MAYBE
        if orders_left or key not in self.open:
            return ONCE
        # A credit is looked for again after the figures are read; an order may be invoiced by then.
        return NEVER if is_credit(key) and self.open[key] is None else MAYBE


def while_read(before: SeenBookings, after: SeenBookings, document: str, *, orders_left: bool) -> CountRange:
    """Return how often a figure has the sale of a document that was read between two looks."""
    looks = [one.times(document, orders_left=orders_left) for one in (before, after) if document in one.booked]
    first, last = (looks[0], looks[-1]) if looks else ({}, {})
    return included_count({key: first.get(key, NEVER).or_as(last.get(key, NEVER)) for key in {**first, **last}})
