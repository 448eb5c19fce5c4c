"""The operational database of tests: SQLite and PostgreSQL, the second mostly in long tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from integration.core.records import Kind
from integration.store.database import Database, open_database
from integration.store.issues import Issues
from integration.store.ledger import Ledger
from integration.store.links import Links
from integration.store.plans import PlanStore
from integration.store.previews import Previews
from integration.store.runs import RunStore
from tests.clocks import Clock
from tests.postgres import postgres_server, postgres_url
from tests.stores import prepare

__all__ = ["postgres_server", "postgres_url"]

BOTH = ("database", "erasure_register", "fencing_tokens", "heartbeats", "plans", "row_mapping")
"""Test modules that `make test` also runs on PostgreSQL, because locks, migrations or types differ there."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave PostgreSQL to `make test-long` for tests whose statements are the same on both databases."""
    for item in items:
        is_other = item.path.parent in FOLDERS and item.get_closest_marker("postgres")
        if is_other and item.path.stem.removeprefix("test_") not in BOTH:
            item.add_marker(pytest.mark.long)


TESTS = Path(__file__).parent.parent
FOLDERS = {*TESTS.glob("store"), *TESTS.glob("*/store"), TESTS / "erasure"}
MIRRORS = {
    ("orders", Kind.DEBTOR): ("customers", Kind.RELATION),
    ("customers", Kind.RELATION): ("orders", Kind.DEBTOR),
}
"""The same customer in two flows."""


@pytest.fixture
def clock() -> Clock:
    """A clock in the test's hands."""
    return Clock()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a database that does not exist yet, or is empty."""
    if request.param == "postgres":
        return str(request.getfixturevalue("postgres_url"))
    return f"sqlite:///{tmp_path / 'data' / 'console.sqlite'}"


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    """An open database."""
    if url.startswith("sqlite"):
        prepare(Path(url.removeprefix("sqlite:///")))
    opened = open_database(url)
    yield opened
    opened.close()


@pytest.fixture
def runs(database: Database, clock: Clock) -> RunStore:
    """The runs of the database."""
    return RunStore(database, clock)


@pytest.fixture
def previews(database: Database, clock: Clock) -> Previews:
    """The previews in the database."""
    return Previews(database, clock)


@pytest.fixture
def plans(database: Database) -> PlanStore:
    """The plans of the database."""
    return PlanStore(database)


@pytest.fixture
def ledger(database: Database, clock: Clock) -> Ledger:
    """The ledger of commits in the database."""
    return Ledger(database, clock)


@pytest.fixture
def links(database: Database, clock: Clock) -> Links:
    """The links of the database."""
    return Links(database, clock, mirrors=MIRRORS)


@pytest.fixture
def issues(database: Database, clock: Clock) -> Issues:
    """The exception queue of the database."""
    return Issues(database, clock)
