"""Fields that a change empties: one may be meant, many are a source that does not tell them any more."""

from integration.core.plan import Action, Change
from integration.core.records import Value

EMPTIED = "brake_emptied"


def emptied(change: Change) -> tuple[str, ...]:
    """Return the code of the brake that counts emptied fields, for each that held something and would hold nothing."""
    before = change.before.flat() if change.before and change.action is Action.UPDATE else {}
    return (EMPTIED,) * sum(
        _is_empty(value) and not _is_empty(before.get(path)) for path, value in change.wanted.flat().items()
    )


def _is_empty(value: Value) -> bool:
    return value is None or value in ("", (), [])
