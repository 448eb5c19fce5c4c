"""Results of a mapping for sample records, and the differences that another mapping makes. Stores nothing."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from integration.core.flow import Flow, Stage, Unique
from integration.core.issues import Issue, Skip, unreadable_record_issue
from integration.core.links import Link
from integration.core.plan import Change
from integration.core.planner import Desired, plan_record
from integration.core.records import Held, Kind, Record, Sort, Unreadable, Value, same
from integration.core.rules import EMPTY, as_text
from integration.core.staged import Duplicates, Staged
from integration.core.traces import Trace
from integration.flows.spec import FlowLogic, FlowSpec, TargetRecord, stage_records
from integration.runner.lookup import find_in_target
from integration.services.systems.connection_settings import ConnectorFactory
from integration.store.links import Links

LONGEST_TITLE = 40


@dataclass(frozen=True, slots=True)
class Trial:
    """The result of a mapping for one source record: the traces of its values, and any obstacle to sending it."""

    key: str
    title: str
    traces: tuple[Trace, ...]
    obstacle: Issue | Skip | None = None
    sent_as: Mapping[str, Sequence[str]] = field(default_factory=dict)  # written fields by rule target

    def of(self, target: str) -> list[Trace]:
        """Return the traces of the field that a rule fills, one for each line or branch."""
        return [trace for trace in self.traces if self._fills(target, trace.target)]

    def _fills(self, target: str, traced: str) -> bool:
        of_part = f"/{target.partition('.')[2]}"  # path of a field in a numbered part
        return traced == target or traced in self.sent_as.get(target, ()) or traced.endswith(of_part)


def try_mapping(spec: FlowSpec, logic: FlowLogic, records: Sequence[Record]) -> list[Trial]:
    """Return the result of a flow's logic for each record."""
    return [_tried(spec, logic, record) for record in records]


def _tried(spec: FlowSpec, logic: FlowLogic, record: Record) -> Trial:
    if isinstance(record, Unreadable):
        return Trial(record.key, record.key, (), unreadable_record_issue(record, logic.flow.source), spec.sent_as)
    page, title, obstacle = [record], record.key, None
    traces: list[Trace] = []
    for stage in logic.flow.stages:
        if stage.source is not record.kind:
            continue
        for staged in logic.stage(stage, page):
            title = title if stage.derived else staged.title
            obstacle = obstacle or staged.issue or staged.skip
        traces += logic.trace(stage, record)
    if obstacle is None and record.values.get("cancelled") is True:
        obstacle = Skip("document_cancelled", record.key, {"key": title})
    return Trial(record.key, title, tuple(traces), obstacle, spec.sent_as)


def source_title(record: Record) -> str:
    """Return the title of a source record: its number or key, with its name if it has one."""
    number = as_text(record.values.get("number")) or record.key
    named = (record, *(part for part in record.parts if part.kind.sort is not Sort.SUM))
    names = (as_text(each.values.get("name")).strip() for each in named)
    name = next(filter(None, names), "")
    return f"{number} · {name[:LONGEST_TITLE]}" if name else number


def sample_values(kind: Kind, records: Iterable[Record], trials: Iterable[Trial] = ()) -> dict[str, Value]:
    """Return the first non-empty value of each field of a kind, from these records and the steps of trials."""
    found: dict[str, Value] = {}
    for record in records:
        for each in (record, *record.parts):
            if each.kind is kind:
                _gather(found, each.values.items())
    for trial in trials:
        _gather(found, ((step.what, step.value) for trace in trial.traces for step in trace.steps))
    return found


def _gather(found: dict[str, Value], pairs: Iterable[tuple[str, Value]]) -> None:
    for name, value in pairs:
        if value not in EMPTY:
            found.setdefault(name, value)


@dataclass(frozen=True, slots=True)
class TrialDifference:
    """One difference that a draft makes: in a value of a record, or in whether the record is sent.

    For a value, `field` is the target field and `path` its position in the record. Otherwise both are empty, and `was`
    and `becomes` are the obstacles to sending the record, None for no obstacle.
    """

    key: str
    title: str
    path: str = ""
    field: str = ""
    before: Value = None
    after: Value = None
    was: Issue | Skip | None = None
    becomes: Issue | Skip | None = None


@dataclass(frozen=True, slots=True)
class Effect:
    """The differences that a draft makes in the records of a trial.

    `cut` is True if the time ran out before the last one.
    """

    read: int
    moved: tuple[TrialDifference, ...]
    cut: bool = False

    @property
    def records(self) -> int:
        """The number of records with a difference."""
        return len({one.key for one in self.moved})

    def by_field(self) -> dict[str, int]:
        """Return the number of changed records by target field, highest first; "" stands for being sent or not."""
        pairs = {(one.field, one.key) for one in self.moved}
        return dict(Counter(name for name, _ in sorted(pairs)).most_common())


