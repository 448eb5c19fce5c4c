"""Origins of documents at the till sandbox: proposals ordered, orders invoiced, invoices paid and credited."""

from typing import Any

import pytest

from integration.sandbox.server import Sandbox
from tests.sandbox.soap_client import RawClient, Reply, prefix_tags, tags

BELL = {"articleNumber": 0, "text": "Bel", "data": {"quantity": 2, "price": 1815, "turnoverGroup": 40, "vatCode": 2}}
LIGHT = {"articleNumber": 0, "text": "Licht", "data": {"quantity": 1, "price": 2420, "turnoverGroup": 40, "vatCode": 2}}
BOTH = {"line": [BELL, LIGHT]}


def enter_document(sandbox: Sandbox, table: str, **values: Any) -> dict[str, Any]:
    sandbox.till.add(table, values)
    return sandbox.state(table, "mplus")[-1]


def current_document(sandbox: Sandbox, table: str, document: dict[str, Any]) -> dict[str, Any]:
    """A document as the till keeps it now."""
    name = f"{table[:-1]}Id"
    return next(row for row in sandbox.state(table, "mplus") if row[name] == document[name])


def payment_list(**methods: int) -> dict[str, Any]:
    return {"payment": [{"method": method, "amount": amount} for method, amount in methods.items()]}


def enter_prepaid_order(sandbox: Sandbox, amount: int, workplace: int = 1) -> dict[str, Any]:
    """Enter an order of 60.50 with a payment of this amount at a workplace."""
    payment = {"method": "PIN", "amount": amount, "workplaceNumber": workplace}
    return enter_document(sandbox, "orders", relationNumber=1003, lineList=BOTH, paymentList={"payment": [payment]})


def pay(till: RawClient, invoice: dict[str, Any], *payments: tuple[str, int]) -> Reply:
    elements = "".join(tags(payment=tags(method=method, amount=amount)) for method, amount in payments)
    return till.ask("payInvoice", f"{tags(invoiceId=invoice['invoiceId'])}<paymentList>{elements}</paymentList>")


def methods(document: dict[str, Any]) -> list[tuple[str, int]]:
    return [(payment["method"], payment["amount"]) for payment in document["paymentList"].get("payment", [])]


class TestProposals:
    def test_an_order_takes_over_what_was_proposed(self, sandbox: Sandbox) -> None:
        proposal = enter_document(sandbox, "proposals", relationNumber=1003, reference="Aanvraag", lineList=BOTH)
        order = enter_document(sandbox, "orders", proposalId=proposal["proposalId"])
        after = current_document(sandbox, "proposals", proposal)
        assert (order["relationNumber"], order["totalInclAmount"], order["reference"]) == (1003, 6050, "Aanvraag")
        assert order["proposalNumber"] == proposal["proposalNumber"]
        assert (after["state"], after["orderId"]) == ("PROPOSAL-STATE-ORDER", order["orderId"])
        assert after["orderNumber"] == order["orderNumber"]
        assert after["syncMarker"] > proposal["syncMarker"]

    def test_one_is_saved_and_saved_again(self, till: RawClient) -> None:
        line = tags(line=tags(articleNumber=0, data=tags(quantity=1, price=1210, vatCode=2)))

        def save(counter: int = 0, **ids: object) -> Reply:
            fields = tags(proposal=tags(**ids, relationNumber=1003, changeCounter=counter, lineList=line))
            return till.call(prefix_tags(f"<saveProposal>{fields}</saveProposal>"))

        save_reply = save(extProposalId="P-1")
        id_ = save_reply.text("info/proposalId")
        repeat_reply = save(extProposalId="P-1")
        stale = save(7, proposalId=id_)
        read_reply = till.call(prefix_tags(f"<getProposal><proposalId>{id_}</proposalId></getProposal>"))
        assert save_reply.text("result") == "SAVE-PROPOSAL-RESULT-OK"
        assert repeat_reply.text("result") == "SAVE-PROPOSAL-RESULT-EXT-PROPOSAL-ID-ALREADY-EXISTS"
        assert stale.text("result") == "SAVE-PROPOSAL-RESULT-PROPOSAL-HAS-CHANGED"
        assert save(proposalId="x").text("result") == "SAVE-PROPOSAL-RESULT-NOT-FOUND"
        assert (read_reply.text("proposal/totalInclAmount"), read_reply.text("proposal/state")) == (
            "1210",
            "PROPOSAL-STATE-OUTSTANDING",
        )

    def test_what_became_an_order_is_not_changed_any_more(self, sandbox: Sandbox, till: RawClient) -> None:
        proposal = enter_document(sandbox, "proposals", lineList=BOTH)
        enter_document(sandbox, "orders", proposalId=proposal["proposalId"])
        fields = tags(proposal=tags(proposalId=proposal["proposalId"], reference="other"))
        reply = till.call(prefix_tags(f"<saveProposal>{fields}</saveProposal>"))
        assert reply.text("result") == "SAVE-PROPOSAL-RESULT-FAILED"

    def test_what_is_missing_cannot_be_ordered(self, sandbox: Sandbox) -> None:
        with pytest.raises(LookupError, match="no proposal x"):
            sandbox.till.add("orders", {"proposalId": "x"})


