"""Price terms per customer, price group, branch and offer: their field names, and the price that is paid.

A term is one price or percentage, from a minimum quantity: of an article for a price group or a branch, or of a
customer for an article or a discount group. Its field name has scope, type, minimum and number:
`price_group_incl:10:2` is the price including VAT for price group 2 from ten pieces. The name of an offer, a temporary
price of an article, has its period as well: `offer_incl:0@2026-12-07_2026-12-13:8`.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from itertools import combinations

from integration.core.money import HUNDRED, amount
from integration.core.records import Record, Value

NOUGHT = Decimal(0)


class PriceScope(StrEnum):
    """Scope of a term. The first three are terms of an article, the others of a customer."""

    PRICE_GROUP = "price_group"
    BRANCH = "branch"
    OFFER = "offer"
    ARTICLE = "article"
    DISCOUNT_GROUP = "discount_group"


class PriceType(StrEnum):
    """Type of a term's value: price including or excluding VAT, price as in the books, or discount percentage."""

    INCL = "incl"
    EXCL = "excl"
    PRICE = "price"
    PERCENT = "percent"


class OfferPrecedence(StrEnum):
    """Prices of a customer that an offer replaces: the general discount, also those of the price group, or all."""

    DISCOUNTS = "discounts"
    PRICE_GROUPS = "price_groups"
    EVERYTHING = "everything"


_DAY = r"\d{4}-\d\d-\d\d"
_NAME = re.compile(
    rf"({'|'.join(PriceScope)})_({'|'.join(PriceType)}):(\d+(?:,\d+)?)(?:@({_DAY})_({_DAY}))?:(.+)", re.DOTALL
)


@dataclass(frozen=True, slots=True, order=True)
class OfferPeriod:
    """First and last day of an offer; both days are included."""

    first: date
    last: date

    def includes(self, day: date) -> bool:
        """Return True if the offer applies on a day."""
        return self.first <= day <= self.last

    def overlaps(self, other: "OfferPeriod") -> bool:
        """Return True if the two periods share a day."""
        return self.first <= other.last and other.first <= self.last


@dataclass(frozen=True, slots=True)
class PriceTerm:
    """Scope, type, minimum quantity, and code or number of one price or percentage; for an offer also its period."""

    scope: PriceScope
    price_type: PriceType
    minimum: Decimal
    number: str
    period: OfferPeriod | None = None

    @property
    def name(self) -> str:
        """The field name of the term."""
        period = f"@{self.period.first}_{self.period.last}" if self.period else ""
        return f"{self.scope}_{self.price_type}:{_quantity_text(self.minimum)}{period}:{self.number}"


def term_of(field: str) -> PriceTerm | None:
    """Return the term of a field name, or None if the field is not a term.

    An offer has a period that does not end before it begins, and no other term has a period.
    """
    match = _NAME.fullmatch(field) if ":" in field else None
    if match is None:
        return None
    scope = PriceScope(match[1])
    period = _period(match[4], match[5]) if match[4] else None
    if (period is None) == (scope is PriceScope.OFFER) or (match[4] and period is None):
        return None
    return PriceTerm(scope, PriceType(match[2]), Decimal(match[3].replace(",", ".")), match[6], period)


def _period(first: str, last: str) -> OfferPeriod | None:
    try:
        period = OfferPeriod(date.fromisoformat(first), date.fromisoformat(last))
    except ValueError:
        return None
    return period if period.first <= period.last else None


def terms_in(values: Mapping[str, Value]) -> dict[PriceTerm, Value]:
    """Return the terms among the values of a record, with their values."""
    return {term: value for name, value in values.items() if ":" in name and (term := term_of(name)) is not None}


TERM_COUNTS = "prices"  # name under which records with terms are counted; each list follows after a colon


def term_counts(records: Iterable[Mapping[str, Value]]) -> dict[str, int]:
    """Return how many of these records have price terms, and how many have one of each list, branch or scope.

    Offers are not counted, because they end by themselves. Terms of a customer are counted by their scope alone.
    """
    counts = Counter({TERM_COUNTS: 0})
    for values in records:
        terms = [term for term in terms_in(values) if term.scope is not PriceScope.OFFER]
        counts.update({TERM_COUNTS} if terms else ())
        by_code = (PriceScope.PRICE_GROUP, PriceScope.BRANCH)
        counts.update(
            {f"{TERM_COUNTS}:{term.scope} {term.number if term.scope in by_code else ''}".strip() for term in terms}
        )
    return dict(counts)


