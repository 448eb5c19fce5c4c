"""De Ketting: an invented Dutch shop for bicycles and clothing, in any size, the same for the same seed.

Everything is made up; e-mail addresses end in `.example`. Some articles and customers are faulty on purpose, and say
so in `fault`; their number does not grow with the size of the shop. Of the articles, all but two sorts are parked or
skipped: AccountView cuts a name at 40 characters and has no emoji, so `long_name` and `emoji` show what it keeps. Such
an article is sent with the name cut and its whole in the long text, or with a question mark in place of the emoji.
"""

from dataclasses import dataclass
from datetime import date
from random import Random
from typing import Final

from integration.sandbox.shop.assortment import articles_of
from integration.sandbox.shop.customers import customers_of
from integration.sandbox.shop.lists import BRANCHES, GROUPS, LEDGERS, VATS
from integration.sandbox.shop.records import ShopArticle, ShopBranch, ShopCustomer, ShopGroup, ShopLedger, ShopVat

TODAY: Final = date(2026, 11, 25)


@dataclass(frozen=True, slots=True)
class Shop:
    """The whole shop on one day."""

    seed: int
    today: date
    articles: tuple[ShopArticle, ...]
    groups: tuple[ShopGroup, ...]
    vats: tuple[ShopVat, ...]
    ledgers: tuple[ShopLedger, ...]
    branches: tuple[ShopBranch, ...]
    customers: tuple[ShopCustomer, ...]
    orders: int = 60  # at the till


def make_shop(articles: int = 400, seed: int = 2026, today: date = TODAY, orders: int = 60) -> Shop:
    """The shop with about so many article rows; half of them are variants in colour and size."""
    return Shop(
        seed=seed,
        today=today,
        articles=tuple(articles_of(articles, Random(seed))),
        groups=GROUPS,
        vats=VATS,
        ledgers=LEDGERS,
        branches=BRANCHES,
        customers=tuple(customers_of(Random(seed + 1))),
        orders=orders,
    )
