"""Converts single values between the wire format and ours."""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, TypeVar, cast

from lxml import etree

from integration.connectors.mplus.client import Element, qualified
from integration.connectors.mplus.codec.fields import CUSTOM
from integration.connectors.mplus.element_shape import is_nil
from integration.core.money import amount, from_cents, from_scaled, to_cents, to_scaled
from integration.core.records import Field, FieldType, Value, WrongValueError, is_number, is_storable

MAX_DIGITS, MAX_PLACES = 14, 12  # digits and decimals of a number, so that sums of such numbers are exact

CUSTOM_VALUES = (
    "strValue", "intValue", "decimalPlaces", "boolValue", "dateValue", "dateTimeValue", "multiSelectInt",
)  # fmt: skip
CUSTOM_TEXTS = frozenset({"DATA-TYPE-STRING", "DATA-TYPE-TEXT-ARRAY", "DATA-TYPE-ARRAY", "DATA-TYPE-UNKNOWN"})

_TYPE = re.compile("^(?:[A-Z]+-)*?(?:METHOD-TYPE|TYPE|STATE|METHOD|CHANGE|KIND)-")

LARGEST = 2**63 - 1  # largest whole number of the interface
_INTEGER = re.compile(r"[+-]?[0-9]{1,40}")
_XSD_DATE = re.compile(r"\d{4}-\d{2}-\d{2}(?:Z|[+-]\d{2}:\d{2})?", re.ASCII)
_DAY = ("year", "mon", "day")
_CLOCK = frozenset({"sec", "min", "hour", "timezone"})
_PARTS = _CLOCK | {*_DAY}  # the numeric parts of a timestamp

_WORDS = {"true": True, "1": True, "false": False, "0": False}

Readers = Mapping[str, tuple[str, Callable[[Element], Value]]]  # by tag: our name, and the element's reader


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


def field_decoder(field: Field, xsd: str) -> Callable[[Element], Value]:
    """Return a function that reads a field of this type of the interface; empty numbers and flags give None."""
    match field.type, xsd:
        case _, "string" | "enum":
            return lambda element: element.text or ""
        case _, "boolean":
            return lambda element: read_if_filled(element, parse_flag)
        case FieldType.MONEY, "long":
            return lambda element: read_if_filled(element, lambda text: from_cents(whole_number(text)))
        case FieldType.CODE, _:
            return lambda element: read_if_filled(element, lambda text: str(whole_number(text)))
        case _, "int" | "long":
            return lambda element: read_if_filled(element, lambda text: Decimal(whole_number(text)))
        case _, "decimal":
            return lambda element: read_if_filled(element, lambda text: amount(text, 6))
        case _, "date":
            return lambda element: read_if_filled(element, parse_date)
        case _, "tns:SoapMplusDateTime":
            return _moment
        case _:
            return _date


def parse_flag(text: str) -> bool:
    """Return a flag. Raises ValueError for another text than the interface's two words for each value."""
    if text not in _WORDS:
        raise ValueError("neither a yes nor a no")
    return _WORDS[text]


def parse_date(text: str) -> date:
    """Return a date of XML Schema, which may have a time zone. Raises ValueError for any other text."""
    if _XSD_DATE.fullmatch(text) is None:
        raise ValueError("not a date")
    return date.fromisoformat(text[:10])


def read_if_filled(element: Element, decode: Callable[[str], Value]) -> Value:
    """Return the result of `decode` for an element's text, or None for an empty element."""
    text = (element.text or "").strip()
    return decode(text) if text else None


def read_values(element: Element | None, readers: Readers) -> dict[str, Value]:
    """Return the values of the children that have a reader, by our names."""
    values: dict[str, Value] = {}
    for child in element.iterchildren("*") if element is not None else ():
        reader_entry = readers.get(child.tag)
        if reader_entry is not None and (value := _read_element(reader_entry[1], child)) is not None:
            values[reader_entry[0]] = value
    return values


