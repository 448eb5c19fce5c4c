"""Fields of the till: our names, their wire names and types, and their order in the interface."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from lxml import etree

from integration.connectors.mplus.client import description, qualified
from integration.core.records import Field, FieldType, Kind

CUSTOM = "custom:"

_T = FieldType
_P, _A, _G, _R = Kind.PRODUCT, Kind.ARTICLE, Kind.GROUP, Kind.RELATION

# Our fields, with the wire name and type of each.
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
    Field("method", "Payment method", _T.CODE, Kind.SETTLEMENT, wire="method"),
    Field("amount", "Amount", _T.MONEY, Kind.SETTLEMENT, wire="amount"),
    Field("date", "Booking date", _T.DATE, Kind.DAY, wire="financialDate"),
    Field("branch", "Branch", _T.CODE, Kind.DAY, wire="branchNumber"),
    Field("branch_name", "Branch name", _T.TEXT, Kind.DAY, wire="branchName"),
    Field("closed", "Closed", _T.FLAG, Kind.DAY, wire="financialPeriodClosed"),
    Field("reference", "Reference of the question", _T.CODE, Kind.DAY, wire="reference"),
    Field("digest", "Digest of what the books take over", _T.CODE, Kind.DAY),
)

QUANTITIES = {
    "contentQuantity": "contentQuantityDecimalPlaces",
    "orderQuantityValue": "orderQuantityDecimalPlaces",
    "exchangeRateBuyPrice": "exchangeRateBuyPriceDecimalPlaces",
    "exchangeRateSellPrice": "exchangeRateSellPriceDecimalPlaces",
}
_HANDLED_SEPARATELY = frozenset(  # keys, and fields that are handled separately or not at all
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

# Elements of the official interface that our WSDL lacks, each with the element before it (API v67.1.3).
_MISSING_IN_WSDL = {
    "course": "articleDiscountGroupName",
    "preparationMethodList": "priceGroupList",
    "nutritionalCharacteristics": "askFor",
}


_XSD = "{http://www.w3.org/2001/XMLSchema}"


@cache
def sequence(name: str) -> Mapping[str, str]:
    """Return the elements of a type of the interface in order, with their types: `{"vatCode": "int"}`.

    Types of the interface itself are `tns:...`, and enumerations are `enum`.
    """
    root = etree.fromstring(description())
    words = {simple.get("name") for simple in root.iter(f"{_XSD}simpleType")}
    elements = root.iterfind(f".//{_XSD}complexType[@name='{name}']/{_XSD}sequence/{_XSD}element")
    kinds = {str(element.get("name")): str(element.get("type")) for element in elements}
    return {
        wire: "enum" if kind.removeprefix("tns:") in words else kind.removeprefix("xsd:")
        for wire, kind in kinds.items()
    }


@cache
def places(name: str) -> Mapping[str, int]:
    """Return the position of each element in the order of its type, by qualified name."""
    order = list(sequence(name))
    if name == "Article":
        for wire, after in _MISSING_IN_WSDL.items():
            if wire not in order:
                order.insert(order.index(after) + 1, wire)
    return {qualified(wire): place for place, wire in enumerate(order)}


TYPES = {Kind.PRODUCT: "Product", Kind.ARTICLE: "Article", Kind.RELATION: "Relation"}
SIMPLE = {
    "string": _T.TEXT, "boolean": _T.FLAG, "int": _T.NUMBER, "long": _T.NUMBER, "decimal": _T.NUMBER,
    "date": _T.DATE, "enum": _T.CODE, "tns:SoapMplusDate": _T.DATE,
}  # fmt: skip


@cache
def mappable_fields(kind: Kind) -> tuple[Field, ...]:
    """Return the fields of a kind that can be mapped: first ours, then every other simple one by its wire name."""
    ours = tuple(field for field in FIELDS if field.kind == kind)
    if kind not in TYPES:
        return ours
    used_wires = {field.wire for field in ours} | _HANDLED_SEPARATELY | _READ_ONLY | set(QUANTITIES.values())
    others = [
        Field(wire, spaced(wire), _other_type(wire, xsd), kind, wire=wire)
        for wire, xsd in sequence(TYPES[kind]).items()
        if wire not in used_wires and xsd in SIMPLE
    ]
    return (*ours, *others)


def custom_field(name: str, data_type: str, kind: Kind = Kind.ARTICLE) -> Field:
    """Return the field of a custom field that the till defines for a kind."""
    kinds = {
        "DATA-TYPE-INT": _T.NUMBER, "DATA-TYPE-DECIMAL": _T.NUMBER, "DATA-TYPE-BOOL": _T.FLAG,
        "DATA-TYPE-DATE": _T.DATE, "DATA-TYPE-DATETIME": _T.DATE, "DATA-TYPE-MULTISELECTINT": _T.LIST,
    }  # fmt: skip
    return Field(f"{CUSTOM}{name}", name, kinds.get(data_type, _T.TEXT), kind, wire=name, custom=True)


def spaced(wire: str) -> str:
    """Return a wire name as a caption: `creditedReason` becomes `Credited reason`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", wire).capitalize()


def _other_type(wire: str, xsd: str) -> FieldType:
    return _T.CODE if xsd in ("int", "long") and _CODES.search(wire) else SIMPLE[xsd]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Settings that affect reading and writing in this installation: the flag that takes an article off sale.

    With `hundredths`, a discount of 2.5 % is sent as 250.
    """

    retire_with: str = "active"
    hundredths: bool = False

    def fields_of_kind(self, kind: Kind) -> tuple[Field, ...]:
        """Return the fields of a kind; the flag that serves as `active` is not offered a second time."""
        return tuple(field for field in mappable_fields(kind) if not (self.inverted and field.name == "discontinued"))

    @property
    def inverted(self) -> bool:
        """Return True if `active` is stored in the flag with the opposite meaning."""
        return self.retire_with == "discontinued"