class TestOrders:
    def test_one_is_invoiced_in_parts(self, sandbox: Sandbox) -> None:
        order = enter_document(sandbox, "orders", relationNumber=1003, lineList=BOTH)
        first = enter_document(sandbox, "invoices", orderIds=[order["orderId"]], lineList={"line": [BELL]})
        part = current_document(sandbox, "orders", order)
        enter_document(sandbox, "invoices", orderIds=[order["orderId"]], lineList={"line": [LIGHT]})
        whole = current_document(sandbox, "orders", order)
        assert (first["relationNumber"], first["totalInclAmount"]) == (1003, 3630)
        assert part["completeState"] == "ORDER-COMPLETE-STATE-PARTIAL"
        assert whole["completeState"] == "ORDER-COMPLETE-STATE-COMPLETE"
        assert len(whole["invoiceIds"]["id"]) == len(whole["invoiceNumbers"]["yearNumber"]) == 2

    def test_a_down_payment_is_taken_off_once(self, sandbox: Sandbox) -> None:
        order = enter_prepaid_order(sandbox, 4000)
        first = enter_document(sandbox, "invoices", orderIds=[order["orderId"]], lineList={"line": [BELL]})
        second = enter_document(sandbox, "invoices", orderIds=[order["orderId"]], lineList={"line": [LIGHT]})
        assert (methods(first), first["state"]) == ([("DEPOSIT", 3630)], "INVOICE-STATE-PAID")
        assert (methods(second), second["state"]) == ([("DEPOSIT", 370)], "INVOICE-STATE-PARTLY-PAID")
        assert second["paymentList"]["payment"][0]["paymentMethodType"] == "PAYMENT-METHOD-TYPE-DEPOSIT"
        assert methods(current_document(sandbox, "orders", order)) == [("PIN", 4000)]

    def test_what_a_provider_was_paid_comes_along_as_it_was_made(self, sandbox: Sandbox) -> None:
        payment = {"method": "IDEAL", "amount": 6050, "externalReference": "tr_1"}
        order = enter_document(sandbox, "orders", lineList=BOTH, paymentList={"payment": [payment]})
        invoice = enter_document(sandbox, "invoices", orderIds=[order["orderId"]])
        assert (methods(invoice), invoice["state"]) == ([("IDEAL", 6050)], "INVOICE-STATE-PAID")
        assert invoice["paymentList"]["payment"][0]["externalReference"] == "tr_1"

    def test_a_receipt_of_an_order_takes_the_deposit_off_and_is_paid_for_the_rest(self, sandbox: Sandbox) -> None:
        order = enter_prepaid_order(sandbox, 1000)
        receipt = enter_document(sandbox, "receipts", orderIds=[order["orderId"]], paymentList=payment_list(PIN=5050))
        assert methods(receipt) == [("DEPOSIT", 1000), ("PIN", 5050)]
        assert receipt["orderIds"]["id"] == [order["orderId"]]
        assert current_document(sandbox, "orders", order)["deliveryState"] == "ORDER-DELIVERY-STATE-COMPLETE"

    def test_a_down_payment_is_a_deposit_too_where_the_rest_is_paid_at_once(
        self, sandbox: Sandbox, till: RawClient
    ) -> None:
        order = enter_prepaid_order(sandbox, 1000)
        payment = tags(payment=tags(method="PIN", amount=5050))
        till.ask("payOrder", tags(orderId=order["orderId"], prepay="false", paymentList=payment))
        assert methods(sandbox.state("invoices", "mplus")[-1]) == [("DEPOSIT", 1000), ("PIN", 5050)]


