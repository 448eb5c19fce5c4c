"""The only place where parts meet: builds the application, and offers pages and terminal what they may ask for."""

from __future__ import annotations

import csv
import hashlib
import hmac
import io
import json
import os
import secrets
import socket
import tempfile
import threading
import time
import tomllib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast
from zoneinfo import ZoneInfo

import structlog
from pydantic import BaseModel, ValidationError

from integration.connectors.accountview.client import AccountViewClient
from integration.connectors.accountview.connector import AccountView
from integration.connectors.accountview.settings import AccountViewSettings
from integration.connectors.mplus.connector import Mplus
from integration.connectors.mplus.settings import MplusSettings
from integration.connectors.protocol import Connector, Finding, Tell, unheard
from integration.core.corrections import corrected
from integration.core.errors import AccessDeniedError, ConfigurationError, IntegrationError, PlanStaleError
from integration.core.flow import Flow
from integration.core.plan import Approval
from integration.core.records import Field, Kind, Record
from integration.core.rules import Mapping as RuleMapping
from integration.core.rules import Trace, rules_from, rules_to
from integration.core.run import EVERY_LINE, Among, Mode, Pace, Phase, PlanRow, Run, RunState, pace
from integration.core.schedule import WALL_CLOCK, Schedule
from integration.core.tokens import Token
from integration.flows.registry import FLOWS, Specs, mirrors_of, writer_of
from integration.flows.settings import FlowSettings
from integration.flows.spec import FlowLogic
from integration.flows.systems import BOOKS
from integration.log.client import ANNOUNCED
from integration.log.logbook import BATCH, Logbook, Sought, table_of
from integration.runner import Parts, Patience, Runner
from integration.services.drafts import Trying
from integration.services.exceptions import MOST, UNMAPPED, Exceptions, missing_row, notes_of
from integration.services.first_answers import fill_in
from integration.services.flows import Gauge, Published, Sifted, crons, exposition, next_time, sift
from integration.services.lists import Remembered
from integration.services.names import Naming
from integration.services.needs import Chosen, needs
from integration.services.objects import Named
from integration.services.questions import Questions
from integration.services.setup import SettingUp
from integration.services.trials import Trial
from integration.settings import PREFIX, Settings, load_settings, refused
from integration.store.corrections import Corrections
from integration.store.cursors import Cursors
from integration.store.database import Database, open_database
from integration.store.events import Event, Events
from integration.store.heartbeats import Heartbeats
from integration.store.issues import Cause, CauseGroup, Issues
from integration.store.leases import Leases
from integration.store.links import Links
from integration.store.places import change_place
from integration.store.rules import Rules
from integration.store.runs import Runs
from integration.store.secrets import Connections, StoredTokens
from integration.store.settings import StoredSettings

if TYPE_CHECKING:  # imported where they are started: most commands of a terminal start neither
    from integration.engine import Engine
    from integration.sandbox.server import Sandbox

log = structlog.get_logger(__name__)

ROOT = Path(__file__).parent.parent
SANDBOX_REFRESH = "sandbox-refresh"
SANDBOX_TILL = {"ident": "sandbox", "secret": "sandbox-secret"}
SANDBOX_CLIENT = {"client_id": "sandbox-client", "client_secret": "sandbox-secret", "company": "7f3c"}
SANDBOX_WAREHOUSES = {
    "object": "K9V", "table": "K9_STOCK", "article": "ART_CODE", "warehouse": "K9_BRANCH", "quantity": "K9_QTY",
}  # fmt: skip
SANDBOX_PACE = {"per_second": 100_000}  # nobody else is to be spared there
MPLUS_ADDRESS = "https://api.mpluskassa.nl"
LOGINS = "accountview-logins"
LOGIN_KEPT = timedelta(minutes=15)
RATES_KEPT = timedelta(minutes=5)
CHOICES_KEPT = timedelta(minutes=1)
SLOT_SECONDS = 60.0
ACCESS_SECONDS = 2.0  # how long another process may go on with what was changed
CSV_PAGE = 1_000  # lines read at a time
SANDBOX_START_SECONDS = 30.0
TICKET_SECONDS = 12 * 3600
SYSTEMS = ("accountview", "mplus")
OTHERS = 0o077  # a mask: what nobody but the owner may do with a file
KEPT = ("console.*", "engine.*", "log.duckdb*", "sandbox.journal")
IDENTITY = frozenset({"url", "client_id", "client_secret", "refresh_token", "company", "ident", "secret"})

S = TypeVar("S", bound=BaseModel)
T = TypeVar("T")


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


@dataclass(frozen=True, slots=True)
class ConnectionStatus:
    """One connection at a glance. `ok` is None before the first check."""

    system: str
    connected: bool
    about: str = ""
    ok: bool | None = None
    checked_at: datetime | None = None
    findings: tuple[Finding, ...] = ()
    milliseconds: int | None = None


def _now() -> datetime:
    return datetime.now(UTC)


