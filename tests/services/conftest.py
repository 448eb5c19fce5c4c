"""The log as services ask it."""

from collections.abc import Iterator

import pytest

from integration.sandbox.server import Sandbox, running
from tests.consoles import ARTICLES
from tests.log.conftest import database, events, logbook, told

__all__ = ["database", "events", "logbook", "told"]


@pytest.fixture
def shop() -> Iterator[Sandbox]:
    """Both systems as somebody else runs them."""
    with running(articles=ARTICLES) as both:
        yield both
