"""Stock movements from the till's own history, and the last movement that a stock level includes."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum

from integration.core.records import Value

# Name of the value of a stock record that holds the last movement its levels include. Neither system has such a field:
# the target's level is read as of the same movement, so that a sale in between does not count as a difference.
COUNTED = "counted"


# Stands for an unreadable time of a movement: the movement may count for every level.
NO_MOMENT = datetime(9000, 1, 1, tzinfo=UTC)


class MovementType(StrEnum):
    """Reason of a stock movement at the till."""

    SALES = "sales"  # sold or returned
    DELIVERY = "delivery"  # received from a supplier
    INTERNAL = "internal"  # sent to or received from another branch
    SENT = "sent"  # only for selection: outgoing internal movements; no movement has this value
    UNREADABLE = "unreadable"  # the quantity or the reason cannot be read
    OTHER = "other"  # counted, corrected by hand, or set by a program: the books do not follow these


@dataclass(frozen=True, slots=True)
class Movement:
    """One movement of an article in a branch; `amount` is negative for outgoing stock.

    In an unreadable movement the number may be 0, and branch and article may be empty, because they cannot be read
    either.
    """

    number: int  # rises with every movement of the installation
    branch: str
    article: str  # the number of the article at the till
    amount: Decimal
    type: MovementType
    at: datetime
    documents: tuple[str, ...] = ()  # ids of the till documents that caused it
    title: str = ""  # display name of the first document
    is_delivered: bool = False  # delivers an order that had reserved the stock, so that the free stock stays the same
    unread: str = ""  # the unreadable field of the till

    def counts_as(self, types: Collection[MovementType]) -> bool:
        """Return True if the movement is of one of these types."""
        return self.type in types or (
            MovementType.SENT in types and self.type is MovementType.INTERNAL and self.amount < 0
        )

    def is_about(self, branches: Collection[str]) -> bool:
        """Return True if the movement is or may be in one of these branches. No branches means all branches."""
        return not branches or not self.branch or self.branch in branches


@dataclass(frozen=True, slots=True)
class UnbookedMovement:
    """A movement that the books may not have: its documents, and whether it returned goods."""

    documents: tuple[str, ...]
    is_back: bool = False


@dataclass(frozen=True, slots=True)
class StockReservation:
    """Stock of an article in a branch that is reserved for an undelivered order of the till."""

    document: str  # the order's id
    branch: str
    article: str
    amount: Decimal
    title: str = ""  # display name of the order


@dataclass(frozen=True, slots=True)
class StockCounted:
    """The last movement that levels include, the included types, and the stock reserved per branch at that time."""

    last_movement: int
    types: frozenset[MovementType]
    reserved: Mapping[str, Decimal] = field(default_factory=dict)

    def as_value(self) -> Value:
        """Return this as the value of a record."""
        reserved = (f"{branch}={amount}" for branch, amount in sorted(self.reserved.items()))
        return (str(self.last_movement), *sorted(self.types), *reserved)

    def moved(self, movements: Iterable[Movement], upto: int) -> tuple[Decimal, Decimal]:
        """Return the change of free stock and of reserved stock by later movements, up to and including `upto`."""
        later = [
            movement
            for movement in movements
            if self.last_movement < movement.number <= upto and movement.counts_as(self.types)
        ]
        free = sum((movement.amount for movement in later if not movement.is_delivered), Decimal(0))
        return free, sum((movement.amount for movement in later if movement.is_delivered), Decimal(0))


def unreadable_movement(movements: Iterable[Movement], after: int, upto: int) -> Movement | None:
    """Return an unreadable movement after `after` and up to `upto`, or None.

    An unreadable movement without a number may be any of them.
    """
    wrong = (movement for movement in movements if movement.type is MovementType.UNREADABLE)
    return next((movement for movement in wrong if not movement.number or after < movement.number <= upto), None)


def counted_value(value: Value) -> StockCounted | None:
    """Return the content of a record's value, or None if its levels are current."""
    if not isinstance(value, tuple) or not value:
        return None
    upto, *rest = value
    reserved = dict(text.split("=") for text in rest if "=" in text)
    types = frozenset(MovementType(text) for text in rest if "=" not in text)
    return StockCounted(int(upto), types, {branch: Decimal(amount) for branch, amount in reserved.items()})
