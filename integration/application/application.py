"""The services of the console, and how they are built from each other. Pages and terminal use nothing else.

Each service covers one subject and does not know how its results are shown. This file is longer than others because it
is one list: each service with its dependencies.
"""

import contextlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta
from typing import TYPE_CHECKING, Self, cast

from integration.accounts.four_eyes import FourEyes
from integration.accounts.people import People
from integration.accounts.sign_on import sign_on_methods
from integration.alerts.channels import Channels
from integration.alerts.connection_status import ConnectionMonitor
from integration.alerts.health import HealthCheck
from integration.alerts.heartbeat_pings import Pings
from integration.alerts.metrics import Metrics
from integration.alerts.monitoring import Monitoring
from integration.alerts.problem_detection import ProblemDetection
from integration.alerts.service import Alerts
from integration.alerts.transport.post import ChannelRoute, Post
from integration.alerts.waiting_list import WaitingList
from integration.application.authorization import AuthorizedApplication
from integration.application.first_week import FirstWeek
from integration.application.stores import Stores
from integration.backup.service import Backups
from integration.core.people import Actor
from integration.core.records import Kind
from integration.core.system_roles import SystemRole, assign_roles
from integration.erasure.data_subjects import DataSubjects
from integration.flows.registry import Specs, tables_of, writer_of
from integration.log.logbook import Logbook
from integration.process.child_environment import network_environment
from integration.process.garbage_collection import frozen_imports
from integration.retention.service import RetentionService
from integration.runner import Dependencies, Runner, VisibilityTimeout
from integration.runner.commit import Commit
from integration.runner.preview import Preview
from integration.services.audit import Audit, authority_of
from integration.services.configuration_file import ConfigurationFile
from integration.services.connections.chosen_flows import ChosenFlows
from integration.services.connections.connections import Connections, FlowNeeds
from integration.services.connections.foreign_documents import ForeignDocumentSearch
from integration.services.connections.proposals import Proposals
from integration.services.connections.sandbox_host import SandboxHost
from integration.services.daybooks.clearing_accounts import ClearingAccounts
from integration.services.daybooks.clearing_sheets import ClearingSheets
from integration.services.daybooks.day_sheets import DaySheets
from integration.services.daybooks.days import Days
from integration.services.daybooks.period_sheets import PeriodSheets
from integration.services.daybooks.periods import Periods
from integration.services.engine_lifecycle import EngineHandle, OwnLeases
from integration.services.keys import Keys
from integration.services.log.log import Log
from integration.services.log.log_access import LogAccess
from integration.services.log.saved_filters import SavedFilters
from integration.services.log.search import Search
from integration.services.mappings.code_lists import CodeLists
from integration.services.mappings.compare_settings import SettingsComparison
from integration.services.mappings.drafts import Drafts
from integration.services.mappings.mappings import Logics, Mappings
from integration.services.mappings.pictures import Pictures
from integration.services.mappings.row_names import RowNames
from integration.services.mappings.tables import Tables
from integration.services.opening_hours import OpeningHoursSettings
from integration.services.prices import Prices
from integration.services.runs.bulk import Bulk
from integration.services.runs.change_requests import ChangeRequests
from integration.services.runs.customer_merges import CustomerMerges
from integration.services.runs.documents import Documents
from integration.services.runs.drift import Drift
from integration.services.runs.exceptions import Exceptions
from integration.services.runs.flows import Flows
from integration.services.runs.missing_rows import MissingRows
from integration.services.runs.plan_selection import PlanSelection
from integration.services.runs.runs import Plans, Runs
from integration.services.saved_queries import SavedQueries
from integration.services.setup import InstallationSetup
from integration.services.stock import Stock
from integration.services.systems.connection_settings import ConnectorFactory, Connectors
from integration.services.systems.object_name_settings import ObjectNameSettings
from integration.services.systems.object_names import ObjectNames
from integration.services.systems.system_choice import SystemChoice
from integration.services.table_export import TableExport
from integration.services.write_holds.former_codes import FormerCodes
from integration.services.write_holds.installation import Installation
from integration.services.write_holds.post_restore_check import PostRestoreCheck
from integration.services.write_holds.system_identity import SystemIdentities
from integration.services.write_holds.write_holds import WriteHolds
from integration.settings import Settings
from integration.store.database import Clock
from integration.store.heartbeats import DEFAULT_INTERVAL, HeartbeatInterval
from integration.store.installation import read_place
from integration.store.secrets import ConnectionStore as StoredConnections

