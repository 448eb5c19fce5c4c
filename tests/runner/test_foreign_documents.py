"""Documents of another console under our prefix hold a plan that makes some, until a person has typed their number."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from integration.core.errors import PlanStaleError, PlanUnsafeError
from integration.core.foreign_documents import ForeignDocuments
from integration.core.plan import Brake
from integration.core.run import Mode
from integration.core.states import RunState, Step
from tests.fakes import MemoryConnector
from tests.runner.test_rebooking import OrdersHarness, sale_of
from tests.stores import new_database


class CountingSearch:
    """Foreign documents in the books, and how often somebody looked for them."""

    def __init__(self) -> None:
        self.references: tuple[str, ...] = ()
        self.times = 0

    def __call__(self) -> ForeignDocuments:
        self.times += 1
        return ForeignDocuments(self.references, "MP-", "AP-")


@pytest.fixture
def documents_query() -> CountingSearch:
    return CountingSearch()


@pytest.fixture
def harness(tmp_path: Path, documents_query: CountingSearch) -> Iterator[OrdersHarness]:
    database = new_database(tmp_path / "console.sqlite")
    books = MemoryConnector(system="accountview", evidence=("reference",))
    orders_harness = OrdersHarness(database, books, MemoryConnector([sale_of("12.10", "10.00")], system="mplus"))
    orders_harness.foreign_documents = documents_query
    yield orders_harness
    database.close()


def test_a_plan_beside_foreign_documents_is_written_once_their_number_was_typed(
    harness: OrdersHarness, documents_query: CountingSearch
) -> None:
    documents_query.references = ("MP-1", "mp-2 ")
    run = harness.preview(Mode.COMPLETE)
    assert run.brakes == (Brake("brake_foreign_documents", 2, "0"),)
    with pytest.raises(PlanUnsafeError, match="brake_foreign_documents"):
        harness.approve(run, confirmed={})
    assert harness.accepted == set()
    assert harness.commit(run).state is RunState.DONE
    assert harness.accepted == {"mp-1", "mp-2"}  # and are asked about no more, in whatever letters


def test_what_came_after_the_plan_was_made_stops_it_before_anything_is_sent(
    harness: OrdersHarness, documents_query: CountingSearch
) -> None:
    run = harness.preview(Mode.COMPLETE)
    documents_query.references = ("MP-1",)
    with pytest.raises(PlanStaleError, match="prefix_in_use") as stopped:
        harness.approve(run)
    assert (stopped.value.facts["count"], stopped.value.facts["free"]) == ("1", "AP-")
    assert harness.runs.get(run.id).state is RunState.READY
    assert [brake.code for brake in harness.preview(Mode.COMPLETE).brakes] == ["brake_foreign_documents"]


def test_what_came_while_no_process_wrote_stops_the_one_that_takes_the_run_up(
    harness: OrdersHarness, documents_query: CountingSearch
) -> None:
    run = harness.preview(Mode.COMPLETE)
    harness.approve(run)
    harness.restart()
    documents_query.references = ("MP-1",)
    with pytest.raises(PlanStaleError, match="prefix_in_use"):
        harness.runner.commit.page(run.id)
    assert set(harness.steps(run).values()) == {Step.PLANNED}
    documents_query.references = ()
    assert harness.carry_out(run).state is RunState.DONE


def test_a_run_that_makes_no_document_asks_nothing(harness: OrdersHarness, documents_query: CountingSearch) -> None:
    harness.commit(harness.preview(Mode.COMPLETE))
    assert documents_query.times == 2  # for the plan, and before its first write
    harness.preview(Mode.COMPLETE)
    assert documents_query.times == 2
