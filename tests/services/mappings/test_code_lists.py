"""Code lists of both systems, read in the background."""

import threading
from datetime import UTC, datetime

from integration.services.mappings.code_lists import CodeLists
from integration.services.systems.connection_settings import ConnectorFactory
from tests.fakes import MemoryConnector
from tests.parts import part
from tests.timeouts import SECONDS

NOW = datetime(2026, 11, 30, 9, 41, tzinfo=UTC)


class Slow(MemoryConnector):
    """A system that answers about its lists once it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.let = threading.Event()

    def choices(self, name: str) -> dict[str, str]:
        """Return the ledgers, in time."""
        assert self.let.wait(SECONDS)
        return {"8000": f"Omzet of {name}"}


def test_what_stays_as_it_is_written_waits_for_names_that_a_page_does_not_wait_for() -> None:
    books = Slow()
    lists = CodeLists(part(ConnectorFactory, connector=lambda _: books, sandboxed=False), lambda: NOW)
    assert lists.captions("accountview", "ledgers", patience=0) == {}
    books.let.set()
    assert lists.captions("accountview", "ledgers", patience=SECONDS) == {"8000": "Omzet of ledgers"}
    lists.close()
