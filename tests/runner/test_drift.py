"""Drift: written records, read from the target again."""

from collections.abc import Sequence
from decimal import Decimal

import pytest

from integration.connectors.protocol import References
from integration.core.drift import DriftCounts, DriftedRecord, Edit
from integration.core.flow import Stage
from integration.core.links import Link
from integration.core.records import Kind, Record, Unreadable
from integration.core.run import Mode
from integration.flows.orders.settings import documents
from integration.runner.drift import DriftPage, compare_page, stages_of
from integration.store.database import Database
from tests.fakes import Links, MemoryConnector
from tests.flow_harness import FlowHarness, edit_record

PRICE = "article.price_incl"


def look(harness: FlowHarness, after: str = "", size: int = 250) -> DriftPage:
    """Look at the products."""
    deps, logic = harness.runner.preview.deps, harness.make_logic()
    return compare_page(deps, logic, logic.flow.stage("articles"), after, size)


def test_what_nobody_touched_is_equal(harness: FlowHarness) -> None:
    harness.run()
    assert look(harness) == DriftPage(
        DriftCounts(compared=5, equal=5), ("1001", "1002", "1003", "1004", "1005"), (), None
    )


def test_a_look_writes_nothing(harness: FlowHarness, target: MemoryConnector) -> None:
    harness.run()
    edit_record(target, "1002", {"1002/price_incl": Decimal(1)}, Kind.PRODUCT)
    before = list(target.writes)
    look(harness)
    assert target.writes == before


def test_what_is_kept_equal_and_was_edited_in_the_target_is_reported_with_both_values(
    harness: FlowHarness, target: MemoryConnector
) -> None:
    harness.run()
    was = target.records_of(Kind.PRODUCT)["1002"].flat()["1002/price_incl"]
    edit_record(target, "1002", {"1002/price_incl": Decimal(1)}, Kind.PRODUCT)
    page = look(harness)
    assert page.counts == DriftCounts(compared=5, equal=4, different=1)
    edit = Edit("1002/price_incl", PRICE, was, Decimal(1))
    assert [(difference.key, difference.edits) for difference in page.different] == [("1002", (edit,))]


def test_what_the_target_may_keep_is_counted_and_no_difference(harness: FlowHarness, target: MemoryConnector) -> None:
    harness.run()
    edit_record(target, "1002", {"1002/name": "Bijzonder"}, Kind.PRODUCT)
    assert look(harness).counts == DriftCounts(compared=5, equal=4, edited=1)


def test_what_was_deleted_in_the_target_is_gone(harness: FlowHarness, target: MemoryConnector) -> None:
    harness.run()
    target.remove(Kind.PRODUCT, "1004")
    page = look(harness)
    assert page.counts == DriftCounts(compared=5, equal=4, missing=1)
    assert page.different == (DriftedRecord("1004", "Artikel 1004", page.different[0].reference),)


def test_where_nothing_can_be_seen_nobody_knows(database: Database, source: MemoryConnector) -> None:
    class EmptyTill(MemoryConnector):
        """A till that answers every lookup as if no record exists."""

        blank = False

        def lookup(self, *arguments):  # type: ignore[no-untyped-def]  # noqa: ANN002, ANN202
            return {} if self.blank else super().lookup(*arguments)

        def shows(self, kind: Kind) -> bool:
            return not self.blank and super().shows(kind)

    till = EmptyTill(system="mplus")
    harness = FlowHarness(database, source, till)
    harness.run()
    till.blank = True
    assert look(harness) == DriftPage(DriftCounts(compared=5, unknown=5), (), (), None)


@pytest.mark.parametrize("keeps", [True, False])
def test_an_order_that_may_have_been_invoiced_without_a_trace_is_not_known_to_be_gone(
    database: Database, source: MemoryConnector, *, keeps: bool
) -> None:
    class Books(MemoryConnector):
        """Books that report invoiced documents, with or without their history."""

        def uninvoiced(self, orders: Sequence[Record], references: References) -> dict[str, Unreadable | None]:
            del references
            return {order.key: None for order in orders if order.key in self.records_of(Kind.SALES_ORDER)}

        def keeps_invoiced(self) -> bool:
            return keeps

    books = Books(system="mplus")
    harness = FlowHarness(database, source, books)
    orders = [Record(Kind.SALES_ORDER, key, {"number": key}) for key in ("1", "2")]
    books.put(orders[0])
    booked_reference = books.lookup(orders, Links())["1"].reference
    links = zip(orders, (booked_reference, "2"), strict=True)
    harness.links.keep(
        harness.flow, [Link(Kind.SALES_ORDER, order.key, reference, order) for order, reference in links]
    )
    deps, logic = harness.runner.preview.deps, harness.make_logic()
    counts = compare_page(deps, logic, Stage("orders", Kind.ORDER, Kind.SALES_ORDER, write_once=True)).counts
    assert counts == DriftCounts(compared=2, equal=1, missing=int(keeps), unknown=int(not keeps))


@pytest.mark.parametrize("size", [1, 2, 5])
def test_pages_follow_one_another_and_leave_nothing_out(
    harness: FlowHarness, target: MemoryConnector, size: int
) -> None:
    harness.run()
    target.remove(Kind.PRODUCT, "1001")
    after: str | None = ""
    counts = DriftCounts()
    keys: list[str] = []
    while after is not None:
        page = look(harness, after, size)
        counts, after = counts.plus(page.counts), page.after
        keys += page.compared_keys
    assert counts == DriftCounts(compared=5, equal=4, missing=1)
    assert keys == ["1001", "1002", "1003", "1004", "1005"]


def test_what_was_retired_is_not_looked_at(
    harness: FlowHarness, source: MemoryConnector, target: MemoryConnector
) -> None:
    harness.run()
    source.remove(Kind.ARTICLE, "1003")
    harness.run(Mode.COMPLETE)
    target.remove(Kind.PRODUCT, "1003")
    assert look(harness).counts == DriftCounts(compared=4, equal=4)


def test_levels_move_by_themselves_and_are_no_drift(harness: FlowHarness) -> None:
    logic = harness.make_logic()
    assert [stage.target for stage in stages_of(logic.flow)] == [Kind.GROUP, Kind.PRODUCT, Kind.PICTURE]


def test_an_edit_that_was_undone_by_hand_is_equal_again(harness: FlowHarness, target: MemoryConnector) -> None:
    harness.run()
    before: Record = target.records_of(Kind.PRODUCT)["1001"]
    edit_record(target, "1001", {"1001/price_incl": Decimal(1)}, Kind.PRODUCT)
    assert look(harness).counts.different == 1
    target.put(before)
    assert look(harness).counts == DriftCounts(compared=5, equal=5)


def test_a_kind_that_several_stages_write_is_looked_at_once() -> None:
    flow = documents({Kind.ORDER: Kind.POSTING, Kind.INVOICE: Kind.POSTING, Kind.RECEIPT: Kind.POSTING})
    targets = [stage.target for stage in stages_of(flow, {Kind.SALES_ORDER, Kind.POSTING})]
    assert sorted(targets) == sorted({Kind.DEBTOR, Kind.ADDRESS, Kind.POSTING, Kind.QUOTATION, Kind.SALES_ORDER})
