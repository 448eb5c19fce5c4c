"""Flows as people arrange them: settings, when they run, what their filters take in, and how each stands."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from integration.connectors.protocol import Connector
from integration.core.errors import ConfigurationError
from integration.core.flow import Flow, Stage
from integration.core.issues import Skip
from integration.core.plan import Approval
from integration.core.records import Field, Kind, Record
from integration.core.run import WALL_CLOCK, Mode, Run, RunState, Schedule, crons, next_time
from integration.flows.registry import Specs
from integration.flows.settings import FlowSettings
from integration.flows.spec import FlowLogic, FlowSpec, staged_in
from integration.services.lists import Lists
from integration.services.mappings import Logics, Mappings
from integration.store.database import Clock
from integration.store.events import Event
from integration.store.stores import Stores

MOST_SHOWN = 500


@dataclass(frozen=True, slots=True)
class FlowStatus:
    """One flow at a glance."""

    flow: Flow
    on: bool
    waiting: Run | None
    active: Run | None
    last: Run | None
    parked: int
    last_proof: datetime | None
    next_run: datetime | None
    fault: ConfigurationError | None = None  # why its settings cannot be used as they are kept


@dataclass(frozen=True, slots=True)
class Sifted:
    """What takes part in a flow and what does not: numbers, and of those left out the first with title and reason."""

    taken: int
    left_out: int
    shown: tuple[tuple[str, Skip], ...]


class Flows(Mapping[str, Flow]):
    """Every flow by its name, and what can be said to it and of it."""

    def __init__(
        self,
        specs: Specs,
        logics: Logics,
        mappings: Mappings,
        lists: Lists,
        stores: Stores,
        *,
        connector: Callable[[str], Connector],
        clock: Clock,
        expect: Callable[[FlowSpec, FlowSettings], None],
        changed: Callable[[], None],
    ) -> None:
        """`expect` raises for settings that need something an installation lacks; `changed` is told of new ones."""
        self._specs = specs
        self.settings = logics.settings  # of a flow, by its name
        self.as_set = logics.flow  # with the kinds of record that its settings choose
        self._logics = logics
        self._mappings = mappings
        self._lists = lists
        self._stores = stores
        self._connector = connector
        self._clock = clock
        self._expect = expect
        self._changed = changed

    def is_unproven(self, flow: str) -> bool:
        """Tell whether somebody set that nobody can read back what a flow writes."""
        return any(stage.unproven for stage in self._specs[flow].with_settings(self.settings(flow)).stages)

    def __getitem__(self, flow: str) -> Flow:
        return self._specs[flow].flow

    def __iter__(self) -> Iterator[str]:
        return iter(self._specs)

    def __len__(self) -> int:
        return len(self._specs)

    def spec(self, flow: str) -> FlowSpec:
        """Return a flow as the value that says everything about it."""
        return self._specs[flow]

    def change(self, flow: str, values: Mapping[str, Any], by: str, reasons: Mapping[str, str] | None = None) -> None:
        """Keep changed settings of a flow. Raises ConfigurationError when they cannot be used.

        `reasons` say for each brake that is switched off why; the log keeps them.
        """
        known = self._logics.usable(flow)
        checked = self._specs[flow].settings(**{**known, **values})
        self._expect(self._specs[flow], checked)
        self._stores.settings.put(f"flow:{flow}", checked.model_dump(mode="json", exclude_defaults=True), by)
        for brake, reason in (reasons or {}).items():
            facts = {"by": by, "brake": brake, "reason": reason}
            self._stores.events.tell(Event(event="brake_switched_off", flow=flow, facts=facts))
        self._changed()

    def sift(self, flow: str, values: Mapping[str, Any]) -> Sifted:
        """Read the source now and return what would take part in a flow with these settings changed."""
        changed = self._specs[flow].settings(**{**self.settings(flow).model_dump(), **values})
        logic = self._logics.trial(flow, settings=changed)
        stage = logic.flow.counted
        return _sift(logic, stage, self._source_pages(flow, stage.source))

    def _source_pages(self, flow: str, kind: Kind) -> Iterator[Sequence[Record]]:
        source, after = self._connector(self[flow].source), None
        while True:
            batch = source.extract(kind, None, after)
            yield batch.records
            after = batch.after
            if after is None:
                return

    def source_field(self, flow: str, target: str) -> Field | None:
        """Return the field of the source a target field is filled from, or None when it is not from one field."""
        rules = self._mappings.published(flow).mapping.rules
        rule = next((one for one in rules if one.target == target), None)
        if rule is None or not rule.source:
            return None
        whole = self.as_set(flow)
        read = self._specs[flow].parts_of(whole).get(Kind(target.partition(".")[0]), whole.stages[-1].source)
        known = self._lists.fields(self[flow].source, read)
        return next((one for one in known if one.name == rule.source), None)

    def stops(self, flow: str, runs: int = 10) -> dict[str, int]:
        """Return how many of the last runs each brake has stopped."""
        found: dict[str, int] = {}
        for run in self._stores.runs.latest(flow, limit=runs):
            for brake in run.brakes:
                found[brake.code] = found.get(brake.code, 0) + 1
        return found

    def statuses(self) -> list[FlowStatus]:
        """Return every flow at a glance."""
        parked = self._stores.issues.counts()
        return [self._status(flow, parked.get(name, 0)) for name, flow in self.items()]

    def _status(self, flow: Flow, parked: int) -> FlowStatus:
        active = self._stores.runs.latest(flow.name, [RunState.PREVIEWING, RunState.COMMITTING], limit=1)
        last = self._stores.runs.last_done(flow.name)
        settings = self.settings(flow.name)
        return FlowStatus(
            flow=flow,
            on=settings.on,
            waiting=self._stores.runs.waiting(flow.name),
            active=active[0] if active else None,
            last=last,
            parked=parked,
            last_proof=last.ended_at if last else None,
            next_run=self._next_run(settings) if settings.on else None,
            fault=self._logics.fault(flow.name),
        )

    def _next_run(self, settings: FlowSettings) -> datetime:
        zone = ZoneInfo(WALL_CLOCK)
        return next_time(settings.schedule_minutes, self._clock(), zone, nightly=settings.nightly_complete)

    def metrics(self) -> str:
        """Return the numbers a monitor watches in the text format of Prometheus."""
        statuses, now = self.statuses(), self._clock()
        runs = {
            f'flow="{flow}",state="{state}"': self._stores.runs.count(flow, [state])
            for flow in self
            for state in RunState
        }
        parked = {f'flow="{one.flow.name}"': one.parked for one in statuses}
        ages = {f'flow="{one.flow.name}"': (now - one.last_proof).total_seconds() for one in statuses if one.last_proof}
        return exposition(
            [
                Gauge("console_runs", "Runs by flow and state.", runs),
                Gauge("console_parked", "Records that wait for a person.", parked),
                Gauge("console_events_waiting", "Events not in the log yet.", {"": self._stores.events.count()}),
                Gauge("console_last_proof_age_seconds", "Time since a run of the flow ended well.", ages),
            ]
        )

    # ---- what runs without a person

    def schedules(self) -> list[Schedule]:
        """Return the schedules of the flows that are on: what changed by the minute, everything at night."""
        return [
            Schedule(name, cron, mode)
            for name in self
            if (settings := self.settings(name)).on
            for mode, cron in _modes(settings)
        ]

    def is_on(self, flow: str) -> bool:
        """Tell whether a flow runs by itself as it is set at this moment."""
        return flow in self._specs and self.settings(flow).on

    def may_begin(self, flow: str, mode: Mode) -> bool:
        """Tell whether a flow that is due may begin: it may have been switched off, or its nights, since it was asked.

        Schedules are taken over now and then only, by every process at another moment.
        """
        return self.is_on(flow) and mode in dict(_modes(self.settings(flow)))

    def may_approve(self, run: Run) -> Approval | None:
        """Return the approval of a plan that trips no brake, when its flow is on and may send by itself."""
        if run.brakes or not self.is_on(run.flow) or not self.settings(run.flow).auto_approve:
            return None
        return Approval(run.mark, by="schedule")


def _modes(settings: FlowSettings) -> Collection[tuple[Mode, str]]:
    lines = crons(settings.schedule_minutes, nightly=settings.nightly_complete)
    return list(zip((Mode.CHANGES, Mode.COMPLETE), lines, strict=False))


def _sift(logic: FlowLogic, stage: Stage, pages: Iterable[Sequence[Record]]) -> Sifted:
    taken = left_out = 0
    shown: list[tuple[str, Skip]] = []
    for records in pages:
        for staged in staged_in(logic, stage, records):
            if staged.skip is None:
                taken += 1
                continue
            left_out += 1
            if len(shown) < MOST_SHOWN:
                shown.append((staged.title, staged.skip))
    return Sifted(taken, left_out, tuple(shown))


# ---- what a monitor is told -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Gauge:
    """One number for a monitor, in each of its forms: the labels of a form as text, then the number."""

    name: str
    about: str
    values: Mapping[str, float]


def exposition(gauges: Sequence[Gauge]) -> str:
    """Return gauges as Prometheus reads them.

    Source: text format 0.0.4, https://prometheus.io/docs/instrumenting/exposition_formats/
    """
    lines = []
    for gauge in gauges:
        lines += [f"# HELP {gauge.name} {gauge.about}", f"# TYPE {gauge.name} gauge"]
        lines += [
            f"{gauge.name}{f'{{{labels}}}' if labels else ''} {value:g}" for labels, value in gauge.values.items()
        ]
    return "\n".join([*lines, ""])
