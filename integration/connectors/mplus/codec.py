"""The translation between the till's XML and our records. Wire names and wire habits live here and only here.

Amounts are whole cents in `long` fields and decimal in `decimal` fields; quantities are whole numbers beside a number
of decimals, and without that companion they are whole (the vendor's tutorials); dates are structures in which a zero
means no date; an empty number or flag means no value.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from functools import cache
from typing import Any

from lxml import etree

from integration.connectors.mplus.client import Element, description, tag
from integration.core.money import amount, from_cents, from_scaled, to_cents, to_scaled
from integration.core.records import Field, FieldType, Kind, Record, Value

CUSTOM = "custom:"

_T = FieldType
_P, _A, _G = Kind.PRODUCT, Kind.ARTICLE, Kind.GROUP

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
)
"""Our words, with the wire name and type of each."""

_QUANTITIES = {
    "contentQuantity": "contentQuantityDecimalPlaces",
    "orderQuantityValue": "orderQuantityDecimalPlaces",
    "exchangeRateBuyPrice": "exchangeRateBuyPriceDecimalPlaces",
    "exchangeRateSellPrice": "exchangeRateSellPriceDecimalPlaces",
}
_OWN = frozenset({"productNumber", "articleNumber", "syncMarker", "groupNumbers"})  # keys, and what has its own way
_READ_ONLY = frozenset(
    {
        "changeTimestamp", "createTimestamp", "averagePurchasePrice", "vatPercentage", "vatPercentageAlternative",
        "supplierRelationName", "articleDiscountGroupName",
    }
)  # fmt: skip
_CODES = re.compile(r"(Number|Code|Id|CodeAlternative|GroupNumber)$")

# Elements of the official interface that our description leaves out, each with the one it follows (API v67.1.3).
_UNDESCRIBED = {
    "course": "articleDiscountGroupName",
    "preparationMethodList": "priceGroupList",
    "nutritionalCharacteristics": "askFor",
}
# What the till computes anew from what is written; a copy of the old value beside the new one would contradict it.
_FOLLOWS = {
    "priceIncl": "priceExcl",
    "priceExcl": "priceIncl",
    "vatCode": "vatPercentage",
    "vatCodeAlternative": "vatPercentageAlternative",
}

_XSD = "{http://www.w3.org/2001/XMLSchema}"
_UNSTORABLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0, production 2

Keys = Callable[[str], str | None]
"""Translates a group's number into our code, or a code into the number; None when it has no counterpart."""


class UnfitError(ValueError):
    """A value cannot be written into its field."""

    def __init__(self, field: str, value: Value) -> None:
        super().__init__(f"{field}: {value!r}")
        self.field = field
        self.value = value


class CustomFieldUnknownError(ValueError):
    """A custom field is not defined at the till."""

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


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
def _places(name: str) -> Mapping[str, int]:
    order = list(sequence(name))
    if name == "Article":
        for wire, after in _UNDESCRIBED.items():
            if wire not in order:
                order.insert(order.index(after) + 1, wire)
    return {tag(wire): place for place, wire in enumerate(order)}


_TYPES = {Kind.PRODUCT: "Product", Kind.ARTICLE: "Article"}
_SIMPLE = {
    "string": _T.TEXT, "boolean": _T.FLAG, "int": _T.NUMBER, "long": _T.NUMBER, "decimal": _T.NUMBER,
    "date": _T.DATE, "enum": _T.CODE, "tns:SoapMplusDate": _T.DATE,
}  # fmt: skip


@cache
def offered(kind: Kind) -> tuple[Field, ...]:
    """Return the fields of a kind that can be mapped: our words first, then every other simple one by its wire name."""
    ours = tuple(field for field in FIELDS if field.kind == kind)
    if kind not in _TYPES:
        return ours
    taken = {field.wire for field in ours} | _OWN | _READ_ONLY | set(_QUANTITIES.values())
    others = [
        Field(wire, _spaced(wire), _other_type(wire, xsd), kind, wire=wire)
        for wire, xsd in sequence(_TYPES[kind]).items()
        if wire not in taken and xsd in _SIMPLE
    ]
    return (*ours, *others)


