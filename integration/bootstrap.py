"""The only place where parts meet: builds the application, and keeps the one of this process."""

from __future__ import annotations

import threading
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from integration.connectors.protocol import Connector
from integration.connectors.systems import SYSTEMS
from integration.core.errors import ConfigurationError
from integration.core.findings import Finding
from integration.core.records import Kind
from integration.flows.registry import FLOWS, Specs, mirrors_of, writer_of
from integration.flows.systems import BOOKS
from integration.log.logbook import Logbook
from integration.runner import Parts, Patience, Runner
from integration.runner.commit import Commit
from integration.runner.preview import Preview
from integration.services import Application
from integration.services.access import Access
from integration.services.connections import Connections
from integration.services.corrections import Corrections
from integration.services.drafts import Drafts
from integration.services.exceptions import Exceptions
from integration.services.flows import Flows
from integration.services.leases import OwnLeases
from integration.services.lists import Lists
from integration.services.log import Log
from integration.services.log_access import LogAccess
from integration.services.logic import Logics
from integration.services.mappings import Mappings
from integration.services.metrics import Metrics
from integration.services.names import Naming
from integration.services.needs import Chosen, needs
from integration.services.plans import Plans
from integration.services.proposals import Proposals
from integration.services.questions import Questions
from integration.services.records import Records
from integration.services.runs import Runs
from integration.services.sandbox import BuiltIn
from integration.services.setup import SetUp
from integration.services.stock import Stock
from integration.services.tables import ValueTables
from integration.services.work import Work
from integration.settings import PREFIX, Settings, load_settings
from integration.store.database import Database, open_database
from integration.store.rules import Rules
from integration.store.secrets import Connections as StoredConnections
from integration.store.stores import stores_of

if TYPE_CHECKING:  # imported where it is started: most commands of a terminal start none
    from integration.engine import Engine

ROOT = Path(__file__).parent.parent
OTHERS = 0o077  # a mask: what nobody but the owner may do with a file
KEPT = ("console.*", "engine.*", "log.duckdb*", "sandbox.journal")


def build(
    settings: Settings, *, executor: str = "server", serves: bool = True, owner: str = "", flows: Specs = FLOWS
) -> Application:
    """Return the application on the data that the settings name, not started yet.

    `executor` is what this process is called among those that share the work, `owner` what tells it from all others;
    one that `serves` keeps the log. Raises ConfigurationError, naming the setting, for what cannot be used.
    """
    closing = ExitStack()
    try:
        return _Parts(settings, closing, owner, flows).application(executor, serves=serves)
    except BaseException:
        closing.close()
        raise


