"""Price terms per customer, price group and branch: their field names, and the price that is paid.

A term is one price or percentage, from a minimum quantity: of an article for a price group or a branch, or of a
customer for an article or a discount group. Its field name has scope, type, minimum and number:
`price_group_incl:10:2` is the price including VAT for price group 2 from ten pieces.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum

from integration.core.money import HUNDRED, amount
from integration.core.records import Record, Value

NOUGHT = Decimal(0)


class PriceScope(StrEnum):
    """Scope of a term. The first two are terms of an article, the others of a customer."""

    PRICE_GROUP = "price_group"
    BRANCH = "branch"
    ARTICLE = "article"
    DISCOUNT_GROUP = "discount_group"


class PriceType(StrEnum):
    """Type of a term's value: price including or excluding VAT, price as in the books, or discount percentage."""

    INCL = "incl"
    EXCL = "excl"
    PRICE = "price"
    PERCENT = "percent"


_NAME = re.compile(rf"({'|'.join(PriceScope)})_({'|'.join(PriceType)}):(\d+(?:,\d+)?):(.+)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class PriceTerm:
    """Scope, type, minimum quantity, and code or number of one price or percentage."""

    of: PriceScope
    how: PriceType
    minimum: Decimal
    number: str

    @property
    def name(self) -> str:
        """The field name of the term."""
        return f"{self.of}_{self.how}:{_plain(self.minimum)}:{self.number}"


def term_of(field: str) -> PriceTerm | None:
    """Return the term of a field name, or None if the field is no term."""
    found = _NAME.fullmatch(field) if ":" in field else None
    if found is None:
        return None
    return PriceTerm(PriceScope(found[1]), PriceType(found[2]), Decimal(found[3].replace(",", ".")), found[4])


def terms_in(values: Mapping[str, Value]) -> dict[PriceTerm, Value]:
    """Return the terms among the values of a record, with their values."""
    return {term: value for name, value in values.items() if ":" in name and (term := term_of(name)) is not None}


def _plain(minimum: Decimal) -> str:
    return f"{minimum.normalize():f}".replace(".", ",")  # a point separates a kind from its field


# ---- the price that is paid


@dataclass(frozen=True, slots=True)
class PriceStep:
    """A candidate for a price: the term, its minimum quantity, and the resulting price of one piece.

    `says` is a price, or a discount percentage if `is_percent`. Exactly one step `wins`.
    """

    by: str
    number: str
    minimum: Decimal
    says: Decimal
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

    `group` is the branch's price group, for customers without one.
    """

    article: Record
    customer: Record | None
    quantity: Decimal
    branch: str
    group: str = ""


def effective_price(buying: Purchase) -> PricePaid | None:
    """Return the price to pay, or None if no price of the article is agreed on.

    The vendor does not document which of several terms wins at the till. This function takes the most specific: the
    customer's term for the article, the customer's term for its discount group, the term of the customer's price
    group, the customer's general discount. Of several minimum quantities it takes the highest one that is reached.
    """
    values = buying.article.values
    incl = isinstance(values.get("price_incl"), Decimal)
    base = values.get("price_incl" if incl else "price_excl")
    if not isinstance(base, Decimal):
        return None
    start = PriceStep("base", "", NOUGHT, base, is_percent=False, price=base, incl=incl)
    steps = [start]
    for term, says in terms_in(values).items():
        if term.of is PriceScope.BRANCH and term.number == buying.branch and isinstance(says, Decimal):
            start = PriceStep(
                "branch", term.number, NOUGHT, says, is_percent=False, price=says, incl=term.how is PriceType.INCL
            )
            steps.append(start)
    steps += _offers(buying, start)
    winner = steps[-1] = replace(steps[-1], wins=True)
    total = winner.price * buying.quantity
    if winner.is_percent:  # discount on the total, rounded once
        total = start.price * buying.quantity * (HUNDRED - winner.says) / HUNDRED
    return PricePaid(amount(total), winner.incl, tuple(steps))


def _offers(buying: Purchase, start: PriceStep) -> list[PriceStep]:
    """Return the candidates that may replace the start price, the least specific first."""
    article, customer = buying.article.values, buying.customer.values if buying.customer else {}
    offers = []
    discount = customer.get("discount_percent")
    if isinstance(discount, Decimal) and discount:
        offers.append(_off(start, "customer", "", NOUGHT, discount))
    for of, number, values in (
        (PriceScope.PRICE_GROUP, str(customer.get("price_group") or buying.group), article),
        (PriceScope.DISCOUNT_GROUP, str(article.get("articleDiscountGroupNumber") or ""), customer),
        (PriceScope.ARTICLE, buying.article.key, customer),
    ):
        reached = [
            _by_term(start, term, says)
            for term, says in terms_in(values).items()
            if (term.of, term.number) == (of, number) and term.minimum <= buying.quantity and isinstance(says, Decimal)
        ]
        offers += sorted(reached, key=lambda step: step.minimum)
    return offers


def _by_term(start: PriceStep, term: PriceTerm, says: Decimal) -> PriceStep:
    if term.how is PriceType.PERCENT:
        return _off(start, str(term.of), term.number, term.minimum, says)
    return PriceStep(
        str(term.of), term.number, term.minimum, says, is_percent=False, price=says, incl=term.how is PriceType.INCL
    )


def _off(start: PriceStep, by: str, number: str, minimum: Decimal, percent: Decimal) -> PriceStep:
    price = amount(start.price * (HUNDRED - percent) / HUNDRED)
    return PriceStep(by, number, minimum, percent, is_percent=True, price=price, incl=start.incl)


@dataclass(frozen=True, slots=True)
class PriceQuery:
    """Query for the till: the price a till customer pays for a quantity of an article in a branch."""

    article: str
    customer: str
    quantity: Decimal
    branch: str


@dataclass(frozen=True, slots=True)
class TillPrice:
    """Answer of the till: the total with and without VAT, and the till's own name of the discount."""

    incl: Decimal
    excl: Decimal
    by: str = ""


def price_queries(articles: Iterable[Record], customer: Record | None, most: int) -> list[tuple[Record, Decimal]]:
    """Return the articles and quantities to ask the till about for a customer: those with a term that applies.

    Each article is asked at one piece and at every minimum quantity above one; at most `most` queries. A general
    discount applies to all articles. Branch prices are asked without a customer, because customers without terms pay
    the same.
    """
    found: list[tuple[Record, Decimal]] = []
    for article in articles:
        values = customer.values if customer else {}
        group = str(values.get("price_group") or "")
        numbers = {
            PriceScope.PRICE_GROUP: group,
            PriceScope.DISCOUNT_GROUP: str(article.values.get("articleDiscountGroupNumber") or ""),
            PriceScope.ARTICLE: article.key,
        }
        of_both = [*terms_in(article.values), *terms_in(values)]
        minima = {term.minimum for term in of_both if numbers.get(term.of) == term.number}
        if values.get("discount_percent") or (
            customer is None and any(term.of is PriceScope.BRANCH for term in of_both)
        ):
            minima.add(NOUGHT)
        if not minima:
            continue
        found += [(article, quantity) for quantity in sorted({Decimal(1), *(one for one in minima if one > 1)})]
        if len(found) >= most:
            return found[:most]
    return found
