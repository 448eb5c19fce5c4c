"""A document is booked whole, under a reference that is never cut, and only when it adds up."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integration.core.errors import ConfigurationError
from integration.core.money import amount
from integration.core.plan import Change, diff
from integration.core.records import Kind, Record, Value
from integration.core.totals.booked import BookLine, TotalsComparison, booked_totals, comparison_in
from integration.core.totals.sold import Sale, VatSum
from integration.flows.orders.logic import OrdersLogic
from integration.flows.orders.settings import OrderSettings
from tests.core.totals.sales import accounts, awkward
from tests.flows.orders.tills import (
    BODY,
    TILL,
    TOLD,
    Questions,
    a_line,
    a_refund,
    an_order,
    booking,
    lines_of,
    orders,
    parked_issue,
    stage_record,
    with_rules,
    with_tables,
)


def test_a_document_is_booked_with_reference_customer_and_lines() -> None:
    document = booking(an_order("order-118"))
    assert (document.kind, document.key) == (Kind.SALES_ORDER, "order-118")
    assert document.values["reference"] == "MP-2026.118"
    assert document.values["debtor"] == "1001"
    assert document.values["date"] == date(2026, 11, 20)
    assert document.values["gross"] is True
    assert [part.key for part in lines_of(document)] == ["1"]
    assert lines_of(document)[0].values == {
        "article": "1001", "quantity": Decimal(1), "price": Decimal("12.10"), "vat_code": "1",
    }  # fmt: skip


def test_what_the_plan_shows_of_a_document_is_not_written() -> None:
    logic = orders()
    document = booking(an_order(), logic)
    assert document.values["sold_incl"] == document.values["booked_incl"] == Decimal("12.10")
    assert document.values["sold_excl"] == Decimal("10.00")
    sum_ = VatSum(Decimal("10.00"), Decimal("2.10"))
    assert comparison_in(document) == (TotalsComparison("2", sold=sum_, booked=sum_),)
    assert (document.values["number"], document.values["customer"]) == ("2026.1", "Els de Wit")
    change = diff(document, None, None, logic.policy, title="1")
    assert isinstance(change, Change)
    header_fields = {"number", "customer", "branch", "digest", "cancelled", "completed"}
    plan_fields = {"sold_incl", "sold_excl", "booked_incl"} | header_fields
    assert plan_fields.isdisjoint(change.desired.values)
    assert {"reference", "debtor", "date", "gross"} <= set(change.desired.values)
    assert change.desired.parts == lines_of(document)


def test_other_tables_park_what_they_do_not_have() -> None:
    tables = with_tables(shipping_methods={"SHIP": "POST"}, cost_centres={"1": "WINKEL"})
    document = booking(an_order(delivery_method="SHIP"), tables=tables)
    assert (document.values["shipping_method"], document.values["cost_centre"]) == ("POST", "WINKEL")
    issue = parked_issue(an_order(delivery_method="BIKE"), tables=tables)
    assert (issue.cause, issue.facts["table"], issue.facts["value"]) == ("value_unmapped", "shipping_methods", "BIKE")


def test_the_reference_of_the_payment_provider_goes_along() -> None:
    payment = Record(Kind.PAYMENT, "payment:1", {"method": "IDEAL", "amount": Decimal("12.10"), "reference": "tr_1"})
    assert booking(an_order(others=(payment,))).values["payment_reference"] == "tr_1"


@pytest.mark.parametrize(
    ("becomes", "target"), [("order", "line.price"), ("order", "line.quantity"), ("posting", "line.vat")]
)
def test_a_mapping_cannot_leave_amounts_to_the_books(becomes: str, target: str) -> None:
    with pytest.raises(ConfigurationError, match=target):
        orders(with_rules(without=[target]), becomes=becomes)


OWN = {code: f"V{code}" for code in ("1", "2", "3", "5")}
RATES = {"V1": Decimal(9), "V2": Decimal(21), "V3": Decimal(0), "V5": Decimal("5.5"), "V0": Decimal(0)}


def as_record(sold: Sale) -> Record:
    """Return a made-up document as the till reports it."""
    lines = tuple(
        a_line(
            f"{place}",
            price_incl=line.price_incl, price_excl=line.price_excl, amount_incl=line.amount_incl,
            amount_excl=line.amount_excl, quantity=line.quantity, discount_percent=line.discount_percent,
            vat_code=line.vat_code, turnover_group=accounts(sold)[line.key], vat_percent=None,
        )
        for place, line in enumerate(sold.lines, start=1)
    )  # fmt: skip
    split = tuple(
        Record(Kind.VAT, f"vat:{place}", {"code": code, "excl": vat_sum.excl, "vat": vat_sum.vat})
        for place, (code, vat_sum) in enumerate(sold.vat.items(), start=1)
    )
    cash = Record(Kind.PAYMENT, "payment:1", {"method": "ROUNDING", "amount": sold.rounding})
    order = an_order(
        lines=(), vat_method=sold.method, total_incl=sold.total_incl, total_excl=sold.total_excl, country="NL"
    )
    return replace(order, parts=(*lines, *split, cash, *order.parts))


def numbers(values: Mapping[str, Value]) -> tuple[Decimal, Decimal, Decimal]:
    quantity, price, discount = (amount(values.get(name) or 0, 6) for name in ("quantity", "price", "discount_percent"))
    return quantity, price, discount


def books(document: Record, rounding: Any) -> dict[str, VatSum]:
    """Return base and VAT as the books compute them from the document that they are sent."""
    if document.kind is Kind.POSTING:
        sums: dict[str, VatSum] = {}
        for part in lines_of(document):
            code = str(part.values.get("vat_code", ""))
            excl, vat = part.values["amount"], part.values["vat"]
            assert isinstance(excl, Decimal)
            assert isinstance(vat, Decimal)
            excl -= vat if document.values["gross"] else 0
            sums[code] = sums.get(code, VatSum()) + VatSum(excl, vat)
        return sums
    lines = [
        BookLine(part.key, *numbers(part.values), vat_code=str(part.values.get("vat_code", "")))
        for part in lines_of(document)
    ]
    return booked_totals(lines, RATES, "incl" if document.values["gross"] else "excl", rounding)


def non_zero_sums(sums: Mapping[str, VatSum]) -> dict[str, VatSum]:
    return {code: vat_sum for code, vat_sum in sums.items() if vat_sum}


@settings(max_examples=50)
@given(
    awkward(),
    st.sampled_from(["order", "posting"]),
    st.sampled_from(["till", "incl", "excl"]),
    st.sampled_from(["line", "document"]),
    st.sampled_from(["0", "0.05", "1000"]),
    st.sampled_from(["", "9099"]),
)
def test_nothing_is_booked_that_does_not_add_up(
    sold: Sale, becomes: str, basis: str, rounding: str, limit: str, correction: str
) -> None:
    questions = Questions()
    chosen = OrderSettings.model_validate(
        {
            "orders": becomes, "daybook": "700", "price_basis": basis, "rounding": rounding, "rounding_limit": limit,
            "rounding_article": correction,
        }
    )  # fmt: skip
    shifted = {f"{code}:shifted": "V0" for code in OWN}
    tables = {"vat_codes_sales": {**OWN, **shifted}, "revenue_accounts": {"*": "8000"}}
    logic = OrdersLogic(chosen, BODY, 1, tables, RATES, TILL, questions.existing_articles, questions.find_links, TOLD)
    result = stage_record(as_record(sold), logic)
    if result.record is None:
        assert result.skip is not None or (result.issue is not None and result.issue.cause == "totals_differ")
        return
    expected: dict[str, VatSum] = {}
    for code, vat_sum in sold.sold.items():
        theirs = "" if not code else "V0" if sold.method == "shifted" else OWN[code]
        expected[theirs] = expected.get(theirs, VatSum()) + vat_sum
    totals = books(result.record, rounding)
    assert non_zero_sums(totals) == non_zero_sums(expected)
    assert result.record.values["booked_incl"] == sum((vat_sum.incl for vat_sum in totals.values()), Decimal(0))


def test_a_refund_is_a_negative_document_of_the_same_kind() -> None:
    logic = orders(questions=Questions(linked={"order-1": "50001"}))
    document = booking(a_refund(), logic)
    assert document.kind is Kind.SALES_ORDER
    assert lines_of(document)[0].values["quantity"] == Decimal(-1)
    assert document.values["booked_incl"] == Decimal("-12.10")
    posting = booking(a_refund(), orders(questions=Questions(linked={"order-1": "1"}), becomes="posting"))
    assert lines_of(posting)[0].values["amount"] == Decimal("-10.00")
