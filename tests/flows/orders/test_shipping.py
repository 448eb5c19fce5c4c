"""Shipping cost is a line or a field of a sales order; the document has the sold total in both cases."""

from decimal import Decimal
from typing import Any

import pytest

from integration.core.errors import ConfigurationError
from integration.core.plan import Change, diff
from integration.core.records import Record
from integration.flows.orders.credits import credit
from tests.flows.orders.tills import Questions, a_line, an_order, booking, lines_of, orders, parked_issue, with_rules

RULE = {"target": "sales_order.shipping_cost", "source": "books_shipping"}
BODY = with_rules(RULE)
FIELD: dict[str, Any] = {"shipping": "field", "shipping_groups": ["60"], "shipping_vat_code": "1", "body": BODY}


def order_with_shipping(*more: Record, **values: Any) -> Record:
    cost = a_line(
        "2", "6.05", "5.00", **{"turnover_group": "60", "code": "VERZENDEN", "text": "Verzendkosten", **values}
    )
    return an_order(lines=(a_line("1"), cost, *more))


def test_shipping_is_a_line_unless_somebody_says_otherwise() -> None:
    document = booking(order_with_shipping(), body=BODY, shipping_groups=["60"])
    assert len(lines_of(document)) == 2
    assert "shipping_cost" not in document.values


@pytest.mark.parametrize(
    "by", [{"shipping_groups": ["60"]}, {"shipping_groups": [], "shipping_articles": ["VERZENDEN"]}]
)
@pytest.mark.parametrize(("basis", "cost"), [("till", "6.05"), ("incl", "6.05"), ("excl", "5.00")])
@pytest.mark.parametrize("becomes", ["order", "invoice"])
def test_as_a_field_it_is_taken_out_of_the_lines(by: dict[str, Any], basis: str, cost: str, becomes: str) -> None:
    document = booking(order_with_shipping(), **{**FIELD, **by}, price_basis=basis, becomes=becomes)
    assert [line.values["article"] for line in lines_of(document)] == ["1001"]
    assert document.values["shipping_cost"] == Decimal(cost)
    assert document.values["booked_incl"] == document.values["sold_incl"] == Decimal("18.15")


def test_several_lines_of_shipping_are_one_amount() -> None:
    more = a_line("3", "3.63", "3.00", turnover_group="60")
    assert booking(order_with_shipping(more), **FIELD).values["shipping_cost"] == Decimal("9.68")


def test_a_document_without_shipping_has_nothing_in_the_field() -> None:
    document = booking(an_order(), **FIELD)
    assert len(lines_of(document)) == 1
    assert "shipping_cost" not in document.values


@pytest.mark.parametrize("code", ["", "2"])
def test_shipping_under_another_code_than_that_of_the_field_waits(code: str) -> None:
    issue = parked_issue(order_with_shipping(), **{**FIELD, "shipping_vat_code": code})
    assert (issue.cause, issue.facts["code"], issue.facts["amount"]) == ("shipping_not_exact", "1", "6.05")
    assert issue.facts["vat"] == "accountview 21 1"
    assert issue.facts["field_vat"] == ("accountview 9 2" if code else "accountview - -")


def test_of_shipping_under_several_codes_that_of_another_one_is_reported() -> None:
    low = a_line("3", "2.18", "2.00", turnover_group="60", vat_code="1", vat_percent=Decimal(9))
    issue = parked_issue(order_with_shipping(low), **FIELD)
    assert (issue.facts["code"], issue.facts["amount"], issue.facts["vat"]) == ("2", "2.18", "accountview 9 2")


def test_books_that_round_on_every_line_may_not_come_to_the_same_and_then_it_waits() -> None:
    cents = [a_line(str(place), "0.02", "0.02", turnover_group="60") for place in (2, 3, 4)]
    order = an_order(lines=(a_line("1"), *cents))
    settings = {**FIELD, "rounding": "line", "rounding_limit": "1", "rounding_article": "9099"}
    assert parked_issue(order, **settings).cause == "shipping_not_exact"


def test_shipping_alone_stays_no_document_without_lines() -> None:
    cost = a_line("1", "6.05", "5.00", turnover_group="60")
    assert parked_issue(an_order(lines=(cost,)), **FIELD).cause == "shipping_not_exact"


def test_without_a_rule_for_the_field_nothing_is_booked() -> None:
    with pytest.raises(ConfigurationError, match="shipping_cost"):
        orders(**{**FIELD, "body": with_rules()})
    other = with_rules({"target": "sales_order.shipping_cost", "source": "reference"})
    assert parked_issue(order_with_shipping(), **{**FIELD, "body": other}).cause == "required_field_empty"


def test_a_posting_has_shipping_among_its_revenue() -> None:
    document = booking(order_with_shipping(), **{**FIELD, "becomes": "posting"})
    assert [line.values["amount"] for line in lines_of(document)] == [Decimal("15.00")]


def test_the_books_need_no_article_for_what_stands_in_the_field() -> None:
    questions = Questions(articles={"1001"})
    assert booking(order_with_shipping(), orders(questions=questions, **FIELD))
    assert parked_issue(order_with_shipping(), orders(questions=questions, body=BODY)).cause == "article_missing"


def test_the_credit_of_an_order_turns_the_field_as_well() -> None:
    logic = orders(**FIELD)
    change = diff(booking(order_with_shipping(), logic), None, None, logic.policy, title="1")
    assert isinstance(change, Change)
    back = credit(change, {})
    assert back is not None
    assert back.desired.values["shipping_cost"] == Decimal("-6.05")
