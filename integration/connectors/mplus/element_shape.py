"""Checks the shape of answers: the elements that the WSDL allows inside a type, and how often each may occur.

A structure or a list holds elements and no text, a single value holds text and no elements, an element that the WSDL
has once occurs once, and an element with `xsi:nil` is empty. An element that breaks this contradicts itself and has no
usable value. Elements that the WSDL does not have are ignored: newer tills send more.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import Any, NamedTuple

from lxml import etree
from zeep.xsd import ComplexType

from integration.core.records import WrongValueError

# Types of records. Each is checked where it is decoded, so that only the faulty record is parked.
RECORDS = frozenset(
    {
        "Product", "Relation", "Order", "Invoice", "Receipt", "Proposal", "Journal", "FinancialGroup", "CashCount",
        "ArticleStock", "ArticleStockHistory", "GetGiftcard", "ArticleGroup", "TurnoverGroup", "PaymentMethod",
        "DeliveryMethod", "OrderCategory", "PriceGroup", "SalesPrice", "VatGroup", "Branch", "Workplace", "Employee",
        "LicensedBranch", "CustomField", "ArticleBranchDeviationLine", "ReportPaymentSourceDetails",
    }
)  # fmt: skip

_NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"
_NIL_WORDS = {"true": True, "1": True, "false": False, "0": False}

# Attributes of a record that an answer has twice with different content: the name of a field that differs, its values.
_DIFFERS, _VALUES = "differs", "values"


class _Slot(NamedTuple):
    """One element of a type. `inside` is the shape of its content, None for text."""

    repeated: bool
    inside: "ElementShape | None"


class ElementShape:
    """The shape of one type of the WSDL."""

    def __init__(self, described: Any, known_shapes: dict[int, "ElementShape"] | None = None) -> None:
        """Wrap a type parsed by zeep; `known_shapes` are reused, because a type may contain itself."""
        self._described = described
        self._shapes = {} if known_shapes is None else known_shapes
        self._shapes[id(described)] = self
        self.is_record = described.name in RECORDS

    @cached_property
    def _slots(self) -> dict[str, _Slot]:
        return {element.qname.text: self._slot(element) for _, element in self._described.elements}

    def _slot(self, described: Any) -> _Slot:
        kind = described.type
        if not isinstance(kind, ComplexType):
            return _Slot(described.accepts_multiple, None)
        return _Slot(described.accepts_multiple, self._shapes.get(id(kind)) or ElementShape(kind, self._shapes))

    def require_shape(self, element: etree._Element, *, records: bool = True) -> None:
        """Raise WrongValueError if an element, or one inside it, does not have the shape of its type.

        Without `records`, records inside it are not checked.
        """
        slots, met = self._slots, set[str]()
        is_nil(element)
        if (text := element.text) and not text.isspace():
            raise WrongValueError(etree.QName(element).localname, _text_beside(element))
        for child in element:
            if (text := child.tail) and not text.isspace():
                raise WrongValueError(etree.QName(element).localname, _text_beside(element))
            tag = child.tag
            slot = slots.get(tag) if isinstance(tag, str) else None
            if slot is None:
                continue
            repeated, inside = slot
            if not repeated:
                if tag in met:
                    raise WrongValueError(etree.QName(child).localname, _all_text(element, tag))
                met.add(tag)
            if inside is None:
                is_nil(child)
                if len(child):
                    raise WrongValueError(etree.QName(child).localname, _all_text(element, tag))
            elif records or not inside.is_record:
                inside.require_shape(child, records=records)


def is_nil(element: etree._Element) -> bool:
    """Return True if an element says with `xsi:nil` that it has no value.

    Raises WrongValueError if it has content all the same, or if `xsi:nil` has another word than true or false.
    """
    word = element.get(_NIL)
    if word is None:
        return False
    nil = _NIL_WORDS.get(word.strip())
    content = "".join(str(text) for text in element.itertext()).strip()
    if nil is None or (nil and (content or len(element))):
        raise WrongValueError(etree.QName(element).localname, content or word)
    return nil


def mark_different(copies: Sequence[etree._Element]) -> None:
    """Mark different elements of one record as contradictory, so that its record is parked."""
    names = dict.fromkeys(child.tag for element in copies for child in element if isinstance(child.tag, str))
    differs = next((name for name in names if len({_content(element, name) for element in copies}) > 1), copies[0].tag)
    values = ", ".join(dict.fromkeys(_all_text(element, differs) for element in copies))
    for element in copies:
        element.set(_DIFFERS, etree.QName(differs).localname)
        element.set(_VALUES, values)


def require_not_different(element: etree._Element) -> None:
    """Raise WrongValueError for an element that is marked as contradictory."""
    if (differs := element.get(_DIFFERS)) is not None:
        raise WrongValueError(differs, element.get(_VALUES))


def is_marked_different(element: etree._Element) -> bool:
    """Return True if an answer had the record of this element twice with different content."""
    return element.get(_DIFFERS) is not None


def _content(element: etree._Element, name: str) -> bytes:
    return b"".join(etree.tostring(child, with_tail=False) for child in element.iterchildren(name))


def _text_beside(element: etree._Element) -> str:
    """Return the text directly in an element, outside its child elements."""
    return " ".join(filter(None, ((text or "").strip() for text in (element.text, *(child.tail for child in element)))))


def _all_text(parent: etree._Element, tag: str) -> str:
    """Return all text in the children with a name."""
    texts = (str(text).strip() for child in parent.iterchildren(tag) for text in child.itertext())
    return " ".join(filter(None, texts))
