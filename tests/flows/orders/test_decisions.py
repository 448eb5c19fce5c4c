"""Decisions about a document that changed after booking: each option, and the state it applies to."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from integration.core.booking_comparison import line_amount
from integration.core.flow import Ownership
from integration.core.links import Link
from integration.core.plan import FOLLOWS
from integration.core.records import Kind, Record
from integration.core.staged_records import StagedRecord
from integration.flows.orders.logic import OrdersLogic
from tests.flows.orders.tills import PAPERS, Questions, a_line, an_order, booking, lines_of, orders, with_rules

KEY = "order-1"
AS_POSTING: dict[str, Any] = {"becomes": "posting"}


class Links(Questions):
    """Links by our keys."""

    def __init__(self, *links: Link) -> None:
        super().__init__()
        self.links = {booking_link.key: booking_link for booking_link in links}

    def find_links(self, ids: Collection[str]) -> Mapping[str, Link]:
        return {key: self.links[key] for key in ids if key in self.links}


def link(record: Record, key: str = "") -> Link:
    return Link(record.kind, key or record.key, "50001", replace(record, key=key or record.key))


def orders_after(*links: Link, **options: Any) -> OrdersLogic:
    return orders(questions=Links(*links), **options)


def order_with_decision(option: str, digest: str = "d2", booking: int = 1, **values: Any) -> Record:
    """The order after a change, with the decision of a person."""
    decision: dict[str, Any] = {"decision": f"{option} {digest}.{booking}"} if option else {}
    lines = values.pop("lines", (a_line(), a_line("2")))
    return an_order(KEY, lines=lines, digest=digest, **decision, **values)


def stage_after(record: Record, *links: Link, **options: Any) -> StagedRecord:
    (result,) = orders_after(*links, **options).stage(PAPERS, [record])
    return result


def total(document: Record) -> Decimal:
    """Return the total of the lines of a sales order or of a posting."""
    return sum((line_amount(line) for line in lines_of(document)), Decimal(0))


@pytest.mark.parametrize("options", [{}, AS_POSTING], ids=["sales order", "posting"])
def test_a_credit_is_what_was_booked_turned(options: dict[str, Any]) -> None:
    booked = booking(an_order(KEY, digest="d1"), **options)
    result = stage_after(order_with_decision("credit"), link(booked), **options)
    assert result.record is not None
    back = result.record
    assert (back.key, back.sources, result.title) == (f"{KEY}#credit", (KEY,), "2026.1-C")
    assert total(back) == -total(booked) != 0
    same = ("date", "number", "debtor", "customer")
    assert {name: back.values.get(name) for name in same} == {name: booked.values.get(name) for name in same}
    assert back.values["reference"] != booked.values["reference"]
    assert (back.values["digest"], back.values["sold_incl"]) == ("d2", Decimal("-12.10"))


@pytest.mark.parametrize("options", [{}, AS_POSTING], ids=["sales order", "posting"])
def test_booked_again_is_the_document_of_now_behind_its_credit(options: dict[str, Any]) -> None:
    booked = booking(an_order(KEY, digest="d1"), **options)
    logic = orders_after(link(booked), **options)
    shaped = logic.shape(PAPERS, logic.stage(PAPERS, [order_with_decision("again")]), {}, {})
    assert shaped.desired is not None
    assert shaped.prerequisite is not None
    assert (shaped.prerequisite.key, shaped.desired.key) == (f"{KEY}#credit", f"{KEY}#2")
    assert shaped.desired.sources == (KEY,)
    assert shaped.desired.values[FOLLOWS] == shaped.prerequisite.key
    assert (total(shaped.prerequisite), total(shaped.desired)) == (-total(booked), 2 * total(booked))
    references = {
        booked.values["reference"],
        shaped.prerequisite.values["reference"],
        shaped.desired.values["reference"],
    }
    assert len(references) == 3


@pytest.mark.parametrize("option", ["keep", "credit", "again"])
def test_a_decision_is_about_one_state_of_the_document_and_one_booking(option: str) -> None:
    booked = link(booking(an_order(KEY, digest="d1")))
    for other in (
        order_with_decision(option, booking=2),
        replace_decision(order_with_decision(option), f"{option} d3.1"),
    ):
        result = stage_after(other, booked)
        assert result.record is not None
        assert result.record.values["booked_as"] == "50001"  # as it is booked; the question follows


def replace_decision(record: Record, decision: str) -> Record:
    return replace(record, values={**record.values, "decision": decision})


def test_what_is_kept_is_reported_with_its_reason() -> None:
    record = replace_decision(order_with_decision(""), "keep d2.1 paid in cash, says Karin")
    result = stage_after(record, link(booking(an_order(KEY, digest="d1"))))
    assert result.skip is not None
    assert (result.skip.reason, result.skip.facts["reason"]) == ("document_kept", "paid in cash, says Karin")


QUOTED: dict[str, Any] = {"documents": "proposal", "becomes": "quotation"}


def proposal(decision: str, digest: str, **values: Any) -> Record:
    return replace(
        replace_decision(order_with_decision("", digest, type="PROPOSAL", state="order", **values), decision),
        kind=Kind.PROPOSAL,
    )


def shape_entered_again(number: int, *links: Link) -> Record:
    """Return the target record of a changed proposal that is quoted again after these quotations."""
    logic, record = orders_after(*links, **QUOTED), proposal(f"anew d{number}.{number - 1}", f"d{number}")
    stage = logic.flow.stage("proposals")
    shaped = logic.shape(stage, logic.stage(stage, [record]), {}, {})
    assert shaped.desired is not None
    assert shaped.prerequisite is None
    return shaped.desired


def test_a_proposal_is_entered_anew_beside_the_quotations_that_stay_as_often_as_there_are_references() -> None:
    links = [link(booking(proposal("", "d1"), **QUOTED))]
    for number in (2, 3, 4):
        anew = shape_entered_again(number, *links)
        assert (anew.kind, anew.key, anew.sources) == (Kind.QUOTATION, f"{KEY}#{number}", (KEY,))
        assert anew.values["reference"] == f"MP-2026.1-{number}"
        assert FOLLOWS not in anew.values
        links.append(link(anew))
    logic = orders_after(*links, **QUOTED)
    stage = logic.flow.stage("proposals")
    (beyond,) = logic.stage(stage, [proposal("anew d5.4", "d5")])
    assert beyond.issue is not None
    assert beyond.issue.cause == "document_without_reference"


@pytest.mark.parametrize(
    ("decision", "values", "cause"),
    [
        ("", {}, "quotation_changed"),
        ("anew d2.2", {}, "quotation_changed"),  # said of another quotation
        ("again d2.1", {}, "quotation_changed"),
        ("credit d2.1", {}, "quotation_changed"),
        ("anew d2.1", {"cancelled": True}, "quotation_cancelled"),
    ],
)
def test_a_proposal_that_changed_is_asked_about_until_it_is_said_what_becomes_of_it_as_it_is(
    decision: str, values: dict[str, Any], cause: str
) -> None:
    quoted = link(booking(proposal("", "d1"), **QUOTED))
    logic = orders_after(quoted, **QUOTED)
    stage = logic.flow.stage("proposals")
    (result,) = logic.stage(stage, [proposal(decision, "d2", **values)])
    assert result.record is not None
    assert result.record.key == KEY
    issue = logic.objection(stage, result.record, None, quoted)
    assert issue is not None
    assert (issue.cause, issue.facts["mark"]) == (cause, "d2.1")


def test_nothing_is_decided_about_what_did_not_change() -> None:
    result = stage_after(order_with_decision("credit", digest="d1"), link(booking(an_order(KEY, digest="d1"))))
    assert result.record is not None
    assert result.record.key == KEY


def test_what_was_reversed_stays_so_until_it_changes() -> None:
    booked = booking(an_order(KEY, digest="d1"))
    back = stage_after(order_with_decision("credit"), link(booked)).record
    assert back is not None
    links = link(booked), link(back)
    same = stage_after(order_with_decision(""), *links)
    assert same.skip is not None
    assert (same.skip.reason, same.skip.facts["mark"]) == ("booking_reversed", "d2.1")
    changed = stage_after(order_with_decision("", digest="d3"), *links)
    assert changed.issue is not None
    assert (changed.issue.cause, changed.issue.facts["mark"]) == ("document_changed_after_credit", "d3.1")
    keep_result = stage_after(order_with_decision("keep", digest="d3"), *links)
    assert keep_result.skip is not None
    cancelled = stage_after(order_with_decision("again", digest="d3", cancelled=True), *links)
    assert cancelled.skip is not None
    assert "mark" not in cancelled.skip.facts  # what is cancelled is not offered to be booked again


def test_a_document_linked_by_hand_is_never_credited() -> None:
    result = stage_after(order_with_decision("credit"), Link(Kind.SALES_ORDER, KEY, "50001"))
    assert result.record is not None
    assert result.record.key == KEY


def test_a_credit_that_would_come_to_another_sum_parks() -> None:
    booked = booking(an_order(KEY, digest="d1"))
    rule = {"target": "line.vat_code", "source": "books_vat_code", "ownership": str(Ownership.NEVER)}
    logic = orders(with_rules(rule), questions=Links(link(booked)))
    assert logic.policy["line.vat_code"] is Ownership.NEVER
    (result,) = logic.stage(PAPERS, [order_with_decision("credit")])
    assert result.issue is not None
    assert result.issue.cause == "credit_not_exact"


@pytest.mark.parametrize("option", ["credit", "again"])
def test_nothing_is_written_into_what_is_closed(option: str) -> None:
    booked = link(booking(an_order(KEY, digest="d1"), **AS_POSTING))
    closed: dict[str, Any] = {**AS_POSTING, "vat_filed_through": date(2026, 11, 30)}
    parked = stage_after(order_with_decision(option), booked, **closed)
    assert parked.issue is not None
    assert (parked.issue.cause, parked.issue.facts["closed"]) == ("document_period_closed", "2026-11-30")
    result = stage_after(order_with_decision(option), booked, **closed, late="first_open")
    assert result.record is not None
    documents = (result.record, *(part for part in result.record.parts if part.kind is Kind.POSTING))
    for document in documents:
        assert (document.values["date"], document.values["period"]) == (date(2026, 12, 1), Decimal(12))


def test_what_nothing_is_left_of_is_only_credited() -> None:
    booked = link(booking(an_order(KEY, digest="d1")))
    result = stage_after(order_with_decision("again", lines=()), booked)
    assert result.record is not None
    assert result.record.key == f"{KEY}#credit"


def test_both_sides_are_what_was_booked_and_what_would_be_now() -> None:
    booked = link(booking(an_order(KEY, digest="d1")))
    comparison = orders_after(booked).compare_booking(order_with_decision(""))
    assert comparison is not None
    assert comparison.now is not None
    assert total(comparison.now) == 2 * total(comparison.booked)
    cancelled = orders_after(booked).compare_booking(order_with_decision("", cancelled=True))
    assert cancelled is not None
    assert cancelled.now is None
    wrong = orders_after(booked).compare_booking(order_with_decision("", lines=(a_line(vat_code="9"),)))
    assert wrong is not None
    assert wrong.issue is not None
    assert orders_after().compare_booking(order_with_decision("")) is None