def _quantity_text(minimum: Decimal) -> str:
    return f"{minimum.normalize():f}".replace(".", ",")  # a point separates a kind from its field


# ---- offers


def offers_in(values: Mapping[str, Value]) -> dict[PriceTerm, Value]:
    """Return the offers among the values of an article, with their prices or percentages, without removed ones."""
    terms = terms_in(values).items()
    return {term: value for term, value in terms if term.scope is PriceScope.OFFER and value is not None}


def overlapping_offers(values: Mapping[str, Value]) -> int:
    """Return how many pairs of offers of an article share a day and a minimum quantity.

    A price and a percentage of the same offer are one offer.
    """
    offers = {(term.number, term.period, term.minimum) for term in offers_in(values)}
    pairs = combinations(offers, 2)
    return sum(
        first[2] == second[2] and first[1] is not None and second[1] is not None and first[1].overlaps(second[1])
        for first, second in pairs
    )


def offers_above_price(values: Mapping[str, Value]) -> int:
    """Return how many offers of an article are certainly higher than its normal price.

    A negative discount raises the price. An offer excluding VAT is compared with the price including VAT if the article
    has no other; the reverse would need the VAT rate, and is not counted.
    """
    incl, excl = values.get("price_incl"), values.get("price_excl")
    normal = {PriceType.INCL: incl, PriceType.EXCL: incl if excl is None else excl, PriceType.PERCENT: NOUGHT}
    return sum(
        isinstance(value, Decimal)
        and isinstance(price := normal.get(term.price_type), Decimal)
        and (value < price if term.price_type is PriceType.PERCENT else value > price)
        for term, value in offers_in(values).items()
    )


# ---- the price that is paid


@dataclass(frozen=True, slots=True)
class PriceStep:
    """A candidate for a price: the term, its minimum quantity, and the resulting price of one piece.

    `candidate_value` is a price, or a discount percentage if `is_percent`. Exactly one step `wins`.
    """

    by: str
    number: str
    minimum: Decimal
    candidate_value: Decimal
    is_percent: bool
    price: Decimal
    incl: bool
    wins: bool = False


@dataclass(frozen=True, slots=True)
class PricePaid:
    """Price of a quantity by the books' terms, with all candidates, and whether it includes VAT."""

    total: Decimal
    incl: bool
    steps: tuple[PriceStep, ...]


@dataclass(frozen=True, slots=True)
class Purchase:
    """A purchase: an article and a customer with their agreed values. The customer may be None.

    `group` is the branch's price group, for customers without one. Offers apply only if there is a `day`, and replace
    the prices that `offers_win_over` names.
    """

    article: Record
    customer: Record | None
    quantity: Decimal
    branch: str
    group: str = ""
    day: date | None = None
    offers_win_over: OfferPrecedence = OfferPrecedence.PRICE_GROUPS


def effective_price(buying: Purchase) -> PricePaid | None:
    """Return the price to pay, or None if no price of the article is agreed on.

    The vendor does not document which of several terms wins at the till. This function takes the most specific: the
    customer's term for the article, the customer's term for its discount group, the term of the customer's price group,
    the customer's general discount. The place of the offer of the day among them is a setting. Of several minimum
    quantities it takes the highest one that is reached.
    """
    values = buying.article.values
    incl = isinstance(values.get("price_incl"), Decimal)
    base = values.get("price_incl" if incl else "price_excl")
    if not isinstance(base, Decimal):
        return None
    start = PriceStep("base", "", NOUGHT, base, is_percent=False, price=base, incl=incl)
    steps = [start]
    for term, says in terms_in(values).items():
        if term.scope is PriceScope.BRANCH and term.number == buying.branch and isinstance(says, Decimal):
            start = PriceStep(
                "branch",
                term.number,
                NOUGHT,
                says,
                is_percent=False,
                price=says,
                incl=term.price_type is PriceType.INCL,
            )
            steps.append(start)
    steps += _offers(buying, start)
    winner = steps[-1] = replace(steps[-1], wins=True)
    total = winner.price * buying.quantity
    if winner.is_percent:  # discount on the total, rounded once
        total = start.price * buying.quantity * (HUNDRED - winner.candidate_value) / HUNDRED
    return PricePaid(amount(total), winner.incl, tuple(steps))


