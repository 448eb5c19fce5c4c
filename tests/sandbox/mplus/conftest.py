"""A small shop whose till is asked as real clients ask it."""

from collections.abc import Iterator

import pytest

from integration.sandbox.server import Sandbox, running
from tests.sandbox.soap_client import RawClient


@pytest.fixture
def sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """Both systems. Earlier sales are made only for a file that sets TRADES, because they take longest."""
    with running(articles=60, trades=getattr(request.module, "TRADES", False)) as running_sandbox:
        yield running_sandbox


@pytest.fixture
def till(sandbox: Sandbox) -> RawClient:
    return RawClient(sandbox.mplus_url)
