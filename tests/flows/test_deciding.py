"""Documents with two open questions at once: each has its own answer, in either order."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import permutations

import pytest

from integration.core.booking_state import BookingStage, BookingState
from integration.core.issues import Issue, Skip
from integration.core.links import Link
from integration.core.records import CurrentRecord, Kind, Record
from integration.flows.orders.chains import ChainQueries
from integration.flows.orders.logic import OrdersLogic
from tests.flows.orders.test_decisions import Links, link
from tests.flows.orders.tills import a_line, an_order, booking, booking_settings, orders

KEY, ORDER, INVOICE = "receipt-8", "order-1", "invoice-7"
CHANGED, REFUND, BESIDE, SAME = (
    "document_changed_after_booking", "refund_before_order", "sale_beyond_order", "reference_of_another",
)  # fmt: skip
ANSWERS = {CHANGED: "again", REFUND: "book", BESIDE: "beside", SAME: "same"}
PAIRS = [(REFUND, SAME), (BESIDE, SAME), (CHANGED, REFUND), (CHANGED, BESIDE), (CHANGED, SAME)]
Outcome = Issue | Skip | Record


def a_receipt(*, back: bool = False, digest: str = "d2") -> Record:
    """Return a receipt of an order, or a receipt that returns a sale."""
    line = a_line("1", "-12.10", "-10.00", quantity=Decimal(-1), price_incl=Decimal("12.10")) if back else a_line()
    of = {"credit_of": "receipt-1"} if back else {"orders": (ORDER,)}
    order = an_order(KEY, lines=(line,), number="1.2.2026.8", type="RECEIPT", digest=digest, **of)
    return replace(order, kind=Kind.RECEIPT)


@dataclass(frozen=True)
class World:
    """Reasons against booking a document, and another sale with its reference in the books, if any."""

    reasons: Collection[str]
    number: str = "700/9"

    def look(self, record: Record) -> Outcome:
        """Return the result of a document in a preview."""
        booked = link(
            booking(replace(record, values={**record.values, "digest": "d1"}), World([])._logic(knows_sale=True))
        )
        links = [booked] if CHANGED in self.reasons else []
        logic = self._logic(*links, knows_sale=REFUND not in self.reasons)
        stage = logic.flow.stage("receipts")
        (result,) = logic.stage(stage, [record])
        if outcome := result.issue or result.skip:
            return outcome
        desired = logic.shape(stage, [result], {}, {}).desired
        assert desired is not None
        booking_link = next((candidate for candidate in links if candidate.key == desired.key), None)
        other = replace(desired, parts=(Record(Kind.LINE, "1", {"amount": Decimal("484.75")}),))
        current = CurrentRecord(other, self.number) if SAME in self.reasons and booking_link is None else None
        issue = logic.objection(stage, desired, current, booking_link)
        return (
            issue
            or logic.conflicts_between(stage, [desired]).get(desired.key)
            or logic.writable_part(stage, desired, current)
        )

    def _logic(self, *links: Link, knows_sale: bool) -> OrdersLogic:
        sale = [Link(Kind.POSTING, "receipt-1", "700/1")] if knows_sale else []
        states: Mapping[str, BookingState] = (
            {INVOICE: BookingState(INVOICE, BookingStage.BOOKED, "2026.7", "MP-7", Decimal("12.10"), Kind.POSTING)}
            if BESIDE in self.reasons
            else {}
        )
        asks = ChainQueries(
            lambda keys: {key: states[key] for key in keys if key in states},
            lambda keys: {key: [*states] for key in keys if key == ORDER},
            orders=lambda keys: [replace(an_order(ORDER), key=key) for key in keys],
        )
        return orders(questions=Links(*links, *sale), asks=asks, **booking_settings("receipt", "posting"))


def issue_of(outcome: Outcome) -> Issue:
    assert isinstance(outcome, Issue), outcome
    return outcome


def with_answer(record: Record, issue: Issue, option: str = "") -> Record:
    """Return a document with the answer of a person, stored in the field of the question."""
    answer = f"{option or ANSWERS[issue.cause]} {issue.facts['mark']}"
    return replace(record, values={**record.values, issue.field: answer})


@pytest.mark.parametrize("pair", PAIRS)
def test_both_answers_hold_whichever_was_given_first(pair: tuple[str, str]) -> None:
    whole, receipt = World(pair), a_receipt(back=REFUND in pair)
    for order in permutations(pair):
        record = receipt
        for reason in order:  # each arose by itself
            issue = issue_of(World([reason]).look(record))
            assert issue.cause == reason
            record = with_answer(record, issue)
        assert not isinstance(whole.look(record), Issue)
        changed = replace(record, values={**record.values, "digest": "d3"})
        assert issue_of(whole.look(changed)).cause in pair  # it is another one now: every answer has lapsed

    first = issue_of(whole.look(receipt))  # both at once: one after the other
    second = issue_of(whole.look(with_answer(receipt, first)))
    assert {first.cause, second.cause} == set(pair)
    answered_record = with_answer(with_answer(receipt, first), second)
    assert not isinstance(whole.look(answered_record), Issue)
    if SAME in pair:  # what the books have is another one: its answer alone has lapsed
        assert issue_of(replace(whole, number="700/10").look(answered_record)).cause == SAME


@pytest.mark.parametrize("pair", [(CHANGED, BESIDE), (CHANGED, SAME), (CHANGED, REFUND), (BESIDE, SAME)])
def test_a_document_that_is_left_as_it_is_for_one_reason_is_not_asked_about_for_another(pair: tuple[str, str]) -> None:
    receipt = a_receipt(back=REFUND in pair)
    for other in pair:
        record = receipt if other == pair[0] else with_answer(receipt, issue_of(World([other]).look(receipt)))
        keep_record = with_answer(record, issue_of(World([pair[0]]).look(record)), "keep")
        assert isinstance(World(pair).look(keep_record), Skip)


def test_a_booking_again_is_left_as_it_is_booked_where_its_sale_is_said_to_be_the_other_one() -> None:
    whole, record = World((CHANGED, BESIDE)), a_receipt()
    rebooking = with_answer(record, issue_of(whole.look(record)))
    question = issue_of(whole.look(rebooking))
    assert question.cause == BESIDE
    outcome = whole.look(with_answer(rebooking, question, "keep"))
    assert isinstance(outcome, Skip)
    assert outcome.reason == "sale_booked"
