"""Entry of documents at the till by hand: prices, totals and numbers are added as the till always does."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Final

from integration.sandbox.mplus.context import Reference, TillContext
from integration.sandbox.mplus.contract import ZONE, WireFields, day_of
from integration.sandbox.mplus.documents import (
    NOTHING_YET,
    ORDER,
    PROPOSAL,
    RECEIPT,
    DocumentKind,
    DocumentSet,
    SandboxDocument,
)
from integration.sandbox.mplus.origins import Origins
from integration.sandbox.mplus.payments import registered, state
from integration.sandbox.mplus.sums import INCLUSIVE, OrderTotals

CASHIER: Final = 101


class DocumentEntry:
    """Enters documents by hand."""

    def __init__(self, context: TillContext, reference: Reference, totals: OrderTotals, origins: Origins) -> None:
        self._context = context
        self._origins = origins
        self._reference = reference
        self._totals = totals

    def enter(
        self, document_set: DocumentSet, values: Mapping[str, Any], *, rehearsed: bool = False
    ) -> SandboxDocument:
        """Store a document with its lines and payments, given with field names of the interface and ISO times.

        Times are those of the shop's clock. Missing values come from the documents it comes from, or from the till; the
        state of those documents is updated. Raises ValueError for a receipt that is not paid exactly. `rehearsed` marks
        a receipt in training mode.
        """
        kind = document_set.kind
        entered = self._origins.completed(kind, self._context.build(kind.type, _with_dates(values)))
        document = self._totals.with_totals(
            self._context.contract.merged(kind.type, self._default_values(document_set, entered), entered), kind.type
        )
        if kind is not PROPOSAL:
            document = self._with_payments(kind, document)
        settled = self._payment_state(kind, document)
        document = self._context.contract.merged(kind.type, document, self._context.build(kind.type, settled))
        stored_document = document_set.put(document, rehearsed=rehearsed)
        self._origins.update_origins(document_set.kind, document)
        return stored_document

    def _payment_state(self, kind: DocumentKind, document: WireFields) -> dict[str, object]:
        """Return the state of a document according to its payments. ValueError for a receipt not paid exactly."""
        paid = sum(payment.number("amount") for payment in document.child("paymentList").children("payment"))
        total = document.number("totalInclAmount")
        if kind is PROPOSAL:
            return {"state": document.text("state") or "PROPOSAL-STATE-OUTSTANDING"}
        if kind is ORDER:
            return {"prepaidAmount": paid, "fullyPaid": paid >= total}
        if kind is RECEIPT and paid != total:
            raise ValueError(f"{paid} of {total} is paid")
        return {"paidAmount": paid, "state": f"{kind.element.upper()}-STATE-{state(paid, total)}"}

    def _default_values(self, document_set: DocumentSet, entered: WireFields) -> WireFields:
        kind, day = document_set.kind, day_of(entered.child("financialDate")) or self._context.today
        branch = entered.number("financialBranchNumber", 1)
        employee = entered.number("employeeNumber", CASHIER)
        values: dict[str, object] = {
            kind.id: self._context.new_id(kind.element),
            kind.doc_type: f"{kind.element.upper()}-TYPE-"
            + {"order": "SALES-ORDER"}.get(kind.element, kind.type.upper()),
            "entryBranchNumber": branch,
            "financialBranchNumber": branch,
            "workplaceNumber": 1,
            "employeeNumber": employee,
            "employeeName": self._reference.employees[employee]["name"],
            "financialDate": day,
            "entryTimestamp": self._context.now,
            "vatMethod": INCLUSIVE,
        }
        if kind is ORDER:
            values |= NOTHING_YET
        if not entered.has_name(kind.number):
            values[kind.number] = self._number(kind.element, day, (branch, entered.number("workplaceNumber", 1)))
        known_fields = self._context.contract.types[kind.type]
        return self._context.build(kind.type, {name: value for name, value in values.items() if name in known_fields})

    def _number(self, element: str, day: date, place: tuple[int, int]) -> dict[str, int]:
        if element != "receipt":
            return {"year": day.year, "number": self._context.count(f"{element} number")}
        number = self._context.count(f"receipt {place[0]} {place[1]}")
        return {"branchNumber": place[0], "workplaceNumber": place[1], "year": day.year, "number": number}

    def _with_payments(self, kind: DocumentKind, document: WireFields) -> WireFields:
        payments = [*self._origins.payments(kind, document), *document.child("paymentList").children("payment")]
        paid = WireFields(("payment", self._register_payment(payment, document)) for payment in payments)
        return self._context.contract.merged(kind.type, document, WireFields([("paymentList", paid)]))

    def _register_payment(self, payment: WireFields, document: WireFields) -> WireFields:
        day = {} if payment.has_name("financialDate") else {"financialDate": document.child("financialDate")}
        return registered(self._context, self._reference, payment, **day)


def _with_dates(value: Any) -> Any:
    """Return the values with dates and times instead of their texts."""
    match value:
        case Mapping():
            return {
                name: _moment(name, item) if isinstance(item, str) else _with_dates(item)
                for name, item in value.items()
            }
        case list() | tuple():
            return [_with_dates(item) for item in value]
        case _:
            return value


def _moment(name: str, text: str) -> Any:
    if name.endswith("Date"):
        return date.fromisoformat(text)
    return datetime.fromisoformat(text).replace(tzinfo=ZONE) if name.endswith("Timestamp") else text
