"""Relations: the customers of a till, read from its XML."""

from collections.abc import Callable, Mapping
from functools import cache

from integration.connectors.mplus.client import Element, tag
from integration.connectors.mplus.codec.fields import CUSTOM, offered, sequence
from integration.connectors.mplus.codec.values import decode_custom, decoder, filled, percent, word
from integration.core.records import Field, Kind, Record, Value


@cache
def _readers() -> Mapping[str, tuple[str, Callable[[Element], Value]]]:
    types = sequence("Relation")
    readers = {
        tag(field.wire): (field.name, _reader(field, types[field.wire])) for field in offered(Kind.RELATION)
    }  # fmt: skip
    return {tag("syncMarker"): ("marker", lambda element: filled(element, lambda text: str(int(text)))), **readers}


def _reader(field: Field, xsd: str) -> Callable[[Element], Value]:
    if xsd == "enum":
        return lambda element: filled(element, lambda text: word(text).lower())
    if field.wire == "discountPercentage":
        return lambda element: filled(element, percent)
    return decoder(field, xsd)


def decode_relation(element: Element, key: str) -> Record:
    """Return a relation under our key, with the custom fields the till fills.

    Raises ValueError when a field does not hold what its type says.
    """
    readers = _readers()
    values: dict[str, Value] = {}
    for child in element.iterchildren("*"):
        known = readers.get(child.tag)
        if known is not None and (value := known[1](child)) is not None:
            values[known[0]] = value
    for each in element.iterfind(f"{tag('customFieldList')}/{tag('customField')}"):
        values[CUSTOM + (each.findtext(tag("fieldName")) or "")] = decode_custom(each)
    return Record(Kind.RELATION, key, values)


def relation_number(element: Element) -> str:
    """Return a relation's number as text, empty when it has none."""
    number = int(element.findtext(tag("relationNumber")) or 0)
    return str(number) if number else ""
