"""Stock: levels as the till counts them."""

from decimal import Decimal
from typing import Any

from integration.connectors.mplus.client import Element, tag
from integration.connectors.mplus.codec.values import UnfitError, decimals
from integration.core.money import from_scaled, to_scaled
from integration.core.records import Value


def decode_level(row: Element, *, reserved: bool) -> Decimal:
    """Return how much there is of an article in a branch: what is free, and with `reserved` also what is not.

    Raises ValueError when a field does not hold what its type says.
    """
    free = _scaled(row, "Free")
    return free + _scaled(row, "Reserved") if reserved else free


def _scaled(row: Element, which: str) -> Decimal:
    whole, places = row.findtext(tag(f"amount{which}")), row.findtext(tag(f"decimalPlaces{which}"))
    return from_scaled(int(whole or 0), int(places or 0))


def stock_id(row: Element) -> int:
    """Return the marker of the last change of a level."""
    return int(row.findtext(tag("stockId")) or 0)


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
