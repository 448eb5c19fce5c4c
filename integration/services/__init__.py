"""What pages and terminal may ask. Each service is one idea; none of them knows how it is shown."""

from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta
from typing import TYPE_CHECKING, Self

from integration.connectors.protocol import Connector
from integration.core.connections import Finding
from integration.core.records import Kind
from integration.flows.registry import Specs, writer_of
from integration.flows.settings import BOOKS
from integration.log.logbook import Logbook
from integration.runner import ALL_ON, Parts, Patience, Runner, Safeguards
from integration.runner.commit import Commit
from integration.runner.preview import Preview
from integration.services.access import Access
from integration.services.built_in import BuiltIn
from integration.services.connections import Chosen, Connections, needs
from integration.services.drafts import Drafts
from integration.services.exceptions import Exceptions
from integration.services.flows import Flows
from integration.services.health import HealthCheck
from integration.services.lab import Lab
from integration.services.lists import Lists
from integration.services.log import Log, LogAccess
from integration.services.mappings import Logics, Mappings
from integration.services.names import Naming
from integration.services.questions import Questions
from integration.services.runs import Plans, Runs
from integration.services.setup import Proposals, SetUp
from integration.services.stock import Stock
from integration.services.work import OwnLeases, Work
from integration.settings import Settings
from integration.store.database import Clock
from integration.store.heartbeats import USUAL, Pulse
from integration.store.secrets import Connections as StoredConnections
from integration.store.stores import Stores

if TYPE_CHECKING:  # imported where it is started: most commands of a terminal start none
    from integration.engine import Engine

# Seconds in which the process of a console that was killed has let go of the log; a server has to have it.
LET_GO_SECONDS = {True: 10.0, False: 1.0}


class Application:
    """Everything the console does, by what is asked for. Pages show what it answers and decide nothing.

    What a store answers as it is asked (`choices`, `issues`, `links`, `corrections`, `rules`) has no service around it.
    """

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
        """Join the services with one another, those first that others need; `closing` ends what they began."""
        self.settings = settings
        self.choices = stores.choices
        self._safeguards = safeguards
        self._pulse = pulse
        self.issues = stores.issues
        self.links = stores.links
        self.corrections = stores.corrections
        self.rules = stores.rules
        self._stores = stores
        self._clock = clock
        self.closing = closing
        leases = OwnLeases(stores.leases, owner)
        sealed = StoredConnections(
            stores.database, clock, key=settings.key.get_secret_value(), key_file=settings.data / "console.key"
        )
        self.access = Access(settings, sealed, stores.leases, clock, named=lambda given: self.names.laid_over(given))  # noqa: PLW0108 - made after it
        closing.callback(self.access.close)
        connector = self.access.connector
        self.names = Naming(
            flows,
            stores.settings,
            access=lambda: self.access.of(BOOKS),
            connector=lambda: connector(BOOKS),
            name=self.access.name,
            file=settings.accountview.names,
            changed=lambda: self.access.reconnect(BOOKS),
        )
        self.lists = Lists(connector, lambda: self.access.sandboxed, clock)
        closing.callback(self.lists.close)
        self.logics = Logics(flows, stores, connector=connector, rates=self.lists.vat_rates, codes=self.lists.choices)
        self.mappings = Mappings(stores.rules, self.logics)
        self.work = Work(executor, leases, self._engine, closing)
        self.proposals = Proposals(flows, self.access, stores, names_are_kept=self.names.kept)
        self.exceptions = Exceptions(flows, stores, connector=connector, flow=self.logics.flow)
        self.flows = Flows(
            flows,
            self.logics,
            self.mappings,
            self.lists,
            stores,
            connector=connector,
            clock=clock,
            expect=self.names.expect_objects,
            changed=self.work.reschedule,
        )
        self.sandbox = BuiltIn(settings, self.access, leases, stores, clock, flows=flows, closing=closing)
        self.connections = Connections(
            self.access,
            clock,
            self.sandbox,
            [spec.flow for spec in flows.values()],
            propose=self.proposals.fill,
            needs=lambda: self._needs(self.setup.chosen() or tuple(flows)),
        )
        self.setup = SetUp(
            flows,
            self.lists,
            self.flows.settings,
            self.flows.change,
            stores,
            name=self.access.name,
            well=self.connections.are_well,
            entered=self.connections.is_entered,
        )
        self.drafts = Drafts(
            flows, stores, logics=self.logics, mappings=self.mappings, lists=self.lists, connector=connector
        )
        self.plans = Plans(stores, self.logics, connector)
        self._runner = self._run_by(stores)
        self.runs = Runs(stores, self.work, self._runner, self.mappings, self.exceptions, self.proposals, clock)
        self.lab = Lab(settings.data, flows, stores, closing=closing)
        self.questions = Questions(stores.settings)
        logbook = Logbook(settings.data / "log.duckdb", patience=LET_GO_SECONDS[serves])
        closing.callback(logbook.close)
        self.log = Log(logbook, stores.events, is_drained=serves)
        self.health = HealthCheck(
            settings.data,
            stores,
            clock,
            executor=lambda: self.work.executor,
            undrained=logbook.undrained,
            log_is_away=lambda: logbook.is_away,
        )
        self.log_access = LogAccess(self.log, settings.data)
        stock = writer_of(flows.values(), Kind.STOCK).name
        self.stock = Stock(
            logbook,
            self.log,
            stores.issues,
            article=self.exceptions.article,
            flow=stock,
            products=writer_of(flows.values(), Kind.PRODUCT).name,
            reorder=lambda: str(self.flows.settings(stock).model_dump()["reorder"]),
        )

    def start(self) -> Self:
        """Start the built-in systems where they are connected, the engine, and what fills the log."""
        self.connections.join_sandbox()
        self.work.start()
        self.log.start()
        self.closing.callback(self.log.stop)
        self.closing.callback(self.log_access.close)
        return self

    def close(self) -> None:
        """Stop everything; runs under way are taken up again at the next start."""
        self.closing.close()

    def _run_by(self, stores: Stores) -> Runner:
        parts = Parts(
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
            names=self.names.mark,
            safeguards=self._safeguards,
        )
        return Runner(Preview(parts), Commit(parts))

    def _engine(self, executor: str) -> "Engine":
        from integration.engine import Engine  # noqa: PLC0415 - as said at the top

        return Engine(
            url=self.settings.engine_url(),
            executor=executor,
            runner=self._runner,
            runs=self._stores.runs,
            claims=self._stores.claims,
            heartbeats=self._stores.heartbeats,
            schedules=self.flows,
            safeguards=self._safeguards,
            pulse=self._pulse,
        )

    def _needs(self, flows: tuple[str, ...]) -> list[Finding]:
        """Return what flows need of AccountView beyond the connection."""
        return needs(
            self.access.connector(BOOKS),
            [
                Chosen(self.flows.spec(name), self.flows.settings(name), self.mappings.published(name).mapping)
                for name in flows
            ],
        )


class _Connectors(dict[str, Connector]):
    """Connectors built when they are first needed, and not kept here: a run must not need both before it begins."""

    def __init__(self, build: Callable[[str], Connector]) -> None:
        self._build = build

    def __missing__(self, system: str) -> Connector:
        return self._build(system)
