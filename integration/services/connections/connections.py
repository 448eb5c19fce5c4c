"""Connections to both systems: status, connecting, and the check with everything that the flows need."""

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from integration.connectors.protocol import Configurable, Connector
from integration.connectors.registration import System
from integration.connectors.systems import SYSTEMS, systems_for
from integration.core.authorization import requires
from integration.core.connections import Finding, FindingsCallback, ignore_progress
from integration.core.errors import ConfigurationError, IntegrationError
from integration.core.flow import Flow
from integration.core.people import START, Actor, Right
from integration.core.records import Kind
from integration.core.rules import Mapping as RuleMapping
from integration.core.system_roles import SystemRole, assigned_systems
from integration.flows.functions.toolbox import read_by
from integration.flows.registry import Specs
from integration.flows.settings import BOOKS, FlowSettings
from integration.flows.spec import FlowSpec
from integration.services.connections.chosen_flows import ChosenFlows
from integration.services.connections.foreign_documents import ForeignDocumentSearch
from integration.services.connections.logins import TOKENS, LogIns
from integration.services.connections.proposals import Proposals
from integration.services.connections.sandbox_host import SandboxHost
from integration.services.mappings.mappings import Logics, Mappings
from integration.services.systems.connection_settings import ISSUED_TOKENS, ConnectorFactory, usable_access
from integration.services.systems.system_choice import SystemChoice
from integration.store.database import Clock
from integration.store.links import Links

UNREACHED = "log-in"  # the only finding of a check that could not reach the system


@dataclass(frozen=True, slots=True)
class Use:
    """A field of a kind of record that a flow uses, by its name in records, and where the flow uses it.

    `cause` and `facts` describe the error if the field does not exist. A field that is not `chosen` is optional: the
    installation may have no column for it.
    """

    kind: Kind
    field: str
    cause: str
    facts: Mapping[str, str]
    chosen: bool = False


def uses(spec: FlowSpec, settings: FlowSettings, mapping: RuleMapping) -> list[Use]:
    """Return every field of the books that a flow reads or writes.

    Raises ConfigurationError for an invalid formula.
    """
    flow, computed = spec.with_settings(settings), {field.name for field in spec.computed}
    if flow.target == BOOKS.system:
        return list(_rule_targets(flow, mapping))
    return [*_rule_inputs(flow, mapping, computed), *_setting_inputs(flow, settings)]


def _rule_inputs(flow: Flow, mapping: RuleMapping, computed: Collection[str]) -> Iterator[Use]:
    for rule in mapping.rules:
        kind = flow.read_for(Kind(rule.target.partition(".")[0]))
        for name in sorted(read_by(rule).difference(computed)):
            yield Use(kind, name, "rule_field_unknown", {"target": rule.target})


def _setting_inputs(flow: Flow, settings: FlowSettings) -> Iterator[Use]:
    kinds = tuple(stage.source for stage in flow.counted_stages)
    for number, condition in enumerate(settings.filters, start=1):
        for kind in kinds:
            yield Use(kind, condition.field, "filter_field_unknown", {"number": str(number)}, chosen=True)
    for setting, name, chosen in settings.reads():
        yield Use(flow.counted_stage.source, name, "setting_field_unknown", {"setting": setting}, chosen)


def _rule_targets(flow: Flow, mapping: RuleMapping) -> Iterator[Use]:
    kinds = {stage.target for stage in flow.stages if not stage.off} | {Kind.LINE}
    for rule in mapping.rules:
        kind, _, name = rule.target.partition(".")
        if kind in kinds:
            yield Use(Kind(kind), name, "rule_field_unknown", {"target": rule.target})


@dataclass(frozen=True, slots=True)
class ChosenFlow:
    """A flow that is to run, with its settings and its published mapping."""

    spec: FlowSpec
    settings: FlowSettings
    mapping: RuleMapping


