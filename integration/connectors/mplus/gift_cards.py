"""Remaining value of the till's gift cards."""

from collections import defaultdict
from decimal import Decimal

from integration.connectors.mplus import codec
from integration.connectors.mplus.client import Client, qualified
from integration.connectors.mplus.target import expect_readable
from integration.connectors.protocol import GiftCardBalance

PAGE = 1000  # cards in one answer
_LIST = f"{qualified('giftcardList')}/{qualified('giftcard')}"


def cards_left(client: Client, page: int = PAGE) -> list[GiftCardBalance]:
    """Return number and remaining value of the active gift cards of each turnover group.

    Raises RejectedError where the till lacks the operation, MalformedAnswerError where a card is unreadable.
    """
    cards: dict[str, codec.GiftCard] = {}
    marker = 0
    while True:
        since = {"syncMarker": marker, "syncMarkerLimit": page}
        answer = client.read("getGiftcards", request={"onlyActive": False, "syncMarkerFilter": since})
        with expect_readable():
            page_cards = [codec.decode_gift_card(card) for card in answer.iterfind(_LIST)]
        if not any(card.marker >= marker for card in page_cards):
            break
        cards |= {card.id: card for card in page_cards}
        marker = max(card.marker for card in page_cards) + 1
    amounts_by_group: dict[str, list[Decimal]] = defaultdict(list)
    for card in cards.values():
        if card.balance is not None:
            amounts_by_group[card.group].append(card.balance)
    return [
        GiftCardBalance(group, len(amounts), sum(amounts, Decimal(0)))
        for group, amounts in sorted(amounts_by_group.items())
    ]
