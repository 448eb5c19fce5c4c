"""A small shop whose till is asked as real clients ask it."""

from collections.abc import Iterator

import pytest

from integration.sandbox.server import Sandbox, running
from tests.sandbox.soap_client import RawClient


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with running(articles=60) as both:
        yield both


@pytest.fixture
def till(sandbox: Sandbox) -> RawClient:
    return RawClient(sandbox.mplus_url)
