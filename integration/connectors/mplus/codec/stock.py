"""Stock: levels as the till counts them."""

from decimal import Decimal
from typing import Any

from integration.connectors.mplus.client import Element, tag
from integration.connectors.mplus.codec.values import UnfitError, bounded, decimals, number_of
from integration.core.money import from_scaled, to_scaled
from integration.core.records import Value, WrongValueError


def decode_level(row: Element, *, reserved: bool) -> Decimal:
    """Return how much there is of an article in a branch: what is free, and with `reserved` also what is not.

    Raises ValueError when a field does not hold what its type says.
    """
    free = _scaled(row, "Free")
    return free + _scaled(row, "Reserved") if reserved else free


def _scaled(row: Element, which: str) -> Decimal:
    wire = f"amount{which}"
    amount = from_scaled(number_of(row, wire), number_of(row, f"decimalPlaces{which}"))
    try:
        bounded(amount)
    except ValueError:
        raise WrongValueError(wire, amount) from None
    return amount


def stock_id(row: Element) -> int:
    """Return the marker of the last change of a level."""
    return number_of(row, "stockId")


def stock_managed(article: Element) -> bool | None:
    """Return whether stock is kept for an article, None when the till does not say."""
    text = (article.findtext(tag("stockArticle")) or "").strip()
    return text in ("true", "1") if text else None


def encode_level(amount: Value) -> dict[str, Any]:
    """Return a level as the contract takes it, always with its decimals: without them readers differ.

    Raises UnfitError.
    """
    if not isinstance(amount, Decimal) or not amount.is_finite():
        raise UnfitError("amount", amount)
    places = decimals(amount)
    return {"amount": str(to_scaled(amount, places)), "decimalPlaces": str(places)}
