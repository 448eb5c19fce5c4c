"""Relations between documents: a proposal becomes an order or an invoice, and an order an invoice or a receipt.

What the vendor's documentation does not say is a convention here. A document copies missing values from the first
document that it comes from. Of a down payment taken at a workplace, it uses the unused part, up to its own total, by
the deposit method that belongs to the payment method. Other payments of an order are copied unchanged. An order is
partly delivered and partly complete while its documents total less than the order.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping

from integration.sandbox.mplus.context import Reference, TillContext
from integration.sandbox.mplus.contract import WireFields
from integration.sandbox.mplus.documents import COUNTERS, INVOICE, ORDER, PROPOSAL, RECEIPT, DocumentKind, DocumentSet

# Fields that name the origins of a document, orders first: a list of ids, or one id.
_NAMED: Mapping[DocumentKind, tuple[tuple[str, DocumentKind], ...]] = {
    ORDER: (("proposalId", PROPOSAL),),
    INVOICE: (("orderIds", ORDER), ("proposalIds", PROPOSAL)),
    RECEIPT: (("orderIds", ORDER),),
    PROPOSAL: (),
}
# Fields that a document never copies: its identity, its state, and its times.
_OWN = frozenset(
    {
        "syncMarker", *COUNTERS, "entryTimestamp", "financialDate", "totalInclAmount", "totalExclAmount",
        "vatGroupList", "state", "paymentList", "transactionString", "orderIds", "extOrderIds", "invoiceIds",
        "extInvoiceIds", "proposalIds", "extProposalIds", "orderNumbers", "invoiceNumbers", "proposalNumbers",
        "orderId", "extOrderId", "orderNumber", "invoiceId", "extInvoiceId", "invoiceNumber", "proposalId",
        "extProposalId", "proposalNumber",
    }
)  # fmt: skip


class Origins:
    """Relations between the documents of one till."""

    def __init__(
        self, context: TillContext, reference: Reference, document_sets: Mapping[DocumentKind, DocumentSet]
    ) -> None:
        self._context = context
        self._reference = reference
        self._document_sets = document_sets
        self._used_payments: dict[str, int] = defaultdict(int)  # used part of the payments, by order, in cents
        self._invoiced_totals: dict[str, int] = defaultdict(int)  # total of the documents made from an order, in cents

    def completed(self, kind: DocumentKind, entered: WireFields) -> WireFields:
        """Return an entered document with the values that it copies. LookupError for an unknown origin."""
        several = list(self._find_origins(kind, entered))
        if not several:
            return entered
        of, first = several[0]
        shared = self._context.contract.types[of.type].keys() & self._context.contract.types[kind.type].keys()
        copied = self._context.contract.ordered(kind.type, first.select_names(*shared).without_names(*_OWN))
        merged = self._context.contract.merged(kind.type, copied, entered)
        return self._context.contract.merged(
            kind.type, merged, self._context.build(kind.type, self._numbers(kind, several))
        )

    def payments(self, kind: DocumentKind, document: WireFields) -> list[WireFields]:
        """Return the payments that a document takes from its orders, up to its total; see the module."""
        rest, payments = document.number("totalInclAmount"), list[WireFields]()
        for of, order in self._find_origins(kind, document) if kind in (INVOICE, RECEIPT) else ():
            if of is ORDER:
                of_order = self.unused(order, rest)
                rest -= sum(payment.number("amount") for payment in of_order)
                payments += of_order
        return payments

    def unused(self, order: WireFields, limit: int) -> list[WireFields]:
        """Return the unused part of an order's payments, up to `limit`, and mark it as used."""
        id_, parts = order.text("orderId"), list[WireFields]()
        used_amount = self._used_payments[id_]
        for payment in order.child("paymentList").children("payment"):
            skipped = min(used_amount, payment.number("amount"))
            amount = min(payment.number("amount") - skipped, limit)
            used_amount, limit = used_amount - skipped, limit - max(amount, 0)
            if amount > 0:
                parts.append(self._partial_payment(payment, amount))
        self._used_payments[id_] += sum(part.number("amount") for part in parts)
        return parts

    def update_origins(self, kind: DocumentKind, document: WireFields) -> None:
        """Update the documents that this document comes from."""
        for of, origin in self._find_origins(kind, document):
            if of is ORDER:
                self._record_invoice(origin, kind, document)
            else:
                self._record_acceptance(origin, kind, document)

    # ---- copied values

    def _find_origins(self, kind: DocumentKind, document: WireFields) -> Iterator[tuple[DocumentKind, WireFields]]:
        for name, of in _NAMED[kind]:
            ids = document.child(name).texts("id") or document.texts(name)
            for id_ in filter(None, ids):
                document_set = self._document_sets[of]
                if id_ not in document_set.documents:
                    raise LookupError(f"there is no {of.element} {id_}")
                yield of, document_set.fields(document_set.documents[id_])

    def _numbers(self, kind: DocumentKind, several: list[tuple[DocumentKind, WireFields]]) -> dict[str, object]:
        """Return the numbers and external ids of the origins, as far as the kind of document has fields for them."""
        known_fields, origin_values = self._context.contract.types[kind.type], defaultdict[str, list[object]](list)
        for of, origin in several:
            origin_values[f"{of.element}Number"].append(origin.child(of.number))
            if ext := origin.text(of.ext):
                origin_values[of.ext].append(ext)
        single = {name: values[0] for name, values in origin_values.items() if name in known_fields}
        return single | {f"{name}s": values for name, values in origin_values.items() if f"{name}s" in known_fields}

    def _partial_payment(self, payment: WireFields, amount: int) -> WireFields:
        deposit = self._reference.methods[payment.text("method")].get("depositPaymentMethod")
        everywhere = self._context.conventions.down_payments == "as a deposit"
        if deposit and (everywhere or payment.number("workplaceNumber")):
            return self._context.build("Payment", {"method": deposit, "amount": amount})
        return payment.replaced("amount", str(amount))

    # ---- updates of the origins

    def _record_invoice(self, order: WireFields, kind: DocumentKind, document: WireFields) -> None:
        self._invoiced_totals[order.text("orderId")] += document.number("totalInclAmount")
        state = (
            "COMPLETE" if self._invoiced_totals[order.text("orderId")] >= order.number("totalInclAmount") else "PARTIAL"
        )
        changes: dict[str, object] = {
            "deliveryState": f"ORDER-DELIVERY-STATE-{state}", "completeState": f"ORDER-COMPLETE-STATE-{state}",
        }  # fmt: skip
        if kind is INVOICE:
            changes |= self._with_invoice(order, document)
        self._change(ORDER, order, changes)

    def _record_acceptance(self, proposal: WireFields, kind: DocumentKind, document: WireFields) -> None:
        changes: dict[str, object] = {"state": f"PROPOSAL-STATE-{kind.type.upper()}", kind.id: document.text(kind.id)}
        if kind is INVOICE:
            changes |= self._with_invoice(proposal, document)
        else:
            changes["orderNumber"] = document.child("orderNumber")
        self._change(PROPOSAL, proposal, changes)

    def _with_invoice(self, origin: WireFields, invoice: WireFields) -> dict[str, object]:
        ids = [*origin.child("invoiceIds").texts("id"), invoice.text("invoiceId")]
        numbers = [*origin.child("invoiceNumbers").children("yearNumber"), invoice.child("invoiceNumber")]
        return {"invoiceIds": ids, "invoiceNumbers": numbers}

    def _change(self, kind: DocumentKind, document: WireFields, changes: Mapping[str, object]) -> None:
        changed = self._context.contract.merged(kind.type, document, self._context.build(kind.type, changes))
        self._document_sets[kind].put(changed)
