"""The databases of `tests/store`."""

from tests.postgres import postgres_server, postgres_url
from tests.store.conftest import clock, database, url

__all__ = ["clock", "database", "postgres_server", "postgres_url", "url"]
