"""Drift: what the target holds that is not what both systems last agreed on, told value by value."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from integration.core.flow import Ownership
from integration.core.plan import Policy
from integration.core.records import Kind, Record, Value, same

_NAMED_BY = ("text", "article", "account", "name", "code")  # of a part, the first that it has


@dataclass(frozen=True, slots=True)
class Edit:
    """One value that is not what was agreed on: under which path, which field with its kind, and both values.

    A part that is gone has nothing found, a part that came has nothing agreed; its path is its key.
    """

    path: str
    field: str
    agreed: Value
    found: Value


@dataclass(frozen=True, slots=True)
class DriftedRecord:
    """One record that is not in the target as agreed; without edits it is not there at all."""

    key: str
    title: str
    reference: str
    edits: tuple[Edit, ...] = ()


@dataclass(frozen=True, slots=True)
class DriftCounts:
    """What a look at records of one kind came to; `looked` is the sum of the others.

    `kept` hold values that somebody changed in the target and that stay so, `unknown` could not be told: the target did
    not show them, nor anything else that is known to be there, or their record cannot be read.
    """

    looked: int = 0
    equal: int = 0
    kept: int = 0
    different: int = 0
    gone: int = 0
    unknown: int = 0

    def plus(self, other: "DriftCounts") -> "DriftCounts":
        """Return the sum of both."""
        return DriftCounts(*(getattr(self, name) + getattr(other, name) for name in DriftCounts.__slots__))


NOTHING_LOOKED = DriftCounts()


@dataclass(frozen=True, slots=True)
class DriftFound:
    """The last look at records of one kind of a flow, with some of what differs; `error` is why it ended early."""

    flow: str
    kind: Kind
    began_at: datetime
    ended_at: datetime
    counts: DriftCounts
    found: tuple[DriftedRecord, ...] = ()
    error: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)


def own_edits(agreed: Record, held: Record, policy: Policy, *, once: bool) -> tuple[tuple[Edit, ...], int]:
    """Return the edits of what is ours, and how many values were changed that the target may keep.

    Of a document, which is written `once`, every value that was written is ours as far as the target tells it, and
    so are its parts. Of any other record it is what is kept equal.
    """
    now, there = held.flat(), {part.key for part in held.parts}
    edits, kept = [], 0
    for path, name, value in agreed.fields():
        owner, part = policy.get(name, Ownership.NEVER), path.rpartition("/")[0]
        if (part and part not in there) or (once and path not in now) or same(value, now.get(path)):
            continue
        if owner is Ownership.KEEP_EQUAL or (once and owner is not Ownership.NEVER):
            edits.append(Edit(path, name, value, now.get(path)))
        elif owner is Ownership.KEEP_UNLESS_CHANGED:
            kept += 1
    ours = [part for part in agreed.parts if _is_ours(part, policy, once=once)]
    edits += [Edit(part.key, str(part.kind), _named(part), None) for part in ours if part.key not in there]
    if once:
        known = {part.key for part in agreed.parts}
        added = [part for part in held.parts if part.key not in known and _is_ours(part, policy, once=True)]
        edits += [Edit(part.key, str(part.kind), None, _named(part)) for part in added]
    return tuple(edits), kept


def adopted_values(wanted: Record, held: Record, policy: Policy) -> Record:
    """Return what is agreed on of a document that was in the target before: what is ours as it is held there."""
    owned = _owned(policy)
    values = {name: value for name, value in wanted.values.items() if not owned(f"{wanted.kind}.{name}")}
    values |= {
        name: value for name, value in held.values.items() if name in wanted.values and owned(f"{wanted.kind}.{name}")
    }
    rest = [part for part in wanted.parts if not _is_ours(part, policy, once=True)]
    told = {(part.kind, part.key): part for part in wanted.parts}
    parts = [
        Record(part.kind, part.key, {**_beside(told.get((part.kind, part.key)), ours, owned), **ours})
        for part in held.parts
        if (ours := {name: value for name, value in part.values.items() if owned(f"{part.kind}.{name}")})
    ]
    return Record(wanted.kind, wanted.key, values, (*parts, *rest), wanted.source)


def _beside(told: Record | None, ours: Mapping[str, Value], owned: Callable[[str], bool]) -> Mapping[str, Value]:
    """Return what we know of a part and the target does not keep, where it holds that part as we would write it."""
    if told is None:
        return {}
    sent = {name: value for name, value in told.values.items() if owned(f"{told.kind}.{name}")}
    is_the_same = all(same(value, ours.get(name)) for name, value in sent.items())
    return {name: value for name, value in told.values.items() if name not in sent} if is_the_same else {}


def _owned(policy: Policy) -> Callable[[str], bool]:
    return lambda name: policy.get(name, Ownership.NEVER) is not Ownership.NEVER


def _is_ours(part: Record, policy: Policy, *, once: bool) -> bool:
    """Tell whether a part of a record has values that are ours."""
    owners = {policy.get(f"{part.kind}.{name}", Ownership.NEVER) for name in part.values}
    return bool(owners - {Ownership.NEVER}) if once else Ownership.KEEP_EQUAL in owners


def _named(part: Record) -> str:
    """Return by what a person knows a part."""
    told = (str(part.values[name]) for name in _NAMED_BY if part.values.get(name))
    return next(told, part.key)
