"""The runner in a harness: real files, two systems in memory, and a clock that a test moves."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from integration.sandbox.server import Sandbox, running
from integration.store.database import Database
from tests.fakes import MemoryConnector
from tests.flow_harness import FlowHarness, articles
from tests.postgres import postgres_server, postgres_url
from tests.runner.crash_matrix import Calm, with_articles, without_trouble
from tests.stores import database

__all__ = ["database", "postgres_server", "postgres_url"]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the number of fault cases."""
    reports = terminalreporter.stats.get("passed", [])
    cases = [value for report in reports for name, value in getattr(report, "user_properties", ()) if name == "cases"]
    if cases:
        number = sum(int(case.split()[0]) for case in cases)
        terminalreporter.write_line(f"trouble met and survived, {number} cases: {', '.join(cases)}")


@pytest.fixture
def source() -> MemoryConnector:
    """The books, with five articles in one group."""
    return MemoryConnector(articles("1001", "1002", "1003", "1004", "1005"), system="accountview", page_size=2)


@pytest.fixture
def target() -> MemoryConnector:
    """An empty till."""
    return MemoryConnector(system="mplus", page_size=2)


@pytest.fixture
def harness(database: Database, source: MemoryConnector, target: MemoryConnector) -> FlowHarness:
    """The flow between books and till."""
    return FlowHarness(database, source, target)


@pytest.fixture(scope="module")
def till_journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The journal of a sandbox whose till has the articles of the books."""
    return with_articles(tmp_path_factory.mktemp("articles"))


@pytest.fixture(scope="module")
def calm_orders(till_journal: Path, tmp_path_factory: pytest.TempPathFactory) -> Calm:
    """The result of booking orders without a fault."""
    return without_trouble(till_journal, tmp_path_factory.mktemp("calm") / "orders")


@pytest.fixture(scope="module")
def calm_postings(till_journal: Path, tmp_path_factory: pytest.TempPathFactory) -> Calm:
    """The result of booking orders as postings without a fault."""
    return without_trouble(till_journal, tmp_path_factory.mktemp("calm") / "postings", "posting")


@pytest.fixture(scope="module")
def shared_sandbox() -> Iterator[Sandbox]:
    """Both sandboxes, for tests that use numbers of their own."""
    with running(articles=50) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(shared_sandbox: Sandbox) -> Sandbox:
    """The shared systems, well and with an empty ledger."""
    shared_sandbox.switches.disarm()
    shared_sandbox.ledger.clear()
    return shared_sandbox
