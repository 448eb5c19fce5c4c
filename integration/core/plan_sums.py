"""Sums over the changes of a plan: changes per kind, booked money, and prices raised and lowered."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from integration.core.plan import Action, Change
from integration.core.records import Kind, RecordType
from integration.core.search_keys import document_total

PRICES = frozenset({"price", "price_incl", "price_excl"})  # names of selling price fields
BOOKED = (RecordType.DOCUMENT, RecordType.PAGE, RecordType.PAYMENT)


@dataclass(frozen=True, slots=True)
class PlanSums:
    """Sums of changes. `booked` is in euros including VAT, or None if nothing is booked.

    `dearer` and `cheaper` count the changes that raise or lower a price.
    """

    kinds: Mapping[Kind, int] = field(default_factory=dict)
    booked: Decimal | None = None
    dearer: int = 0
    cheaper: int = 0


def change_sums(change: Change) -> PlanSums:
    is_booked = change.action is Action.CREATE and change.kind.type in BOOKED
    before = change.before.flat() if change.before else {}
    moves = set()
    for path, value in change.desired.flat().items():
        old = before.get(path)
        if path.rpartition("/")[2] in PRICES and isinstance(value, Decimal) and isinstance(old, Decimal):
            moves.add((value > old) - (value < old))
    return PlanSums(
        {change.kind: 1}, document_total(change.agreed) if is_booked else None, int(1 in moves), int(-1 in moves)
    )


def total_sums(sums: Iterable[PlanSums]) -> PlanSums:
    """Return the total of several sums."""
    kind_counts, booked, dearer, cheaper = Counter[Kind](), [], 0, 0
    for plan_sums in sums:
        kind_counts.update(plan_sums.kinds)
        booked += [] if plan_sums.booked is None else [plan_sums.booked]
        dearer += plan_sums.dearer
        cheaper += plan_sums.cheaper
    return PlanSums(dict(kind_counts.most_common()), sum(booked, Decimal(0)) if booked else None, dearer, cheaper)
