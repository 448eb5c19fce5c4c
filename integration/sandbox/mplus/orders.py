"""Orders: read, created, changed, cancelled and paid. A paid order becomes an invoice."""

from collections import defaultdict
from datetime import timedelta
from decimal import Decimal

from integration.sandbox.mplus.catalogue import Catalogue
from integration.sandbox.mplus.context import Handler, Reference, TillContext
from integration.sandbox.mplus.contract import WireFields
from integration.sandbox.mplus.documents import NOTHING_YET, DocumentSet, SandboxDocument, document_answer, single
from integration.sandbox.mplus.origins import Origins
from integration.sandbox.mplus.payments import registered, strange
from integration.sandbox.mplus.relations import Relations
from integration.sandbox.mplus.stock import Place
from integration.sandbox.mplus.sums import INCLUSIVE, OrderTotals

DEFAULT_BRANCH = 1
PAYMENT_DAYS = 14
TOTALS = ("totalInclAmount", "totalExclAmount")
STAMPS = ("syncMarker", "changeCounter", "versionNumber")


class Orders:
    """Operations that read and change orders."""

    def __init__(
        self,
        context: TillContext,
        reference: Reference,
        catalogue: Catalogue,
        relations: Relations,
        document_sets: tuple[DocumentSet, DocumentSet],
        origins: Origins,
    ) -> None:
        self._context = context
        self._reference = reference
        self._totals = OrderTotals(context, reference, catalogue)
        self._catalogue = catalogue
        self._relations = relations
        self._orders, self._invoices = document_sets
        self._origins = origins
        self._answers: dict[str, WireFields] = {}
        self._reserved: tuple[int, dict[Place, Decimal]] = (-1, {})

    def operations(self) -> dict[str, Handler]:
        return {
            "getOrders": lambda request: WireFields([("orderList", self._orders.listed(request.child("request")))]),
            "getOrder": lambda request: single("GET-ORDER", self._orders, request.text("orderId")),
            "findOrder": lambda request: document_answer(
                "GET-ORDER", self._orders, self._orders.by_ext.get(request.text("extOrderId"))
            ),
            "getOrdersByExtOrderIds": self._orders_by_ext_id,
            "createOrder": lambda request: self._create(request.child("order"), "CreateOrderResponse"),
            "createOrderV2": lambda request: self._create(
                request.child("request").child("order"), "CreateOrderV2Response"
            ),
            "createOrderV3": self._create_v3,
            "updateOrder": lambda request: self._update(request.child("order")),
            "cancelOrder": self._cancel,
            "payOrder": lambda request: self._pay(request.child("request")),
        }

    def reserved(self) -> dict[Place, Decimal]:
        """Return the quantities in orders that are neither delivered nor cancelled."""
        last = self._orders.markers.last
        if self._reserved[0] != last:
            amounts: dict[Place, Decimal] = defaultdict(Decimal)
            for document in self._orders.documents.values():
                for article, amount in document.index.promised:
                    amounts[document.index.branch, article] += amount
            self._reserved = (last, amounts)
        return self._reserved[1]

    def _orders_by_ext_id(self, request: WireFields) -> WireFields:
        ask = request.child("request")
        ext_ids = set(ask.child("extOrderIds").texts("id"))
        limit = ask.number("syncMarkerLimit")
        documents = [
            document
            for document in self._orders.markers.objects_since(ask.number("syncMarker"))
            if not ext_ids or document.ext in ext_ids
        ]
        return WireFields([("orderList", self._orders.page(documents[: limit or None]))])

    def _create_v3(self, request: WireFields) -> WireFields:
        ask = request.child("request")
        key = ask.text("idempotencyKey")
        if key in self._answers:
            return self._answers[key].replaced("idempotencyResult", "IDEMPOTENCY-RESULT-REPLAY-RESPONSE")
        answer = self._create(ask.child("order"), "CreateOrderV3Response")
        if answer.text("result").endswith("-OK") and ask.has_name("paymentList"):
            answer = self._with_payment(answer, ask)
        original = WireFields([("idempotencyResult", "IDEMPOTENCY-RESULT-ORIGINAL-RESPONSE")])
        self._answers[key] = self._context.contract.merged("CreateOrderV3Response", answer, original)
        return self._answers[key]

    def _with_payment(self, answer: WireFields, ask: WireFields) -> WireFields:
        order = answer.child("info").text("orderId")
        pay = WireFields([("orderId", order), *ask.select_names("prepay", "paymentList")])
        paid = self._pay(pay)
        values = WireFields([("payResult", paid.text("result")), *paid.select_names("invoiceId")])
        if not paid.text("result").endswith("-OK"):
            values = WireFields(
                [("result", "CREATE-ORDER-RESULT-PAYMENT-FAILED"), *values, *paid.select_names("errorMessage")]
            )
        values = WireFields([*values, ("order", self._orders.documents[order].xml)])
        return self._context.contract.merged("CreateOrderV3Response", answer, values)

    def _create(self, order: WireFields, type_: str) -> WireFields:
        if order.text("extOrderId") in self._orders.by_ext:
            message = f"extOrderId {order.text('extOrderId')} is already in use"
            return self._create_answer(type_, "EXT-ORDER-ID-ALREADY-EXISTS", message)
        if message := self._objection(order):
            return self._create_answer(type_, "FAILED", message)
        return self._create_answer(type_, "OK", "", self._orders.put(self._with_fault(self._new_order(order))))

    def _create_answer(
        self, type_: str, result: str, message: str, document: SandboxDocument | None = None
    ) -> WireFields:
        values: dict[str, object] = {
            "result": f"CREATE-ORDER-RESULT-{result}",
            "info": self._info(document),
            "errorMessage": message,
        }
        if document and type_ != "CreateOrderResponse":
            values["order"] = document.xml
        if type_ == "CreateOrderV3Response":
            values["idempotencyResult"] = "IDEMPOTENCY-RESULT-ORIGINAL-RESPONSE"
        return self._context.build(type_, values)

    def _objection(self, order: WireFields) -> str:
        """Return the reason why the till refuses the order, or an empty text."""
        branch = order.number("entryBranchNumber", DEFAULT_BRANCH) or DEFAULT_BRANCH
        relation = order.number("relationNumber")
        if branch not in self._reference.branches:
            return f"Branch {branch} does not exist"
        if branch != DEFAULT_BRANCH and not order.number("workplaceNumber"):
            return f"A workplace number is required with branch {branch}"
        if relation and relation not in self._relations.relations:
            return f"Relation {relation} does not exist"
        if not order.child("lineList").children("line"):
            return "An order needs at least one line"
        return self._objection_to_lines(order)

    def _objection_to_lines(self, order: WireFields) -> str:
        for line in order.child("lineList").children("line"):
            number, code = line.number("articleNumber"), line.child("data").text("vatCode")
            if (
                number
                and self._context.conventions.order_lines == "known articles"
                and not self._catalogue.article(number)
            ):
                return f"Article {number} does not exist"
            if code and self._reference.rate(int(code)) is None:
                return f"VAT code {code} does not exist"
        return ""

    def _new_order(self, sent_order: WireFields) -> WireFields:
        """Return the sent order with the values that the till adds."""
        branch = sent_order.number("entryBranchNumber") or DEFAULT_BRANCH
        today = self._context.today
        values: dict[str, object] = {
            "orderId": self._context.new_id("order"),
            "entryBranchNumber": branch,
            "financialBranchNumber": sent_order.number("financialBranchNumber") or branch,
            "orderNumber": {"year": today.year, "number": self._context.count("order number")},
            **NOTHING_YET,
            "prepaidAmount": 0,
            "fullyPaid": False,
        }
        own = self._context.build("Order", values)
        defaults = {
            "orderType": "ORDER-TYPE-EXTERNAL-SALES-ORDER",
            "entryTimestamp": self._context.now,
            "financialDate": today,
            "vatMethod": INCLUSIVE,
            "orderCategoryNumber": next(iter(self._reference.categories), None),
            **self._relations.addressed(sent_order.number("relationNumber")),
        }
        order = self._context.contract.merged(
            "Order", self._context.build("Order", defaults), _intended_fields(sent_order)
        )
        return self._totals.with_totals(self._context.contract.merged("Order", order, own))

    def _update(self, order: WireFields) -> WireFields:
        document = self._orders.get(order.text("orderId"))
        if document is None:
            return self._update_answer("NOT-FOUND", None, "The order does not exist")
        old = self._orders.fields(document)
        for counter in ("changeCounter", "versionNumber"):
            if order.number(counter) and order.number(counter) != old.number(counter):
                return self._update_answer("ORDER-HAS-CHANGED", document, "The order has changed since it was read")
        if message := self._objection_to_lines(order):
            return self._update_answer("FAILED", document, message)
        merged = self._context.contract.merged("Order", old, order.without_names(*STAMPS))
        merged = _with_moved_lines(merged, old)
        new = self._totals.with_totals(merged) if order.has_name("lineList") or order.has_name("vatMethod") else merged
        if new.without_names(*STAMPS) == old.without_names(*STAMPS):
            return self._update_answer(
                "NO-CHANGES", document, "Order not saved because there were no changes in the order."
            )
        return self._update_answer("OK", self._orders.put(self._with_fault(new)), "")

    def _update_answer(self, result: str, document: SandboxDocument | None, message: str) -> WireFields:
        values = {
            "result": f"UPDATE-ORDER-RESULT-{result}",
            "info": self._info(document),
            "errorMessage": message,
        }
        return self._context.build("UpdateOrderResponse", values)

    def _info(self, document: SandboxDocument | None) -> dict[str, object]:
        if document is None:
            return {"orderId": "", "orderString": ""}
        year, number = document.index.number
        return {"orderId": document.id, "orderString": f"{year}-{number}", "orderQueued": False}

    def _cancel(self, request: WireFields) -> WireFields:
        document = self._orders.get(request.text("orderId"))
        if document is None:
            return self._cancel_answer("NOT-FOUND", "The order does not exist")
        order = self._orders.fields(document)
        if order.text("cancelState") == "ORDER-CANCEL-STATE-COMPLETE":
            return self._cancel_answer("ALREADY-CANCELLED", "The order was cancelled before")
        if order.child("invoiceIds").texts("id"):
            return self._cancel_answer("FAILED", "The order was invoiced")
        cancelled = WireFields([("cancelState", "ORDER-CANCEL-STATE-COMPLETE")])
        self._orders.put(self._context.contract.merged("Order", order, cancelled))
        return self._cancel_answer("OK", "")

    def _cancel_answer(self, result: str, message: str) -> WireFields:
        return self._context.build(
            "CancelOrderResponse", {"result": f"CANCEL-ORDER-RESULT-{result}", "message": message}
        )

    def _pay(self, ask: WireFields) -> WireFields:
        document = self._orders.get(ask.text("orderId"))
        if document is None:
            return self._pay_answer("FAILED", "The order does not exist")
        order = self._orders.fields(document)
        if order.child("invoiceIds").texts("id"):
            return self._pay_answer("ORDER-ALREADY-INVOICED", "The order was invoiced before")
        if order.text("cancelState") == "ORDER-CANCEL-STATE-COMPLETE":
            return self._pay_answer("FAILED", "The order was cancelled")
        payments = ask.child("paymentList").children("payment")
        if unknown := strange(self._reference, payments):
            return self._pay_answer("FAILED", f"Payment method {unknown} does not exist")
        amount = order.number("prepaidAmount") + sum(payment.number("amount") for payment in payments)
        if not ask.flag("prepay") and amount < order.number("totalInclAmount"):
            return self._pay_answer("PAYMENT-INSUFFICIENT", "The payments do not cover the order")
        new_payments, before = [self._register_payment(payment) for payment in payments], order
        order = self._with_payments(order, new_payments, amount)
        if ask.flag("prepay"):
            self._orders.put(order)
            return self._pay_answer("OK", "")
        return self._pay_answer(
            "OK", "", invoice=self._invoice(order, [*self._earlier_payments(before), *new_payments])
        )

    def _earlier_payments(self, order: WireFields) -> list[WireFields]:
        """Return the earlier payments that an invoice for the complete order takes."""
        payments = self._origins.unused(order, order.number("totalInclAmount"))
        return [
            payment if payment.has_name("financialDate") else self._register_payment(payment) for payment in payments
        ]

    def _pay_answer(self, result: str, message: str, invoice: str | None = None) -> WireFields:
        values = {"result": f"PAY-ORDER-RESULT-{result}", "invoiceId": invoice, "errorMessage": message}
        return self._context.build("PayOrderResponse", values)

    def _with_payments(self, order: WireFields, payments: list[WireFields], amount: int) -> WireFields:
        all_payments = [*order.child("paymentList").children("payment"), *payments]
        values = {
            "prepaidAmount": amount,
            "fullyPaid": amount >= order.number("totalInclAmount"),
            "paymentList": WireFields(("payment", payment) for payment in all_payments),
        }
        return self._context.contract.merged("Order", order, self._context.build("Order", values))

    def _register_payment(self, payment: WireFields) -> WireFields:
        now = {"financialDate": self._context.today, "entryTimestamp": self._context.now}
        return registered(self._context, self._reference, payment, **now)

    def _invoice(self, order: WireFields, payments: list[WireFields]) -> str:
        """Create the invoice of a delivered order with these payments, and return its id."""
        id_, today = self._context.new_id("invoice"), self._context.today
        number = {"year": today.year, "number": self._context.count("invoice number")}
        values = {
            "invoiceId": id_,
            "orderIds": [order.text("orderId")],
            "extOrderIds": [order.text("extOrderId")] if order.text("extOrderId") else [],
            "invoiceNumber": number,
            "invoiceType": "INVOICE-TYPE-INVOICE",
            "entryTimestamp": self._context.now,
            "financialDate": today,
            "dueDate": today + timedelta(days=PAYMENT_DAYS),
            "paidAmount": order.number("prepaidAmount"),
            "paymentList": WireFields(("payment", payment) for payment in payments),
            "state": "INVOICE-STATE-PAID",
            "finalized": True,
            "finalizedTimestamp": self._context.now,
        }
        shared = self._context.contract.types["Order"].keys() & self._context.contract.types["Invoice"].keys()
        copied = order.select_names(*shared).without_names(*STAMPS)
        own = self._context.build("Invoice", values)
        self._invoices.put(
            self._context.contract.merged("Invoice", self._context.contract.ordered("Invoice", copied), own)
        )
        changes = {
            "invoiceIds": [id_],
            "deliveryState": "ORDER-DELIVERY-STATE-COMPLETE",
            "completeState": "ORDER-COMPLETE-STATE-COMPLETE",
            "invoiceNumbers": [number],
        }
        self._orders.put(self._context.contract.merged("Order", order, self._context.build("Order", changes)))
        return id_

    def _with_fault(self, order: WireFields) -> WireFields:
        """Return the order with a wrong reference, if the current fault asks for that."""
        if not self._context.wrong:
            return order
        reference = {"reference": f"{order.text('reference')} ~"}
        return self._context.contract.merged("Order", order, self._context.build("Order", reference))


def _with_moved_lines(order: WireFields, old: WireFields) -> WireFields:
    """Return the order without the total of lines whose quantity, price or discount changed but whose total did not."""
    before = {line.text("lineId"): line.child("data") for line in old.child("lineList").children("line")}
    lines = WireFields()
    for line in order.child("lineList").children("line"):
        data, old_data = line.child("data"), before.get(line.text("lineId"), WireFields())
        if data != old_data and data.select_names(*TOTALS) == old_data.select_names(*TOTALS):
            data = data.without_names(*TOTALS)
        lines.append(("line", line.replaced("data", data)))
    return order.replaced("lineList", lines)


def _intended_fields(order: WireFields) -> WireFields:
    """Return the fields that a caller of create intended: old clients send zeros and empty texts for omitted fields."""
    read_only = {*STAMPS, "orderId", "invoiceIds", "prepaidAmount", "fullyPaid", "paymentList", *NOTHING_YET}
    return WireFields(
        pair for pair in order.without_names(*read_only) if pair[1] not in ("", "0", []) or pair[0] == "reference"
    )
