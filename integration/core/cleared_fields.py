"""Fields that a change empties: one may be meant, many are a source that does not tell them any more."""

from integration.core.guards import Guard
from integration.core.plan import Action, Change
from integration.core.records import Value


def emptied(change: Change) -> int:
    """Return how many fields a change empties that held something."""
    before = change.before.flat() if change.before and change.action is Action.UPDATE else {}
    return sum(_is_empty(value) and not _is_empty(before.get(path)) for path, value in change.wanted.flat().items())


def _is_empty(value: Value) -> bool:
    return value is None or value in ("", (), [])


EMPTIED = Guard("emptied", "brake_emptied", 10, lambda change, _: emptied(change))
