"""Conflicts: fields that were changed in the source and in the target since both last agreed on them."""

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from integration.core.issues import Issue
from integration.core.records import Kind, Record, Value, from_json, merged, same, to_json

CONFLICT = "field_conflict"
SOURCE, TARGET = "source", "target"  # whose value is to count
# An address is one thing: half of what one side says and half of what the other does is where nobody lives.
ADDRESS = frozenset({"street", "postcode", "city", "country"})
_VALUES = ("agreed", SOURCE, TARGET)
_MARK_LENGTH = 16


@dataclass(frozen=True, slots=True)
class Resolution:
    """Whose value counts in one conflict, for exactly the values that were shown: `key` is that of the link."""

    kind: Kind
    key: str
    path: str
    agreed: Value  # what both agreed on before
    becomes: Value  # what they are taken to have agreed on from now on


def is_coupled_with(path: str, other: str) -> bool:
    """Tell whether two fields mean something only together, so that a conflict of one is one of the other."""
    (part, _, name), (owner, _, also) = path.rpartition("/"), other.rpartition("/")
    return part == owner and (name == also or {name, also} <= ADDRESS)


def held_back_fields(conflicts: Collection[str], write: Collection[str]) -> list[str]:
    """Return which of the fields to be written wait with those in conflict."""
    return sorted(path for path in write if any(is_coupled_with(path, other) for other in conflicts))


def conflicts(
    paths: Sequence[str], desired: Record, held: Record | None, agreed: Record | None, title: str
) -> Iterator[Issue]:
    """Yield an issue for each of these paths, with the three values, under the key the source knows it by."""
    source, target = desired.flat(), held.flat() if held else {}
    last = agreed.flat() if agreed else {}
    parts = {part.key: part for part in desired.parts}
    for path in paths:
        owner, _, name = path.rpartition("/")
        of_part = parts[owner].source if owner else ""
        values = {"agreed": last.get(path), SOURCE: source.get(path), TARGET: target.get(path)}
        shown = {f"{side}_value": "" if value is None else str(value) for side, value in values.items()}
        kept = {f"{side}_json": json.dumps(to_json(value), ensure_ascii=False) for side, value in values.items()}
        facts = {"key": title, "field": name, "path": path, "record": desired.key, "kind": str(desired.kind)}
        facts |= {**shown, **kept, "mark": _mark(kept)}
        yield Issue(CONFLICT, of_part or desired.key, name if of_part or not owner else path, facts)


def _mark(kept: Mapping[str, str]) -> str:
    return hashlib.sha256("\n".join(kept[f"{side}_json"] for side in _VALUES).encode()).hexdigest()[:_MARK_LENGTH]


def conflict_values(issue: Issue) -> Mapping[str, Value]:
    """Return the three values of a conflict: `agreed`, `source`, `target`; none for one that an earlier version met."""
    if f"{SOURCE}_json" not in issue.facts:
        return {}
    return {side: from_json(json.loads(issue.facts[f"{side}_json"])) for side in _VALUES}


def resolve(issue: Issue, by: str) -> Resolution | None:
    """Return what a person's choice between `source` and `target` comes to, or None for what is no conflict.

    To keep the target's value is to agree on the source's, which is then the only one that has not moved; and the
    other way round. An issue that an earlier version met has no values to be taken over.
    """
    facts, values = issue.facts, conflict_values(issue)
    if issue.cause != CONFLICT or not values:
        return None
    becomes = values[TARGET if by == SOURCE else SOURCE]
    return Resolution(Kind.stored(facts["kind"]), facts["record"], facts["path"], values["agreed"], becomes)


def resolved_values(agreed: Record, one: Resolution) -> Record | None:
    """Return what both sides agree on once a conflict is settled; None where it is not the one that was shown."""
    if not same(agreed.flat().get(one.path), one.agreed):
        return None
    return _with_value(agreed, one.path, one.becomes)


def unresolved(change_agreed: Record, now: Record, paths: Sequence[str]) -> Record:
    """Return what a change agreed on, with what is agreed on by now under the paths it had nothing to do with."""
    flat = now.flat()
    for path in paths:
        if path in flat:
            change_agreed = _with_value(change_agreed, path, flat[path])
    return change_agreed


def _with_value(record: Record, path: str, value: Value) -> Record:
    owner, _, name = path.rpartition("/")
    if not owner:
        return merged(record, Record(record.kind, record.key, {name: value}, source=record.source))
    there = (part for part in record.parts if part.key == owner)
    parts = tuple(Record(part.kind, part.key, {name: value}, source=part.source) for part in there)
    return merged(record, Record(record.kind, record.key, {}, parts, record.source))
