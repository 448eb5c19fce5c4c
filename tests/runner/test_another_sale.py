"""A sale whose number the books have for another sale is reported as not booked, at each moment of detection."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from integration.connectors.protocol import References
from integration.core.records import CurrentRecord, Kind, Record
from integration.core.run import Mode, Run
from integration.core.states import Step
from tests.fakes import Links, MemoryConnector
from tests.flows.orders.tills import booking, orders
from tests.runner.test_rebooking import KEY, OrdersHarness, sale_of
from tests.stores import new_database


class Books(MemoryConnector):
    """Books that find any document by its reference, as real books do, without regard to links."""

    def __init__(self) -> None:
        super().__init__(system="accountview", evidence=("reference",))

    def lookup(self, records: Sequence[Record], references: References) -> dict[str, CurrentRecord]:
        del references
        return super().lookup(records, Links())


@pytest.fixture
def books() -> Books:
    return Books()


@pytest.fixture
def till() -> MemoryConnector:
    return MemoryConnector([sale_of("12.10", "10.00")], system="mplus")


@pytest.fixture
def harness(tmp_path: Path, books: Books, till: MemoryConnector) -> Iterator[OrdersHarness]:
    database = new_database(tmp_path / "console.sqlite")
    yield OrdersHarness(database, books, till)
    database.close()


def of_another_shop(harness: OrdersHarness, run: Run, amount: str = "484.75") -> Record:
    """Return a booking of another console with the same reference as this plan."""
    change = harness.changes(run)[KEY].change
    assert change is not None
    parts = [
        replace(part, values={**part.values, "amount": Decimal(amount)}) if part.kind is Kind.LINE else part
        for part in change.desired.parts
    ]
    return replace(change.desired, key="elsewhere", parts=tuple(parts))


def check_not_booked(harness: OrdersHarness, books: Books, run: Run) -> None:
    assert harness.causes(run) == {KEY: "reference_of_another"}
    assert (run.counts.read_count, run.counts.parked, run.counts.difference) == (1, 1, 0)
    assert (books.writes, harness.links.get("orders", Kind.POSTING, [KEY])) == ([], {})


def test_what_is_there_before_the_plan_is_made(harness: OrdersHarness, books: Books) -> None:
    books.put(of_another_shop(harness, harness.preview(Mode.COMPLETE)))
    check_not_booked(harness, books, harness.run(Mode.COMPLETE))


def test_what_comes_between_plan_and_write(harness: OrdersHarness, books: Books) -> None:
    run = harness.preview(Mode.COMPLETE)
    books.put(of_another_shop(harness, run))
    check_not_booked(harness, books, harness.commit(run))


@pytest.mark.parametrize("by", ["this run", "the next"])
def test_what_is_found_after_a_lost_answer(harness: OrdersHarness, books: Books, by: str) -> None:
    run = harness.preview(Mode.COMPLETE)
    other = of_another_shop(harness, run)
    books.lose_answer(KEY, after=False)
    harness.approve(run)
    harness.runner.commit.page(run.id)
    assert harness.steps(run) == {KEY: Step.IN_DOUBT}
    books.put(other)
    if by == "this run":
        check_not_booked(harness, books, harness.carry_out(run))
    else:
        harness.runs.interrupt(run.id, "cancelled", {})
        check_not_booked(harness, books, harness.preview(Mode.COMPLETE))
        assert harness.steps(run) == {KEY: Step.IN_DOUBT}


def test_a_number_that_the_till_uses_again_whatever_is_sold_under_it(
    harness: OrdersHarness, books: Books, till: MemoryConnector
) -> None:
    assert harness.run(Mode.COMPLETE).counts.proven == 1
    till.put(replace(sale_of("12.10", "10.00"), key="order-7"))
    run = harness.run(Mode.COMPLETE)
    assert harness.causes(run) == {"order-7": "reference_of_another"}
    assert (run.counts.unchanged, run.counts.parked, books.writes) == (1, 1, [KEY])


def test_two_sales_of_one_number_in_one_plan(harness: OrdersHarness, books: Books, till: MemoryConnector) -> None:
    till.put(replace(sale_of("24.20", "20.00"), key="order-7"))
    run = harness.commit(harness.preview(Mode.COMPLETE))
    assert (run.counts.proven, run.counts.parked, books.writes) == (1, 1, [KEY])
    assert harness.causes(run) == {"order-7": "reference_of_another"}


def test_a_sale_that_the_books_have_as_another_kind_is_not_booked_again(harness: OrdersHarness, books: Books) -> None:
    document = booking(sale_of("12.10", "10.00"), orders(default_debtor="forced", debtor_number="20001"))
    assert document.kind is Kind.SALES_ORDER
    books.put(replace(document, key="elsewhere"))
    run = harness.run(Mode.COMPLETE)
    assert (harness.reasons(run), books.writes) == ({KEY: "already_in_target"}, [])
    assert list(harness.links.get("orders", Kind.SALES_ORDER, [KEY])) == [KEY]
    assert harness.run(Mode.COMPLETE).counts.skipped == 1


@pytest.mark.parametrize(
    ("amount", "cause"), [("10.00", "target_changed_since_plan"), ("400.00", "reference_of_another")]
)
def test_a_sale_that_somebody_enters_as_another_kind_between_plan_and_write_is_not_booked_again(
    harness: OrdersHarness, books: Books, amount: str, cause: str
) -> None:
    run = harness.preview(Mode.COMPLETE)
    excl = Decimal(amount)
    entered = booking(
        sale_of(str(excl * Decimal("1.21")), amount), orders(default_debtor="forced", debtor_number="20001")
    )
    books.put(replace(entered, key="elsewhere"))
    run = harness.commit(run)
    assert (harness.causes(run), books.writes) == ({KEY: cause}, [])
    assert (run.counts.parked, run.counts.difference) == (1, 0)
