"""Mappings as they are published, their parts, the logic of each flow made of them, and what records become with it."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from integration.connectors.protocol import Connector
from integration.core.errors import ConfigurationError, PlanStaleError
from integration.core.flow import Flow
from integration.core.issues import Issue, Skip
from integration.core.records import Field, Kind, Record, Value, corrected, same
from integration.core.rules import EMPTY, Trace, as_text, rules_from, rules_to
from integration.core.rules import Mapping as RuleMapping
from integration.core.run import Staged
from integration.flows.registry import Specs
from integration.flows.settings import FlowSettings
from integration.flows.spec import FlowLogic, FlowSpec
from integration.store.rules import Rules
from integration.store.stores import Stores


class Logics:
    """The logic of every flow, as a run uses it and as a trial would."""

    def __init__(
        self,
        flows: Specs,
        stores: Stores,
        *,
        connector: Callable[[str], Connector],
        rates: Callable[[str], Mapping[str, Decimal]],
    ) -> None:
        """`rates` tells the VAT percentages of a system by code."""
        self._flows = flows
        self.links = stores.links
        self.connector = connector
        self.rates = rates
        self._rules = stores.rules
        self._stored = stores.settings
        self._corrections = stores.corrections
        self._made: dict[str, tuple[object, FlowLogic]] = {}

    def flow(self, flow: str) -> Flow:
        """Return a flow with the kinds of record that its settings choose."""
        return self._flows[flow].with_settings(self.settings(flow))

    def settings(self, flow: str) -> FlowSettings:
        """Return the settings of a flow."""
        return self._flows[flow].settings(**(self._stored.get(f"flow:{flow}") or {}))

    def corrected(self, flow: str, records: Sequence[Record]) -> list[Record]:
        """Return records of a flow's source with the values that persons said they should have."""
        return corrected(records, self._corrections.of(flow, [record.key for record in records]))

    def now(self, flow: str) -> FlowLogic:
        """Return what is particular to a flow, with its settings, mapping and value tables as they are now."""
        published = self._rules.published(flow)
        if published is None:
            raise ConfigurationError("mapping_missing", flow=flow)
        version, body = published
        tables, stored = self._rules.tables(), self._stored.get(f"flow:{flow}") or {}
        spec = self._flows[flow]
        state = (version, tables, stored, *(self.rates(system) for system in spec.rated))
        known = self._made.get(flow)
        if known is not None and known[0] == state:
            return known[1]
        logic = spec.make(spec.settings(**stored), body, version, tables, self._asked(flow))
        self._made[flow] = (state, logic)
        return logic

    def earlier(self, flow: str, version: int) -> FlowLogic:
        """Return what is particular to a flow with a mapping that was in force before; all else is as it is now."""
        body = self._rules.body(flow, version)
        return self._flows[flow].make(self.settings(flow), body, version, self._rules.tables(), self._asked(flow))

    def trial(
        self,
        flow: str,
        mapping: RuleMapping | None = None,
        afresh: Collection[str] = (),
        settings: FlowSettings | None = None,
    ) -> FlowLogic:
        """Return the logic of a flow as it would be; nothing of it is kept, and no number is allotted.

        Documents under the keys `afresh` count as not booked yet.
        """
        version, published = self._rules.published(flow) or (0, {})
        body: Mapping[str, Any] = published if mapping is None else rules_to(mapping)
        asked = self._asked(flow, allots=False, afresh=frozenset(afresh))
        return self._flows[flow].make(settings or self.settings(flow), body, version, self._rules.tables(), asked)

    def _asked(self, flow: str, *, allots: bool = True, afresh: frozenset[str] = frozenset()) -> "_Asked":
        return _Asked(flow, self, allots, afresh)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the logic of a flow asks; a trial allots no number, and takes documents `afresh`, booked or not."""

    flow: str
    logics: Logics
    allots: bool
    afresh: frozenset[str]

    def rates(self, system: str) -> Mapping[str, Decimal]:
        return self.logics.rates(system)

    def allot(self, flow: str, kind: Kind, key: str) -> str:
        return self.logics.links.allot(flow, kind, key) if self.allots else "1"

    def present(self, system: str, kind: Kind, keys: Collection[str]) -> set[str]:
        return {record.key for record in self.logics.connector(system).fetch(kind, keys)}

    def linked(self, flow: str, kind: Kind, keys: Collection[str]) -> Mapping[str, str]:
        asked = [key for key in keys if flow != self.flow or key not in self.afresh]
        return {key: link.reference for key, link in self.logics.links.get(flow, kind, asked).items()}


# ---- mappings as they are published ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Published:
    """The mapping of a flow that is in force: number, rules, and who published it with which note."""

    version: int
    mapping: RuleMapping
    by: str
    note: str
    published_at: datetime


class Mappings:
    """The published mappings of every flow. A version never changes afterwards."""

    def __init__(self, rules: Rules, logics: Logics) -> None:
        self._rules = rules
        self._logics = logics

    def published(self, flow: str) -> Published:
        """Return the mapping of a flow that is in force. Raises ConfigurationError when there is none."""
        newest = next(iter(self._rules.history(flow)), None)
        if newest is None:
            raise ConfigurationError("mapping_missing", flow=flow)
        body = rules_from(self._rules.body(flow, newest.version))
        return Published(newest.version, body, newest.by, newest.note, newest.published_at)

    def publish(self, flow: str, mapping: RuleMapping, base: int, by: str, note: str) -> int:
        """Publish a mapping that was made from version `base` and return its number.

        Plans made with the version before are refused from then on. Raises PlanStaleError when another version has
        been published meanwhile, and ConfigurationError when the mapping cannot be used.
        """
        current = self.published(flow).version
        if current != base:
            raise PlanStaleError("mapping_published_since", flow=flow, version=base, current=current)
        self._logics.trial(flow, mapping)
        return self._rules.publish(flow, rules_to(mapping), by, note)


# ---- the parts of a mapping -----------------------------------------------------------------------------------------


DOCUMENTS = frozenset({Kind.ORDER, Kind.INVOICE, Kind.RECEIPT})
# Kinds that are written once, so that nobody decides about their fields afterwards.
WITHOUT_OWNER = frozenset({Kind.ADDRESS, Kind.SALES_ORDER, Kind.POSTING, Kind.LINE})


def kind_of(target: str) -> Kind:
    """Return the kind of record that a rule's target is a field of."""
    return Kind(target.partition(".")[0])


def read_kind(flow: Flow, part: Kind) -> Kind:
    """Return the kind of record that has to be read to try the rules of a part on."""
    direct = next((stage.source for stage in flow.stages if stage.target is part and not stage.derived), None)
    return direct or flow.counted.source


def readable(spec: FlowSpec, kind: Kind, known: Sequence[Field]) -> list[Field]:
    """Return what rules can read of a kind: the fields of its source, and what the flow works out."""
    names, of = {one.name for one in known}, Kind.ORDER if kind in DOCUMENTS else kind
    return [*known, *(one for one in spec.computed if one.kind is of and one.name not in names)]


def writable(spec: FlowSpec, part: Kind, known: Sequence[Field]) -> dict[str, Field]:
    """Return the fields a rule can fill, by the name it has for them; what a setting sends goes by one name."""
    named = {f"{part}.{one.name}": one for one in known if one.kind is part}
    found = {name: one for name, one in named.items() if spec.writable is None or name in spec.writable}
    for target, several in spec.sent_as.items():
        sent = [found.pop(name) for name in several if name in found]
        if sent:
            found[target] = replace(sent[0], name=target.partition(".")[2], length=None, wire="")
    return found


# ---- what records become --------------------------------------------------------------------------------------------


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
