"""Plans: the changes that the target needs, decided and counted before anything is sent."""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import NamedTuple

from integration.core.conflicts import held_back_fields
from integration.core.flow import Ownership
from integration.core.issues import Issue
from integration.core.link_evidence import NO_EVIDENCE, Evidence
from integration.core.movements import COUNTED
from integration.core.records import Kind, Record, Unreadable, Value, canonical, is_same_value, merged

ACTIVE = "active"  # field that says whether a record is in use at the target
FOLLOWS = "follows"  # value of a document: the key of the document that the target must have first


class Action(StrEnum):
    """Kind of a plan line."""

    CREATE = "create"
    UPDATE = "update"
    RETIRE = "retire"
    SKIP = "skip"
    PARK = "park"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One write of a plan: the exact values to write, and the target's values at these paths when the plan was made.

    `agreed` holds the values of our fields that both systems have after the write; the link stores them. `sources`
    are the keys of the source records that the change covers.
    """

    action: Action
    kind: Kind
    key: str
    title: str
    group: str = ""
    sources: tuple[str, ...]
    desired: Record
    before: Record | None
    agreed: Record
    kept_paths: tuple[str, ...] = ()  # paths that keep the value somebody set in the target
    conflicts: tuple[str, ...] = ()  # paths that both sides changed: neither written nor agreed on anew
    first_match: bool = False  # both systems had the record before they were linked
    source_values: Mapping[str, str] = field(default_factory=dict)  # original source values, by path
    unit: str = ""  # unit of the quantities, from the source; empty if unknown
    inputs: Mapping[str, str] = field(default_factory=dict)  # source figures from which a running figure was computed
    undoes: bool = False  # it reverses a write of another run
    evidence: Evidence = field(default=NO_EVIDENCE, compare=False)  # what identified both records at planning time

    def digest(self) -> str:
        """Return a short digest of the values to write and the values they replace."""
        text = f"{self.action}\n{canonical(self.desired)}\n{canonical(self.before)}"
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    @property
    def follows(self) -> str:
        """Key of the document that the target must have first; empty if there is none."""
        return str(self.agreed.values.get(FOLLOWS) or "")


@dataclass(frozen=True, slots=True)
class Unchanged:
    """Result for a record on which both sides agree. `agreed` is stored in the link if it had no values."""

    agreed: Record
    kept_paths: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()


# Ownership by field name with its kind (`article.price_incl`). We do not own fields that are not listed.
Policy = Mapping[str, Ownership]
_PathFilter = Callable[[str, str], bool]


_COMPARED = frozenset({Ownership.KEEP_EQUAL, Ownership.KEEP_UNLESS_CHANGED})


class _Verdict(NamedTuple):
    write: bool
    agreed: Value
    is_kept: bool = False
    conflict: bool = False


def _judge(ownership: Ownership, desired: Value, current: Value, agreed: Value, *, has_agreed: bool) -> _Verdict:
    """Decide one field of a record that both sides have. `has_agreed`: both sides agreed on its value before."""
    if ownership in (Ownership.ON_CREATE, Ownership.NEVER):
        return _Verdict(write=False, agreed=current)
    if is_same_value(desired, current):  # nothing to do
        return _Verdict(write=False, agreed=desired)
    if ownership is Ownership.KEEP_EQUAL or not has_agreed:  # the source wins, or this is the first match
        return _Verdict(write=True, agreed=desired)
    if is_same_value(current, agreed):  # only the source changed
        return _Verdict(write=True, agreed=desired)
    if is_same_value(desired, agreed):  # only the target changed: do not write
        return _Verdict(write=False, agreed=agreed, is_kept=True)
    return _Verdict(write=False, agreed=agreed, conflict=True)  # both changed


def diff(
    desired: Record, current: Record | None, agreed: Record | None, policy: Policy, *, title: str, group: str = ""
) -> Change | Unchanged | Issue:
    """Compare the desired record with the target's record and the last agreed values, and return the result.

    A field that both sides changed is reported as a conflict. This field and the fields coupled with it are neither
    written nor agreed on anew. Other fields are not affected.
    """
    if current is None:  # new in the source, or somebody removed it from the target
        missing = Issue("target_record_missing", desired.key, facts={"key": title})
        return _create(desired, policy, title, group) if agreed is None else missing
    now, last = current.flat(), agreed.flat() if agreed else {}
    current_keys = {part.key for part in current.parts}
    write: set[str] = set()
    memory: dict[str, Value] = {}
    kept_paths: list[str] = []
    conflicts: list[str] = []
    for path, name, value in desired.fields():
        ownership = policy.get(name, Ownership.NEVER)
        if ownership in _COMPARED and path in now and is_same_value(value, now[path]):  # the usual case
            memory[path] = value
            continue
        part = path.rpartition("/")[0]
        if part and part not in current_keys:  # an article the product does not have yet
            if ownership is not Ownership.NEVER:
                write.add(path)
                memory[path] = value
            continue
        verdict = _judge(ownership, value, now.get(path), last.get(path), has_agreed=path in last)
        memory[path] = verdict.agreed
        if verdict.write:
            write.add(path)
        if verdict.is_kept:
            kept_paths.append(path)
        if verdict.conflict:
            conflicts.append(path)
    conflicts += held_back_fields(conflicts, write)
    write.difference_update(conflicts)
    memory |= {path: last.get(path) for path in conflicts}
    remembered = _record_with_values(desired, memory)
    if not write:
        return Unchanged(remembered, tuple(kept_paths), tuple(conflicts))
    return Change(
        action=Action.UPDATE,
        kind=desired.kind,
        key=desired.key,
        title=title,
        group=group,
        sources=desired.sources,
        desired=_select_values(desired, lambda path, _: path in write),
        before=_values_before(desired, now, current_keys, write),
        agreed=remembered,
        kept_paths=tuple(kept_paths),
        conflicts=tuple(conflicts),
        first_match=agreed is None,
    )


def _create(desired: Record, policy: Policy, title: str, group: str) -> Change:
    """Return the change that creates a record with the fields that we own."""
    owned = _select_values(desired, lambda _, name: policy.get(name, Ownership.NEVER) is not Ownership.NEVER)
    return Change(
        action=Action.CREATE,
        kind=desired.kind,
        key=desired.key,
        title=title,
        group=group,
        sources=desired.sources,
        desired=owned,
        before=None,
        agreed=owned,
    )


def retire(
    agreed: Record,
    missing_sources: frozenset[str],
    current: Record,
    *,
    title: str,
    frees: frozenset[str] = frozenset(),
) -> Change:
    """Return the change that makes inactive the parts whose source is gone, or a record without parts itself.

    Nothing is ever deleted in the books. The fields in `frees` hold unique values, which another part may need: they
    are cleared if the target still holds the agreed value.
    """
    if not agreed.parts:
        return _retirement(
            agreed,
            title,
            lambda value: Record(agreed.kind, agreed.key, {ACTIVE: value}, source=agreed.source),
            replace(agreed, values={**agreed.values, ACTIVE: False}),
        )
    parts = tuple(part for part in agreed.parts if part.source in missing_sources)
    current_values = {part.key: part.values for part in current.parts}
    freed: dict[str, dict[str, Value]] = {
        part.key: {
            name: value
            for name in sorted(frees & part.values.keys())
            if not is_same_value(value := part.values[name], None)
            and is_same_value(current_values.get(part.key, {}).get(name), value)
        }
        for part in parts
    }

    def with_active(value: bool) -> Record:
        switched = tuple(
            Record(
                part.kind,
                part.key,
                {ACTIVE: value, **(freed[part.key] if value else dict.fromkeys(freed[part.key]))},
                source=part.source,
            )
            for part in parts
        )
        return Record(agreed.kind, agreed.key, {}, switched, agreed.source)

    agreed_parts = tuple(
        replace(part, values={**part.values, ACTIVE: False, **dict.fromkeys(freed[part.key])})
        if part in parts
        else part
        for part in agreed.parts
    )
    return _retirement(
        agreed, title, with_active, Record(agreed.kind, agreed.key, agreed.values, agreed_parts, agreed.source)
    )


def _retirement(agreed: Record, title: str, with_active: Callable[[bool], Record], agreed_after: Record) -> Change:
    return Change(
        action=Action.RETIRE,
        kind=agreed.kind,
        key=agreed.key,
        title=title,
        sources=(),
        desired=with_active(False),
        before=with_active(True),
        agreed=agreed_after,
    )


def inverse(change: Change) -> Change:
    """Return the change that restores the values another change overwrote. Parts that it added become inactive.

    A part without a source of its own, such as a stock level, cannot be inactive and stays. The agreed values are
    restored as well. Raises ValueError for a change that created its record.
    """
    if change.before is None:
        raise ValueError("what was created has nothing before it")
    before_keys = {part.key for part in change.before.parts}
    added = tuple(part for part in change.desired.parts if part.key not in before_keys and part.source)
    off = tuple(Record(part.kind, part.key, {ACTIVE: False}, source=part.source) for part in added)
    on = tuple(
        Record(part.kind, part.key, {ACTIVE: part.values.get(ACTIVE, True)}, source=part.source) for part in added
    )
    existing_parts = tuple(part for part in change.desired.parts if part.key in before_keys)
    back = Record(change.kind, change.key, change.before.values, (*change.before.parts, *off), change.before.source)
    return replace(
        change,
        action=Action.UPDATE,
        desired=back,
        kept_paths=(),
        source_values={},
        first_match=False,
        before=Record(change.kind, change.key, change.desired.values, (*existing_parts, *on), change.desired.source),
        agreed=merged(change.agreed, back),
    )


def still_applies(change: Change, current: Record | None) -> bool:
    """Return True if the target still has all values that it had at planning time in the fields to write."""
    if change.before is None:
        return current is None
    return current is not None and not isinstance(current, Unreadable) and not differences(change.before, current)


def differences(desired: Record, current: Record | None) -> tuple[str, ...]:
    """Return the paths whose value in the target differs from the wanted one. An empty result means proven."""
    if isinstance(current, Unreadable):
        return tuple(desired.flat())
    now = current.flat() if current else {}
    return tuple(
        path for path, value in desired.flat().items() if path != COUNTED and not is_same_value(value, now.get(path))
    )


def remaining(change: Change, current: Record | None) -> Change | None:
    """Return the rest of a partly written change, or None if somebody else changed the record.

    Each field must have its old or its wanted value. A field that did not exist before may still be empty.
    """
    now = current.flat() if current else {}
    before = change.before.flat() if change.before else {}
    open_paths = set(differences(change.desired, current))
    if (
        current is None
        or isinstance(current, Unreadable)
        or any(not is_same_value(now.get(path), before.get(path)) for path in open_paths)
    ):
        return None
    current_keys = {part.key for part in current.parts}
    return replace(
        change,
        action=Action.UPDATE if change.action is Action.CREATE else change.action,
        desired=_select_values(change.desired, lambda path, _: path in open_paths),
        before=_values_before(change.desired, now, current_keys, open_paths),
    )


def fingerprint(flow: str, mapping_version: int, digests: Iterable[str]) -> str:
    """Return the fingerprint of a plan. It depends on the set of changes, not on their order."""
    text = "\n".join([flow, str(mapping_version), *sorted(digests)])
    return hashlib.sha256(text.encode()).hexdigest()


def chosen_mark(fingerprint: str, left_out: Iterable[str]) -> str:
    """Return the mark of a plan without the excluded changes, given by digest. Without any, it is the fingerprint."""
    digests = sorted(left_out)
    if not digests:
        return fingerprint
    return f"{fingerprint}-{hashlib.sha256(chr(10).join(digests).encode()).hexdigest()[:16]}"


def is_of_plan(mark: str, fingerprint: str) -> bool:
    """Return True if a mark belongs to this plan, whatever changes are excluded."""
    return mark.partition("-")[0] == fingerprint


@dataclass(frozen=True, slots=True)
class Brake:
    """A tripped brake: its code in the catalogue, the count, the limit, and other facts of its sentences."""

    code: str
    count: int
    limit: str
    details: Mapping[str, str] = field(default_factory=dict)

    @property
    def facts(self) -> dict[str, str]:
        """The facts of its sentences."""
        return {"count": str(self.count), "limit": self.limit, **self.details}


@dataclass(frozen=True, slots=True)
class Approval:
    """A person's approval of exactly one plan: the plan's mark, which covers excluded lines, and the typed numbers."""

    fingerprint: str  # the plan's mark, including its excluded changes
    by: str
    confirmed: Mapping[str, int] | None = None  # typed number by brake code


def _select_values(record: Record, keep: _PathFilter) -> Record:
    paths = [(path, keep(path, name)) for path, name, _ in record.fields()]
    chosen = {path for path, is_chosen in paths if is_chosen}
    if len(chosen) == len(paths) and all(part.values for part in record.parts):
        return record
    values = {name: value for name, value in record.values.items() if name in chosen}
    parts = []
    for part in record.parts:
        inside = {name: value for name, value in part.values.items() if f"{part.key}/{name}" in chosen}
        if inside:
            parts.append(Record(part.kind, part.key, inside, source=part.source))
    return Record(record.kind, record.key, values, tuple(parts), record.source)


def _record_with_values(shape: Record, flat: Mapping[str, Value]) -> Record:
    values = {name: flat[name] for name in shape.values if name in flat}
    parts = tuple(
        Record(
            part.kind,
            part.key,
            {name: flat[f"{part.key}/{name}"] for name in part.values if f"{part.key}/{name}" in flat},
            source=part.source,
        )
        for part in shape.parts
    )
    return Record(shape.kind, shape.key, values, parts, shape.source)


def _values_before(desired: Record, now: Mapping[str, Value], current_keys: set[str], write: set[str]) -> Record:
    """Return the target's values at the paths to be written. Paths of parts that the target lacks have no value."""
    current_values = {
        path: now.get(path) for path in write if "/" not in path or path.rpartition("/")[0] in current_keys
    }
    record = _record_with_values(desired, current_values)
    return Record(
        record.kind, record.key, record.values, tuple(part for part in record.parts if part.values), record.source
    )
