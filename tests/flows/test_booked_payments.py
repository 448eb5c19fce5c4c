"""Only a payment that the books already have is left out of an invoice."""

from collections.abc import Collection
from decimal import Decimal
from typing import Any, cast

import pytest

from integration.core.booking_state import BookingStage, BookingState
from integration.core.links import Link
from integration.core.records import Kind, Record, Value
from integration.flows.booked_payments import (
    BookedPayment,
    booked_payments,
    no_payments,
    without_booked_payments,
    without_payment,
)
from integration.flows.spec import FlowContext


def invoice(*payments: tuple[str, str], kind: Kind = Kind.INVOICE, **values: Any) -> Record:
    parts = tuple(
        Record(Kind.PAYMENT, f"payment:{place}", {"method": method, "amount": Decimal(amount)})
        for place, (method, amount) in enumerate(payments, 1)
    )
    return Record(kind, "8f3c", values, (Record(Kind.LINE, "1", {}), *parts))


def test_what_is_paid_is_less_by_it_and_the_rest_stands() -> None:
    paid = invoice(("PIN", "21"), ("BANK", "100"), paid_amount=Decimal(121), paid=True, state="paid")
    remaining = without_payment(paid, BookedPayment("BANK", Decimal(100)))

    assert [part.key for part in remaining.parts] == ["1", "payment:1"]
    assert remaining.values == {"paid_amount": Decimal(21), "paid": False, "state": "outstanding"}
    assert without_payment(paid, BookedPayment("CASH", Decimal(100))) is paid
    assert without_payment(invoice(("BANK", "0")), BookedPayment("BANK", Decimal(0))).values == {}


@pytest.mark.parametrize(
    ("amount", "remaining_keys"),
    [
        ("60.50", ["payment:1", "payment:3"]),
        ("21", ["payment:1", "payment:2"]),
        ("121", ["payment:1", "payment:2", "payment:3"]),
    ],
)
def test_a_payment_by_the_same_method_at_the_counter_stays(amount: str, remaining_keys: list[str]) -> None:
    paid = invoice(("BANK", "60.50"), ("BANK", "60.50"), ("BANK", "21"))
    remaining = without_payment(paid, BookedPayment("BANK", Decimal(amount)))
    assert [part.key for part in remaining.parts if part.kind is Kind.PAYMENT] == remaining_keys


@pytest.mark.parametrize(
    ("payments", "paid_amount", "remaining_keys"),
    [
        ((("PIN", "60.50"), ("BANK", "60.50")), "121", ["payment:1"]),
        ((("PIN", "60.50"), ("BANK", "60.50")), None, ["payment:1"]),
        ((("BANK", "60.50"), ("PIN", "60.50")), "121", ["payment:1", "payment:2"]),  # another payment came after it
        ((("BANK", "60.50"),), "60.50", ["payment:1"]),  # ours leaves nothing open
        ((("BANK", "121"),), "121", ["payment:1"]),  # another amount
    ],
)
def test_a_payment_in_doubt_is_left_out_only_if_it_closed_the_invoice(
    payments: tuple[tuple[str, str], ...], paid_amount: str | None, remaining_keys: list[str]
) -> None:
    values: dict[str, Any] = {"paid_amount": Decimal(paid_amount)} if paid_amount else {}
    paid = invoice(*payments, total_incl=Decimal(121), **values)
    remaining = without_payment(paid, BookedPayment("BANK", Decimal("60.50"), in_doubt=True))
    assert [part.key for part in remaining.parts if part.kind is Kind.PAYMENT] == remaining_keys


def test_only_invoices_with_payments_are_asked_for_and_changed() -> None:
    requests: list[list[str]] = []

    def ask(keys: Collection[str]) -> dict[str, BookedPayment]:
        requests.append(list(keys))
        return {"8f3c": BookedPayment("BANK", Decimal(1))}

    bare, receipt, paid = invoice(), invoice(("BANK", "1"), kind=Kind.RECEIPT), invoice(("BANK", "1"))
    documents = without_booked_payments([bare, receipt, paid], ask)

    assert requests == [["8f3c"]]
    assert documents[:2] == [bare, receipt]
    assert len(documents[2].parts) == 1
    assert without_booked_payments([bare], ask) == [bare]
    assert len(requests) == 1
    assert without_booked_payments([paid], no_payments) == [paid]


def test_the_method_and_amount_are_those_of_the_payment_that_was_made_or_may_have_been() -> None:
    class StoredPayments:
        def links(self, *_: object) -> dict[str, Link]:
            paid = Record(Kind.SETTLEMENT, "a", {"method": "BANK", "amount": Decimal(1)})
            return {"a": Link(Kind.SETTLEMENT, "a", "a", paid), "d": Link(Kind.SETTLEMENT, "d", "d")}

        def booking_states(self, *_: object) -> dict[str, BookingState]:
            sent_values: dict[str, Value] = {"method": "GIRO", "amount": Decimal(2)}
            doubtful = BookingState("b", BookingStage.DOUBTFUL, values=sent_values)
            return {"b": doubtful, "c": BookingState("c", BookingStage.PLANNED, values=sent_values)}

    payments = booked_payments(cast("FlowContext", StoredPayments()), ["a", "b", "c", "d"])
    assert payments == {"a": BookedPayment("BANK", Decimal(1)), "b": BookedPayment("GIRO", Decimal(2), in_doubt=True)}
