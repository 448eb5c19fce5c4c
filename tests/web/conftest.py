"""A console that is asked as a browser, a program or an attacker asks it."""

from collections.abc import Iterator

import pytest

from tests.servers import Server, serve_console


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A console on the sandbox, started as `make run` starts it."""
    settings = {"CONSOLE_SANDBOX": "true", "CONSOLE_SANDBOX_ARTICLES": "50"}
    with serve_console(tmp_path_factory.mktemp("console"), settings=settings) as running:
        yield running
