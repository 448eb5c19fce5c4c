"""Finds fields in which a plan replaces different values by one value: a sign of a faulty answer."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from integration.core.guards import Guard
from integration.core.plan import Action, Change
from integration.core.records import Value, is_same_value
from integration.core.rules import as_text

LONGEST = 60  # characters of a value in the sentences of the brake
EQUALIZED = Guard("equalized", "brake_equalized", 20)  # the runner counts: it needs all changes of a plan


@dataclass(frozen=True, slots=True)
class EqualizedField:
    """A field with its kind (`article.name`), its new value, and the number of replaced values."""

    name: str
    value: Value
    count: int


def equalized_fields(changes: Iterable[Change], limit: int) -> tuple[EqualizedField, ...]:
    """Return the fields in which more than `limit` values become equal, and these are half of the field's changes.

    Only updates with an old and a new value count, and only if there are at least two different old values: one code
    that replaces one other code is not counted. Amounts, quantities and dates are counted once per different old value,
    because many of them become equal in daily work: levels of sold articles, prices of a sale, the last day of an
    offer.
    """
    totals: Counter[str] = Counter()
    replaced: defaultdict[tuple[str, Value], Counter[Value]] = defaultdict(Counter)
    for change in changes:
        if change.action is not Action.UPDATE or change.before is None:
            continue
        before = change.before.flat()
        for path, name, value in change.desired.fields():
            old = before.get(path)
            if not is_same_value(old, None) and not is_same_value(value, None):
                totals[name] += 1
                replaced[name, value][old] += 1
    candidates = (EqualizedField(*of, _count(of[1], old_values)) for of, old_values in replaced.items())
    return tuple(
        field
        for field in candidates
        if field.count > limit and replaced[field.name, field.value].total() * 2 >= totals[field.name]
    )


def _count(value: Value, old_values: Counter[Value]) -> int:
    if isinstance(value, Decimal | date):
        return len(old_values)
    return old_values.total() if len(old_values) > 1 else 0


def equalized_facts(fields: Iterable[EqualizedField]) -> dict[str, str]:
    """Return the facts of the brake: the fields and their different values, the largest count first."""
    largest_first = sorted(fields, key=lambda field: (-field.count, field.name))
    return {
        "field": ", ".join(field.name for field in largest_first),
        "value": ", ".join(dict.fromkeys(as_text(field.value)[:LONGEST] for field in largest_first)),
    }