class TestInvoices:
    def test_one_is_paid_bit_by_bit_and_in_several_ways(self, sandbox: Sandbox, till: RawClient) -> None:
        invoice = enter_document(sandbox, "invoices", relationNumber=1003, lineList=BOTH)
        assert pay(till, invoice, ("PIN", 1000)).text("result") == "PAY-INVOICE-RESULT-OK"
        assert current_document(sandbox, "invoices", invoice)["state"] == "INVOICE-STATE-PARTLY-PAID"
        assert pay(till, invoice, ("PIN", 5051)).text("result") == "PAY-INVOICE-RESULT-PAYMENT-TOO-HIGH"
        assert pay(till, invoice, ("CASH", 5000), ("GIFTCARD", 50)).text("result") == "PAY-INVOICE-RESULT-OK"
        after = current_document(sandbox, "invoices", invoice)
        assert (after["state"], after["paidAmount"]) == ("INVOICE-STATE-PAID", 6050)
        assert methods(after) == [("PIN", 1000), ("CASH", 5000), ("GIFTCARD", 50)]
        assert after["paymentList"]["payment"][0]["accountNumber"] == 1010

    def test_what_the_till_does_not_know_pays_nothing(self, sandbox: Sandbox, till: RawClient) -> None:
        invoice = enter_document(sandbox, "invoices", lineList=BOTH)
        assert pay(till, invoice, ("SHELLS", 1)).text("result") == "PAY-INVOICE-RESULT-FAILED"
        assert pay(till, {"invoiceId": "x"}, ("PIN", 1)).text("result") == "PAY-INVOICE-RESULT-FAILED"
        assert current_document(sandbox, "invoices", invoice) == invoice

    def test_one_is_credited_once(self, sandbox: Sandbox, till: RawClient) -> None:
        order = enter_prepaid_order(sandbox, 1000)
        invoice = enter_document(sandbox, "invoices", orderIds=[order["orderId"]])

        def credit(id_: str) -> str:
            return till.call(prefix_tags(f"<creditInvoice>{tags(invoiceId=id_)}</creditInvoice>")).text("result")

        assert credit(invoice["invoiceId"]) == "CREDIT-INVOICE-RESULT-OK"
        credit_invoice = sandbox.state("invoices", "mplus")[-1]
        assert (credit_invoice["invoiceType"], credit_invoice["creditedInvoiceId"]) == (
            "INVOICE-TYPE-CREDIT-INVOICE",
            invoice["invoiceId"],
        )
        assert (credit_invoice["totalInclAmount"], credit_invoice["totalExclAmount"]) == (
            -6050,
            -invoice["totalExclAmount"],
        )
        assert [line["data"]["quantity"] for line in credit_invoice["lineList"]["line"]] == [-2, -1]
        assert "paymentList" not in credit_invoice
        assert credit_invoice["state"] == "INVOICE-STATE-OUTSTANDING-CREDIT"
        assert credit(invoice["invoiceId"]) == "CREDIT-INVOICE-RESULT-FAILED"
        assert credit("x") == "CREDIT-INVOICE-RESULT-NOT-FOUND"
