"""Payments as the till registers them: with what it knows of their method, and what a document with them stands at."""

from integration.sandbox.mplus.contract import WireFields
from integration.sandbox.mplus.desk import Desk, Reference


def registered(desk: Desk, reference: Reference, payment: WireFields, **more: object) -> WireFields:
    """The payment with an id and what the till knows of its method; `more` says when it was made."""
    method = reference.methods[payment.text("method")]
    values = {
        "paymentId": payment.text("paymentId") or desk.new_id("payment"),
        "description": method["description"],
        "paymentMethodType": method["type"],
        "accountNumber": method["accountNumber"],
        **more,
    }
    return desk.contract.merged("Payment", payment, desk.build("Payment", values))


def strange(reference: Reference, payments: list[WireFields]) -> str:
    """The first method of these payments that the installation does not have; empty when it has all."""
    return next((one.text("method") for one in payments if one.text("method") not in reference.methods), "")


def state(paid: int, total: int) -> str:
    """How an invoice or a receipt stands: the end of its state."""
    if paid == total:
        return "PAID"
    return "PARTLY-PAID" if paid else "OUTSTANDING"
