"""Till side of the sample shop, and its changes from day to day."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from random import Random
from typing import Final

from lxml import etree

from integration.sandbox.mplus.contract import ZONE, contract
from integration.sandbox.mplus.desk import Desk, Setup, TillConventions
from integration.sandbox.mplus.house import House
from integration.sandbox.mplus.seed import days, market, proposals
from integration.sandbox.mplus.seed.cards import FIRST_RELATION, fill_products, fill_relations
from integration.sandbox.mplus.seed.sales import SampleSales
from integration.sandbox.mplus.seed.setup import setup
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

    def fill(self, house: House) -> None:
        """Add the shop's relations, own products and past documents to an empty till."""
        house.desk.now = datetime.combine(self._shop.today - timedelta(days=PAST_DAYS), time(8), ZONE)
        fill_relations(house, self._shop)
        fill_products(house, self._shop)
        if self._shop.trades:
            self._fill_past(house)
        house.desk.day = self._shop.today

    def _fill_past(self, house: House) -> None:
        sales = SampleSales(self._shop, house, Random(self._shop.seed + 7))
        for days_ago in range(PAST_DAYS, 0, -1):
            on = self._shop.today - timedelta(days=days_ago)
            house.desk.now = datetime.combine(on, time(18), ZONE)
            place = PAST_DAYS - days_ago
            for count, make in ((self._shop.orders, sales.order), (RECEIPTS, sales.receipt), (INVOICES, sales.invoice)):
                for serial in range(count * place // PAST_DAYS, count * (place + 1) // PAST_DAYS):
                    make(on, serial)
        market.fill(SampleSales(self._shop, house, Random(self._shop.seed + 13)), on)
        days.fill(house, self._shop.today)
        proposals.fill(house, self._shop, sales.goods)
        for days_ago in range(PAST_DAYS, 0, -1):
            house.counts.close(self._shop.today - timedelta(days=days_ago))

    def late_receipt(self, house: House, day: str, branch: int) -> None:
        """Enter a receipt for a past day: a bell of 18.15, paid by card."""
        days.late_receipt(house, day, branch)

    def advance(self, house: House) -> None:
        """Add a day of orders and receipts; deliver one order, and change a customer's telephone number."""
        on = self._shop.today + timedelta(days=self._days)
        self._days += 1
        random = Random(self._shop.seed + 1000 * self._days)
        sales = SampleSales(self._shop, house, random)
        for serial in range(ORDERS_A_DAY):
            sales.order(on, self._days * ORDERS_A_DAY + serial)
        for serial in range(RECEIPTS_A_DAY):
            sales.receipt(on, self._days * RECEIPTS_A_DAY + serial)
        sales.deliver(random.choice(list(house.orders.documents)))
        number = FIRST_RELATION + self._days % len(house.relations.relations)
        house.counts.close(on)
        house.desk.day = on + timedelta(days=1)
        house.edit("relations", str(number), {"telephone": f"030-{random.randrange(10**7):07}"})


@lru_cache(maxsize=4)
def filled_till(shop: Shop, conventions: TillConventions) -> Callable[[], House]:
    """Return a function that makes tills of a shop in its initial state.

    The till is filled only once, because filling takes forty times as long as copying.
    """
    sample = SampleTill(shop)
    house = House(Desk(contract(), conventions, shop.seed), sample.setup())
    sample.fill(house)
    return house.copies()


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
