"""Which fields there are, also in documents: our words, their wire names and types, their order in the interface."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache

from lxml import etree

from integration.connectors.mplus.client import description, tag
from integration.core.records import Field, FieldType, Kind

CUSTOM = "custom:"

_T = FieldType
_P, _A, _G, _R = Kind.PRODUCT, Kind.ARTICLE, Kind.GROUP, Kind.RELATION

# Our words, with the wire name and type of each.
FIELDS: tuple[Field, ...] = (
    Field("name", "Product name", _T.TEXT, _P, wire="description"),
    Field("text", "Long description", _T.TEXT, _P, wire="extraText"),
    Field("groups", "Article groups", _T.LIST, _P, wire="groupNumbers"),
    Field("external_id", "External article id", _T.CODE, _A, wire="extArticleId"),
    Field("name", "Article name", _T.TEXT, _A, wire="description"),
    Field("invoice_text", "Text on invoice", _T.TEXT, _A, wire="invoiceText"),
    Field("receipt_text", "Text on receipt", _T.TEXT, _A, wire="receiptText"),
    Field("display_text", "Text on display", _T.TEXT, _A, wire="displayText"),
    Field("text", "Article description", _T.TEXT, _A, wire="extraText"),
    Field("plu", "PLU", _T.CODE, _A, wire="pluNumber"),
    Field("ean", "EAN / GTIN", _T.CODE, _A, wire="barcode"),
    Field("colour", "Colour", _T.TEXT, _A, wire="colour"),
    Field("colour_order", "Order among colours", _T.NUMBER, _A, wire="colourSequenceNumber"),
    Field("size", "Size", _T.TEXT, _A, wire="size"),
    Field("size_order", "Order among sizes", _T.NUMBER, _A, wire="sizeSequenceNumber"),
    Field("brand", "Brand", _T.TEXT, _A, wire="brandName"),
    Field("unit", "Unit", _T.TEXT, _A, wire="unit"),
    Field("vat_code", "VAT code", _T.CODE, _A, wire="vatCode"),
    Field("price_incl", "Price including VAT", _T.MONEY, _A, wire="priceIncl"),
    Field("price_excl", "Price excluding VAT", _T.MONEY, _A, wire="priceExcl"),
    Field("purchase_price", "Purchase price", _T.MONEY, _A, wire="purchasePrice"),
    Field("turnover_group", "Turnover group", _T.CODE, _A, wire="turnoverGroup"),
    Field("active", "Active", _T.FLAG, _A, wire="active"),
    Field("discontinued", "Discontinued", _T.FLAG, _A, wire="discontinued"),
    Field("stock_managed", "Stock is managed", _T.FLAG, _A, wire="stockArticle"),
    Field("webshop", "In webshop", _T.FLAG, _A, wire="webshop"),
    Field("name", "Group name", _T.TEXT, _G, wire="name"),
    Field("parent", "Parent group", _T.CODE, _G, wire="parentGroupNumber"),
    Field("name", "Name", _T.TEXT, _R, wire="name"),
    Field("company", "Company", _T.TEXT, _R, wire="companyName"),
    Field("contact", "Contact", _T.TEXT, _R, wire="contact"),
    Field("street", "Street and number", _T.TEXT, _R, wire="address"),
    Field("postcode", "Postcode", _T.TEXT, _R, wire="zipcode"),
    Field("city", "City", _T.TEXT, _R, wire="city"),
    Field("country", "Country", _T.TEXT, _R, wire="country"),
    Field("delivery_street", "Delivery: street and number", _T.TEXT, _R, wire="deliveryAddress"),
    Field("delivery_postcode", "Delivery: postcode", _T.TEXT, _R, wire="deliveryZipcode"),
    Field("delivery_city", "Delivery: city", _T.TEXT, _R, wire="deliveryCity"),
    Field("delivery_country", "Delivery: country", _T.TEXT, _R, wire="deliveryCountry"),
    Field("phone", "Telephone", _T.TEXT, _R, wire="telephone"),
    Field("mobile", "Mobile", _T.TEXT, _R, wire="mobile"),
    Field("email", "E-mail", _T.TEXT, _R, wire="email"),
    Field("website", "Website", _T.TEXT, _R, wire="website"),
    Field("vat_number", "VAT number", _T.CODE, _R, wire="vatNumber"),
    Field("chamber_number", "Chamber of commerce number", _T.CODE, _R, wire="commerceNumber"),
    Field("external_id", "External id", _T.CODE, _R, wire="extRelationId"),
    Field("code", "Relation code", _T.CODE, _R, length=128, wire="relationCode"),
    Field("price_group", "Price group", _T.CODE, _R, wire="priceGroupNumber"),
    Field("discount_percent", "Discount in percent", _T.NUMBER, _R, wire="discountPercentage"),
    Field("payment_days", "Days to pay", _T.NUMBER, _R, wire="paymentWithinDays"),
    Field("credit_limit", "Credit limit", _T.MONEY, _R, wire="creditLimit"),
    Field("vat_method", "VAT method", _T.CODE, _R, wire="defaultVatMethod"),
    Field("iban", "Bank account", _T.CODE, _R, wire="bankAccountNumber"),
    Field("active", "Active", _T.FLAG, _R, wire="active"),
    Field("number", "Article number", _T.CODE, Kind.STOCK, wire="articleNumber"),
    Field("managed", "Stock is managed", _T.FLAG, Kind.STOCK, wire="stockArticle"),
    Field("amount", "Stock level", _T.NUMBER, Kind.LEVEL, wire="amount"),
)

QUANTITIES = {
    "contentQuantity": "contentQuantityDecimalPlaces",
    "orderQuantityValue": "orderQuantityDecimalPlaces",
    "exchangeRateBuyPrice": "exchangeRateBuyPriceDecimalPlaces",
    "exchangeRateSellPrice": "exchangeRateSellPriceDecimalPlaces",
}
_OWN = frozenset(  # keys, and what has its own way or none
    {
        "productNumber", "articleNumber", "relationNumber", "syncMarker", "groupNumbers", "branchesNonPurchasable",
        "cardNumbers",
    }
)  # fmt: skip
_READ_ONLY = frozenset(
    {
        "changeTimestamp", "createTimestamp", "averagePurchasePrice", "vatPercentage", "vatPercentageAlternative",
        "supplierRelationName", "articleDiscountGroupName", "points", "balance", "invoiceCredit", "accountBalance",
        "cantRedeemPointsReason",
    }
)  # fmt: skip
_CODES = re.compile(r"(Number|Code|Id|CodeAlternative|GroupNumber)$")

# Elements of the official interface that our description leaves out, each with the one it follows (API v67.1.3).
_UNDESCRIBED = {
    "course": "articleDiscountGroupName",
    "preparationMethodList": "priceGroupList",
    "nutritionalCharacteristics": "askFor",
}


_XSD = "{http://www.w3.org/2001/XMLSchema}"


@cache
def sequence(name: str) -> Mapping[str, str]:
    """Return the elements of a type of the interface in their order, with their types: `{"vatCode": "int"}`.

    Types of the interface itself are `tns:...`, and `enum` where they are lists of words.
    """
    root = etree.fromstring(description())
    words = {simple.get("name") for simple in root.iter(f"{_XSD}simpleType")}
    found = root.iterfind(f".//{_XSD}complexType[@name='{name}']/{_XSD}sequence/{_XSD}element")
    kinds = {str(each.get("name")): str(each.get("type")) for each in found}
    return {
        wire: "enum" if kind.removeprefix("tns:") in words else kind.removeprefix("xsd:")
        for wire, kind in kinds.items()
    }


@cache
def places(name: str) -> Mapping[str, int]:
    """Return the place of each element of a type in its order, by qualified name."""
    order = list(sequence(name))
    if name == "Article":
        for wire, after in _UNDESCRIBED.items():
            if wire not in order:
                order.insert(order.index(after) + 1, wire)
    return {tag(wire): place for place, wire in enumerate(order)}


TYPES = {Kind.PRODUCT: "Product", Kind.ARTICLE: "Article", Kind.RELATION: "Relation"}
_SIMPLE = {
    "string": _T.TEXT, "boolean": _T.FLAG, "int": _T.NUMBER, "long": _T.NUMBER, "decimal": _T.NUMBER,
    "date": _T.DATE, "enum": _T.CODE, "tns:SoapMplusDate": _T.DATE,
}  # fmt: skip


@cache
def offered(kind: Kind) -> tuple[Field, ...]:
    """Return the fields of a kind that can be mapped: our words first, then every other simple one by its wire name."""
    ours = tuple(field for field in FIELDS if field.kind == kind)
    if kind not in TYPES:
        return ours
    taken = {field.wire for field in ours} | _OWN | _READ_ONLY | set(QUANTITIES.values())
    others = [
        Field(wire, spaced(wire), _other_type(wire, xsd), kind, wire=wire)
        for wire, xsd in sequence(TYPES[kind]).items()
        if wire not in taken and xsd in _SIMPLE
    ]
    return (*ours, *others)


def custom_field(name: str, data_type: str, kind: Kind = Kind.ARTICLE) -> Field:
    """Return the field of a custom field as the till defines it for a kind."""
    kinds = {
        "DATA-TYPE-INT": _T.NUMBER, "DATA-TYPE-DECIMAL": _T.NUMBER, "DATA-TYPE-BOOL": _T.FLAG,
        "DATA-TYPE-DATE": _T.DATE, "DATA-TYPE-DATETIME": _T.DATE, "DATA-TYPE-MULTISELECTINT": _T.LIST,
    }  # fmt: skip
    return Field(f"{CUSTOM}{name}", name, kinds.get(data_type, _T.TEXT), kind, wire=name, custom=True)


def spaced(wire: str) -> str:
    """Return a wire name as a caption: `creditedReason` is Credited reason."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", wire).capitalize()


