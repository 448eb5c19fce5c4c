"""Cursors: where the next run of a flow starts to read."""

from integration.core.links import Link
from integration.core.records import Kind
from integration.store.cursors import Cursors, skip_own_writes
from integration.store.database import Database
from integration.store.links import Links
from tests.clocks import Clock


def test_cursors_are_kept_by_flow_and_side(database: Database, clock: Clock) -> None:
    cursors = Cursors(database, clock)
    cursors.put("products", "source:article", "1")
    cursors.put("products", "source:article", "2")
    assert cursors.get("products", "source:article") == "2"
    assert cursors.get("stock", "source:article") is None
    cursors.forget("products")
    assert cursors.get("products", "source:article") is None


def test_cursors_of_a_target_pass_over_what_was_proven(database: Database, clock: Clock) -> None:
    cursors, links = Cursors(database, clock), Links(database, clock)

    def keep_links(*markers: str, kind: Kind = Kind.PRODUCT, flow: str = "products") -> None:
        links.keep(flow, [Link(kind, f"key of {marker}", marker, marker=marker) for marker in markers])

    def skip_writes() -> tuple[str | None, str]:
        with database.write() as connection:
            skip_own_writes(connection, clock(), "products", began)
        return cursors.get("products", "target:product"), str(cursors.own_markers("products", Kind.PRODUCT))

    keep_links("12", "13")
    clock.advance(60)
    began = clock()
    assert skip_writes() == (None, ""), "nothing was read yet"
    cursors.put("products", "target:product", "7")
    keep_links("8", "9", "10", "", "none", "15", "16")
    keep_links("11", kind=Kind.GROUP)
    keep_links("11", flow="stock")
    assert skip_writes() == ("10", "15-16"), "what was proven before is over"
    keep_links("14")
    assert skip_writes() == ("10", "14-16")
    keep_links("11", "12", "13")
    assert skip_writes() == ("16", "")
