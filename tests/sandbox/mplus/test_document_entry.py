"""Entries at a counter: priced, summed and numbered as the till does, and paid to the cent."""

import pytest

from integration.sandbox.server import Sandbox

TRADES = True

DAY = "2026-11-20"
BELL = {"articleNumber": 0, "text": "Bel", "data": {"quantity": 2, "price": 1815, "turnoverGroup": 40, "vatCode": 2}}


def enter_document(sandbox: Sandbox, table: str, **values: object) -> dict[str, object]:
    sandbox.till.add(table, {"financialDate": DAY, "lineList": {"line": [BELL]}, **values})
    return sandbox.state(table, "mplus")[-1]


def payment_list(method: str, amount: int) -> dict[str, object]:
    return {"payment": [{"method": method, "amount": amount}]}


def test_a_receipt_is_added_up_and_numbered(sandbox: Sandbox) -> None:
    receipt = enter_document(sandbox, "receipts", paymentList=payment_list("PIN", 3630), workplaceNumber=2)
    assert (receipt["totalInclAmount"], receipt["totalExclAmount"], receipt["paidAmount"]) == (3630, 3000, 3630)
    assert receipt["state"] == "RECEIPT-STATE-PAID"
    number = receipt["receiptNumber"]
    assert isinstance(number, dict)
    assert (number["workplaceNumber"], number["number"] > 1) == (2, True)
    (payment,) = receipt["paymentList"]["payment"]  # type: ignore[index]
    assert (payment["accountNumber"], payment["financialDate"]["day"]) == (1010, 20)


def test_a_receipt_that_is_not_paid_to_the_cent_is_not_taken(sandbox: Sandbox) -> None:
    with pytest.raises(ValueError, match="3629 of 3630"):
        enter_document(sandbox, "receipts", paymentList=payment_list("PIN", 3629))


@pytest.mark.parametrize(("amount", "state"), [(0, "OUTSTANDING"), (1000, "PARTLY-PAID"), (3630, "PAID")])
def test_an_invoice_may_be_paid_later(sandbox: Sandbox, amount: int, state: str) -> None:
    invoice = enter_document(sandbox, "invoices", **({"paymentList": payment_list("PIN", amount)} if amount else {}))
    assert (invoice["paidAmount"], invoice["state"]) == (amount, f"INVOICE-STATE-{state}")


def test_an_order_may_be_paid_beforehand_in_part(sandbox: Sandbox) -> None:
    document = enter_document(sandbox, "orders", paymentList=payment_list("PIN", 1000))
    assert (document["prepaidAmount"], document["fullyPaid"]) == (1000, False)


def test_what_is_rung_up_in_training_is_no_receipt(sandbox: Sandbox) -> None:
    before = sandbox.state("receipts", "mplus")
    sandbox.till.add("training", {"lineList": {"line": [BELL]}, "paymentList": payment_list("PIN", 3630)})
    assert sandbox.state("receipts", "mplus") == before


def test_nothing_else_can_be_typed_in(sandbox: Sandbox) -> None:
    with pytest.raises(LookupError, match="weather"):
        sandbox.till.add("weather", {})
