"""Payment of invoices, at once or in parts and by several methods, and credit notes."""

from integration.sandbox.mplus.context import Handler, Reference, TillContext
from integration.sandbox.mplus.contract import WireFields
from integration.sandbox.mplus.documents import COUNTERS, DocumentSet
from integration.sandbox.mplus.payments import registered, state, strange
from integration.sandbox.mplus.sums import OrderTotals

_ALONE = (  # fields that a credit note does not copy; the vendor does not document to which order it then belongs
    "syncMarker", *COUNTERS, "extInvoiceId", "orderIds", "extOrderIds", "orderNumbers", "packingSlipIds",
    "packingSlipNumbers", "proposalIds", "extProposalIds", "proposalNumbers", "paymentList", "dueDate",
)  # fmt: skip
_TURNED = ("totalInclAmount", "totalExclAmount", "discountAmount", "discountAmountExcl", "quantity")


class Billing:
    """Operations that pay and credit invoices."""

    def __init__(self, context: TillContext, reference: Reference, totals: OrderTotals, invoices: DocumentSet) -> None:
        self._context = context
        self._reference = reference
        self._totals = totals
        self._invoices = invoices

    def operations(self) -> dict[str, Handler]:
        return {
            "payInvoice": lambda request: self._pay(request.child("request")),
            "creditInvoice": lambda request: self._credit(request.text("invoiceId")),
        }

    def _pay(self, ask: WireFields) -> WireFields:
        document = self._invoices.get(ask.text("invoiceId"))
        if document is None:
            return self._pay_answer("FAILED", "The invoice does not exist")
        invoice, payments = self._invoices.fields(document), ask.child("paymentList").children("payment")
        if unknown := strange(self._reference, payments):
            return self._pay_answer("FAILED", f"Payment method {unknown} does not exist")
        total = invoice.number("totalInclAmount")
        paid = invoice.number("paidAmount") + sum(payment.number("amount") for payment in payments)
        if abs(paid) > abs(total):
            return self._pay_answer("PAYMENT-TOO-HIGH", "The payments exceed the invoice")
        now = {"financialDate": self._context.today, "entryTimestamp": self._context.now}
        new_payments = [registered(self._context, self._reference, payment, **now) for payment in payments]
        all_payments = [*invoice.child("paymentList").children("payment"), *new_payments]
        changes: dict[str, object] = {
            "paidAmount": paid,
            "state": f"INVOICE-STATE-{state(paid, total)}",
            "paymentList": WireFields(("payment", payment) for payment in all_payments),
        }
        self._invoices.put(self._context.contract.merged("Invoice", invoice, self._context.build("Invoice", changes)))
        return self._pay_answer("OK", "")

    def _pay_answer(self, result: str, message: str) -> WireFields:
        values = {"result": f"PAY-INVOICE-RESULT-{result}", "errorMessage": message}
        return self._context.build("PayInvoiceResponse", values)

    def _credit(self, id_: str) -> WireFields:
        document = self._invoices.get(id_)
        if document is None:
            return self._credit_answer("NOT-FOUND", "The invoice does not exist")
        if any(self._credited_invoice(invoice_id) == id_ for invoice_id in self._invoices.documents):
            return self._credit_answer("FAILED", "The invoice was credited before")
        invoice, today = self._invoices.fields(document), self._context.today
        own: dict[str, object] = {
            "invoiceId": self._context.new_id("invoice"),
            "invoiceNumber": {"year": today.year, "number": self._context.count("invoice number")},
            "invoiceType": "INVOICE-TYPE-CREDIT-INVOICE",
            "entryTimestamp": self._context.now,
            "financialDate": today,
            "paidAmount": 0,
            "state": "INVOICE-STATE-OUTSTANDING-CREDIT",
            "lineList": WireFields(
                ("line", self._reversed_line(line)) for line in invoice.child("lineList").children("line")
            ),
            "creditedInvoiceId": id_,
        }
        credit = self._context.contract.merged(
            "Invoice", invoice.without_names(*_ALONE), self._context.build("Invoice", own)
        )
        self._invoices.put(self._totals.with_totals(credit, "Invoice"))
        return self._credit_answer("OK", "")

    def _credited_invoice(self, id_: str) -> str:
        return self._invoices.fields(self._invoices.documents[id_]).text("creditedInvoiceId")

    def _reversed_line(self, line: WireFields) -> WireFields:
        """Return a line with opposite quantity and amounts, and without its id."""
        data = line.child("data")
        for name in _TURNED:
            if data.number(name):
                data = data.replaced(name, str(-data.number(name)))
        return line.without_names("lineId").replaced("data", data)

    def _credit_answer(self, result: str, message: str) -> WireFields:
        values = {"result": f"CREDIT-INVOICE-RESULT-{result}", "message": message}
        return self._context.build("CreditInvoiceResponse", values)
