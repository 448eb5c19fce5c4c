"""Reads gift cards from the till's list."""

from dataclasses import dataclass
from decimal import Decimal

from integration.connectors.mplus.client import Element, expect_shape, qualified
from integration.connectors.mplus.codec.values import child_text, parse_flag, required_integer
from integration.core.money import from_cents
from integration.core.records import WrongValueError


@dataclass(frozen=True, slots=True)
class GiftCard:
    """One card: its marker, its turnover group, and its remaining value; None once it is not active."""

    id: str
    marker: int
    group: str
    balance: Decimal | None


def decode_gift_card(card: Element) -> GiftCard:
    """Return a card. Raises WrongValueError."""
    expect_shape(card, "GetGiftcard")
    flag_text = child_text(card, qualified("active")).strip()
    try:
        active = parse_flag(flag_text)
    except ValueError:
        raise WrongValueError("active", flag_text) from None
    return GiftCard(
        child_text(card, qualified("cardId")),
        required_integer(card, "syncMarker"),
        str(required_integer(card, "turnoverGroupNumber")),
        from_cents(required_integer(card, "currentBalance")) if active else None,
    )
