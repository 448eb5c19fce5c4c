"""Fields of documents and their parts: our names, their wire names and types."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache

from integration.connectors.mplus.client import qualified
from integration.connectors.mplus.codec.fields import SIMPLE, sequence, spaced
from integration.core.records import Field, FieldType, Kind

_T = FieldType


@dataclass(frozen=True, slots=True)
class DocumentType:
    """Names of one kind of document in the interface."""

    type: str
    item: str
    key: str
    marker: str  # element with the till's present marker of this kind
    options: Mapping[str, bool]
    # Our fields for preceding and following documents, and the elements with their ids (single or lists).
    related: Mapping[str, tuple[str, ...]]

    @property
    def operation(self) -> str:
        """Return the operation that lists documents of this kind."""
        return f"get{self.type}s"

    @property
    def keys(self) -> str:
        """Return the filter that selects documents by their ids."""
        return f"{self.key}s"

    @property
    def path(self) -> str:
        """Return the path of the documents in an answer."""
        return f"{qualified(f'{self.item}List')}/{qualified(self.item)}"


DOCUMENTS: Mapping[Kind, DocumentType] = {
    Kind.ORDER: DocumentType(
        "Order", "order", "orderId", "orderSyncMarker", {}, {"invoices": ("invoiceIds",), "proposals": ("proposalId",)}
    ),
    Kind.INVOICE: DocumentType(
        "Invoice",
        "invoice",
        "invoiceId",
        "invoiceSyncMarker",
        {},
        {"orders": ("orderIds",), "proposals": ("proposalIds",)},
    ),
    # The order references of a receipt are only returned on request.
    Kind.RECEIPT: DocumentType(
        "Receipt",
        "receipt",
        "receiptId",
        "receiptSyncMarker",
        {"includeOrderReferences": True},
        {"orders": ("orderIds",)},
    ),
    Kind.PROPOSAL: DocumentType(
        "Proposal",
        "proposal",
        "proposalId",
        "proposalSyncMarker",
        {},
        {"orders": ("orderId",), "invoices": ("invoiceId", "invoiceIds")},
    ),
}
OPTIONAL_MARKERS = frozenset({Kind.PROPOSAL})  # kinds whose present marker is optional in the interface

# Our name, caption, type, and the wire name: one for all, or one each for orders, invoices, receipts and proposals.
_HEAD: tuple[tuple[str, str, FieldType, str | tuple[str, str, str, str]], ...] = (
    ("number", "Number", _T.CODE, ("orderNumber", "invoiceNumber", "receiptNumber", "proposalNumber")),
    ("external_id", "External id", _T.CODE, ("extOrderId", "extInvoiceId", "extReceiptId", "extProposalId")),
    ("type", "Type", _T.CODE, ("orderType", "invoiceType", "receiptType", "proposalType")),
    ("date", "Booking date", _T.DATE, "financialDate"),
    ("entered", "Entered", _T.DATE, "entryTimestamp"),
    ("delivery_date", "Delivery date", _T.DATE, ("deliveryDate", "", "", "")),
    ("due_date", "Due date", _T.DATE, ("", "dueDate", "", "")),
    ("branch", "Branch", _T.CODE, "financialBranchNumber"),
    ("entry_branch", "Branch where entered", _T.CODE, "entryBranchNumber"),
    ("workplace", "Workplace", _T.CODE, "workplaceNumber"),
    ("employee", "Employee", _T.CODE, "employeeNumber"),
    ("category", "Order category", _T.CODE, ("orderCategoryNumber", "orderCategoryNumber", "", "orderCategoryNumber")),
    ("delivery_state", "Delivered", _T.CODE, ("deliveryState", "", "", "")),
    ("cancel_state", "Cancellation state", _T.CODE, ("cancelState", "", "", "")),
    ("complete_state", "Completed", _T.CODE, ("completeState", "", "", "")),
    ("state", "State of payment", _T.CODE, ("", "state", "state", "")),
    ("state", "State", _T.CODE, ("", "", "", "state")),
    ("vat_method", "VAT method", _T.CODE, "vatMethod"),
    ("total_incl", "Total including VAT", _T.MONEY, "totalInclAmount"),
    ("total_excl", "Total excluding VAT", _T.MONEY, "totalExclAmount"),
    ("paid_amount", "Paid", _T.MONEY, ("prepaidAmount", "paidAmount", "paidAmount", "")),
    ("reference", "Reference", _T.TEXT, "reference"),
    ("relation", "Relation number", _T.CODE, "relationNumber"),
    ("delivery_method", "Delivery method", _T.CODE, ("deliveryMethod", "", "", "")),
    ("credit_of", "Credited document", _T.CODE, ("", "creditedInvoiceId", "creditedReceiptId", "")),
    ("marker", "Marker", _T.CODE, "syncMarker"),
    ("counter", "Change counter", _T.CODE, "changeCounter"),
)
_RELATED = {
    "orders": "Orders it belongs to",
    "invoices": "Invoices made from it",
    "proposals": "Proposals it comes from",
}
_DERIVED = (
    Field("cancelled", "Cancelled", _T.FLAG, Kind.ORDER),
    Field("paid", "Paid in full", _T.FLAG, Kind.ORDER),
    Field("payment_method", "Payment method", _T.CODE, Kind.ORDER),
    Field("country", "Country of the customer", _T.TEXT, Kind.ORDER),
    Field("digest", "Digest of what the books take over", _T.CODE, Kind.ORDER),
)
_LINE = (
    Field("article", "Article number", _T.CODE, Kind.LINE, wire="articleNumber"),
    Field("text", "Text", _T.TEXT, Kind.LINE, wire="text"),
)
_LINE_DATA = (
    Field("quantity", "Quantity", _T.NUMBER, Kind.LINE, wire="quantity"),
    Field("price_incl", "Price including VAT", _T.MONEY, Kind.LINE, wire="price"),
    Field("price_excl", "Price excluding VAT", _T.MONEY, Kind.LINE, wire="priceExcl"),
    Field("discount_percent", "Discount in percent", _T.NUMBER, Kind.LINE, wire="discountPercentage"),
    Field("discount_type", "Kind of discount", _T.CODE, Kind.LINE, wire="discountType"),
    Field("amount_incl", "Amount including VAT", _T.MONEY, Kind.LINE, wire="totalInclAmount"),
    Field("amount_excl", "Amount excluding VAT", _T.MONEY, Kind.LINE, wire="totalExclAmount"),
    Field("vat_code", "VAT code", _T.CODE, Kind.LINE, wire="vatCode"),
    Field("vat_percent", "VAT in percent", _T.NUMBER, Kind.LINE, wire="vatPercentage"),
    Field("turnover_group", "Turnover group", _T.CODE, Kind.LINE, wire="turnoverGroup"),
    Field("price_type", "Price type", _T.CODE, Kind.LINE, wire="priceType"),
    Field("turnover_type", "Turnover type", _T.CODE, Kind.LINE, wire="turnoverGroupType"),
)
_CODE = Field("code", "External article id", _T.CODE, Kind.LINE)
_VAT = (
    Field("code", "VAT code", _T.CODE, Kind.VAT, wire="vatCode"),
    Field("percent", "VAT in percent", _T.NUMBER, Kind.VAT, wire="vatPercentage"),
    Field("excl", "Base", _T.MONEY, Kind.VAT, wire="exclAmount"),
    Field("vat", "VAT", _T.MONEY, Kind.VAT, wire="vatAmount"),
)
_PAYMENT = (
    Field("method", "Payment method", _T.CODE, Kind.PAYMENT, wire="method"),
    Field("name", "Name of the method", _T.TEXT, Kind.PAYMENT, wire="description"),
    Field("type", "Type of the method", _T.CODE, Kind.PAYMENT, wire="paymentMethodType"),
    Field("amount", "Amount", _T.MONEY, Kind.PAYMENT, wire="amount"),
    Field("date", "Date", _T.DATE, Kind.PAYMENT, wire="financialDate"),
    Field("branch", "Branch", _T.CODE, Kind.PAYMENT, wire="branchNumber"),
    Field("reference", "Reference of the provider", _T.TEXT, Kind.PAYMENT, wire="externalReference"),
)
_ADDRESS = (
    Field("name", "Name", _T.TEXT, Kind.ADDRESS, wire="name"),
    Field("contact", "Contact", _T.TEXT, Kind.ADDRESS, wire="contact"),
    Field("street", "Street and number", _T.TEXT, Kind.ADDRESS, wire="address"),
    Field("postcode", "Postcode", _T.TEXT, Kind.ADDRESS, wire="zipcode"),
    Field("city", "City", _T.TEXT, Kind.ADDRESS, wire="city"),
    Field("country", "Country", _T.TEXT, Kind.ADDRESS, wire="country"),
)

_OUR_NAMES = frozenset(
    {row[0] for row in _HEAD} | _RELATED.keys() | {field.name for field in (*_DERIVED, _CODE, *_LINE, *_LINE_DATA)}
)  # fmt: skip

SCALED = {
    "quantity": "decimalPlaces",
    "deliveredQuantity": "deliveredDecimalPlaces",
    "cancelledQuantity": "cancelledDecimalPlaces",
    "exchangeRateBuyPrice": "exchangeRateBuyPriceDecimalPlaces",
    "exchangeRateSellPrice": "exchangeRateSellPriceDecimalPlaces",
}
_HANDLED_SEPARATELY = frozenset(
    {"fullyPaid", "paymentMethod", "lineKind", "lineType", "subLineType", "tempId", "tempLineId"}
)
_SIMPLE_TYPES = {xsd: type_ for xsd, type_ in SIMPLE.items() if xsd != "date"} | {"short": _T.NUMBER}
_AMOUNTS = re.compile(r"(Amount|Price)(Excl)?$")
_CODE_PATTERN = re.compile(r"(Number|Code|Id|Group)$")


def _head(kind: Kind) -> Iterator[Field]:
    place = list(DOCUMENTS).index(kind)
    for name, caption, type_, wires in _HEAD:
        wire = wires if isinstance(wires, str) else wires[place]
        if wire:
            yield Field(name, caption, type_, kind, wire=wire)


def _other_fields(type_: str, kind: Kind, own_fields: Iterable[Field]) -> Iterator[Field]:
    """Yield every other simple field of a type under its wire name."""
    used_wires = {field.wire for field in own_fields} | set(SCALED.values()) | _HANDLED_SEPARATELY
    if kind in DOCUMENTS:
        used_wires.add(DOCUMENTS[kind].key)
    for wire, xsd in sequence(type_).items():
        if wire not in used_wires and xsd in _SIMPLE_TYPES:
            yield Field(wire, spaced(wire), _document_type(wire, xsd), kind, wire=wire)


def _document_type(wire: str, xsd: str) -> FieldType:
    if xsd == "long" and _AMOUNTS.search(wire) and wire not in SCALED:
        return _T.MONEY
    is_code = xsd in ("int", "short", "long") and _CODE_PATTERN.search(wire)
    return _T.CODE if is_code else _SIMPLE_TYPES[xsd]


@cache
def simple_fields(type_: str, kind: Kind) -> tuple[Field, ...]:
    """Return the fields of a type of the interface, in a record of this kind."""
    ours: tuple[Field, ...] = {
        "Line": _LINE, "LineData": _LINE_DATA, "VatGroup": _VAT, "Payment": _PAYMENT, "Address": _ADDRESS,
    }.get(type_, ())  # fmt: skip
    if kind in DOCUMENTS:
        ours = tuple(_head(kind))
    if kind not in (*DOCUMENTS, Kind.LINE):
        return ours
    return (*ours, *_other_fields(type_, kind, ours))


def _derived_fields(kind: Kind) -> Iterator[Field]:
    """Yield the fields computed from several elements, without those that do not apply to the kind."""
    without = {
        Kind.ORDER: frozenset[str](),
        Kind.PROPOSAL: frozenset({"paid", "payment_method"}),
    }.get(kind, frozenset({"cancelled"}))
    for name, wires in DOCUMENTS[kind].related.items():
        yield Field(name, _RELATED[name], _T.LIST, kind, wire=wires[-1])
    yield from (replace(field, kind=kind) for field in _DERIVED if field.name not in without)


@cache
def document_fields(kind: Kind) -> tuple[Field, ...]:
    """Return the fields of a document or of one of its parts: first ours, then the others by their wire names.

    Other kinds have none.
    """
    if kind in DOCUMENTS:
        fields = [*simple_fields(DOCUMENTS[kind].type, kind), *_derived_fields(kind)]
    elif kind is Kind.LINE:
        fields = [*simple_fields("Line", kind), _CODE, *simple_fields("LineData", kind)]
    else:
        types = {Kind.VAT: "VatGroup", Kind.PAYMENT: "Payment", Kind.ADDRESS: "Address"}
        return simple_fields(types[kind], kind) if kind in types else ()
    return tuple(sorted(fields, key=lambda field: field.name not in _OUR_NAMES))
