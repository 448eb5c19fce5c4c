"""Gift cards: one for each that was sold. Payments use them in the order of their sale.

The interface does not say which card a line sold. Payments in excess of the sold cards come from older cards.
"""

from collections import Counter
from typing import Any, Final

from integration.sandbox.mplus.context import Handler, Reference, TillContext
from integration.sandbox.mplus.contract import WireFields
from integration.sandbox.mplus.takings import Takings

OLDER: Final = 50_000  # value in cents of the gift card of each type that was sold before the till's first day


class IssuedCards:
    """Operations about gift cards."""

    def __init__(self, context: TillContext, reference: Reference, takings: Takings) -> None:
        self._context = context
        self._reference = reference
        self._takings = takings

    def operations(self) -> dict[str, Handler]:
        return {"getGiftcards": lambda request: self._cards(request.child("request"))}

    def state(self) -> list[dict[str, Any]]:
        """Return all cards in the order of their sale, with the fields of the interface."""
        card_types = [
            card_type for method in self._reference.setup.payment_methods if (card_type := method["giftcardType"])
        ]
        sold, amounts_paid = self._card_movements()
        cards: list[dict[str, Any]] = []
        for card_type in card_types:
            values = [OLDER, *sold.get(card_type["turnoverGroupNumber"], ())]
            spent = amounts_paid[card_type["paymentMethodId"]] - sum(value for value in values if value < 0)
            for value in (value for value in values if value > 0):
                balance = max(value - spent, 0)
                spent -= value - balance
                number = f"GC-{7701 + len(cards)}"
                cards.append(
                    {
                        "cardId": number,
                        "cardNumber": number,
                        "syncMarker": len(cards) + 1,
                        "active": balance > 0,
                        "cardTypeId": card_type["cardTypeId"],
                        "initialValue": value,
                        "isManualValue": False,
                        "currentBalance": balance,
                        "turnoverGroupNumber": card_type["turnoverGroupNumber"],
                        "reference": "",
                    }
                )
        return cards

    def _card_movements(self) -> tuple[dict[int, list[int]], Counter[str]]:
        """Return the sale amounts of cards by turnover group, and the amounts paid with cards by method."""
        sold: dict[int, list[int]] = {}
        amounts_paid: Counter[str] = Counter()
        for document in self._takings.documents():
            for group, _, incl, _ in document.lines:
                sold.setdefault(group, []).append(incl)
            for paid in document.paid:
                amounts_paid[paid.method] += paid.amount
        return sold, amounts_paid

    def _cards(self, ask: WireFields) -> WireFields:
        since = ask.child("syncMarkerFilter")
        limit = since.number("syncMarkerLimit")
        cards = [
            card
            for card in self.state()
            if card["syncMarker"] >= since.number("syncMarker")
            and (card["active"] or not ask.flag("onlyActive"))
            and ask.text("cardTypeId") in ("", card["cardTypeId"])
        ]
        return self._context.build("GetGiftcardsResponse", {"giftcardList": cards[: limit or None]})
