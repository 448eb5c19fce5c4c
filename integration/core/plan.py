"""The heart: what has to change in the target, decided and counted before anything is sent."""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from integration.core.conflicts import held_back_fields
from integration.core.flow import Ownership
from integration.core.issues import Issue
from integration.core.link_evidence import NO_EVIDENCE, Evidence
from integration.core.moves import COUNTED
from integration.core.records import Kind, Record, Unreadable, Value, canonical, merged, same

FOLLOWS = "follows"  # of a document: the key of the one that has to be in the target before it


class Action(StrEnum):
    """What a line of a plan says."""

    CREATE = "create"
    UPDATE = "update"
    RETIRE = "retire"
    SKIP = "skip"
    PARK = "park"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One write the plan wants: exactly these values, and what the target held under them when it was planned.

    `agreed` is what both systems hold of our fields once it is done; it becomes the memory of the link. `sources`
    are the keys of the records read that this change accounts for.
    """

    action: Action
    kind: Kind
    key: str
    title: str
    group: str = ""
    sources: tuple[str, ...]
    wanted: Record
    before: Record | None
    agreed: Record
    kept: tuple[str, ...] = ()  # paths left as somebody set them in the target
    conflicts: tuple[str, ...] = ()  # paths both sides changed: left alone, and what was agreed on stays as it was
    first_match: bool = False  # both systems had the record before they were ever linked
    told: Mapping[str, str] = field(default_factory=dict)  # what the source says of paths that are kept otherwise
    unit: str = ""  # in which its quantities are counted, as the source has it; empty where that is not known
    inputs: Mapping[str, str] = field(default_factory=dict)  # what the source says that a running figure is made of
    undoes: bool = False  # it turns around what another run wrote
    evidence: Evidence = field(default=NO_EVIDENCE, compare=False)  # what identified both records when it was planned

    def digest(self) -> str:
        """Return a short mark of what would be written and over what."""
        text = f"{self.action}\n{canonical(self.wanted)}\n{canonical(self.before)}"
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    @property
    def follows(self) -> str:
        """The key of the document that has to be in the target before this one; empty where none has."""
        return str(self.agreed.values.get(FOLLOWS) or "")


@dataclass(frozen=True, slots=True)
class Unchanged:
    """Both sides agree; `agreed` is kept as the memory of the link when there was none."""

    agreed: Record
    kept: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()


# Ownership per field name with its kind (`article.price_incl`); what is not listed is not ours.
Policy = Mapping[str, Ownership]
_Choose = Callable[[str, str], bool]


@dataclass(frozen=True, slots=True)
class _Verdict:
    write: bool
    agreed: Value
    kept: bool = False
    conflict: bool = False


def _judge(ownership: Ownership, wanted: Value, held: Value, agreed: Value, *, met: bool) -> _Verdict:
    """Decide one field of a record that both sides have. `met`: both sides have agreed on it before."""
    if ownership in (Ownership.ON_CREATE, Ownership.NEVER):
        return _Verdict(write=False, agreed=held)
    if same(wanted, held):  # nothing to do
        return _Verdict(write=False, agreed=wanted)
    if ownership is Ownership.KEEP_EQUAL or not met:  # the source wins, or this is the first match
        return _Verdict(write=True, agreed=wanted)
    if same(held, agreed):  # only the source changed
        return _Verdict(write=True, agreed=wanted)
    if same(wanted, agreed):  # only the target changed: leave it
        return _Verdict(write=False, agreed=agreed, kept=True)
    return _Verdict(write=False, agreed=agreed, conflict=True)  # both changed


def diff(
    desired: Record, held: Record | None, agreed: Record | None, policy: Policy, *, title: str, group: str = ""
) -> Change | Unchanged | Issue:
    """Compare what should be with what is and with what both last agreed on, and say what follows.

    A field that both sides changed holds up nothing but itself, and what is one with it: it is named, and neither
    written nor agreed on anew.
    """
    sources = desired.sources
    if held is None and agreed is not None:  # someone removed it from the target
        return Issue("target_record_missing", desired.key, facts={"key": title})
    if held is None:  # new in the source
        owned = _only(desired, lambda _, name: policy.get(name, Ownership.NEVER) is not Ownership.NEVER)
        return Change(
            action=Action.CREATE,
            kind=desired.kind,
            key=desired.key,
            title=title,
            group=group,
            sources=sources,
            wanted=owned,
            before=None,
            agreed=owned,
        )
    now, last = held.flat(), agreed.flat() if agreed else {}
    known = {part.key for part in held.parts}
    write: set[str] = set()
    memory: dict[str, Value] = {}
    kept: list[str] = []
    conflicts: list[str] = []
    for path, name, value in desired.fields():
        ownership = policy.get(name, Ownership.NEVER)
        part = path.rpartition("/")[0]
        if part and part not in known:  # an article the product does not have yet
            if ownership is not Ownership.NEVER:
                write.add(path)
                memory[path] = value
            continue
        verdict = _judge(ownership, value, now.get(path), last.get(path), met=path in last)
        memory[path] = verdict.agreed
        if verdict.write:
            write.add(path)
        if verdict.kept:
            kept.append(path)
        if verdict.conflict:
            conflicts.append(path)
    conflicts += held_back_fields(conflicts, write)
    write.difference_update(conflicts)
    memory |= {path: last.get(path) for path in conflicts}
    remembered = _filled(desired, memory)
    if not write:
        return Unchanged(remembered, tuple(kept), tuple(conflicts))
    return Change(
        action=Action.UPDATE,
        kind=desired.kind,
        key=desired.key,
        title=title,
        group=group,
        sources=sources,
        wanted=_only(desired, lambda path, _: path in write),
        before=_before(desired, now, known, write),
        agreed=remembered,
        kept=tuple(kept),
        conflicts=tuple(conflicts),
        first_match=agreed is None,
    )


def retire(
    agreed: Record,
    gone: frozenset[str],
    held: Record,
    *,
    title: str,
    frees: frozenset[str] = frozenset(),
    active: str = "active",
) -> Change:
    """Propose to mark as inactive the parts whose source vanished, or a record without parts itself.

    Nothing is ever deleted in somebody's books. What of the values of a part is unique is taken from it where the
    target still holds what was agreed on: the fields that `frees` names. Another part may need it.
    """
    if not agreed.parts:
        return _retire_alone(agreed, title, active)
    parts = tuple(part for part in agreed.parts if part.source in gone)
    there = {part.key: part.values for part in held.parts}
    freed: dict[str, dict[str, Value]] = {
        part.key: {
            name: value
            for name in sorted(frees & part.values.keys())
            if not same(value := part.values[name], None) and same(there.get(part.key, {}).get(name), value)
        }
        for part in parts
    }

    def with_active(value: bool) -> Record:
        switched = tuple(
            Record(
                part.kind,
                part.key,
                {active: value, **(freed[part.key] if value else dict.fromkeys(freed[part.key]))},
                source=part.source,
            )
            for part in parts
        )
        return Record(agreed.kind, agreed.key, {}, switched, agreed.source)

    remembered = tuple(
        replace(part, values={**part.values, active: False, **dict.fromkeys(freed[part.key])})
        if part in parts
        else part
        for part in agreed.parts
    )
    return Change(
        action=Action.RETIRE,
        kind=agreed.kind,
        key=agreed.key,
        title=title,
        sources=(),
        wanted=with_active(value=False),
        before=with_active(value=True),
        agreed=Record(agreed.kind, agreed.key, agreed.values, remembered, agreed.source),
    )


def _retire_alone(agreed: Record, title: str, active: str) -> Change:
    def with_active(value: bool) -> Record:
        return Record(agreed.kind, agreed.key, {active: value}, source=agreed.source)

    return Change(
        action=Action.RETIRE,
        kind=agreed.kind,
        key=agreed.key,
        title=title,
        sources=(),
        wanted=with_active(value=False),
        before=with_active(value=True),
        agreed=replace(agreed, values={**agreed.values, active: False}),
    )


def inverse(change: Change, active: str = "active") -> Change:
    """Return the change that puts back what another one overwrote; parts it had added are made inactive.

    A part without a source of its own, such as a level, cannot be inactive and stays. What was agreed on follows.
    """
    if change.before is None:
        raise ValueError("what was created has nothing before it")
    there = {part.key for part in change.before.parts}
    added = tuple(part for part in change.wanted.parts if part.key not in there and part.source)
    off = tuple(Record(part.kind, part.key, {active: False}, source=part.source) for part in added)
    on = tuple(
        Record(part.kind, part.key, {active: part.values.get(active, True)}, source=part.source) for part in added
    )
    held = tuple(part for part in change.wanted.parts if part.key in there)
    back = Record(change.kind, change.key, change.before.values, (*change.before.parts, *off), change.before.source)
    return replace(
        change,
        action=Action.UPDATE,
        wanted=back,
        kept=(),
        told={},
        first_match=False,
        before=Record(change.kind, change.key, change.wanted.values, (*held, *on), change.wanted.source),
        agreed=merged(change.agreed, back),
    )


def still_applies(change: Change, held: Record | None) -> bool:
    """Tell whether the target is still as it was when the change was planned, in every field it would touch."""
    if change.before is None:
        return held is None
    return held is not None and not isinstance(held, Unreadable) and not differences(change.before, held)


def differences(wanted: Record, held: Record | None) -> tuple[str, ...]:
    """Return the paths whose value in the target is not the wanted one: empty means proven."""
    if isinstance(held, Unreadable):
        return tuple(wanted.flat())
    now = held.flat() if held else {}
    return tuple(path for path, value in wanted.flat().items() if path != COUNTED and not same(value, now.get(path)))


def remaining(change: Change, held: Record | None) -> Change | None:
    """Return what is left of a change that we carried out in part, or None when somebody else was there.

    Every field must be as it was before or as it was wanted; a field that was not there before may still be empty.
    """
    now = held.flat() if held else {}
    before = change.before.flat() if change.before else {}
    left = set(differences(change.wanted, held))
    if held is None or isinstance(held, Unreadable) or any(not same(now.get(path), before.get(path)) for path in left):
        return None
    known = {part.key for part in held.parts}
    return replace(
        change,
        action=Action.UPDATE if change.action is Action.CREATE else change.action,
        wanted=_only(change.wanted, lambda path, _: path in left),
        before=_before(change.wanted, now, known, left),
    )


def fingerprint(flow: str, mapping_version: int, digests: Iterable[str]) -> str:
    """Return the mark of a whole plan: the same changes in any order give the same mark, any other plan another."""
    text = "\n".join([flow, str(mapping_version), *sorted(digests)])
    return hashlib.sha256(text.encode()).hexdigest()


def chosen_mark(fingerprint: str, left_out: Iterable[str]) -> str:
    """Return the mark of a plan with what is left out of it, told by digests; its fingerprint where nothing is."""
    digests = sorted(left_out)
    if not digests:
        return fingerprint
    return f"{fingerprint}-{hashlib.sha256(chr(10).join(digests).encode()).hexdigest()[:16]}"


def is_of_plan(mark: str, fingerprint: str) -> bool:
    """Tell whether a mark is one of this plan, whatever was left out of it."""
    return mark.partition("-")[0] == fingerprint


@dataclass(frozen=True, slots=True)
class Brake:
    """One tripped brake: its code of the catalogue, the number it counted and the limit it compared with."""

    code: str
    count: int
    limit: str


@dataclass(frozen=True, slots=True)
class Approval:
    """A person's yes to exactly one plan: its mark, which covers what is left out, and each brake's number as typed."""

    fingerprint: str  # of the plan, with what is left out of it
    by: str
    confirmed: Mapping[str, int] | None = None  # brake code -> the number typed


def _only(record: Record, keep: _Choose) -> Record:
    chosen = {path for path, name, _ in record.fields() if keep(path, name)}
    values = {name: value for name, value in record.values.items() if name in chosen}
    parts = []
    for part in record.parts:
        inside = {name: value for name, value in part.values.items() if f"{part.key}/{name}" in chosen}
        if inside:
            parts.append(Record(part.kind, part.key, inside, source=part.source))
    return Record(record.kind, record.key, values, tuple(parts), record.source)


def _filled(shape: Record, flat: Mapping[str, Value]) -> Record:
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


def _before(desired: Record, now: Mapping[str, Value], known: set[str], write: set[str]) -> Record:
    """What the target holds under the paths to be written; paths of parts it does not have yet have no before."""
    there = {path: now.get(path) for path in write if "/" not in path or path.rpartition("/")[0] in known}
    held = _filled(desired, there)
    return Record(held.kind, held.key, held.values, tuple(part for part in held.parts if part.values), held.source)
