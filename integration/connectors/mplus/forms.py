"""Serializes requests according to the WSDL, with forms that are prepared once.

zeep parses the WSDL. Filling its value objects for each request takes longer than sending it, and so does a tree of
elements. So the order, the number and the text conversion of every element are taken from its types beforehand.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast
from xml.sax.saxutils import escape

from lxml import etree
from zeep.xsd import Boolean, ComplexType, Decimal, Integer, String

from integration.core.records import is_storable

PREFIX = "ns0"  # prefix of the interface's namespace, in which every element is
_UNFORMATTED_TYPES = (String, Integer, Decimal)  # text is sent unchanged; only flags and moments are formatted


@dataclass(frozen=True, slots=True)
class _Slot:
    """One element of a type. `inside` is the form of its content; `text` formats a value without any."""

    name: str
    tag: str
    required: bool
    repeated: bool
    inside: "WireForm | None"
    text: Callable[[object], str]
    as_it_is: bool

    def written(self, value: Any) -> str:
        """Return the elements for a value: none, one, or one for each of several."""
        if value is None:
            return ""
        if self.repeated and isinstance(value, list):
            return "".join([self._write_one(item) for item in value])
        return self._write_one(value)

    def _write_one(self, item: Any) -> str:
        if self.inside is not None:
            return enclosing_element(self.tag, self.inside.written(item))
        text = item if self.as_it_is and type(item) is str else self.text(item)
        return f"<{self.tag}>{_escaped(text)}</{self.tag}>"


class WireForm:
    """One type of the interface, prepared to be serialized many times."""

    def __init__(self, described: Any, known_forms: dict[int, "WireForm"] | None = None) -> None:
        """Wrap a type parsed by zeep; `known_forms` are reused, because a type may contain itself."""
        self._described = described
        self._forms = {} if known_forms is None else known_forms
        self._forms[id(described)] = self

    @cached_property
    def _slots(self) -> tuple[_Slot, ...]:
        return tuple(self._slot(name, element) for name, element in self._described.elements)

    @cached_property
    def _places(self) -> dict[str, int]:
        return {slot.name: place for place, slot in enumerate(self._slots)}

    @cached_property
    def _required(self) -> tuple[str, ...]:
        return tuple(slot.name for slot in self._slots if slot.required)

    def _slot(self, name: str, described: Any) -> _Slot:
        kind = described.type
        inside = None
        if isinstance(kind, ComplexType):
            inside = self._forms.get(id(kind)) or WireForm(kind, self._forms)
        return _Slot(
            name=name,
            tag=tag_of(described.qname),
            required=not described.is_optional,
            repeated=described.accepts_multiple,
            inside=inside,
            text=cast("Callable[[object], str]", getattr(kind, "xmlvalue", str)),
            as_it_is=isinstance(kind, _UNFORMATTED_TYPES) and not isinstance(kind, Boolean),
        )

    def written(self, content: Mapping[str, Any]) -> str:
        """Return the elements for the content, in the order of the interface.

        Raises TypeError for missing and for unknown elements, ValueError for text that XML cannot hold.
        """
        if unknown := content.keys() - self._places.keys():
            raise TypeError(f"no elements of the interface: {', '.join(sorted(unknown))}")
        for name in self._required:
            if content.get(name) in (None, []):
                raise TypeError(f"missing element {name}")
        slots = [self._slots[place] for place in sorted([self._places[name] for name in content])]
        return "".join([slot.written(content[slot.name]) for slot in slots])


def tag_of(name: etree.QName) -> str:
    """Return the prefixed name of an element."""
    return f"{PREFIX}:{name.localname}"


def enclosing_element(tag: str, inside: str, attributes: str = "") -> str:
    """Return an element around others; an empty one is self-closing."""
    return f"<{tag}{attributes}>{inside}</{tag}>" if inside else f"<{tag}{attributes}/>"


def _escaped(text: str) -> str:
    if text.isalnum():  # numbers and codes
        return text
    if not is_storable(text):
        raise ValueError("no XML can hold this text")
    return escape(text, {"\r": "&#13;"})
