"""What an article is sold by, and what is its content: who owns each field, and which of them are sent."""

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
# Fields of an article that say how it is sold. Every other one is content.
OFFER = frozenset({"price_incl", "price_excl", "purchase_price", "vat_code", "active", "stock_managed", "webshop"})


def offer_policy(owned: Policy, price_field: str) -> Policy:
    """Return the policy in the target's own fields: the price under the name it is sent by."""
    ours = {f"article.{price_field}" if target == PRICE else target: who for target, who in owned.items()}
    if PRICE in owned and len(ours) < len(owned):
        raise rule_error(f"article.{price_field}", Reason("reason_twice"))
    return {ACTIVE: Ownership.ON_CREATE, **ours}  # what is created without an offer is created inactive


def is_sold_by(name: str) -> bool:
    """Tell whether a field of an article says how it is sold, its prices for customers among them."""
    return name in OFFER or is_term(name)


def is_offer(target: str) -> bool:
    """Tell whether a target field says how an article is sold."""
    kind, _, name = target.partition(".")
    return kind == Kind.ARTICLE and (name in OFFER or target == PRICE)


@cache
def target_field(target: str) -> tuple[Kind, str, bool]:
    """Return the kind and the name of a target field, and whether it says how an article is sold."""
    kind, _, name = target.partition(".")
    return Kind(kind), name, is_offer(target)


def checked_ean(value: Value, article: str) -> Value:
    """Return the barcode without blanks and dashes. Raises RecordRejected when its check digit does not fit."""
    text = as_text(value)
    code = text if text.isascii() and text.isdecimal() else ean.compact(text)
    if code and not ean.is_valid(code):
        raise RecordRejected("ean_check_digit", "article.ean", article=article, value=as_text(value))
    return code or None


def creatable(part: Record, settings: ProductSettings) -> Record:
    """Return of an article what may be created now; one without values stays as it is counted."""
    if not settings.content.create or part.values.keys() == {"active"}:
        return replace(part, values={})
    if settings.offer.create:
        return part
    content = {name: value for name, value in part.values.items() if not is_sold_by(name)}
    return replace(part, values={**content, "active": False})  # not for sale before it has an offer


def updated(part: Record, settings: ProductSettings) -> Record:
    """Return of an article what may be updated now: its content, what it is sold by, or both."""
    content, offer = settings.content.update, settings.offer.update
    if content and offer:
        return part
    return replace(
        part, values={name: one for name, one in part.values.items() if (offer if is_sold_by(name) else content)}
    )
