"""A credit and a new booking are each written once and in order, whichever fault happens between them."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from integration.core.errors import PlanStaleError
from integration.core.links import Link
from integration.core.plan import Change
from integration.core.records import CurrentRecord, Kind, Record, Value, WriteResult
from integration.core.run import Mode
from integration.core.states import RunState, Step
from integration.flows.spec import FlowLogic
from tests.fakes import MemoryConnector
from tests.flow_harness import FlowHarness
from tests.flows.orders.tills import Questions, a_line, an_order, anonymous, orders
from tests.stores import new_database

KEY = "order-1"
CREDIT, AGAIN = f"{KEY}#credit", f"{KEY}#2"


class Died(BaseException):
    """Raised in place of the death of the process."""


class Books(MemoryConnector):
    """Books in which a write can be the last thing that the console lives to see, or not even that."""

    def __init__(self) -> None:
        super().__init__(system="accountview", evidence=("reference",))
        self.deadly: dict[str, bool] = {}  # by key: whether the write takes effect

    def write(self, change: Change, current: CurrentRecord | None, references: object, reference: str) -> WriteResult:
        if change.key in self.deadly:
            if self.deadly.pop(change.key):
                super().write(change, current, references, reference)  # type: ignore[arg-type]
            raise Died
        return super().write(change, current, references, reference)  # type: ignore[arg-type]


class OrdersHarness(FlowHarness):
    """Orders that become postings on a default debtor, with the links that the runs left."""

    flow = "orders"

    def make_logic(self) -> FlowLogic:
        orders_harness = self

        class Linked(Questions):
            def find_links(self, ids: Collection[str]) -> Mapping[str, Link]:
                return orders_harness.links.get("orders", Kind.POSTING, list(ids))

        return orders(
            questions=Linked(), becomes="posting", default_debtor="forced", debtor_number="20001", **self.settings
        )


@pytest.fixture
def books() -> Books:
    return Books()


@pytest.fixture
def till() -> MemoryConnector:
    return MemoryConnector([sale_of("12.10", "10.00")], system="mplus")


@pytest.fixture
def harness(tmp_path: Path, books: Books, till: MemoryConnector) -> Iterator[OrdersHarness]:
    """An order that is booked, and of which the till sold more since."""
    database = new_database(tmp_path / "console.sqlite")
    orders_harness = OrdersHarness(database, books, till)
    assert orders_harness.run(Mode.COMPLETE).counts.proven == 1
    till.put(sale_of("24.20", "20.00", digest="more"))
    assert orders_harness.causes(orders_harness.preview(Mode.COMPLETE)) == {KEY: "document_changed_after_booking"}
    yield orders_harness
    database.close()


def sale_of(incl: str, excl: str, **values: Value) -> Record:
    order = an_order(KEY, lines=(a_line("1", incl, excl),))
    nobody = anonymous()
    parts = tuple(part for part in order.parts if part.kind is not Kind.RELATION)
    return replace(order, values={**order.values, "relation": nobody.values["relation"], **values}, parts=parts)


def decide(till: MemoryConnector, option: str, booking: int = 1) -> None:
    """Add the decision of a person to the order, as a correction does."""
    order = till.records_of(Kind.ORDER)[KEY]
    mark = f"{order.values['digest']}"[:16]
    till.put(replace(order, values={**order.values, "decision": f"{option} {mark}.{booking}"}))


def amounts(books: Books) -> dict[str, Decimal]:
    """Return the sum of each posting in the books, by our key."""
    return {
        key: sum((Decimal(str(part.values["amount"])) for part in page.parts if part.kind is Kind.LINE), Decimal(0))
        for key, page in books.records_of(Kind.POSTING).items()
    }


BOTH = {KEY: Decimal("10.00"), CREDIT: Decimal("-10.00"), AGAIN: Decimal("20.00")}


def test_one_plan_has_two_documents_and_one_record_that_was_read(
    harness: OrdersHarness, books: Books, till: MemoryConnector
) -> None:
    decide(till, "again")
    plan = harness.preview(Mode.COMPLETE)
    assert [(row.key, row.weight) for row in harness.changes(plan).values()] == [(CREDIT, 0), (AGAIN, 1)]

    final_run = harness.commit(plan)

    assert harness.steps(final_run) == {CREDIT: Step.PROVEN, AGAIN: Step.PROVEN}
    assert (final_run.counts.read_count, final_run.counts.proven) == (1, 1)
    assert books.writes == [KEY, CREDIT, AGAIN]
    assert amounts(books) == BOTH
    assert harness.run(Mode.COMPLETE).counts.unchanged == 1


@pytest.mark.parametrize("option", ["again", "credit"])
def test_a_plan_is_stale_once_a_decision_that_it_follows_was_reversed(
    harness: OrdersHarness, books: Books, till: MemoryConnector, option: str
) -> None:
    decide(till, option)
    harness.corrections = {KEY: option}
    plan = harness.preview(Mode.COMPLETE)
    harness.corrections = {}
    with pytest.raises(PlanStaleError, match="basis_changed_since"):
        harness.approve(plan)
    assert books.writes == [KEY]


@pytest.mark.parametrize("at", [CREDIT, AGAIN])
@pytest.mark.parametrize("is_written", [True, False])
def test_what_dies_at_either_write_is_finished_by_its_run_or_a_person_and_nothing_is_doubled(
    harness: OrdersHarness, books: Books, till: MemoryConnector, at: str, is_written: bool
) -> None:
    decide(till, "again")
    run = harness.preview(Mode.COMPLETE)
    harness.approve(run)
    books.deadly[at] = is_written
    with pytest.raises(Died):
        harness.carry_out(run)

    harness.restart()
    final_run = harness.carry_out(run)

    if not is_written:  # nobody knows that: a person says that it is not there
        assert harness.causes(final_run)[at] == "never_answered"
        assert harness.ledger.answer_doubts("orders", at, None) == 1
        final_run = harness.run(Mode.COMPLETE)
    assert (final_run.state, set(harness.steps(final_run).values())) == (RunState.DONE, {Step.PROVEN})
    assert sorted(books.writes) == sorted([KEY, CREDIT, AGAIN])
    assert amounts(books) == BOTH


def test_a_document_that_a_person_found_in_the_books_keeps_the_values_that_its_credit_needs(
    harness: OrdersHarness, books: Books, till: MemoryConnector
) -> None:
    (link,) = harness.links.get("orders", Kind.POSTING, [KEY]).values()
    assert link.agreed is not None
    harness.links.keep("orders", [replace(link, unproven=True)])
    till.put(sale_of("12.10", "10.00"))
    assert harness.run(Mode.COMPLETE).counts.unchanged == 1

    (found_link,) = harness.links.get("orders", Kind.POSTING, [KEY]).values()

    assert not found_link.unproven
    assert found_link.agreed is not None
    assert found_link.agreed.values.items() >= link.agreed.values.items()
    assert [part for part in found_link.agreed.parts if part.kind is Kind.LINE] == [
        part for part in link.agreed.parts if part.kind is Kind.LINE
    ]
    till.put(sale_of("24.20", "20.00", digest="more"))
    decide(till, "again")
    assert set(harness.steps(harness.run(Mode.COMPLETE)).values()) == {Step.PROVEN}
    assert amounts(books) == BOTH


def test_what_was_credited_alone_is_booked_again_by_the_next_run(
    harness: OrdersHarness, books: Books, till: MemoryConnector
) -> None:
    decide(till, "again")
    books.refuse(AGAIN)
    first = harness.run(Mode.COMPLETE)
    assert harness.steps(first) == {CREDIT: Step.PROVEN, AGAIN: Step.PARKED}
    books.accept(AGAIN)

    second = harness.preview(Mode.COMPLETE)

    assert list(harness.changes(second)) == [AGAIN]
    assert harness.commit(second).counts.proven == 1
    assert amounts(books) == BOTH


def test_what_was_refused_is_closed_once_its_document_was_tried_again(
    harness: OrdersHarness, books: Books, till: MemoryConnector
) -> None:
    decide(till, "again")
    books.refuse(AGAIN)
    harness.run(Mode.COMPLETE)
    assert [open_issue.issue.key for open_issue in harness.issues.list("orders", "request_refused")] == [AGAIN]
    books.accept(AGAIN)

    harness.run(Mode.CHOSEN, [KEY])

    assert harness.issues.list("orders", "request_refused") == []


def test_nothing_is_booked_again_where_its_credit_is_refused(
    harness: OrdersHarness, books: Books, till: MemoryConnector
) -> None:
    decide(till, "again")
    books.refuse(CREDIT)

    final_run = harness.run(Mode.COMPLETE)

    assert harness.causes(final_run) == {CREDIT: "request_refused", AGAIN: "credit_not_there"}
    assert amounts(books) == {KEY: Decimal("10.00")}
    books.accept(CREDIT)
    assert harness.run(Mode.COMPLETE).counts.proven == 1
    assert amounts(books) == BOTH


def test_nothing_is_booked_again_where_its_credit_is_left_out_of_the_plan(
    harness: OrdersHarness, books: Books, till: MemoryConnector
) -> None:
    decide(till, "again")
    plan = harness.leave(harness.preview(Mode.COMPLETE), CREDIT)

    final_run = harness.commit(plan)

    assert harness.causes(final_run) == {AGAIN: "credit_not_there"}
    assert amounts(books) == {KEY: Decimal("10.00")}


def test_a_credit_of_which_the_link_was_lost_is_found_by_its_reference_and_never_doubled(
    harness: OrdersHarness, books: Books, till: MemoryConnector
) -> None:
    decide(till, "again")
    plan = harness.preview(Mode.COMPLETE)
    credit = harness.changes(plan)[CREDIT].change
    assert credit is not None
    books.put(credit.desired)

    run = harness.preview(Mode.COMPLETE)

    assert harness.reasons(run) == {CREDIT: "already_in_target"}
    assert list(harness.changes(run)) == [AGAIN]
    assert harness.commit(run).counts.proven == 1
    assert amounts(books) == BOTH


def test_an_undo_takes_the_newest_booking_back_and_leaves_the_credit(
    harness: OrdersHarness, books: Books, till: MemoryConnector
) -> None:
    decide(till, "again")
    final_run = harness.run(Mode.COMPLETE)

    back = harness.undo(final_run)
    assert (list(harness.changes(back)), harness.reasons(back)) == ([f"{AGAIN}#credit"], {CREDIT: "undo_keeps"})
    harness.commit(back)

    assert sum(amounts(books).values()) == 0
    later = harness.run(Mode.COMPLETE)
    assert (harness.reasons(later), later.counts.skipped) == (
        {KEY: "booking_reversed"},
        1,
    )  # the mark is another one
    decide(till, "again", booking=2)
    assert list(harness.changes(harness.run(Mode.COMPLETE))) == [f"{KEY}#3"]
    assert sum(amounts(books).values()) == Decimal("20.00")


def test_an_undo_of_what_is_closed_by_now_is_planned_for_the_first_open_day(harness: OrdersHarness) -> None:
    first = harness.runs.latest("orders", limit=5)[-1]
    harness.settings["books_closed_through"] = "2026-11-30"
    (credit,) = harness.planned_values(harness.undo(first)).values()
    assert (str(credit["date"]), credit["period"]) == ("2026-12-01", Decimal(12))


def test_a_document_is_booked_so_often_and_then_parks(harness: OrdersHarness, till: MemoryConnector) -> None:
    for booking in (1, 2, 3):
        decide(till, "again", booking)
        assert harness.run(Mode.COMPLETE).counts.proven == 1
        till.put(sale_of("24.20", "20.00", digest=f"changed-{booking}"))
    decide(till, "again", 4)
    assert harness.causes(harness.preview(Mode.COMPLETE)) == {KEY: "document_without_reference"}
    decide(till, "keep", 4)
    assert harness.reasons(harness.preview(Mode.COMPLETE)) == {KEY: "document_kept"}
    decide(till, "credit", 4)
    assert harness.run(Mode.COMPLETE).counts.proven == 1
    assert harness.reasons(harness.preview(Mode.COMPLETE)) == {KEY: "booking_reversed"}
