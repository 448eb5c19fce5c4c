"""Prices per price group and temporary prices of articles, and agreements of relations: rows of a list in their card.

Prices are whole cents, percentages are in the unit of the installation. Minimum quantities are whole in an article, and
beside a number of decimals in a relation. A row without a minimum quantity applies to any quantity. A temporary price
without both dates is not ours: it is neither read nor written.
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
    date_of,
    decimal_places,
    encoded,
    exact_number,
    required_integer,
)
from integration.core.money import from_cents, from_scaled, to_scaled
from integration.core.prices import OfferPeriod, PriceScope, PriceTerm, PriceType, terms_in
from integration.core.records import FieldType, Kind, Record, Value, WrongValueError


@dataclass(frozen=True, slots=True)
class TermList:
    """The list with the rows of a kind: its elements, their type, and the elements that name the subject of a row."""

    wrapper: str
    item: str
    type: str
    of: Mapping[PriceScope, str]
    scaled: bool = False  # whether quantities have a number of decimals beside them
    dated: bool = False  # whether rows have a period


LISTS: Mapping[Kind, tuple[TermList, ...]] = {
    Kind.ARTICLE: (
        TermList("priceGroupList", "priceGroup", "PriceGroup", {PriceScope.PRICE_GROUP: "priceGroupNumber"}),
        TermList("salesPriceList", "salesPrice", "SalesPrice", {PriceScope.OFFER: "salesPriceNumber"}, dated=True),
    ),
    Kind.RELATION: (
        TermList(
            "relationArticleDiscountList",
            "relationArticleDiscount",
            "RelationArticleDiscount",
            {PriceScope.ARTICLE: "articleNumber", PriceScope.DISCOUNT_GROUP: "articleDiscountGroupNumber"},
            scaled=True,
        ),
    ),
}
SAYS: Mapping[PriceType, str] = {
    PriceType.INCL: "priceIncl",
    PriceType.EXCL: "priceExcl",
    PriceType.PERCENT: "discountPercentage",
}
MINIMUM, PLACES = "minimumAmount", "minimumAmountDecimalPlaces"
START, END = "startDate", "endDate"

# Subject of a row: its scope, its number, the minimum quantity, and its period.
Place = tuple[PriceScope, str, Decimal, OfferPeriod | None]


def term_list(kind: Kind, scope: PriceScope) -> TermList | None:
    """Return the list with the rows of a scope in the card of a kind; None if the card has no such list."""
    return next((of for of in LISTS.get(kind, ()) if scope in of.of), None)


def card_rows(card: Element, kind: Kind) -> list[tuple[TermList, Element]]:
    """Return the rows of a card with their list; empty for a kind without such lists."""
    return [
        (of, row)
        for of in LISTS.get(kind, ())
        for row in card.iterfind(f"{qualified(of.wrapper)}/{qualified(of.item)}")
    ]


def row_subject(row: Element, of: TermList) -> Place | None:
    """Return the subject of a row of a list, None if it is unknown. Raises WrongValueError.

    If rows can have one kind of subject only, the interface requires its number.
    """
    if len(of.of) == 1:
        for wire in of.of.values():
            required_integer(row, wire)
    scaled_minimum, places = child_number(row, MINIMUM), child_number(row, PLACES) if of.scaled else 0
    try:
        minimum = from_scaled(scaled_minimum, places)
        exact_number(minimum)
    except (ValueError, ArithmeticError):
        raise WrongValueError(MINIMUM, scaled_minimum) from None
    period = _row_period(row) if of.dated else None
    if of.dated and period is None:
        return None
    return next(
        ((scope, str(number), minimum, period) for scope, wire in of.of.items() if (number := child_number(row, wire))),
        None,
    )


def _row_period(row: Element) -> OfferPeriod | None:
    """Return the period of a row; None if a date is missing, or if it ends before it begins."""
    first, last = (
        None if (element := row.find(qualified(wire))) is None else date_of(element) for wire in (START, END)
    )
    return OfferPeriod(first, last) if first and last and first <= last else None


def decode_terms(card: Element, kind: Kind, words: Vocabulary) -> dict[str, Value]:
    """Return the price terms of a card by their names.

    Raises WrongValueError for a row with unreadable numbers, and for two rows that contradict each other.
    """
    values: dict[str, Value] = {}
    for scope, row in card_rows(card, kind):
        place = row_subject(row, scope)
        if place is None:
            continue
        for price_type, wire in SAYS.items():
            if not (row.findtext(qualified(wire)) or "").strip():
                continue
            number = child_number(row, wire)
            if price_type is PriceType.PERCENT and not number:  # a row with a price may have a discount of 0
                continue
            name = _term(place, price_type).name
            percent = Decimal(number) / 100 if words.hundredths else Decimal(number)
            value = percent if price_type is PriceType.PERCENT else from_cents(number)
            if values.setdefault(name, value) != value:
                raise WrongValueError(wire, f"{values[name]}, {value}")
    return values


def _term(place: Place, price_type: PriceType) -> PriceTerm:
    scope, number, minimum, period = place
    return PriceTerm(scope, price_type, minimum, number, period)


def wanted_rows(card: Record) -> dict[Place, dict[PriceType, Value]]:
    rows: dict[Place, dict[PriceType, Value]] = {}
    for term, value in terms_in(card.values).items():
        if term_list(card.kind, term.scope):
            rows.setdefault((term.scope, term.number, term.minimum, term.period), {})[term.price_type] = value
    return rows


def encode_price(place: Place, how: PriceType, value: Value, words: Vocabulary) -> str:
    """Return a price or percentage as text on the wire. Raises UnfitError."""
    name = _term(place, how).name
    if how not in SAYS or not isinstance(value, Decimal):
        raise UnfitError(name, value)
    if how is PriceType.PERCENT:
        return encoded(name, value * 100 if words.hundredths else value, FieldType.NUMBER, "int")
    return encoded(name, value, FieldType.MONEY, "long")


def subject_elements(place: Place, of: TermList) -> Iterator[tuple[str, Any]]:
    """Yield the elements that name the subject of a new row of a list. Raises UnfitError."""
    scope, number, minimum, period = place
    yield of.of[scope], encoded(str(scope), number, FieldType.CODE, "long")
    if period:
        for wire, day in ((START, period.first), (END, period.last)):
            yield wire, {"day": day.day, "mon": day.month, "year": day.year}
    if minimum and of.scaled:
        places = decimal_places(minimum)
        yield MINIMUM, str(to_scaled(minimum, places))
        yield PLACES, str(places)
    elif minimum:
        yield MINIMUM, encoded(str(scope), minimum, FieldType.NUMBER, "int")


def encode_terms(card: Record, words: Vocabulary) -> dict[str, Any]:
    """Return the price rows of a new card as request content, empty if it has none. Raises UnfitError."""
    lists: dict[str, Any] = {}
    for place, row in wanted_rows(card).items():
        amounts = {SAYS[how]: encode_price(place, how, value, words) for how, value in row.items() if value is not None}
        of = term_list(card.kind, place[0])
        if amounts and of:
            rows = lists.setdefault(of.wrapper, {of.item: []})[of.item]
            rows.append({**dict(subject_elements(place, of)), **amounts})
    return lists
