"""The till's stock history, against the till sandbox: page by page, under each meaning of its bounds."""

import re
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from integration.connectors.mplus.client import Client
from integration.connectors.mplus.connector import Mplus
from integration.connectors.mplus.documents import TillDocuments
from integration.connectors.mplus.history import TillHistory
from integration.core.movements import MovementType
from integration.core.records import Kind
from integration.sandbox.server import Sandbox, running
from tests.connectors.contract import pages
from tests.connectors.mplus.tills import a_till, settings_of
from tests.recording_server import altering_proxy

BEGIN = datetime(2000, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def busy() -> Iterator[Sandbox]:
    """A till sandbox with sales of some days."""
    with running(articles=30) as sandbox:
        yield sandbox


@pytest.fixture
def till(busy: Sandbox) -> Iterator[Mplus]:
    """A connection to the till."""
    connector = a_till(busy)
    yield connector
    connector.close()


def test_pages_follow_one_another_and_hold_every_movement_once(till: Mplus) -> None:
    after, movements = 0, []
    while page := till.movements(after, BEGIN):
        after = page[-1].number
        movements += page
    assert [movement.number for movement in movements] == list(range(1, till.newest_movement() + 1))
    sold = [movement for movement in movements if movement.type is MovementType.SALES]
    assert sold
    assert all(movement.documents and movement.title for movement in sold)


def test_what_came_after_a_number_is_reported_for_the_articles_asked_for_however_much_it_is(
    till: Mplus, busy: Sandbox
) -> None:
    newest = till.newest_movement()
    (last,) = [movement for movement in till.movements(newest - 1, BEGIN) if movement.number == newest]
    settings = settings_of(busy)
    client = Client(settings, None)
    at_once, in_portions = (TillHistory(settings, client, page) for page in (10_000, 1))
    movements = at_once.movements_since(0, ["1", "2"], [last.article])
    assert [movement for movement in movements if movement.article == last.article] == in_portions.movements_since(
        0, ["1", "2"], [last.article]
    )
    client.close()


@pytest.mark.parametrize("page_limit", [pytest.param(2, marks=pytest.mark.long), 20])
def test_a_till_that_gives_less_than_asked_is_read_whole(busy: Sandbox, page_limit: int) -> None:
    kinds = (Kind.ORDER, Kind.RECEIPT)
    with closing(a_till(busy)) as till, closing(Client(settings_of(busy), None)) as client:
        start, whole = till.newest_movement() - 40, [documents_of(till, kind) for kind in kinds]
        movements = TillHistory(settings_of(busy), client).movements_since(start, ["1", "2"], [])
        busy.till.edit("conventions", "most_at_once", {"value": page_limit})
        try:
            actual = TillHistory(settings_of(busy), client).movements_since(start, ["1", "2"], [])
            documents = TillDocuments(settings_of(busy), client)
            every = [documents.in_period(kind, date(2000, 1, 1), date(2099, 1, 1)) for kind in kinds]
            extracted = [documents_of(till, kind) for kind in kinds]
        finally:
            busy.till.edit("conventions", "most_at_once", {"value": None})
    assert len(movements) > page_limit
    assert actual == movements
    assert [{document.record.key for document in batch} for batch in every] == extracted == whole


def documents_of(till: Mplus, kind: Kind) -> set[str]:
    return {record.key for batch in pages(till, kind) for record in batch.records}


def test_what_orders_keep_aside_is_what_is_neither_delivered_nor_cancelled(till: Mplus, busy: Sandbox) -> None:
    reserved: dict[tuple[str, str], Decimal] = {}
    after: str | None = None
    while True:
        page = till.reservation_page(None, after)
        for reservation in page.reservations:
            reserved[reservation.branch, reservation.article] = (
                reserved.get((reservation.branch, reservation.article), Decimal(0)) + reservation.amount
            )
        if (after := page.after) is None:
            break
    rows = busy.state("stock", "mplus")
    expected = {
        (str(row["branchNumber"]), str(row["articleNumber"])): Decimal(row["physical"]) - Decimal(row["amountFree"])
        for row in rows
    }
    assert {place: amount for place, amount in expected.items() if amount} == {
        place: amount for place, amount in reserved.items() if place in expected
    }


def test_of_orders_that_keep_nothing_aside_no_line_is_asked_for_and_of_none_the_customer(busy: Sandbox) -> None:
    with closing(a_till(busy, document_page=1_000)) as till:
        till.reservation_page(None)
        busy.ledger.clear()
        page = till.reservation_page(None)
        operations = [call.operation for call in busy.ledger.calls()]
    assert operations == ["getOrders", "getOrders"], "all of them without lines, and the open ones with"
    states = {str(order["orderId"]): order for order in busy.state("orders", "mplus")}
    assert set(page.orders) == states.keys()
    assert {reservation.document for reservation in page.reservations} < states.keys()


def test_an_order_that_cannot_be_read_keeps_what_is_known_of_it(busy: Sandbox) -> None:
    def spoil(body: bytes) -> bytes:
        return re.sub(rb"(quantity>)[0-9.]+<", rb"\1some<", body) if b"GetOrdersResponse" in body else body

    with (
        closing(a_till(busy)) as till,
        altering_proxy(busy.mplus_url, spoil) as url,
        closing(a_till(busy, url=url)) as spoilt,
    ):
        whole, page = till.reservation_page(None), spoilt.reservation_page(None)
    keeping = {reservation.document for reservation in whole.reservations}
    assert keeping
    assert page.reservations == ()
    assert page.orders
    assert keeping.isdisjoint(page.orders)