@dataclass(frozen=True, slots=True)
class TargetState:
    """The state of some records in the target, by our keys: held records, articles elsewhere, and links."""

    held: Mapping[str, Held] = field(default_factory=dict)
    apart: Mapping[str, Issue] = field(default_factory=dict)
    links: Mapping[str, Link] = field(default_factory=dict)


NOWHERE = TargetState()


class TargetLookup:
    """Looks up mapped records in the target of a flow."""

    def __init__(self, access: ConnectorFactory, links: Links, flow: Flow) -> None:
        self._access = access
        self._links = links
        self._flow = flow

    def target_state(self, stage: Stage, shaped: Sequence[TargetRecord]) -> TargetState:
        """Return the state in the target of these mapped records.

        Raises IntegrationError if the target is unreachable.
        """
        keys = [one.desired.key for one in shaped if one.desired]
        target, name = self._access.connector(self._flow.target), self._flow.name
        held, apart = find_in_target(target, shaped, self._links, name, stage.parts)
        return TargetState(held, apart, self._links.get(name, stage.target, keys))


class Comparison:
    """The differences between the plans that two mappings would make for the same records.

    Documents, and records derived from them, count as not booked yet, because booked documents do not change.
    """

    def __init__(
        self,
        before: FlowLogic,
        after: FlowLogic,
        records: Sequence[Record],
        target: TargetLookup | None = None,
    ) -> None:
        self._logics = (before, after)
        self._records = records
        self._target = target
        self._shared = [
            {one.name: _sharing(logic, one, records) for one in logic.flow.stages} for logic in self._logics
        ]

    def pages(self, size: int) -> Iterator[list[Record]]:
        """Yield the records in pages of about `size`. Records of the same parent are on the same page."""
        families: dict[str, list[Record]] = {}
        for record, parent in self._parents().items():
            families.setdefault(parent, []).append(self._records[record])
        page: list[Record] = []
        for family in families.values():
            page += family
            if len(page) >= size:
                yield page
                page = []
        if page:
            yield page

    def _parents(self) -> dict[int, str]:
        """Return the parent of each record, by position. A record of a stage without parents is its own parent."""
        found = {place: f"{record.kind} {record.key}" for place, record in enumerate(self._records)}
        logic = self._logics[0]
        for stage in filter(_is_met, logic.flow.stages):
            places = [place for place, record in enumerate(self._records) if record.kind is stage.source]
            staged = stage_records(logic, stage, [self._records[place] for place in places])
            found |= {place: one.parent for place, one in zip(places, staged, strict=True)}
        return found

    def of(self, records: Sequence[Record]) -> list[TrialDifference]:
        """Return the differences for one page of records."""
        found: list[TrialDifference] = []
        before, after = self._logics
        for stage in before.flow.stages:
            page = [record for record in records if record.kind is stage.source]
            if page and not _is_met(stage):
                old, new = ({one.key: one for one in stage_records(logic, stage, page)} for logic in (before, after))
                for key in {**old, **new}:
                    found += _moved(old.get(key), new.get(key))
            elif page:
                was, becomes = (
                    self._outcomes(logic, stage, page, shared[stage.name])
                    for logic, shared in zip(self._logics, self._shared, strict=True)
                )
                for key in {**was, **becomes}:
                    found += _done_otherwise(key, was.get(key), becomes.get(key))
        return found

    def _outcomes(
        self, logic: FlowLogic, stage: Stage, page: Sequence[Record], shared: Duplicates
    ) -> dict[str, "_Outcome"]:
        parents: dict[str, list[Staged]] = {}
        for each in stage_records(logic, stage, page):
            parents.setdefault(each.parent, []).append(each)
        shaped = [logic.shape(stage, members, shared.numbers, shared.marks) for members in parents.values()]
        around = self._target.target_state(stage, shaped) if self._target else NOWHERE
        found: dict[str, _Outcome] = {}
        for one, members in zip(shaped, parents.values(), strict=True):
            rest = [each for each in members if each.key not in around.apart]
            if one.desired is not None and len(rest) < len(members):  # the remaining members are mapped without them
                found |= {each.key: _Outcome(one.title, around.apart[each.key]) for each in members if each not in rest}
                one = logic.shape(stage, rest, shared.numbers, shared.marks) if rest else TargetRecord(None, one.title)  # noqa: PLW2901
            found |= {issue.key: _Outcome(one.title, issue) for issue in one.parked}
            found |= {skip.key: _Outcome(one.title, skip) for skip in one.skipped}
            if (wanted := one.desired) is not None:
                key = wanted.sources[0] if len(wanted.sources) == 1 else wanted.key
                found[key] = _decided(logic, stage, one.title, wanted, around)
        return found


