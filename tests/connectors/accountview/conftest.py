"""Connections to the sandbox, shared by tests that accept data of other tests."""

from collections.abc import Iterator

import pytest

from integration.connectors.accountview.connector import AccountView
from integration.sandbox.accountview.conventions import Conventions
from integration.sandbox.server import Sandbox, running
from tests.builders import accountview_settings
from tests.connectors.accountview.conversation import Connect
from tests.connectors.accountview.samples import connect_accountview
from tests.fakes import Links, MemoryTokenStore


@pytest.fixture(scope="module")
def shared_keeper() -> MemoryTokenStore:
    """The log-in at the shared sandbox; a refresh token is worth one pair only."""
    return MemoryTokenStore()


@pytest.fixture
def connect(shared_sandbox: Sandbox, shared_keeper: MemoryTokenStore) -> Iterator[Connect]:
    """Connections to the shared sandbox, or to another one, with changed settings; closed afterwards."""
    connections: list[AccountView] = []

    def connecting(
        other: Sandbox | None = None, keeper: MemoryTokenStore | None = None, **changed: object
    ) -> AccountView:
        keeper = keeper or (MemoryTokenStore() if other else shared_keeper)
        connections.append(AccountView(accountview_settings(other or shared_sandbox, **changed), keeper))
        return connections[-1]

    yield connecting
    for connection in connections:
        connection.close()


@pytest.fixture
def accountview(connect: Connect) -> AccountView:
    return connect()


@pytest.fixture
def links() -> Links:
    return Links()


@pytest.fixture
def books(shared_sandbox: Sandbox, shared_keeper: MemoryTokenStore) -> Iterator[AccountView]:
    """The shared sandbox: its tests accept data of other tests."""
    with connect_accountview(shared_sandbox, shared_keeper) as accountview:
        yield accountview


@pytest.fixture(scope="module")
def closed_sandbox() -> Iterator[Sandbox]:
    """Books with a blocked debtor and closed periods."""
    with running(articles=60, trades=False, conventions=Conventions(closed_until="2026-02-28")) as other:
        other.accountview.edit("CONTACT", "20060", {"BLK_SP": True})
        yield other


@pytest.fixture(scope="module")
def accountview_with_closed_periods(closed_sandbox: Sandbox) -> Iterator[AccountView]:
    with connect_accountview(closed_sandbox) as accountview:
        yield accountview