class Application:
    """Everything the console does, for pages and terminal. Pages show what it answers and decide nothing."""

    def __init__(
        self, settings: Settings, *, executor: str = "server", serves: bool = True, flows: Specs = FLOWS
    ) -> None:
        self.settings = settings
        self.specs = flows
        self.flows = {name: spec.flow for name, spec in flows.items()}
        mirrors = mirrors_of(flows.values())
        self._stack = ExitStack()
        self._lock = threading.RLock()
        self._checked: dict[str, ConnectionStatus] = {}
        self._connectors: dict[str, AccountView | Mplus] = {}
        self._replaced: list[AccountView | Mplus] = []  # may still be at work; closed at the end
        self._seen_access: dict[str, tuple[float, str]] = {}  # by its mark: secrets stand nowhere in the clear
        self._rates: dict[str, tuple[datetime, dict[str, Decimal]]] = {}
        self._logics: dict[str, tuple[object, FlowLogic]] = {}
        self._calls: dict[str, dict[int, int]] = {}
        self._answers: dict[tuple[int, str], tuple[datetime, object]] = {}
        self._captions = Remembered(RATES_KEPT.total_seconds())
        self.sandbox: Sandbox | None = None  # the built-in systems, while they are connected and run in this process
        self._box: Sandbox | None = None  # likewise, connected or not
        self.sandboxed = False  # whether both systems are the built-in ones, in whichever process they run
        self._owner = f"{socket.gethostname()}-{os.getpid()}"
        self._minder: threading.Thread | None = None
        self._closing = threading.Event()
        self._log_token = ""
        self._ticket_key = secrets.token_bytes(32)
        self.database: Database = _opened(settings)
        self._stack.callback(self.database.close)
        self._stack.callback(self._captions.close)
        self._runs = Runs(self.database, _now, mirrors=mirrors)
        self.links = Links(self.database, _now, mirrors=mirrors)
        self.issues = Issues(self.database, _now)
        self.rules = Rules(self.database, _now)
        self.stored = StoredSettings(self.database, _now)
        self.leases = Leases(self.database, _now)
        self.connected = Connections(
            self.database, _now, key=settings.key.get_secret_value(), key_file=settings.data / "console.key"
        )
        self._publish_shipped()
        self.corrections = Corrections(self.database, _now)
        self.trying = Trying(  # drafts of mappings, and what they would do
            flows, self.connector, self.flow, self._logic_with, self.rules, self._runs, self.stored, self._corrected
        )
        self.naming = Naming(
            flows,
            self.stored,
            access=lambda: self._access("accountview"),
            connector=lambda: self.connector("accountview"),
            name=self._name,
            file=settings.accountview.names,
        )
        self.setting_up = SettingUp(
            flows,
            self.connector,
            self.flow_settings,
            self.set_flow,
            self.rules,
            self.stored,
            name=self._name,
            well=self.well,
            entered=self._access_entered,
        )
        self.logbook = Logbook(settings.data / "log.duckdb")
        self.questions = Questions(self.stored)  # to the log, kept for everybody
        self.events = Events(self.database, _now)
        self.exceptions = Exceptions(
            flows, self.issues, self.links, self.rules, self._runs, self.events, self.corrections,
            connector=self.connector, flow=self.flow,
        )  # fmt: skip
        self.executor = executor
        self.serves = serves
        self.runner = Runner(
            Parts(
                connectors=_Lazily(self.connector),
                logic=self.logic,
                runs=self._runs,
                links=self.links,
                cursors=Cursors(self.database, _now),
                clock=_now,
                patience=Patience(visible_within=timedelta(seconds=settings.patience_seconds)),
                earlier=self._earlier_logic,
                corrected=self._corrected,
                names=self.naming.mark,
            )
        )
        self.engine: Engine | None = None

    # ---- life -------------------------------------------------------------------------------------------------

    def start(self) -> Application:
        """Start the built-in sandbox where it is connected, the engine, and the log's drainer."""
        from integration.engine import Engine  # noqa: PLC0415 - as said at the top

        self.join_sandbox()
        slot = self._stack.enter_context(self._slot(self.executor))
        self.engine = Engine(
            url=self.settings.engine_url(), executor=slot, runner=self.runner, runs=self._runs,
            heartbeats=Heartbeats(self.database, _now), schedules=_FlowSchedules(self), clock=_now,
        )  # fmt: skip
        self.engine.start()
        self._stack.callback(self.engine.stop)
        if self.serves:
            self.logbook.start(self.events)
            self._stack.callback(self.logbook.stop)
        return self

    def close(self) -> None:
        """Stop everything; runs under way are taken up again at the next start."""
        self._stack.close()
        for connector in [*self._connectors.values(), *self._replaced]:
            connector.close()

    @contextmanager
    def _slot(self, name: str) -> Iterator[str]:
        """Hold a stable name for this process: two live processes with one name would steal each other's runs."""
        for number in range(1, 100):
            slot = f"{name}-{number}"
            if self._takes(f"executor:{slot}"):
                break
        else:
            raise ConfigurationError("setting_invalid", setting="worker", expected="fewer than 100 processes")
        stop = threading.Event()

        def renew() -> None:
            while not stop.wait(SLOT_SECONDS / 4):
                self._takes(f"executor:{slot}")

        keeper = threading.Thread(target=renew, name="executor-slot", daemon=True)
        keeper.start()
        try:
            yield slot
        finally:
            stop.set()
            keeper.join()
            self.leases.release(f"executor:{slot}", self._owner)

    def _takes(self, lease: str) -> bool:
        """Take or renew a lease, also that of a process of this machine that died, and tell whether it is held now."""
        holder = self.leases.holder(lease)
        if holder and _is_dead(holder):
            self.leases.release(lease, holder)
        return self.leases.try_take(lease, self._owner, SLOT_SECONDS)

    def _publish_shipped(self) -> None:
        for flow, spec in self.specs.items():
            if self.rules.published(flow) is None:
                body = tomllib.loads(spec.mapping.read_text(encoding="utf-8"))
                self.rules.publish(flow, body, by="shipped", note="")

    # ---- the two systems --------------------------------------------------------------------------------------

    def connector(self, system: str) -> Connector:
        """Return the connection to a system. Raises ConfigurationError while it is not connected."""
        with self._lock:
            self._notice_access(system)
            if system not in self._connectors:
                self._connectors[system] = self._accountview() if system == "accountview" else self._mplus()
            return self._connectors[system]

    def _notice_access(self, system: str) -> None:
        """Connect anew where another process has changed how a system is reached, or what it calls its fields."""
        at, known = self._seen_access.get(system, (0.0, ""))
        if not known or time.monotonic() - at > ACCESS_SECONDS:
            access = _mark(json.dumps(self._access(system), sort_keys=True, default=str))
            if known and access != known:
                self._reconnect(system)
            self._seen_access[system] = (time.monotonic(), access)

    def _accountview(self) -> AccountView:
        given = self._access("accountview")
        if not given.get("client_id") or not given.get("company"):
            raise ConfigurationError("accountview_login_needed", system="AccountView")
        return AccountView(_settings_of(AccountViewSettings, given, "ACCOUNTVIEW"), self._tokens())

    def _tokens(self) -> StoredTokens:
        return StoredTokens(self.connected, self.leases, self._name("accountview-tokens"), clock=_now)

    def _name(self, name: str) -> str:
        """Access to the sandbox is kept apart, so that trying it costs nobody the connection to a real system."""
        return f"sandbox-{name}" if self.sandboxed else name

    def _mplus(self) -> Mplus:
        given = self._access("mplus")
        if not given.get("url"):
            raise ConfigurationError("mplus_credentials_rejected", system="MplusKASSA")
        return Mplus(_settings_of(MplusSettings, given, "MPLUS"))

    def _access(self, system: str) -> dict[str, Any]:
        """Return what is known of a connection: stored by the set-up, overruled by the environment."""
        access = dict(self.connected.get(self._name(system)) or {})
        if not self.sandboxed:
            access |= self._environment(system)
        address = str(access.get("url", ""))
        if system == "accountview" and address.endswith("/api/v3"):  # one host serves both
            access.setdefault("authorize_url", address.removesuffix("/api/v3") + "/ams/authorize.aspx")
        return self.naming.laid_over(access) if system == "accountview" else access

    def _environment(self, system: str) -> dict[str, Any]:
        settings = self.settings.accountview if system == "accountview" else self.settings.mplus
        given = settings.model_dump(exclude={"names"})
        plain = {
            name: value.get_secret_value() if hasattr(value, "get_secret_value") else value
            for name, value in given.items()
        }
        return {name: value for name, value in plain.items() if value}

    def connections(self) -> list[ConnectionStatus]:
        """Return both connections as they were checked last."""
        return [
            self._checked.get(system) or ConnectionStatus(system, connected=self.is_connected(system))
            for system in ("accountview", "mplus")
        ]

    def is_connected(self, system: str) -> bool:
        """Tell whether there is what it takes to speak to a system; says nothing about whether it answers."""
        access = self._access(system)
        return bool(access.get("company") if system == "accountview" else access.get("url"))

    def well(self) -> dict[str, bool]:
        """Return of each system whether it is connected and, as far as it has been checked, nothing is wrong."""
        return {status.system: status.connected and status.ok is not False for status in self.connections()}

    def _access_entered(self) -> bool:
        """Tell whether somebody has entered here how a system of their own is reached."""
        return not self.sandboxed and any(IDENTITY & (self.connected.get(one) or {}).keys() for one in SYSTEMS)

    def check(self, system: str, tell: Tell = unheard) -> list[Finding]:
        """Check a connection now, look by look, stopping at the first that finds something wrong; `tell` hears each.

        Once AccountView has been looked at to the end, what the flows need beyond the connection follows.
        """
        begun = time.monotonic()
        try:
            findings = self.connector(system).check(tell)
        except IntegrationError as error:
            findings = [Finding("log-in", ok=False, cause=error.code, facts=dict(error.facts))]
        spent = int((time.monotonic() - begun) * 1000)
        telling = "company" if system == "accountview" else "rights"  # where the check tells the branches
        about = next((one.about for one in findings if one.name == telling), "")
        good = all(one.ok for one in findings)
        if system == "accountview" and all(one.ok is not None for one in findings):
            findings = [*findings, *self._needs()]
        self._checked[system] = ConnectionStatus(
            system, self.is_connected(system), about, good, _now(), tuple(findings), spent
        )
        return findings

    def _needs(self) -> list[Finding]:
        """Return what the chosen flows need of AccountView beyond the connection; all flows while none is chosen."""
        return needs(
            self.connector(BOOKS),
            [
                Chosen(self.specs[name], self.flow_settings(name), self.mapping(name).mapping)
                for name in self.setting_up.chosen() or self.flows
            ],
        )

    def names(self, changed: Mapping[str, str] | None = None) -> Named:
        """Return what AccountView calls each object and field: our default, what is in force, and what is there.

        With `changed` names it is looked for what would be in force with them.
        """
        return self.naming.look(changed)

    def set_names(self, values: Mapping[str, str | None], by: str) -> None:
        """Keep names of AccountView by their paths, None for the default, and connect anew with them.

        Raises ConfigurationError, with the path, for what cannot be used; nothing is changed then.
        """
        with self._lock:
            self.naming.put(values, by)
            self._reconnect("accountview")

    def connect_mplus(self, url: str, ident: str, secret: str, by: str, tell: Tell = unheard) -> list[Finding]:
        """Keep the access to the till and check it; `tell` hears each line."""
        self._leave_sandbox(by)
        self._keep("mplus", {"url": url.strip(), "ident": ident.strip(), "secret": secret.strip()}, by)
        return self._checked_in("mplus", by, tell)

    def address(self, system: str) -> str:
        """Return where a system is, or where it usually is while none of one's own is connected."""
        usual = {"accountview": AccountViewSettings().url, "mplus": MPLUS_ADDRESS}
        return usual[system] if self.sandboxed else str(self._access(system).get("url") or usual[system])

    def _checked_in(self, system: str, by: str, tell: Tell) -> list[Finding]:
        """Check a system that was just connected; once both answer, fill what they answer without a question."""
        findings = self.check(system, tell)
        if all(status.ok for status in self.connections()):
            self.propose(by)
            for other in SYSTEMS:  # a proposal renews the connection, which asks for a new look
                if other not in self._checked:
                    self.check(other)
        return findings

    def authorize_address(self, redirect_uri: str, client_id: str, client_secret: str, by: str, url: str = "") -> str:
        """Keep the application's keys and return where the operator logs in at AccountView.

        The answer comes back to `redirect_uri`, in whichever process and browser tab, and is good for a quarter of an
        hour; `authorized` takes it.
        """
        self._leave_sandbox(by)
        given = {"client_id": client_id, "client_secret": client_secret, "url": url.rstrip("/")}
        self._keep("accountview", {name: value.strip() for name, value in given.items() if value.strip()}, by)
        state = secrets.token_urlsafe(24)
        begun = {"redirect": redirect_uri, "until": (_now() + LOGIN_KEPT).isoformat()}
        self.connected.renew(LOGINS, {**self._logins(), _mark(state): begun})
        with self._client() as client:
            return client.login.authorize_address(state, redirect_uri)

    def authorized(self, code: str, state: str) -> None:
        """Exchange the code that came back from the log-in for the first pair of tokens.

        Raises AccessDeniedError for an answer to a log-in that was not begun here, or was answered before.
        """
        logins = self._logins()
        begun = logins.pop(_mark(state), None)
        if begun is None:
            raise AccessDeniedError("accountview_login_unasked")
        self.connected.renew(LOGINS, logins)
        if not code:
            raise AccessDeniedError("accountview_login_refused")
        with self._client() as client:
            client.login.exchange(code, begun["redirect"])

    def _logins(self) -> dict[str, Any]:
        """Return the log-ins under way by the mark of their state."""
        known = self.connected.get(LOGINS) or {}
        return {mark: one for mark, one in known.items() if datetime.fromisoformat(one["until"]) > _now()}

    def logged_in(self) -> bool:
        """Tell whether somebody has logged in at the AccountView that is connected, or is being connected."""
        return self._tokens().load() is not None

    def companies(self) -> dict[str, str]:
        """Return the companies the logged-in user may use: id and name."""
        with self._client() as client:
            return {one.id: one.name for one in client.companies()}

    def choose_company(self, company: str, by: str, tell: Tell = unheard) -> list[Finding]:
        """Keep the company and check the connection; `tell` hears each line."""
        self._keep("accountview", {"company": company}, by)
        return self._checked_in("accountview", by, tell)

    @contextmanager
    def _client(self) -> Iterator[AccountViewClient]:
        """A conversation for the log-in alone: the connection proper needs a company, which nobody has chosen yet."""
        client = AccountViewClient(
            _settings_of(AccountViewSettings, self._access("accountview"), "ACCOUNTVIEW"), self._tokens()
        )
        try:
            yield client
        finally:
            client.close()

    def _keep(self, system: str, values: Mapping[str, Any], by: str) -> None:
        with self._lock:
            name = self._name(system)
            self.connected.put(name, {**(self.connected.get(name) or {}), **values}, by)
            self._reconnect(system)

    def _reconnect(self, system: str) -> None:
        """Let the next call use the access as it is now; the connection before may still be at work."""
        if system in self._connectors:
            self._replaced.append(self._connectors.pop(system))
        self._checked.pop(system, None)
        self._seen_access.pop(system, None)
        self._rates.pop(system, None)

    # ---- the sandbox ------------------------------------------------------------------------------------------

    def join_sandbox(self) -> None:
        """Connect to the sandbox where a setting or the console says so.

        Raises ConfigurationError where a setting asks for the sandbox and others name a real system: a sample shop
        must not end up in a real till.
        """
        kept = bool((self.stored.get("sandbox") or {}).get("on"))
        if self.settings.sandbox or (kept and not self._real_settings()):
            self.use_sandbox(by="start", keep=False)
        elif kept:
            self._leave_sandbox(by="start")

    def use_sandbox(self, by: str, *, keep: bool = True) -> None:
        """Connect to the built-in systems; nothing of a real system is touched.

        They run in one process of those that share a database, the first that asks. Raises ConfigurationError while
        settings name a real system.
        """
        for name in self._real_settings():
            raise ConfigurationError("setting_invalid", setting=name, expected="no value while the sandbox is in use")
        with self._lock:
            self._switch(sandboxed=True, by=by)
            self._share_sandbox(by)
            if keep:
                self.stored.put("sandbox", {"on": True}, by)
        self._until_sandbox_answers()
        self.propose(by)
        for system in SYSTEMS:
            self.check(system)

    def pass_a_day(self) -> None:
        """Let the shop of the built-in systems sell for a day; nothing where another process runs them."""
        if self.sandbox is not None:
            self.sandbox.advance_day()

    def _real_settings(self) -> list[str]:
        """Return the settings that name a system or who we are there; others only say how to speak to it."""
        return [
            f"{PREFIX}{system.upper()}__{name.upper()}"
            for system in SYSTEMS
            for name in self._environment(system)
            if name in IDENTITY
        ]

    def _switch(self, *, sandboxed: bool, by: str) -> None:
        """Change between sandbox and real systems: each has settings, tables, links and issues of its own."""
        if self.sandboxed != sandboxed:
            self.sandboxed = sandboxed
            for system in SYSTEMS:
                self._reconnect(system)
        here, there = ("sandbox", "real") if sandboxed else ("real", "sandbox")
        if (self.stored.get("tables") or {"of": "real"})["of"] != here:
            change_place(self.database, _now, leaving=there, entering=here, by=by)
            ours, theirs = self.rules.tables(), self.stored.get(f"tables:{here}") or {}
            self.stored.put(f"tables:{there}", ours, by)
            for name in {**ours, **theirs}:
                self.rules.set_table(name, theirs.get(name, {}), by)
            for flow in self.flows:
                mine, others = self.stored.get(f"flow:{flow}") or {}, self.stored.get(f"flow:{flow}:{here}") or {}
                self.stored.put(f"flow:{flow}:{there}", mine, by)
                self.stored.put(f"flow:{flow}", others, by)
            self.stored.put("tables", {"of": here}, by)

    def _share_sandbox(self, by: str) -> None:
        """Run the built-in systems here, unless another process does: they keep one journal, which has one writer."""
        from integration.sandbox.server import running  # noqa: PLC0415 - as said at the top

        if self._box is None and self._takes("sandbox"):
            for system in SYSTEMS:
                self.connected.forget(self._name(system), by)
            self._stack.callback(self.leases.release, "sandbox", self._owner)
            journal = self.settings.data / "sandbox.journal"
            self._box = self._stack.enter_context(running(articles=self.settings.sandbox_articles, journal=journal))
            self._tokens().save(Token("", SANDBOX_REFRESH, _now() - timedelta(seconds=1)))  # good once after a start
            office = {"url": self._box.accountview_url, "warehouses": SANDBOX_WAREHOUSES}
            self._keep("accountview", {**office, **SANDBOX_CLIENT, **SANDBOX_PACE}, by)
            self._keep("mplus", {"url": self._box.mplus_url, **SANDBOX_TILL, **SANDBOX_PACE}, by)
        self.sandbox = self._box
        if self._minder is None:
            self._minder = threading.Thread(target=self._mind_sandbox, name="sandbox-minder", daemon=True)
            self._minder.start()
            self._stack.callback(self._minder.join)
            self._stack.callback(self._closing.set)

    def _mind_sandbox(self) -> None:
        """Keep the right to run the sandbox, or take it over from a process that has ended."""
        known = self._access("mplus").get("url")
        while not self._closing.wait(SLOT_SECONDS / 12):
            with self._lock:
                if self._box is not None:
                    self._takes("sandbox")
                elif self.sandboxed:
                    self._share_sandbox(by="sandbox")
                    address = self._access("mplus").get("url")
                    if address and address != known:
                        known = address
                        for system in SYSTEMS:
                            self._reconnect(system)

    def _until_sandbox_answers(self) -> None:
        """Wait until the process that starts the sandbox has said where."""
        until = time.monotonic() + SANDBOX_START_SECONDS
        while not self._access("mplus").get("url") and time.monotonic() < until:
            time.sleep(0.1)

    def _leave_sandbox(self, by: str) -> None:
        with self._lock:
            if (self.stored.get("sandbox") or {}).get("on"):
                self.stored.put("sandbox", {"on": False}, by)
            self.sandbox = None
            self._switch(sandboxed=False, by=by)

    def propose(self, by: str) -> None:
        """Fill what the set-up would ask and both systems already answer: field names and VAT codes.

        Only what nobody has answered yet is filled, and only where the answer is unambiguous.
        """
        source = self.connector(BOOKS)
        if isinstance(source, AccountView) and not (self._access("accountview").get("article") or self.naming.kept()):
            self._keep("accountview", {str(kind): names for kind, names in source.propose_fields().items()}, by)
        fill_in(self.specs, lambda of: self.connector(of.system).choices(of.name), self.rules, self.stored, by)

    # ---- flows ------------------------------------------------------------------------------------------------

    def flow(self, flow: str) -> Flow:
        """Return a flow with the kinds of record that its settings choose."""
        return self.specs[flow].with_settings(self.flow_settings(flow))

    def flow_settings(self, flow: str) -> FlowSettings:
        """Return the settings of a flow."""
        return self.specs[flow].settings(**(self.stored.get(f"flow:{flow}") or {}))

    def set_flow(self, flow: str, values: Mapping[str, Any], by: str, reasons: Mapping[str, str] | None = None) -> None:
        """Keep changed settings of a flow. Raises ConfigurationError when they cannot be used.

        `reasons` say for each brake that is switched off why; the log keeps them.
        """
        known = self.stored.get(f"flow:{flow}") or {}
        checked = self.specs[flow].settings(**{**known, **values})
        self.naming.expect_objects(self.specs[flow], checked)
        self.stored.put(f"flow:{flow}", checked.model_dump(mode="json", exclude_defaults=True), by)
        for brake, reason in (reasons or {}).items():
            facts = {"by": by, "brake": brake, "reason": reason}
            self.events.tell(Event(event="brake_switched_off", flow=flow, facts=facts))
        if self.engine is not None:
            self.engine.reschedule()

    def mapping(self, flow: str) -> Published:
        """Return the mapping of a flow that is in force. Raises ConfigurationError when there is none."""
        newest = next(iter(self.rules.history(flow)), None)
        if newest is None:
            raise ConfigurationError("flow_setting_invalid", setting=f"mapping {flow}", expected="a published mapping")
        body = rules_from(self.rules.body(flow, newest.version))
        return Published(newest.version, body, newest.by, newest.note, newest.published_at)

    def publish_mapping(self, flow: str, mapping: RuleMapping, base: int, by: str, note: str) -> int:
        """Publish a mapping that was made from version `base` and return its number.

        Plans made with the version before are refused from then on. Raises PlanStaleError when another version has
        been published meanwhile, and ConfigurationError when the mapping cannot be used.
        """
        current = self.mapping(flow).version
        if current != base:
            raise PlanStaleError("mapping_published_since", flow=flow, version=base, current=current)
        body = rules_to(mapping)
        self._trial(flow, body=body)
        return self.rules.publish(flow, body, by, note)

    def fields(self, system: str, kind: Kind) -> list[Field]:
        """Return the fields of a kind as this installation of a system has them; asked again after some minutes."""
        return list(self._fresh(system, f"fields {kind}", RATES_KEPT, lambda connector: connector.fields(kind)))

    def choices(self, system: str, name: str) -> dict[str, str]:
        """Return codes and captions of a system: vat_codes, ledgers, branches, ..., or nothing for another name.

        What one person was shown is good enough for the next for a minute: pages do not ask the systems anew each time.
        """
        return dict(self._fresh(system, f"choices {name}", CHOICES_KEPT, lambda connector: connector.choices(name)))

    def recent(self, flow: str, kind: Kind, most: int) -> list[Record]:
        """Return the last records of a flow, to try a mapping on; those of a minute ago will do."""

        def ask(_: Connector) -> list[Record]:
            return self.trying.recent(flow, kind, most)

        return list(self._fresh(self.flows[flow].source, f"recent {flow} {kind} {most}", CHOICES_KEPT, ask))

    def _fresh(self, system: str, question: str, kept: timedelta, ask: Callable[[Connector], T]) -> T:
        """Return what a connection answered not longer ago than this, else ask; an error is never kept."""
        connector = self.connector(system)
        known = self._answers.get((id(connector), question))
        if known is None or _now() - known[0] > kept:
            known = self._answers[id(connector), question] = (_now(), ask(connector))
        return cast("T", known[1])

    def captions(self, system: str, name: str) -> dict[str, str]:
        """Return codes and captions as a system answered last, asked again in the background after some minutes.

        For captions beside codes that can do without: a page waits a moment for the first answer, and never longer.
        """
        return self._captions.get((system, name, self.sandboxed), lambda: self.choices(system, name))

    def tables(self) -> dict[str, dict[str, str]]:
        """Return every value table: code of the source to code of the target, by the table's name."""
        return self.rules.tables()

    def set_table(self, name: str, rows: Mapping[str, str], by: str) -> None:
        """Keep a value table whole."""
        self.rules.set_table(name, rows, by)

    def unmapped(self, flow: str, table: str) -> dict[str, int]:
        """Return the values that parked records have and a value table lacks, with the number of those records."""
        found: dict[str, int] = {}
        spec = self.specs[flow]
        for cause in (*filter(None, (one.cause for one in spec.tables)), UNMAPPED):
            for one in self.issues.list(flow, cause, limit=MOST):
                missing = missing_row(spec, cause, one.issue.facts)
                if missing is not None and missing.table == table:
                    found[missing.codes[0]] = found.get(missing.codes[0], 0) + 1
        return found

    def preview_filters(self, flow: str, values: Mapping[str, Any]) -> Sifted:
        """Read the source now and return what would take part in a flow with these settings changed."""
        logic = self._trial(
            flow, settings=self.specs[flow].settings(**{**self.flow_settings(flow).model_dump(), **values})
        )
        stage = logic.flow.counted
        return sift(logic, stage, self._source_pages(flow, logic.flow.stages[stage].source))

    def _source_pages(self, flow: str, kind: Kind) -> Iterator[Sequence[Record]]:
        source, after = self.connector(self.flows[flow].source), None
        while True:
            batch = source.extract(kind, None, after)
            yield batch.records
            after = batch.after
            if after is None:
                return

    def publish_draft(self, flow: str, by: str, note: str) -> int:
        """Publish the draft of a flow and return its number; see `publish_mapping`. Without one nothing is."""
        draft = self.trying.draft(flow)
        if draft is None:
            return self.mapping(flow).version
        version = self.publish_mapping(flow, draft.mapping, draft.base, by, note)
        self.trying.discard(flow, by)
        return version

    def trial(self, flow: str, mapping: RuleMapping, keys: Collection[str]) -> list[Trial]:
        """Return what a mapping that need not be published makes of the records under these keys, as they are now."""
        logic = self._logic_with(flow, mapping)
        kind = logic.flow.stages[logic.flow.counted].source
        return self.trying.trial(flow, mapping, self.trying.records(flow, kind, keys))

    def why_article(self, flow: str, key: str, mapping: RuleMapping | None = None) -> list[Trace]:
        """Return how each value of an article comes about, with a mapping that need not be published; [] if unknown."""
        logic = self._trial(flow, body=None if mapping is None else rules_to(mapping))
        stage = logic.flow.counted
        records = self._corrected(flow, self.connector(logic.flow.source).fetch(logic.flow.stages[stage].source, [key]))
        return logic.trace(stage, records[0]) if records else []

    def _corrected(self, flow: str, records: Sequence[Record]) -> list[Record]:
        """Return records of a flow's source with the values that persons said they should have."""
        return corrected(records, self.corrections.of(flow, [record.key for record in records]))

    def _earlier_logic(self, flow: str, version: int) -> FlowLogic:
        """Return what is particular to a flow with a mapping that was in force before; all else is as it is now."""
        body, asked = self.rules.body(flow, version), _Asked(self, flow)
        return self.specs[flow].make(self.flow_settings(flow), body, version, self.rules.tables(), asked)

    def _logic_with(self, flow: str, mapping: RuleMapping, afresh: Collection[str] = ()) -> FlowLogic:
        """Return the logic of a flow with a mapping of its own, for documents that count as not booked yet."""
        return self._trial(flow, body=rules_to(mapping), afresh=afresh)

    def _trial(
        self,
        flow: str,
        settings: FlowSettings | None = None,
        body: Mapping[str, Any] | None = None,
        afresh: Collection[str] = (),
    ) -> FlowLogic:
        """Return the logic of a flow as it would be; nothing of it is kept, and no number is allotted."""
        version, published = self.rules.published(flow) or (0, {})
        settings = settings or self.flow_settings(flow)
        asked = _Asked(self, flow, allots=False, afresh=frozenset(afresh))
        return self.specs[flow].make(settings, body or published, version, self.rules.tables(), asked)

    def source_field(self, flow: str, target: str) -> Field | None:
        """Return the field of the source a target field is filled from, or None when it is not from one field."""
        rule = next((one for one in self.mapping(flow).mapping.rules if one.target == target), None)
        if rule is None or not rule.source:
            return None
        whole = self.flow(flow)
        parts = self.specs[flow].parts_of(whole)
        read = parts.get(Kind(target.partition(".")[0]), whole.stages[-1].source)
        return next((one for one in self.fields(self.flows[flow].source, read) if one.name == rule.source), None)

    def stops(self, flow: str, runs: int = 10) -> dict[str, int]:
        """Return how many of the last runs each brake has stopped."""
        found: dict[str, int] = {}
        for run in self._runs.latest(flow, limit=runs):
            for brake in run.brakes:
                found[brake.code] = found.get(brake.code, 0) + 1
        return found

    def reorder_level(self, article: str) -> Decimal | None:
        """Return at which level the books say an article is to be ordered again, or None where they do not say."""
        spec = writer_of(self.specs.values(), Kind.STOCK)
        name = str(self.flow_settings(spec.name).model_dump().get("reorder") or "") if spec else ""
        record = self.exceptions.article(article) if name else None
        value = record.values.get(name) if record else None
        return value if isinstance(value, Decimal) else None

    def articles_named(self, name: str, most: int) -> dict[str, str]:
        """Return codes and names of articles that were planned for the till with this in their name."""
        spec = writer_of(self.specs.values(), Kind.PRODUCT)
        sought = Sought(text=name, flow=spec.name if spec else "", event="planned")
        found = self.logbook.search(sought, limit=10 * most)
        lines = found[found["kind"] == Kind.PRODUCT] if len(found) else found
        return dict(list(dict(zip(lines["key"], lines["title"], strict=True)).items())[:most]) if len(lines) else {}

    def parked_keys(self, flow: str, cause: str, field: str | None = None, detail: str | None = None) -> list[str]:
        """Return the source keys of what is parked for a cause; `detail` tells one trouble of it from the others.

        A product counts with all its articles, a debtor or an address with the documents it comes out of.
        """
        return self.exceptions.keys(flow, cause, field, detail)

    def try_again(
        self,
        flow: str,
        cause: str,
        by: str,
        field: str | None = None,
        detail: str | None = None,
        version: int | None = None,
    ) -> str:
        """Start a preview of only what is parked for a cause, and return its run; see `Exceptions.tries`."""
        keys = self.parked_keys(flow, cause, field, detail)
        group = self.exceptions.group(Cause(flow, cause, field or "", detail)) if detail is not None else None
        return self.preview(flow, by, Mode.CHOSEN, keys, notes_of(group) if group else None, version)

    def group_names(self, flow: str, codes: Sequence[str], run_id: str) -> dict[str, str]:
        """Return the names of article groups by code: of those that are linked, and of those a plan writes."""
        found = self.links.get(flow, Kind.GROUP, codes)
        names = {code: str(link.agreed.values.get("name") or "") for code, link in found.items() if link.agreed}
        return names | self._runs.titles(run_id, Kind.GROUP, [code for code in codes if code not in names])

    def logic(self, flow: str) -> FlowLogic:
        """Return what is particular to a flow, with its settings, mapping and value tables as they are now."""
        published = self.rules.published(flow)
        if published is None:
            raise ConfigurationError("flow_setting_invalid", setting=f"mapping {flow}", expected="a published mapping")
        version, body = published
        tables, stored = self.rules.tables(), self.stored.get(f"flow:{flow}") or {}
        spec, asked = self.specs[flow], _Asked(self, flow)
        state = (version, tables, stored, *(asked.rates(system) for system in spec.rated))
        known = self._logics.get(flow)
        if known is not None and known[0] == state:
            return known[1]
        logic = spec.make(spec.settings(**stored), body, version, tables, asked)
        self._logics[flow] = (state, logic)
        return logic

    def vat_rates(self, system: str) -> Mapping[str, Decimal]:
        """Return the VAT percentages of a system by code; asked again after some minutes."""
        known = self._rates.get(system)
        if known is None or _now() - known[0] > RATES_KEPT:
            rates = {code: Decimal(rate) for code, rate in self.connector(system).choices("vat_rates").items()}
            known = self._rates[system] = (_now(), rates)
        return known[1]

    def statuses(self) -> list[FlowStatus]:
        """Return every flow at a glance."""
        parked = self.issues.counts()
        found = []
        for name, flow in self.flows.items():
            active = self._runs.latest(name, [RunState.PREVIEWING, RunState.COMMITTING], limit=1)
            last = self._runs.last_done(name)
            found.append(
                FlowStatus(
                    flow=flow,
                    on=self.flow_settings(name).on,
                    waiting=self._runs.waiting(name),
                    active=active[0] if active else None,
                    last=last,
                    parked=parked.get(name, 0),
                    last_proof=last.ended_at if last else None,
                    next_run=self._next_run(name),
                )
            )
        return found

    def _next_run(self, flow: str) -> datetime | None:
        settings = self.flow_settings(flow)
        if not settings.on:
            return None
        zone = ZoneInfo(WALL_CLOCK)
        return next_time(settings.schedule_minutes, _now(), zone, nightly=settings.nightly_complete)

    def metrics(self) -> str:
        """Return the numbers a monitor watches, in the text format of Prometheus."""
        statuses, now = self.statuses(), _now()
        runs = {
            f'flow="{flow}",state="{state}"': self._runs.count(flow, [state])
            for flow in self.flows
            for state in RunState
        }
        proofs = {f'flow="{one.flow.name}"': one.last_proof for one in statuses}
        return exposition(
            [
                Gauge("console_runs", "Runs by flow and state.", runs),
                Gauge(
                    "console_parked", "Records that wait for a person.",
                    {f'flow="{one.flow.name}"': one.parked for one in statuses},
                ),
                Gauge("console_events_waiting", "Events not in the log yet.", {"": self.events.count()}),
                Gauge(
                    "console_last_proof_age_seconds", "Time since a run of the flow ended well.",
                    {flow: (now - at).total_seconds() for flow, at in proofs.items() if at},
                ),
            ]
        )  # fmt: skip

    # ---- runs -------------------------------------------------------------------------------------------------

    def preview(
        self,
        flow: str,
        by: str,
        mode: Mode = Mode.CHANGES,
        keys: Sequence[str] = (),
        notes: Mapping[str, str] | None = None,
        version: int | None = None,
    ) -> str:
        """Start a preview in the background and return its run. Raises RunActiveError while another is at work.

        `notes` stay with the run; `version` asks for a mapping that was in force before.
        """
        if not self.rules.tables().get("vat_codes"):  # connected by the environment: nobody has been asked yet
            self.propose(by)
        return self._engine().preview(flow, by=by, mode=mode, keys=tuple(keys), notes=notes, version=version)

    def undo(self, run_id: str, by: str) -> str:
        """Start a plan that puts back what a run wrote, and return its run; nothing is sent before it is approved.

        Raises IntegrationError `nothing_to_undo` for a run that wrote nothing.
        """
        return self._engine().undo(run_id, by=by)

    def commit(self, run_id: str, approval: Approval) -> None:
        """Approve a plan and write it in the background. Raises PlanStaleError or PlanUnsafeError."""
        self._engine().commit(run_id, approval)

    def resume(self, run_id: str, by: str) -> None:
        """Go on with an interrupted run under the approval it has. Raises PlanStaleError where there is none."""
        run = self._runs.open_plan(run_id)
        if run.approval is None:
            raise PlanStaleError("plan_not_approved", flow=run.flow, run=run.id)
        self._engine().commit(run_id, replace(run.approval, by=by))

    def discard(self, run_id: str, by: str) -> None:
        """Put a plan aside; nothing of it has been written."""
        self._runs.discard(run_id, by)

    def cancel(self, run_id: str, by: str) -> None:
        """Ask a run to stop after the page it is at: a preview is put aside, what a commit has proven stays proven."""
        self._engine().cancel(run_id, by=by)

    def run(self, run_id: str) -> Run:
        """Return one run with its counts. Raises KeyError when there is none of that name."""
        return self._runs.get(run_id)

    def runs(
        self, flow: str | None = None, states: Sequence[RunState] | None = None, offset: int = 0, limit: int = 50
    ) -> list[Run]:
        """Return runs, newest first."""
        return self._runs.latest(flow, states, offset=offset, limit=limit)

    def run_count(self, flow: str | None = None, states: Sequence[RunState] | None = None) -> int:
        """Return how many runs there are."""
        return self._runs.count(flow, states)

    def rows(
        self,
        run_id: str,
        show: str = "all",
        find: str = "",
        offset: int = 0,
        limit: int = 500,
        among: Among = EVERY_LINE,
    ) -> list[PlanRow]:
        """Return lines of a plan."""
        return self._runs.rows(run_id, show, find, offset, limit, among)

    def row_count(self, run_id: str, show: str = "all", find: str = "", among: Among = EVERY_LINE) -> int:
        """Return how many lines of a plan there are."""
        return self._runs.row_count(run_id, show, find, among)

    def facets(self, run_id: str, show: str = "all") -> dict[str, dict[str, int]]:
        """Return by what lines of a plan can be sorted out (`field`, `group`, `cause`): each value with its lines."""
        return self._runs.facets(run_id, show)

    def changes_among(
        self, run_id: str, show: str = "all", find: str = "", among: Among = EVERY_LINE
    ) -> frozenset[int]:
        """Return the numbers of the changes among these lines of a plan, on whatever page they are."""
        return self._runs.numbers(run_id, show, find, among)

    def marked(self, run_id: str, brake: str, limit: int) -> tuple[list[PlanRow], int]:
        """Return the first changes of a plan that a brake counted, and how many there are."""
        return self._runs.marked(run_id, brake, limit)

    def doubtful(self, run: Run) -> int:
        """Return how many changes of a run were sent and not answered; what is on its way right now is no doubt yet."""
        unsettled = self.row_count(run.id, "in_doubt")
        return unsettled - self.row_count(run.id, "sent") if run.state is RunState.COMMITTING else unsettled

    def phases(self, run_id: str) -> list[Phase]:
        """Return what a run did, and when."""
        return self._runs.phases(run_id)

    def outdated(self, run: Run) -> PlanStaleError | None:
        """Return why a plan can no longer be committed, as a commit would be refused, or None."""
        return self.runner.outdated(run, self.mapping(run.flow).version)

    def pace(self, run: Run) -> Pace:
        """Return how fast a run at work goes, and how long it still takes: the same for whoever asks."""
        return pace(run, next(iter(self._runs.phases(run.id)[-1:]), None), _now())

    def row(self, run_id: str, seq: int) -> PlanRow:
        """Return one line of a plan."""
        return self._runs.row(run_id, seq)

    def line_about(self, run_id: str, kind: Kind, key: str) -> PlanRow | None:
        """Return the line of a plan that is about a record, or None when it needs no change."""
        return self._runs.line_about(run_id, kind, key)

    def tallies(self, run_id: str) -> dict[str, int]:
        """Return what a plan counts: in records read per action and result, in lines, and in write calls."""
        return {**self._runs.tallies(run_id), "writes": self.writes(run_id)}

    def writes(self, run_id: str, left_out: frozenset[int] = frozenset()) -> int:
        """Return how many write calls the chosen changes of a plan take."""
        known = self._calls.get(run_id)
        if known is None:
            known = self._runs.calls(run_id)
            if self._runs.get(run_id).state is not RunState.PREVIEWING:  # a plan that is made does not change
                self._calls = {run_id: known}
        return sum(known.values()) - sum(known.get(number, 0) for number in left_out)

    def causes(self, flow: str | None = None) -> list[CauseGroup]:
        """Return what waits for a person, grouped by cause."""
        return self.issues.causes(flow)

    def why(self, run_id: str, seq: int) -> dict[str, list[Trace]]:
        """Return for each source record of a line how every value of it came about."""
        run, row = self._runs.get(run_id), self._runs.row(run_id, seq)
        logic = self.logic(run.flow)
        keys = row.change.sources if row.change else row.facts.get("documents", row.key).split(",")
        kind = logic.flow.stages[row.stage].source
        records = self._corrected(run.flow, self.connector(logic.flow.source).fetch(kind, keys))
        return {record.key: logic.trace(row.stage, record) for record in records}

    def csv(self, run_id: str, show: str = "all", find: str = "", among: Among = EVERY_LINE) -> str:
        """Return the shown lines of a plan as CSV, one field of a change per line."""
        out = io.StringIO()
        writer = csv.writer(out)
        writer.writerow(["action", "kind", "key", "title", "field", "now", "will_be", "state", "cause"])
        offset = 0
        while rows := self._runs.rows(run_id, show, find, offset, CSV_PAGE, among):
            offset += len(rows)
            for row in rows:
                writer.writerows(_csv_lines(row))
        return out.getvalue()

    def ask_log(self, sql: str, rows: int = 10_000) -> dict[str, Any]:
        """Return the answer of the log to a question in SQL: column names and rows."""
        self._bring_log_up()
        return table_of(self.logbook.ask(sql, rows=rows))

    def export_log(self, path: Path) -> int:
        """Write the whole log to a .csv or .parquet file and return its number of events."""
        self._bring_log_up()
        return self.logbook.export(path)

    def export_ticket(self) -> str:
        """Return what a browser shows to be given the whole log as a file, for half a day."""
        until = str(int(time.time()) + TICKET_SECONDS)
        return f"{until}.{self._signed(until)}"

    def exported(self, name: str, ticket: str) -> Path | None:
        """Return the whole log as a new file of its own for `log.csv` or `log.parquet`; None without a valid ticket.

        Whoever asks removes the file.
        """
        until, _, signed = ticket.partition(".")
        good = hmac.compare_digest(signed.encode(), self._signed(until).encode())
        if not good or int(until) < time.time() or name not in ("log.csv", "log.parquet"):
            return None
        handle, place = tempfile.mkstemp(suffix=f"-{name}")
        os.close(handle)
        try:
            self.logbook.export(Path(place))
        except BaseException:
            Path(place).unlink()
            raise
        return Path(place)

    def _signed(self, until: str) -> str:
        return hmac.new(self._ticket_key, until.encode(), hashlib.sha256).hexdigest()

    def _bring_log_up(self) -> None:
        """Move what waits into the log, where no server process does it."""
        while not self.serves and self.logbook.drain(self.events) == BATCH:
            pass

    def announce(self, address: str) -> None:
        """Tell programs of this user on this machine where this server answers questions to the log it owns.

        Written to `server.json` beside the databases, with a token of this start, readable by its owner alone, and
        removed at the end.
        """
        self._log_token = secrets.token_urlsafe(32)
        file = self.settings.data / ANNOUNCED
        fresh = file.with_name(f"{file.name}.{os.getpid()}")
        fresh.unlink(missing_ok=True)
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:  # noqa: PTH123 - mode at birth
            json.dump({"address": address, "token": self._log_token}, out)
        fresh.replace(file)
        self._stack.callback(file.unlink, missing_ok=True)

    def answer_log(self, body: bytes, token: str) -> tuple[int, bytes]:
        """Answer a program's question to the log: HTTP status and JSON.

        `body` is `{"sql": ..., "rows": ...}` for a question, `{"export": path}` to write the log to a file of this
        machine. 200 with `columns`, `rows` and `cut`, or with `events`; 403 without the token of this start; 400 for
        what is no question; 422 with `error` and `facts` for one that cannot be answered.
        """
        if not self._log_token or not hmac.compare_digest(token.encode(), self._log_token.encode()):
            return 403, b'{"error": "token"}'
        try:
            asked = json.loads(body)
            if "export" in asked:
                answer: dict[str, Any] = {"events": self.export_log(Path(asked["export"]))}
            else:
                answer = self.ask_log(str(asked["sql"]), rows=int(asked["rows"]))
        except IntegrationError as error:
            return 422, json.dumps({"error": error.code, "facts": dict(error.facts)}).encode()
        except OSError as error:
            return 422, json.dumps({"error": "file", "facts": {"reason": error.strerror or ""}}).encode()
        except (ValueError, TypeError, KeyError):
            return 400, b'{"error": "question"}'
        return 200, json.dumps(answer, default=str, ensure_ascii=False).encode()

    def _engine(self) -> Engine:
        if self.engine is None:
            raise RuntimeError("the application is not started")
        return self.engine


