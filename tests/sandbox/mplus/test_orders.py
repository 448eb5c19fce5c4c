"""Orders at the till sandbox: added up, changed, cancelled and paid."""

import pytest
from lxml import etree

from tests.sandbox.mplus.calls import order, page
from tests.sandbox.soap_client import RawClient, Reply, prefix_tags, tags

TRADES = True


class TestOrders:
    def test_the_till_adds_up_what_was_ordered(self, till: RawClient) -> None:
        create_reply = till.call(prefix_tags(f"<createOrder>{order()}</createOrder>"))
        find_reply = till.call(prefix_tags("<findOrder><extOrderId>W-1</extOrderId></findOrder>"))
        assert create_reply.text("result") == "CREATE-ORDER-RESULT-OK"
        assert find_reply.text("order/orderId") == create_reply.text("info/orderId")
        assert (find_reply.text("order/totalInclAmount"), find_reply.text("order/totalExclAmount")) == ("2420", "2000")
        assert (find_reply.text("vatGroup/exclAmount"), find_reply.text("vatGroup/vatAmount")) == ("2000", "420")
        assert find_reply.text("order/changeCounter") == "1"

    def test_an_external_id_is_used_once(self, till: RawClient) -> None:
        till.call(prefix_tags(f"<createOrder>{order()}</createOrder>"))
        reply = till.call(prefix_tags(f"<createOrderV2><request>{order()}</request></createOrderV2>"))
        assert reply.text("result") == "CREATE-ORDER-RESULT-EXT-ORDER-ID-ALREADY-EXISTS"

    def test_a_repeated_key_is_answered_again_and_not_carried_out_again(self, till: RawClient) -> None:
        payment = tags(paymentList=tags(payment=tags(method="IDEAL", amount=2420)))
        ask = f"{tags(idempotencyKey='k1')}{order('')}{tags(prepay='false')}{payment}"
        first, second = till.ask("createOrderV3", ask), till.ask("createOrderV3", ask)
        assert first.text("idempotencyResult") == "IDEMPOTENCY-RESULT-ORIGINAL-RESPONSE"
        assert second.text("idempotencyResult") == "IDEMPOTENCY-RESULT-REPLAY-RESPONSE"
        assert first.raw.replace(b"ORIGINAL", b"REPLAY") == second.raw
        assert first.text("payResult") == "PAY-ORDER-RESULT-OK"
        assert (
            till.call(prefix_tags(f"<getInvoice><invoiceId>{first.text('invoiceId')}</invoiceId></getInvoice>")).text(
                "invoice/totalInclAmount"
            )
            == "2420"
        )

    def test_an_update_with_old_counters_is_refused(self, till: RawClient) -> None:
        id_ = till.call(prefix_tags(f"<createOrder>{order()}</createOrder>")).text("info/orderId")

        def change(counter: int, reference: str) -> str:
            fields = tags(order=tags(orderId=id_, reference=reference, changeCounter=counter))
            return till.call(prefix_tags(f"<updateOrder>{fields}</updateOrder>")).text("result")

        assert change(1, "PO 1") == "UPDATE-ORDER-RESULT-OK"
        assert change(1, "PO 2") == "UPDATE-ORDER-RESULT-ORDER-HAS-CHANGED"
        assert change(2, "PO 1") == "UPDATE-ORDER-RESULT-NO-CHANGES"
        assert (
            till.call(prefix_tags("<updateOrder><order><orderId>x</orderId></order></updateOrder>")).text("result")
            == "UPDATE-ORDER-RESULT-NOT-FOUND"
        )

    def test_cancelling_twice_is_harmless(self, till: RawClient) -> None:
        id_ = till.call(prefix_tags(f"<createOrder>{order()}</createOrder>")).text("info/orderId")
        cancel = prefix_tags(f"<cancelOrder><orderId>{id_}</orderId></cancelOrder>")
        assert [till.call(cancel).text("result") for _ in range(2)] == [
            "CANCEL-ORDER-RESULT-OK",
            "CANCEL-ORDER-RESULT-ALREADY-CANCELLED",
        ]

    def test_a_deposit_is_kept_and_the_rest_makes_the_invoice(self, till: RawClient) -> None:
        id_ = till.call(prefix_tags(f"<createOrder>{order()}</createOrder>")).text("info/orderId")

        def pay(prepay: str, amount: int) -> Reply:
            payment = f"<paymentList><payment><method>PIN</method><amount>{amount}</amount></payment></paymentList>"
            return till.ask("payOrder", f"<orderId>{id_}</orderId><prepay>{prepay}</prepay>{payment}")

        assert pay("true", 1000).text("result") == "PAY-ORDER-RESULT-OK"
        assert pay("false", 1000).text("result") == "PAY-ORDER-RESULT-PAYMENT-INSUFFICIENT"
        payment_reply = pay("false", 1420)
        order_reply = till.call(prefix_tags(f"<getOrder><orderId>{id_}</orderId></getOrder>"))
        assert payment_reply.text("result") == "PAY-ORDER-RESULT-OK"
        assert order_reply.texts("invoiceIds/id") == [payment_reply.text("invoiceId")]
        assert order_reply.text("fullyPaid") == "true"
        assert order_reply.text("order/deliveryState") == "ORDER-DELIVERY-STATE-COMPLETE"
        assert pay("false", 1).text("result") == "PAY-ORDER-RESULT-ORDER-ALREADY-INVOICED"

    def test_another_branch_needs_a_workplace(self, till: RawClient) -> None:
        reply = till.call(
            prefix_tags(f"<createOrder>{order(more='<entryBranchNumber>2</entryBranchNumber>')}</createOrder>")
        )
        assert reply.text("result") == "CREATE-ORDER-RESULT-FAILED"
        assert "workplace" in reply.text("errorMessage")

    @pytest.mark.parametrize(
        ("operation", "kind", "count"),
        [("getOrders", "order", 60), ("getReceipts", "receipt", 322), ("getInvoices", "invoice", 20)],
    )
    def test_paging_by_marker_meets_every_document_once(
        self, till: RawClient, operation: str, kind: str, count: int
    ) -> None:
        document_ids: list[str] = []
        marker, unsorted = 0, False
        while True:
            reply = page(till, operation, marker, 17)
            markers = [int(text) for text in reply.texts(f"{kind}/syncMarker")]
            if not markers:
                break
            unsorted = unsorted or markers != sorted(markers)
            document_ids += reply.texts(f"{kind}/{kind}Id")
            marker = max(markers) + 1
        assert len(document_ids) == len(set(document_ids)) == count
        assert unsorted

    def test_a_line_that_moves_is_added_up_again(self, till: RawClient) -> None:
        id_ = till.call(prefix_tags(f"<createOrder>{order()}</createOrder>")).text("info/orderId")
        order_element = till.call(prefix_tags(f"<getOrder><orderId>{id_}</orderId></getOrder>")).body.find("{*}order")
        text = etree.tostring(order_element).decode().replace("<ns:quantity>2<", "<ns:quantity>3<")
        assert till.call(f"<ns:updateOrder>{text}</ns:updateOrder>").text("result") == "UPDATE-ORDER-RESULT-OK"
        after = till.call(prefix_tags(f"<getOrder><orderId>{id_}</orderId></getOrder>"))
        assert (after.text("order/totalInclAmount"), after.text("order/totalExclAmount")) == ("3630", "3000")

    def test_headers_come_without_lines(self, till: RawClient) -> None:
        ask = "<articlePluNumbers/><articleBarcodes/><includeLineList>false</includeLineList>"
        assert till.ask("getOrders", ask).texts("lineList") == []
