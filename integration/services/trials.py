"""What records become with a mapping, and what comes to something else with another one. Nothing of it is kept."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from integration.core.issues import Issue, Skip
from integration.core.records import Kind, Record, Value, same
from integration.core.rules import EMPTY, Trace, as_text
from integration.core.run import Staged
from integration.flows.spec import FlowLogic, FlowSpec

LONGEST_TITLE = 40
# Parts of a document whose name says nothing about whom it is for.
WITHOUT_NAME = frozenset({Kind.PAYMENT, Kind.VAT, Kind.LINE})


@dataclass(frozen=True, slots=True)
class Trial:
    """What a mapping makes of one record of the source: why each value, and why it would not be sent, if so."""

    key: str
    title: str
    traces: tuple[Trace, ...]
    obstacle: Issue | Skip | None = None
    sent_as: Mapping[str, Sequence[str]] = field(default_factory=dict)  # targets of rules that go by other names

    def of(self, target: str) -> list[Trace]:
        """Return how the field that a rule fills came to its value: once for each line or branch."""
        return [trace for trace in self.traces if self._fills(target, trace.target)]

    def _fills(self, target: str, traced: str) -> bool:
        of_part = f"/{target.partition('.')[2]}"  # of one of several parts, by its number
        return traced == target or traced in self.sent_as.get(target, ()) or traced.endswith(of_part)


def tried(spec: FlowSpec, logic: FlowLogic, records: Sequence[Record]) -> list[Trial]:
    """Return what becomes of each record with a logic of a flow."""
    return [_tried(spec, logic, record) for record in records]


def _tried(spec: FlowSpec, logic: FlowLogic, record: Record) -> Trial:
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


def title_of(record: Record) -> str:
    """Return how a record of the source is called: its number or code, and a name in it."""
    number = as_text(record.values.get("number")) or record.key
    named = (record, *(part for part in record.parts if part.kind not in WITHOUT_NAME))
    names = (as_text(each.values.get("name")).strip() for each in named)
    name = next(filter(None, names), "")
    return f"{number} · {name[:LONGEST_TITLE]}" if name else number


def sample_values(kind: Kind, records: Iterable[Record], trials: Iterable[Trial] = ()) -> dict[str, Value]:
    """Return for each field of a kind the first value that is filled, in these records and on the way of trials."""
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
class Moved:
    """One result that a draft changes: a value of a record, or whether it is sent at all.

    Of a value `field` is the target field and `path` where it stands in the record; else both are empty, and `was` and
    `becomes` are what keeps the record from being sent, None where nothing does.
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
    """What a draft would change in the records it was tried on; `cut` tells that time ran out before the last."""

    read: int
    moved: tuple[Moved, ...]
    cut: bool = False

    @property
    def records(self) -> int:
        """How many records come to something else."""
        return len({one.key for one in self.moved})

    def by_field(self) -> dict[str, int]:
        """Return in how many records each target field changes, the most first; "" stands for whether they are sent."""
        pairs = {(one.field, one.key) for one in self.moved}
        return dict(Counter(name for name, _ in sorted(pairs)).most_common())


def compare(before: FlowLogic, after: FlowLogic, records: Sequence[Record]) -> list[Moved]:
    """Return what comes to something else with another mapping."""
    found: list[Moved] = []
    for stage in before.flow.stages:
        page = [record for record in records if record.kind is stage.source]
        if not page:
            continue
        old, new = ({one.key: one for one in logic.stage(stage, page)} for logic in (before, after))
        for key in {**old, **new}:
            found += _moved(old.get(key), new.get(key))
    return found


def _moved(old: Staged | None, new: Staged | None) -> Iterator[Moved]:
    there = new or old
    if there is None:
        return
    was, becomes = _obstacle(old), _obstacle(new)
    if _said(was) != _said(becomes):
        yield Moved(there.key, there.title, was=was, becomes=becomes)
        return
    before, after = _values(old), _values(new)
    for path, (name, value) in {**before, **after}.items():
        one, other = before.get(path, (name, None))[1], after.get(path, (name, None))[1]
        if not same(one, other):
            yield Moved(there.key, there.title, path, name or str(value), one, other)


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
    if staged is None or staged.record is None:
        return {}
    return {path: (name, value) for path, name, value in staged.record.fields()}
