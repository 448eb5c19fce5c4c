"""Conflicts: fields that both source and target changed since they last agreed."""

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from integration.core.issues import Issue
from integration.core.records import Kind, Record, Value, from_json, is_same_value, merged, to_json

CONFLICT = "field_conflict"
SOURCE, TARGET = "source", "target"  # whose value counts
# The parts of an address belong together: parts of two addresses would make one that does not exist.
ADDRESS = frozenset({"street", "postcode", "city", "country"})
_VALUES = ("agreed", SOURCE, TARGET)
_MARK_LENGTH = 16


@dataclass(frozen=True, slots=True)
class Resolution:
    """A person's resolution of one conflict, valid only for the values that were shown. `key` is the link's key."""

    kind: Kind
    key: str
    path: str
    agreed: Value  # the value both sides agreed on before
    becomes: Value  # the value that counts as agreed from now on


def is_coupled_with(path: str, other: str) -> bool:
    """Return True if two fields have a meaning only together, so that a conflict in one is a conflict in both."""
    (part, _, name), (owner, _, also) = path.rpartition("/"), other.rpartition("/")
    return part == owner and (name == also or {name, also} <= ADDRESS)


def held_back_fields(conflicts: Collection[str], write: Collection[str]) -> list[str]:
    """Return the fields to write that must wait because they belong to a field in conflict."""
    return sorted(path for path in write if any(is_coupled_with(path, other) for other in conflicts))


def conflicts(
    paths: Sequence[str], desired: Record, current: Record | None, agreed: Record | None, title: str
) -> Iterator[Issue]:
    """Yield an issue with all three values for each path, under the key of the source."""
    source, target = desired.flat(), current.flat() if current else {}
    last = agreed.flat() if agreed else {}
    parts = {part.key: part for part in desired.parts}
    for path in paths:
        owner, _, name = path.rpartition("/")
        of_part = parts[owner].source if owner else ""
        values = {"agreed": last.get(path), SOURCE: source.get(path), TARGET: target.get(path)}
        value_facts = {f"{side}_value": "" if value is None else str(value) for side, value in values.items()}
        json_facts = {f"{side}_json": json.dumps(to_json(value), ensure_ascii=False) for side, value in values.items()}
        facts = {"key": title, "field": name, "path": path, "record": desired.key, "kind": str(desired.kind)}
        facts |= {**value_facts, **json_facts, "mark": _mark(json_facts)}
        yield Issue(CONFLICT, of_part or desired.key, name if of_part or not owner else path, facts)


def _mark(json_facts: Mapping[str, str]) -> str:
    return hashlib.sha256("\n".join(json_facts[f"{side}_json"] for side in _VALUES).encode()).hexdigest()[:_MARK_LENGTH]


def conflict_values(issue: Issue) -> Mapping[str, Value]:
    """Return the three values of a conflict: `agreed`, `source` and `target`."""
    return {side: from_json(json.loads(issue.facts[f"{side}_json"])) for side in _VALUES}


def resolve(issue: Issue, by: str) -> Resolution | None:
    """Return the resolution for a choice between `source` and `target`, or None if the issue is no conflict.

    The value of the losing side becomes the agreed value. Then only the winning side counts as changed, and the next
    plan transfers its value.
    """
    if issue.cause != CONFLICT:
        return None
    facts, values = issue.facts, conflict_values(issue)
    becomes = values[TARGET if by == SOURCE else SOURCE]
    return Resolution(Kind.stored(facts["kind"]), facts["record"], facts["path"], values["agreed"], becomes)


def resolved_values(agreed: Record, resolution: Resolution) -> Record | None:
    """Return the link values after a resolution, or None if the agreed value is no longer the one that was shown."""
    if not is_same_value(agreed.flat().get(resolution.path), resolution.agreed):
        return None
    return _with_value(agreed, resolution.path, resolution.becomes)


def with_current_values(change_agreed: Record, now: Record, paths: Sequence[str]) -> Record:
    """Return the agreed values of a change, with the currently agreed values under `paths`, which it did not touch."""
    flat = now.flat()
    for path in paths:
        if path in flat:
            change_agreed = _with_value(change_agreed, path, flat[path])
    return change_agreed


def _with_value(record: Record, path: str, value: Value) -> Record:
    owner, _, name = path.rpartition("/")
    if not owner:
        return merged(record, Record(record.kind, record.key, {name: value}, source=record.source))
    owner_parts = (part for part in record.parts if part.key == owner)
    parts = tuple(Record(part.kind, part.key, {name: value}, source=part.source) for part in owner_parts)
    return merged(record, Record(record.kind, record.key, {}, parts, record.source))
