"""A sale that runs through several documents: which of them is booked, as a table."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from integration.core.booking_state import BookingStage, BookingState
from integration.core.issues import Skip
from integration.core.links import Link
from integration.core.records import Kind, Record, Value
from integration.core.staged_records import StagedRecord
from integration.flows.orders.chains import (
    Chain,
    ChainQueries,
    Chains,
    active_bookings,
    day_share,
    in_day,
    is_sale,
    not_booked_because,
    related,
)
from tests.flows.orders.tills import PAPERS, a_line, a_refund, an_order, booking_settings, orders

EVERY = (Kind.ORDER, Kind.INVOICE, Kind.RECEIPT)
WHOLE, HALF = Decimal("12.10"), Decimal("6.05")
NOTHING_SAID = ""
RECEIPT, INVOICE = "1.2.2026.7", "2026.7"  # as the till numbers them: only a receipt says where it was made
NOWHERE: Mapping[str, BookingState] = {}


def a_document(kind: Kind, key: str, **values: Value) -> Record:
    """Return a document of the till with a total of 12.10."""
    types = {Kind.ORDER: "SALES-ORDER", Kind.INVOICE: "INVOICE", Kind.RECEIPT: "RECEIPT"}
    order = an_order(key)
    return replace(order, kind=kind, values={**order.values, "type": types[kind], **values})


def booking_state(key: str, where: BookingStage, sold: Decimal | None = WHOLE) -> BookingState:
    return BookingState(key, where, key.upper(), f"MP-{key}", sold, Kind.POSTING)


def verdict_code(
    document: Record, chain: Chain, taking_part: Collection[str] = ("other-1",), *, sending: bool = False
) -> str:
    """Return the code of the cause or reason that keeps a document from being booked, or no code."""
    verdict = not_booked_because(document, chain, taking_part, sending=sending)
    return NOTHING_SAID if verdict is None else verdict.reason if isinstance(verdict, Skip) else verdict.cause


B, D, P, W, X = (
    BookingStage.BOOKED,
    BookingStage.DOUBTFUL,
    BookingStage.PLANNED,
    BookingStage.WAITING,
    BookingStage.PARKED,
)
BEFORE, AFTER = "before", "after"
SITUATIONS = [  # the other document, where it stands, whether it takes part, and what is said at reading and at sending
    (BEFORE, B, True, "sale_booked", "sale_booked"),
    (BEFORE, B, False, "sale_booked", "sale_booked"),
    (BEFORE, D, True, "sale_waits", "sale_waits"),
    (BEFORE, D, False, "sale_waits", "sale_waits"),
    (BEFORE, P, True, "sale_planned", NOTHING_SAID),
    (BEFORE, W, True, "sale_waits", NOTHING_SAID),
    (BEFORE, W, False, "sale_waits", NOTHING_SAID),
    (BEFORE, X, True, "sale_waits", NOTHING_SAID),
    (BEFORE, X, False, NOTHING_SAID, NOTHING_SAID),
    (BEFORE, None, True, NOTHING_SAID, NOTHING_SAID),
    (AFTER, B, True, "sale_booked", "sale_booked"),
    (AFTER, D, True, "sale_waits", "sale_waits"),
    (AFTER, P, True, NOTHING_SAID, NOTHING_SAID),
    (AFTER, W, True, NOTHING_SAID, NOTHING_SAID),
    (AFTER, X, True, NOTHING_SAID, NOTHING_SAID),
    (AFTER, None, True, NOTHING_SAID, NOTHING_SAID),
]


@pytest.mark.parametrize(("place", "where", "takes_part", "at_reading", "at_sending"), SITUATIONS)
@pytest.mark.parametrize("kind", EVERY)
def test_what_becomes_of_a_document_whose_sale_stands_elsewhere(
    kind: Kind, place: str, where: BookingStage | None, takes_part: bool, at_reading: str, at_sending: str
) -> None:
    others = (booking_state("other-1", where),) if where else ()
    chain = Chain(before=others) if place == BEFORE else Chain(after=others)
    taking_part = ("other-1",) if takes_part else ()
    document = a_document(kind, "one-1")
    assert verdict_code(document, chain, taking_part) == at_reading
    assert verdict_code(document, chain, taking_part, sending=True) == at_sending


@pytest.mark.parametrize(
    ("sold", "expected"),
    [
        ((WHOLE,), "sale_booked"),
        ((HALF, HALF), "sale_booked"),
        ((HALF,), "sale_partly_booked"),
        ((None,), "sale_booked"),
        ((HALF, None), "sale_booked"),
        ((Decimal("12.09"),), "sale_partly_booked"),
        ((Decimal("20.00"),), "sale_booked"),
        ((WHOLE, -WHOLE), "sale_booked"),  # and taken back, which is no sale
        ((-WHOLE,), NOTHING_SAID),
    ],
)
def test_an_order_is_skipped_when_what_is_booked_of_it_covers_it_and_is_a_question_else(
    sold: Sequence[Decimal | None], expected: str
) -> None:
    after = tuple(booking_state(f"invoice-{place}", BookingStage.BOOKED, amount) for place, amount in enumerate(sold))
    assert verdict_code(an_order(), Chain(after=after)) == expected


def test_a_sale_of_which_a_part_is_booked_says_both_amounts() -> None:
    verdict = not_booked_because(an_order(), Chain(after=(booking_state("invoice-1", BookingStage.BOOKED, HALF),)), ())
    assert verdict is not None
    assert {name: verdict.facts[name] for name in ("document", "other", "booked", "amount")} == {
        "document": "2026.1", "other": "INVOICE-1", "booked": "6.05", "amount": "12.10",
    }  # fmt: skip


def test_what_is_off_by_no_more_than_the_limit_is_covered() -> None:
    chain = Chain(after=(booking_state("invoice-1", BookingStage.BOOKED, Decimal("12.09")),))
    verdict = not_booked_because(an_order(), chain, (), Decimal("0.01"))
    assert isinstance(verdict, Skip)


def test_a_part_invoice_of_an_order_that_is_booked_whole_is_covered() -> None:
    part = a_document(Kind.INVOICE, "invoice-1", total_incl=HALF)
    assert verdict_code(part, Chain(before=(booking_state("order-1", BookingStage.BOOKED),))) == "sale_booked"


def test_an_invoice_of_two_orders_waits_for_the_one_that_is_parked_and_asks_about_one_that_takes_no_part() -> None:
    invoice = a_document(Kind.INVOICE, "invoice-1", total_incl=2 * WHOLE)
    order = booking_state("order-1", BookingStage.BOOKED)
    assert verdict_code(invoice, Chain(before=(order, booking_state("other-1", BookingStage.PARKED)))) == "sale_waits"
    assert verdict_code(invoice, Chain(before=(order, booking_state("order-2", BookingStage.PLANNED)))) == "sale_booked"
    assert verdict_code(invoice, Chain(before=(order,))) == "sale_partly_booked"


def test_a_refund_is_never_the_same_sale_as_what_it_takes_back() -> None:
    assert verdict_code(a_refund(), Chain(before=(booking_state("order-1", BookingStage.BOOKED),))) == NOTHING_SAID
    assert (
        verdict_code(a_refund(), Chain(before=(booking_state("order-1", BookingStage.BOOKED, -WHOLE),)))
        == "sale_booked"
    )


# ---- what is told of a document


def test_a_receipt_that_only_pays_is_no_sale_of_its_order() -> None:
    pays = a_document(Kind.RECEIPT, "receipt-1", orders=("order-1",))
    line = a_line(price_type="payment")
    paying = replace(pays, parts=(line,))
    assert not is_sale(paying, {})
    assert "orders" not in related(paying, {})
    suspense = replace(pays, parts=(a_line(turnover_group="92"),))
    assert not is_sale(suspense, {"92": "suspense"})
    assert is_sale(replace(pays, parts=(line, a_line("2"))), {})


def test_what_is_kept_of_a_booked_document_names_its_orders_and_its_day() -> None:
    receipt = a_document(Kind.RECEIPT, "receipt-1", orders=("order-1", ""), invoices=("invoice-1",))
    assert related(receipt, {}) == {"orders": ("order-1", "invoice-1"), "sold_on": "2026-11-20/1"}
    assert related(an_order(invoices=("invoice-1", "invoice-1")), {}) == {"invoices": ("invoice-1",)}


# ---- taken back


@pytest.mark.parametrize(
    ("booked", "reference"),
    [
        (("one",), "MP-one"),
        (("one", "one#credit"), None),
        (("one", "one#credit", "one#2"), "MP-one#2"),
        (("one", "one#credit", "one#2", "one#2#credit"), None),
        ((), None),
    ],
)
def test_a_document_stands_by_its_newest_booking_and_nowhere_once_it_is_reversed(
    booked: Sequence[str], reference: str | None
) -> None:
    states = {key: booking_state(key, BookingStage.BOOKED) for key in booked}
    bookings = active_bookings(lambda keys: {key: states[key] for key in keys if key in states}, ["one"])
    assert {key: booking.reference for key, booking in bookings.items()} == ({"one": reference} if reference else {})


# ---- days


def a_page(**values: Value) -> Record:
    line = Record(Kind.LINE, "1", {"account": "8000", "amount": Decimal(-10), "documents": ("2026.1",)})
    fields: dict[str, Value] = {"reference": "MZ6112000100", "number": "2026-11-20 Utrecht"}
    return Record(Kind.DAY_PAGE, "2026-11-20/1", fields | values, (line,))


RUNG_UP = a_document(Kind.RECEIPT, "receipt-1", number="1.2.2026.8", orders=("order-1",))


def of_a_day(*pages: Record | None) -> ChainQueries:
    """Return the queries after the day with a receipt of an order was booked as these pages; None is in doubt."""
    links = [Link(Kind.DAY_PAGE, "2026-11-20/1", "", page) for page in pages]
    links_by_key = dict.fromkeys(("2026-11-20/1", "receipt-1", "order-1", "invoice-9"), links)
    return ChainQueries(
        days=lambda keys: {key: links_by_key[key] for key in keys if key in links_by_key},
        orders=lambda _: [replace(an_order(), values={"total_incl": WHOLE})],
    )


def reverse_page(page: Record) -> Record:
    """Return the page that takes another one back."""
    (line,) = page.parts
    return replace(page, parts=(replace(line, values={**line.values, "amount": Decimal(10)}),))


IN_A_DAY = a_page(sold=("receipt-1",), orders=("invoice-9", "order-1"), shares=(day_share(RUNG_UP),))
PART_IN_A_DAY = replace(
    IN_A_DAY,
    values={**IN_A_DAY.values, "shares": (day_share(replace(RUNG_UP, values={**RUNG_UP.values, "total_incl": HALF})),)},
)


@pytest.mark.parametrize(
    ("pages", "invoice", "expected"),
    [
        ((IN_A_DAY,), {"key": "invoice-9"}, "sale_in_day"),  # which the receipt was made of
        ((IN_A_DAY,), {}, "sale_beyond_order"),
        ((IN_A_DAY,), {"date": date(2026, 11, 23)}, "sale_beyond_order"),
        ((IN_A_DAY,), {"number": "1.2.2026.9"}, NOTHING_SAID),  # another receipt of it
        ((IN_A_DAY,), {"orders": ()}, NOTHING_SAID),
        ((IN_A_DAY,), {"total_incl": -WHOLE}, NOTHING_SAID),
        ((PART_IN_A_DAY,), {"total_incl": HALF}, NOTHING_SAID),
        ((PART_IN_A_DAY,), {}, "sale_beyond_order"),
        ((IN_A_DAY, reverse_page(IN_A_DAY)), {}, NOTHING_SAID),
        ((IN_A_DAY, reverse_page(IN_A_DAY), IN_A_DAY), {}, "sale_beyond_order"),
        ((None,), {"date": date(2026, 11, 23)}, "sale_waits"),
    ],
)
def test_an_invoice_of_an_order_of_which_a_receipt_is_in_a_day(
    pages: Sequence[Record | None], invoice: Mapping[str, Any], expected: str
) -> None:
    fields: dict[str, Any] = {"key": "invoice-1", "number": INVOICE, "orders": ("order-1",), **invoice}
    document = a_document(Kind.INVOICE, **fields)
    verdict = Chains(of_a_day(*pages), EVERY, {}, Decimal(0)).verdicts_of([document]).get(document.key)
    assert (verdict.reason if isinstance(verdict, Skip) else verdict.cause if verdict else NOTHING_SAID) == expected


INVOICED = a_document(Kind.INVOICE, "invoice-9", number=INVOICE)


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (a_document(Kind.RECEIPT, "receipt-1", invoices=("invoice-9",)), "sale_booked"),
        (a_document(Kind.RECEIPT, "receipt-1", invoices=("invoice-9",), total_incl=-WHOLE), NOTHING_SAID),
        (a_document(Kind.RECEIPT, "receipt-1", invoices=("invoice-8",)), NOTHING_SAID),
    ],
)
def test_a_receipt_of_an_invoice_that_is_in_a_day_is_the_same_sale(document: Record, expected: str) -> None:
    page = a_page(sold=("invoice-9",), orders=("invoice-9",), shares=(day_share(INVOICED),))
    asks = ChainQueries(
        days=lambda keys: {key: [Link(Kind.DAY_PAGE, "", "", page)] for key in keys if key == "invoice-9"}
    )
    verdict = Chains(asks, EVERY, {}, Decimal(0)).verdicts_of([document]).get(document.key)
    assert (verdict.reason if isinstance(verdict, Skip) else verdict) == (expected or None)


@pytest.mark.parametrize(
    ("page", "others", "expected"),
    [
        (IN_A_DAY, {}, "sale_in_day"),
        (PART_IN_A_DAY, {}, "sale_partly_booked"),
        (PART_IN_A_DAY, {"invoice-1": booking_state("invoice-1", BookingStage.BOOKED, HALF)}, "sale_in_day"),
    ],
)
def test_an_order_of_which_a_part_alone_is_in_a_day_is_asked_about(
    page: Record, others: Mapping[str, BookingState], expected: str
) -> None:
    asks = replace(
        of_a_day(page),
        booking_states=lambda keys: {key: others[key] for key in keys if key in others},
        derived_documents=lambda _: {"order-1": [*others]},
    )
    verdict = Chains(asks, EVERY, {}, Decimal(0)).verdicts_of([an_order("order-1")])["order-1"]
    assert (verdict.reason if isinstance(verdict, Skip) else verdict.cause) == expected


def test_a_document_in_a_booked_day_is_in_it_by_key_or_as_the_order_of_one() -> None:
    receipt = a_document(Kind.RECEIPT, "receipt-1")
    for page in (a_page(sold=("receipt-1",)), a_page(sold=(), orders=("receipt-1",))):
        verdict = in_day(receipt, [page])
        assert verdict is not None
        assert (verdict.reason, verdict.facts["reference"]) == ("sale_in_day", "MZ6112000100")
    assert in_day(receipt, [a_page(sold=("receipt-2",))]) is None
    assert in_day(receipt, []) is None


def test_a_day_that_was_reversed_as_a_whole_has_nothing_in_it() -> None:
    page = a_page(sold=("receipt-1",))
    (line,) = page.parts
    back = replace(page, parts=(replace(line, values={**line.values, "amount": Decimal(10)}),))
    assert in_day(a_document(Kind.RECEIPT, "receipt-1"), [page, back]) is None


# ---- the logic, asked about every pair


def a_logic_that_knows(
    states: Mapping[str, BookingState], successors: Mapping[str, Collection[str]] | None = None
) -> Chains:
    def find_states(keys: Collection[str]) -> dict[str, BookingState]:
        return {key: states[key] for key in keys if key in states}

    return Chains(
        ChainQueries(
            find_states, lambda keys: {key: (successors or {})[key] for key in keys if key in (successors or {})}
        ),
        EVERY,
        {},
        Decimal(0),
    )


PAIRS = [(Kind.ORDER, Kind.INVOICE), (Kind.ORDER, Kind.RECEIPT), (Kind.INVOICE, Kind.RECEIPT)]


@pytest.mark.parametrize(("first", "later"), PAIRS)
@pytest.mark.parametrize("booked", [0, 1])
def test_of_every_pair_the_one_that_is_not_booked_is_skipped_with_the_link(
    first: Kind, later: Kind, booked: int
) -> None:
    name = "orders" if first is Kind.ORDER else "invoices"
    fields = {"invoices": ("later-1",)} if later is Kind.INVOICE else {}
    pair = [a_document(first, "first-1", **fields), a_document(later, "later-1", **{name: ("first-1",)})]
    booked_document, other = pair[booked], pair[1 - booked]
    chains = a_logic_that_knows(
        {booked_document.key: booking_state(booked_document.key, BookingStage.BOOKED)},
        {"first-1": ("later-1",)} if booked else None,
    )
    verdicts = chains.verdicts_of([other])
    facts = {"key": "2026.1", "document": "2026.1", "other": booked_document.key.upper(), "system": "accountview"}
    assert verdicts[other.key] == Skip("sale_booked", other.key, facts | {"reference": f"MP-{booked_document.key}"})
    assert (
        chains.verdicts_of([replace(other, key="sibling-1", values={**other.values, "orders": (), "invoices": ()})])
        == {}
    )


def test_an_invoice_that_its_order_names_as_well_counts_once() -> None:
    half = {"invoice-1": booking_state("invoice-1", BookingStage.BOOKED, HALF)}
    order = an_order("order-1", invoices=("invoice-1",))
    verdict = a_logic_that_knows(half, {"order-1": ("invoice-1",)}).verdicts_of([order])["order-1"]
    assert not isinstance(verdict, Skip)
    assert verdict.cause == "sale_partly_booked"


def test_siblings_are_two_sales() -> None:
    booked = {"invoice-1": booking_state("invoice-1", BookingStage.BOOKED, HALF)}
    sibling = a_document(Kind.INVOICE, "invoice-2", orders=("order-1",), total_incl=HALF)
    assert a_logic_that_knows(booked, {"order-1": ("invoice-1",)}).verdicts_of([sibling]) == {}


@pytest.mark.parametrize(
    ("number", "booked", "order", "expected"),
    [
        (INVOICE, (WHOLE,), WHOLE, "sale_beyond_order"),
        (INVOICE, (HALF,), WHOLE, "sale_beyond_order"),
        (INVOICE, (HALF,), WHOLE + HALF, NOTHING_SAID),
        (INVOICE, (WHOLE, -WHOLE), WHOLE, NOTHING_SAID),
        (INVOICE, (None,), WHOLE, "sale_beyond_order"),
        (INVOICE, (HALF,), None, "sale_beyond_order"),  # the till has the order no more
        (RECEIPT, (WHOLE,), WHOLE, NOTHING_SAID),
    ],
)
def test_an_invoice_and_a_receipt_of_one_order_are_two_sales_as_far_as_the_order_goes(
    number: str, booked: Sequence[Decimal | None], order: Decimal | None, expected: str
) -> None:
    states = {
        f"other-{place}": replace(booking_state(f"other-{place}", BookingStage.BOOKED, amount), title=number)
        for place, amount in enumerate(booked)
    }
    order_records = [] if order is None else [replace(an_order(), values={"total_incl": order})]
    asks = ChainQueries(
        lambda keys: {key: states[key] for key in keys if key in states},
        lambda keys: {key: [*states, "receipt-1"] for key in keys if key == "order-1"},
        orders=lambda keys: [record for record in order_records if record.key in keys],
    )
    receipt = a_document(Kind.RECEIPT, "receipt-1", number="1.2.2026.8", orders=("order-1",))
    verdict = Chains(asks, EVERY, {}, Decimal(0)).verdicts_of([receipt]).get("receipt-1")
    assert (NOTHING_SAID if verdict is None or isinstance(verdict, Skip) else verdict.cause) == expected


def test_a_person_says_once_whether_what_comes_to_more_than_its_order_is_a_sale_of_its_own() -> None:
    states = {"invoice-7": replace(booking_state("invoice-7", BookingStage.BOOKED), title=INVOICE)}
    asks = ChainQueries(
        lambda keys: {key: states[key] for key in keys if key in states},
        lambda _: {"order-1": [*states]},
        orders=lambda _: [replace(an_order(), values={"total_incl": WHOLE})],
    )
    logic = orders(asks=asks, **booking_settings("receipt", "posting"))
    stage = logic.flow.stage("receipts")

    def read(decision: str = "", digest: str = "d1") -> StagedRecord:
        fields: dict[str, Value] = {"decision_beside": decision, "digest": digest, "number": "1.2.2026.8"}
        (result,) = logic.stage(stage, [a_document(Kind.RECEIPT, "receipt-1", orders=("order-1",), **fields)])
        return result

    issue = read().issue
    assert issue is not None
    assert (issue.cause, issue.field, issue.facts["mark"]) == ("sale_beyond_order", "decision_beside", "d1.invoice-7")
    keep, beside = f"keep {issue.facts['mark']} the same", f"beside {issue.facts['mark']}"
    skip, booking = read(keep).skip, read(beside).record
    assert (skip and skip.reason, skip and skip.facts["other"]) == ("sale_booked", INVOICE)
    assert booking is not None
    assert logic.conflicts_between(stage, [booking]) == logic.conflicts_between(stage, [booking], sending=True) == {}
    for decision in (keep, beside):
        assert read(decision, "d2").issue  # it changed at the till
    states["invoice-9"] = replace(booking_state("invoice-9", BookingStage.BOOKED), title="2026.9")
    assert read(beside).issue
    waits = logic.conflicts_between(stage, [booking], sending=True)["receipt-1"]
    assert not isinstance(waits, Skip)
    assert waits.cause == "sale_waits"  # until the next plan asks anew


def test_a_receipt_waits_while_nobody_knows_whether_the_invoice_of_its_order_is_booked() -> None:
    states = {"invoice-7": replace(booking_state("invoice-7", BookingStage.DOUBTFUL), title=INVOICE)}
    asks = ChainQueries(
        lambda keys: {key: states[key] for key in keys if key in states}, lambda _: {"order-1": ["invoice-7"]}
    )
    receipt = a_document(Kind.RECEIPT, "receipt-1", number="1.2.2026.8", orders=("order-1",))
    verdict = Chains(asks, EVERY, {}, Decimal(0)).verdicts_of([receipt])["receipt-1"]
    assert not isinstance(verdict, Skip)
    assert verdict.cause == "sale_waits"


def test_a_proposal_and_what_takes_a_booking_back_are_no_sales() -> None:
    chains = a_logic_that_knows({"order-1": booking_state("order-1", BookingStage.BOOKED)})
    proposal = replace(an_order("proposal-1", orders=("order-1",)), kind=Kind.PROPOSAL)
    back = Record(Kind.POSTING, "invoice-1#credit", {"orders": ("order-1",), "sold_incl": WHOLE})
    assert chains.verdicts_of([proposal, back]) == {}


def test_a_document_that_is_booked_as_something_else_meanwhile_is_not_sent() -> None:
    chains = a_logic_that_knows({"one-1": booking_state("one-1", BookingStage.BOOKED)})
    as_order = Record(Kind.SALES_ORDER, "one-1", {"sold_incl": WHOLE, "number": "2026.1"})
    assert chains.verdicts_of([as_order]) == {}
    assert isinstance(chains.verdicts_of([as_order], sending=True)["one-1"], Skip)
    assert chains.verdicts_of([replace(as_order, kind=Kind.POSTING)], sending=True) == {}


def test_a_day_of_which_nobody_knows_whether_it_is_booked_is_waited_for() -> None:
    receipt = a_document(Kind.RECEIPT, "receipt-1", date=date(2026, 11, 20))
    link = Link(Kind.DAY_PAGE, "2026-11-20/1", "")
    chains = Chains(
        ChainQueries(days=lambda keys: {key: [link] for key in keys if key == link.key}), EVERY, {}, Decimal(0)
    )
    verdict = chains.verdicts_of([receipt])["receipt-1"]
    assert not isinstance(verdict, Skip)
    assert (verdict.cause, verdict.facts["other"]) == ("sale_waits", "2026-11-20/1")


def test_a_document_whose_order_is_in_the_plan_makes_no_debtor_and_waits_where_the_plan_has_it_not() -> None:
    order = {"order-1": booking_state("order-1", BookingStage.PLANNED)}
    logic = orders(
        asks=ChainQueries(lambda keys: {key: order[key] for key in keys if key in order}), **booking_settings("invoice")
    )
    invoice = a_document(Kind.INVOICE, "invoice-1", orders=("order-1",))
    stage = logic.flow.stage("invoices")
    assert logic.stage(logic.flow.stage("debtors"), [invoice]) == []
    (result,) = logic.stage(stage, [invoice])
    assert result.record is not None
    assert not [part for part in result.record.parts if part.kind is Kind.LINE]
    verdict = logic.conflicts_between(stage, [result.record])["invoice-1"]
    assert isinstance(verdict, Skip)
    order.clear()
    waits = logic.conflicts_between(stage, [result.record])["invoice-1"]
    assert not isinstance(waits, Skip)
    assert (waits.cause, waits.facts["other"]) == ("sale_waits", "ORDER-1")
    assert logic.conflicts_between(PAPERS, []) == {}
