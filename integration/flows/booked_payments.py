"""Payments that the till received from the books. No flow books them a second time.

The flow `payments` stores the method and amount with which it paid each invoice. All other payments originate from the
till.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import NamedTuple

from integration.core.booking_state import BookingStage
from integration.core.records import Kind, Record, Value
from integration.core.rules import as_text
from integration.flows.spec import FlowContext

PAYMENTS = "payments"  # the flow that registers payments of the books at the till
METHOD = "method"  # its payment method: a setting, and a stored value of each payment
LEANS_ON = ((PAYMENTS, METHOD),)


class BookedPayment(NamedTuple):
    """A payment of an invoice at the till that came from the books: its method and amount; None if it is in doubt."""

    method: str
    amount: Decimal | None = None


# Returns the payments that came from the books, by invoice. Invoices without one may be left out.
AskBookedPayments = Callable[[Collection[str]], Mapping[str, BookedPayment]]


def no_payments(invoices: Collection[str]) -> Mapping[str, BookedPayment]:
    del invoices
    return {}


def booked_payments(context: FlowContext, invoices: Collection[str]) -> dict[str, BookedPayment]:
    """Return, by invoice, the payment that came from the books or may have come from them.

    It has the method and amount with which the invoice was paid. While the payment is in doubt, its method is that of
    the setting and its amount is unknown.
    """
    paid = context.links(PAYMENTS, Kind.SETTLEMENT, invoices)
    payments = {key: _payment_of(link.agreed) for key, link in paid.items() if link.agreed}
    for key, booking in context.booking_states(PAYMENTS, (Kind.SETTLEMENT,), invoices).items():
        if booking.stage is BookingStage.DOUBTFUL:
            payments[key] = BookedPayment(str(context.setting(PAYMENTS, METHOD)), _amount(booking.values))
    return payments


def _payment_of(agreed: Record) -> BookedPayment:
    return BookedPayment(as_text(agreed.values.get(METHOD)), _amount(agreed.values))


def _amount(values: Mapping[str, Value]) -> Decimal | None:
    amount = values.get("amount")
    return amount if isinstance(amount, Decimal) else None


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

    The last payment by the method with that amount is left out. Without such a payment, all by that method are.
    """
    payments = [part for part in document.parts if _is_payment(part)]
    by_method = [part for part in payments if as_text(part.values.get("method")) == payment.method]
    removed_parts = [part for part in by_method if part.values.get("amount") == payment.amount][-1:] or by_method
    if not removed_parts:
        return document
    amounts = (part.values.get("amount") for part in removed_parts)
    less = sum((amount for amount in amounts if isinstance(amount, Decimal)), Decimal(0))
    values = dict(document.values)
    if isinstance(paid := values.get("paid_amount"), Decimal):
        values["paid_amount"] = paid - less
    if less:
        values |= {name: value for name, value in (("paid", False), ("state", "outstanding")) if name in values}
    return replace(document, values=values, parts=tuple(part for part in document.parts if part not in removed_parts))


def _is_payment(part: Record) -> bool:
    return part.kind is Kind.PAYMENT
