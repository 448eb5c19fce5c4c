"""A booked document is taken back by its opposite."""

from dataclasses import replace
from decimal import Decimal

from integration.core.issues import Skip
from integration.core.plan import Action, Change, diff
from integration.core.totals.booked import compared_in
from integration.core.totals.sold import VatSum
from tests.flows.orders.tills import DEBTORS, PAPERS, a_line, an_order, booking, debtor, orders


def test_a_booked_document_is_undone_by_its_opposite() -> None:
    logic = orders()
    line = a_line("1", "24.20", "20.00", quantity=Decimal(2), price_incl=Decimal("12.10"), price_excl=Decimal(10))
    made = diff(booking(an_order(lines=(line,)), logic), None, None, logic.policy, title="2026.1")
    assert isinstance(made, Change)
    back = logic.withdraw(PAPERS, made)
    assert isinstance(back, Change)
    assert (back.action, back.key, back.title) == (Action.CREATE, "order-1#credit", "2026.1-C")
    assert back.wanted.key == "order-1#credit"
    assert back.wanted.values["reference"] == "MP-2026.1-C"
    assert back.wanted.values["debtor"] == "1001"
    assert back.wanted.parts[0].values["quantity"] == Decimal(-2)
    assert back.wanted.parts[0].values["price"] == Decimal("12.10")


def test_a_posting_is_undone_with_negative_amounts() -> None:
    logic = orders(becomes="posting")
    made = diff(booking(an_order(), logic), None, None, logic.policy, title="2026.1")
    assert isinstance(made, Change)
    back = logic.withdraw(PAPERS, made)
    assert isinstance(back, Change)
    values = back.wanted.parts[0].values
    assert (values["amount"], values["vat"]) == (Decimal("-10.00"), Decimal("-2.10"))
    full = logic.withdraw(PAPERS, replace(made, wanted=booking(an_order(number="2026.1234567"), logic)))
    assert isinstance(full, Skip)


def test_debtors_and_addresses_stay() -> None:
    logic = orders()
    made = diff(debtor(an_order()), None, None, logic.policy, title="Els de Wit")
    assert isinstance(made, Change)
    skip = logic.withdraw(DEBTORS, made)
    assert isinstance(skip, Skip)
    assert (skip.reason, skip.facts) == ("undo_keeps", {"key": "Els de Wit"})


def test_what_an_earlier_version_kept_of_the_sums_is_turned_as_well() -> None:
    logic = orders()
    made = diff(booking(an_order(), logic), None, None, logic.policy, title="2026.1")
    assert isinstance(made, Change)
    kept = replace(made.wanted, values={**made.wanted.values, "sold_vat:2": Decimal("2.10")})
    back = logic.withdraw(PAPERS, replace(made, agreed=kept))
    assert isinstance(back, Change)
    (one,) = compared_in(back.agreed)
    assert one.sold == VatSum(Decimal(0), Decimal("-2.10"))
    back = logic.withdraw(PAPERS, replace(made, agreed=booking(an_order(), logic)))
    assert isinstance(back, Change)
    (one,) = compared_in(back.agreed)
    assert one.sold == one.booked == VatSum(Decimal("-10.00"), Decimal("-2.10"))
