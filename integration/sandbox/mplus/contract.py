"""The interface as its WSDL describes it: messages and their fields, operations, and what a request must look like."""

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

# ---- a message, or an object in it, as named fields in their order; a name that occurs more than once is a list


NAMESPACE = "urn:mplusqapi"
MOST_PLACES = 12

Value = Union[str, bytes, "WireFields"]  # the forward reference needs it; bytes are fields already written


class WireFields(list[tuple[str, Value]]):
    """The fields of one object, with what a reader asks of them."""

    def values(self, name: str) -> Iterator[Value]:
        """Every value under the name."""
        return (value for known, value in self if known == name)

    def names(self) -> set[str]:
        """The names that occur."""
        return {name for name, _ in self}

    def has(self, name: str) -> bool:
        """Whether the name occurs."""
        return any(known == name for known, _ in self)

    def text(self, name: str, default: str = "") -> str:
        """The plain value under the name."""
        return next((value for value in self.values(name) if isinstance(value, str)), default)

    def texts(self, name: str) -> list[str]:
        """Every plain value under the name."""
        return [value for value in self.values(name) if isinstance(value, str)]

    def number(self, name: str, default: int = 0) -> int:
        """The whole number under the name."""
        text = self.text(name)
        return int(text) if text else default

    def numbers(self, name: str) -> list[int]:
        """Every whole number under the name."""
        return [int(text) for text in self.texts(name)]

    def flag(self, name: str, *, default: bool = False) -> bool:
        """The yes or no under the name."""
        text = self.text(name)
        return text == "true" if text else default

    def child(self, name: str) -> "WireFields":
        """The object under the name, an empty one when there is none."""
        return next((value for value in self.values(name) if isinstance(value, WireFields)), WireFields())

    def children(self, name: str) -> list["WireFields"]:
        """Every object under the name."""
        return [value for value in self.values(name) if isinstance(value, WireFields)]

    def scaled(self, name: str, places: str) -> Decimal:
        """The quantity under the name, scaled by its companion; an absent companion means no decimal places."""
        return Decimal(self.number(name)).scaleb(-min(self.number(places), MOST_PLACES))

    def without(self, *names: str) -> "WireFields":
        """The same fields, less those."""
        return WireFields((name, value) for name, value in self if name not in names)

    def only(self, *names: str) -> "WireFields":
        """Those of the fields."""
        return WireFields((name, value) for name, value in self if name in names)

    def replaced(self, name: str, value: Value) -> "WireFields":
        """The same fields with another value where the name stands."""
        return WireFields((known, value if known == name else old) for known, old in self)


def written(fields: WireFields) -> bytes:
    """The fields as XML, every element under the prefix `ns`."""
    return b"".join(element(name, value) for name, value in fields)


def element(name: str, value: Value) -> bytes:
    """One field as XML. It is never written as an empty tag: an old client looks for the opening one."""
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
    """The element around fields that were written before."""
    return etree.fromstring(b'<ns:o xmlns:ns="%b">%b</ns:o>' % (NAMESPACE.encode(), xml))


# ---- the interface itself


WSDL: Final = Path(__file__).parents[2] / "connectors" / "mplus" / "mplus.wsdl"
ZONE: Final = ZoneInfo("Europe/Amsterdam")

_XSD: Final = "{http://www.w3.org/2001/XMLSchema}"
_WSDL: Final = "{http://schemas.xmlsoap.org/wsdl/}"
_TARGET: Final = f"{{{NAMESPACE}}}"
_WHOLE: Final = frozenset({"xsd:int", "xsd:long", "xsd:short", "xsd:unsignedInt"})


class RefusedError(Exception):
    """The request is not what the interface describes; the text names the element."""


@dataclass(frozen=True, slots=True)
class WireField:
    """One element of a type. The type is a name of ours, or starts with `xsd:`."""

    name: str
    type: str
    required: bool
    many: bool


