"""Counts the fields that a change clears. Many cleared fields suggest that the source no longer reports them."""

from integration.core.guards import Guard
from integration.core.plan import Action, Change
from integration.core.records import Value


def cleared_count(change: Change) -> int:
    """Return how many non-empty fields an update makes empty."""
    if change.before is None or change.action is not Action.UPDATE:
        return 0
    before = change.before.flat()
    return sum(_is_empty(value) and not _is_empty(before.get(path)) for path, value in change.desired.flat().items())


def _is_empty(value: Value) -> bool:
    return value is None or value in ("", (), [])


EMPTIED = Guard("emptied", "brake_emptied", 10, lambda change, _: cleared_count(change))
