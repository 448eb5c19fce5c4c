"""Refunds wait until the sale they reverse is in the books, or until a person decides to book them anyway."""

from collections.abc import Collection

from integration.core.records import Record
from integration.core.rules import as_text
from integration.flows.deciding import DecisionSubject, decision_mark, stored_decision
from integration.flows.orders.chains import ids
from integration.flows.settings import RecordRejected

WAIT, BOOK = "wait", "book"
OPTIONS = (WAIT, BOOK)


def sales_of(document: Record) -> tuple[str, ...]:
    """Return the documents that may hold the sale of a refund: the credited document, and the orders it came from."""
    original = as_text(document.values.get("credit_of"))
    return (original, *ids(document, "orders")) if original else ()


def require_sale(document: Record, title: str, booked_sales: Collection[str], name: str) -> None:
    """Raise RecordRejected for a refund whose sale is not booked, unless a person decided to book it anyway.

    `booked_sales` are the documents that are booked or about to be booked. `name` is the title of the credited one.
    """
    sales = sales_of(document)
    if not sales or not set(sales).isdisjoint(booked_sales):
        return
    mark = decision_mark(document, sales[0])
    if stored_decision(document, DecisionSubject.REFUND, mark, OPTIONS).option != BOOK:
        facts = {"document": title, "original": name or sales[0], "mark": mark, "source": str(document.kind)}
        raise RecordRejected("refund_before_order", DecisionSubject.REFUND, **facts)
