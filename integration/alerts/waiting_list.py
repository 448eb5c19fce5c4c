"""The waiting list: everything that waits for a person, in one order. Every screen shows this list."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from urllib.parse import parse_qsl

from integration import words
from integration.alerts.connection_status import ConnectionMonitor, ConnectionStatus
from integration.alerts.incidents import CONNECTION_CAUSES, Incident, Problem, ProblemType
from integration.alerts.messages import page_address
from integration.alerts.store.incidents import IncidentStore
from integration.core.authorization import requires
from integration.core.causes import APART, Severity
from integration.core.issues import REPEATED_STOP, CauseGroup
from integration.core.people import Right
from integration.core.run import Run
from integration.core.states import RunState
from integration.flows.registry import Specs
from integration.services.runs.change_requests import ChangeRequests
from integration.services.runs.exceptions import AmountAtStake, Exceptions, group_address, group_amount, repair_address
from integration.services.runs.flows import Flows, FlowStatus
from integration.services.runs.runs import Plans, Runs
from integration.services.setup import InstallationSetup
from integration.store.plans import PlanStore

SEVERITY_STATES = {
    Severity.CRITICAL: "alert_critical",
    Severity.WARNING: "alert_warning",
    Severity.NOTICE: "alert_notice",
}
LISTED_OTHERWISE = frozenset({ProblemType.RECORDS, ProblemType.DIFFERENCE, ProblemType.RUN})


@dataclass(frozen=True, slots=True)
class WaitingItem:
    """One item that waits for a person, with texts in one language.

    `state` names its badge, `verb` its button, `page` and `params` the target of the button. `count` is in `unit`, a
    key of the vocabulary. `incidents` holds the identities of the alerts about the item. A parked cause has its
    `group`, a plan its `run`.
    """

    state: str
    name: str
    step: str  # what to do next
    verb: str
    page: str
    params: Mapping[str, str] = field(default_factory=dict)
    detail: str = ""
    flow: str = ""
    system: str = ""
    subject: str = ""  # the change request or the problem, for items with the same target
    count: int = 0
    unit: str = "cause_records"
    amount: AmountAtStake | None = None
    since: datetime | None = None
    incidents: tuple[str, ...] = ()
    group: CauseGroup | None = None
    run: Run | None = None

    @property
    def key(self) -> str:
        """Text that identifies the item in the list."""
        return " ".join((self.state, self.page, self.flow, self.subject, *self.params.values()))


@dataclass(frozen=True, slots=True)
class WaitingItems:
    """The first items of the list, and the number of items that follow."""

    first_items: Sequence[WaitingItem]
    remaining_count: int = 0


class WaitingList:
    """Lists waiting items: connections, change requests, settings, runs, the console itself, plans, parked causes."""

    def __init__(
        self,
        flows: Specs,
        incidents: IncidentStore,
        plan_store: PlanStore,
        *,
        exceptions: Exceptions,
        change_requests: ChangeRequests,
        runs: Runs,
        plans: Plans,
        connection_monitor: ConnectionMonitor,
        flow_service: Flows,
        setup: InstallationSetup,
    ) -> None:
        self._flows = flows
        self._incidents = incidents
        self._plan_store = plan_store
        self._exceptions = exceptions
        self._change_requests = change_requests
        self._runs = runs
        self._plans = plans
        self._connection_monitor = connection_monitor
        self._flow_service = flow_service
        self._setup = setup

    @requires(Right.SEE)
    def items(
        self,
        language: str,
        zone: tzinfo = UTC,
        statuses: Sequence[FlowStatus] | None = None,
        limit: int | None = None,
    ) -> WaitingItems:
        """Return the waiting items, most urgent first; parked causes come last, those with the largest amount first.

        With `limit`, parked causes fill only the places that the other items leave. Pass `statuses` to avoid reading
        the flows again.
        """
        flow_statuses = self._flow_service.statuses() if statuses is None else statuses
        text, causes = _Texts(language, zone), self._exceptions.groups()
        repeated = {group.flow for group in causes if group.cause == REPEATED_STOP}
        urgent_items = [
            *self._connection_items(text),
            *self._change_items(text),
            *(item for status in flow_statuses for item in _invalid_settings(status, text)),
            *(
                item
                for status in flow_statuses
                for item in _stopped_runs(status, self._flows, text)
                if not (item.state == "interrupted" and item.flow in repeated)  # the cause with its records says it
            ),
            *(item for status in flow_statuses for item in self._held_runs(status, text)),
            *(item for status in flow_statuses for item in self._in_doubt_items(status, text)),
        ]
        plans = [item for status in flow_statuses for item in self._waiting_plans(status, text)]
        known_identities = {identity for item in (*urgent_items, *plans) for identity in item.incidents}
        incidents = [
            _incident_item(incident, text)
            for incident in self._incidents.open_incidents()
            if incident.problem.type not in LISTED_OTHERWISE and incident.problem.identity not in known_identities
        ]
        items = [*urgent_items, *incidents, *plans]
        room = len(causes) if limit is None else max(0, limit - len(items))
        return WaitingItems(
            [*items, *(self.cause_item(group, language, zone) for group in causes[:room])], len(causes[room:])
        )

    @requires(Right.SEE)
    def cause_item(self, group: CauseGroup, language: str, zone: tzinfo = UTC) -> WaitingItem:
        """Return the item of a parked cause."""
        text = _Texts(language, zone)
        system = self._flows[group.flow].flow.target
        facts = {"system": system, **group.facts}
        problem_type = ProblemType.DIFFERENCE if group.cause in APART else ProblemType.RECORDS
        return WaitingItem(
            state="parked",
            name=text.headline(group.cause, facts),
            step=self._field_to_correct(group, text) or text.say(group.cause, facts).do,
            verb="repair",
            page="exceptions",
            params={"flow": group.flow, "cause": group_address(group.group_key)},
            flow=group.flow,
            count=group.count,
            amount=group_amount(group),
            since=group.first_seen,
            incidents=(Problem(problem_type, group.cause, group.flow).identity,),
            group=group,
        )

    def _field_to_correct(self, group: CauseGroup, text: "_Texts") -> str:
        source_field = self._exceptions.field_to_correct(group.flow, group.cause, group.field)
        if source_field is None:
            return ""
        caption = f"{source_field.caption} ({source_field.wire})" if source_field.wire else source_field.caption
        return text("correct_field", system=words.system_name(self._flows[group.flow].flow.source), field=caption)

    def _connection_items(self, text: "_Texts") -> Iterator[WaitingItem]:
        for connection in self._connection_monitor.statuses():
            if (
                not connection.connected and not self._setup.unfinished_step()
            ):  # not required before the end of the set-up
                name = text("need_connect", system=words.system_name(connection.system))
                yield _connection_item(connection, "off", name, text("need_connect_about"), "connect")
            elif connection.ok is False:
                facts = {"system": connection.system, **connection.facts}
                explanation = text.say(connection.cause, facts)
                yield _connection_item(
                    connection,
                    "failed",
                    text.headline(connection.cause, facts),
                    explanation.do,
                    "look",
                    text.detail(connection.cause, facts),
                )

    def _change_items(self, text: "_Texts") -> Iterator[WaitingItem]:
        for request in self._change_requests.waiting():
            until = words.moment(request.until, text.language, text.zone)
            yield WaitingItem(
                state="waiting",
                name=text("waiting_change"),
                step=text("waiting_change_step", until=until),
                verb="look",
                page="administration" if request.right is Right.ADMINISTER else "flows",
                params={"flow": request.flow} if request.flow else {},
                flow=request.flow,
                subject=request.setting,
                since=request.at,
            )

    def _held_runs(self, status: FlowStatus, text: "_Texts") -> Iterator[WaitingItem]:
        """Yield the active run that waits for a system and continues by itself."""
        run = status.active
        if run is not None and (since := self._runs.wait_start(run)) is not None:
            yield _run_item(run, "held", "follow", {"run": run.id}, since, self._flows, text)

    def _in_doubt_items(self, status: FlowStatus, text: "_Texts") -> Iterator[WaitingItem]:
        """Yield the changes in doubt of a run that has not ended."""
        run = status.newest_run_in(RunState.COMMITTING, RunState.INTERRUPTED)
        if run is not None and (count := self._runs.in_doubt_count(run)):
            system = self._flows[run.flow].flow.target
            yield WaitingItem(
                state="in_doubt",
                name=text.headline("in_doubt", {"system": system}),
                step=text("need_in_doubt_about", system=words.system_name(system)),
                verb="follow",
                page="runs",
                params={"run": run.id, "show": "in_doubt"},
                flow=run.flow,
                count=count,
                unit="phone_changes",
                since=run.started_at,
            )

    def _waiting_plans(self, status: FlowStatus, text: "_Texts") -> Iterator[WaitingItem]:
        for run in status.plans:
            explanations = [
                text.say(brake.code, brake.facts) for brake in run.brakes
            ]  # fmt: skip
            names = [text.headline(brake.code, {"flow": run.flow}) for brake in run.brakes]
            sold = self._plans.sold(run.id, run.excluded)
            yield WaitingItem(
                state="brake" if run.brakes else "waiting",
                name=" · ".join(names) or text("waiting_plan"),
                detail=" ".join(explanation.problem for explanation in explanations),
                step=" ".join(dict.fromkeys(explanation.do for explanation in explanations))
                or text("waiting_plan_step"),
                verb="look",
                page="preview",
                params={"flow": run.flow, "plan": run.id},
                flow=run.flow,
                count=self._plan_store.count(run.id, "changes") - len(run.excluded),
                unit="phone_changes",
                amount=AmountAtStake(sold, is_difference=False) if sold else None,
                since=run.started_at,
                incidents=tuple(Problem(ProblemType.RUN, brake.code, run.flow).identity for brake in run.brakes),
                run=run,
            )


@dataclass(frozen=True, slots=True)
class _Texts:
    """Texts in one language."""

    language: str
    zone: tzinfo

    def __call__(self, key: str, /, **facts: object) -> str:
        return words.sentence(key, self.language, **facts)

    def headline(self, code: str, facts: Mapping[str, str]) -> str:
        return words.headline(code, facts, self.language)

    def say(self, code: str, facts: Mapping[str, str]) -> words.Sentences:
        return words.say(code, facts, self.language, self.zone)

    def detail(self, code: str, facts: Mapping[str, str]) -> str:
        """Return the description of a cause with its facts, empty if the headline says the same."""
        description = self.say(code, facts).problem
        return "" if description.removesuffix(".") == self.headline(code, facts) else description


def _connection_item(
    connection: ConnectionStatus, state: str, name: str, step: str, verb: str, detail: str = ""
) -> WaitingItem:
    return WaitingItem(
        state=state,
        name=name,
        detail=detail,
        step=step,
        verb=verb,
        page="setup",
        params={"step": connection.system},
        system=connection.system,
        since=connection.since if connection.connected else None,
        incidents=(Problem(ProblemType.CONNECTION, "", subject=connection.system).identity,),
    )


def _invalid_settings(status: FlowStatus, text: _Texts) -> Iterator[WaitingItem]:
    """Yield settings of a flow that are not valid. The flow starts no run until they are corrected."""
    if (fault := status.fault) is not None:
        facts = {"flow": status.flow.name, **fault.facts}
        yield WaitingItem(
            state="failed",
            name=text.headline(fault.code, facts),
            detail=text.detail(fault.code, facts),
            step=text.say(fault.code, facts).do,
            verb="repair",
            page="flows",
            params={"flow": status.flow.name, "tab": "settings"},
            flow=status.flow.name,
        )


def _stopped_runs(status: FlowStatus, flows: Specs, text: _Texts) -> Iterator[WaitingItem]:
    run = status.newest_run
    if run is None or run.state not in (RunState.FAILED, RunState.INTERRUPTED):
        return
    state = "failed" if run.state is RunState.FAILED else "interrupted"
    place = repair_address(flows[run.flow], run.error, "", run.facts)
    at = run.ended_at or run.started_at
    if place:
        yield _run_item(run, state, "repair", place, at, flows, text, page="flows")
    else:
        yield _run_item(run, state, "look", {"run": run.id}, at, flows, text)


def _run_item(
    run: Run,
    state: str,
    verb: str,
    params: Mapping[str, str],
    since: datetime,
    flows: Specs,
    text: _Texts,
    page: str = "runs",
) -> WaitingItem:
    facts = {"system": flows[run.flow].flow.target, "flow": run.flow, "run": run.id, **run.facts}
    problem_type = ProblemType.CONNECTION if run.error in CONNECTION_CAUSES else ProblemType.RUN
    problem = Problem(problem_type, run.error, run.flow if problem_type is ProblemType.RUN else "")
    explanation = text.say(run.error, facts)
    return WaitingItem(
        state=state,
        name=text.headline(run.error, facts),
        detail=" ".join(part for part in (text.detail(run.error, facts), explanation.data) if part),
        step=explanation.do,
        verb=verb,
        page=page,
        params=params,
        flow=run.flow,
        since=since,
        incidents=(problem.identity,) if problem_type is ProblemType.RUN else (),
    )


def _incident_item(incident: Incident, text: _Texts) -> WaitingItem:
    """Return the item of an incident that no other item covers, such as a full disk."""
    problem = incident.problem
    address, _, query = page_address(problem).partition("?")
    return WaitingItem(
        state=SEVERITY_STATES[problem.severity],
        name=text.headline(problem.cause, problem.facts),
        detail=text.detail(problem.cause, problem.facts),
        step=text.say(problem.cause, problem.facts).do,
        verb="look",
        page=address.removeprefix("/"),
        params={**dict(parse_qsl(query)), **({"incident": str(incident.id)} if address == "/monitoring" else {})},
        flow=problem.flow,
        system=problem.subject if problem.type is ProblemType.CONNECTION else "",
        subject=problem.identity,
        count=problem.count,
        since=incident.started_at,
        incidents=(problem.identity,),
    )
