"""The interface according to its WSDL: messages, fields, operations, and the validation of requests."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache, cached_property
from pathlib import Path
from threading import Lock
from typing import Final, Union
from zoneinfo import ZoneInfo

from lxml import etree

# ---- a message, or an object in it, as ordered named fields; a repeated name is a list


NAMESPACE = "urn:mplusqapi"
MAX_PLACES = 12

Value = Union[str, bytes, "WireFields"]  # Union for the forward reference; bytes are XML


class WireFields(list[tuple[str, Value]]):
    """Ordered fields of one object, with typed access."""

    def values(self, name: str) -> Iterator[Value]:
        """Return all values of a name."""
        return (value for field_name, value in self if field_name == name)

    def names(self) -> set[str]:
        """Return the names of all fields."""
        return {name for name, _ in self}

    def has_name(self, name: str) -> bool:
        """Return True if the name occurs."""
        return any(field_name == name for field_name, _ in self)

    def text(self, name: str, default: str = "") -> str:
        """Return the text value of a name."""
        return next((value for value in self.values(name) if isinstance(value, str)), default)

    def texts(self, name: str) -> list[str]:
        """Return all text values of a name."""
        return [value for value in self.values(name) if isinstance(value, str)]

    def number(self, name: str, default: int = 0) -> int:
        """Return the integer value of a name."""
        text = self.text(name)
        return int(text) if text else default

    def numbers(self, name: str) -> list[int]:
        """Return all integer values of a name."""
        return [int(text) for text in self.texts(name)]

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Return the boolean value of a name."""
        text = self.text(name)
        return text == "true" if text else default

    def child(self, name: str) -> "WireFields":
        """Return the object of a name; an empty one if there is none."""
        return next((value for value in self.values(name) if isinstance(value, WireFields)), WireFields())

    def children(self, name: str) -> list["WireFields"]:
        """Return all objects of a name."""
        return [value for value in self.values(name) if isinstance(value, WireFields)]

    def scaled(self, name: str, places: str) -> Decimal:
        """Return the quantity of a name, scaled by its decimal places field, which defaults to 0."""
        return Decimal(self.number(name)).scaleb(-min(self.number(places), MAX_PLACES))

    def without_names(self, *names: str) -> "WireFields":
        """Return the fields without those names."""
        return WireFields((name, value) for name, value in self if name not in names)

    def select_names(self, *names: str) -> "WireFields":
        """Return the fields with those names only."""
        return WireFields((name, value) for name, value in self if name in names)

    def replaced(self, name: str, value: Value) -> "WireFields":
        """Return the fields with another value for a name."""
        return WireFields((field_name, value if field_name == name else old) for field_name, old in self)


def written(fields: WireFields) -> bytes:
    """Return the fields as XML, with every element under the prefix `ns`."""
    return b"".join(element(name, value) for name, value in fields)


def element(name: str, value: Value) -> bytes:
    """Return one field as XML, never as an empty tag: an old client expects an opening tag."""
    tag = name.encode()
    match value:
        case str():
            inner = value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").encode()
        case bytes():
            inner = value
        case _:
            inner = written(value)
    return b"<ns:%b>%b</ns:%b>" % (tag, inner, tag)


def parsed(xml: bytes) -> etree._Element:
    """Return the element around fields in XML."""
    return etree.fromstring(b'<ns:o xmlns:ns="%b">%b</ns:o>' % (NAMESPACE.encode(), xml))


# ---- the interface itself


WSDL: Final = Path(__file__).parents[2] / "connectors" / "mplus" / "mplus.wsdl"
ZONE: Final = ZoneInfo("Europe/Amsterdam")

_XSD: Final = "{http://www.w3.org/2001/XMLSchema}"
_WSDL: Final = "{http://schemas.xmlsoap.org/wsdl/}"
_TARGET: Final = f"{{{NAMESPACE}}}"
_WHOLE: Final = frozenset({"xsd:int", "xsd:long", "xsd:short", "xsd:unsignedInt"})


class RefusedError(Exception):
    """The request does not match the interface; the text names the element."""


@dataclass(frozen=True, slots=True)
class WireField:
    """One element of a type. The type is one of the WSDL, or starts with `xsd:`."""

    name: str
    type: str
    required: bool
    many: bool


