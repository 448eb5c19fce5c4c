"""Registers payments with the data of their method, and returns the payment state of a document."""

from integration.sandbox.mplus.context import Reference, TillContext
from integration.sandbox.mplus.contract import WireFields


def registered(context: TillContext, reference: Reference, payment: WireFields, **more: object) -> WireFields:
    """Return a payment with an id and the data of its method; `more` holds its date and time."""
    method = reference.methods[payment.text("method")]
    values = {
        "paymentId": payment.text("paymentId") or context.new_id("payment"),
        "description": method["description"],
        "paymentMethodType": method["type"],
        "accountNumber": method["accountNumber"],
        **more,
    }
    return context.contract.merged("Payment", payment, context.build("Payment", values))


def strange(reference: Reference, payments: list[WireFields]) -> str:
    """Return the first unknown payment method, or an empty text."""
    return next((payment.text("method") for payment in payments if payment.text("method") not in reference.methods), "")


def state(paid: int, total: int) -> str:
    """Return the suffix of the state of an invoice or receipt."""
    if paid == total:
        return "PAID"
    return "PARTLY-PAID" if paid else "OUTSTANDING"
