"""Both connections: how they stand, connecting them, and the check line by line with what the flows need besides."""

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from integration.connectors.accountview.settings import SYSTEM
from integration.connectors.protocol import Configurable, Connector
from integration.connectors.systems import SYSTEMS
from integration.core.authorization import requires
from integration.core.connections import Finding, Tell, ignore_progress
from integration.core.errors import IntegrationError
from integration.core.flow import Flow
from integration.core.people import START, Actor, Right
from integration.core.records import Kind
from integration.core.rules import Mapping as RuleMapping
from integration.flows.functions.toolbox import read_by
from integration.flows.registry import Specs
from integration.flows.settings import BOOKS, TILL, FlowSettings
from integration.flows.spec import FlowSpec
from integration.services.connections.chosen_flows import ChosenFlows
from integration.services.connections.foreign_documents import ForeignDocumentSearch
from integration.services.connections.logins import TOKENS, LogIns
from integration.services.connections.proposals import Proposals
from integration.services.connections.sandbox_host import SandboxHost
from integration.services.mappings.mappings import Logics, Mappings
from integration.services.systems.connection_settings import KEPT_TOKENS, ConnectorFactory, usable_access
from integration.store.database import Clock

UNREACHED = "log-in"  # the one line of a check where there is nothing to ask


@dataclass(frozen=True, slots=True)
class Use:
    """One field of a kind of record, under the name it has in records, and where it is used.

    `cause` and `facts` say it when there is no such field. One that is not `chosen` is read where it is there: the
    installation may leave it without a column.
    """

    kind: Kind
    field: str
    cause: str
    facts: Mapping[str, str]
    chosen: bool = False


def uses(spec: FlowSpec, settings: FlowSettings, mapping: RuleMapping) -> list[Use]:
    """Return every field of AccountView that a flow reads or writes. Raises ConfigurationError for a wrong formula."""
    flow, computed = spec.with_settings(settings), {one.name for one in spec.computed}
    if flow.target == BOOKS:
        return list(_written(flow, mapping))
    return [*_read(flow, mapping, computed), *_asked(flow, settings)]


def _read(flow: Flow, mapping: RuleMapping, computed: Collection[str]) -> Iterator[Use]:
    for rule in mapping.rules:
        kind = flow.read_for(Kind(rule.target.partition(".")[0]))
        for name in sorted(read_by(rule).difference(computed)):
            yield Use(kind, name, "rule_field_unknown", {"target": rule.target})


def _asked(flow: Flow, settings: FlowSettings) -> Iterator[Use]:
    kinds = tuple(stage.source for stage in flow.counting)
    for number, each in enumerate(settings.filters, start=1):
        for kind in kinds:
            yield Use(kind, each.field, "filter_field_unknown", {"number": str(number)}, chosen=True)
    for setting, name, chosen in settings.reads():
        yield Use(flow.counted.source, name, "setting_field_unknown", {"setting": setting}, chosen)


def _written(flow: Flow, mapping: RuleMapping) -> Iterator[Use]:
    kinds = {stage.target for stage in flow.stages if not stage.off} | {Kind.LINE}
    for rule in mapping.rules:
        kind, _, name = rule.target.partition(".")
        if kind in kinds:
            yield Use(Kind(kind), name, "rule_field_unknown", {"target": rule.target})


@dataclass(frozen=True, slots=True)
class Chosen:
    """One flow that shall run, with its settings and the mapping in force."""

    spec: FlowSpec
    settings: FlowSettings
    mapping: RuleMapping


def missing_needs(
    connector: Connector,
    chosen: Collection[Chosen],
    strangers: ForeignDocumentSearch,
) -> list[Finding]:
    """Return what each flow needs more than the check looks at: a line for all it lacks, else one in all.

    Where it lacks nothing, what `strangers` tells: that somebody else writes there under its prefix.
    """
    if not isinstance(connector, Configurable):
        return []
    found = []
    for one in chosen:
        flow, wanted = one.spec.name, one.spec.needs(one.settings)
        manner = {"written": one.spec.flow.target == BOOKS, "as_invoices": wanted.as_invoices}
        looked = [each for kind in wanted.kinds for each in connector.needs(kind, **manner)]
        looked += [each for kind in wanted.looked_at for each in connector.needs(kind)]
        lacking = [*(one for one in looked if not one.ok), *_unknown(connector, one)]
        lacking = lacking or strangers.findings(connector, one.spec, one.settings)
        wrong = [replace(each, name=f"flow_{flow}", facts={**each.facts, "flow": flow}) for each in lacking]
        found += wrong
        if looked and not wrong:
            about = ", ".join(dict.fromkeys(one.about for one in looked if one.about))
            found.append(Finding(f"flow_{flow}", ok=True, about=about))
    return found


