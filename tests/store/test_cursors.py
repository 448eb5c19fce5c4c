"""Where the next run of a flow starts reading."""

from integration.store.cursors import Cursors
from integration.store.database import Database
from tests.clocks import Clock


def test_cursors_are_kept_by_flow_and_side(database: Database, clock: Clock) -> None:
    cursors = Cursors(database, clock)
    cursors.put("products", "source:article", "1")
    cursors.put("products", "source:article", "2")
    assert cursors.get("products", "source:article") == "2"
    assert cursors.get("stock", "source:article") is None
    cursors.forget("products")
    assert cursors.get("products", "source:article") is None