class _Lazily(Mapping[str, Connector]):
    """Connectors built when they are first needed: a run must not need both before it begins."""

    def __init__(self, build: Callable[[str], Connector]) -> None:
        self._build = build

    def __getitem__(self, system: str) -> Connector:
        return self._build(system)

    def __iter__(self) -> Iterator[str]:
        return iter(("accountview", "mplus"))

    def __len__(self) -> int:
        return 2


class _Asked:
    """What the logic of a flow asks; a trial allots no number, and takes documents `afresh`, booked or not."""

    def __init__(
        self, application: Application, flow: str, *, allots: bool = True, afresh: frozenset[str] = frozenset()
    ) -> None:
        self._application = application
        self._flow = flow
        self._allots = allots
        self._afresh = afresh

    def rates(self, system: str) -> Mapping[str, Decimal]:
        return self._application.vat_rates(system)

    def allot(self, flow: str, kind: Kind, key: str) -> str:
        return self._application.links.allot(flow, kind, key) if self._allots else "1"

    def present(self, system: str, kind: Kind, keys: Collection[str]) -> set[str]:
        return {record.key for record in self._application.connector(system).fetch(kind, keys)}

    def linked(self, flow: str, kind: Kind, keys: Collection[str]) -> Mapping[str, str]:
        asked = [key for key in keys if flow != self._flow or key not in self._afresh]
        return {key: link.reference for key, link in self._application.links.get(flow, kind, asked).items()}


