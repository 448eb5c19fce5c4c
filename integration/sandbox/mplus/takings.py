"""Amounts of the till's documents, one by one, for journals, reports and counts.

Where the interface is unspecific, this follows a worked example of a till's day: a payment counts on its own day and
under the kind of document that it pays. A down payment on an order counts if it was taken at a workplace, and is no
sale. A payment that a webshop received through its own provider is in no drawer.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from integration.sandbox.mplus.context import TillContext
from integration.sandbox.mplus.contract import WireFields, day_of
from integration.sandbox.mplus.documents import DocumentSet, SandboxDocument
from integration.sandbox.mplus.sums import rounded

CASH: Final = "CASH"


@dataclass(frozen=True, slots=True)
class PaidTakings:
    """One payment: its day, place, method and amount."""

    day: date
    branch: int
    workplace: int
    method: str
    amount: int
    fields: WireFields


@dataclass(frozen=True, slots=True)
class BookedTakings:
    """One document as the journals count it; amounts in cents."""

    source: str
    day: date
    branch: int
    workplace: int
    lines: tuple[tuple[int, int, int, int], ...]  # turnover group, VAT code, with and without VAT
    vat: tuple[tuple[int, int, int], ...]  # VAT code, base and VAT
    costs: tuple[tuple[int, int, int], ...]  # turnover group, VAT code and purchase price, of lines that have one
    paid: tuple[PaidTakings, ...]
    fields: WireFields


class Takings:
    """Amounts of all documents. Each document is parsed once per change."""

    def __init__(self, context: TillContext, document_sets: Mapping[str, DocumentSet]) -> None:
        self._context = context
        self._document_sets = document_sets
        self._cache: dict[tuple[str, str], tuple[bytes, list[BookedTakings]]] = {}

    def documents(self, *sources: str) -> Iterator[BookedTakings]:
        """Return the documents of the given sources; of all sources if none is given."""
        for source in sources or self._document_sets:
            document_set = self._document_sets.get(source)
            for document in document_set.documents.values() if document_set else ():
                if document_set and document.visible_xml and not document.rehearsed:
                    yield from self._takings_of_document(source, document_set, document)

    def _takings_of_document(
        self, source: str, document_set: DocumentSet, document: SandboxDocument
    ) -> list[BookedTakings]:
        cached = self._cache.get((source, document.id))
        if cached is None or cached[0] is not document.visible_xml:
            fields = self._context.contract.reread(document.visible_xml, document_set.kind.type)
            fresh = _prepayments(fields) if source == "ORDER" else [_document_takings(source, fields)]
            cached = self._cache[source, document.id] = (document.visible_xml, fresh)
        return cached[1]


def _prepayments(order: WireFields) -> list[BookedTakings]:
    """Return the payments on an order at a till; they count, and the order itself does not."""
    day, branch, workplace = _day(order), order.number("financialBranchNumber"), order.number("workplaceNumber")
    payments = tuple(payment for payment in _payments(order) if payment.fields.number("workplaceNumber"))
    return [BookedTakings("ORDER", day, branch, workplace, (), (), (), payments, order)] if payments else []


def _document_takings(source: str, fields: WireFields) -> BookedTakings:
    data = [line.child("data") for line in fields.child("lineList").children("line")]
    lines = (
        (
            line_data.number("turnoverGroup"),
            line_data.number("vatCode"),
            line_data.number("totalInclAmount"),
            line_data.number("totalExclAmount"),
        )
        for line_data in data
    )
    vat = (
        (vat_group.number("vatCode"), vat_group.number("exclAmount"), vat_group.number("vatAmount"))
        for vat_group in fields.child("vatGroupList").children("vatGroup")
    )
    return BookedTakings(
        source,
        _day(fields),
        fields.number("financialBranchNumber"),
        fields.number("workplaceNumber"),
        tuple(lines),
        tuple(vat),
        tuple(
            (line_data.number("turnoverGroup"), line_data.number("vatCode"), _cost(line_data))
            for line_data in data
            if _cost(line_data)
        ),
        tuple(_payments(fields)),
        fields,
    )


def _cost(line: WireFields) -> int:
    """Return the purchase cost of a line in cents; 0 if unknown."""
    return rounded(line.scaled("quantity", "decimalPlaces") * line.number("purchasePrice"))


def _payments(document: WireFields) -> Iterator[PaidTakings]:
    for payment in document.child("paymentList").children("payment"):
        yield PaidTakings(
            day_of(payment.child("financialDate")) or _day(document),
            payment.number("branchNumber") or document.number("financialBranchNumber"),
            payment.number("workplaceNumber") or document.number("workplaceNumber"),
            payment.text("method"),
            payment.number("amount"),
            payment,
        )


def _day(document: WireFields) -> date:
    day = day_of(document.child("financialDate"))
    if day is None:
        raise LookupError("a document without a financial date")
    return day


def is_in_period(day: date, first: date | None, last: date | None) -> bool:
    """Return True if a day lies in a period, which may be open at either end."""
    return (first is None or first <= day) and (last is None or day <= last)
