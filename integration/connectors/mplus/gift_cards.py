"""Remaining value of the till's gift cards."""

from collections import Counter, defaultdict
from collections.abc import Collection
from decimal import Decimal
from itertools import count

from integration.connectors.mplus import codec
from integration.connectors.mplus.client import Client, qualified
from integration.connectors.mplus.lists import unique_elements
from integration.connectors.mplus.settings import SYSTEM
from integration.connectors.protocol import GiftCardBalance
from integration.core.errors import MalformedAnswerError

PAGE = 1000  # cards in one answer
_LIST = f"{qualified('giftcardList')}/{qualified('giftcard')}"


def cards_left(client: Client, page: int = PAGE) -> list[GiftCardBalance]:
    """Return number and remaining value of the active gift cards of each turnover group.

    An unreadable card is counted as such in its group, which is empty if the group is unreadable too. Raises
    RejectedError where the till lacks the operation, MalformedAnswerError where the list cannot be read to its end.
    """
    cards: dict[str, codec.GiftCard] = {}
    nameless = count(1)
    marker = 0
    while True:
        since = {"syncMarker": marker, "syncMarkerLimit": page}
        answer = client.read("getGiftcards", request={"onlyActive": False, "syncMarkerFilter": since})
        elements = unique_elements(answer.iterfind(_LIST), lambda card: card.findtext(qualified("cardId")))
        page_cards = [codec.decode_gift_card(card) for card in elements]
        cards |= {card.id or f"?{next(nameless)}": card for card in page_cards}
        highest = max((card.marker for card in page_cards if card.marker is not None), default=-1)
        if highest < marker:
            break
        marker = highest + 1
    if len(page_cards) >= page and any(card.marker is None for card in page_cards):  # more may follow, from nowhere
        raise MalformedAnswerError("answer_incomplete", system=SYSTEM, operation="getGiftcards", count=len(cards))
    return _balances(cards.values())


def _balances(cards: Collection[codec.GiftCard]) -> list[GiftCardBalance]:
    amounts_by_group: dict[str, list[Decimal]] = defaultdict(list)
    unreadable_cards = Counter(card.group for card in cards if not card.is_readable)
    for card in cards:
        if card.balance is not None or not card.is_readable:
            amounts_by_group[card.group] += [] if card.balance is None else [card.balance]
    return [
        GiftCardBalance(group, len(amounts), sum(amounts, Decimal(0)), unreadable_cards[group])
        for group, amounts in sorted(amounts_by_group.items())
    ]
