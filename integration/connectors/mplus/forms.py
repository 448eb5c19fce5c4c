"""Requests as the interface describes them, built from forms that are made ready once.

zeep reads the description. Filling its value objects for each request takes longer than sending it, so the order,
the number and the text of every element are taken out of its types beforehand.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

from lxml import etree
from zeep.xsd import Boolean, ComplexType, Decimal, Integer, String

_TAKEN_AS_IT_IS = (String, Integer, Decimal)  # a text stands for itself; only flags and moments have words of their own


@dataclass(frozen=True, slots=True)
class _Slot:
    """One element of a type. `inside` is there when it holds others, `text` makes the text of one that does not."""

    name: str
    tag: str
    required: bool
    repeated: bool
    inside: "Form | None"
    text: Callable[[object], str]
    as_it_is: bool


class Form:
    """One type of the interface, ready to be filled in as often as need be."""

    def __init__(self, described: Any, known: dict[int, "Form"] | None = None) -> None:
        """Take over a type that zeep has read; a type may hold itself, and what is `known` is not made again."""
        self._described = described
        self._known = {} if known is None else known
        self._known[id(described)] = self

    @cached_property
    def _slots(self) -> tuple[_Slot, ...]:
        return tuple(self._slot(name, element) for name, element in self._described.elements)

    @cached_property
    def _names(self) -> frozenset[str]:
        return frozenset(slot.name for slot in self._slots)

    def _slot(self, name: str, element: Any) -> _Slot:
        kind = element.type
        inside = None
        if isinstance(kind, ComplexType):
            inside = self._known.get(id(kind)) or Form(kind, self._known)
        return _Slot(
            name=name,
            tag=element.qname.text,
            required=not element.is_optional,
            repeated=element.accepts_multiple,
            inside=inside,
            text=cast("Callable[[object], str]", getattr(kind, "xmlvalue", str)),
            as_it_is=isinstance(kind, _TAKEN_AS_IT_IS) and not isinstance(kind, Boolean),
        )

    def fill(self, into: etree._Element, content: Mapping[str, Any]) -> None:
        """Put elements for the content into an element, in the order of the interface.

        Raises TypeError for what is missing and for what the interface does not have, ValueError for what no XML holds.
        """
        used = 0
        for slot in self._slots:
            value = content.get(slot.name)
            used += slot.name in content
            items = value if slot.repeated and isinstance(value, list) else () if value is None else (value,)
            if slot.required and not items:
                raise TypeError(f"missing element {slot.name}")
            for item in items:
                child = etree.SubElement(into, slot.tag)
                if slot.inside is not None:
                    slot.inside.fill(child, item)
                else:
                    child.text = item if slot.as_it_is and type(item) is str else slot.text(item)
        if used != len(content):
            raise TypeError(f"no elements of the interface: {', '.join(sorted(content.keys() - self._names))}")
