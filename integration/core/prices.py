"""Prices that are not the same for everybody: how each is named as a field of a record, and which of them is paid.

A term is one price or percentage: of an article for a price group or in a branch, or of a customer for an article or a
discount group, from a quantity on. As a field it is called by what it is, from how many on, and for whom or what:
`price_group_incl:10:2` is the price including VAT for price group 2 from ten pieces on.
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
    """For whom or what a term is. The first two are terms of an article, the others of a customer."""

    PRICE_GROUP = "price_group"
    BRANCH = "branch"
    ARTICLE = "article"
    DISCOUNT_GROUP = "discount_group"


class PriceType(StrEnum):
    """What a term says: a price including or excluding VAT, one as the books have it, or a percentage off."""

    INCL = "incl"
    EXCL = "excl"
    PRICE = "price"
    PERCENT = "percent"


_NAME = re.compile(rf"({'|'.join(PriceScope)})_({'|'.join(PriceType)}):(\d+(?:,\d+)?):(.+)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class PriceTerm:
    """What one price or percentage is of, how it is meant, from how many pieces on, and for which code or number."""

    of: PriceScope
    how: PriceType
    minimum: Decimal
    number: str

    @property
    def name(self) -> str:
        """The field that holds it."""
        return f"{self.of}_{self.how}:{_plain(self.minimum)}:{self.number}"


def term_of(field: str) -> PriceTerm | None:
    """Return the term that a field holds; None for every other field."""
    found = _NAME.fullmatch(field) if ":" in field else None
    if found is None:
        return None
    return PriceTerm(PriceScope(found[1]), PriceType(found[2]), Decimal(found[3].replace(",", ".")), found[4])


def terms_in(values: Mapping[str, Value]) -> dict[PriceTerm, Value]:
    """Return the terms among the values of a record, with what each says."""
    return {term: value for name, value in values.items() if ":" in name and (term := term_of(name)) is not None}


def _plain(minimum: Decimal) -> str:
    return f"{minimum.normalize():f}".replace(".", ",")  # a point stands between a kind and its field


# ---- which one is paid


@dataclass(frozen=True, slots=True)
class PriceStep:
    """One thing that could decide a price: what says so, from how many pieces on, and what one piece costs by it.

    `says` is a price, or a percentage off where `is_percent`. One of the steps `wins`.
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
    """What a quantity costs by what the books say, how that came about, and whether it includes VAT."""

    total: Decimal
    incl: bool
    steps: tuple[PriceStep, ...]


@dataclass(frozen=True, slots=True)
class Purchase:
    """What is bought by whom: an article and a customer of the till as agreed on; the customer may be nobody.

    `group` is the price group of the branch, for who has none.
    """

    article: Record
    customer: Record | None
    quantity: Decimal
    branch: str
    group: str = ""


def effective_price(buying: Purchase) -> PricePaid | None:
    """Return what is paid; None for an article of which nobody agreed on a price.

    Which of several terms a till lets win is published by nobody. Taken is the most particular: one of the customer for
    the article, for its discount group, one of the customer's price group, the customer's discount on everything; of
    several quantities the highest that is reached.
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
    if winner.is_percent:  # off the whole, rounded once
        total = start.price * buying.quantity * (HUNDRED - winner.says) / HUNDRED
    return PricePaid(amount(total), winner.incl, tuple(steps))


def _offers(buying: Purchase, start: PriceStep) -> list[PriceStep]:
    """Return what could be paid instead of the price to start from, the less particular first."""
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
class Charge:
    """One question to a till: what a customer of its own pays for a quantity of an article in a branch."""

    article: str
    customer: str
    quantity: Decimal
    branch: str


@dataclass(frozen=True, slots=True)
class TillPrice:
    """What a till answers: the whole with and without VAT, and by which discount, in its own word."""

    incl: Decimal
    excl: Decimal
    by: str = ""


def asked_about(articles: Iterable[Record], customer: Record | None, most: int) -> list[tuple[Record, Decimal]]:
    """Return which articles are asked about for a customer, and how many pieces: where any term of either counts.

    Each at every quantity from which on something else is paid, and at one piece; `most` of them. A discount on
    everything counts for each. What a branch charges is asked about for nobody: who has no terms pays the same.
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
