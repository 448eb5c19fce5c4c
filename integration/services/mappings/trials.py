"""Results of a mapping for sample records, and the differences that another mapping makes. Stores nothing."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from integration.core.flow import Flow, Stage, Unique
from integration.core.grouping import group_by_key
from integration.core.issues import Issue, Skip, unreadable_record_issue
from integration.core.links import Link
from integration.core.plan import Change
from integration.core.planner import Desired, plan_record
from integration.core.records import CurrentRecord, Kind, Record, RecordType, Unreadable, Value, is_same_value
from integration.core.rules import EMPTY, as_text
from integration.core.staged_records import Duplicates, StagedRecord
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
    target_fields: Mapping[str, Sequence[str]] = field(default_factory=dict)  # written fields by rule target

    def traces_of_field(self, target: str) -> list[Trace]:
        """Return the traces of the field that a rule fills, one for each line or branch."""
        return [trace for trace in self.traces if self._fills_target(target, trace.target)]

    def _fills_target(self, target: str, traced: str) -> bool:
        of_part = f"/{target.partition('.')[2]}"  # path of a field in a numbered part
        return traced == target or traced in self.target_fields.get(target, ()) or traced.endswith(of_part)


def try_mapping(spec: FlowSpec, logic: FlowLogic, records: Sequence[Record]) -> list[Trial]:
    """Return the result of a flow's logic for each record."""
    return [_trial_of_record(spec, logic, record) for record in records]


def _trial_of_record(spec: FlowSpec, logic: FlowLogic, record: Record) -> Trial:
    if isinstance(record, Unreadable):
        return Trial(record.key, record.key, (), unreadable_record_issue(record, logic.flow.source), spec.target_fields)
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
    return Trial(record.key, title, tuple(traces), obstacle, spec.target_fields)


def source_title(record: Record) -> str:
    """Return the title of a source record: its number or key, with its name if it has one."""
    number = as_text(record.values.get("number")) or record.key
    sources = (record, *(part for part in record.parts if part.kind.type is not RecordType.SUM))
    names = (as_text(part.values.get("name")).strip() for part in sources)
    name = next(filter(None, names), "")
    return f"{number} · {name[:LONGEST_TITLE]}" if name else number


def sample_values(kind: Kind, records: Iterable[Record], trials: Iterable[Trial] = ()) -> dict[str, Value]:
    """Return the first non-empty value of each field of a kind, from these records and the steps of trials."""
    values: dict[str, Value] = {}
    for record in records:
        for part in (record, *record.parts):
            if part.kind is kind:
                _gather(values, part.values.items())
    for trial in trials:
        _gather(values, ((step.operation, step.value) for trace in trial.traces for step in trace.steps))
    return values


def _gather(values: dict[str, Value], pairs: Iterable[tuple[str, Value]]) -> None:
    for name, value in pairs:
        if value not in EMPTY:
            values.setdefault(name, value)


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

    checked_count: int
    differences: tuple[TrialDifference, ...]
    cut: bool = False

    @property
    def records(self) -> int:
        """The number of records with a difference."""
        return len({difference.key for difference in self.differences})

    def by_field(self) -> dict[str, int]:
        """Return the number of changed records by target field, highest first; "" stands for being sent or not."""
        pairs = {(difference.field, difference.key) for difference in self.differences}
        return dict(Counter(name for name, _ in sorted(pairs)).most_common())


@dataclass(frozen=True, slots=True)
class TargetState:
    """The state of some records in the target, by our keys: held records, articles elsewhere, and links."""

    current_records: Mapping[str, CurrentRecord] = field(default_factory=dict)
    issues_elsewhere: Mapping[str, Issue] = field(default_factory=dict)
    links: Mapping[str, Link] = field(default_factory=dict)


