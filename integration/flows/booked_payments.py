"""Payments that the till received from the books. No flow books them a second time.

The flow `payments` stores the payment method with which it paid each invoice. All other payments originate from the
till.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from integration.core.booking_state import BookingStage
from integration.core.records import Kind, Record
from integration.core.rules import as_text
from integration.flows.spec import FlowContext

PAYMENTS = "payments"  # the flow that registers payments of the books at the till
METHOD = "method"  # its payment method: a setting, and a stored value of each payment
LEANS_ON = ((PAYMENTS, METHOD),)

# Returns the till methods of payments that came from the books, by invoice. Invoices without any may be left out.
AskMethods = Callable[[Collection[str]], Mapping[str, Collection[str]]]


def no_payments(invoices: Collection[str]) -> Mapping[str, Collection[str]]:
    """Return no payments for any invoice."""
    del invoices
    return {}


def booked_payment_methods(asked: FlowContext, invoices: Collection[str]) -> dict[str, set[str]]:
    """Return, by invoice, the till methods of payments that came from the books or may have come from them.

    This is the method with which the invoice was paid. While the payment is in doubt, it is the method of the setting.
    """
    paid = asked.links(PAYMENTS, Kind.SETTLEMENT, invoices)
    found = {key: {as_text(link.agreed.values.get(METHOD))} for key, link in paid.items() if link.agreed}
    for key, one in asked.standings(PAYMENTS, (Kind.SETTLEMENT,), invoices).items():
        if one.where is BookingStage.DOUBTFUL:
            found[key] = {str(asked.setting(PAYMENTS, METHOD))}
    return found


def without_booked_payments(documents: Sequence[Record], ask: AskMethods) -> list[Record]:
    """Return the documents without the payments that the till received from the books."""
    paid = {one.key for one in documents if one.kind is Kind.INVOICE and any(map(_is_payment, one.parts))}
    methods = ask(sorted(paid)) if paid else {}
    return [
        without_payments_by(one, methods.get(one.key, ())) if one.kind is Kind.INVOICE else one for one in documents
    ]


def without_payments_by(document: Record, methods: Collection[str]) -> Record:
    """Return a document without its payments by these methods, with its paid amount reduced accordingly."""
    gone = [part for part in document.parts if _is_payment(part) and as_text(part.values.get("method")) in methods]
    if not gone:
        return document
    amounts = (part.values.get("amount") for part in gone)
    less = sum((amount for amount in amounts if isinstance(amount, Decimal)), Decimal(0))
    values = dict(document.values)
    if isinstance(paid := values.get("paid_amount"), Decimal):
        values["paid_amount"] = paid - less
    if less:
        values |= {name: said for name, said in (("paid", False), ("state", "outstanding")) if name in values}
    return replace(document, values=values, parts=tuple(part for part in document.parts if part not in gone))


def _is_payment(part: Record) -> bool:
    return part.kind is Kind.PAYMENT