def custom_field(name: str, data_type: str) -> Field:
    """Return the field of a custom field of articles as the till defines it."""
    kinds = {
        "DATA-TYPE-INT": _T.NUMBER, "DATA-TYPE-DECIMAL": _T.NUMBER, "DATA-TYPE-BOOL": _T.FLAG,
        "DATA-TYPE-DATE": _T.DATE, "DATA-TYPE-DATETIME": _T.DATE, "DATA-TYPE-MULTISELECTINT": _T.LIST,
    }  # fmt: skip
    return Field(f"{CUSTOM}{name}", name, kinds.get(data_type, _T.TEXT), Kind.ARTICLE, wire=name, custom=True)


def _spaced(wire: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", wire).capitalize()


def _other_type(wire: str, xsd: str) -> FieldType:
    return _T.CODE if xsd in ("int", "long") and _CODES.search(wire) else _SIMPLE[xsd]


# ---- values


def _decoder(field: Field, xsd: str) -> Callable[[Element], Value]:
    match field.type, xsd:
        case _, "string" | "enum":
            return lambda element: element.text or ""
        case _, "boolean":
            return lambda element: _filled(element, lambda text: text in ("true", "1"))
        case FieldType.MONEY, "long":
            return lambda element: _filled(element, lambda text: from_cents(int(text)))
        case FieldType.CODE, _:
            return lambda element: _filled(element, lambda text: str(int(text)))
        case _, "int" | "long":
            return lambda element: _filled(element, lambda text: Decimal(int(text)))
        case _, "decimal":
            return lambda element: _filled(element, lambda text: amount(text, 6))
        case _, "date":
            return lambda element: _filled(element, lambda text: date.fromisoformat(text[:10]))
        case _:
            return _date


def _filled(element: Element, read: Callable[[str], Value]) -> Value:
    text = (element.text or "").strip()
    return read(text) if text else None


def _numbers(element: Element) -> dict[str, int]:
    return {etree.QName(child).localname: int(child.text) for child in element if child.text and child.text.isdigit()}


def _date(element: Element) -> date | None:
    parts = _numbers(element)
    if not (parts.get("day") and parts.get("mon") and parts.get("year")):
        return None
    return date(parts["year"], parts["mon"], parts["day"])


def _moment(element: Element) -> datetime | None:
    """Return the moment in UTC; `timezone` is minutes east of UTC, summer time included (the vendor's own clients)."""
    parts, day = _numbers(element), _date(element)
    if day is None:
        return None
    zone = timezone(timedelta(minutes=parts.get("timezone", 0)))
    clock = (parts.get("hour", 0), parts.get("min", 0), parts.get("sec", 0))
    return datetime(day.year, day.month, day.day, *clock, tzinfo=zone).astimezone(UTC)


def _encoded(field: str, value: Value, kind: FieldType, xsd: str) -> str:
    """Return the text of a value on the wire. Raises UnfitError."""
    match value, xsd:
        case str(), "string" | "enum" if not _UNSTORABLE.search(value):
            return value
        case Decimal(), "string":
            return format(value, "f")
        case bool(), "boolean":
            return "true" if value else "false"
        case Decimal(), "long" if kind is FieldType.MONEY:
            return str(to_cents(value))
        case Decimal(), "int" | "long" if value == value.to_integral_value():
            return str(int(value))
        case str(), "int" | "long" if re.fullmatch(r"-?[0-9]{1,18}", value):
            return str(int(value))
        case Decimal(), "decimal":
            return format(value, "f")
        case date(), "date":
            return value.isoformat()[:10]
        case _:
            raise UnfitError(field, value)


# ---- reading


@dataclass(frozen=True, slots=True)
class Words:
    """How this installation's articles are read and written: which flag takes an article off sale."""

    retire_with: str = "active"

    def named(self, kind: Kind) -> tuple[Field, ...]:
        """Return the fields of a kind; the flag that serves as `active` is not offered a second time."""
        return tuple(field for field in offered(kind) if not (self.inverted and field.name == "discontinued"))

    @property
    def inverted(self) -> bool:
        """Tell whether `active` is kept in the flag that says the opposite."""
        return self.retire_with == "discontinued"


@cache
def _readers(words: Words, kind: Kind) -> Mapping[str, tuple[str, Callable[[Element], Value]]]:
    types = sequence(_TYPES[kind])
    readers = {
        tag(field.wire): (field.name, _decoder(field, types[field.wire]))
        for field in words.named(kind)
        if field.name != "groups" and field.wire in types
    }
    if words.inverted and kind is Kind.ARTICLE:
        del readers[tag("active")]
        readers[tag("discontinued")] = (
            "active",
            lambda element: _filled(element, lambda text: text not in ("true", "1")),
        )
    return readers


def _values(element: Element, readers: Mapping[str, tuple[str, Callable[[Element], Value]]]) -> dict[str, Value]:
    values: dict[str, Value] = {}
    for child in element.iterchildren("*"):
        known = readers.get(child.tag)
        if known is not None:
            name, read = known
            value = read(child)
            if value is not None:
                values[name] = value
    return values


def decode_product(element: Element, key: str, code_of: Keys, words: Words) -> Record:
    """Return a product with its articles under our key. Groups that are not ours are left out.

    Raises ValueError when a field does not hold what its type says.
    """
    values = _values(element, _readers(words, Kind.PRODUCT))
    codes = (code_of(number) for number in group_numbers(element))
    values["groups"] = tuple(code for code in codes if code is not None)
    parts = tuple(_decode_article(article, words) for article in articles(element))
    return Record(Kind.PRODUCT, key, values, parts)


def _decode_article(element: Element, words: Words) -> Record:
    values = _values(element, _readers(words, Kind.ARTICLE))
    for wire, companion in _QUANTITIES.items():
        number = values.get(wire)
        if isinstance(number, Decimal):
            values[wire] = from_scaled(int(number), int(element.findtext(tag(companion)) or 0))
    for each in element.iterfind(f"{tag('customFieldList')}/{tag('customField')}"):
        values[CUSTOM + (each.findtext(tag("fieldName")) or "")] = _decode_custom(each)
    return Record(Kind.ARTICLE, article_number(element), values, source=str(values.get("external_id") or ""))


def _decode_custom(element: Element) -> Value:
    """Return a custom field's value from the element that belongs to its type."""
    whole = element.findtext(tag("intValue"))
    match element.findtext(tag("dataType")):
        case "DATA-TYPE-INT":
            return Decimal(int(whole)) if whole else None
        case "DATA-TYPE-DECIMAL":
            return from_scaled(int(whole), int(element.findtext(tag("decimalPlaces")) or 0)) if whole else None
        case "DATA-TYPE-BOOL":
            flag = element.findtext(tag("boolValue"))
            return flag in ("true", "1") if flag else None
        case "DATA-TYPE-DATE":
            day = element.find(tag("dateValue"))
            return None if day is None else _date(day)
        case "DATA-TYPE-DATETIME":
            moment = element.find(tag("dateTimeValue"))
            return None if moment is None else _moment(moment)
        case "DATA-TYPE-MULTISELECTINT":
            return tuple(child.text for child in element.iterfind(tag("multiSelectInt")) if child.text)
        case _:
            return element.findtext(tag("strValue")) or ""


def article_number(element: Element) -> str:
    """Return an article's number as text without leading zeros."""
    return str(int(element.findtext(tag("articleNumber")) or 0))


def articles(product: Element) -> list[Element]:
    """Return the articles of a product."""
    return list(product.iterfind(f"{tag('articleList')}/{tag('article')}"))


def group_numbers(product: Element) -> tuple[str, ...]:
    """Return the numbers of all groups a product is in, whichever of the two lists names them."""
    named = [child.text for child in product.iterfind(tag("groupNumbers"))]
    sorted_in = [
        each.findtext(tag("groupNumber"))
        for each in product.iterfind(f"{tag('sortOrderGroupList')}/{tag('sortOrderGroup')}")
    ]
    return tuple(dict.fromkeys(str(int(number)) for number in (*named, *sorted_in) if number))


def marker(product: Element) -> int:
    """Return a product's change marker: the highest of its own and its articles'."""
    found = [product.findtext(tag("syncMarker"))]
    found += [article.findtext(tag("syncMarker")) for article in articles(product)]
    return max((int(text) for text in found if text), default=0)


# ---- writing


def encode_product(wanted: Record, numbers: Iterable[str], types: Mapping[str, str], words: Words) -> dict[str, Any]:
    """Return a new product as the contract takes it, in the groups of these numbers.

    `types` are the custom fields the till defines. Raises UnfitError and CustomFieldUnknownError.
    """
    product: dict[str, Any] = dict(_texts(wanted, words))
    product["articleList"] = {"article": [_encode_article(part, types, words) for part in wanted.parts]}
    member = list(numbers)
    if member:
        product["groupNumbers"] = member
        product["sortOrderGroupList"] = {
            "sortOrderGroup": [{"groupNumber": number, "sortOrder": "0"} for number in member]
        }
    return product


def _encode_article(part: Record, types: Mapping[str, str], words: Words) -> dict[str, Any]:
    """Return a new article; flags as flags, because the contract's builder takes no text for them."""
    booleans = {wire for wire, xsd in sequence("Article").items() if xsd == "boolean"}
    article: dict[str, Any] = {"articleNumber": part.key}
    for wire, text in _texts(part, words):
        article[wire] = text == "true" if wire in booleans else text
    for wire, day in _days(part):
        article[wire] = {"day": day.day, "mon": day.month, "year": day.year}
    custom = [_encode_custom(name, value, types) for name, value in _custom(part) if not _empty(value)]
    if custom:
        article["customFieldList"] = {"customField": custom}
    return article


def _texts(record: Record, words: Words, *, cleared: bool = False) -> Iterator[tuple[str, str]]:
    """Yield wire name and text of each simple value; what is empty only when it is to be `cleared`."""
    types = sequence(_TYPES[record.kind])
    known = {field.name: field for field in words.named(record.kind)}
    for name, value in record.values.items():
        if name == "groups" or name.startswith(CUSTOM):
            continue
        field = known.get(name)
        if field is None:
            raise CustomFieldUnknownError(name)
        if words.inverted and name == "active" and isinstance(value, bool):
            yield "discontinued", "false" if value else "true"
        elif types[field.wire] == "tns:SoapMplusDate":
            continue
        elif _empty(value):
            if cleared:
                yield field.wire, ""
        elif field.wire in _QUANTITIES and isinstance(value, Decimal):
            places = _decimals(value)
            yield field.wire, str(to_scaled(value, places))
            yield _QUANTITIES[field.wire], str(places)
        else:
            yield field.wire, _encoded(name, value, field.type, types[field.wire])


def _days(record: Record) -> Iterator[tuple[str, date]]:
    types = sequence(_TYPES[record.kind])
    for name, value in record.values.items():
        if types.get(name) == "tns:SoapMplusDate":
            if not isinstance(value, date):
                raise UnfitError(name, value)
            yield name, value


def _custom(record: Record) -> Iterator[tuple[str, Value]]:
    for name, value in record.values.items():
        if name.startswith(CUSTOM):
            yield name.removeprefix(CUSTOM), value


def _empty(value: Value) -> bool:
    return value is None or value in ("", ())


def _decimals(value: Decimal) -> int:
    exponent = value.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _encode_custom(name: str, value: Value, types: Mapping[str, str]) -> dict[str, Any]:
    if name not in types:
        raise CustomFieldUnknownError(f"{CUSTOM}{name}")
    return {"fieldName": name, "dataType": types[name], **_custom_value(name, value, types[name])}


def _custom_value(name: str, value: Value, data_type: str) -> dict[str, Any]:
    match data_type, value:
        case "DATA-TYPE-INT", Decimal() if value == value.to_integral_value():
            return {"intValue": str(int(value))}
        case "DATA-TYPE-DECIMAL", Decimal():
            places = _decimals(value)
            return {"intValue": str(to_scaled(value, places)), "decimalPlaces": str(places)}
        case "DATA-TYPE-BOOL", bool():
            return {"boolValue": value}
        case "DATA-TYPE-DATETIME", datetime():
            return {"dateTimeValue": _wire_moment(value)}
        case "DATA-TYPE-DATE", date():
            return {"dateValue": {"day": value.day, "mon": value.month, "year": value.year}}
        case "DATA-TYPE-MULTISELECTINT", tuple():
            return {"multiSelectInt": [_encoded(f"{CUSTOM}{name}", item, _T.CODE, "int") for item in value]}
        case "DATA-TYPE-STRING" | "DATA-TYPE-TEXT-ARRAY" | "DATA-TYPE-ARRAY" | "DATA-TYPE-UNKNOWN", _:
            return {"strValue": _encoded(f"{CUSTOM}{name}", value, _T.TEXT, "string")}
        case _:
            raise UnfitError(f"{CUSTOM}{name}", value)


def _wire_moment(moment: datetime) -> dict[str, Any]:
    utc = moment.astimezone(UTC)
    return {
        "sec": utc.second, "min": utc.minute, "hour": utc.hour, "day": utc.day, "mon": utc.month, "year": utc.year,
        "isdst": False, "timezone": 0,
    }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Edit:
    """What an update wants of a product that was read, with what it takes to write it."""

    wanted: Record
    words: Words
    types: Mapping[str, str]
    leading_price: str
    groups: tuple[frozenset[str], frozenset[str]] = (frozenset(), frozenset())  # numbers to join and to leave


def edited(product: Element, edit: Edit) -> tuple[Element, bool]:
    """Return a copy of the product that was read with the wanted values in it, and whether anything in it is new.

    Everything else stays as it came, in its order, whether we know it or not. Raises UnfitError and
    CustomFieldUnknownError.
    """
    whole = deepcopy(product)
    touched = False
    for wire, text in _texts(edit.wanted, edit.words, cleared=True):
        _put(whole, "Product", wire, text)
        touched = True
    held = {article_number(article): article for article in articles(whole)}
    for part in edit.wanted.parts:
        article = held.get(part.key)
        if article is None:
            article = etree.SubElement(_child(whole, "Product", "articleList"), tag("article"))
            _put(article, "Article", "articleNumber", part.key)
        _edit_article(article, part, edit)
        touched = True
    join, leave = edit.groups
    if join or leave:
        _regroup(whole, join, leave)
        touched = True
    return whole, touched


def _edit_article(article: Element, part: Record, edit: Edit) -> None:
    barcode = article.findtext(tag("barcode")) or ""
    written = dict(_texts(part, edit.words, cleared=True))
    for wire, text in written.items():
        _put(article, "Article", wire, text)
    for wire, day in _days(part):
        _fill(_child(article, "Article", wire), {"day": day.day, "mon": day.month, "year": day.year}, "SoapMplusDate")
    for name, value in _custom(part):
        _put_custom(article, name, value, edit.types)
    _drop_followers(article, written, edit.leading_price)
    if "barcode" in written:
        _follow_barcode(article, barcode, written["barcode"])


def _drop_followers(article: Element, written: Mapping[str, str], leading_price: str) -> None:
    """Take out what the till computes from what is written: one price from the other, a rate from its code."""
    leaders = set(written)
    if "vatCode" in leaders and not leaders & {"priceIncl", "priceExcl"}:
        leaders.add("priceIncl" if leading_price == "incl" else "priceExcl")
    for wire in leaders & set(_FOLLOWS):
        follower = _FOLLOWS[wire]
        has_leader = article.find(tag(wire)) is not None
        if follower not in written and has_leader:
            _remove(article, follower)


def _follow_barcode(article: Element, old: str, new: str) -> None:
    """Keep the list of all barcodes in step with the current one, which is marked in it."""
    entries = list(article.iterfind(f"{tag('barcodeList')}/{tag('barcode')}"))
    there = next((each for each in entries if new and each.findtext(tag("barcode")) == new), None)
    for each in entries:
        current = each.findtext(tag("isCurrent")) in ("true", "1") or each.findtext(tag("barcode")) == old
        if there is not None:
            if each.find(tag("isCurrent")) is not None or each is there:
                _put(each, "Barcode", "isCurrent", "true" if each is there else "false")
        elif current and new:
            _put(each, "Barcode", "barcode", new)
        elif current:
            _parent(each).remove(each)


def _regroup(product: Element, join: frozenset[str], leave: frozenset[str]) -> None:
    for each in list(product.iterfind(tag("groupNumbers"))):
        if (each.text or "").strip() in leave:
            product.remove(each)
    for each in list(product.iterfind(f"{tag('sortOrderGroupList')}/{tag('sortOrderGroup')}")):
        if each.findtext(tag("groupNumber")) in leave:
            _parent(each).remove(each)
    for number in sorted(join - set(group_numbers(product)), key=int):
        _insert(product, "Product", "groupNumbers").text = number
        entry = etree.SubElement(_child(product, "Product", "sortOrderGroupList"), tag("sortOrderGroup"))
        _fill(entry, {"groupNumber": number, "sortOrder": "0"}, "SortOrderGroup")


def _put_custom(article: Element, name: str, value: Value, types: Mapping[str, str]) -> None:
    fields = _child(article, "Article", "customFieldList")
    entry = next((each for each in fields if each.findtext(tag("fieldName")) == name), None)
    if entry is None:
        if name not in types:
            raise CustomFieldUnknownError(f"{CUSTOM}{name}")
        entry = etree.SubElement(fields, tag("customField"))
        _fill(entry, {"fieldName": name, "dataType": types[name]}, "CustomField")
    data_type = types.get(name) or entry.findtext(tag("dataType")) or "DATA-TYPE-UNKNOWN"
    for wire in ("strValue", "intValue", "decimalPlaces", "boolValue", "dateValue", "dateTimeValue", "multiSelectInt"):
        _remove(entry, wire)
    if _empty(value):
        if data_type in ("DATA-TYPE-STRING", "DATA-TYPE-TEXT-ARRAY", "DATA-TYPE-UNKNOWN"):
            _put(entry, "CustomField", "strValue", "")
        return
    _fill(entry, _custom_value(name, value, data_type), "CustomField")


def _fill(element: Element, content: Mapping[str, Any], name: str) -> None:
    """Write plain content into an element: numbers, flags and texts as texts, lists as repeated elements."""
    types = sequence(name)
    for wire, value in content.items():
        match value:
            case Mapping():
                _fill(_child(element, name, wire), value, types[wire].removeprefix("tns:"))
            case list():
                for item in value:
                    _insert(element, name, wire).text = str(item)
            case bool():
                _put(element, name, wire, "true" if value else "false")
            case _:
                _put(element, name, wire, str(value))


def _put(element: Element, name: str, wire: str, text: str) -> None:
    """Write a simple value, or take it out when it is empty and its type has no empty value."""
    if not text and sequence(name).get(wire) != "string":
        _remove(element, wire)
    else:
        _child(element, name, wire).text = text


def _remove(element: Element, wire: str) -> None:
    for child in list(element.iterfind(tag(wire))):
        element.remove(child)


def _child(element: Element, name: str, wire: str) -> Element:
    found = element.find(tag(wire))
    return _insert(element, name, wire) if found is None else found


def _insert(element: Element, name: str, wire: str) -> Element:
    """Add an element at its place in the order of its type, behind everything known that comes before it."""
    places = _places(name)
    place = places[tag(wire)]
    position = 0
    for at, child in enumerate(element):
        if places.get(str(child.tag), len(places)) <= place:
            position = at + 1
    fresh = etree.Element(tag(wire))
    element.insert(position, fresh)
    return fresh


def _parent(element: Element) -> Element:
    parent = element.getparent()
    if parent is None:
        raise ValueError("an element without a parent")
    return parent


# ---- groups


@dataclass(frozen=True, slots=True)
class Group:
    """An article group of the till as it stands in the tree. `parent` is `0` for one at the top."""

    number: str
    parent: str
    name: str
    text: str
    order: str
    marker: str
    image: str = ""


def decode_groups(answer: Element) -> dict[str, Group]:
    """Return all groups of the tree by their numbers; what is marked as deleted is left out."""
    groups: dict[str, Group] = {}

    def walk(wrapper: Element | None, parent: str) -> None:
        for each in wrapper.iterfind(tag("articleGroups")) if wrapper is not None else ():
            if each.findtext(tag("isDeleted")) in ("true", "1"):
                continue
            group = _decode_group(each, parent)
            groups[group.number] = group
            walk(each.find(tag("subGroupList")), group.number)

    walk(answer.find(tag("articleGroupList")), "0")
    return groups


def _decode_group(element: Element, parent: str) -> Group:
    def text(wire: str) -> str:
        return element.findtext(tag(wire)) or ""

    image = element.findtext(f"{tag('image')}/{tag('imageId')}") or ""
    return Group(str(int(text("groupNumber"))), parent, text("name"), text("text"), text("sortOrder"),
                 text("syncMarker"), image)  # fmt: skip


def encode_group(group: Group) -> dict[str, str]:
    """Return a group as an update takes it, complete, because what becomes of fields left out is not known."""
    content = {"groupNumber": group.number, "name": group.name, "text": group.text}
    if group.order:
        content["sortOrder"] = group.order
    if group.image and group.image != "0":
        content["imageId"] = group.image
    return {**content, "parentGroupNumber": group.parent}


def checked_text(field: str, value: Value) -> str:
    """Return a text that can be written. Raises UnfitError."""
    return _encoded(field, value, FieldType.TEXT, "string")


# ---- choices


def percent(text: str) -> Decimal:
    """Return a rate in percent; the unit on the wire is not documented: above 100 it can only be hundredths."""
    rate = amount(text)
    return rate / 100 if rate > 100 else rate  # noqa: PLR2004 - no VAT rate is above 100 %
