"""Payments that the till has because the books had them first: no flow books them a second time.

The flow that brings them over keeps by which method it paid an invoice; all other payments are the till's own.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from integration.core.booking_state import BookingStage
from integration.core.records import Kind, Record
from integration.core.rules import as_text
from integration.flows.spec import FlowContext

PAYMENTS = "payments"  # the flow that pays at the till what was paid in the books
METHOD = "method"  # by which it does so, as it is set and as it keeps it of each payment
LEANS_ON = ((PAYMENTS, METHOD),)

# By which methods the books' payments of these invoices stand at the till; an invoice without any may be left out.
AskMethods = Callable[[Collection[str]], Mapping[str, Collection[str]]]


def no_payments(invoices: Collection[str]) -> Mapping[str, Collection[str]]:
    """Return that no invoice has such a payment."""
    del invoices
    return {}


def methods_of(asked: FlowContext, invoices: Collection[str]) -> dict[str, set[str]]:
    """Return by which methods each of these invoices has payments that the books had first, or may have.

    It is the one by which it was paid; where nobody knows yet whether it was, the one that is set.
    """
    paid = asked.links(PAYMENTS, Kind.SETTLEMENT, invoices)
    found = {key: {as_text(link.agreed.values.get(METHOD))} for key, link in paid.items() if link.agreed}
    for key, one in asked.standings(PAYMENTS, (Kind.SETTLEMENT,), invoices).items():
        if one.where is BookingStage.DOUBTFUL:
            found[key] = {str(asked.setting(PAYMENTS, METHOD))}
    return found


def without_booked_payments(documents: Sequence[Record], ask: AskMethods) -> list[Record]:
    """Return documents without the payments that the books had first, as if nobody had told the till of them."""
    paid = {one.key for one in documents if one.kind is Kind.INVOICE and any(map(_is_payment, one.parts))}
    methods = ask(sorted(paid)) if paid else {}
    return [without(one, methods.get(one.key, ())) if one.kind is Kind.INVOICE else one for one in documents]


def without(document: Record, methods: Collection[str]) -> Record:
    """Return a document without its payments by these methods; what is paid of it is less by them."""
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
