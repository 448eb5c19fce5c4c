"""A customer comes from documents. If all its documents are parked, the customer is not written."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from integration.core.links import Link
from integration.core.records import Kind, Record
from integration.core.run import Mode
from integration.core.states import RunState
from integration.flows.spec import FlowLogic
from tests.fakes import MemoryConnector
from tests.flow_harness import FlowHarness
from tests.flows.orders.tills import Questions, a_line, an_order, orders
from tests.runner.test_another_sale import Books
from tests.stores import new_database

PARKED, BOOKED = "order-1", "order-2"


class CustomersHarness(FlowHarness):
    """Orders that become postings, each on the debtor of its customer."""

    flow = "orders"

    def make_logic(self) -> FlowLogic:
        customers_harness = self

        class Linked(Questions):
            def find_links(self, ids: Collection[str]) -> Mapping[str, Link]:
                return customers_harness.links.get("orders", Kind.POSTING, list(ids))

        return orders(questions=Linked(), becomes="posting", **self.settings)


@pytest.fixture
def books() -> Books:
    return Books()


@pytest.fixture
def till() -> MemoryConnector:
    return MemoryConnector([an_order(PARKED, lines=(a_line("1"),))], system="mplus")


@pytest.fixture
def harness(tmp_path: Path, books: Books, till: MemoryConnector) -> Iterator[CustomersHarness]:
    """An order under whose reference the books have another sale."""
    database = new_database(tmp_path / "console.sqlite")
    customers_harness = CustomersHarness(database, books, till)
    planned = customers_harness.changes(customers_harness.preview(Mode.COMPLETE))[PARKED].change
    assert planned is not None
    lines = tuple(part for part in planned.desired.parts if part.kind is not Kind.LINE)
    books.put(replace(planned.desired, key="elsewhere", parts=lines))
    yield customers_harness
    database.close()


def debtors(books: Books) -> Collection[Record]:
    """Return the debtors that the books have."""
    return books.records_of(Kind.DEBTOR).values()


def test_a_debtor_is_not_made_for_documents_that_are_all_parked(harness: CustomersHarness, books: Books) -> None:
    run = harness.run(Mode.COMPLETE)
    assert set(harness.causes(run)) == {PARKED}
    assert set(harness.reasons(run).values()) == {"documents_parked"}
    assert (run.state, run.position.changes, harness.changes(run)) == (RunState.DONE, 0, {})
    assert run.brakes == ()
    assert not debtors(books)


def test_a_debtor_goes_with_a_document_of_its_own_that_is_booked(
    harness: CustomersHarness, books: Books, till: MemoryConnector
) -> None:
    order = an_order(BOOKED, lines=(a_line("1"),))
    till.put(replace(order, values={**order.values, "number": "2026.99"}))
    run = harness.run(Mode.COMPLETE)
    assert set(harness.causes(run)) == {PARKED}
    assert harness.reasons(run) == {}
    assert len(debtors(books)) == 1
    assert run.counts.proven == 1
