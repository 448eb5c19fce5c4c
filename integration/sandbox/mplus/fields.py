"""A message, or an object in it, as named fields in their order; a name that occurs more than once is a list."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Union

from lxml import etree

NAMESPACE = "urn:mplusqapi"
MOST_PLACES = 12

Value = Union[str, bytes, "Fields"]  # the forward reference needs it; bytes are fields already written


class Fields(list[tuple[str, Value]]):
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

    def child(self, name: str) -> "Fields":
        """The object under the name, an empty one when there is none."""
        return next((value for value in self.values(name) if isinstance(value, Fields)), Fields())

    def children(self, name: str) -> list["Fields"]:
        """Every object under the name."""
        return [value for value in self.values(name) if isinstance(value, Fields)]

    def scaled(self, name: str, places: str) -> Decimal:
        """The quantity under the name, scaled by its companion; an absent companion means no decimal places."""
        return Decimal(self.number(name)).scaleb(-min(self.number(places), MOST_PLACES))

    def without(self, *names: str) -> "Fields":
        """The same fields, less those."""
        return Fields((name, value) for name, value in self if name not in names)

    def only(self, *names: str) -> "Fields":
        """Those of the fields."""
        return Fields((name, value) for name, value in self if name in names)

    def replaced(self, name: str, value: Value) -> "Fields":
        """The same fields with another value where the name stands."""
        return Fields((known, value if known == name else old) for known, old in self)


def written(fields: Fields) -> bytes:
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
