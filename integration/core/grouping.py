"""Groups and adds up values by key."""

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal
from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")


def group_by_key(pairs: Iterable[tuple[K, V]]) -> dict[K, list[V]]:
    """Return the values of pairs by key, both in the order of the pairs."""
    groups: dict[K, list[V]] = {}
    for key, value in pairs:
        groups.setdefault(key, []).append(value)
    return groups


def sum_by_key(pairs: Iterable[tuple[K, Decimal]]) -> dict[K, Decimal]:
    """Return the sums of the amounts of pairs by key, in the order of the keys' first pairs."""
    sums: dict[K, Decimal] = defaultdict(Decimal)
    for key, amount in pairs:
        sums[key] += amount
    return dict(sums)