def _read_element(decode: Callable[[Element], Value], element: Element, field_name: str = "") -> Value:
    try:
        return exact_number(decode(element))
    except (ValueError, ArithmeticError):
        raise WrongValueError(field_name or etree.QName(element).localname, _all_text(element)) from None


def _all_text(element: Element) -> str:
    return " ".join(text for part in element.itertext() if (text := str(part).strip()))


def customs_of(card: Element) -> dict[str, Value]:
    """Return the custom fields of an article or relation by our names.

    Raises WrongValueError for an unreadable value, a field without a name, and two fields with the same name.
    """
    custom_fields = card.iterfind(f"{qualified('customFieldList')}/{qualified('customField')}")
    named_fields = [
        (custom_field, custom_field.findtext(qualified("fieldName")) or "") for custom_field in custom_fields
    ]
    if not all(name for _, name in named_fields):
        raise WrongValueError("fieldName", "")
    if repeated := next((name for name, times in Counter(name for _, name in named_fields).items() if times > 1), ""):
        raise WrongValueError(
            repeated, ", ".join(_all_text(custom_field) for custom_field, name in named_fields if name == repeated)
        )
    return {CUSTOM + name: _read_element(decode_custom, custom_field, name) for custom_field, name in named_fields}


def exact_number(value: Value) -> Value:
    """Return the value. Raises ValueError for a number so large or so fine that sums of it would not be exact."""
    if isinstance(value, Decimal) and value and not -MAX_PLACES <= value.adjusted() <= MAX_DIGITS:
        raise ValueError(f"out of bounds: {value}")
    return value


def raw_child_text(element: Element, name: str) -> str:
    """Return the text of the first child with this qualified name, else "". `findtext` takes twice as long."""
    child = next(element.iterchildren(name), None)
    return "" if child is None else child.text or ""


def child_number(element: Element, wire: str) -> int:
    """Return the whole number in a child of an element, 0 without one. Raises WrongValueError."""
    return _checked_number(wire, raw_child_text(element, qualified(wire)).strip() or "0")


def scaled_number(element: Element, wire: str, places: str) -> Decimal:
    """Return a required quantity, scaled by its number of decimals. Raises WrongValueError."""
    scaled_quantity = required_integer(element, wire)
    try:
        return cast("Decimal", exact_number(from_scaled(scaled_quantity, child_number(element, places))))
    except (ValueError, ArithmeticError) as error:
        raise error if isinstance(error, WrongValueError) else WrongValueError(wire, scaled_quantity) from None


def required_integer(element: Element, wire: str) -> int:
    """Return the required whole number in a child. Raises WrongValueError, also if it is missing."""
    return _checked_number(wire, raw_child_text(element, qualified(wire)).strip())


def record_number(element: Element, wire: str) -> str:
    """Return the required number of a record as text, without leading zeros. Raises WrongValueError if negative."""
    if (number := required_integer(element, wire)) < 0:
        raise WrongValueError(wire, number)
    return str(number)


def _checked_number(wire: str, text: str) -> int:
    try:
        return whole_number(text)
    except ValueError:
        raise WrongValueError(wire, text) from None


T = TypeVar("T")


def if_readable(decode: Callable[[Element], T], element: Element) -> T | None:
    """Return the result of `decode`, or None if it raises WrongValueError."""
    try:
        return decode(element)
    except WrongValueError:
        return None


def raw_bytes(element: Element) -> bytes:
    """Return the serialized element, for a hash of it."""
    return bytes(etree.tostring(element, with_tail=False))


def raw_elements(*elements: Element | None) -> str:
    """Return elements as indented XML, for people."""
    xml_texts = (
        etree.tostring(element, encoding="unicode", pretty_print=True) for element in elements if element is not None
    )
    return "\n".join(xml_texts)