def compare(
    before: FlowLogic,
    after: FlowLogic,
    records: Sequence[Record],
    target: TargetLookup | None = None,
) -> list[TrialDifference]:
    """Return the differences between two plans for these records; see `Comparison`."""
    return Comparison(before, after, records, target).of(records)


def _is_met(stage: Stage) -> bool:
    """Return True if the stage compares its records with the target. Documents are written once and not compared."""
    return not (stage.write_once or stage.derived)


def _sharing(logic: FlowLogic, stage: Stage, records: Sequence[Record]) -> Duplicates:
    """Return the values that must be unique in a stage and that several of these records share."""
    numbers: dict[str, tuple[str, ...]] = {}
    marks: dict[str, tuple[str, ...]] = {}
    here = [one for one in records if one.kind is stage.source] if _is_met(stage) else []
    for one in stage_records(logic, stage, here):
        if one.record is not None:
            numbers[one.number] = (*numbers.get(one.number, ()), one.key)
            marks[one.mark] = (*marks.get(one.mark, ()), one.key)

    def shared(name: Unique, found: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        return {value: keys for value, keys in found.items() if value and len(keys) > 1 and name in stage.unique}

    return Duplicates(shared(Unique.NUMBER, numbers), shared(Unique.MARK, marks))


@dataclass(frozen=True, slots=True)
class _Outcome:
    """The plan for one record: what it writes over the held record, or why it writes nothing."""

    title: str
    obstacle: Issue | Skip | None = None
    wanted: Record | None = None
    held: Record | None = None
    waits: Issue | None = None  # the issue of a single field that waits while the record is written


def _decided(logic: FlowLogic, stage: Stage, title: str, wanted: Record, around: TargetState) -> _Outcome:
    held, link = around.held.get(wanted.key), around.links.get(wanted.key)
    decision = plan_record(logic, stage, Desired(wanted, title), held, link)
    if isinstance(decision.outcome, Issue | Skip):
        return _Outcome(title, decision.outcome)
    written = decision.outcome.wanted if isinstance(decision.outcome, Change) else None
    return _Outcome(title, None, written, held.record if held else None, next(iter(decision.waits), None))


def _done_otherwise(key: str, old: _Outcome | None, new: _Outcome | None) -> Iterator[TrialDifference]:
    was, becomes = _held_up(old), _held_up(new)
    title = new.title if new else old.title if old else key
    if _said(was) != _said(becomes):
        yield TrialDifference(key, title, was=was, becomes=becomes)
    if old and new and not (old.obstacle or new.obstacle):
        yield from _written_otherwise(key, old, new)


def _held_up(one: _Outcome | None) -> Issue | Skip | None:
    return (one.obstacle or one.waits) if one else None


def _written_otherwise(key: str, old: _Outcome, new: _Outcome) -> Iterator[TrialDifference]:
    """Yield the differences between what two plans write over the held record, or into a new record."""
    there = dict(new.held.flat()) if new.held else {}
    before, after = _fields(old.wanted), _fields(new.wanted)
    for path, (name, value) in after.items():
        other = before[path][1] if path in before else there.get(path)
        if not same(other, value):
            yield TrialDifference(key, new.title, path, name, there.get(path) if new.held else other, value)
    if new.held is None and new.wanted is not None:
        parts = {"", *(part.key for part in new.wanted.parts)}
        for path, (name, value) in before.items():
            if path not in after and path.rpartition("/")[0] in parts and not same(value, None):
                yield TrialDifference(key, new.title, path, name, value, None)


def _fields(record: Record | None) -> dict[str, tuple[str, Value]]:
    return {path: (name, value) for path, name, value in record.fields()} if record else {}


def _moved(old: Staged | None, new: Staged | None) -> Iterator[TrialDifference]:
    there = new or old
    if there is None:
        return
    was, becomes = _obstacle(old), _obstacle(new)
    if _said(was) != _said(becomes):
        yield TrialDifference(there.key, there.title, was=was, becomes=becomes)
        return
    before, after = _values(old), _values(new)
    for path, (name, value) in {**before, **after}.items():
        one, other = before.get(path, (name, None))[1], after.get(path, (name, None))[1]
        if not same(one, other):
            yield TrialDifference(there.key, there.title, path, name or str(value), one, other)


def _obstacle(staged: Staged | None) -> Issue | Skip | None:
    return (staged.issue or staged.skip) if staged else None


def _said(obstacle: Issue | Skip | None) -> tuple[str, str, tuple[tuple[str, str], ...]]:
    match obstacle:
        case Issue():
            return obstacle.cause, obstacle.field, tuple(sorted(obstacle.facts.items()))
        case Skip():
            return obstacle.reason, "", ()
        case _:
            return "", "", ()


def _values(staged: Staged | None) -> dict[str, tuple[str, Value]]:
    return _fields(staged.record) if staged else {}
