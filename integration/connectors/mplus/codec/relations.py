"""Relations, the customers of a till: read from XML, created, or written over the element that was read."""

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache
from typing import Any, Self

from integration.connectors.mplus.client import Element, qualified, require_shape
from integration.connectors.mplus.codec.contacts import first_contact
from integration.connectors.mplus.codec.edits import write_card
from integration.connectors.mplus.codec.fields import Vocabulary, mappable_fields, sequence
from integration.connectors.mplus.codec.products import card_values, encode_card
from integration.connectors.mplus.codec.values import (
    Readers,
    UnfitError,
    child_number,
    customs_of,
    field_decoder,
    parse_flag,
    percent,
    plain_word,
    read_if_filled,
    read_values,
    whole_number,
)
from integration.core.records import Field, Kind, Record, Value, WrongValueError
from integration.core.vat_numbers import same_vat_number, without_prefix


@cache
def _readers() -> Readers:
    types = sequence("Relation")
    readers = {
        qualified(field.wire): (field.name, _reader(field, types[field.wire]))
        for field in mappable_fields(Kind.RELATION)
    }  # fmt: skip
    return {
        qualified("syncMarker"): (
            "marker",
            lambda element: read_if_filled(element, lambda text: str(whole_number(text))),
        ),
        **readers,
    }


def _reader(field: Field, xsd: str) -> Callable[[Element], Value]:
    if xsd == "enum":
        return lambda element: read_if_filled(element, lambda text: plain_word(text).lower())
    if field.wire == "discountPercentage":
        return lambda element: read_if_filled(element, percent)
    return field_decoder(field, xsd)


def decode_relation(element: Element, key: str) -> Record:
    """Return a relation under our key, with the filled custom fields.

    Raises ValueError when a field does not hold what its type says.
    """
    return Record(Kind.RELATION, key, read_values(element, _readers()) | first_contact(element) | customs_of(element))


def relation_number(element: Element) -> str:
    """Return a relation's number as text, empty when it has none."""
    number = child_number(element, "relationNumber")
    return str(number) if number else ""


def require_relation_number(element: Element) -> None:
    """Raise WrongValueError for a relation without a number."""
    if not relation_number(element):
        raise WrongValueError("relationNumber", element.findtext(qualified("relationNumber")))


_VAT_METHODS = frozenset({"inclusive", "exclusive", "shifted", "none"})


@dataclass(frozen=True, slots=True)
class RelationForm:
    """Reads and writes the relations of this installation.

    `types` are the custom fields that it defines; with `hundredths`, a discount of 2.5 % is sent as 250.
    """

    types: Mapping[str, str]
    hundredths: bool = False

    @property
    def _words(self) -> Vocabulary:
        return Vocabulary(hundredths=self.hundredths)

    def read(self, element: Element, key: str) -> Record:
        """Return a relation under our key. Raises ValueError if the value of a field does not match its type."""
        require_shape(element, "Relation")
        values = {**card_values(element, Kind.RELATION, self._words), **decode_relation(element, key).values}
        discount = element.find(qualified("discountPercentage"))
        if self.hundredths and discount is not None:
            values["discount_percent"] = Decimal(child_number(element, "discountPercentage")) / 100
        return Record(Kind.RELATION, key, values)

    def new_relation(self, desired: Record) -> dict[str, Any]:
        """Return a new relation as request content. Raises UnfitError and CustomFieldUnknownError."""
        return encode_card(self._with_wire_units(desired), self.types, self._words)

    def edited(self, relation: Element, desired: Record) -> Element:
        """Return a copy of the relation with the wanted values, and everything else unchanged.

        Raises UnfitError and CustomFieldUnknownError.
        """
        whole = deepcopy(relation)
        write_card(whole, self._with_wire_units(desired), self._words, self.types)
        return whole

    def _with_wire_units(self, desired: Record) -> Record:
        values = {name: self._wire_value(name, value) for name, value in desired.values.items()}
        return replace(desired, values=values)

    def _wire_value(self, name: str, value: Value) -> Value:
        if name == "discount_percent" and isinstance(value, Decimal) and self.hundredths:
            return value * 100
        if name == "vat_method" and isinstance(value, str) and value:
            if value not in _VAT_METHODS:
                raise UnfitError(name, value)
            return f"VAT-METHOD-{value.upper()}"
        return value


@dataclass(frozen=True, slots=True)
class Marks:
    """Normalized evidence by which a relation can be matched with a customer; missing evidence is empty."""

    external_id: str
    vat_number: str
    email: str
    active: bool
    whole_number: str = ""
    country: str = ""

    def may_be(self, other: Self, evidence: str) -> bool:
        """Return True if two customers with equal evidence may match: VAT numbers also need the same country."""
        if evidence != "vat_number":
            return True
        return same_vat_number(self.whole_number, other.whole_number, self.country, other.country)


def marks(external_id: Value, vat_number: Value, email: Value, *, country: Value = "", active: bool = True) -> Marks:
    """Return the evidence of a customer, normalized for comparison.

    VAT numbers lose their country, blanks and punctuation; e-mail addresses are case-folded.
    """
    number = str(vat_number or "")
    mail = str(email or "").strip().casefold()
    return Marks(str(external_id or "").strip(), without_prefix(number), mail, active, number, str(country or ""))


def marks_of(relation: Element) -> Marks:
    """Return the evidence of a relation of the till; it counts as active unless it says otherwise."""

    def text(wire: str) -> str:
        return relation.findtext(qualified(wire)) or ""

    try:
        is_active = parse_flag(text("active").strip() or "true")
    except ValueError:  # the error is raised and reported when the complete relation is read
        is_active = True
    country = text("country")
    return marks(text("extRelationId"), text("vatNumber"), text("email"), country=country, active=is_active)


def relation_marker(relation: Element) -> int:
    """Return a relation's change marker."""
    return child_number(relation, "syncMarker")
