"""Divides article fields into offer and content, with their ownership and write switches."""

from dataclasses import replace
from functools import cache

from stdnum import ean

from integration.core.errors import Reason
from integration.core.flow import Ownership
from integration.core.plan import Policy
from integration.core.records import Kind, Record, Value
from integration.core.rules import as_text, rule_error
from integration.flows.prices import is_term
from integration.flows.products.settings import ProductSettings
from integration.flows.settings import RecordRejected

PRICE = "article.price"
ACTIVE = "article.active"
# Offer fields of an article. All other fields are content.
OFFER = frozenset({"price_incl", "price_excl", "purchase_price", "vat_code", "active", "stock_managed", "webshop"})


def offer_policy(owned: Policy, price_field: str) -> Policy:
    """Return the policy in the target's own fields, with the price under the field in which it is sent."""
    ours = {f"article.{price_field}" if target == PRICE else target: who for target, who in owned.items()}
    if PRICE in owned and len(ours) < len(owned):
        raise rule_error(f"article.{price_field}", Reason("reason_twice"))
    return {ACTIVE: Ownership.ON_CREATE, **ours}  # an article without an offer is created inactive


def is_sold_by(name: str) -> bool:
    """Return True if an article field is part of its offer, including customer prices."""
    return name in OFFER or is_term(name)


def is_offer(target: str) -> bool:
    """Return True if a rule target is part of an article's offer."""
    kind, _, name = target.partition(".")
    return kind == Kind.ARTICLE and (name in OFFER or target == PRICE)


@cache
def target_field(target: str) -> tuple[Kind, str, bool]:
    """Return the kind and the name of a rule target, and whether it is part of an article's offer."""
    kind, _, name = target.partition(".")
    return Kind(kind), name, is_offer(target)


def checked_ean(value: Value, article: str) -> Value:
    """Return the barcode without blanks and dashes. Raises RecordRejected if its check digit is wrong."""
    text = as_text(value)
    code = text if text.isascii() and text.isdecimal() else ean.compact(text)
    if code and not ean.is_valid(code):
        raise RecordRejected("ean_check_digit", "article.ean", article=article, value=as_text(value))
    return code or None


def creatable(part: Record, settings: ProductSettings) -> Record:
    """Return the part of an article that may be created now; without values it is only counted."""
    if not settings.content.create or part.values.keys() == {"active"}:
        return replace(part, values={})
    if settings.offer.create:
        return part
    content = {name: value for name, value in part.values.items() if not is_sold_by(name)}
    return replace(part, values={**content, "active": False})  # not for sale until it has an offer


def updated(part: Record, settings: ProductSettings) -> Record:
    """Return the part of an article that may be updated now: its content, its offer, or both."""
    content, offer = settings.content.update, settings.offer.update
    if content and offer:
        return part
    return replace(
        part, values={name: value for name, value in part.values.items() if (offer if is_sold_by(name) else content)}
    )