class Contract:
    """What the WSDL says, compiled once."""

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
        self._checking = Lock()  # what is wrong with a request is told by the schema, which tills share

    @cached_property
    def _xsd(self) -> etree.XMLSchema:
        """What requests are checked against, made at the first: it takes longer than all the rest."""
        return etree.XMLSchema(etree.fromstring(self._schema))

    def check(self, element: etree._Element) -> None:
        """Refuses a request that misses, misorders or misnames what it must hold; fields nobody knows are allowed."""
        known = etree.fromstring(etree.tostring(element))  # a deep copy loses a prefix that only a value uses
        self._prune(known, etree.QName(known).localname)
        try:
            with self._checking:
                self._xsd.assertValid(known)
        except etree.DocumentInvalid as error:
            raise RefusedError(str(error).replace(_TARGET, "")) from None

    def arrange(self, element: etree._Element, type_: str) -> None:
        """Puts what an element holds into the order of its type; what nobody knows stays behind what it followed."""
        known = self.types.get(type_, {})
        ranks = {name: rank for rank, name in enumerate(known)}
        placed, last = [], -1
        for child in element.iterchildren("*"):
            name = etree.QName(child).localname
            last = ranks.get(name, last)
            placed.append((last, child))
            if name in known and known[name].type in self.types:
                self.arrange(child, known[name].type)
        element[:] = [child for _, child in sorted(placed, key=lambda one: one[0])]

    def read(self, element: etree._Element, type_: str) -> WireFields:
        """The fields of an element, unknown ones included, with numbers and booleans in one spelling."""
        known = self.types.get(type_, {})
        fields = WireFields()
        for child in element.iterchildren(f"{_TARGET}*"):
            name = child.tag[len(_TARGET) :]
            fields.append((name, self._value(child, known.get(name))))
        return fields

    def reread(self, xml: bytes, type_: str) -> WireFields:
        """The fields that were written before."""
        return self.read(parsed(xml), type_)

    def build(self, type_: str, values: Mapping[str, object]) -> WireFields:
        """Fields of a type in its order, from plain values; None leaves a field out, a list fills a list type."""
        known = self.types[type_]
        if strange := values.keys() - known.keys():
            raise KeyError(f"{type_} has no {', '.join(sorted(strange))}")
        return WireFields(pair for name in known if name in values for pair in self._built(name, type_, values))

    def ordered(self, type_: str, fields: WireFields) -> WireFields:
        """The fields in the order of the type; an unknown one stays behind the known one it followed."""
        return self.merged(type_, WireFields(), fields)

    def merged(self, type_: str, old: WireFields, new: WireFields) -> WireFields:
        """The old fields with every field that the new ones mention in its place."""
        sent = new.names()
        placed = [*self._placed(type_, old), *self._placed(type_, new)]
        kept = [(rank, pair) for number, (rank, pair) in enumerate(placed) if number >= len(old) or pair[0] not in sent]
        return WireFields(pair for _, pair in sorted(kept, key=lambda item: item[0]))

    def plain(self, type_: str, fields: WireFields) -> dict[str, object]:
        """The fields as JSON shows them, lists as lists."""
        known = self.types.get(type_, {})
        told: dict[str, object] = {}
        for name, value in fields:
            field = known.get(name)
            inner = field.type if field else ""
            shown = self.plain(inner, value) if isinstance(value, WireFields) else _shown(value, inner)
            if field and field.many:
                listed = told.setdefault(name, [])
                if isinstance(listed, list):
                    listed.append(shown)
            else:
                told[name] = shown
        return told

    def _prune(self, element: etree._Element, type_: str) -> None:
        known = self.types.get(type_, {})
        for child in list(element.iterchildren(f"{_TARGET}*")):
            field = known.get(child.tag[len(_TARGET) :])
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

    def _placed(self, type_: str, fields: WireFields) -> list[tuple[tuple[int, int], tuple[str, Value]]]:
        ranks = {name: rank for rank, name in enumerate(self.types.get(type_, ()))}
        placed, last = [], -1
        for pair in fields:
            known = pair[0] in ranks
            last = ranks.get(pair[0], last)
            placed.append(((last, 0 if known else 1), pair))
        return placed

    def _built(self, name: str, type_: str, values: Mapping[str, object]) -> list[tuple[str, Value]]:
        field, value = self.types[type_][name], values[name]
        if value is None:
            return []
        if field.many and isinstance(value, (list, tuple)) and not isinstance(value, WireFields):
            return [(name, self._made(field, one)) for one in value]
        return [(name, self._made(field, value))]

    def _made(self, field: WireField, value: object) -> Value:
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
    """Return the contract of the shipped interface, which every till of a process keeps to."""
    return Contract()


def moment(at: datetime) -> dict[str, object]:
    """The fields of a moment, on the clock of the installation."""
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
    """The fields of a day."""
    return {"day": on.day, "mon": on.month, "year": on.year}


def day_of(fields: WireFields) -> date | None:
    """The day that the fields name; a zero in it means none."""
    year, month, number = fields.number("year"), fields.number("mon"), fields.number("day")
    try:
        return date(year, month, number)
    except ValueError:
        return None


def _types(schema: etree._Element) -> dict[str, dict[str, WireField]]:
    """Every type by name, those of request elements under the name of the element."""
    named = {element.get("name", ""): element for element in schema.iterchildren(f"{_XSD}complexType")}
    types = {name: _fields(element, named) for name, element in named.items()}
    for element in schema.iterchildren(f"{_XSD}element"):
        inline = element.find(f"{_XSD}complexType")
        name = element.get("name", "")
        types[name] = types[_local(element.get("type", ""))] if inline is None else _fields(inline, named)
    return types


def _fields(element: etree._Element, named: Mapping[str, etree._Element]) -> dict[str, WireField]:
    base = element.find(f".//{_XSD}extension")
    fields = {} if base is None else _fields(named[_local(base.get("base", ""))], named)
    for child in element.iter(f"{_XSD}element"):
        type_ = child.get("type", "")
        field = WireField(
            name=child.get("name", ""),
            type=type_ if type_.startswith("xsd:") else _local(type_),
            required=child.get("minOccurs", "1") != "0",
            many=child.get("maxOccurs", "1") != "1",
        )
        fields[field.name] = field
    return fields


def _operations(tree: etree._Element) -> dict[str, str]:
    """The element that answers each operation; messages bear the names of their elements."""
    port = tree.find(f"{_WSDL}portType")
    return {
        operation.get("name", ""): _local(output.get("message", ""))
        for operation in (port.iterchildren(f"{_WSDL}operation") if port is not None else ())
        if (output := operation.find(f"{_WSDL}output")) is not None
    }


def _enums(schema: etree._Element) -> dict[str, tuple[str, ...]]:
    return {
        element.get("name", ""): tuple(value.get("value", "") for value in element.iter(f"{_XSD}enumeration"))
        for element in schema.iterchildren(f"{_XSD}simpleType")
    }


def _shown(value: Value, type_: str) -> object:
    text = value.decode() if isinstance(value, bytes) else value
    if type_ in _WHOLE and isinstance(text, str):
        return int(text)
    return text == "true" if type_ == "xsd:boolean" else text


def _local(name: str) -> str:
    return name.rpartition(":")[2]
