"""Counts the fields that a change clears. Many cleared fields suggest that the source no longer reports them."""

from collections.abc import Mapping
from types import MappingProxyType

from integration.core.guards import Guard
from integration.core.plan import Action, Change
from integration.core.records import Value

NO_VALUES: Mapping[str, Value] = MappingProxyType({})


def cleared_count(change: Change, nothing: Mapping[str, Value] = NO_VALUES) -> int:
    """Return how many non-empty fields an update makes empty.

    `nothing` has the value by which the target stores "none" in fields that cannot be empty.
    """
    if change.before is None or change.action is not Action.UPDATE:
        return 0
    before = change.before.flat()

    def is_empty(path: str, value: Value) -> bool:
        return value is None or value in ("", (), []) or (path in nothing and value == nothing[path])

    return sum(
        is_empty(path, value) and not is_empty(path, before.get(path)) for path, value in change.desired.flat().items()
    )


EMPTIED = Guard("emptied", "brake_emptied", 10, lambda change, _: cleared_count(change))