class _FlowSchedules:
    """When flows run by themselves, from their settings."""

    def __init__(self, application: Application) -> None:
        self._application = application

    def all(self) -> list[Schedule]:
        """Return the schedules of the flows that are on: what changed by the minute, everything at night."""
        found = []
        for name in self._application.flows:
            settings = self._application.flow_settings(name)
            if settings.on:
                lines = crons(settings.schedule_minutes, nightly=settings.nightly_complete)
                found += [
                    Schedule(name, cron, mode) for cron, mode in zip(lines, (Mode.CHANGES, Mode.COMPLETE), strict=False)
                ]
        return found

    def may_approve(self, run: Run) -> Approval | None:
        """Return the approval of a plan that trips no brake, when its flow may send by itself."""
        if run.brakes or not self._application.flow_settings(run.flow).auto_approve:
            return None
        return Approval(run.fingerprint, by="schedule")


def _settings_of(model: type[S], given: Mapping[str, Any], group: str) -> S:
    """Return the settings of a system; what it refuses is told by its name in the environment."""
    try:
        return model(**given)
    except ValidationError as error:
        raise refused(error, f"{PREFIX}{group}__") from None


def _mark(state: str) -> str:
    return hashlib.sha256(state.encode()).hexdigest()


def _opened(settings: Settings) -> Database:
    """Return the operational database; a file that cannot be used is told by the setting that names its folder.

    What an earlier version left readable for others is taken from them first.
    """
    for file in (file for pattern in KEPT for file in settings.data.glob(pattern)):
        with suppress(OSError):  # gone meanwhile, or somebody else's
            if file.is_file() and file.stat().st_mode & OTHERS:
                file.chmod(0o600)
    try:
        return open_database(settings.operational_url())
    except ConfigurationError as error:
        if error.code == "setting_invalid" and not settings.database_url.get_secret_value():
            raise ConfigurationError(error.code, **{**error.facts, "setting": f"{PREFIX}DATA"}) from None
        raise


