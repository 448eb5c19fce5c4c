"""Booking state of documents. Flows check it so that the same sale is not booked twice."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from integration.core.records import Kind, Value


class BookingStage(StrEnum):
    """Stage of a document on its way into the books."""

    BOOKED = "booked"
    DOUBTFUL = "doubtful"  # sent, and it is unknown whether the books have it
    PLANNED = "planned"  # in the plan of the current preview
    WAITING = "waiting"  # in another plan that can still be written
    PARKED = "parked"


@dataclass(frozen=True, slots=True)
class BookingState:
    """Booking state of one document: its title, the sold amount, and its reference and kind in the books."""

    key: str
    stage: BookingStage
    title: str = ""
    reference: str = ""
    sold: Decimal | None = None
    kind: Kind | None = None  # what it is booked as
    values: Mapping[str, Value] = field(default_factory=dict)  # the booking's values as last agreed by both systems

    @property
    def may_be_there(self) -> bool:
        """True if the books have the document or may have it."""
        return self.stage in (BookingStage.BOOKED, BookingStage.DOUBTFUL)


BookingStates = Mapping[str, BookingState]
BookingStateQuery = Callable[[Collection[str]], BookingStates]
# Returns for each given document the documents made from it that are booked or may be booked.
DerivedDocumentsQuery = Callable[[Collection[str]], Mapping[str, Collection[str]]]
