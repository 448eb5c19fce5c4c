"""Reads gift cards from the till's list. A card that cannot be read is returned as such and is in no sum."""

from dataclasses import dataclass
from decimal import Decimal

from integration.connectors.mplus.client import Element, qualified, require_shape
from integration.connectors.mplus.codec.values import if_readable, parse_flag, raw_child_text, required_integer
from integration.core.money import from_cents
from integration.core.records import WrongValueError


@dataclass(frozen=True, slots=True)
class GiftCard:
    """One card: its id, its marker, its turnover group, and its remaining value; None once it is not active.

    An unreadable card has no remaining value, and no marker or group where these are unreadable.
    """

    id: str
    marker: int | None
    group: str
    balance: Decimal | None
    is_readable: bool = True


def decode_gift_card(card: Element) -> GiftCard:
    """Return a card, as an unreadable one if any value that counts is unreadable."""
    try:
        return _decode(card)
    except WrongValueError:
        marker = if_readable(lambda element: required_integer(element, "syncMarker"), card)
        group = if_readable(_only_group, card) or ""
        return GiftCard(raw_child_text(card, qualified("cardId")), marker, group, None, is_readable=False)


def _only_group(card: Element) -> str:
    """Return the turnover group of a card that has one. Raises WrongValueError."""
    groups = {child.text for child in card.iterchildren(qualified("turnoverGroupNumber"))}
    if len(groups) != 1:
        raise WrongValueError("turnoverGroupNumber", "")
    return str(required_integer(card, "turnoverGroupNumber"))


def _decode(card: Element) -> GiftCard:
    require_shape(card, "GetGiftcard")
    flag_text = raw_child_text(card, qualified("active")).strip()
    try:
        active = parse_flag(flag_text)
    except ValueError:
        raise WrongValueError("active", flag_text) from None
    card_id = raw_child_text(card, qualified("cardId"))
    if not card_id:
        raise WrongValueError("cardId", "")
    return GiftCard(
        card_id,
        required_integer(card, "syncMarker"),
        str(required_integer(card, "turnoverGroupNumber")),
        from_cents(required_integer(card, "currentBalance")) if active else None,
    )
