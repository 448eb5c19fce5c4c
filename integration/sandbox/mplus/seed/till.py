"""Till side of the sample shop, and its changes from day to day."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from random import Random
from typing import Final

from lxml import etree

from integration.sandbox.mplus.context import Setup, TillContext, TillConventions
from integration.sandbox.mplus.contract import ZONE, contract
from integration.sandbox.mplus.seed import days, market, proposals
from integration.sandbox.mplus.seed.cards import FIRST_RELATION, fill_products, fill_relations
from integration.sandbox.mplus.seed.sales import SampleSales
from integration.sandbox.mplus.seed.setup import setup
from integration.sandbox.mplus.till_state import TillState
from integration.sandbox.shop.shop import Shop

RECEIPTS: Final = 290
INVOICES: Final = 18
PAST_DAYS: Final = 60
ORDERS_A_DAY: Final = 3
CARDS: Final = frozenset({"PIN", "CREDITCARD"})
RECEIPTS_A_DAY: Final = 8


class SampleTill:
    """Till side of the shop; the same contents for the same seed."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._days = 0

    def setup(self) -> Setup:
        """Return the set-up of the tills."""
        return setup(self._shop)

    def fill(self, till_state: TillState) -> None:
        """Add the shop's relations, own products and past documents to an empty till."""
        till_state.context.now = datetime.combine(self._shop.today - timedelta(days=PAST_DAYS), time(8), ZONE)
        fill_relations(till_state, self._shop)
        fill_products(till_state, self._shop)
        if self._shop.trades:
            self._fill_past(till_state)
        till_state.context.day = self._shop.today

    def _fill_past(self, till_state: TillState) -> None:
        sales = SampleSales(self._shop, till_state, Random(self._shop.seed + 7))
        for days_ago in range(PAST_DAYS, 0, -1):
            on = self._shop.today - timedelta(days=days_ago)
            till_state.context.now = datetime.combine(on, time(18), ZONE)
            place = PAST_DAYS - days_ago
            for count, make in ((self._shop.orders, sales.order), (RECEIPTS, sales.receipt), (INVOICES, sales.invoice)):
                for serial in range(count * place // PAST_DAYS, count * (place + 1) // PAST_DAYS):
                    make(on, serial)
        market.fill(SampleSales(self._shop, till_state, Random(self._shop.seed + 13)), on)
        days.fill(till_state, self._shop.today)
        proposals.fill(till_state, self._shop, sales.goods)
        for days_ago in range(PAST_DAYS, 0, -1):
            till_state.counts.close(self._shop.today - timedelta(days=days_ago))

    def late_receipt(self, till_state: TillState, day: str, branch: int) -> None:
        """Enter a receipt for a past day: a bell of 18.15, paid by card."""
        days.late_receipt(till_state, day, branch)

    def advance(self, till_state: TillState) -> None:
        """Add a day of orders and receipts; deliver one order, and change a customer's telephone number."""
        on = self._shop.today + timedelta(days=self._days)
        self._days += 1
        random = Random(self._shop.seed + 1000 * self._days)
        sales = SampleSales(self._shop, till_state, random)
        for serial in range(ORDERS_A_DAY):
            sales.order(on, self._days * ORDERS_A_DAY + serial)
        for serial in range(RECEIPTS_A_DAY):
            sales.receipt(on, self._days * RECEIPTS_A_DAY + serial)
        sales.deliver(random.choice(list(till_state.orders.documents)))
        number = FIRST_RELATION + self._days % len(till_state.relations.relations)
        till_state.counts.close(on)
        till_state.context.day = on + timedelta(days=1)
        till_state.edit("relations", str(number), {"telephone": f"030-{random.randrange(10**7):07}"})


@lru_cache(maxsize=4)
def filled_till(shop: Shop, conventions: TillConventions) -> Callable[[], TillState]:
    """Return a function that makes tills of a shop in its initial state.

    The till is filled only once, because filling takes forty times as long as copying.
    """
    sample = SampleTill(shop)
    till_state = TillState(TillContext(contract(), conventions, shop.seed), sample.setup())
    sample.fill(till_state)
    return till_state.copies()


@lru_cache(maxsize=4)
def card_takings(shop: Shop) -> Mapping[tuple[date, int], int]:
    """Return the sum of card payments in cents, by day and branch, in the initial state of the tills.

    A shop with texts that XML cannot represent has none.
    """
    takings: dict[tuple[date, int], int] = {}
    try:
        documents = list(filled_till(shop, TillConventions())().takings.documents()) if shop.trades else []
    except etree.XMLSyntaxError:
        return {}
    for document in documents:
        for paid in document.paid:
            if paid.method in CARDS:
                takings[paid.day, paid.branch] = takings.get((paid.day, paid.branch), 0) + paid.amount
    return takings
