"""Documents of another console under our prefix hold a plan that makes some, until a person has typed their number."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from integration.core.errors import PlanStaleError, PlanUnsafeError
from integration.core.plan import Brake
from integration.core.run import Mode, RunState, Step
from integration.core.strangers import Strangers
from tests.fakes import MemoryConnector
from tests.runner.test_rebooking import OrdersBench, sold
from tests.stores import new_database


class Asked:
    """The strangers in the books, and how often somebody looked for them."""

    def __init__(self) -> None:
        self.references: tuple[str, ...] = ()
        self.times = 0

    def __call__(self) -> Strangers:
        self.times += 1
        return Strangers(self.references, "MP-", "AP-")


@pytest.fixture
def asked() -> Asked:
    return Asked()


@pytest.fixture
def bench(tmp_path: Path, asked: Asked) -> Iterator[OrdersBench]:
    database = new_database(tmp_path / "console.sqlite")
    books = MemoryConnector(system="accountview", evidence=("reference",))
    made = OrdersBench(database, books, MemoryConnector([sold("12.10", "10.00")], system="mplus"))
    made.strangers = asked
    yield made
    database.close()


def test_a_plan_beside_strangers_is_written_once_their_number_was_typed(bench: OrdersBench, asked: Asked) -> None:
    asked.references = ("MP-1", "mp-2 ")
    run = bench.preview(Mode.COMPLETE)
    assert run.brakes == (Brake("brake_strangers", 2, "0"),)
    with pytest.raises(PlanUnsafeError, match="brake_strangers"):
        bench.approve(run, confirmed={})
    assert bench.accepted == set()
    assert bench.commit(run).state is RunState.DONE
    assert bench.accepted == {"mp-1", "mp-2"}  # and are asked about no more, in whatever letters


def test_what_came_after_the_plan_was_made_stops_it_before_anything_is_sent(bench: OrdersBench, asked: Asked) -> None:
    run = bench.preview(Mode.COMPLETE)
    asked.references = ("MP-1",)
    with pytest.raises(PlanStaleError, match="prefix_in_use") as stopped:
        bench.approve(run)
    assert (stopped.value.facts["count"], stopped.value.facts["free"]) == ("1", "AP-")
    assert bench.runs.get(run.id).state is RunState.READY
    assert [brake.code for brake in bench.preview(Mode.COMPLETE).brakes] == ["brake_strangers"]


def test_what_came_while_no_process_wrote_stops_the_one_that_takes_the_run_up(bench: OrdersBench, asked: Asked) -> None:
    run = bench.preview(Mode.COMPLETE)
    bench.approve(run)
    bench.restart()
    asked.references = ("MP-1",)
    with pytest.raises(PlanStaleError, match="prefix_in_use"):
        bench.runner.commit.page(run.id)
    assert set(bench.steps(run).values()) == {Step.PLANNED}
    asked.references = ()
    assert bench.carry_out(run).state is RunState.DONE


def test_a_run_that_makes_no_document_asks_nothing(bench: OrdersBench, asked: Asked) -> None:
    bench.commit(bench.preview(Mode.COMPLETE))
    assert asked.times == 2  # for the plan, and before its first write
    bench.preview(Mode.COMPLETE)
    assert asked.times == 2