class Contract:
    """Compiled WSDL."""

    def __init__(self, path: Path = WSDL) -> None:
        self.wsdl = path.read_bytes()
        tree = etree.fromstring(self.wsdl)
        schema = tree.find(f"{_WSDL}types/{_XSD}schema")
        if schema is None:
            raise ValueError(f"{path} holds no schema")
        self._schema = etree.tostring(schema)
        self.types = _types(schema)
        self.operations = _operations(tree)
        self.enums = _enums(schema)
        self._validation_lock = Lock()  # the schema stores the validation error, and tills share the schema

    @cached_property
    def _xsd(self) -> etree.XMLSchema:
        """Schema for requests, compiled on first use because that takes longer than all the rest."""
        return etree.XMLSchema(etree.fromstring(self._schema))

    def check(self, element: etree._Element) -> None:
        """Refuse a request with missing, misordered or wrong elements; unknown fields are allowed."""
        known_part = etree.fromstring(etree.tostring(element))  # a deep copy loses a prefix that only a value uses
        self._prune(known_part, etree.QName(known_part).localname)
        try:
            with self._validation_lock:
                self._xsd.assertValid(known_part)
        except etree.DocumentInvalid as error:
            raise RefusedError(str(error).replace(_TARGET, "")) from None

    def arrange(self, element: etree._Element, type_: str) -> None:
        """Sort the elements of an object into the order of its type; unknown elements stay behind their predecessor."""
        known_fields = self.types.get(type_, {})
        ranks = {name: rank for rank, name in enumerate(known_fields)}
        placed, last = [], -1
        for child in element.iterchildren("*"):
            name = etree.QName(child).localname
            last = ranks.get(name, last)
            placed.append((last, child))
            if name in known_fields and known_fields[name].type in self.types:
                self.arrange(child, known_fields[name].type)
        element[:] = [child for _, child in sorted(placed, key=lambda pair: pair[0])]

    def read(self, element: etree._Element, type_: str) -> WireFields:
        """Return the fields of an element, including unknown ones, with normalized numbers and booleans."""
        known_fields = self.types.get(type_, {})
        fields = WireFields()
        for child in element.iterchildren(f"{_TARGET}*"):
            name = child.tag[len(_TARGET) :]
            fields.append((name, self._value(child, known_fields.get(name))))
        return fields

    def reread(self, xml: bytes, type_: str) -> WireFields:
        """Return the fields in XML that was written before."""
        return self.read(parsed(xml), type_)

    def build(self, type_: str, values: Mapping[str, object]) -> WireFields:
        """Return the fields of a type in its order, from plain values. None omits a field; a list fills a list type."""
        known_fields = self.types[type_]
        if strange := values.keys() - known_fields.keys():
            raise KeyError(f"{type_} has no {', '.join(sorted(strange))}")
        return WireFields(
            pair for name in known_fields if name in values for pair in self._build_pairs(name, type_, values)
        )

    def ordered(self, type_: str, fields: WireFields) -> WireFields:
        """Return the fields in the order of the type; an unknown field stays behind its known predecessor."""
        return self.merged(type_, WireFields(), fields)

    def merged(self, type_: str, old: WireFields, new: WireFields) -> WireFields:
        """Return the old fields, with those that the new fields mention replaced."""
        new_names = new.names()
        placed = [*self._ranked_pairs(type_, old), *self._ranked_pairs(type_, new)]
        ranked_pairs = [
            (rank, pair) for number, (rank, pair) in enumerate(placed) if number >= len(old) or pair[0] not in new_names
        ]
        return WireFields(pair for _, pair in sorted(ranked_pairs, key=lambda item: item[0]))

    def plain(self, type_: str, fields: WireFields) -> dict[str, object]:
        """Return the fields as JSON values, with lists as lists."""
        known_fields = self.types.get(type_, {})
        content: dict[str, object] = {}
        for name, value in fields:
            field = known_fields.get(name)
            inner = field.type if field else ""
            item = self.plain(inner, value) if isinstance(value, WireFields) else _plain_value(value, inner)
            if field and field.many:
                items = content.setdefault(name, [])
                if isinstance(items, list):
                    items.append(item)
            else:
                content[name] = item
        return content

    def _prune(self, element: etree._Element, type_: str) -> None:
        known_fields = self.types.get(type_, {})
        for child in list(element.iterchildren(f"{_TARGET}*")):
            field = known_fields.get(child.tag[len(_TARGET) :])
            if field is None:
                element.remove(child)
            elif field.type in self.types:
                self._prune(child, field.type)

    def _value(self, element: etree._Element, field: WireField | None) -> Value:
        if len(element) or (field and field.type in self.types):
            return self.read(element, field.type if field else "")
        text = element.text or ""
        if field is None or field.type == "xsd:string":
            return text
        text = text.strip()
        if field.type == "xsd:boolean":
            return "true" if text in {"1", "true"} else "false"
        return str(int(text)) if field.type in _WHOLE else text

    def _ranked_pairs(self, type_: str, fields: WireFields) -> list[tuple[tuple[int, int], tuple[str, Value]]]:
        ranks = {name: rank for rank, name in enumerate(self.types.get(type_, ()))}
        placed, last = [], -1
        for pair in fields:
            is_known = pair[0] in ranks
            last = ranks.get(pair[0], last)
            placed.append(((last, 0 if is_known else 1), pair))
        return placed

    def _build_pairs(self, name: str, type_: str, values: Mapping[str, object]) -> list[tuple[str, Value]]:
        field, value = self.types[type_][name], values[name]
        if value is None:
            return []
        if field.many and isinstance(value, (list, tuple)) and not isinstance(value, WireFields):
            return [(name, self._build_value(field, item)) for item in value]
        return [(name, self._build_value(field, value))]

    def _build_value(self, field: WireField, value: object) -> Value:
        match value:
            case WireFields() | bytes() | str():
                return value
            case bool():
                return "true" if value else "false"
            case int() | Decimal():
                return format(value, "f") if isinstance(value, Decimal) else str(value)
            case datetime():
                return self.build("SoapMplusDateTime", moment(value)) if field.type in self.types else value.isoformat()
            case date():
                return self.build("SoapMplusDate", day(value)) if field.type in self.types else value.isoformat()
            case Mapping():
                return self.build(field.type, value)
            case Sequence():
                only = next(iter(self.types[field.type]))
                return self.build(field.type, {only: value})
            case _:
                raise TypeError(f"{field.name} cannot be {value!r}")


