"""Consoles to be backed up, on both databases."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from integration.application.application import Application
from integration.application.bootstrap import build
from integration.sandbox.server import Sandbox
from integration.settings import Settings, load_settings
from integration.store.heartbeats import HeartbeatInterval
from tests.postgres import new_database_on, postgres_server, postgres_url
from tests.programs import FAST, books_access, till_access

__all__ = ["postgres_server", "postgres_url"]

PASSPHRASE = "correct horse battery"


def settings_of(data: Path, shop: Sandbox, url: str = "", pace: float = FAST) -> Settings:
    """Return the settings of a console with systems that run outside the console."""
    books, till = books_access(shop), till_access(shop, pace)
    return load_settings(data=data, database_url=url, accountview=books, mplus=till, patience_seconds=2)


@contextmanager
def at_work(settings: Settings) -> Iterator[Application]:
    """A console that soon takes over a run whose process has ended."""
    application = build(settings, pulse=HeartbeatInterval(0.2, 1.0))
    try:
        yield application.start()
    finally:
        application.close()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=[pytest.mark.postgres, pytest.mark.long])])
def urls(request: pytest.FixtureRequest) -> tuple[str, str]:
    """The addresses of a database and of an empty one to restore into; empty for files in the data folder."""
    if request.param == "sqlite":
        return "", ""
    first, other = str(request.getfixturevalue("postgres_url")), str(request.getfixturevalue("empty_url"))
    return first, other


@pytest.fixture
def empty_url(postgres_server: str) -> Iterator[str]:
    """The address of another new, empty database."""
    with new_database_on(postgres_server) as url:
        yield url
