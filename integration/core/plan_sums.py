"""Sums over the changes of a plan: changes per kind, booked money, and prices raised and lowered."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from integration.core.plan import Change

PRICES = frozenset({"price", "price_incl", "price_excl"})  # names of selling price fields
UP, DOWN = "up", "down"


@dataclass(frozen=True, slots=True)
class PlanSums:
    """Sums of changes. `booked` is in euros including VAT, or None if nothing is booked.

    `dearer` and `cheaper` count the changes that raise or lower a price.
    """

    kinds: Mapping[str, int] = field(default_factory=dict)
    booked: Decimal | None = None
    dearer: int = 0
    cheaper: int = 0


def price_moves(change: Change) -> Iterator[str]:
    """Yield the direction of each selling price that a change raises or lowers."""
    before = change.before.flat() if change.before else {}
    for path, value in change.desired.flat().items() if before else ():
        old = before.get(path)
        if path.rpartition("/")[2] in PRICES and isinstance(value, Decimal) and isinstance(old, Decimal):
            yield from (UP,) * (value > old) + (DOWN,) * (value < old)
