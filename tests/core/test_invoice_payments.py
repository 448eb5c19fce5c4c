"""Our payment is the last one of an invoice and leaves nothing open."""

from decimal import Decimal

import pytest

from integration.core.invoice_payments import is_closing_payment

OURS, CASH = ("IDEAL", Decimal("60.50")), ("CASH", Decimal("60.50"))


@pytest.mark.parametrize(
    ("payments", "open_amount", "expected"),
    [
        ([CASH, OURS], "0", True),
        ([OURS], "60.50", False),
        ([OURS, CASH], "0", False),
        ([CASH, ("IDEAL", Decimal("121.00"))], "0", False),
        ([], "0", False),
    ],
)
def test_a_payment_of_a_cashier_is_followed_by_another_one_or_leaves_something_open(
    payments: list[tuple[str, Decimal]], open_amount: str, *, expected: bool
) -> None:
    assert is_closing_payment(OURS, payments, Decimal(open_amount)) is expected