def missing_needs(
    connector: Connector,
    chosen: Collection[ChosenFlow],
    foreign_documents: ForeignDocumentSearch,
) -> list[Finding]:
    """Return one finding per unmet need of each flow, or one positive finding if all needs are met.

    If nothing is missing, `foreign_documents` adds a finding if another program writes documents under the prefix of
    the flow.
    """
    if not isinstance(connector, Configurable):
        return []
    findings = []
    for chosen_flow in chosen:
        flow, needs = chosen_flow.spec.name, chosen_flow.spec.needs(chosen_flow.settings)
        manner = {"for_insert": chosen_flow.spec.flow.target == BOOKS.system, "as_invoices": needs.as_invoices}
        all_findings = [finding for kind in needs.kinds for finding in connector.needs(kind, **manner)]
        all_findings += [finding for kind in needs.read_only_kinds for finding in connector.needs(kind)]
        failed = [finding for finding in all_findings if not finding.ok]
        open_needs = [*failed, *_missing_fields(connector, chosen_flow)]
        open_needs = open_needs or foreign_documents.findings(connector, chosen_flow.spec, chosen_flow.settings)
        flow_findings = [
            replace(finding, name=f"flow_{flow}", facts={**finding.facts, "flow": flow}) for finding in open_needs
        ]
        findings += flow_findings
        if all_findings and not flow_findings:
            about = ", ".join(dict.fromkeys(finding.about for finding in all_findings if finding.about))
            findings.append(Finding(f"flow_{flow}", ok=True, about=about))
    return findings


class FlowNeeds:
    """Checks the requirements of the chosen flows on the books, in addition to the connection.

    Before any is chosen, checks all flows.
    """

    def __init__(
        self,
        flows: Specs,
        access: ConnectorFactory,
        mappings: Mappings,
        chosen: ChosenFlows,
        foreign_documents: ForeignDocumentSearch,
        logics: Logics,
    ) -> None:
        self._flows = flows
        self._access = access
        self._mappings = mappings
        self._chosen_flows = chosen
        self._foreign_documents = foreign_documents
        self._logics = logics

    def missing(self) -> list[Finding]:
        """Return the findings of `missing_needs` for the chosen flows."""
        chosen = [
            ChosenFlow(self._flows[name], self._logics.settings(name), self._mappings.published(name).mapping)
            for name in self._chosen_flows.chosen_flows() or self._flows
        ]
        return missing_needs(self._access.connector(BOOKS.system), chosen, self._foreign_documents)


def with_flows(findings: Sequence[Finding], flows: Collection[Flow]) -> list[Finding]:
    """Return the findings, each with the first flow that uses its kind of record."""
    first = {
        str(kind): flow.name
        for flow in reversed(list(flows))
        for stage in flow.stages
        for kind in (stage.source, stage.target)
    }
    return [
        replace(finding, facts={**finding.facts, "flow": first[finding.facts["kind"]]})
        if finding.facts.get("kind") in first
        else finding
        for finding in findings
    ]


def _missing_fields(connector: Configurable, chosen: ChosenFlow) -> Iterator[Finding]:
    """Yield a finding for each field that a flow uses and the books lack, as far as that is known."""
    by_kind: dict[Kind, list[Use]] = {}
    try:
        for use in uses(chosen.spec, chosen.settings, chosen.mapping):
            by_kind.setdefault(use.kind, []).append(use)
        if chosen.spec.needs(chosen.settings).as_invoices:  # stored in an object whose fields only the connector knows
            by_kind = {
                kind: kind_uses for kind, kind_uses in by_kind.items() if kind not in (Kind.SALES_ORDER, Kind.LINE)
            }
        for kind, kind_uses in by_kind.items():
            unknown = connector.missing_fields(kind, {use.field for use in kind_uses})
            for use in kind_uses:
                column = unknown.get(use.field)
                if column or (column is not None and use.chosen):
                    facts = {"system": SYSTEMS[BOOKS.system].caption, "field": column or use.field}
                    yield Finding("", ok=False, cause=use.cause, facts={**facts, **use.facts})
    except IntegrationError as error:
        yield Finding("", ok=False, cause=error.code, facts=dict(error.facts))