def _other_type(wire: str, xsd: str) -> FieldType:
    return _T.CODE if xsd in ("int", "long") and _CODES.search(wire) else _SIMPLE[xsd]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """How this installation's articles are read and written: which flag takes an article off sale."""

    retire_with: str = "active"

    def named(self, kind: Kind) -> tuple[Field, ...]:
        """Return the fields of a kind; the flag that serves as `active` is not offered a second time."""
        return tuple(field for field in offered(kind) if not (self.inverted and field.name == "discontinued"))

    @property
    def inverted(self) -> bool:
        """Tell whether `active` is kept in the flag that says the opposite."""
        return self.retire_with == "discontinued"


# ---- which fields orders, invoices and receipts and their parts have: our words, their wire names and types


@dataclass(frozen=True, slots=True)
class DocumentType:
    """What the interface calls one kind of document and its parts."""

    type: str
    item: str
    key: str
    marker: str  # the till's present marker of this kind
    options: Mapping[str, bool]

    @property
    def operation(self) -> str:
        """Return the call that lists documents of this kind."""
        return f"get{self.type}s"

    @property
    def keys(self) -> str:
        """Return the filter that names documents by their ids."""
        return f"{self.key}s"

    @property
    def path(self) -> str:
        """Return the path of the documents in an answer."""
        return f"{tag(f'{self.item}List')}/{tag(self.item)}"