if TYPE_CHECKING:  # imported where it is started: most terminal commands start no engine
    from integration.engine.engine import Engine

# Seconds to wait for the log file after a console was killed. A server waits longer, because it needs the log.
WATCHES = ("server", "worker")  # executors that detect problems and send alerts
LET_GO_SECONDS = {True: 10.0, False: 1.0}


class Application:
    """All services of one console. Pages display their results and decide nothing."""

    def __init__(
        self,
        settings: Settings,
        flows: Specs,
        stores: Stores,
        clock: Clock,
        closing: ExitStack,
        *,
        executor: str,
        serves: bool,
        owner: str,
        pulse: HeartbeatInterval = DEFAULT_INTERVAL,
    ) -> None:
        """Build the services in order of dependency, and register on `closing` what must be closed at the end."""
        self.settings = settings
        self._pulse = pulse
        self.issues, self.links, self.corrections = stores.issues, stores.links, stores.corrections
        self.rules, self.notes, self.saved_filters = stores.rules, stores.notes, SavedFilters(stores.saved_filters)
        self._stores = stores
        self._flows = flows
        self._clock = clock
        self.closing = closing
        leases = OwnLeases(stores.leases, owner)
        sealed = StoredConnections(
            stores.database,
            clock,
            key=settings.key.get_secret_value(),
            before=settings.previous_key.get_secret_value(),
            key_file=settings.key_file,
        )
        self.people = People(
            stores.people, clock, asks=settings.asks_log_in, is_safe=settings.address.startswith("https:")
        )
        self.provider, self.login_proxy = sign_on_methods(settings)
        self._system_choice = SystemChoice(stores.settings)
        assign_roles(self._system_choice.chosen_systems())
        names = ObjectNameSettings(stores.settings, getattr(settings.access(SystemRole.BOOKS.system), "names", None))
        self.access = ConnectorFactory(
            settings, sealed, stores.leases, clock, names, tables_of(flows), self._system_choice
        )
        closing.callback(self.access.close)
        self.names = ObjectNames(flows, names, self.access)
        self.work = EngineHandle(executor, leases, closing)
        self._catalogue()
        restore_check = PostRestoreCheck(
            stores.drifts, stores.links, stores.settings, self.logics, without=(Kind.DAY_PAGE,)
        )
        self.sandbox = SandboxHost(
            settings,
            self.access,
            leases,
            stores.database,
            stores.rules,
            stores.settings,
            clock,
            flows=flows,
            closing=closing,
        )
        self.installation = Installation(stores.installation, read_place(stores.database), self.sandbox)
        self.installation.begin(settings.confirmed_place)
        self.former_codes = FormerCodes(flows, stores.rules, self.logics, stores.settings, self.access)
        self.system_identities = SystemIdentities(
            stores.database, stores.cursors, stores.settings, self.access, self.former_codes, clock
        )
        self._holds = WriteHolds((self.installation, self.system_identities, self.former_codes, restore_check))
        self._build_settings()
        self._build_runner(restore_check)
        self._build_log(owner, serves=serves)
        self._build_monitoring(sealed, keeps_watch=executor in WATCHES, serves=serves)

    def authorized_for(self, actor: Actor) -> "Application":
        """Return the application for one actor: their session and rights are checked at each call."""
        return cast("Application", AuthorizedApplication(self, actor, self.people, self.audit))

    def start(self) -> Self:
        """Start the built-in systems if they are connected, the engine, the alerts and the writer of the log.

        Closes everything if one of them cannot start.
        """
        self.audit.keep_key()
        self.closing.callback(self.log.stop)
        try:
            with ThreadPoolExecutor(1) as pool:  # the log opens in a process of its own
                log_start = pool.submit(self.log.start)
                self.connections.join_sandbox()
                self.work.start(self._engine)
                log_start.result()
        except BaseException:
            self.close()
            raise
        if self._keeps_watch:
            for watch in (self.connection_monitor, self.alerts):
                watch.start()
                self.closing.callback(watch.stop)
        self.closing.callback(self.log_access.close)
        return self

    def close(self) -> None:
        """Stop everything. Interrupted runs are resumed at the next start."""
        self.closing.close()

    def _catalogue(self) -> None:
        """Build the services for code lists, mappings and exceptions."""
        flows, stores = self._flows, self._stores
        self.lists = CodeLists(self.access, self._clock)
        self.closing.callback(self.lists.close)
        row_names = RowNames(stores.settings, self.access, self.lists)
        self.tables = Tables(flows, stores.rules, self.lists, row_names)
        self.pictures = self.closing.enter_context(contextlib.closing(Pictures(self.settings)))
        self.logics = Logics(
            flows,
            stores.corrections,
            stores.issues,
            stores.links,
            stores.movements,
            stores.rules,
            stores.settings,
            stores.booking_states,
            access=self.access,
            lists=self.lists,
            names=self.names,
            pictures=self.pictures,
            row_names=row_names,
            clock=self._clock,
        )
        self.choices = PlanSelection(stores.choices, stores.plans, stores.runs, self.logics)
        self.mappings = Mappings(stores.rules, self.logics)
        self.settings_comparison = SettingsComparison(self.logics, self.access)
        self.proposals = Proposals(flows, self.access, stores.rules, stores.settings, self.names)
        self.documents = Documents(stores.corrections, self.logics, self.access)
        self.exceptions = Exceptions(
            flows,
            stores.corrections,
            stores.issues,
            stores.ledger,
            stores.links,
            stores.plans,
            stores.runs,
            self.access,
            self.logics,
            self.mappings,
            self.lists,
        )
        customers, orders = _numbering(flows)
        self.customer_merges = CustomerMerges(
            stores.customer_merges,
            stores.issues,
            stores.runs,
            self.access,
            customers=customers,
            orders=orders,
        )
        self.missing_rows = MissingRows(flows, self.exceptions, self.tables, self.lists, self.logics)
        self.drafts = Drafts(
            flows,
            stores.links,
            stores.plans,
            stores.rules,
            stores.runs,
            stores.settings,
            logics=self.logics,
            mappings=self.mappings,
            lists=self.lists,
            access=self.access,
        )

    def _build_settings(self) -> None:
        """Build the services for the settings of flows and for the connections of both systems."""
        flows, stores, clock = self._flows, self._stores, self._clock
        self.opening_hours = OpeningHoursSettings(stores.settings)
        self.four_eyes = FourEyes(
            flows,
            stores.settings,
            stores.first_approvals,
            stores.change_requests,
            clock,
            self.people,
            stores.runs,
        )
        self.flows = Flows(
            flows,
            self.logics,
            self.mappings,
            self.lists,
            stores.events,
            stores.issues,
            stores.runs,
            stores.settings,
            self.access,
            clock,
            self.names,
            self.work,
            self._holds,
            self.four_eyes,
        )
        self.change_requests = ChangeRequests(stores.change_requests, self.flows, self.four_eyes)
        self.configuration_file = ConfigurationFile(
            flows,
            stores.database,
            stores.corrections,
            stores.rules,
            stores.settings,
            logics=self.logics,
            tables=self.tables,
            names=self.names,
            access=self.access,
            flow_service=self.flows,
            four_eyes=self.four_eyes,
            work=self.work,
        )
        self._foreign_documents = ForeignDocumentSearch(
            stores.ledger, stores.links, stores.settings, self.access, self.logics, flows
        )
        chosen = ChosenFlows(flows, self.logics, stores.settings, self.access)
        self.connections = Connections(
            self.access,
            clock,
            self.sandbox,
            [spec.flow for spec in flows.values()],
            choice=self._system_choice,
            links=stores.links,
            proposals=self.proposals,
            needs=FlowNeeds(flows, self.access, self.mappings, chosen, self._foreign_documents, self.logics),
            prefix_of={
                name: spec.own_document_marks.flow or name for name, spec in flows.items() if spec.own_document_marks
            },
        )
        self.setup = InstallationSetup(
            flows,
            self.lists,
            self.flows,
            self.tables,
            stores.links,
            stores.rules,
            stores.settings,
            chosen,
            self.connections,
            self.proposals,
        )

    def _build_runner(self, restore_check: PostRestoreCheck) -> None:
        """Build the runner, and the services for runs, plans, prices, drift checks and closed days."""
        flows, stores, clock = self._flows, self._stores, self._clock
        self.plans = Plans(
            stores.corrections,
            stores.links,
            stores.plans,
            stores.runs,
            self.logics,
            self.access,
            products=writer_of(flows.values(), Kind.PRODUCT).name,
        )
        self.prices = Prices(
            stores.links,
            stores.issues,
            stores.erasure_register,
            stores.rules,
            self.access,
            self.lists,
            self.logics,
            customers=writer_of(flows.values(), Kind.RELATION).name,
            products=writer_of(flows.values(), Kind.PRODUCT).name,
            clock=clock,
        )
        self._runner = self._make_runner(stores)
        deps, days = self._runner.preview.deps, writer_of(flows.values(), Kind.DAY_PAGE).name
        self.drift = Drift(
            tuple(flows),
            restore_check,
            deps,
            stores.drifts,
            stores.erasure_register,
            stores.issues,
            stores.links,
            clock,
            self.flows,
            self.lists,
        )
        self.days = Days(
            deps,
            stores.days,
            stores.erasure_register,
            stores.issues,
            stores.links,
            clock,
            self.flows,
            self.lists,
            flow=days,
            others=[(name, Kind.POSTING) for name in flows if name != days],
        )
        self.day_sheets = DaySheets(self.lists, self.connections, clock)
        self.periods = Periods(
            self.days,
            stores.links,
            stores.rules,
            self.lists,
            self.logics,
            deps.connectors,
            clock,
            flows,
        )
        self.clearing_accounts = ClearingAccounts(
            self.days,
            stores.issues,
            stores.links,
            self.logics,
            deps.connectors,
            clock,
            [name for name in flows if name != days],
        )
        self.clearing_sheets = ClearingSheets(self.lists, self.connections, clock)
        self.period_sheets = PeriodSheets(self.lists, self.connections, clock)
        self.runs = Runs(
            stores.plans,
            stores.runs,
            self.work,
            self._runner,
            self.mappings,
            self.exceptions,
            self.proposals,
            self.four_eyes,
            clock,
        )
        self.bulk = Bulk(self.exceptions, stores.issues, self.runs)
        self.saved_queries, self.backups, self.table_export = (
            SavedQueries(stores.settings),
            Backups(self.settings.data, clock),
            TableExport(),
        )

    def _build_log(self, owner: str, *, serves: bool) -> None:
        """Build the log, the health check, search, retention and the history of stock."""
        settings, stores, clock, flows = self.settings, self._stores, self._clock, self._flows
        logbook = Logbook(settings.data / "log.duckdb", patience=LET_GO_SECONDS[serves])
        self.closing.callback(logbook.close)
        self.log = Log(logbook, stores.events, is_drained=serves)
        self.health = HealthCheck(
            settings.data,
            stores.database,
            stores.events,
            stores.heartbeats,
            clock,
            self.work,
            logbook,
        )
        self.log_access = LogAccess(self.log, settings.data, settings.address)
        self.search = Search(flows, self.log, stores.links)
        self.retention = RetentionService(
            settings,
            stores.database,
            stores.leases,
            stores.retained,
            stores.settings,
            self.log,
            clock,
            owner=owner,
            serves=serves,
        )
        stock = writer_of(flows.values(), Kind.STOCK).name
        self.stock = Stock(
            logbook,
            self.log,
            stores.issues,
            self.exceptions,
            self.flows,
            flow=stock,
            products=writer_of(flows.values(), Kind.PRODUCT).name,
        )

    def _build_monitoring(self, sealed: StoredConnections, *, keeps_watch: bool, serves: bool) -> None:
        """Build the services for alerts, erasure, the audit log and encryption keys."""
        settings, stores, clock = self.settings, self._stores, self._clock
        flows = _numbering(self._flows)
        self.data_subjects = DataSubjects(
            settings,
            stores.erasure_register,
            stores.personal_data_search,
            stores.runs,
            self.log,
            sealed,
            clock,
            flows=flows,
            serves=serves,
        )
        self._keeps_watch = keeps_watch
        self.audit = Audit(stores.database, stores.audit, stores.settings, sealed, clock, authority_of(settings))
        self.keys = Keys(sealed, self.audit)
        way = ChannelRoute(
            network_environment(), settings.proxy.get_secret_value(), settings.certificates, settings.channel_networks
        )
        post = Post(way)
        self.channels = Channels(stores.settings, sealed, stores.deliveries, post)
        self.pings = Pings(
            stores.deliveries,
            stores.runs,
            stores.settings,
            sealed,
            clock,
            settings,
        )
        self.monitoring = Monitoring(
            stores.deliveries, stores.incidents, stores.heartbeats, clock, self.flows, self.channels, self.pings
        )
        self.connection_monitor = ConnectionMonitor(self.access, self.connections, clock)
        self.waiting_list = WaitingList(
            self._flows,
            stores.incidents,
            stores.plans,
            exceptions=self.exceptions,
            change_requests=self.change_requests,
            runs=self.runs,
            plans=self.plans,
            connection_monitor=self.connection_monitor,
            flow_service=self.flows,
            setup=self.setup,
        )
        self.first_week = FirstWeek(
            self._flows,
            stores.issues,
            stores.links,
            stores.runs,
            stores.settings,
            self.channels,
            self.backups,
            self.connections,
            self.flows,
        )
        self.metrics = Metrics(stores.runs, stores.incidents, stores.deliveries, clock, self.flows, self.health)
        problems = ProblemDetection(
            stores.deliveries,
            stores.incidents,
            stores.heartbeats,
            stores.issues,
            stores.runs,
            clock,
            flows=self.flows,
            openings=self.opening_hours,
            health=self.health,
            work=self.work,
            monitoring=self.monitoring,
            audit=self.audit,
            connection_monitor=self.connection_monitor,
        )
        self.alerts = Alerts(
            stores.deliveries,
            stores.incidents,
            stores.erasure_register,
            stores.heartbeats,
            stores.runs,
            stores.settings,
            clock,
            problem_detection=problems,
            channels=self.channels,
            openings=self.opening_hours,
            pings=self.pings,
            post=post,
            log_access=self.log_access,
            work=self.work,
            audit=self.audit,
        )

    def _make_runner(self, stores: Stores) -> Runner:
        deps = Dependencies(
            connectors=Connectors(self.access),
            logics=self.logics,
            runs=stores.runs,
            previews=stores.previews,
            plans=stores.plans,
            ledger=stores.ledger,
            links=stores.links,
            cursors=stores.cursors,
            corrections=stores.corrections,
            customer_merges=stores.customer_merges,
            erased=stores.erasure_register,
            holds=self._holds,
            identities=self.system_identities,
            foreign_documents=self._foreign_documents,
            clock=self._clock,
            patience=VisibilityTimeout(visible_within=timedelta(seconds=self.settings.patience_seconds)),
        )
        return Runner(Preview(deps), Commit(deps))

    def _engine(self, executor: str) -> "Engine":
        with frozen_imports():
            from integration.engine.engine import Engine  # noqa: PLC0415 - as said at the top

        return Engine(
            url=self.settings.engine_url(),
            executor=executor,
            runner=self._runner,
            runs=self._stores.runs,
            fencing_tokens=self._stores.fencing_tokens,
            heartbeats=self._stores.heartbeats,
            schedules=self.flows,
            nightly_checks={
                "drift": self.drift,
                "days": self.days,
                "clearing": self.clearing_accounts,
                "prices": self.prices,
                "retention": self.retention,
                "erasure": self.data_subjects,
                "audit": self.audit,
            },
            checks_after_commit={
                writer_of(self._flows.values(), Kind.RELATION).name: self.prices,
                writer_of(self._flows.values(), Kind.PRODUCT).name: self.prices,
                writer_of(self._flows.values(), Kind.DAY_PAGE).name: self.days,
            },
            pulse=self._pulse,
        )


def _numbering(flows: Specs) -> tuple[str, str]:
    """Return the flows that link customers: by their number in the books, and by their number at the till."""
    customers = writer_of(flows.values(), Kind.RELATION)
    return customers.name, customers.mirrors[Kind.RELATION][0]
