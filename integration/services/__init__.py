"""What pages and terminal may ask. Each service is one idea; none of them knows how it is shown.

It is longer than other files because it is one list: each service, and what it is made of.
"""

import contextlib
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Self, cast

from integration.channels.post import Post, WayOut
from integration.connectors.limits import NetworkRoute
from integration.connectors.protocol import Connector
from integration.core.basis import NAMES, Basis
from integration.core.people import Actor
from integration.core.records import Kind
from integration.core.strangers import NO_STRANGERS, Strangers
from integration.flows.registry import Specs, tables_of, writer_of
from integration.flows.settings import BOOKS, TILL
from integration.flows.tables import VAT_RATES
from integration.log.logbook import Logbook
from integration.process.child_environment import with_way_out
from integration.runner import ALL_ON, Dependencies, Patience, Runner, Safeguards
from integration.runner.commit import Commit
from integration.runner.preview import Preview
from integration.services.access import Access
from integration.services.alerts import Alerts
from integration.services.arrangement import Arrangement
from integration.services.audit import Audit, authority_of
from integration.services.authorization import AuthorizedApplication
from integration.services.backups import Backups
from integration.services.bulk import Bulk
from integration.services.change_requests import ChangeRequests
from integration.services.channels import Channels
from integration.services.choosing import Choices
from integration.services.chosen_flows import ChosenFlows
from integration.services.connections import Connections, FlowNeeds
from integration.services.day_sheets import DaySheets
from integration.services.days import Days
from integration.services.documents import Documents
from integration.services.drafts import Drafts
from integration.services.drift import Drift
from integration.services.erasure import Persons
from integration.services.exceptions import Exceptions
from integration.services.first_week import FirstWeek
from integration.services.flows import Flows
from integration.services.four_eyes import FourEyes
from integration.services.health import HealthCheck
from integration.services.identity import ways_in
from integration.services.installation import Installation
from integration.services.kept_names import KeptNames
from integration.services.keys import Keys
from integration.services.listings import Listings
from integration.services.lists import LAST_SECONDS, Lists
from integration.services.log import Log
from integration.services.log_access import LogAccess
from integration.services.looks_owed import LooksOwed
from integration.services.mappings import Logics, Mappings
from integration.services.messages import Messages
from integration.services.metrics import Metrics
from integration.services.missing_rows import MissingRows
from integration.services.monitoring import Monitoring
from integration.services.names import Naming
from integration.services.openings import OpeningsKept
from integration.services.people import People
from integration.services.pictures import Pictures
from integration.services.pings import Pings
from integration.services.prices import Prices, said_by_books
from integration.services.questions import Questions
from integration.services.reach import Reach
from integration.services.retention import Retained
from integration.services.runs import Plans, Runs
from integration.services.sandbox_host import SandboxHost
from integration.services.saved_filters import SavedFilters
from integration.services.search import Search
from integration.services.setup import Proposals, SetUp
from integration.services.stock import Stock
from integration.services.strangers import LookForStrangers
from integration.services.symptoms import Symptoms
from integration.services.system_identity import SystemIdentities
from integration.services.tables import Tables
from integration.services.waiting_list import WaitingList
from integration.services.ways import Ways
from integration.services.work import OwnLeases, Work
from integration.services.write_holds import WriteHolds
from integration.settings import Settings
from integration.store.database import Clock
from integration.store.heartbeats import USUAL, Pulse
from integration.store.installation import read_place
from integration.store.secrets import ConnectionStore as StoredConnections
from integration.store.stores import Stores

if TYPE_CHECKING:  # imported where it is started: most commands of a terminal start none
    from integration.engine.engine import Engine

# Seconds in which the process of a console that was killed has let go of the log; a server has to have it.
WATCHES = ("server", "worker")  # what processes are called that notice trouble and tell of it
LET_GO_SECONDS = {True: 10.0, False: 1.0}


