"""The log as services ask it."""

from collections.abc import Iterator

import pytest

from integration.sandbox.server import Sandbox, running
from tests.consoles import ARTICLES
from tests.log.conftest import database, events, logbook, shared_logbook

__all__ = ["database", "events", "logbook", "shared_logbook"]


@pytest.fixture
def shop() -> Iterator[Sandbox]:
    """Both systems, run outside of the console."""
    with running(articles=ARTICLES, trades=False) as running_sandbox:
        yield running_sandbox