EMPTY_TARGET_STATE = TargetState()


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
        keys = [record.desired.key for record in shaped if record.desired]
        target, name = self._access.connector(self._flow.target), self._flow.name
        current_records, apart = find_in_target(target, shaped, self._links, name, stage.parts)
        return TargetState(current_records, apart, self._links.get(name, stage.target, keys))


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
        self._duplicates = [
            {stage.name: _duplicate_values(logic, stage, records) for stage in logic.flow.stages}
            for logic in self._logics
        ]

    def pages(self, size: int) -> Iterator[list[Record]]:
        """Yield the records in pages of about `size`. Records of the same parent are on the same page."""
        families = group_by_key((parent, self._records[record]) for record, parent in self._parents().items())
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
        parents = {place: f"{record.kind} {record.key}" for place, record in enumerate(self._records)}
        logic = self._logics[0]
        for stage in filter(_is_compared, logic.flow.stages):
            places = [place for place, record in enumerate(self._records) if record.kind is stage.source]
            staged = stage_records(logic, stage, [self._records[place] for place in places])
            parents |= {place: staged_record.parent for place, staged_record in zip(places, staged, strict=True)}
        return parents

    def find_differences(self, records: Sequence[Record]) -> list[TrialDifference]:
        """Return the differences for one page of records."""
        differences: list[TrialDifference] = []
        before, after = self._logics
        for stage in before.flow.stages:
            page = [record for record in records if record.kind is stage.source]
            if page and not _is_compared(stage):
                old, new = (
                    {staged.key: staged for staged in stage_records(logic, stage, page)} for logic in (before, after)
                )
                for key in {**old, **new}:
                    differences += _mapping_differences(old.get(key), new.get(key))
            elif page:
                was, becomes = (
                    self._outcomes(logic, stage, page, shared[stage.name])
                    for logic, shared in zip(self._logics, self._duplicates, strict=True)
                )
                for key in {**was, **becomes}:
                    differences += _outcome_differences(key, was.get(key), becomes.get(key))
        return differences

    def _outcomes(
        self, logic: FlowLogic, stage: Stage, page: Sequence[Record], shared: Duplicates
    ) -> dict[str, "_Outcome"]:
        parents = group_by_key((staged.parent, staged) for staged in stage_records(logic, stage, page))
        shaped = [logic.shape(stage, members, shared.numbers, shared.marks) for members in parents.values()]
        target_state = self._target.target_state(stage, shaped) if self._target else EMPTY_TARGET_STATE
        outcomes: dict[str, _Outcome] = {}
        for record, members in zip(shaped, parents.values(), strict=True):
            rest = [member for member in members if member.key not in target_state.issues_elsewhere]
            if record.desired is not None and len(rest) < len(members):  # the remaining members are mapped without them
                outcomes |= {
                    member.key: _Outcome(record.title, target_state.issues_elsewhere[member.key])
                    for member in members
                    if member not in rest
                }
                record = (  # noqa: PLW2901
                    logic.shape(stage, rest, shared.numbers, shared.marks) if rest else TargetRecord(None, record.title)
                )
            outcomes |= {issue.key: _Outcome(record.title, issue) for issue in record.parked}
            outcomes |= {skip.key: _Outcome(record.title, skip) for skip in record.skipped}
            if (desired := record.desired) is not None:
                key = desired.sources[0] if len(desired.sources) == 1 else desired.key
                outcomes[key] = _planned_outcome(logic, stage, record.title, desired, target_state)
        return outcomes


def compare(
    before: FlowLogic,
    after: FlowLogic,
    records: Sequence[Record],
    target: TargetLookup | None = None,
) -> list[TrialDifference]:
    """Return the differences between two plans for these records; see `Comparison`."""
    return Comparison(before, after, records, target).find_differences(records)


def _is_compared(stage: Stage) -> bool:
    """Return True if the stage compares its records with the target. Documents are written once and not compared."""
    return not (stage.write_once or stage.derived)


