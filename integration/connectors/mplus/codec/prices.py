"""Prices of articles for price groups, and agreements of relations: rows of a list in their card.

Prices are whole cents, percentages are in the unit of the installation. Minimum quantities are whole in an article, and
beside a number of decimals in a relation. A row without a minimum quantity applies to any quantity.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from integration.connectors.mplus.client import Element, qualified
from integration.connectors.mplus.codec.fields import Vocabulary
from integration.connectors.mplus.codec.values import (
    UnfitError,
    child_number,
    decimal_places,
    encoded,
    exact_number,
    required_integer,
)
from integration.core.money import from_cents, from_scaled, to_scaled
from integration.core.prices import PriceScope, PriceTerm, PriceType, terms_in
from integration.core.records import FieldType, Kind, Record, Value, WrongValueError


@dataclass(frozen=True, slots=True)
class TermList:
    """The list with the rows of a kind: its elements, their type, and the elements that name the subject of a row."""

    wrapper: str
    item: str
    type: str
    of: Mapping[PriceScope, str]
    scaled: bool = False  # whether quantities have a number of decimals beside them


LISTS: Mapping[Kind, TermList] = {
    Kind.ARTICLE: TermList("priceGroupList", "priceGroup", "PriceGroup", {PriceScope.PRICE_GROUP: "priceGroupNumber"}),
    Kind.RELATION: TermList(
        "relationArticleDiscountList",
        "relationArticleDiscount",
        "RelationArticleDiscount",
        {PriceScope.ARTICLE: "articleNumber", PriceScope.DISCOUNT_GROUP: "articleDiscountGroupNumber"},
        scaled=True,
    ),
}
SAYS: Mapping[PriceType, str] = {
    PriceType.INCL: "priceIncl",
    PriceType.EXCL: "priceExcl",
    PriceType.PERCENT: "discountPercentage",
}
MINIMUM, PLACES = "minimumAmount", "minimumAmountDecimalPlaces"

Place = tuple[PriceScope, str, Decimal]  # subject of a row: its scope, its number, and the minimum quantity


def card_rows(card: Element, kind: Kind) -> list[Element]:
    """Return the rows of a card, for a kind that has any."""
    of = LISTS[kind]
    return list(card.iterfind(f"{qualified(of.wrapper)}/{qualified(of.item)}"))


def row_subject(row: Element, kind: Kind) -> Place | None:
    """Return the subject of a row, None if it is unknown. Raises WrongValueError.

    If rows can have one kind of subject only, the interface requires its number.
    """
    of = LISTS[kind]
    if len(of.of) == 1:
        for wire in of.of.values():
            required_integer(row, wire)
    told, places = child_number(row, MINIMUM), child_number(row, PLACES) if of.scaled else 0
    try:
        minimum = from_scaled(told, places)
        exact_number(minimum)
    except (ValueError, ArithmeticError):
        raise WrongValueError(MINIMUM, told) from None
    return next(
        ((one, str(number), minimum) for one, wire in of.of.items() if (number := child_number(row, wire))), None
    )


def decode_terms(card: Element, kind: Kind, words: Vocabulary) -> dict[str, Value]:
    """Return the price terms of a card by their names.

    Raises WrongValueError for a row with unreadable numbers, and for two rows that contradict each other.
    """
    values: dict[str, Value] = {}
    for row in card_rows(card, kind):
        place = row_subject(row, kind)
        if place is None:
            continue
        for how, wire in SAYS.items():
            if not (row.findtext(qualified(wire)) or "").strip():
                continue
            number = child_number(row, wire)
            if how is PriceType.PERCENT and not number:  # a row with a price may have a discount of 0
                continue
            name, percent = _term(place, how).name, Decimal(number) / 100 if words.hundredths else Decimal(number)
            value = percent if how is PriceType.PERCENT else from_cents(number)
            if values.setdefault(name, value) != value:
                raise WrongValueError(wire, f"{values[name]}, {value}")
    return values


def _term(place: Place, how: PriceType) -> PriceTerm:
    of, number, minimum = place
    return PriceTerm(of, how, minimum, number)


def wanted_rows(card: Record) -> dict[Place, dict[PriceType, Value]]:
    """Return the wanted values of a record by row."""
    rows: dict[Place, dict[PriceType, Value]] = {}
    if card.kind not in LISTS:
        return rows
    for term, value in terms_in(card.values).items():
        if term.of in LISTS[card.kind].of:
            rows.setdefault((term.of, term.number, term.minimum), {})[term.how] = value
    return rows


def encode_price(place: Place, how: PriceType, value: Value, words: Vocabulary) -> str:
    """Return a price or percentage as text on the wire. Raises UnfitError."""
    name = _term(place, how).name
    if how not in SAYS or not isinstance(value, Decimal):
        raise UnfitError(name, value)
    if how is PriceType.PERCENT:
        return encoded(name, value * 100 if words.hundredths else value, FieldType.NUMBER, "int")
    return encoded(name, value, FieldType.MONEY, "long")


def subject_elements(place: Place, kind: Kind) -> Iterator[tuple[str, str]]:
    """Yield the elements that name the subject of a new row. Raises UnfitError."""
    of, (what, number, minimum) = LISTS[kind], place
    yield of.of[what], encoded(str(what), number, FieldType.CODE, "long")
    if minimum and of.scaled:
        places = decimal_places(minimum)
        yield MINIMUM, str(to_scaled(minimum, places))
        yield PLACES, str(places)
    elif minimum:
        yield MINIMUM, encoded(str(what), minimum, FieldType.NUMBER, "int")


def encode_terms(card: Record, words: Vocabulary) -> dict[str, Any]:
    """Return the price rows of a new card as request content, empty if it has none. Raises UnfitError."""
    rows = []
    for place, row in wanted_rows(card).items():
        told = {SAYS[how]: encode_price(place, how, value, words) for how, value in row.items() if value is not None}
        if told:
            rows.append({**dict(subject_elements(place, card.kind)), **told})
    return {LISTS[card.kind].wrapper: {LISTS[card.kind].item: rows}} if rows else {}