class FlowNeeds:
    """What the chosen flows need of AccountView beyond the connection; before any is chosen, all of them."""

    def __init__(
        self,
        flows: Specs,
        access: ConnectorFactory,
        mappings: Mappings,
        chosen: ChosenFlows,
        strangers: ForeignDocumentSearch,
        logics: Logics,
    ) -> None:
        self._flows = flows
        self._access = access
        self._mappings = mappings
        self._chosen = chosen
        self._strangers = strangers
        self._logics = logics

    def missing(self) -> list[Finding]:
        """Return what they lack, and where one lacks nothing, that somebody else writes under its prefix."""
        chosen = [
            Chosen(self._flows[name], self._logics.settings(name), self._mappings.published(name).mapping)
            for name in self._chosen.chosen() or self._flows
        ]
        return missing_needs(self._access.connector(BOOKS), chosen, self._strangers)


def with_flows(findings: Sequence[Finding], flows: Collection[Flow]) -> list[Finding]:
    """Return findings of a check, each with the first flow that has the kind of record it is about."""
    first = {
        str(kind): flow.name
        for flow in reversed(list(flows))
        for stage in flow.stages
        for kind in (stage.source, stage.target)
    }
    return [
        replace(one, facts={**one.facts, "flow": first[one.facts["kind"]]}) if one.facts.get("kind") in first else one
        for one in findings
    ]


def _unknown(connector: Configurable, chosen: Chosen) -> Iterator[Finding]:
    """Yield a finding for each field that a flow uses and records do not have, as far as it was found out."""
    by_kind: dict[Kind, list[Use]] = {}
    try:
        for use in uses(chosen.spec, chosen.settings, chosen.mapping):
            by_kind.setdefault(use.kind, []).append(use)
        if chosen.spec.needs(chosen.settings).as_invoices:  # kept in a place whose fields the connector alone knows
            by_kind = {kind: found for kind, found in by_kind.items() if kind not in (Kind.SALES_ORDER, Kind.LINE)}
        for kind, found in by_kind.items():
            unknown = connector.unknown(kind, {use.field for use in found})
            for use in found:
                column = unknown.get(use.field)
                if column or (column is not None and use.chosen):
                    facts = {"system": SYSTEM, "field": column or use.field}
                    yield Finding("", ok=False, cause=use.cause, facts={**facts, **use.facts})
    except IntegrationError as error:
        yield Finding("", ok=False, cause=error.code, facts=dict(error.facts))


# ---- the connections ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ConnectionCheck:
    """One connection at a glance. `ok` is None before the first check."""

    system: str
    connected: bool
    about: str = ""
    ok: bool | None = None
    checked_at: datetime | None = None
    findings: tuple[Finding, ...] = ()
    milliseconds: int | None = None


