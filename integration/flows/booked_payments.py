"""Payments that the till received from the books. No flow books them a second time.

The flow `payments` stores the method and amount with which it paid each invoice. All other payments originate from the
till. While a payment is in doubt, it counts only if the invoice has a payment that cannot be another one.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import NamedTuple

from integration.core.booking_state import BookingStage
from integration.core.invoice_payments import Paid, is_closing_payment
from integration.core.records import Kind, Record, Value
from integration.core.rules import as_text
from integration.flows.spec import FlowContext

PAYMENTS = "payments"  # the flow that registers payments of the books at the till
METHOD = "method"  # its payment method: a setting, and a stored value of each payment
LEANS_ON = ((PAYMENTS, METHOD),)


class BookedPayment(NamedTuple):
    """A payment of an invoice at the till that came from the books, or may have come from them."""

    method: str
    amount: Decimal
    in_doubt: bool = False  # it was sent, and it is unknown whether the till has it


# Returns the payments that came from the books, by invoice. Invoices without one may be left out.
AskBookedPayments = Callable[[Collection[str]], Mapping[str, BookedPayment]]


def no_payments(invoices: Collection[str]) -> Mapping[str, BookedPayment]:
    del invoices
    return {}


def booked_payments(context: FlowContext, invoices: Collection[str]) -> dict[str, BookedPayment]:
    """Return, by invoice, the payment that came from the books or may have come from them."""
    paid = context.links(PAYMENTS, Kind.SETTLEMENT, invoices)
    payments = {key: _payment_of(link.agreed.values) for key, link in paid.items() if link.agreed}
    for key, booking in context.booking_states(PAYMENTS, (Kind.SETTLEMENT,), invoices).items():
        if booking.stage is BookingStage.DOUBTFUL:
            payments[key] = _payment_of(booking.values, in_doubt=True)
    return {key: payment for key, payment in payments.items() if payment is not None}


def _payment_of(values: Mapping[str, Value], *, in_doubt: bool = False) -> BookedPayment | None:
    amount = values.get("amount")
    return BookedPayment(as_text(values.get(METHOD)), amount, in_doubt) if isinstance(amount, Decimal) else None


def without_booked_payments(documents: Sequence[Record], ask: AskBookedPayments) -> list[Record]:
    """Return the documents without the payments that the till received from the books."""
    paid = {
        document.key
        for document in documents
        if document.kind is Kind.INVOICE and any(map(_is_payment, document.parts))
    }
    booked = ask(sorted(paid)) if paid else {}
    return [
        without_payment(document, booked[document.key])
        if document.kind is Kind.INVOICE and document.key in booked
        else document
        for document in documents
    ]


def without_payment(document: Record, payment: BookedPayment) -> Record:
    """Return a document without a payment from the books, with its paid amount reduced accordingly.

    Of several payments with its method and amount, it is the last one. A payment in doubt is left out only if it is
    the one that closed the invoice.
    """
    payments = [part for part in document.parts if _is_payment(part)]
    amounts = [(as_text(part.values.get(METHOD)), _amount(part.values)) for part in payments]
    own = (payment.method, payment.amount)
    if own not in amounts or (
        payment.in_doubt and not is_closing_payment(own, amounts, _open_amount(document, amounts))
    ):
        return document
    removed = payments[len(amounts) - 1 - amounts[::-1].index(own)]
    values = dict(document.values)
    if isinstance(paid := values.get("paid_amount"), Decimal):
        values["paid_amount"] = paid - payment.amount
    if payment.amount:
        values |= {name: value for name, value in (("paid", False), ("state", "outstanding")) if name in values}
    return replace(document, values=values, parts=tuple(part for part in document.parts if part is not removed))


def _open_amount(document: Record, payments: Sequence[Paid]) -> Decimal:
    """Return the open amount of an invoice. An unknown paid amount is the sum of the payments."""
    paid = document.values.get("paid_amount")
    paid = paid if isinstance(paid, Decimal) else sum((amount for _, amount in payments), Decimal(0))
    return _amount(document.values, "total_incl") - paid


def _amount(values: Mapping[str, Value], name: str = "amount") -> Decimal:
    amount = values.get(name)
    return amount if isinstance(amount, Decimal) else Decimal(0)


def _is_payment(part: Record) -> bool:
    return part.kind is Kind.PAYMENT
