"""A moved customer: orders are billed to the new address, and the plan shows that before any write."""

from typing import Any

import pytest

from integration.core.plan import Action
from integration.core.states import Step
from tests.consoles import WHO, Console, article, console
from tests.people import make_actor
from tests.stores import stores_in

__all__ = ["article", "console"]

OLD = {"address": "Kerklaan 1", "zipcode": "3511 AB", "city": "Utrecht"}
NEW = {"address": "Molenweg 7", "zipcode": "3701 EF", "city": "Zeist"}


@pytest.fixture
def customer(console: Console, article: str, request: pytest.FixtureRequest) -> str:
    """A customer at the old address with a booked order."""
    name = request.node.name[5:25]
    number = console.till_client.customer("Verhuizer", f"{name}@nieuw.example", **OLD)
    order = console.till_client.order(article, relation=number)
    assert console.lines(console.run("orders", order))[order].step is Step.PROVEN
    assert find_debtor(console, number)["ADDRESS1"] == OLD["address"]
    return number


def find_debtor(console: Console, customer: str) -> dict[str, Any]:
    """Return the debtor of a customer as the books have it."""
    (row,) = console.rows("CONTACT", DEB_NR=customer)
    return row


def goods_go_to(console: Console, order: str) -> str:
    """Return the street of an order's own delivery address; nothing where it goes to the debtor."""
    (row,) = console.rows("SO_HDR", COMMENT1=f"MP-{console.till_client.number(order)}")
    streets = {str(row["REC_ID"]): str(row["ADDRESS1"]) for row in console.sandbox.state("DEL_ADDR")}
    return streets.get(row.get("DEL_CODE") or "", "")


def test_the_debtor_moves_before_the_order_is_booked(console: Console, article: str, customer: str) -> None:
    console.sandbox.till.edit("relations", customer, NEW)
    order = console.till_client.order(article, relation=customer)
    run = console.preview("orders", order)
    move = console.lines(run)[customer]

    assert move.change is not None
    assert move.change.action is Action.UPDATE
    assert dict(move.change.desired.values) == {"street": "Molenweg 7", "postcode": "3701 EF", "city": "Zeist"}
    assert move.change.before is not None
    assert move.change.before.values["street"] == "Kerklaan 1"

    console.commit(run)
    assert console.lines(run)[order].step is Step.PROVEN
    assert (find_debtor(console, customer)["ADDRESS1"], goods_go_to(console, order)) == ("Molenweg 7", "")


def test_a_debtor_that_was_edited_in_the_books_stays_and_the_goods_go_where_the_order_says(
    console: Console, article: str, customer: str
) -> None:
    console.sandbox.accountview.edit("CONTACT", find_debtor(console, customer)["SUB_NR"], {"ADDRESS1": "Postbus 5"})
    order = console.till_client.order(article, relation=customer)
    run = console.run("orders", order)

    assert console.lines(run)[order].step is Step.PROVEN
    assert (find_debtor(console, customer)["ADDRESS1"], goods_go_to(console, order)) == ("Postbus 5", "Kerklaan 1")


def test_an_address_that_both_changed_is_a_question(console: Console, article: str, customer: str) -> None:
    console.sandbox.accountview.edit("CONTACT", find_debtor(console, customer)["SUB_NR"], {"ADDRESS1": "Postbus 5"})
    console.sandbox.till.edit("relations", customer, NEW)
    order = console.till_client.order(article, relation=customer)
    lines = console.lines(console.run("orders", order))

    assert lines[customer].cause == "field_conflict"
    assert lines[order].cause == "needed_record_parked"
    assert (find_debtor(console, customer)["ADDRESS1"], find_debtor(console, customer)["CITY"]) == (
        "Postbus 5",
        "Utrecht",
    )


@pytest.mark.long
def test_whose_address_counts_is_said_once_for_all_of_it(console: Console, article: str, customer: str) -> None:
    console.sandbox.accountview.edit("CONTACT", find_debtor(console, customer)["SUB_NR"], {"ADDRESS1": "Postbus 5"})
    console.sandbox.till.edit("relations", customer, NEW)
    order = console.till_client.order(article, relation=customer)
    console.run("orders", order)
    issues = stores_in(console.application).issues.list("orders", "field_conflict", "street")
    (street,) = [open_issue for open_issue in issues if open_issue.issue.key == customer]
    console.application.exceptions.decide("orders", [street], "source", make_actor(WHO))
    console.run("orders", order)

    row = find_debtor(console, customer)
    assert (row["ADDRESS1"], row["CITY"]) == (NEW["address"], NEW["city"])
    assert console.rows("SO_HDR", COMMENT1=f"MP-{console.till_client.number(order)}") != []