def whole_number(text: str) -> int:
    """Return a whole number of the interface. Raises ValueError, also for notations that only Python accepts."""
    if not _INTEGER.fullmatch(text) or not -LARGEST <= (number := int(text)) <= LARGEST:
        raise ValueError("no whole number")
    return number


def _numbers(element: Element) -> dict[str, int]:
    """Return the numeric parts of a date or timestamp. Raises ValueError for text beside parts and for repeated parts.

    An element with `xsi:nil` has no parts.
    """
    if is_nil(element):
        return {}
    if (element.text or "").strip() or any((child.tail or "").strip() for child in element):
        raise ValueError("a text where a date has parts")
    numbers: dict[str, int] = {}
    for child in element.iterchildren("*"):
        name, text = etree.QName(child).localname, (child.text or "").strip()
        if name not in _PARTS or not text:
            continue
        if name in numbers or len(child):
            raise ValueError("a part of a date that is not one number")
        numbers[name] = whole_number(text)
    return numbers


def _date(element: Element, parts: Mapping[str, int] | None = None) -> date | None:
    """Return a date; None if all parts are zero, or with `xsi:nil`. Raises ValueError for any other form."""
    parts = _numbers(element) if parts is None else parts
    day_parts = [parts.get(name) for name in _DAY]
    if day_parts == [0, 0, 0] or is_nil(element):
        return None
    year, month, day = day_parts
    if year is None or month is None or day is None:
        raise ValueError("a date without a part of it")
    return date(year, month, day)


def date_of(element: Element) -> date | None:
    """Return the date in a structure, None if it means no date. Raises WrongValueError."""
    day = _read_element(_date, element)
    return day if isinstance(day, date) else None


def _moment(element: Element) -> datetime | None:
    """Return a timestamp in UTC; `timezone` is minutes east of UTC, with summer time (the vendor's own clients)."""
    parts = _numbers(element)
    day = _date(element, parts)
    if day is None:
        return None
    if not parts.keys() >= _CLOCK:
        raise ValueError("a timestamp without a part of it")
    zone = timezone(timedelta(minutes=parts["timezone"]))
    return datetime(day.year, day.month, day.day, parts["hour"], parts["min"], parts["sec"], tzinfo=zone).astimezone(
        UTC
    )


def encoded(field: str, value: Value, kind: FieldType, xsd: str) -> str:
    """Return the text of a value on the wire. Raises UnfitError."""
    match value, xsd:
        case str(), "string" | "enum" if is_storable(value):
            return value
        case Decimal(), "string":
            return format(value, "f")
        case bool(), "boolean":
            return "true" if value else "false"
        case Decimal(), "long" if kind is FieldType.MONEY:
            return str(to_cents(value))
        case Decimal(), "int" | "long" if value == value.to_integral_value():
            return str(int(value))
        case str(), "int" | "long" if is_number(value.removeprefix("-")):
            return str(int(value))
        case Decimal(), "decimal":
            return format(value, "f")
        case date(), "date":
            return value.isoformat()[:10]
        case _:
            raise UnfitError(field, value)


def is_empty_value(value: Value) -> bool:
    """Return True if a value is empty: None, "" or ()."""
    return value is None or value in ("", ())


def decimal_places(value: Decimal) -> int:
    """Return how many decimals a number needs."""
    exponent = value.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def decode_custom(element: Element) -> Value:
    """Return a custom field's value from the element that belongs to its type."""
    whole = (element.findtext(qualified("intValue")) or "").strip()
    match (element.findtext(qualified("dataType")) or "").strip():
        case "DATA-TYPE-INT":
            return Decimal(whole_number(whole)) if whole else None
        case "DATA-TYPE-DECIMAL":
            return from_scaled(whole_number(whole), child_number(element, "decimalPlaces")) if whole else None
        case "DATA-TYPE-BOOL":
            flag = (element.findtext(qualified("boolValue")) or "").strip()
            return parse_flag(flag) if flag else None
        case "DATA-TYPE-DATE":
            day = element.find(qualified("dateValue"))
            return None if day is None else _date(day)
        case "DATA-TYPE-DATETIME":
            moment = element.find(qualified("dateTimeValue"))
            return None if moment is None else _moment(moment)
        case "DATA-TYPE-MULTISELECTINT":
            return tuple(child.text for child in element.iterfind(qualified("multiSelectInt")) if child.text)
        case _:
            return _custom_text(element)