DOCUMENTS: Mapping[Kind, DocumentType] = {
    Kind.ORDER: DocumentType("Order", "order", "orderId", "orderSyncMarker", {}),
    Kind.INVOICE: DocumentType("Invoice", "invoice", "invoiceId", "invoiceSyncMarker", {}),
    # Only when asked for does a receipt say to which orders it belongs.
    Kind.RECEIPT: DocumentType(
        "Receipt", "receipt", "receiptId", "receiptSyncMarker", {"includeOrderReferences": True}
    ),
}

# Our word, caption, type, and the wire name: one for all three, or one each for orders, invoices and receipts.
_HEAD: tuple[tuple[str, str, FieldType, str | tuple[str, str, str]], ...] = (
    ("number", "Number", _T.CODE, ("orderNumber", "invoiceNumber", "receiptNumber")),
    ("external_id", "External id", _T.CODE, ("extOrderId", "extInvoiceId", "extReceiptId")),
    ("type", "Type", _T.CODE, ("orderType", "invoiceType", "receiptType")),
    ("date", "Booking date", _T.DATE, "financialDate"),
    ("entered", "Entered", _T.DATE, "entryTimestamp"),
    ("delivery_date", "Delivery date", _T.DATE, ("deliveryDate", "", "")),
    ("due_date", "Due date", _T.DATE, ("", "dueDate", "")),
    ("branch", "Branch", _T.CODE, "financialBranchNumber"),
    ("entry_branch", "Branch where entered", _T.CODE, "entryBranchNumber"),
    ("workplace", "Workplace", _T.CODE, "workplaceNumber"),
    ("employee", "Employee", _T.CODE, "employeeNumber"),
    ("category", "Order category", _T.CODE, ("orderCategoryNumber", "orderCategoryNumber", "")),
    ("delivery_state", "Delivered", _T.CODE, ("deliveryState", "", "")),
    ("cancel_state", "Cancelled: how far", _T.CODE, ("cancelState", "", "")),
    ("complete_state", "Completed", _T.CODE, ("completeState", "", "")),
    ("state", "State of payment", _T.CODE, ("", "state", "state")),
    ("vat_method", "VAT method", _T.CODE, "vatMethod"),
    ("total_incl", "Total including VAT", _T.MONEY, "totalInclAmount"),
    ("total_excl", "Total excluding VAT", _T.MONEY, "totalExclAmount"),
    ("paid_amount", "Paid", _T.MONEY, ("prepaidAmount", "paidAmount", "paidAmount")),
    ("reference", "Reference", _T.TEXT, "reference"),
    ("relation", "Relation number", _T.CODE, "relationNumber"),
    ("delivery_method", "Delivery method", _T.CODE, ("deliveryMethod", "", "")),
    ("credit_of", "Credited document", _T.CODE, ("", "creditedInvoiceId", "creditedReceiptId")),
    ("orders", "Orders it comes from", _T.LIST, ("", "orderIds", "orderIds")),
    ("marker", "Marker", _T.CODE, "syncMarker"),
    ("counter", "Change counter", _T.CODE, "changeCounter"),
)
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