class Application:
    """Everything the console does, by what is asked for. Pages show what it answers and decide nothing."""

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
        safeguards: Safeguards = ALL_ON,
        pulse: Pulse = USUAL,
    ) -> None:
        """Make the services in a line, each of those made before it; `closing` ends what they began."""
        self.settings = settings
        self._safeguards = safeguards
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
            before=settings.key_before.get_secret_value(),
            key_file=settings.key_file,
        )
        self.people = People(
            stores.people, clock, asks=settings.asks_log_in, is_safe=settings.address.startswith("https:")
        )
        self.provider, self.proxy = ways_in(settings)
        names = KeptNames(stores.settings, settings.access(BOOKS).names)
        self.access = Access(settings, sealed, stores.leases, clock, names, tables_of(flows))
        closing.callback(self.access.close)
        self.names = Naming(flows, names, self.access)
        self.work = Work(executor, leases, closing)
        self._catalogue()
        owed = LooksOwed(stores, self.logics.flow, without=(Kind.DAY_PAGE,))
        self.sandbox = SandboxHost(settings, self.access, leases, stores, clock, flows=flows, closing=closing)
        self.installation = Installation(stores.installation, read_place(stores.database), self.sandbox)
        self.installation.begin(settings.confirmed_place)
        self.system_identities = SystemIdentities(stores, self.access, clock)
        self._holds = WriteHolds((self.installation, self.system_identities, owed))
        self._arrange()
        self._look(owed)
        self._tell(owner, serves=serves)
        self._watch(sealed, keeps_watch=executor in WATCHES, serves=serves)

    def authorized_for(self, actor: Actor) -> "Application":
        """Return the application as an actor may use it: who they are and their rights are checked at each call."""
        return cast("Application", AuthorizedApplication(self, actor, self.people.admit, self.audit.heard))

    def start(self) -> Self:
        """Start the built-in systems where they are connected, the engine, and what fills the log."""
        self.audit.keep_key()
        self.connections.join_sandbox()
        self.work.start(self._engine)
        if self._keeps_watch:
            for watch in (self.reach, self.alerts):
                watch.start()
                self.closing.callback(watch.stop)
        self.log.start()
        self.closing.callback(self.log.stop)
        self.closing.callback(self.log_access.close)
        return self

    def close(self) -> None:
        """Stop everything; runs under way are taken up again at the next start."""
        self.closing.close()

    def _catalogue(self) -> None:
        """Make what knows what both systems have, and what flows make of it."""
        flows, stores, connector = self._flows, self._stores, self.access.connector
        self.lists = Lists(connector, lambda: self.access.sandboxed, self._clock)
        self.closing.callback(self.lists.close)
        self.tables = Tables(flows, stores.rules, self.lists)
        self.pictures = self.closing.enter_context(contextlib.closing(Pictures(self.settings)))
        self.logics = Logics(
            flows,
            stores,
            connector=connector,
            rates=self.lists.vat_rates,
            codes=self.lists.choices,
            pictures=self.pictures.read,
        )
        self.choices, self.mappings = Choices(stores, self.logics.flow), Mappings(stores.rules, self.logics)
        self.ways = Ways(self.logics, connector)
        self.proposals = Proposals(flows, self.access, stores, names_are_kept=self.names.kept)
        self.documents = Documents(stores, logic=self.logics.now, connector=connector)
        self.exceptions = Exceptions(
            flows,
            stores,
            connector=connector,
            flow=self.logics.flow,
            source_field=lambda flow, field: self.flows.source_field(flow, field),  # noqa: PLW0108 - made later
        )
        self.missing_rows = MissingRows(
            flows,
            self.exceptions,
            self.tables,
            self.lists,
            home=self._home,
        )
        self.drafts = Drafts(
            flows, stores, logics=self.logics, mappings=self.mappings, lists=self.lists, connector=connector
        )

    def _home(self) -> str:
        """Return the ISO code of the country of the shop, as a flow is set; empty where none asks for it."""
        told = (getattr(self.logics.settings(flow), "default_country", "") for flow in self._flows)
        return str(next(filter(None, told), ""))

    def _arrange(self) -> None:
        """Make what flows are set by, and how both systems are connected for them."""
        flows, stores, clock = self._flows, self._stores, self._clock
        self.openings = OpeningsKept(stores.settings)
        self.four_eyes = FourEyes(
            flows,
            stores.settings,
            stores.yeses,
            stores.change_requests,
            clock,
            deciders=self.people.deciders,
        )
        self.flows = Flows(
            flows,
            self.logics,
            self.mappings,
            self.lists,
            stores,
            connector=self.access.connector,
            clock=clock,
            expect=self.names.expect_objects,
            changed=self.work.reschedule,
            held=self._holds.held,
            needs_two=self.four_eyes.needed,
            may_change=self.four_eyes.may_change,
            is_closed=self.openings.is_closed,
        )
        self.change_requests = ChangeRequests(stores.change_requests, self.flows, self.four_eyes)
        self.arrangement = Arrangement(
            flows,
            stores,
            logics=self.logics,
            tables=self.tables,
            names=self.names,
            expect_there=self.flows.expect_there,
            may_change=partial(self.four_eyes.may_change, approves=False),
            changed=self._rearranged,
        )
        self._strangers = LookForStrangers(stores, self.access.name, self.flows.settings)
        chosen = ChosenFlows(flows, self.flows.settings, stores.settings, self.access)
        self.connections = Connections(
            self.access,
            clock,
            self.sandbox,
            [spec.flow for spec in flows.values()],
            proposals=self.proposals,
            needs=FlowNeeds(flows, self.access, self.mappings, chosen, self._strangers, self.flows.settings),
            prefix_of={name: spec.signs.flow or name for name, spec in flows.items() if spec.signs},
        )
        self.setup = SetUp(
            flows,
            self.lists,
            self.flows.settings,
            self.flows.change,
            self.tables.save,
            stores,
            chosen,
            well=self.connections.are_well,
            entered=self.connections.is_entered,
            fill=self.proposals.fill_once,
            in_use=self.connections.prefix_in_use,
            check=self.connections.check,
        )

    def _look(self, owed: LooksOwed) -> None:
        """Make what runs, and what looks at plans, prices and days."""
        flows, stores, clock, connector = self._flows, self._stores, self._clock, self.access.connector
        self.plans = Plans(stores, self.logics, connector, products=writer_of(flows.values(), Kind.PRODUCT).name)
        self.prices = Prices(
            stores.links,
            stores.issues,
            stores.erased,
            till=lambda: connector(TILL),
            customers=writer_of(flows.values(), Kind.RELATION).name,
            products=writer_of(flows.values(), Kind.PRODUCT).name,
            is_sent=lambda flow: self.flows.settings(flow).model_dump().get("customer_prices") is True,
            rows=lambda table: stores.rules.tables().get(table, {}),
            branches=lambda: self.lists.choices(TILL, "branches"),
            groups=lambda: self.lists.choices(TILL, "branch_price_groups"),
            said=lambda flow, agreed: said_by_books(self.logics.now(flow), connector(BOOKS), agreed),
        )
        self._runner = self._run_by(stores)
        deps, days = self._runner.preview.deps, writer_of(flows.values(), Kind.DAY_PAGE).name
        self.drift = Drift(
            tuple(flows),
            owed,
            deps,
            stores,
            clock,
            is_on=self.flows.is_on,
            rates=lambda system: self.lists.captions(system, VAT_RATES),
        )
        self.days = Days(
            deps,
            stores,
            clock,
            flow=days,
            is_on=self.flows.is_on,
            branches=lambda: self.lists.captions(TILL, "branches"),
            others=[(name, Kind.POSTING) for name in flows if name != days],
        )
        self.day_sheets = DaySheets(partial(self.lists.captions, patience=LAST_SECONDS), self._company, clock)
        self.runs = Runs(
            stores, self.work, self._runner, self.mappings, self.exceptions, self.proposals, self.four_eyes, clock
        )
        self.bulk = Bulk(self.exceptions, stores.issues, self.runs)
        self.questions, self.backups, self.listings = (
            Questions(stores.settings),
            Backups(self.settings.data, clock),
            Listings(),
        )

    def _tell(self, owner: str, *, serves: bool) -> None:
        """Make what tells of what happened: the log, the numbers of a monitor, and stock over time."""
        settings, stores, clock, flows = self.settings, self._stores, self._clock, self._flows
        logbook = Logbook(settings.data / "log.duckdb", patience=LET_GO_SECONDS[serves])
        self.closing.callback(logbook.close)
        self.log = Log(logbook, stores.events, is_drained=serves)
        self.health = HealthCheck(
            settings.data,
            stores,
            clock,
            executor=lambda: self.work.executor,
            undrained=logbook.undrained,
            log_is_away=lambda: logbook.is_away,
        )
        self.log_access = LogAccess(self.log, settings.data, settings.address)
        self.search = Search(flows, self.log, stores.links)
        self.retention = Retained(settings, stores, self.log, clock, owner=owner, serves=serves)
        stock = writer_of(flows.values(), Kind.STOCK).name
        self.stock = Stock(
            logbook,
            self.log,
            stores.issues,
            article=self.exceptions.article,
            flow=stock,
            products=writer_of(flows.values(), Kind.PRODUCT).name,
            reorder=lambda: str(self.flows.settings(stock).model_dump()["reorder"]),
            due=lambda rounds, at: self.flows.round_before(stock, rounds, at) if self.flows.is_on(stock) else None,
        )

    def _watch(self, sealed: StoredConnections, *, keeps_watch: bool, serves: bool) -> None:
        """Make what notices trouble and tells of it, and what else keeps something sealed."""
        settings, stores, clock = self.settings, self._stores, self._clock
        flows = _numbering(self._flows)
        self.persons = Persons(settings, stores, self.log, sealed, clock, flows=flows, serves=serves)
        self._keeps_watch = keeps_watch
        self.audit = Audit(stores, sealed, clock, authority_of(settings))
        self.keys = Keys(sealed, self.audit.keep_key)
        way = WayOut(
            with_way_out(), settings.proxy.get_secret_value(), settings.certificates, settings.channel_networks
        )
        post = Post(way)
        self.channels = Channels(stores.settings, sealed, stores.deliveries, post)
        self.pings = Pings(stores, sealed, clock, lambda url: NetworkRoute(**settings.route(url)))
        self.monitoring = Monitoring(stores, clock, self.flows.statuses, self.channels, self.pings)
        self.reach = Reach(self.access, self.connections, clock)
        self.waiting_list = WaitingList(
            self._flows,
            stores,
            exceptions=self.exceptions,
            change_requests=self.change_requests,
            runs=self.runs,
            plans=self.plans,
            reach=self.reach,
            statuses=self.flows.statuses,
            set_up_goes_on=self.setup.goes_on,
        )
        self.first_week = FirstWeek(
            self._flows,
            stores,
            self.channels,
            self.backups,
            connected=lambda: all(one.connected for one in self.connections.statuses()),
            is_on=self.flows.is_on,
        )
        self.metrics = Metrics(stores, clock, self.flows.statuses, self.health.look)
        symptoms = Symptoms(
            stores,
            clock,
            flows=self.flows.statuses,
            round_before=self.flows.round_before,
            openings=self.openings.now,
            health=self.health.look,
            executor=lambda: self.work.executor,
            channel_name=self.monitoring.channel_name,
            audit=self.audit.checked,
            stands=self.reach.stands,
        )
        self.alerts = Alerts(
            stores,
            clock,
            symptoms=symptoms,
            channels=self.channels,
            openings=self.openings,
            pings=self.pings,
            post=post,
            messages=lambda: Messages(self.log_access.place),
            executor=lambda: self.work.executor,
            audit=self.audit.newest_anchor,
        )

    def _run_by(self, stores: Stores) -> Runner:
        deps = Dependencies(
            connectors=_Connectors(self.access.connector),
            logic=self.logics.now,
            runs=stores.runs,
            previews=stores.previews,
            plans=stores.plans,
            ledger=stores.ledger,
            links=stores.links,
            cursors=stores.cursors,
            clock=self._clock,
            patience=Patience(visible_within=timedelta(seconds=self.settings.patience_seconds)),
            earlier=self.logics.earlier,
            corrected=self.logics.corrected,
            corrections=stores.corrections.marks,
            fed=self._fed,
            basis=self._basis,
            read_fields=self.logics.read_fields,
            safeguards=self._safeguards,
            ended=self.prices.written,
            suspect=self.system_identities.suspect,
            held=self._holds.held,
            strangers=self._strangers_of,
            accept=self._strangers.accept,
            erased=stores.erased.held,
        )
        return Runner(Preview(deps), Commit(deps))

    def _engine(self, executor: str) -> "Engine":
        from integration.engine.engine import Engine  # noqa: PLC0415 - as said at the top

        return Engine(
            url=self.settings.engine_url(),
            executor=executor,
            runner=self._runner,
            runs=self._stores.runs,
            fencing_tokens=self._stores.fencing_tokens,
            heartbeats=self._stores.heartbeats,
            schedules=self.flows,
            looks={
                "drift": self.drift.page,
                "days": self.days.look,
                "prices": self.prices.page,
                "retention": self.retention.page,
                "erasure": self.persons.page,
                "audit": self.audit.page,
            },
            safeguards=self._safeguards,
            pulse=self._pulse,
        )

    def _fed(self, flow: str) -> Mapping[str, str]:
        """Return marks of what the logic of a flow is made of, and of the names under which AccountView is read."""
        return {**self.logics.fed(flow), NAMES: self.names.mark()}

    def _basis(self, flow: str, version: int, asks: bool) -> Basis:
        """Return marks of what decides a plan of a flow now; where the systems are asked, they are compared as well."""
        if asks:
            self.system_identities.check()
        return {**self.logics.basis(flow, version, asks=asks), NAMES: self.names.mark()}

    def _strangers_of(self, flow: str) -> Strangers:
        """Return the documents under the prefix of a flow that are not ours and that nobody has accepted."""
        spec = self._flows[flow]
        if spec.signs is None:
            return NO_STRANGERS
        return self._strangers.among(self.access.connector(BOOKS), spec, self.flows.settings(flow))

    def _rearranged(self) -> None:
        """Use what was just kept from a file: names with the next call, schedules from now on."""
        self.access.reconnect(BOOKS)
        self.work.reschedule()

    def _company(self) -> str:
        """Return what the administration of the books is called, as far as their connection says it."""
        return self.connections.known(BOOKS).about


def _numbering(flows: Specs) -> tuple[str, str]:
    """Return the flow that knows customers by their number in the books, and the one that does by that at the till."""
    customers = writer_of(flows.values(), Kind.RELATION)
    return customers.name, customers.mirrors[Kind.RELATION][0]


class _Connectors(dict[str, Connector]):
    """Connectors built when they are first needed, and not kept here: a run must not need both before it begins."""

    def __init__(self, build: Callable[[str], Connector]) -> None:
        self._build = build

    def __missing__(self, system: str) -> Connector:
        return self._build(system)
