"""The databases of `tests/store`."""

from tests.postgres import postgres_server, postgres_url
from tests.store.conftest import clock, database, issues, ledger, links, plans, previews, runs, url

__all__ = [
    "clock",
    "database",
    "issues",
    "ledger",
    "links",
    "plans",
    "postgres_server",
    "postgres_url",
    "previews",
    "runs",
    "url",
]
