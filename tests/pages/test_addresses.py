"""An address only shows something: no page writes, runs or changes a setting because of its parameters."""

import sqlite3
from pathlib import Path

import pytest

from integration.application.application import Application
from integration.core.run import Mode, PreviewRequest, Run
from tests.log import hostile
from tests.pages.conftest import Open, wait_for_run
from tests.people import make_actor

# What pages read from their address, with values that name something, nothing, or too much.
ADDRESSES: dict[str, list[dict[str, str]]] = {
    "overview": [{"lang": "de"}],
    "setup": [
        {"step": "accountview", "object": "ART1"}, {"step": "mplus"},
        {"step": "questions", "question": "products.number"},
        {"step": "questions", "question": "orders.vat", "flow": "orders"}, {"step": "flows"}, {"names": "true"},
        {"code": "stolen", "state": "guessed"}, {"state": "guessed", "error": "access_denied"},
    ],
    "flows": [
        {"flow": "products", "tab": "schedule"}, {"flow": "products", "tab": "brakes", "field": "changes"},
        {"flow": "orders", "tab": "tables", "field": "vat.1"}, {"flow": "stock", "tab": "settings", "lang": "nl"},
    ],
    "mappings": [
        {"flow": "products", "part": "tables", "table": "vat"}, {"flow": "products", "version": "1"},
        {"flow": "products", "record": "10604", "field": "name"}, {"flow": "products", "find": "x"},
    ],
    "preview": [
        {"flow": "products", "plan": "{run}"}, {"plan": "{run}", "show": "create", "record": "1", "page": "2"},
        {"plan": "never-was"}, {"flow": "orders", "commit": "true", "fingerprint": "{run}"},
    ],
    "phone": [{"plan": "{run}"}, {"plan": "never-was"}],
    "runs": [{"run": "{run}"}, {"flow": "products", "ended": "failed", "page": "99"}],
    "exceptions": [{"cause": "products.price_missing", "status": "open"}, {"status": "dismissed", "flow": "products"}],
    "days": [
        {"month": "2026-10", "branch": "1"}, {"day": "2026-10-17", "branch": "1"}, {"day": "2026-02-30", "branch": "x"},
    ],
    "stock": [{"article": "10604", "branch": "1", "period": "7"}, {"group": "x", "sort": "level", "show": "falling"}],
    "logs": [
        {"tab": "queries", "query": hostile.BOMB},
        {"tab": "queries", "query_name": "own:x", "query": "DROP TABLE events"},
        {"tab": "queries", "query_name": "parked_most", "show": "chart", "x": "flow", "y": "parked"},
        {"find": "' OR 1=1 --", "event": "proven", "run": "{run}", "from": "2026-01-01", "to": "2026-12-31"},
        {"record": "products:10604", "steps": "true"}, {"tab": "volume", "period": "365", "flow": "products"},
    ],
}  # fmt: skip
# What a console keeps of itself all the time, whatever is looked at.
BY_ITSELF = {"heartbeats", "leases", "claims", "incidents", "deliveries", "alembic_version", "sqlite_sequence"}


@pytest.fixture(scope="module")
def ready_plan(connected_application: Application) -> Run:
    """A plan that waits."""
    return wait_for_run(
        connected_application,
        connected_application.runs.preview(PreviewRequest("products", make_actor("test"), Mode.COMPLETE)),
    )


def stored_rows(data: Path) -> dict[str, list[tuple[object, ...]]]:
    """Return all that the console keeps, table by table."""
    with sqlite3.connect(f"file:{data / 'console.sqlite'}?mode=ro", uri=True) as connection:
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        tables = {name: connection.execute(f'SELECT * FROM "{name}"').fetchall() for name in names}  # noqa: S608 - our own
    connection.close()
    return {name: rows for name, rows in tables.items() if name not in BY_ITSELF}


@pytest.mark.long
@pytest.mark.parametrize(
    ("page", "address"), [(page, address) for page, addresses in ADDRESSES.items() for address in addresses]
)
def test_an_address_shows_and_changes_nothing(
    connected_application: Application, ready_plan: Run, open_page: Open, page: str, address: dict[str, str]
) -> None:
    connected_application.log.catch_up()
    before, process = stored_rows(connected_application.settings.data), connected_application.log.process
    parameters = {name: value.replace("{run}", ready_plan.id) for name, value in address.items()}
    test = open_page(page, **parameters)
    assert not test.exception
    test.run()
    connected_application.log.catch_up()
    assert stored_rows(connected_application.settings.data) == before
    assert connected_application.log.process == process, "no question was run that would have ended it"