def _duplicate_values(logic: FlowLogic, stage: Stage, records: Sequence[Record]) -> Duplicates:
    """Return the values that must be unique in a stage and that several of these records share."""
    numbers: dict[str, tuple[str, ...]] = {}
    marks: dict[str, tuple[str, ...]] = {}
    sources = [record for record in records if record.kind is stage.source] if _is_compared(stage) else []
    for staged in stage_records(logic, stage, sources):
        if staged.record is not None:
            numbers[staged.number] = (*numbers.get(staged.number, ()), staged.key)
            marks[staged.mark] = (*marks.get(staged.mark, ()), staged.key)

    def shared(name: Unique, keys_by_value: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        return {
            value: keys for value, keys in keys_by_value.items() if value and len(keys) > 1 and name in stage.unique
        }

    return Duplicates(shared(Unique.NUMBER, numbers), shared(Unique.MARK, marks))


@dataclass(frozen=True, slots=True)
class _Outcome:
    """The plan for one record: the values that it writes over the held record, or why it writes none."""

    title: str
    obstacle: Issue | Skip | None = None
    desired: Record | None = None
    current: Record | None = None
    field_issue: Issue | None = None  # the issue of a single field that waits while the record is written


def _planned_outcome(
    logic: FlowLogic, stage: Stage, title: str, desired: Record, target_state: TargetState
) -> _Outcome:
    current, link = target_state.current_records.get(desired.key), target_state.links.get(desired.key)
    decision = plan_record(logic, stage, Desired(desired, title), current, link)
    if isinstance(decision.outcome, Issue | Skip):
        return _Outcome(title, decision.outcome)
    new_record = decision.outcome.desired if isinstance(decision.outcome, Change) else None
    return _Outcome(
        title, None, new_record, current.record if current else None, next(iter(decision.waiting_issues), None)
    )


def _outcome_differences(key: str, old: _Outcome | None, new: _Outcome | None) -> Iterator[TrialDifference]:
    was, becomes = _obstacle_or_wait(old), _obstacle_or_wait(new)
    title = new.title if new else old.title if old else key
    if _obstacle_facts(was) != _obstacle_facts(becomes):
        yield TrialDifference(key, title, was=was, becomes=becomes)
    if old and new and not (old.obstacle or new.obstacle):
        yield from _written_differences(key, old, new)


def _obstacle_or_wait(outcome: _Outcome | None) -> Issue | Skip | None:
    return (outcome.obstacle or outcome.field_issue) if outcome else None


def _written_differences(key: str, old: _Outcome, new: _Outcome) -> Iterator[TrialDifference]:
    """Yield the differences between the values that two plans write over the held record, or into a new record."""
    current_values = dict(new.current.flat()) if new.current else {}
    before, after = _fields(old.desired), _fields(new.desired)
    for path, (name, value) in after.items():
        other = before[path][1] if path in before else current_values.get(path)
        if not is_same_value(other, value):
            yield TrialDifference(key, new.title, path, name, current_values.get(path) if new.current else other, value)
    if new.current is None and new.desired is not None:
        parts = {"", *(part.key for part in new.desired.parts)}
        for path, (name, value) in before.items():
            if path not in after and path.rpartition("/")[0] in parts and not is_same_value(value, None):
                yield TrialDifference(key, new.title, path, name, value, None)


def _fields(record: Record | None) -> dict[str, tuple[str, Value]]:
    return {path: (name, value) for path, name, value in record.fields()} if record else {}


def _mapping_differences(old: StagedRecord | None, new: StagedRecord | None) -> Iterator[TrialDifference]:
    staged = new or old
    if staged is None:
        return
    was, becomes = _obstacle(old), _obstacle(new)
    if _obstacle_facts(was) != _obstacle_facts(becomes):
        yield TrialDifference(staged.key, staged.title, was=was, becomes=becomes)
        return
    before, after = _values(old), _values(new)
    for path, (name, value) in {**before, **after}.items():
        old_value, new_value = before.get(path, (name, None))[1], after.get(path, (name, None))[1]
        if not is_same_value(old_value, new_value):
            yield TrialDifference(staged.key, staged.title, path, name or str(value), old_value, new_value)


def _obstacle(staged: StagedRecord | None) -> Issue | Skip | None:
    return (staged.issue or staged.skip) if staged else None


def _obstacle_facts(obstacle: Issue | Skip | None) -> tuple[str, str, tuple[tuple[str, str], ...]]:
    match obstacle:
        case Issue():
            return obstacle.cause, obstacle.field, tuple(sorted(obstacle.facts.items()))
        case Skip():
            return obstacle.reason, "", ()
        case _:
            return "", "", ()


def _values(staged: StagedRecord | None) -> dict[str, tuple[str, Value]]:
    return _fields(staged.record) if staged else {}
