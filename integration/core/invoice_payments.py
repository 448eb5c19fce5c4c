"""Recognizes the payment that this product made on a till invoice.

It always pays the open amount of an invoice, so it is the last payment, and nothing is open after it. A payment of a
cashier may have the same method, or the same amount, but is followed by another one or leaves something open.
"""

from collections.abc import Sequence
from decimal import Decimal

Paid = tuple[str, Decimal]  # method and amount of a payment


def is_closing_payment(payment: Paid, payments: Sequence[Paid], open_amount: Decimal) -> bool:
    """Return True if the last of the payments is this one and it left nothing open."""
    return not open_amount and list(payments[-1:]) == [payment]
