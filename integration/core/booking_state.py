"""Where a document stands on its way into the books, for whoever must not book the same sale again."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from integration.core.records import Kind, Value


class BookingStage(StrEnum):
    """How far a document has come."""

    BOOKED = "booked"
    DOUBTFUL = "doubtful"  # sent, and nobody knows whether the books have it
    PLANNED = "planned"  # in the plan that is being made
    WAITING = "waiting"  # in another plan that may be written yet
    PARKED = "parked"


@dataclass(frozen=True, slots=True)
class BookingState:
    """Where one document stands: its number, what was sold, and its reference and kind in the books."""

    key: str
    where: BookingStage
    title: str = ""
    reference: str = ""
    sold: Decimal | None = None
    kind: Kind | None = None  # what it is booked as
    values: Mapping[str, Value] = field(default_factory=dict)  # of its booking, as both sides agreed on them

    @property
    def may_be_there(self) -> bool:
        """Whether the books have it, or nobody knows that they do not."""
        return self.where in (BookingStage.BOOKED, BookingStage.DOUBTFUL)


Standings = Mapping[str, BookingState]
AskStandings = Callable[[Collection[str]], Standings]
# Which documents that are booked, or may be, come out of each of these.
AskMade = Callable[[Collection[str]], Mapping[str, Collection[str]]]
