"""Detects current problems in records, runs, connections and the console itself, and events that did not happen."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal

from integration.alerts.connection_status import ConnectionMonitor, ConnectionStatus
from integration.alerts.health import Health, HealthCheck
from integration.alerts.incidents import CONNECTION_CAUSES, Problem, ProblemType
from integration.alerts.monitoring import Monitoring
from integration.alerts.store.deliveries import DeliveryStore
from integration.alerts.store.incidents import IncidentStore
from integration.core.causes import APART, cause
from integration.core.grouping import group_by_key
from integration.core.issues import REPEATED_STOP, CauseGroup
from integration.core.run import Run
from integration.core.states import ACTIVE, RunState
from integration.core.system_roles import SystemRole
from integration.services.audit import Audit, facts_of
from integration.services.engine_lifecycle import EngineHandle
from integration.services.opening_hours import OpeningHoursSettings
from integration.services.runs.flows import Flows, FlowStatus
from integration.store.database import Clock
from integration.store.heartbeats import Heartbeats
from integration.store.issues import Issues
from integration.store.runs import RunStore

ROUNDS_MISSED, GRACE = 3, timedelta(minutes=10)  # a flow is late after so many missed rounds and this grace
MAX_HEARTBEAT_DELAY = timedelta(minutes=1)  # a busy machine may delay a heartbeat for this long
PATIENCE = timedelta(minutes=2)  # a run may wait for a system for this long before that is a problem
MAX_SILENCE = timedelta(minutes=1)  # a system may give no answer for this long before that is a problem
OLD_NEWS = timedelta(hours=1)  # after answers for this long, an earlier refusal of a run no longer counts
MAX_PREVIEW = timedelta(minutes=15)  # after this time, records are reported while their preview still runs
LOCAL = frozenset(
    {ProblemType.LOG, ProblemType.DISK, ProblemType.STORE}
)  # problems that only the affected process itself can detect
HEALTH_PROBLEMS = {
    "disk_full": ProblemType.DISK,
    "log_away": ProblemType.LOG,
    "log_behind": ProblemType.LOG,
    "no_heartbeat": ProblemType.STORE,
}
STOPPED = (RunState.FAILED, RunState.INTERRUPTED)
PERSON_STOP_CAUSES = frozenset({"cancelled", "preview_cancelled"})


class ProblemDetection:
    """Detects all current problems."""

    def __init__(
        self,
        deliveries: DeliveryStore,
        incidents: IncidentStore,
        heartbeats: Heartbeats,
        issues: Issues,
        runs: RunStore,
        clock: Clock,
        *,
        flows: Flows,
        openings: OpeningHoursSettings,
        health: HealthCheck,
        work: EngineHandle,
        monitoring: Monitoring,
        audit: Audit,
        connection_monitor: ConnectionMonitor,
    ) -> None:
        self._deliveries = deliveries
        self._incidents = incidents
        self._heartbeats = heartbeats
        self._issues = issues
        self._runs = runs
        self._clock = clock
        self._flows = flows
        self._openings = openings
        self._health = health
        self._work = work
        self._monitoring = monitoring
        self._audit = audit
        self._connection_monitor = connection_monitor

    def detect_problems(self) -> list[Problem]:
        """Return all current problems. Raises IntegrationError if our own database cannot be read."""
        statuses = self._flows.statuses()
        return [
            *self._record_problems(statuses),
            *self._run_problems(statuses),
            *self._silence_problems(statuses),
            *self._worker_problems(),
            *self._channel_problems(),
            *self._audit_problems(),
            *self.of_health(self._health.read()),
        ]

    def of_health(self, health: Health) -> Iterator[Problem]:
        """Yield the problems of this process."""
        for code, facts in health.problems.items():
            yield Problem(HEALTH_PROBLEMS[code], code, subject=self._work.executor, facts=facts)

    # ---- records: each cause is one incident, even if its issues form several groups

    def _record_problems(self, statuses: list[FlowStatus]) -> Iterator[Problem]:
        now = self._clock()
        being_read = {status.flow.name for status in statuses if _is_being_read(status.active, now)}
        groups_by_cause = group_by_key(((group.flow, group.cause), group) for group in self._issues.causes())
        begun = {incident.problem.identity for incident in self._incidents.open_incidents()} if being_read else set()
        targets = {status.flow.name: status.flow.target for status in statuses}
        for (flow, code), groups in groups_by_cause.items():
            problem = _group_problem(flow, targets.get(flow, ""), code, groups)
            if flow not in being_read or problem.identity in begun:  # no alerts for unfinished previews
                yield problem

    def oldest_records(self) -> dict[str, datetime]:
        """Return since when the oldest record of each cause waits, by identity of its problem."""
        oldest: dict[str, datetime] = {}
        for group in self._issues.causes():
            identity = Problem(_type_of(group.cause), group.cause, group.flow).identity
            oldest[identity] = min(group.first_seen, oldest.get(identity, group.first_seen))
        return oldest

    # ---- connections, from their status and from runs that failed on them, and other problems of runs

    def _connection_problems(self, refused: Mapping[str, tuple[datetime, Problem]]) -> Iterator[Problem]:
        """Yield each failing connection, according to its current calls, or else to the newest run that it refused."""
        now, connections = self._clock(), {status.system: status for status in self._connection_monitor.statuses()}
        for system in dict.fromkeys((*connections, *refused)):
            connection = connections.get(system, ConnectionStatus(system, connected=False))
            since = connection.since or now
            if connection.ok is False and not (connection.silent and now - since < MAX_SILENCE):
                yield Problem(
                    ProblemType.CONNECTION,
                    connection.cause,
                    subject=system,
                    facts={**connection.facts, "system": system},
                )
            elif system in refused and not (connection.ok and now - max(since, refused[system][0]) >= OLD_NEWS):
                yield refused[system][1]

    def _run_problems(self, statuses: list[FlowStatus]) -> Iterator[Problem]:
        refused: dict[str, tuple[datetime, Problem]] = {}
        reached = datetime.min.replace(tzinfo=self._clock().tzinfo)
        repeated = {group.flow for group in self._issues.causes() if group.cause == REPEATED_STOP}
        for status in statuses:
            newest = status.newest_run_in(RunState.DONE, RunState.READY, *STOPPED)  # states with a meaningful end
            if newest is not None and newest.state is RunState.DONE and newest.ended_at:
                reached = max(reached, newest.ended_at)
            for run in (self._long_waiting(status.active), newest):
                if run is None or not run.error or run.error in PERSON_STOP_CAUSES:
                    continue
                if run.error in CONNECTION_CAUSES:
                    at, system = run.ended_at or self._clock(), _system(run, status)
                    if system not in refused or refused[system][0] < at:
                        refused[system] = at, _connection_problem(run, system)
                elif run.state is RunState.INTERRUPTED and run.flow in repeated:
                    continue  # its records are the problem
                elif run.state in (*STOPPED, *ACTIVE):
                    facts = {**run.facts, "flow": run.flow, "run": run.id}
                    yield Problem(ProblemType.RUN, run.error, run.flow, facts=facts)
            yield from _brake_problems(status.waiting)
        yield from self._connection_problems(
            {system: refusal for system, refusal in refused.items() if refusal[0] > reached}
        )

    def _long_waiting(self, run: Run | None) -> Run | None:
        """Return an active run if it has waited for a system for longer than `PATIENCE`."""
        if run is None or not run.error:
            return None
        phase = next(reversed(self._runs.phases(run.id)), None)
        since = phase.started_at if phase and phase.name == "hold" else run.started_at
        return run if self._clock() - since > PATIENCE else None

    # ---- silence

    def _silence_problems(self, statuses: list[FlowStatus]) -> Iterator[Problem]:
        now, openings = self._clock(), self._openings.current_hours()
        for status in statuses:
            name, newest = status.flow.name, status.newest_run
            if not status.on or status.fault or newest is None:
                continue
            silent = now - newest.started_at
            missed = self._flows.round_before(name, ROUNDS_MISSED, now - GRACE)
            if missed is not None and newest.started_at < missed and status.active is None:
                facts = {"flow": name, "minutes": str(silent // timedelta(minutes=1))}
                yield Problem(ProblemType.SILENCE, "flow_late", name, facts=facts)
            if status.unproven_since is None or not openings.proof_hours:
                continue
            unproven = openings.open_between(status.unproven_since, now)
            if unproven >= timedelta(hours=openings.proof_hours):
                facts = {"flow": name, "hours": str(unproven // timedelta(hours=1))}
                yield Problem(ProblemType.SILENCE, "no_proof", name, facts=facts)

    def _worker_problems(self) -> Iterator[Problem]:
        for executor, beaten in self._heartbeats.dead_processes().items():
            if self._clock() - beaten < MAX_HEARTBEAT_DELAY:
                continue
            if executor.startswith(("server", "worker")):  # a terminal command may end at any time
                facts = {"executor": executor, "time": beaten.isoformat(timespec="seconds")}
                yield Problem(ProblemType.SILENCE, "worker_stopped", subject=executor, facts=facts)

    def _channel_problems(self) -> Iterator[Problem]:
        for channel, first in self._deliveries.failing().items():
            facts = {"channel": self._monitoring.channel_name(channel), "message": first.error}
            yield Problem(ProblemType.CHANNEL, "alert_not_delivered", subject=channel, facts=facts)

    def _audit_problems(self) -> Iterator[Problem]:
        checked = self._audit.checked()
        if checked is not None and checked.broken is not None:
            yield Problem(ProblemType.AUDIT, "audit_broken", facts=facts_of(checked.broken))


def _is_being_read(active: Run | None, now: datetime) -> bool:
    return active is not None and active.state is RunState.PREVIEWING and now - active.started_at < MAX_PREVIEW


def _type_of(code: str) -> ProblemType:
    return ProblemType.DIFFERENCE if code in APART else ProblemType.RECORDS


def _group_problem(flow: str, system: str, code: str, groups: list[CauseGroup]) -> Problem:
    newest = max(groups, key=lambda group: group.last_seen)
    amounts = [group.sold for group in groups if group.sold is not None]
    return Problem(
        _type_of(code), code, flow, facts={"system": system, **newest.facts, "flow": flow},
        count=sum(group.count for group in groups),
        waiting_amount=sum(amounts, Decimal(0)) if amounts else None,
    )  # fmt: skip


def _system(run: Run, status: FlowStatus) -> str:
    system = run.facts.get("system", "")
    if system:
        return system
    return next(
        (candidate for candidate in (status.flow.source, status.flow.target) if run.error.startswith(candidate)),
        SystemRole.BOOKS.system,
    )


def _connection_problem(run: Run, system: str) -> Problem:
    return Problem(
        ProblemType.CONNECTION, run.error, subject=system, facts={**run.facts, "system": system, "flow": run.flow}
    )


def _brake_problems(run: Run | None) -> Iterator[Problem]:
    """Yield a problem for each brake that holds a plan."""
    if run is not None:
        for brake in run.brakes:
            if cause(brake.code).code == brake.code:
                facts = {**brake.facts, "flow": run.flow, "run": run.id}
                yield Problem(ProblemType.RUN, brake.code, run.flow, facts=facts, count=brake.count)
