"""A bench for the runner: real files, two systems in memory, and a clock that only moves when it is told to."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from tomllib import loads
from typing import Any

import pytest

from integration.connectors.protocol import Connector
from integration.core.plan import Approval
from integration.core.records import Kind, Record, Value
from integration.core.run import Mode, PlanRow, Run, RunState, Step
from integration.flows.products import Products, ProductSettings
from integration.runner import Parts, Patience, Runner
from integration.sandbox.server import Sandbox, running
from integration.store.cursors import Cursors
from integration.store.database import Database, open_database
from integration.store.issues import Issues
from integration.store.links import Links
from integration.store.runs import Runs
from tests.builders import a_group, an_article
from tests.fakes import MemoryConnector
from tests.postgres import postgres_server, postgres_url
from tests.runner.killing import proven_without_trouble

__all__ = ["postgres_server", "postgres_url"]

BODY = loads((Path(__file__).parents[2] / "data" / "mappings" / "products.toml").read_text(encoding="utf-8"))
TABLES = {"vat_codes": {"1": "1", "2": "2"}}
RATES = {"1": Decimal("9.00"), "2": Decimal("21.00")}
FLOW = "products"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many cases the kills were."""
    reports = terminalreporter.stats.get("passed", [])
    cases = [value for one in reports for name, value in getattr(one, "user_properties", ()) if name == "cases"]
    if cases:
        terminalreporter.write_line(f"killed and restarted: {', '.join(cases)}")


class Clock:
    """A clock that stands still until it is told to go on."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        """Return the present moment."""
        return self.now

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)


class Bench:
    """The products flow on a database of its own; `source` and `target` are for the test to play with.

    Whatever a test does, every run that comes to rest is checked: what it read is accounted for.
    """

    def __init__(self, database: Database, source: MemoryConnector, target: Connector, **settings: Any) -> None:
        self.source = source
        self.connectors: dict[str, Connector] = {"accountview": source, "mplus": target}
        self.settings = settings
        self.mapping_version = 1
        self.clock = Clock()
        self.runs = Runs(database, self.clock)
        self.links = Links(database, self.clock)
        self.issues = Issues(database, self.clock)
        self.cursors = Cursors(database, self.clock)
        self._logics: dict[str, Products] = {}
        self.restart()

    def restart(self) -> None:
        """Go on as a new process would: nothing is known but what is on file."""
        self.runner = Runner(
            Parts(
                self.connectors, self._logic, self.runs, self.links, self.cursors, self.clock,
                Patience(timedelta(seconds=10), timedelta(seconds=1)),
            )
        )  # fmt: skip

    def _logic(self, flow: str) -> Products:
        state = f"{self.mapping_version} {self.settings}"
        if state not in self._logics:
            self._logics[state] = Products(
                ProductSettings(**self.settings), BODY, self.mapping_version, TABLES, RATES,
                lambda code: self.links.allot(flow, "article", code),
            )  # fmt: skip
        return self._logics[state]

    # ---- what a person does

    def preview(self, mode: Mode = Mode.CHANGES, keys: Sequence[str] = ()) -> Run:
        """Make a plan."""
        self.clock.advance(60)
        run = self.runner.begin(FLOW, by="test", mode=mode, keys=keys)
        while self.runner.preview_page(run.id):
            pass
        return self.rested(run)

    def approve(self, run: Run, **more: Any) -> None:
        """Say yes to a plan, with every brake's number typed."""
        confirmed = {brake.code: brake.count for brake in run.brakes}
        self.runner.approve(run.id, Approval(run.fingerprint, **{"by": "test", "confirmed": confirmed, **more}))

    def carry_out(self, run: Run) -> Run:
        """Write page by page until the run ends; a pause takes no time."""
        while pause := self.runner.commit_page(run.id):
            self.clock.advance(pause.seconds)
        return self.rested(run)

    def commit(self, run: Run, **more: Any) -> Run:
        """Say yes and write."""
        self.approve(run, **more)
        return self.carry_out(run)

    def run(self, mode: Mode = Mode.CHANGES, keys: Sequence[str] = ()) -> Run:
        """Make a plan and write it as it is."""
        run = self.preview(mode, keys)
        return self.commit(run) if run.state is RunState.READY else run

    # ---- what is then

    def rested(self, run: Run) -> Run:
        """Return a run as it is now, every record of it accounted for."""
        counts = self.runs.counts(run.id)
        assert counts.difference == 0, counts
        now = self.runs.get(run.id)
        assert now.counts == counts
        if now.state is RunState.DONE:
            assert (counts.in_doubt, counts.planned) == (0, 0)
        return now

    def changes(self, run: Run) -> dict[str, PlanRow]:
        """Return the changes of a plan by key."""
        return {row.key: row for row in self.runs.rows(run.id, "changes", limit=10_000)}

    def wanted(self, run: Run) -> dict[str, dict[str, Value]]:
        """Return what a plan writes: paths and values, by key."""
        return {key: row.change.wanted.flat() for key, row in self.changes(run).items() if row.change}

    def steps(self, run: Run) -> dict[str, Step]:
        """Return where each change stands."""
        return {key: row.step for key, row in self.changes(run).items()}

    def causes(self, run: Run) -> dict[str, str]:
        """Return why lines of a plan are parked, by key."""
        return {row.key: row.cause for row in self.runs.rows(run.id, "parked", limit=10_000)}


def edited(connector: MemoryConnector, key: str, values: Mapping[str, Value], kind: Kind = Kind.ARTICLE) -> None:
    """Let somebody change values of a record: by name those of its own, by path those of a part."""
    record = connector.held(kind)[key]
    parts = tuple(
        replace(part, values={**part.values, **_inside(values, part.key)}) if _inside(values, part.key) else part
        for part in record.parts
    )
    own = {path: value for path, value in values.items() if "/" not in path}
    connector.put(replace(record, values={**record.values, **own}, parts=parts))


def _inside(values: Mapping[str, Value], part: str) -> dict[str, Value]:
    return {path.partition("/")[2]: value for path, value in values.items() if path.startswith(f"{part}/")}


def articles(*keys: str, **values: Value) -> list[Record]:
    """Return articles as the source has them, and their group; it is last, so that no article has the last stamp."""
    return [*(an_article(key, **values) for key in keys), a_group()]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """An empty database."""
    opened = open_database(f"sqlite:///{tmp_path / 'console.sqlite'}")
    yield opened
    opened.close()


@pytest.fixture
def source() -> MemoryConnector:
    """The books, with five articles in one group."""
    return MemoryConnector(articles("1001", "1002", "1003", "1004", "1005"), system="accountview", page_size=2)


@pytest.fixture
def target() -> MemoryConnector:
    """An empty till."""
    return MemoryConnector(system="mplus", page_size=2)


@pytest.fixture
def bench(database: Database, source: MemoryConnector, target: MemoryConnector) -> Bench:
    """The flow between books and till."""
    return Bench(database, source, target)


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> frozenset[str]:
    """The source articles that a run without any fault proves."""
    return proven_without_trouble(tmp_path_factory.mktemp("calm"))


@pytest.fixture(scope="module")
def shared_sandbox() -> Iterator[Sandbox]:
    """Both systems in a box, for tests that use numbers of their own."""
    with running(articles=50) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(shared_sandbox: Sandbox) -> Sandbox:
    """The shared systems, well and with an empty ledger."""
    shared_sandbox.switches.disarm()
    shared_sandbox.ledger.clear()
    return shared_sandbox