def _is_dead(owner: str) -> bool:
    """Tell whether an owner was a process of this machine that no longer lives."""
    host, _, process = owner.rpartition("-")
    if host != socket.gethostname() or not process.isdecimal():
        return False
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


def _csv_lines(row: PlanRow) -> Iterator[list[str]]:
    shown = [row.action, row.kind, row.key, row.title]
    if row.change is None:
        yield [*shown, row.cause_field, "", "", row.step, row.cause]
        return
    before = row.change.before.flat() if row.change.before else {}
    for path, value in row.change.wanted.flat().items():
        yield [*shown, path, _text(before.get(path)), _text(value), row.step, row.cause]


def _text(value: object) -> str:
    return "" if value is None else "; ".join(value) if isinstance(value, tuple) else str(value)


_started: Application | None = None
_starting = threading.Lock()


def application(flows: Specs = FLOWS) -> Application:
    """Return the one application of this process, started at the first call with these flows."""
    global _started  # noqa: PLW0603 - one engine per process
    with _starting:
        if _started is None:
            _started = Application(load_settings(), flows=flows).start()
        return _started


def answer_log(body: bytes, token: str) -> tuple[int, bytes]:
    """Answer a program's question to the log of this process's application; see `Application.answer_log`."""
    return application().answer_log(body, token)


def exported_log(name: str, ticket: str) -> Path | None:
    """Return the log of this process's application as a file; see `Application.exported`."""
    return application().exported(name, ticket)


def metrics() -> str:
    """Return the numbers of this process's application for a monitor; see `Application.metrics`."""
    return application().metrics()


def shut_down() -> None:
    """Stop the application of this process; the next call of `application` starts a new one."""
    global _started  # noqa: PLW0603
    with _starting:
        if _started is not None:
            _started.close()
            _started = None
