"""Sandboxes that are up, and users who are logged in."""

from collections.abc import Iterator

import pytest

from integration.sandbox.server import Sandbox, running
from tests.sandbox.office_client import Office

ARTICLES = 60  # the smallest shop that has some of each kind


@pytest.fixture(scope="module")
def reading() -> Iterator[Office]:
    """A user of a sandbox that a whole file only reads."""
    with running(trades=False) as up, Office(up) as office:
        yield office


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A sandbox of one test."""
    with running(articles=ARTICLES, trades=False) as up:
        yield up


@pytest.fixture
def office(sandbox: Sandbox) -> Iterator[Office]:
    """A user of the sandbox of one test."""
    with Office(sandbox) as up:
        yield up