class _Parts:
    """What an application is built of, each built once, those first that others need."""

    def __init__(self, settings: Settings, closing: ExitStack, owner: str, flows: Specs) -> None:
        self.flows = flows
        self.settings = settings
        self.closing = closing
        database = _opened(settings)
        closing.callback(database.close)
        stores = self.stores = stores_of(database, now, mirrors=mirrors_of(flows.values()))
        self.leases = OwnLeases(stores.leases, owner)
        _publish_shipped(flows, stores.rules)
        sealed = StoredConnections(
            database, now, key=settings.key.get_secret_value(), key_file=settings.data / "console.key"
        )
        self.access = Access(settings, sealed, stores.leases, now, named=lambda given: self.names.laid_over(given))  # noqa: PLW0108 - made after it
        closing.callback(self.access.close)
        self.names = Naming(
            flows,
            self.stores.settings,
            access=lambda: self.access.of("accountview"),
            connector=lambda: self.access.connector("accountview"),
            name=self.access.name,
            file=settings.accountview.names,
            changed=lambda: self.access.reconnect("accountview"),
        )
        self.lists = Lists(self.access.connector, lambda: self.access.sandboxed, now)
        closing.callback(self.lists.close)
        self.logics = Logics(
            flows,
            self.stores.rules,
            self.stores.settings,
            self.stores.links,
            self.stores.corrections,
            connector=self.access.connector,
            rates=self.lists.vat_rates,
        )
        parts = Parts(
            connectors=_Connectors(self.access.connector),
            logic=self.logics.now,
            runs=stores.runs,
            previews=stores.previews,
            plans=stores.plans,
            ledger=stores.ledger,
            links=stores.links,
            cursors=stores.cursors,
            clock=now,
            patience=Patience(visible_within=timedelta(seconds=settings.patience_seconds)),
            earlier=self.logics.earlier,
            corrected=self.logics.corrected,
            names=self.names.mark,
        )
        self.runner = Runner(Preview(parts), Commit(parts))

    def application(self, executor: str, *, serves: bool) -> Application:
        """Return the services, joined with one another."""
        connector, clock, events = self.access.connector, now, self.stores.events
        work = Work(executor, self.leases, lambda slot: self._engine(slot, flows), self.closing)
        mappings = Mappings(self.stores.rules, self.logics)
        proposals = Proposals(
            self.flows, self.access, self.stores.rules, self.stores.settings, names_are_kept=self.names.kept
        )
        exceptions = Exceptions(
            self.flows,
            self.stores.issues,
            self.stores.links,
            self.stores.runs,
            self.stores.plans,
            events,
            connector=connector,
            flow=self.logics.flow,
        )
        flows = Flows(
            self.flows,
            self.logics,
            mappings,
            self.lists,
            stored=self.stores.settings,
            events=events,
            runs=self.stores.runs,
            issues=self.stores.issues,
            connector=connector,
            clock=clock,
            expect=self.names.expect_objects,
            changed=work.reschedule,
        )
        sandbox = BuiltIn(
            self.settings,
            self.access,
            self.leases,
            self.stores.database,
            clock,
            rules=self.stores.rules,
            stored=self.stores.settings,
            flows=self.flows,
            closing=self.closing,
        )
        connections = Connections(
            self.access,
            clock,
            sandbox,
            [spec.flow for spec in self.flows.values()],
            propose=proposals.fill,
            needs=lambda: self._needs(setup.chosen() or tuple(self.flows), mappings),
        )
        setup = SetUp(
            self.flows,
            self.lists,
            flows.settings,
            flows.change,
            self.stores.rules,
            self.stores.settings,
            name=self.access.name,
            well=connections.are_well,
            entered=self.access.is_entered,
        )
        logbook = Logbook(self.settings.data / "log.duckdb")
        log = Log(logbook, events, is_drained=serves)
        stock = writer_of(self.flows.values(), Kind.STOCK)
        return Application(
            settings=self.settings,
            access=self.access,
            connections=connections,
            corrections=Corrections(self.stores.corrections, exceptions.records),
            drafts=Drafts(
                self.flows,
                self.stores.rules,
                self.stores.runs,
                self.stores.plans,
                self.stores.settings,
                logics=self.logics,
                mappings=mappings,
                lists=self.lists,
                connector=connector,
            ),
            exceptions=exceptions,
            flows=flows,
            lists=self.lists,
            log=log,
            log_access=LogAccess(log, self.settings.data),
            questions=Questions(self.stores.settings),
            mappings=mappings,
            metrics=Metrics(flows, self.stores.runs, events, clock),
            names=self.names,
            plans=Plans(self.stores.plans, self.stores.runs, self.stores.links, self.logics, connector),
            proposals=proposals,
            runs=Runs(self.stores.runs, self.stores.plans, work, self.runner, mappings, exceptions, proposals, clock),
            sandbox=sandbox,
            setup=setup,
            records=Records(self.stores.links, self.stores.issues),
            stock=Stock(
                logbook,
                log,
                self.stores.issues,
                article=exceptions.article,
                flow=stock.name,
                products=writer_of(self.flows.values(), Kind.PRODUCT).name,
                reorder=lambda: str(flows.settings(stock.name).model_dump()["reorder"]),
            ),
            tables=ValueTables(self.flows, self.stores.rules, self.stores.issues),
            work=work,
            closing=self.closing,
        )

    def _engine(self, executor: str, flows: Flows) -> Engine:
        from integration.engine import Engine  # noqa: PLC0415 - as said at the top

        return Engine(
            url=self.settings.engine_url(),
            executor=executor,
            runner=self.runner,
            runs=self.stores.runs,
            heartbeats=self.stores.heartbeats,
            schedules=flows,
            clock=now,
        )

    def _needs(self, flows: tuple[str, ...], mappings: Mappings) -> list[Finding]:
        """Return what flows need of AccountView beyond the connection."""
        return needs(
            self.access.connector(BOOKS),
            [Chosen(self.flows[name], self.logics.settings(name), mappings.published(name).mapping) for name in flows],
        )


class _Connectors(Mapping[str, Connector]):
    """Connectors built when they are first needed: a run must not need both before it begins."""

    def __init__(self, build: Callable[[str], Connector]) -> None:
        self._build = build

    def __getitem__(self, system: str) -> Connector:
        return self._build(system)

    def __iter__(self) -> Iterator[str]:
        return iter(SYSTEMS)

    def __len__(self) -> int:
        return len(SYSTEMS)


def now() -> datetime:
    """Return the moment it is."""
    return datetime.now(UTC)


def _publish_shipped(flows: Specs, rules: Rules) -> None:
    for flow, spec in flows.items():
        if rules.published(flow) is None:
            body = tomllib.loads(spec.mapping.read_text(encoding="utf-8"))
            rules.publish(flow, body, by="shipped", note="")


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


_started: Application | None = None
_starting = threading.Lock()


def application(flows: Specs = FLOWS) -> Application:
    """Return the one application of this process, started at the first call with these flows."""
    global _started  # noqa: PLW0603 - one engine per process
    with _starting:
        if _started is None:
            _started = build(load_settings(), flows=flows).start()
        return _started


def shut_down() -> None:
    """Stop the application of this process; the next call of `application` starts a new one."""
    global _started  # noqa: PLW0603
    with _starting:
        if _started is not None:
            _started.close()
            _started = None
