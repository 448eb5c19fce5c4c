"""Drift: values that the target no longer holds as both systems last agreed on them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from integration.core.flow import Ownership
from integration.core.plan import Policy
from integration.core.records import Kind, Record, Value, is_same_value

_NAME_FIELDS = ("text", "article", "account", "name", "code")  # the first of these fields that a part has is its name


@dataclass(frozen=True, slots=True)
class Edit:
    """One value that differs from the agreed one: its path, its field with the kind, and both values.

    `current` is empty for a missing part and `agreed` is empty for an added part; the path is then the part's key.
    """

    path: str
    field: str
    agreed: Value
    current: Value


@dataclass(frozen=True, slots=True)
class DriftedRecord:
    """A record that the target does not hold as agreed. Without edits, the record is missing."""

    key: str
    title: str
    reference: str
    edits: tuple[Edit, ...] = ()


@dataclass(frozen=True, slots=True)
class DriftCounts:
    """Counts of a drift check of one kind. `compared` is the number of checked records: the sum of the rest.

    `edited` counts records with values that somebody changed in the target and that may stay. `unknown` counts records
    that could not be checked: the target showed neither them nor any record known to exist there, or they are
    unreadable.
    """

    compared: int = 0
    equal: int = 0
    edited: int = 0
    different: int = 0
    missing: int = 0
    unknown: int = 0

    def plus(self, other: "DriftCounts") -> "DriftCounts":
        """Return the sum of two counts."""
        return DriftCounts(*(getattr(self, name) + getattr(other, name) for name in DriftCounts.__slots__))


NO_COUNTS = DriftCounts()


@dataclass(frozen=True, slots=True)
class DriftCheckResult:
    """The last drift check of one kind of a flow, with a sample of the differences; `error` says why it ended early."""

    flow: str
    kind: Kind
    started_at: datetime
    ended_at: datetime
    counts: DriftCounts
    samples: tuple[DriftedRecord, ...] = ()
    error: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)


def own_edits(agreed: Record, current: Record, policy: Policy, *, once: bool) -> tuple[tuple[Edit, ...], int]:
    """Return the edits of values that we own, and the number of changed values that the target may keep.

    In a document, which is written `once`, we own every written value that the target reports, and the parts. In any
    other record we own the values that are kept equal.
    """
    now, current_keys = current.flat(), {part.key for part in current.parts}
    edits, kept_count = [], 0
    for path, name, value in agreed.fields():
        owner, part = policy.get(name, Ownership.NEVER), path.rpartition("/")[0]
        if (part and part not in current_keys) or (once and path not in now) or is_same_value(value, now.get(path)):
            continue
        if owner is Ownership.KEEP_EQUAL or (once and owner is not Ownership.NEVER):
            edits.append(Edit(path, name, value, now.get(path)))
        elif owner is Ownership.KEEP_UNLESS_CHANGED:
            kept_count += 1
    ours = [part for part in agreed.parts if _is_ours(part, policy, once=once)]
    edits += [
        Edit(part.key, str(part.kind), _display_name(part), None) for part in ours if part.key not in current_keys
    ]
    if once:
        agreed_keys = {part.key for part in agreed.parts}
        added = [part for part in current.parts if part.key not in agreed_keys and _is_ours(part, policy, once=True)]
        edits += [Edit(part.key, str(part.kind), None, _display_name(part)) for part in added]
    return tuple(edits), kept_count


def adopted_values(desired: Record, current: Record, policy: Policy) -> Record:
    """Return the agreed values of a document that the target already had: our values as the target holds them."""
    owned = _ownership_check(policy)
    values = {name: value for name, value in desired.values.items() if not owned(f"{desired.kind}.{name}")}
    values |= {
        name: value
        for name, value in current.values.items()
        if name in desired.values and owned(f"{desired.kind}.{name}")
    }
    rest = [part for part in desired.parts if not _is_ours(part, policy, once=True)]
    desired_parts = {(part.kind, part.key): part for part in desired.parts}
    parts = [
        Record(
            part.kind, part.key, {**_unreported_values(desired_parts.get((part.kind, part.key)), ours, owned), **ours}
        )
        for part in current.parts
        if (ours := {name: value for name, value in part.values.items() if owned(f"{part.kind}.{name}")})
    ]
    return Record(desired.kind, desired.key, values, (*parts, *rest), desired.source)


def _unreported_values(
    desired: Record | None, ours: Mapping[str, Value], owned: Callable[[str], bool]
) -> Mapping[str, Value]:
    """Return the values of a part that the target does not store, if it holds the part as we would write it."""
    if desired is None:
        return {}
    owned_values = {name: value for name, value in desired.values.items() if owned(f"{desired.kind}.{name}")}
    is_the_same = all(is_same_value(value, ours.get(name)) for name, value in owned_values.items())
    return {name: value for name, value in desired.values.items() if name not in owned_values} if is_the_same else {}


def _ownership_check(policy: Policy) -> Callable[[str], bool]:
    return lambda name: policy.get(name, Ownership.NEVER) is not Ownership.NEVER


def _is_ours(part: Record, policy: Policy, *, once: bool) -> bool:
    """Return True if we own values of this part of a record."""
    owners = {policy.get(f"{part.kind}.{name}", Ownership.NEVER) for name in part.values}
    return bool(owners - {Ownership.NEVER}) if once else Ownership.KEEP_EQUAL in owners


def _display_name(part: Record) -> str:
    texts = (str(part.values[name]) for name in _NAME_FIELDS if part.values.get(name))
    return next(texts, part.key)