# ---- the connections ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ConnectionCheck:
    """The status of one connection. `ok` is None before the first check."""

    system: str
    connected: bool
    about: str = ""
    ok: bool | None = None
    checked_at: datetime | None = None
    findings: tuple[Finding, ...] = ()
    milliseconds: int | None = None


class Connections:
    """Connects and checks both systems."""

    def __init__(
        self,
        access: ConnectorFactory,
        clock: Clock,
        sandbox: SandboxHost,
        flows: Collection[Flow],
        *,
        choice: SystemChoice,
        links: Links,
        proposals: Proposals,
        needs: FlowNeeds,
        prefix_of: Mapping[str, str],
    ) -> None:
        """Store the dependencies. `proposals` fill settings that have only one possible answer.

        `prefix_of` maps each flow to the flow whose settings hold the prefix of its documents.
        """
        self._prefix_of = prefix_of
        self._choice = choice
        self._links = links
        self._access = access
        self._clock = clock
        self._sandbox = sandbox
        self._flows = flows
        self._proposals = proposals
        self._needs = needs
        self._logins = LogIns(access, clock)
        self._last_checks: dict[str, tuple[int, ConnectionCheck]] = {}
        self._failed_checks: dict[str, ConnectionCheck] = {}

    # ---- status

    @requires(Right.SEE)
    def statuses(self) -> list[ConnectionCheck]:
        """Return the last status of both connections."""
        return [self.last_check(system) for system in assigned_systems()]

    @requires(Right.SEE)
    def last_check(self, system: str) -> ConnectionCheck:
        """Return the last status of a connection."""
        return self._last_check(system) or ConnectionCheck(system, connected=self._access.is_connected(system))

    @requires(Right.SEE)
    def ensure_check(self, system: str) -> ConnectionCheck:
        """Return the last status of a connection, and check it first if that has not happened since the start."""
        if self._access.is_connected(system) and self._last_check(system) is None:
            self.check(system)
        return self.last_check(system)

    def _last_check(self, system: str) -> ConnectionCheck | None:
        """Return the last status of the current connection, or None if it has not been checked."""
        changes, status = self._last_checks.get(system, (-1, None))
        return status if changes == self._access.changes(system) else None

    @requires(Right.SEE)
    def are_working(self) -> dict[str, bool]:
        """Return for each system whether it is connected and no check has found a problem."""
        return {status.system: status.connected and status.ok is not False for status in self.statuses()}

    @requires(Right.SEE)
    def prefix_in_use(self, flow: str) -> Mapping[str, str]:
        """Return the last check's finding about foreign documents under the prefix that a flow sets, or nothing.

        The facts are the prefix, the number of documents, an example, and a free prefix.
        """
        finding_facts = (
            finding.facts for finding in self.ensure_check(BOOKS.system).findings if finding.cause == "prefix_in_use"
        )
        return next((facts for facts in finding_facts if self._prefix_of.get(facts.get("flow", "")) == flow), {})

    @requires(Right.SEE)
    def check(self, system: str, on_progress: FindingsCallback = ignore_progress) -> list[Finding]:
        """Check a connection now, step by step, until a step finds a problem.

        `on_progress` is called with the findings so far.

        After a complete check of the books, the findings about the needs of the flows follow.
        """
        with suppress(IntegrationError):  # the check reports it
            connector = self._access.connector(system)
            if isinstance(connector, Configurable):
                connector.forget()
        return self._check_current(system, on_progress)

    def _check_current(self, system: str, on_progress: FindingsCallback = ignore_progress) -> list[Finding]:
        """Check a connection with the data that it has already read from the installation."""
        self._failed_checks.pop(system, None)
        return self._store_check(self._run_check(system, on_progress, self._current_connector(system)))

    @requires(Right.SEE)
    def failed(self, system: str) -> ConnectionCheck | None:
        """Return the check of new access data that did not work. The previous access data stay in force."""
        return self._failed_checks.get(system)

    def _run_check(
        self, system: str, on_progress: FindingsCallback, connector: AbstractContextManager[Connector]
    ) -> ConnectionCheck:
        start = time.monotonic()
        try:
            with connector as connection:
                findings = with_flows(
                    connection.check(lambda lines: on_progress(with_flows(lines, self._flows))), self._flows
                )
        except IntegrationError as error:
            findings = [Finding(UNREACHED, ok=False, cause=error.code, facts=dict(error.facts))]
        elapsed_ms = int((time.monotonic() - start) * 1000)
        about = next((finding.about for finding in findings if finding.name == SYSTEMS[system].identity_check), "")
        return ConnectionCheck(
            system,
            self._access.is_connected(system),
            about,
            all(finding.ok for finding in findings),
            self._clock(),
            tuple(findings),
            elapsed_ms,
        )

    @contextmanager
    def _current_connector(self, system: str) -> Iterator[Connector]:
        yield self._access.connector(system)

    def _store_check(self, status: ConnectionCheck) -> list[Finding]:
        """Store the check of the current connection, extended by the needs of the flows, and return its findings."""
        findings = list(status.findings)
        if status.system == BOOKS.system and all(
            finding.ok is not None and finding.name != UNREACHED for finding in findings
        ):
            findings += self._needs.missing()
        check = replace(status, connected=self._access.is_connected(status.system), findings=tuple(findings))
        self._last_checks[status.system] = self._access.changes(status.system), check
        return findings

    @requires(Right.SEE)
    def is_entered(self) -> bool:
        """Return True if somebody has entered access data for a real system, or is logging in."""
        return self._access.is_entered() or self._logins.are_begun()

    # ---- connecting the built-in systems

    @requires(Right.CONNECT)
    def use_sandbox(self, by: Actor) -> None:
        """Connect to the built-in systems. Real systems are not touched.

        Raises ConfigurationError if settings name a real system.
        """
        self._sandbox.use(by.ref, keep=True)
        self._proposals.fill(by.ref)
        for system in assigned_systems():
            self._check_current(system)

    @requires(Right.CONNECT)
    def join_sandbox(self) -> None:
        """Connect to the built-in systems at the start if a setting or an earlier choice says so; see `use_sandbox`.

        As with other systems, the start does not check the connections.
        """
        if self._sandbox.is_asked_for():
            self._sandbox.use(START.ref, keep=False)
            self._proposals.join(START.ref)
        elif self._sandbox.is_chosen():
            self._sandbox.leave(by=START.ref)

    # ---- connecting real systems: access data stay in force until new ones have worked

    @requires(Right.SEE)
    def choices(self, role: SystemRole) -> dict[str, str]:
        """Return the name and caption of each system that can have a role."""
        return {system.name: system.caption for system in systems_for(role)}

    @requires(Right.CONNECT)
    def choose_system(self, role: SystemRole, system: str, by: Actor) -> None:
        """Give a role to a system. Returns to the real systems if the built-in ones are connected.

        Raises ConfigurationError `role_in_use` if records are linked with the system that has the role now, and
        KeyError if the system cannot have the role.
        """
        if system not in self.choices(role):
            raise KeyError(system)
        self._sandbox.leave(by.ref)
        if system != role.system and any(self._links.kinds(flow.name) for flow in self._flows):
            raise ConfigurationError("role_in_use", system=role.system)
        self._choice.choose(role, system, by)
        self._access.assign_systems()

    @requires(Right.SEE)
    def registration(self, system: str) -> System:
        """Return the registration of a system."""
        return SYSTEMS[system]

    @requires(Right.CONNECT)
    def connect(
        self, system: str, values: Mapping[str, str], by: Actor, on_progress: FindingsCallback = ignore_progress
    ) -> list[Finding]:
        """Check entered access data of a system, and store them if they work or none are stored yet.

        `values` has the fields of its set-up form by name. `on_progress` is called with the findings.

        Raises ConfigurationError for unusable data, before any call.
        """
        access_data = {name: values.get(name, "").strip() for row in SYSTEMS[system].form for name in row}
        entered = self._prepare_access(system, {name: value for name, value in access_data.items() if value}, by.ref)
        return self._replace_if_working(
            system,
            self._access.on_trial(system, entered),
            lambda: self._access.keep(system, entered, by.ref),
            by.ref,
            on_progress,
        )

    def _prepare_access(self, system: str, access_data: Mapping[str, Any], by: str) -> dict[str, Any]:
        entered = usable_access(system, access_data)
        self._access.require_own_address(system, entered)
        self._sandbox.leave(by)
        return entered

    def _replace_if_working(
        self,
        system: str,
        trial: AbstractContextManager[Connector],
        take: Callable[[], None],
        by: str,
        on_progress: FindingsCallback,
    ) -> list[Finding]:
        """Check new access data and put them in force if they work. If none are in force, put them in force first."""
        self._failed_checks.pop(system, None)
        if not self._access.is_connected(system):
            take()
            findings = self.check(system, on_progress)
        else:
            status = self._run_check(system, on_progress, trial)
            if not any(finding.ok and finding.name == SYSTEMS[system].identity_check for finding in status.findings):
                self._failed_checks[system] = status
                return list(status.findings)
            take()
            findings = self._store_check(status)
        if all(status.ok for status in self.statuses()):  # then fill the settings that have only one possible answer
            self._proposals.fill(by, anew=system != BOOKS.system)
            for other in assigned_systems():  # a proposal replaces the connection, which needs a new check
                if self._last_check(other) is None:
                    self._check_current(other)
        return findings

    @requires(Right.CONNECT)
    def address(self, system: str) -> str:
        """Return the address of a system, or its usual address if no own system is connected."""
        return self._access.address(system)

    @requires(Right.CONNECT)
    def authorize_address(self, redirect_uri: str, client_id: str, client_secret: str, by: Actor, url: str = "") -> str:
        """Return the address at which the operator logs in at the books with the application's keys.

        The books answer to `redirect_uri`, in any process and browser tab, within 15 minutes; `authorized` takes the
        answer. Raises ConfigurationError for unusable data, before anything is stored.
        """
        access_data = {"client_id": client_id, "client_secret": client_secret, "url": url}
        entered = {name: value.strip() for name, value in access_data.items() if value.strip()}
        return self._logins.begin(self._prepare_access(BOOKS.system, entered, by.ref), redirect_uri, by.ref)

    @requires(Right.CONNECT)
    def authorized(self, code: str, state: str) -> None:
        """Exchange the authorization code of a log-in for the first pair of tokens.

        Raises AccessDeniedError for an answer to a log-in that did not begin here, or that was already answered.
        """
        self._logins.answered(code, state)

    @requires(Right.SEE)
    def is_logged_in(self) -> bool:
        """Return True if there are tokens for the books, in force or of a log-in that waits for a company."""
        return bool(self._logins.waiting()) or self._access.tokens().load() is not None

    @requires(Right.CONNECT)
    def companies(self) -> dict[str, str]:
        """Return the companies that the logged-in user may use: id and name."""
        entered = self._logins.waiting()
        with self._access.client(entered, TOKENS if entered else ISSUED_TOKENS) as client:
            return {company.id: company.name for company in client.companies()}

    @requires(Right.CONNECT)
    def choose_company(self, company: str, by: Actor, on_progress: FindingsCallback = ignore_progress) -> list[Finding]:
        """Check the company, with the waiting log-in if there is one, and store it as `connect` does."""
        entered, chosen = self._logins.waiting(), {"company": company}
        return self._replace_if_working(
            BOOKS.system,
            self._access.on_trial(BOOKS.system, {**entered, **chosen}, TOKENS if entered else ISSUED_TOKENS),
            lambda: self._logins.take(chosen, by.ref),
            by.ref,
            on_progress,
        )