_OURS = frozenset(
    {row[0] for row in _HEAD} | {field.name for field in (*_DERIVED, _CODE, *_LINE, *_LINE_DATA)}
)  # fmt: skip

SCALED = {
    "quantity": "decimalPlaces",
    "deliveredQuantity": "deliveredDecimalPlaces",
    "cancelledQuantity": "cancelledDecimalPlaces",
    "exchangeRateBuyPrice": "exchangeRateBuyPriceDecimalPlaces",
    "exchangeRateSellPrice": "exchangeRateSellPriceDecimalPlaces",
}
_OWN_THERE = frozenset({"fullyPaid", "paymentMethod", "lineKind", "lineType", "subLineType", "tempId", "tempLineId"})
_SIMPLE_THERE = {xsd: type_ for xsd, type_ in _SIMPLE.items() if xsd != "date"} | {"short": _T.NUMBER}
_AMOUNTS = re.compile(r"(Amount|Price)(Excl)?$")
_CODES_THERE = re.compile(r"(Number|Code|Id|Group)$")


def _head(kind: Kind) -> Iterator[Field]:
    place = list(DOCUMENTS).index(kind)
    for name, caption, type_, wires in _HEAD:
        wire = wires if isinstance(wires, str) else wires[place]
        if wire:
            yield Field(name, caption, type_, kind, wire=wire)


def _others(type_: str, kind: Kind, taken: Iterable[Field]) -> Iterator[Field]:
    """Yield every other simple field of a type under its wire name."""
    known = {field.wire for field in taken} | set(SCALED.values()) | _OWN_THERE
    if kind in DOCUMENTS:
        known.add(DOCUMENTS[kind].key)
    for wire, xsd in sequence(type_).items():
        if wire not in known and xsd in _SIMPLE_THERE:
            yield Field(wire, spaced(wire), _document_type(wire, xsd), kind, wire=wire)


def _document_type(wire: str, xsd: str) -> FieldType:
    if xsd == "long" and _AMOUNTS.search(wire) and wire not in SCALED:
        return _T.MONEY
    is_code = xsd in ("int", "short", "long") and _CODES_THERE.search(wire)
    return _T.CODE if is_code else _SIMPLE_THERE[xsd]


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
    return (*ours, *_others(type_, kind, ours))


@cache
def document_fields(kind: Kind) -> tuple[Field, ...]:
    """Return the fields of a document or of one of its parts: our words first, then the others by their wire names.

    A kind that is neither has none.
    """
    if kind in DOCUMENTS:
        derived = [field for field in _DERIVED if field.name != "cancelled" or kind is Kind.ORDER]
        fields = [*simple_fields(DOCUMENTS[kind].type, kind), *(replace(field, kind=kind) for field in derived)]
    elif kind is Kind.LINE:
        fields = [*simple_fields("Line", kind), _CODE, *simple_fields("LineData", kind)]
    else:
        types = {Kind.VAT: "VatGroup", Kind.PAYMENT: "Payment", Kind.ADDRESS: "Address"}
        return simple_fields(types[kind], kind) if kind in types else ()
    return tuple(sorted(fields, key=lambda field: field.name not in _OURS))
