"""Customer prices and offers: translates price terms of the books into those of the till.

The object of the books that holds the prices has an installation-specific name. Nothing is sent until this name is
configured and the flow is set to send prices.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Literal

from integration.core.flow import Ownership
from integration.core.guards import Guard, Measure, price_jumps
from integration.core.money import HUNDRED, amount, number_in_text
from integration.core.plan import Change, Policy
from integration.core.prices import (
    PriceScope,
    PriceTerm,
    PriceType,
    offers_above_price,
    offers_in,
    overlapping_offers,
    term_of,
    terms_in,
)
from integration.core.records import Kind, Record, Value
from integration.core.traces import Trace, explained_trace
from integration.flows.settings import RecordRejected, ValueTable, books_list, till_list

Owner = Literal["on_create", "keep_equal", "keep_unless_changed", "never"]
PRICE_PERCENT = Decimal(25)  # initial limit of the price brake
OWNERS: tuple[Owner, ...] = ("keep_equal", "keep_unless_changed", "on_create", "never")

PRICE_GROUPS = ValueTable("price_groups", books_list("price_lists"), till_list("price_groups"))
BRANCHES = ValueTable("price_branches", theirs=till_list("branches"))
OFFERS = ValueTable("sales_prices", theirs=till_list("sales_prices"))
_TABLES: Mapping[PriceScope, str] = {
    PriceScope.PRICE_GROUP: PRICE_GROUPS.name,
    PriceScope.BRANCH: BRANCHES.name,
    PriceScope.OFFER: OFFERS.name,
}


class _PricePolicy(dict[str, Ownership]):
    """A policy in which all offers have the same owner, and all other price terms as well."""

    def __init__(self, owned: Policy, terms: Ownership, offers: Ownership) -> None:
        super().__init__(owned)
        self._terms, self._offers = terms, offers

    def get(self, name: str, default: Any = None) -> Any:
        """Return the ownership of a field."""
        if ":" in name and (term := term_of(name.partition(".")[2])):
            return self._offers if term.scope is PriceScope.OFFER else self._terms
        return super().get(name, default)


def is_term(name: str) -> bool:
    """Return True if a field holds a price or percentage of customers or of an offer."""
    return term_of(name) is not None


@dataclass(frozen=True, slots=True)
class Terms:
    """Translates price terms as a flow is set.

    `tables` translate price lists and branches of the books into price groups and branches of the till. `numbers`
    returns the till numbers of linked article codes; empty for an article that may be another one now. `agreed` returns
    the values both systems last agreed on for a record. `offers_on` and `offers_owner` are for offers, `on` and `owner`
    for all other terms.
    """

    on: bool = False
    owner: Ownership = Ownership.KEEP_EQUAL
    offers_on: bool = False
    offers_owner: Ownership = Ownership.KEEP_EQUAL
    tables: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    numbers: Callable[[list[str]], Mapping[str, str]] = lambda _: {}
    agreed: Callable[[str], Record | None] = lambda _: None

    def policy(self, owned: Policy) -> Policy:
        """Return the policy of a flow extended with the owners of all price terms."""
        offers = self.offers_owner if self.offers_on else Ownership.NEVER
        return _PricePolicy(owned, self.owner if self.on else Ownership.NEVER, offers)

    def of_article(self, record: Record, price: Callable[[Decimal], Decimal], *, incl: bool) -> dict[str, Value]:
        """Return the terms of an article.

        `price` converts a price of the books into the price that is sent; `incl` tells whether that includes VAT.
        Raises RecordRejected for a price list or branch without a counterpart, for two terms with the same counterpart
        that differ, for a negative price, and for a discount above 100 percent.
        """
        terms: dict[str, Value] = {}
        for term, says in self._sent_terms(record):
            _require_payable(term, says, f"article.{term.name}")
            number = self._counterpart(term)
            how, value = (
                (PriceType.PERCENT, says)
                if term.price_type is PriceType.PERCENT
                else (_price_type(incl=incl), price(says))
            )
            _add(terms, replace(term, price_type=how, number=number), value, f"article.{term.name}")
        return terms

    def of_customer(self, record: Record, *, incl: bool) -> dict[str, Value]:
        """Return the terms of a customer, with or without VAT as the books have their prices.

        Raises RecordRejected for an article that the till does not have, or that may be another one there now, for a
        negative price and for a discount above 100 percent.
        """
        term_values = list(self._sent_terms(record))
        codes = [term.number for term, _ in term_values if term.scope is PriceScope.ARTICLE]
        numbers = self.numbers(codes) if codes else {}
        terms: dict[str, Value] = {}
        for term, says in term_values:
            number = term.number if term.scope is PriceScope.DISCOUNT_GROUP else numbers.get(term.number)
            if not number:
                cause = "price_article_missing" if number is None else "price_article_unclear"
                raise RecordRejected(cause, f"relation.{term.name}", article=term.number)
            _require_payable(term, says, f"relation.{term.name}")
            how, value = (
                (PriceType.PERCENT, says)
                if term.price_type is PriceType.PERCENT
                else (_price_type(incl=incl), amount(says))
            )
            _add(terms, replace(term, price_type=how, number=number), value, f"relation.{term.name}")
        return terms

    def _sent_terms(self, record: Record) -> Iterator[tuple[PriceTerm, Decimal]]:
        if self.on or self.offers_on:
            yield from (
                (term, says)
                for term, says in terms_in(record.values).items()
                if isinstance(says, Decimal) and self._is_sent(term)
            )

    def _is_sent(self, term: PriceTerm) -> bool:
        return self.offers_on if term.scope is PriceScope.OFFER else self.on

    def _counterpart(self, term: PriceTerm) -> str:
        table = _TABLES[term.scope]
        number = self.tables.get(table, {}).get(term.number, "")
        if not number:
            raise RecordRejected("value_unmapped", f"article.{term.name}", table=table, value=term.number)
        return number

    def withdrawn(self, desired: Record) -> Record:
        """Return the record with None for each term that both systems agreed on and the books no longer have."""
        agreed = self.agreed(desired.key) if self.on or self.offers_on else None
        if agreed is None:
            return desired
        parts = {part.key: part for part in agreed.parts}
        return replace(
            desired,
            values=self._with_cleared_terms(desired.values, agreed.values),
            parts=tuple(
                replace(part, values=self._with_cleared_terms(part.values, parts[part.key].values))
                if part.key in parts
                else part
                for part in desired.parts
            ),
        )

    def _with_cleared_terms(self, desired: Mapping[str, Value], agreed: Mapping[str, Value]) -> dict[str, Value]:
        removed_terms = (
            (name, term_of(name)) for name, value in agreed.items() if value is not None and name not in desired
        )
        return {**desired, **dict.fromkeys(name for name, term in removed_terms if term and self._is_sent(term))}


def _require_payable(term: PriceTerm, says: Decimal, field: str) -> None:
    """Raise RecordRejected for a negative price or a discount above 100 percent."""
    if term.price_type is PriceType.PERCENT and says > HUNDRED:
        raise RecordRejected("price_impossible", field, value=_value_text(term.price_type, says))
    if term.price_type is not PriceType.PERCENT and says < 0:
        raise RecordRejected("price_impossible", field, value=f"{amount(says):f}")


def _add(terms: dict[str, Value], term: PriceTerm, value: Decimal, field: str) -> None:
    """Add a term under its till name.

    Raises RecordRejected if the till would have another price or percentage in the same row: it is not documented how a
    till combines both.
    """
    for how in PriceType:
        existing = terms.get(replace(term, price_type=how).name)
        if isinstance(existing, Decimal) and (how, existing) != (term.price_type, value):
            raise RecordRejected(
                "price_ambiguous", field, value=_value_text(how, existing), other=_value_text(term.price_type, value)
            )
    terms[term.name] = value


def _value_text(how: PriceType, value: Decimal) -> str:
    return f"{value:f} %" if how is PriceType.PERCENT else f"{value:f}"


def _price_type(*, incl: bool) -> PriceType:
    return PriceType.INCL if incl else PriceType.EXCL


# Fields by the type that the till stores, because a mapping rule may give a number as text or a code as number.
_NUMBERS = frozenset({"discount_percent", "payment_days", "credit_limit"})
_CODES = frozenset({"price_group", "articleDiscountGroupNumber"})


def as_stored_at_till(name: str, value: Value) -> Value:
    """Return a value in the type that the till stores, for fields that affect prices: code as text, number as Decimal.

    A value of any other field is returned unchanged.
    """
    if name in _CODES and isinstance(value, Decimal) and value == value.to_integral_value():
        return f"{value:.0f}"
    if name in _NUMBERS and isinstance(value, str) and value.strip():
        try:
            return amount(number_in_text(value))
        except ValueError:
            return value
    return value


def prices_in(change: Change) -> frozenset[str]:
    """Return the fields of a change that hold customer prices, which the price guard counts."""
    names = (name for record in (change.desired, *change.desired.parts) for name in record.values)
    return frozenset(name for name in names if (term := term_of(name)) and term.price_type is not PriceType.PERCENT)


def price_guard(others: Callable[[Any], frozenset[str]] = lambda _: frozenset()) -> Guard:
    """Return the guard against price jumps: of customer prices, and of other price fields that the flow settings name.

    `others` returns these other fields. Every record has them, so one without a value in the target is counted as well.
    """

    def jumps(change: Change, settings: Any) -> int:
        if change.before is None:  # a new record has no price that could jump
            return 0
        own, limit = others(settings), settings.limits["price_percent"]
        counted_from = PRICE_PERCENT if limit is None else limit  # a second limit counts also while the brake is off
        return price_jumps(change, counted_from, prices_in(change) | own, everywhere=own)

    return Guard("price_percent", "brake_price", PRICE_PERCENT, jumps, Measure.EACH)


def _offer_count(count: Callable[[Mapping[str, Value]], int], *fields: str) -> Callable[[Change, Any], int]:
    """Return a guard count over all offers of each article whose offers or `fields` the change writes."""

    def count_offers(change: Change, _: Any) -> int:
        touched = {
            part.key
            for part in change.desired.parts
            if offers_in(part.values) or not part.values.keys().isdisjoint(fields)
        }
        return sum(count(part.values) for part in change.agreed.parts if part.key in touched)

    return count_offers


OFFERS_OVERLAP = Guard("offers_overlap", "brake_offers_overlap", 0, _offer_count(overlapping_offers), with_target=True)
OFFERS_ABOVE = Guard(
    "offers_above", "brake_offers_above", 0, _offer_count(offers_above_price, "price_incl", "price_excl")
)


def traced(kind: Kind, key: str, ask: Callable[[], Mapping[str, Value]]) -> list[Trace]:
    """Return traces of customer prices, whose reason is the agreement in the books; or the trace of their rejection."""
    try:
        return [explained_trace(f"{kind}.{name}", value, "agreement") for name, value in ask().items()]
    except RecordRejected as rejected:
        return [Trace(rejected.field, (), None, rejected.issue(key))]
