"""An unknown word of the till is neither true nor false."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from integration.connectors.mplus.codec.values import plain_word
from integration.core.issues import Skip
from integration.core.records import Kind, Record
from integration.flows.orders.settings import TYPES
from integration.flows.orders.vocabulary import (
    COMPLETE_STATES,
    PAID_STATES,
    PRICE_TYPES,
    PROPOSAL_STATES,
    STATES,
    TURNOVER_TYPES,
    VAT_METHODS,
)
from integration.sandbox.mplus.contract import Contract
from tests.flows.orders.tills import (
    Questions,
    a_line,
    an_order,
    booking,
    lines_of,
    orders,
    parked_issue,
    staged_skip,
    without_values,
)


def of_kind(kind: Kind, **values: Any) -> Record:
    return replace(an_order(**values), kind=kind)


@pytest.mark.parametrize(
    ("document", "options", "field", "word"),
    [
        (an_order(cancel_state="withdrawn"), {}, "cancel_state", "withdrawn"),
        (an_order(type="RENTAL-ORDER"), {}, "type", "RENTAL-ORDER"),
        (of_kind(Kind.INVOICE, type="PRO-FORMA"), {"documents": "invoice"}, "type", "PRO-FORMA"),
        (of_kind(Kind.RECEIPT, type="TRAINING"), {"documents": "receipt"}, "type", "TRAINING"),
        (an_order(vat_method="margin"), {}, "vat_method", "margin"),
        (an_order(delivery_state="lost"), {"delivery": ["complete"]}, "delivery_state", "lost"),
        (an_order(complete_state="maybe"), {"complete": ["complete"]}, "complete_state", "maybe"),
        (
            of_kind(Kind.INVOICE, type="INVOICE", state="written-off"),
            {"documents": "invoice", "paid": "only"},
            "state",
            "written-off",
        ),
        (
            of_kind(Kind.PROPOSAL, type="PROPOSAL", state="signed"),
            {"documents": "proposal", "becomes": "quotation"},
            "state",
            "signed",
        ),
        (an_order(lines=(a_line(price_type="voucher"),)), {}, "price_type", "voucher"),
        (an_order(lines=(a_line(turnover_type="tip"),)), {}, "turnover_type", "tip"),
        (an_order(lines=(a_line(line_kind="note"),)), {}, "line_kind", "note"),
        (an_order(lines=(a_line(line_type="bundle"),)), {}, "line_type", "bundle"),
    ],
)
def test_a_document_with_a_word_nobody_knows_waits_and_names_it(
    document: Record, options: dict[str, Any], field: str, word: str
) -> None:
    issue = parked_issue(document, **options)
    assert (issue.cause, issue.facts["field"], issue.facts["word"]) == ("word_unknown", field, word)


def test_an_order_that_does_not_say_whether_it_is_cancelled_waits() -> None:
    issue = parked_issue(without_values(an_order(), "cancel_state", "cancelled"))
    assert (issue.cause, issue.facts["field"]) == ("word_missing", "cancel_state")
    assert booking(
        without_values(of_kind(Kind.INVOICE, type="INVOICE"), "cancel_state", "cancelled"), documents="invoice"
    )


def test_a_proposal_becomes_a_quotation_whatever_orders_have_to_be_and_one_that_was_turned_down_does_not() -> None:
    options: dict[str, Any] = {"documents": "proposal", "becomes": "quotation", "paid": "only", "cancel": ["complete"]}
    proposal = of_kind(Kind.PROPOSAL, type="PROPOSAL", state="order", cancelled=False)
    quotation = booking(without_values(proposal, "cancel_state", "paid", "delivery_state", "complete_state"), **options)
    assert (quotation.kind, quotation.values["reference"], quotation.values["gross"]) == (
        Kind.QUOTATION,
        "MP-2026.1",
        True,
    )
    assert [dict(line.values)["price"] for line in lines_of(quotation)] == [Decimal("12.10")]

    turned_down = of_kind(Kind.PROPOSAL, type="PROPOSAL", state="cancelled", cancelled=True)
    logic = orders(**options)
    identity = booking(turned_down, logic)
    skip = logic.writable_part(logic.flow.stage("proposals"), identity, None)
    assert isinstance(skip, Skip)
    assert skip.reason == "document_cancelled"


def test_what_is_booked_waits_as_well_when_nobody_knows_whether_it_was_cancelled() -> None:
    logic = orders(questions=Questions(linked={"order-1": "50001"}))
    assert parked_issue(an_order(cancel_state="withdrawn"), logic).cause == "word_unknown"


def test_a_word_that_decides_nothing_is_read_over() -> None:
    assert booking(an_order(delivery_state="lost", complete_state="maybe"))


@pytest.mark.parametrize("price_type", ["exchange-rate-buy", "exchange-rate-sell"])
@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (Kind.ORDER, {}),
        (Kind.ORDER, {"becomes": "posting"}),
        (Kind.INVOICE, {"documents": "invoice", "becomes": "posting"}),
        (Kind.RECEIPT, {"documents": "receipt", "becomes": "posting"}),
        (Kind.PROPOSAL, {"documents": "proposal", "becomes": "quotation"}),
    ],
)
def test_a_document_that_exchanges_a_currency_sells_nothing_and_waits(
    price_type: str, kind: Kind, options: dict[str, Any]
) -> None:
    lines = (a_line("1"), a_line("2", turnover_group="10", price_type=price_type))
    types = {} if kind is Kind.ORDER else {"type": str(kind).upper(), "state": "outstanding"}
    issue = parked_issue(of_kind(kind, lines=lines, **types), **options)
    assert (issue.cause, issue.facts["document"]) == ("document_foreign_currency", "2026.1")


def test_whoever_names_types_says_of_all_others_that_they_take_no_part() -> None:
    assert staged_skip(an_order(type="RENTAL-ORDER"), types=["SALES-ORDER"]).facts["field"] == "type"


def test_every_word_of_the_interface_is_known() -> None:
    words = Contract().enums
    for kind in (Kind.ORDER, Kind.INVOICE, Kind.RECEIPT, Kind.PROPOSAL):
        name = f"{kind.capitalize()}Type"
        assert set(TYPES[kind]) == set(map(plain_word, words[name]))
    for name, known_words in (
        ("OrderCancelState", STATES),
        ("OrderDeliveryState", STATES),
        ("OrderCompleteState", COMPLETE_STATES),
        ("VatMethod", VAT_METHODS),
        ("InvoiceState", PAID_STATES),
        ("ReceiptState", PAID_STATES),
        ("ProposalState", PROPOSAL_STATES),
        ("PriceType", PRICE_TYPES),
        ("TurnoverGroupType", TURNOVER_TYPES),
    ):
        assert set(known_words) == {plain_word(word).lower() for word in words[name]}, name
