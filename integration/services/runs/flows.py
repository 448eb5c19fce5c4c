"""Flows as people configure them: settings, timetables, filters and status."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from integration.accounts.four_eyes import FourEyes
from integration.accounts.loosening import BRAKES, flat_values, loosened_settings, with_values
from integration.core.authorization import requires
from integration.core.errors import ConfigurationError
from integration.core.flow import Flow, Stage
from integration.core.issues import Skip
from integration.core.people import SCHEDULE, Actor, Right
from integration.core.plan import Approval
from integration.core.records import Record
from integration.core.run import Mode, Run
from integration.core.states import ACTIVE, RunState
from integration.core.timetable import WALL_CLOCK, Schedule, crons, next_time
from integration.flows.forms import codes_named
from integration.flows.registry import Specs
from integration.flows.settings import CodeList, FlowSettings
from integration.flows.spec import FlowLogic, FlowSpec, page_in, stage_records
from integration.flows.tables import INCOMPLETE_LISTS
from integration.services.engine_lifecycle import EngineHandle
from integration.services.mappings.code_lists import LOOKED_UP, CodeLists
from integration.services.mappings.mappings import Logics, Mappings
from integration.services.opening_hours import is_holiday
from integration.services.systems.connection_settings import ConnectorFactory
from integration.services.systems.object_names import ObjectNames
from integration.services.write_holds.write_holds import WriteHolds
from integration.store.database import Clock
from integration.store.events import Event
from integration.store.issues import Issues
from integration.store.outbox_reader import OutboxReader
from integration.store.runs import RunStore
from integration.store.settings import StoredSettings

MAX_SHOWN = 500
NIGHT = timedelta(hours=5)  # the longest time that a run waits for the active run
SOON = timedelta(minutes=30)  # a run that is due again sooner is not logged as missed
ZONE = ZoneInfo(WALL_CLOCK)


@dataclass(frozen=True, slots=True)
class FlowStatus:
    """The status of one flow."""

    flow: Flow
    on: bool
    runs: Sequence[Run]  # the latest in each state and all that wait, newest first
    parked: int = 0
    next_run: datetime | None = None
    fault: ConfigurationError | None = None  # why its stored settings cannot be used
    last_proof: datetime | None = None  # when the latest run ended that proved something
    unproven_since: datetime | None = None  # since when a proof is missing

    @property
    def newest_run(self) -> Run | None:
        """The run that began last, in any state."""
        return self.newest_run_in(*RunState)

    @property
    def active(self) -> Run | None:
        return self.newest_run_in(*ACTIVE)

    @property
    def last_completed_run(self) -> Run | None:
        """The latest completed run."""
        return self.newest_run_in(RunState.DONE)

    @property
    def plans(self) -> Sequence[Run]:
        """All runs whose plan waits for a person."""
        return [run for run in self.runs if run.state is RunState.READY]

    @property
    def waiting(self) -> Run | None:
        """The latest run whose plan waits for a person."""
        return self.newest_run_in(RunState.READY)

    def newest_run_in(self, *states: RunState) -> Run | None:
        """Return the run that began last among those in one of these states."""
        return next((run for run in self.runs if run.state in states), None)


@dataclass(frozen=True, slots=True)
class FilterPreview:
    """Counts of the records that take part in a flow and of those that do not, with the first of the latter."""

    included: int
    excluded: int
    examples: tuple[tuple[str, Skip], ...]


@dataclass(frozen=True, slots=True)
class SettingsChange:
    """The result of a change of settings, by names of settings.

    `unchecked` settings are stored, but contain codes that could not be verified because the system did not answer.
    `waiting` settings are not stored: a second person has to approve them.
    """

    unchecked: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()


class Flows(Mapping[str, Flow]):
    """All flows by name, with their settings, timetables and status."""

    def __init__(
        self,
        specs: Specs,
        logics: Logics,
        mappings: Mappings,
        lists: CodeLists,
        events: OutboxReader,
        issues: Issues,
        runs: RunStore,
        stored_settings: StoredSettings,
        access: ConnectorFactory,
        clock: Clock,
        names: ObjectNames,
        work: EngineHandle,
        holds: WriteHolds,
        four_eyes: FourEyes,
    ) -> None:
        self._specs = specs
        self._logics = logics
        self._mappings = mappings
        self._lists = lists
        self._events = events
        self._issues = issues
        self._runs = runs
        self._stored_settings = stored_settings
        self._access = access
        self._clock = clock
        self._names = names
        self._work = work
        self._holds = holds
        self._four_eyes = four_eyes

    @requires(Right.SEE)
    def settings(self, flow: str) -> FlowSettings:
        """Return the settings of a flow. Unusable settings are left out, and the flow is then off."""
        return self._logics.settings(flow)

    @requires(Right.SEE)
    def configured_flow(self, flow: str) -> Flow:
        """Return a flow with the kinds of record that its settings choose."""
        return self._logics.flow(flow)

    @requires(Right.SEE)
    def is_unproven(self, flow: str) -> bool:
        """Return True if the settings of a flow make it write records that cannot be read back."""
        return any(stage.unverifiable for stage in self._specs[flow].with_settings(self.settings(flow)).stages)

    @requires(Right.SEE)
    def __getitem__(self, flow: str) -> Flow:
        return self._specs[flow].flow

    @requires(Right.SEE)
    def __iter__(self) -> Iterator[str]:
        return iter(self._specs)

    @requires(Right.SEE)
    def __len__(self) -> int:
        return len(self._specs)

    @requires(Right.SEE)
    def noun(self, flow: str) -> str:
        """Return the word for the records of a flow, or the general word if the flow no longer exists."""
        return self._specs[flow].noun if flow in self._specs else "record"

    @requires(Right.SEE)
    def spec(self, flow: str) -> FlowSpec:
        """Return the specification of a flow."""
        return self._specs[flow]

    @requires(Right.ARRANGE)
    def change(
        self, flow: str, values: Mapping[str, Any], by: Actor, reasons: Mapping[str, str] | None = None
    ) -> SettingsChange:
        """Store changed settings of a flow. Raises ConfigurationError if they cannot be used.

        A change that loosens a flow with second limits waits for a second person; the rest is stored. `reasons` has the
        reason for each brake that is switched off; the log stores it. Raises NotAllowedError as `FourEyes.may_change`
        does, and stores nothing then.
        """
        stored_values = self._stored_settings.get(f"flow:{flow}") or {}
        current_values = self._logics.usable(flow)
        before, new_settings = (
            self._specs[flow].settings(**current_values),
            self._specs[flow].settings(**{**current_values, **values}),
        )
        self._names.require_objects(self._specs[flow], new_settings)
        unchecked, why = self.check_codes(flow, new_settings), reasons or {}
        waiting: tuple[str, ...] = ()
        if not self._four_eyes.may_change(flow, before, new_settings, by, why):
            waiting = loosened_settings(before, new_settings)
            new_settings = with_values(new_settings, flat_values(before, waiting))
        off = [
            Event(event="brake_switched_off", flow=flow, facts={"by": by.ref, "brake": brake, "reason": reason})
            for brake, reason in why.items()
            if f"{BRAKES}{brake}" not in waiting
        ]
        if not waiting or new_settings != before:
            non_defaults = new_settings.model_dump(mode="json", exclude_defaults=True)
            if not self._stored_settings.replace(f"flow:{flow}", stored_values, non_defaults, by.ref, *off):
                return self.change(flow, values, by, reasons)  # somebody saved other settings in the meantime
            self._work.reschedule()
        return SettingsChange(unchecked, waiting)

    def check_codes(self, flow: str, new_settings: FlowSettings) -> tuple[str, ...]:
        """Check that the systems have all codes that the wanted settings newly name.

        Returns the settings whose codes cannot be verified now. Raises ConfigurationError for a code that its system
        does not have.
        """
        known_codes = {(code_list, code) for _, code_list, code in self._codes(flow, self.settings(flow))}
        new_codes: dict[tuple[str, CodeList], set[str]] = {}
        for setting, code_list, code in self._codes(flow, new_settings):
            if (code_list, code) not in known_codes:
                new_codes.setdefault((setting, code_list), set()).add(code)
        unchecked = []
        for (setting, code_list), codes in new_codes.items():
            missing_codes = self._lists.missing_codes(code_list, codes)
            if missing_codes is None:
                unchecked += [] if code_list.name in INCOMPLETE_LISTS - LOOKED_UP.keys() else [setting]
            elif missing_codes:
                raise _unknown_code_error(flow, setting, code_list, min(missing_codes))
        return tuple(dict.fromkeys(unchecked))

    def _codes(self, flow: str, settings: FlowSettings) -> Iterator[tuple[str, CodeList, str]]:
        shapes = (shape for section in self._specs[flow].sections for shape in section.shapes)
        return codes_named(shapes, settings.model_dump())

    @requires(Right.SEE)
    def preview_filters(self, flow: str, values: Mapping[str, Any]) -> FilterPreview:
        """Read the source now and return which records would take part with these settings changed."""
        changed = self._specs[flow].settings(**{**self.settings(flow).model_dump(), **values})
        logic = self._logics.trial(flow, settings=changed)
        pages = (
            (stage, page) for stage in logic.flow.counted_stages for page in self._source_pages(flow, logic, stage)
        )
        return _sift(logic, pages)

    def _source_pages(self, flow: str, logic: FlowLogic, stage: Stage) -> Iterator[Sequence[Record]]:
        source, after = self._access.connector(self[flow].source), None
        while True:
            batch = page_in(source, logic, stage, since=None, after=after)
            yield batch.records
            after = batch.after
            if after is None:
                return

    @requires(Right.SEE)
    def stops(self, flow: str, runs: int = 10) -> dict[str, int]:
        """Return how many of the last runs each brake has stopped."""
        return Counter(brake.code for run in self._runs.latest(flow, limit=runs) for brake in run.brakes)

    @requires(Right.SEE)
    def statuses(self) -> list[FlowStatus]:
        """Return the status of every flow."""
        parked, runs = self._issues.counts(), self._runs.newest_by_state()
        return [self._status(flow, runs.get(name, ()), parked.get(name, 0)) for name, flow in self.items()]

    @requires(Right.SEE)
    def status(self, flow: str) -> FlowStatus:
        runs = self._runs.newest_by_state(flow).get(flow, ())
        return self._status(self[flow], runs, self._issues.counts().get(flow, 0))

    def _status(self, flow: Flow, runs: Sequence[Run], parked: int) -> FlowStatus:
        settings = self.settings(flow.name)
        last_proof, unproven_since = proof_times(self._runs, flow.name, runs)
        return FlowStatus(
            flow=flow,
            on=settings.on,
            runs=runs,
            parked=parked,
            next_run=self._next_run(settings) if settings.on else None,
            fault=self._logics.fault(flow.name),
            last_proof=last_proof,
            unproven_since=unproven_since,
        )

    def _next_run(self, settings: FlowSettings) -> datetime | None:
        return next_time(settings.timetable, self._clock(), ZONE, is_holiday, nightly=settings.nightly_complete)

    def round_before(self, flow: str, rounds: int, moment: datetime) -> datetime | None:
        """Return when a flow was due the given number of rounds back from a moment; 1 is the last round."""
        return self.settings(flow).timetable.previous_start(moment, ZONE, is_holiday, rounds)

    # ---- scheduled runs

    @requires(Right.SEE)
    def schedules(self) -> list[Schedule]:
        """Return the schedules of the flows that are on: incremental runs by timetable, and complete runs at night."""
        return [
            Schedule(name, cron, mode)
            for name in self
            if (settings := self.settings(name)).on
            for mode, cron in _modes(settings)
        ]

    @requires(Right.SEE)
    def is_on(self, flow: str) -> bool:
        """Return True if a flow currently runs on a timetable."""
        return flow in self._specs and self.settings(flow).on

    def may_begin(self, flow: str, mode: Mode, due: datetime | None = None) -> bool:
        """Return True if a flow may begin now that its schedule triggered it.

        The flow or its nightly run may have been switched off since, because each process updates its schedules only
        now and then. A schedule also triggers more often than the timetable says, so an incremental run begins only if
        the timetable has it at `due`. The nightly run has its own time. Schedules are due at full seconds: a `due` with
        a fraction was triggered by hand, and the run begins.
        """
        if not (self.is_on(flow) and mode in dict(_modes(self.settings(flow)))):
            return False
        table = self.settings(flow).timetable
        by_hand = due is None or due.microsecond != 0
        is_asked = mode is not Mode.CHANGES or by_hand or table.is_exact
        return is_asked or table.is_due(due or self._clock(), ZONE, is_holiday)

    def may_wait(self, flow: str, mode: Mode, due: datetime) -> bool:
        """Return True while a scheduled run may still wait for the active run: until its next run would be due.

        A nightly run may wait until the morning.
        """
        return self._clock() < self._waits_until(flow, mode, due)

    def _waits_until(self, flow: str, mode: Mode, due: datetime) -> datetime:
        if mode is Mode.COMPLETE:
            return due + NIGHT
        coming = self.settings(flow).timetable.next_start(due, ZONE, is_holiday)
        return min(coming or due + NIGHT, due + NIGHT)

    def report_missed_run(self, flow: str, mode: Mode, due: datetime) -> None:
        """Log that a scheduled run was left out, unless its next run is due within half an hour."""
        if self._waits_until(flow, mode, due) - due >= SOON:
            facts = {"mode": str(mode), "due": due.astimezone(UTC).isoformat(timespec="seconds")}
            self._events.record(Event(event="round_missed", flow=flow, facts=facts))

    def may_approve(self, run: Run) -> Approval | None:
        """Return the automatic approval of a plan, or None if a person has to decide.

        The flow must be on and approve automatically. A plan waits for a person if it trips a brake or exceeds a second
        limit, if all its lines are excluded, or if its flow may not write for now.
        """
        if run.excluded and len(run.excluded) >= run.position.changes + run.position.retirements:
            return None
        if run.brakes or self._holds.hold_reason(run.flow) is not None:
            return None
        if self._four_eyes.exceeded_limits(run):
            return None
        if not self.is_on(run.flow) or not self.settings(run.flow).auto_approve:
            return None
        return Approval(run.mark, by=SCHEDULE.ref)


def proof_times(runs: RunStore, flow: str, latest_runs: Sequence[Run]) -> tuple[datetime | None, datetime | None]:
    """Return when a flow was last proven to work, and since when a proof is missing (None if none is missing).

    A run that read nothing has nothing to prove. If the latest run that read something is a proof, none is missing
    before the end of the latest run. Otherwise a proof is missing since the last proof, or since the first run.
    """
    last = next((run for run in latest_runs if run.state is RunState.DONE), None)
    if last is None:
        return None, None
    if last.is_proof:
        return last.ended_at, last.ended_at
    proven, reading = runs.last_proof(flow), last if last.counts.read_count else runs.last_reading(flow)
    is_clear = reading is None or reading.is_proof or not reading.had_no_effect
    return proven, last.ended_at if is_clear else proven or runs.oldest_start(flow)


def _modes(settings: FlowSettings) -> Collection[tuple[Mode, str]]:
    lines = crons(settings.timetable, nightly=settings.nightly_complete)
    return list(zip((Mode.CHANGES, Mode.COMPLETE), lines, strict=False))


def _sift(logic: FlowLogic, pages: Iterable[tuple[Stage, Sequence[Record]]]) -> FilterPreview:
    included = excluded = 0
    examples: list[tuple[str, Skip]] = []
    for stage, records in pages:
        for staged in stage_records(logic, stage, records):
            if staged.skip is None:
                included += 1
                continue
            excluded += 1
            if len(examples) < MAX_SHOWN:
                examples.append((staged.title, staged.skip))
    return FilterPreview(included, excluded, tuple(examples))


def _unknown_code_error(flow: str, setting: str, code_list: CodeList, code: str) -> ConfigurationError:
    """Return the error for a setting whose code the system does not have."""
    where = {"flow": flow, "setting": setting}
    if code_list.name == "debtors":
        return ConfigurationError("flow_setting_invalid", **where, expected="expected_debtor", number=code)
    return ConfigurationError(
        "flow_setting_invalid", **where, expected="expected_listed", number=code, target_system=code_list.system
    )
