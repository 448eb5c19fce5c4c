"""A document in the books under our reference is ours if its content agrees, and otherwise a question."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from integration.core.issues import Issue, Skip
from integration.core.records import CurrentRecord, Kind, Record, Value
from tests.flows.orders.tills import PAPERS, TOLD, a_line, an_order, booking, orders

Edit = Callable[[Record], Record]


def with_values(**values: Value) -> Edit:
    return lambda record: replace(record, values={**record.values, **values})


def change_lines(**values: Value) -> Edit:
    return lambda record: replace(
        record,
        parts=tuple(
            replace(part, values={**part.values, **values}) if part.kind is Kind.LINE else part for part in record.parts
        ),
    )


def without_lines(record: Record) -> Record:
    return replace(record, parts=())


def from_history(record: Record) -> Record:
    """Return an order with the fields that the history reports."""
    history_fields = ("article", "quantity", "price", "text")
    parts = tuple(
        replace(part, values={name: value for name, value in part.values.items() if name in history_fields})
        for part in record.parts
        if part.kind is Kind.LINE
    )
    return Record(record.kind, record.key, {"reference": record.values["reference"]}, parts)


BRANCHES = {"cost_centres": {"1": "Dam"}}


def find_objection(edit: Edit, becomes: str = "order", **values: Value) -> Issue | None:
    logic = orders(becomes=becomes)
    document = booking(an_order(lines=(a_line(discount_percent=Decimal(10)),), **values), logic)  # type: ignore[arg-type]
    return logic.objection(PAPERS, document, CurrentRecord(edit(document), "50001"), None)


@pytest.mark.parametrize("becomes", ["order", "posting"])
@pytest.mark.parametrize(
    "edit",
    [
        with_values(),
        with_values(email="other@example.com", text="by hand", debtor="20009"),
        with_values(cost_centre="Dam"),  # ours has none
    ],
)
def test_what_says_the_same_is_adopted(becomes: str, edit: Edit) -> None:
    assert find_objection(edit, becomes) is None


def test_an_order_in_the_history_is_known_by_what_that_tells() -> None:
    assert find_objection(from_history) is None
    assert find_objection(lambda record: change_lines(price=Decimal("484.75"))(from_history(record))) is not None


@pytest.mark.parametrize("becomes", ["order", "posting"])
@pytest.mark.parametrize(
    "edit",
    [
        with_values(date=date(2026, 11, 21)),
        with_values(date=None),
        change_lines(price=Decimal("12.11"), amount=Decimal("12.11")),
        without_lines,
    ],
    ids=["day", "no day", "total", "no lines"],
)
def test_another_sale_under_a_known_number_is_a_question(becomes: str, edit: Edit) -> None:
    issue = find_objection(edit, becomes)
    assert issue is not None
    assert (issue.cause, issue.key) == ("reference_of_another", "order-1")


def test_the_question_shows_both_side_by_side() -> None:
    logic = orders()
    document = booking(an_order(), logic)
    current = change_lines(price=Decimal("484.75"))(
        with_values(date=date(2026, 11, 19), debtor="20007", customer="")(document)
    )
    issue = logic.objection(PAPERS, document, CurrentRecord(current, "50001"), None)
    assert issue is not None
    expected = {
        "document": "2026.1", "reference": "MP-2026.1", "number": "50001", "date": "2026-11-20", "amount": "12.10",
        "found_date": "2026-11-19", "found_amount": "484.75", "customer": document.values["customer"],
        "found_customer": "20007",
    }  # fmt: skip
    assert expected.items() <= issue.facts.items()


def test_one_of_another_branch_is_another_sale() -> None:
    logic = orders()
    document = with_values(cost_centre="DAM")(booking(an_order(), logic))
    assert (
        logic.objection(PAPERS, document, CurrentRecord(with_values(cost_centre="dam")(document), "50001"), None)
        is None
    )
    assert (
        logic.objection(PAPERS, document, CurrentRecord(with_values(cost_centre="WEST")(document), "50001"), None)
        is not None
    )


def test_a_sale_of_other_articles_is_another_sale_though_it_counts_alike() -> None:
    logic = orders()
    document = booking(an_order(), logic)
    article = next(part.values["article"] for part in document.parts if part.kind is Kind.LINE)
    for alike in (str(article).lower(), f"{article} "):
        assert (
            logic.objection(PAPERS, document, CurrentRecord(change_lines(article=alike)(document), "50001"), None)
            is None
        )
    issue = logic.objection(PAPERS, document, CurrentRecord(change_lines(article="20002")(document), "50001"), None)
    assert issue is not None
    assert (issue.facts["articles"], issue.facts["found_articles"]) == (f"1 x {str(article).lower()}", "1 x 20002")
    more = logic.objection(
        PAPERS,
        document,
        CurrentRecord(change_lines(quantity=Decimal(2), price=Decimal("6.05"))(document), "50001"),
        None,
    )
    assert more is not None
    assert more.facts["amount"] == more.facts["found_amount"]


def test_what_is_linked_to_another_document_of_the_till_is_another_sale_whatever_it_says() -> None:
    logic = orders()
    document = booking(an_order(), logic)
    issue = logic.objection(PAPERS, document, CurrentRecord(document, "50001", owner="order-9"), None)
    assert issue is not None
    assert (issue.cause, issue.facts["other"]) == ("reference_of_another", "order-9")


@pytest.mark.parametrize("becomes", ["order", "posting"])
def test_what_the_till_knows_by_another_id_is_another_sale_though_it_sells_the_same(becomes: str) -> None:
    logic = orders(becomes=becomes, context=replace(TOLD, till_ids=("sales_order", "posting")))
    order = an_order("8d1f0b7e-6d0c-4d53-9a57-3c2f1f2b7a10", number="2026.1")
    document = booking(order, logic)
    assert document.values["till_id"] == "8d1f0b7e6d0c4d539a573c2f1f2b7a10"
    why = {trace.target: trace for trace in logic.trace(PAPERS, order)}[f"{document.kind}.till_id"]
    assert (why.value, why.reason and why.reason.code) == (document.values["till_id"], "because_till_id")
    for till_id in ("8D1F0B7E6D0C4D539A573C2F1F2B7A10", None):  # the latter entered by hand, or before we told it
        assert (
            logic.objection(PAPERS, document, CurrentRecord(with_values(till_id=till_id)(document), "50001"), None)
            is None
        )
    issue = logic.objection(PAPERS, document, CurrentRecord(with_values(till_id="0")(document), "50001"), None)
    assert issue is not None
    assert (issue.facts["till_id"], issue.facts["found_till_id"]) == (document.values["till_id"], "0")


def test_books_without_a_column_for_it_are_told_no_id() -> None:
    of_others = replace(TOLD, till_ids=("trade_invoice", "quotation", "posting"))
    for context in (TOLD, of_others):
        assert "till_id" not in booking(an_order(), orders(context=context)).values


def test_a_document_cancelled_at_the_till_is_never_held_for_another_sale() -> None:
    logic = orders()
    current = change_lines(price=Decimal("484.75"))(booking(an_order(), logic))
    cancelled_order = booking(an_order(cancelled=True), logic)
    issue = logic.objection(PAPERS, cancelled_order, CurrentRecord(current, "50001"), None)
    assert issue is not None
    assert issue.cause == "reference_of_another"


def test_a_person_may_say_that_it_is_the_same_until_one_of_both_is_another() -> None:
    logic = orders()
    order = an_order(digest="a1b2")
    current = CurrentRecord(change_lines(price=Decimal("484.75"))(booking(order, logic)), "700/1")
    issue = logic.objection(PAPERS, booking(order, logic), current, None)
    assert issue is not None
    assert (issue.field, issue.facts["source"]) == ("decision_same", "order")
    answered_order = with_values(decision_same=f"same {issue.facts['mark']}")(order)
    document = booking(answered_order, logic)
    assert logic.objection(PAPERS, document, current, None) is None
    assert isinstance(logic.writable_part(PAPERS, document, current), Skip)
    assert logic.objection(PAPERS, document, replace(current, reference="700/2"), None) is not None
    changed = booking(with_values(digest="another")(answered_order), logic)
    assert logic.objection(PAPERS, changed, current, None) is not None
