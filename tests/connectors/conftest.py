"""Both sandboxes, for tests of connectors."""

from collections.abc import Iterator

import pytest
import stamina

from integration.sandbox.server import Sandbox, running

ARTICLES = 60


@pytest.fixture(autouse=True)
def _no_pauses_between_attempts() -> Iterator[None]:
    with stamina.set_testing(True, attempts=100, cap=True):
        yield


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """Both systems with a small shop, fresh for every test."""
    with running(articles=ARTICLES, trades=False) as systems:
        yield systems


@pytest.fixture(scope="module")
def shared_sandbox() -> Iterator[Sandbox]:
    """Both systems with a small shop, shared by the tests of a module that accept data of other tests."""
    with running(articles=ARTICLES, trades=False) as systems:
        yield systems
