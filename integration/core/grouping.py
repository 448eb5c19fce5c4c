"""Groups and adds up values by key, and finds keys that refer to each other."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
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


def find_cycles(parents: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Return for each key in a cycle all keys of that cycle, each before its parent, from the smallest key.

    `parents` gives the parent of each key, empty at the top. A key below a cycle is not part of it.
    """
    cycles: dict[str, tuple[str, ...]] = {}
    visited: set[str] = set()
    for start in parents:
        path: dict[str, int] = {}
        key = start
        while key in parents and key not in visited:
            visited.add(key)
            path[key] = len(path)
            key = parents[key]
        if key in path:
            members = list(path)[path[key] :]
            first = members.index(min(members))
            cycle = (*members[first:], *members[:first])
            cycles |= dict.fromkeys(cycle, cycle)
    return cycles
