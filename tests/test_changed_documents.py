"""An order that the till changes or cancels after it was booked: decided on screen, written and proven in the books."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from decimal import Decimal

import pytest

from integration.core.plan import Action
from integration.core.plan_lines import PlanRow
from integration.core.records import Kind
from integration.core.run import Run
from integration.core.states import Step
from tests.consoles import WHO, Console, article, console, wait_for_run
from tests.flows.orders import oracle
from tests.people import make_actor
from tests.services.runs.test_drift import check_drift
from tests.stores import stores_in
from tests.test_stories import settings, table

__all__ = ["article", "console"]

CHANGED, CANCELLED = "document_changed_after_booking", "document_cancelled_after_booking"
NOTHING = Decimal(0)


@pytest.fixture(scope="module")
def customer(console: Console) -> str:
    return console.till_client.customer("Klant van later", "klant@later.example")


@pytest.fixture
def order(console: Console, article: str, customer: str) -> str:
    """An order that is booked."""
    order = console.till_client.order(article, relation=customer, quantity=2)
    assert console.lines(console.run("orders", order))[order].step is Step.PROVEN
    return order


def decide(console: Console, cause: str, option: str, reason: str = "") -> Run:
    """Decide about everything that waits for a cause, and return the plan that follows."""
    exceptions = console.application.exceptions
    (group,) = [cause_group for cause_group in exceptions.groups("orders") if cause_group.cause == cause]
    exceptions.decide("orders", exceptions.issues_of(group.group_key), option, make_actor(WHO), reason)
    return wait_for_run(console.application, console.application.runs.try_again("orders", cause, make_actor(WHO)))


def order_amount(console: Console, reference: str) -> Decimal:
    """Return the amount of the sales order with this reference in the books, or zero if none exists."""
    numbers = [row["ORD_NR"] for row in console.rows("SO_HDR", COMMENT1=reference)]
    assert len(numbers) == len(set(numbers)) <= 1
    rows = [row for row in console.sandbox.state("SO_LINE") if row["ORD_NR"] in numbers]
    return sum((Decimal(str(row["ORD_QTY"])) * Decimal(str(row["ART_PX"])) for row in rows), NOTHING)


def changes(console: Console, run: Run) -> list[PlanRow]:
    return [row for row in console.lines(run).values() if row.change and row.kind is Kind.SALES_ORDER]


def cause_of(console: Console, order: str) -> str:
    """Return why a new run does nothing about an order; empty where it is as both agreed."""
    run = console.run("orders", order)
    assert changes(console, run) == []
    row = console.lines(run).get(order)
    return row.cause if row else ""


def open_causes(console: Console, order: str) -> list[str]:
    issues = stores_in(console.application).issues.of_key("orders", order)
    return [open_issue.issue.cause for open_issue in issues if open_issue.state == "open"]


def test_an_order_changed_after_booking_is_credited_and_booked_again_in_one_plan(
    console: Console, article: str, order: str
) -> None:
    ours = f"MP-{console.till_client.number(order)}"
    first = order_amount(console, ours)
    console.till_client.change(order, article, 3)
    assert cause_of(console, order) == CHANGED

    plan = decide(console, CHANGED, "again")
    rows = changes(console, plan)
    assert [(row.key, row.action, row.weight) for row in rows] == [
        (f"{order}#credit", Action.CREATE, 0), (f"{order}#2", Action.CREATE, 1),
    ]  # fmt: skip
    run = console.commit(plan)

    assert [row.step for row in changes(console, run)] == [Step.PROVEN, Step.PROVEN]
    assert (run.counts.read_count, run.counts.proven) == (1, 1)
    assert (order_amount(console, ours), order_amount(console, f"{ours}-C")) == (first, -first)
    assert order_amount(console, f"{ours}-2") * 2 == first * 3
    assert open_causes(console, order) == []
    assert cause_of(console, order) == ""

    console.till_client.change(order, article, 4)
    assert cause_of(console, order) == CHANGED
    console.commit(decide(console, CHANGED, "again"))
    assert order_amount(console, f"{ours}-2") + order_amount(console, f"{ours}-2-C") == NOTHING
    assert order_amount(console, f"{ours}-3") == first * 2
    assert cause_of(console, order) == ""
    drift_check = check_drift(console)
    counts, booked = drift_check.counts, [row for row in console.rows("SO_HDR") if row["COMMENT1"].startswith("MP-")]
    assert counts.equal == counts.compared >= len(booked)
    assert (drift_check.samples, drift_check.error) == ((), "")


def test_an_order_cancelled_after_booking_is_credited_and_is_settled(console: Console, order: str) -> None:
    ours = f"MP-{console.till_client.number(order)}"
    console.till_client.cancel(order)
    assert cause_of(console, order) == CANCELLED

    run = console.commit(decide(console, CANCELLED, "credit"))

    assert (run.counts.read_count, run.counts.proven) == (1, 1)
    assert order_amount(console, ours) + order_amount(console, f"{ours}-C") == NOTHING
    assert order_amount(console, ours) > 0
    assert cause_of(console, order) == "booking_reversed"
    assert open_causes(console, order) == []


def test_a_changed_order_is_kept_for_a_reason_until_it_changes_again(
    console: Console, article: str, order: str
) -> None:
    before = console.writes()
    console.till_client.change(order, article, 3)
    assert cause_of(console, order) == CHANGED

    run = console.commit(decide(console, CHANGED, "keep", "the customer paid in cash"))
    (row,) = console.lines(run).values()
    assert (row.cause, row.facts["reason"]) == ("document_kept", "the customer paid in cash")
    assert cause_of(console, order) == "document_kept"
    assert console.writes() == before + 1  # that of the counter

    console.till_client.change(order, article, 4)
    assert cause_of(console, order) == CHANGED
    console.commit(decide(console, CHANGED, "keep"))


@pytest.mark.long
def test_a_credited_order_that_changes_again_is_a_question_and_can_be_booked_again(
    console: Console, article: str, order: str
) -> None:
    ours = f"MP-{console.till_client.number(order)}"
    console.till_client.change(order, article, 3)
    cause_of(console, order)
    console.commit(decide(console, CHANGED, "credit"))
    assert cause_of(console, order) == "booking_reversed"

    console.till_client.change(order, article, 1)
    assert cause_of(console, order) == "document_changed_after_credit"
    run = console.commit(decide(console, "document_changed_after_credit", "again"))

    assert [row.key for row in changes(console, run)] == [f"{order}#2"]
    assert order_amount(console, ours) == order_amount(console, f"{ours}-2") * 2 == -order_amount(console, f"{ours}-C")
    assert cause_of(console, order) == ""


def test_nothing_is_credited_into_what_is_closed(console: Console, article: str, order: str) -> None:
    application, flows = console.application, console.application.flows
    link = stores_in(application).links.get("orders", Kind.SALES_ORDER, [order])[order]
    booked_on = link.agreed.values["date"] if link.agreed else None
    assert isinstance(booked_on, date)
    console.till_client.change(order, article, 3)
    cause_of(console, order)
    flows.change("orders", {"vat_filed_through": booked_on}, make_actor(WHO))
    try:
        parked = decide(console, CHANGED, "again")
        assert console.lines(parked)[order].cause == "document_period_closed"
        flows.change("orders", {"late": "first_open"}, make_actor(WHO))
        retry = application.runs.try_again("orders", "document_period_closed", make_actor(WHO))
        plan = wait_for_run(application, retry)
        dates = [row.change.desired.values["date"] for row in changes(console, plan) if row.change]
        assert len(dates) == 2
        assert set(dates) == {booked_on + timedelta(days=1)}
        assert console.commit(plan).counts.proven == 1
    finally:
        flows.change("orders", {"vat_filed_through": None, "late": "park"}, make_actor(WHO))


@contextmanager
def as_postings(console: Console) -> Iterator[None]:
    """Inside the block, orders become postings with all required settings."""
    with (
        table(console, "revenue_accounts", oracle.REVENUE),
        table(console, "vat_codes_sales", oracle.CODES),
        settings(console, "orders", orders="posting"),
    ):
        yield


def page_total(console: Console, reference: str) -> Decimal:
    """Return the amount with VAT of the page with this reference in the books."""
    (page,) = console.rows("DJ_PAGE", INV_NR=reference)
    return Decimal(str(page["PAGE_AMT"]))


def references(console: Console, *keys: str) -> list[str]:
    """Return our references of postings, by our keys."""
    links = stores_in(console.application).links.get("orders", Kind.POSTING, keys)
    return [str(links[key].agreed.values["reference"]) for key in keys]  # type: ignore[union-attr]


@pytest.mark.long
def test_an_order_that_was_posted_is_credited_and_posted_again_to_the_cent(
    console: Console, article: str, customer: str
) -> None:
    with as_postings(console):
        order = console.till_client.order(article, relation=customer, quantity=2)
        console.run("orders", order)
        console.till_client.change(order, article, 3)
        assert cause_of(console, order) == CHANGED
        run = console.commit(decide(console, CHANGED, "again"))
        assert (run.counts.read_count, run.counts.proven) == (1, 1)
        assert cause_of(console, order) == ""
        first, credit, second = references(console, order, f"{order}#credit", f"{order}#2")
        assert page_total(console, first) == -page_total(console, credit) != NOTHING
        assert page_total(console, second) * 2 == page_total(console, first) * 3
        drift_check = check_drift(console, Kind.POSTING)
        assert (drift_check.counts.equal, drift_check.samples, drift_check.error) == (
            drift_check.counts.compared,
            (),
            "",
        )


@pytest.mark.long
def test_what_was_posted_is_credited_as_that_and_booked_again_as_what_orders_become_now(
    console: Console, article: str, customer: str
) -> None:
    with as_postings(console):
        order = console.till_client.order(article, relation=customer, quantity=2)
        console.run("orders", order)
    assert cause_of(console, order) == ""  # as it was booked, under whatever settings
    console.till_client.change(order, article, 3)
    assert cause_of(console, order) == CHANGED
    run = console.commit(decide(console, CHANGED, "again"))

    assert (run.counts.read_count, run.counts.proven) == (1, 1)
    first, credit = references(console, order, f"{order}#credit")
    assert page_total(console, first) == -page_total(console, credit) != NOTHING
    assert order_amount(console, f"MP-{console.till_client.number(order)}-2") > NOTHING
    assert cause_of(console, order) == ""
