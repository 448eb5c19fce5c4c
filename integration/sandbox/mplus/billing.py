"""Payment of invoices, at once or in parts and by several methods, and credit notes."""

from integration.sandbox.mplus.contract import WireFields
from integration.sandbox.mplus.desk import Desk, Handler, Reference
from integration.sandbox.mplus.documents import COUNTERS, Shelf
from integration.sandbox.mplus.payments import registered, state, strange
from integration.sandbox.mplus.sums import OrderTotals

_ALONE = (  # fields that a credit note does not copy; the vendor does not document to which order it then belongs
    "syncMarker", *COUNTERS, "extInvoiceId", "orderIds", "extOrderIds", "orderNumbers", "packingSlipIds",
    "packingSlipNumbers", "proposalIds", "extProposalIds", "proposalNumbers", "paymentList", "dueDate",
)  # fmt: skip
_TURNED = ("totalInclAmount", "totalExclAmount", "discountAmount", "discountAmountExcl", "quantity")


class Billing:
    """Operations that pay and credit invoices."""

    def __init__(self, desk: Desk, reference: Reference, totals: OrderTotals, invoices: Shelf) -> None:
        self._desk = desk
        self._reference = reference
        self._totals = totals
        self._invoices = invoices

    def operations(self) -> dict[str, Handler]:
        """Return the handlers of this part, by operation."""
        return {
            "payInvoice": lambda request: self._pay(request.child("request")),
            "creditInvoice": lambda request: self._credit(request.text("invoiceId")),
        }

    def _pay(self, ask: WireFields) -> WireFields:
        document = self._invoices.get(ask.text("invoiceId"))
        if document is None:
            return self._paid("FAILED", "The invoice does not exist")
        invoice, payments = self._invoices.fields(document), ask.child("paymentList").children("payment")
        if unknown := strange(self._reference, payments):
            return self._paid("FAILED", f"Payment method {unknown} does not exist")
        total = invoice.number("totalInclAmount")
        paid = invoice.number("paidAmount") + sum(one.number("amount") for one in payments)
        if abs(paid) > abs(total):
            return self._paid("PAYMENT-TOO-HIGH", "The payments exceed the invoice")
        now = {"financialDate": self._desk.today, "entryTimestamp": self._desk.now}
        made = [registered(self._desk, self._reference, one, **now) for one in payments]
        listed = [*invoice.child("paymentList").children("payment"), *made]
        told: dict[str, object] = {
            "paidAmount": paid,
            "state": f"INVOICE-STATE-{state(paid, total)}",
            "paymentList": WireFields(("payment", payment) for payment in listed),
        }
        self._invoices.put(self._desk.contract.merged("Invoice", invoice, self._desk.build("Invoice", told)))
        return self._paid("OK", "")

    def _paid(self, result: str, message: str) -> WireFields:
        told = {"result": f"PAY-INVOICE-RESULT-{result}", "errorMessage": message}
        return self._desk.build("PayInvoiceResponse", told)

    def _credit(self, id_: str) -> WireFields:
        document = self._invoices.get(id_)
        if document is None:
            return self._credited("NOT-FOUND", "The invoice does not exist")
        if any(self._credits(each) == id_ for each in self._invoices.documents):
            return self._credited("FAILED", "The invoice was credited before")
        invoice, today = self._invoices.fields(document), self._desk.today
        own: dict[str, object] = {
            "invoiceId": self._desk.new_id("invoice"),
            "invoiceNumber": {"year": today.year, "number": self._desk.count("invoice number")},
            "invoiceType": "INVOICE-TYPE-CREDIT-INVOICE",
            "entryTimestamp": self._desk.now,
            "financialDate": today,
            "paidAmount": 0,
            "state": "INVOICE-STATE-OUTSTANDING-CREDIT",
            "lineList": WireFields(("line", self._turned(line)) for line in invoice.child("lineList").children("line")),
            "creditedInvoiceId": id_,
        }
        credit = self._desk.contract.merged("Invoice", invoice.without_names(*_ALONE), self._desk.build("Invoice", own))
        self._invoices.put(self._totals.with_totals(credit, "Invoice"))
        return self._credited("OK", "")

    def _credits(self, id_: str) -> str:
        return self._invoices.fields(self._invoices.documents[id_]).text("creditedInvoiceId")

    def _turned(self, line: WireFields) -> WireFields:
        """Return a line with opposite quantity and amounts, and without its id."""
        data = line.child("data")
        for name in _TURNED:
            if data.number(name):
                data = data.replaced(name, str(-data.number(name)))
        return line.without_names("lineId").replaced("data", data)

    def _credited(self, result: str, message: str) -> WireFields:
        told = {"result": f"CREDIT-INVOICE-RESULT-{result}", "message": message}
        return self._desk.build("CreditInvoiceResponse", told)