@cache
def contract() -> Contract:
    """Return the contract of the shipped interface, shared by all tills of a process."""
    return Contract()


def moment(at: datetime) -> dict[str, object]:
    """Return the fields of a time, in the time zone of the installation."""
    local = at.astimezone(ZONE)
    offset, summer = local.utcoffset(), local.dst()
    return {
        "sec": local.second,
        "min": local.minute,
        "hour": local.hour,
        "day": local.day,
        "mon": local.month,
        "year": local.year,
        "isdst": bool(summer),
        "timezone": int(offset.total_seconds()) // 60 if offset else 0,
    }


def day(on: date) -> dict[str, object]:
    """Return the fields of a date."""
    return {"day": on.day, "mon": on.month, "year": on.year}


def day_of(fields: WireFields) -> date | None:
    """Return the date in the fields; None if a field is zero."""
    year, month, number = fields.number("year"), fields.number("mon"), fields.number("day")
    try:
        return date(year, month, number)
    except ValueError:
        return None


def _types(schema: etree._Element) -> dict[str, dict[str, WireField]]:
    """Return all types by name; the type of a request element has the name of the element."""
    type_elements = {element.get("name", ""): element for element in schema.iterchildren(f"{_XSD}complexType")}
    types = {name: _fields(element, type_elements) for name, element in type_elements.items()}
    for element in schema.iterchildren(f"{_XSD}element"):
        inline = element.find(f"{_XSD}complexType")
        name = element.get("name", "")
        types[name] = types[_local_name(element.get("type", ""))] if inline is None else _fields(inline, type_elements)
    return types


def _fields(element: etree._Element, type_elements: Mapping[str, etree._Element]) -> dict[str, WireField]:
    base = element.find(f".//{_XSD}extension")
    fields = {} if base is None else _fields(type_elements[_local_name(base.get("base", ""))], type_elements)
    for child in element.iter(f"{_XSD}element"):
        type_ = child.get("type", "")
        field = WireField(
            name=child.get("name", ""),
            type=type_ if type_.startswith("xsd:") else _local_name(type_),
            required=child.get("minOccurs", "1") != "0",
            many=child.get("maxOccurs", "1") != "1",
        )
        fields[field.name] = field
    return fields


def _operations(tree: etree._Element) -> dict[str, str]:
    """Return the response element of each operation; messages have the names of their elements."""
    port = tree.find(f"{_WSDL}portType")
    return {
        operation.get("name", ""): _local_name(output.get("message", ""))
        for operation in (port.iterchildren(f"{_WSDL}operation") if port is not None else ())
        if (output := operation.find(f"{_WSDL}output")) is not None
    }


def _enums(schema: etree._Element) -> dict[str, tuple[str, ...]]:
    return {
        element.get("name", ""): tuple(value.get("value", "") for value in element.iter(f"{_XSD}enumeration"))
        for element in schema.iterchildren(f"{_XSD}simpleType")
    }


def _plain_value(value: Value, type_: str) -> object:
    text = value.decode() if isinstance(value, bytes) else value
    if type_ in _WHOLE and isinstance(text, str):
        return int(text)
    return text == "true" if type_ == "xsd:boolean" else text


def _local_name(name: str) -> str:
    return name.rpartition(":")[2]