class Connections:
    """Both connections, as a person makes and checks them."""

    def __init__(
        self,
        access: ConnectorFactory,
        clock: Clock,
        sandbox: SandboxHost,
        flows: Collection[Flow],
        *,
        proposals: Proposals,
        needs: FlowNeeds,
        prefix_of: Mapping[str, str],
    ) -> None:
        """`proposals` fill what two systems that answer leave no choice about.

        `prefix_of` has by flow the flow that sets the prefix of its documents.
        """
        self._prefix_of = prefix_of
        self._access = access
        self._clock = clock
        self._sandbox = sandbox
        self._flows = flows
        self._proposals = proposals
        self._needs = needs
        self._logins = LogIns(access, clock)
        self._checked: dict[str, tuple[int, ConnectionCheck]] = {}
        self._failed: dict[str, ConnectionCheck] = {}

    # ---- how they stand

    @requires(Right.SEE)
    def statuses(self) -> list[ConnectionCheck]:
        """Return both connections as they were checked last."""
        return [self.of(system) for system in SYSTEMS]

    @requires(Right.SEE)
    def of(self, system: str) -> ConnectionCheck:
        """Return a connection as it was checked last."""
        return self._last(system) or ConnectionCheck(system, connected=self._access.is_connected(system))

    @requires(Right.SEE)
    def known(self, system: str) -> ConnectionCheck:
        """Return a connection as it was checked last, and now where nobody has had it checked since the start."""
        if self._access.is_connected(system) and self._last(system) is None:
            self.check(system)
        return self.of(system)

    def _last(self, system: str) -> ConnectionCheck | None:
        """Return how the connection was found that is there now."""
        changes, status = self._checked.get(system, (-1, None))
        return status if changes == self._access.changes(system) else None

    @requires(Right.SEE)
    def are_well(self) -> dict[str, bool]:
        """Return of each system whether it is connected and, as far as it has been checked, nothing is wrong."""
        return {status.system: status.connected and status.ok is not False for status in self.statuses()}

    @requires(Right.SEE)
    def prefix_in_use(self, flow: str) -> Mapping[str, str]:
        """Return what the last check told of documents that are not ours, under the prefix that a flow sets.

        They are told by prefix, number, example, and a prefix that is free.
        """
        told = (one.facts for one in self.known(BOOKS).findings if one.cause == "prefix_in_use")
        return next((facts for facts in told if self._prefix_of.get(facts.get("flow", "")) == flow), {})

    @requires(Right.SEE)
    def check(self, system: str, tell: Tell = ignore_progress) -> list[Finding]:
        """Check a connection now, look by look, stopping at the first that finds something wrong; `tell` hears each.

        Once AccountView has been looked at to the end, what the flows need beyond the connection follows.
        """
        with suppress(IntegrationError):  # which the look tells
            connector = self._access.connector(system)
            if isinstance(connector, Configurable):
                connector.forget()
        return self._look(system, tell)

    def _look(self, system: str, tell: Tell = ignore_progress) -> list[Finding]:
        """Check a connection by what it has read of the installation."""
        self._failed.pop(system, None)
        return self._found(self._looked(system, tell, self._in_force(system)))

    @requires(Right.SEE)
    def failed(self, system: str) -> ConnectionCheck | None:
        """Return how a new access was found that did not work: the one before it stayed in force."""
        return self._failed.get(system)

    def _looked(self, system: str, tell: Tell, connector: AbstractContextManager[Connector]) -> ConnectionCheck:
        begun = time.monotonic()
        try:
            with connector as one:
                findings = with_flows(one.check(lambda lines: tell(with_flows(lines, self._flows))), self._flows)
        except IntegrationError as error:
            findings = [Finding(UNREACHED, ok=False, cause=error.code, facts=dict(error.facts))]
        spent = int((time.monotonic() - begun) * 1000)
        about = next((one.about for one in findings if one.name == SYSTEMS[system].told), "")
        return ConnectionCheck(
            system,
            self._access.is_connected(system),
            about,
            all(one.ok for one in findings),
            self._clock(),
            tuple(findings),
            spent,
        )

    @contextmanager
    def _in_force(self, system: str) -> Iterator[Connector]:
        yield self._access.connector(system)

    def _found(self, status: ConnectionCheck) -> list[Finding]:
        """Keep how the connection in force was found, with what the flows need of it."""
        findings = list(status.findings)
        if status.system == BOOKS and all(one.ok is not None and one.name != UNREACHED for one in findings):
            findings += self._needs.missing()
        known = replace(status, connected=self._access.is_connected(status.system), findings=tuple(findings))
        self._checked[status.system] = self._access.changes(status.system), known
        return findings

    @requires(Right.SEE)
    def is_entered(self) -> bool:
        """Tell whether somebody has entered here how a system of their own is reached, or is just doing so."""
        return self._access.is_entered() or self._logins.are_begun()

    # ---- connecting the built-in systems

    @requires(Right.CONNECT)
    def use_sandbox(self, by: Actor) -> None:
        """Connect to the built-in systems; nothing of a real system is touched.

        Raises ConfigurationError while settings name a real system.
        """
        self._sandbox.use(by.ref, keep=True)
        self._proposals.fill(by.ref)
        for system in SYSTEMS:
            self._look(system)

    @requires(Right.CONNECT)
    def join_sandbox(self) -> None:
        """Connect to the built-in systems where a setting or the console says so; see `use_sandbox`.

        Like other systems at a start, they are not checked before somebody asks for it.
        """
        if self._sandbox.is_asked_for():
            self._sandbox.use(START.ref, keep=False)
            self._proposals.join(START.ref)
        elif self._sandbox.is_chosen():
            self._sandbox.leave(by=START.ref)

    # ---- connecting one's own systems: an access is in force until another one has worked

    @requires(Right.CONNECT)
    def connect_mplus(
        self, url: str, ident: str, secret: str, by: Actor, tell: Tell = ignore_progress
    ) -> list[Finding]:
        """Check access to the till, and keep it once it has worked or where there is none yet; `tell` hears each line.

        Raises ConfigurationError for what can be no access, before anything is asked.
        """
        given = {"url": url.strip(), "ident": ident.strip(), "secret": secret.strip()}
        entered = self._entered(TILL, given, by.ref)
        return self._replaced(
            TILL,
            self._access.on_trial(TILL, entered),
            lambda: self._access.keep(TILL, entered, by.ref),
            by.ref,
            tell,
        )

    def _entered(self, system: str, given: Mapping[str, Any], by: str) -> dict[str, Any]:
        entered = usable_access(system, given)
        self._access.expect_unbound(system, entered)
        self._sandbox.leave(by)
        return entered

    def _replaced(
        self,
        system: str,
        trial: AbstractContextManager[Connector],
        take: Callable[[], None],
        by: str,
        tell: Tell,
    ) -> list[Finding]:
        """Check an access on trial and take it if it works; where there is none to lose, take it and see."""
        self._failed.pop(system, None)
        if not self._access.is_connected(system):
            take()
            findings = self.check(system, tell)
        else:
            status = self._looked(system, tell, trial)
            if not any(one.ok and one.name == SYSTEMS[system].told for one in status.findings):
                self._failed[system] = status
                return list(status.findings)
            take()
            findings = self._found(status)
        if all(status.ok for status in self.statuses()):  # then fill what they answer without a question
            self._proposals.fill(by, anew=system != BOOKS)
            for other in SYSTEMS:  # a proposal renews the connection, which asks for a new look
                if self._last(other) is None:
                    self._look(other)
        return findings

    @requires(Right.CONNECT)
    def address(self, system: str) -> str:
        """Return where a system is, or where it usually is while none of one's own is connected."""
        return self._access.address(system)

    @requires(Right.CONNECT)
    def authorize_address(self, redirect_uri: str, client_id: str, client_secret: str, by: Actor, url: str = "") -> str:
        """Return where the operator logs in at AccountView with the application's keys.

        The answer comes back to `redirect_uri`, in whichever process and browser tab, and is good for a quarter of an
        hour; `authorized` takes it. Raises ConfigurationError for what can be no access, before anything is kept.
        """
        given = {"client_id": client_id, "client_secret": client_secret, "url": url}
        entered = {name: value.strip() for name, value in given.items() if value.strip()}
        return self._logins.begin(self._entered(BOOKS, entered, by.ref), redirect_uri, by.ref)

    @requires(Right.CONNECT)
    def authorized(self, code: str, state: str) -> None:
        """Exchange the code that came back from the log-in for the first pair of tokens.

        Raises AccessDeniedError for an answer to a log-in that was not begun here, or was answered before.
        """
        self._logins.answered(code, state)

    @requires(Right.SEE)
    def is_logged_in(self) -> bool:
        """Tell whether somebody has logged in at the AccountView that is connected, or is being connected."""
        return bool(self._logins.waiting()) or self._access.tokens().load() is not None

    @requires(Right.CONNECT)
    def companies(self) -> dict[str, str]:
        """Return the companies the logged-in user may use: id and name."""
        entered = self._logins.waiting()
        with self._access.client(entered, TOKENS if entered else KEPT_TOKENS) as client:
            return {one.id: one.name for one in client.companies()}

    @requires(Right.CONNECT)
    def choose_company(self, company: str, by: Actor, tell: Tell = ignore_progress) -> list[Finding]:
        """Check the company, with the log-in that waits for one, and keep it as `connect_mplus` does."""
        entered, chosen = self._logins.waiting(), {"company": company}
        return self._replaced(
            BOOKS,
            self._access.on_trial(BOOKS, {**entered, **chosen}, TOKENS if entered else KEPT_TOKENS),
            lambda: self._logins.take(chosen, by.ref),
            by.ref,
            tell,
        )