def _custom_text(element: Element) -> str:
    """Return the text of a custom field. Raises ValueError if it holds a value of an unknown type."""
    text = element.findtext(qualified("strValue"))
    if text is None and any(
        (child.text or "").strip() or len(child)
        for wire in CUSTOM_VALUES
        for child in element.iterfind(qualified(wire))
    ):
        raise ValueError("a value of a type that is not known")
    return text or ""


def encode_custom(name: str, value: Value, types: Mapping[str, str]) -> dict[str, Any]:
    """Return a new custom field as request content. Raises CustomFieldUnknownError and UnfitError."""
    if name not in types:
        raise CustomFieldUnknownError(f"{CUSTOM}{name}")
    return {"fieldName": name, "dataType": types[name], **custom_value(name, value, types[name])}


def custom_value(name: str, value: Value, data_type: str) -> dict[str, Any]:
    """Return the elements with a custom field's value for its type. Raises UnfitError."""
    match data_type, value:
        case "DATA-TYPE-INT", Decimal() if value == value.to_integral_value():
            return {"intValue": str(int(value))}
        case "DATA-TYPE-DECIMAL", Decimal():
            places = decimal_places(value)
            return {"intValue": str(to_scaled(value, places)), "decimalPlaces": str(places)}
        case "DATA-TYPE-BOOL", bool():
            return {"boolValue": value}
        case "DATA-TYPE-DATETIME", datetime():
            return {"dateTimeValue": wire_moment(value)}
        case "DATA-TYPE-DATE", date():
            return {"dateValue": {"day": value.day, "mon": value.month, "year": value.year}}
        case "DATA-TYPE-MULTISELECTINT", tuple():
            return {"multiSelectInt": [encoded(f"{CUSTOM}{name}", item, FieldType.CODE, "int") for item in value]}
        case _ if data_type in CUSTOM_TEXTS:
            return {"strValue": encoded(f"{CUSTOM}{name}", value, FieldType.TEXT, "string")}
        case _:
            raise UnfitError(f"{CUSTOM}{name}", value)


def moment_in(element: Element, wire: str) -> datetime | None:
    """Return the timestamp in a child of an element, None without one. Raises WrongValueError."""
    child = element.find(qualified(wire))
    moment = None if child is None else _read_element(_moment, child)
    return moment if isinstance(moment, datetime) else None


def wire_moment(moment: datetime) -> dict[str, Any]:
    """Return a timestamp as request content, in UTC."""
    utc = moment.astimezone(UTC)
    return {
        "sec": utc.second, "min": utc.minute, "hour": utc.hour, "day": utc.day, "mon": utc.month, "year": utc.year,
        "isdst": False, "timezone": 0,
    }  # fmt: skip


def checked_text(field: str, value: Value) -> str:
    """Return a text that can be written. Raises UnfitError."""
    return encoded(field, value, FieldType.TEXT, "string")


def percent(text: str) -> Decimal:
    """Return a rate in percent from a whole number. A value above 100 can only be hundredths.

    The unit on the wire is not documented. Raises ValueError for any other text.
    """
    rate = amount(whole_number(text))
    return rate / 100 if abs(rate) > 100 else rate  # noqa: PLR2004 - no VAT rate is above 100 %


def plain_word(text: str) -> str:
    """Return a word of the interface without its type prefix.

    ORDER-TYPE-SALES-ORDER becomes SALES-ORDER, PAYMENT-METHOD-TYPE-EFT becomes EFT.
    """
    return _TYPE.sub("", text.strip())