def _offers(buying: Purchase, start: PriceStep) -> list[PriceStep]:
    """Return the candidates that may replace the start price, the least specific first."""
    article, customer = buying.article.values, buying.customer.values if buying.customer else {}
    offers = []
    discount = customer.get("discount_percent")
    if isinstance(discount, Decimal) and discount:
        offers.append(_discount_step(start, "customer", "", NOUGHT, discount))
    sources = [
        (PriceScope.PRICE_GROUP, str(customer.get("price_group") or buying.group), article),
        (PriceScope.DISCOUNT_GROUP, str(article.get("articleDiscountGroupNumber") or ""), customer),
        (PriceScope.ARTICLE, buying.article.key, customer),
    ]
    sources.insert(_PLACE_OF_OFFERS[buying.offers_win_over], (PriceScope.OFFER, "", article))
    for of, number, values in sources:
        reached = [
            _term_step(start, term, says)
            for term, says in terms_in(values).items()
            if term.scope is of
            and (term.number == number if term.period is None else _applies_on(term.period, buying.day))
            and term.minimum <= buying.quantity
            and isinstance(says, Decimal)
        ]
        offers += sorted(reached, key=lambda step: step.minimum)
    return offers


_PLACE_OF_OFFERS = {  # among the prices of a customer, the least specific first
    OfferPrecedence.DISCOUNTS: 0,
    OfferPrecedence.PRICE_GROUPS: 1,
    OfferPrecedence.EVERYTHING: 3,
}


def _applies_on(period: OfferPeriod, day: date | None) -> bool:
    return day is not None and period.includes(day)


def _term_step(start: PriceStep, term: PriceTerm, says: Decimal) -> PriceStep:
    if term.price_type is PriceType.PERCENT:
        return _discount_step(start, str(term.scope), term.number, term.minimum, says)
    return PriceStep(
        str(term.scope),
        term.number,
        term.minimum,
        says,
        is_percent=False,
        price=says,
        incl=term.price_type is PriceType.INCL,
    )


def _discount_step(start: PriceStep, by: str, number: str, minimum: Decimal, percent: Decimal) -> PriceStep:
    price = amount(start.price * (HUNDRED - percent) / HUNDRED)
    return PriceStep(by, number, minimum, percent, is_percent=True, price=price, incl=start.incl)


@dataclass(frozen=True, slots=True)
class PriceQuery:
    """Query for the till: the price a till customer pays for a quantity of an article in a branch.

    Without a `day` the till answers for now.
    """

    article: str
    customer: str
    quantity: Decimal
    branch: str
    day: date | None = None


@dataclass(frozen=True, slots=True)
class TillPrice:
    """Answer of the till: the total with and without VAT, and the till's own name of the discount."""

    incl: Decimal
    excl: Decimal
    by: str = ""


def price_queries(articles: Iterable[Record], customer: Record | None, limit: int) -> list[tuple[Record, Decimal]]:
    """Return the articles and quantities to ask the till about for a customer: those with a term that applies.

    Each article is asked at one piece and at every minimum quantity above one; at most `limit` queries. A general
    discount applies to all articles. Branch prices are asked without a customer, because customers without terms pay
    the same.
    """
    queries: list[tuple[Record, Decimal]] = []
    for article in articles:
        values = customer.values if customer else {}
        group = str(values.get("price_group") or "")
        numbers = {
            PriceScope.PRICE_GROUP: group,
            PriceScope.DISCOUNT_GROUP: str(article.values.get("articleDiscountGroupNumber") or ""),
            PriceScope.ARTICLE: article.key,
        }
        of_both = [*terms_in(article.values), *terms_in(values)]
        minima = {term.minimum for term in of_both if numbers.get(term.scope) == term.number}
        if values.get("discount_percent") or (
            customer is None and any(term.scope is PriceScope.BRANCH for term in of_both)
        ):
            minima.add(NOUGHT)
        if not minima:
            continue
        queries += [
            (article, quantity) for quantity in sorted({Decimal(1), *(minimum for minimum in minima if minimum > 1)})
        ]
        if len(queries) >= limit:
            return queries[:limit]
    return queries


def offer_queries(article: Record) -> list[tuple[Decimal, date]]:
    """Return the quantities and days to ask the till about for the offers of an article, without repetitions.

    For each offer these are its first and last day and the days before and after its period; at one piece, at its
    minimum quantity, and at one piece less than that.
    """
    queries, day = set[tuple[Decimal, date]](), timedelta(days=1)
    for minimum, period in ((term.minimum, term.period) for term in offers_in(article.values) if term.period):
        days = (period.first - day, period.first, period.last, period.last + day)
        quantities = {Decimal(1), *(quantity for quantity in (minimum, minimum - 1) if quantity > 1)}
        queries |= {(quantity, query_day) for quantity in quantities for query_day in days}
    return sorted(queries, key=lambda query: (query[1], query[0]))
