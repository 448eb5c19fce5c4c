"""Movements of stock at the till as its own history tells them, and up to which of them a level counts."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum

from integration.core.records import Value

# The value of a record of stock that says up to which movement its levels count. It is no field of either system: what
# the target holds is told as of the same movement, so that a sale in between is no difference.
COUNTED = "counted"


# When a movement happened of which that cannot be read: it may count for every level.
NO_MOMENT = datetime(9000, 1, 1, tzinfo=UTC)


class MoveSort(StrEnum):
    """Why the stock of an article moved at the till."""

    SALES = "sales"  # sold, or taken back
    DELIVERY = "delivery"  # received from a supplier
    INTERNAL = "internal"  # sent to another branch, or received from one
    SENT = "sent"  # no movement is told so: what of those left counts by itself
    UNREADABLE = "unreadable"  # nobody can tell how much of its article moved, or why
    OTHER = "other"  # counted, corrected by hand, or set by a program: the books do not follow it


@dataclass(frozen=True, slots=True)
class Move:
    """One movement of an article in a branch; `amount` is negative for what left.

    Of one that is unreadable the number may be 0, and branch and article may be empty: that could not be read either.
    """

    number: int  # rises with every movement of the installation
    branch: str
    article: str  # the number of the article at the till
    amount: Decimal
    sort: MoveSort
    at: datetime
    documents: tuple[str, ...] = ()  # the documents of the till that brought it about, by their ids
    title: str = ""  # what people call the first of them
    is_delivered: bool = False  # of an order that had kept it aside, so that what is free stays as it is
    unread: str = ""  # of one that is unreadable: the field of the till that cannot be read

    def counts_as(self, sorts: Collection[MoveSort]) -> bool:
        """Tell whether it is of one of these sorts."""
        return self.sort in sorts or (MoveSort.SENT in sorts and self.sort is MoveSort.INTERNAL and self.amount < 0)

    def is_about(self, branches: Collection[str]) -> bool:
        """Tell whether it is, or may be, of one of these branches; none named is all of them."""
        return not branches or not self.branch or self.branch in branches


@dataclass(frozen=True, slots=True)
class Unbooked:
    """A movement that the books are not known to have: its documents, and whether it brought goods back."""

    documents: tuple[str, ...]
    is_back: bool = False


@dataclass(frozen=True, slots=True)
class Promise:
    """What an order of the till that is not delivered keeps aside of an article in a branch."""

    document: str  # the order, by its id
    branch: str
    article: str
    amount: Decimal
    title: str = ""  # what people call the order


@dataclass(frozen=True, slots=True)
class StockCounted:
    """Up to which movement levels count, of which sorts, and how much each branch had kept aside for orders by then."""

    upto: int
    sorts: frozenset[MoveSort]
    reserved: Mapping[str, Decimal] = field(default_factory=dict)

    def as_value(self) -> Value:
        """Return it as a value of a record."""
        kept = (f"{branch}={amount}" for branch, amount in sorted(self.reserved.items()))
        return (str(self.upto), *sorted(self.sorts), *kept)

    def moved(self, moves: Iterable[Move], upto: int) -> tuple[Decimal, Decimal]:
        """Return what came to be free by later movements up to another one, and what came of orders' goods."""
        later = [one for one in moves if self.upto < one.number <= upto and one.counts_as(self.sorts)]
        free = sum((one.amount for one in later if not one.is_delivered), Decimal(0))
        return free, sum((one.amount for one in later if one.is_delivered), Decimal(0))


def unreadable_move(moves: Iterable[Move], after: int, upto: int) -> Move | None:
    """Return a movement later than one and up to another of which nobody can tell how much moved; None without any.

    One without a number may be any.
    """
    wrong = (one for one in moves if one.sort is MoveSort.UNREADABLE)
    return next((one for one in wrong if not one.number or after < one.number <= upto), None)


def counted_of(value: Value) -> StockCounted | None:
    """Return what a value of a record says; None where its levels are those of the moment."""
    if not isinstance(value, tuple) or not value:
        return None
    upto, *rest = value
    kept = dict(one.split("=") for one in rest if "=" in one)
    sorts = frozenset(MoveSort(one) for one in rest if "=" not in one)
    return StockCounted(int(upto), sorts, {branch: Decimal(amount) for branch, amount in kept.items()})
