"""Customer prices of the sample shop: for wholesalers, a discount group, a branch and a company.

There are only a few of each, so that one query shows all cases.
"""

from collections.abc import Iterator, Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from integration.sandbox.accountview.conventions import Value, tidy
from integration.sandbox.shop.records import ShopArticle, ShopCustomer
from integration.sandbox.shop.shop import Shop

WHOLESALE: Final = "GROOT"  # the price list of bicycle rental companies
CLOTHING: Final = 4  # the discount group of all clothing
QUANTITY: Final = Decimal(10)
WHOLESALERS: Final = 3  # the first so many debtors
AGREED: Final = 20  # articles on the price list, at most
_PLACES: Final = Decimal("0.0001")


def discount_group_of(article: ShopArticle) -> Decimal | None:
    """Return the discount group of an article; most have none."""
    return Decimal(CLOTHING) if article.group.startswith("K-") else None


def debtor_values(place: int, customer: ShopCustomer) -> Mapping[str, Value]:
    """Return price list, discount and credit limit of a debtor, by its position."""
    if not customer.company:
        return {}
    if place < WHOLESALERS:
        return {"APX_LIST": WHOLESALE, "CRED_LIM": Decimal(5000)}
    return {"DISC_PCT": Decimal(5), "CRED_LIM": Decimal(1500)} if place == WHOLESALERS else {}


def rows(shop: Shop) -> Iterator[Mapping[str, Value]]:
    """Yield the rows of the custom price table."""
    for number, values in enumerate(_rows(shop), start=1):
        yield {"REC_ID": f"P{number:07}", **values}


def _rows(shop: Shop) -> Iterator[Mapping[str, Value]]:
    sold = [article for article in shop.articles if not article.fault and article.number and article.price_excl > 1]
    goods = [article for article in sold if not article.group.startswith("D")]
    for article in goods[:AGREED]:
        yield {"ART_CODE": article.code, "K9_LIST": WHOLESALE, "K9_PX": _off(article, 10)}
    for article in goods[:1]:
        yield {"ART_CODE": article.code, "K9_LIST": WHOLESALE, "K9_MINQ": QUANTITY, "K9_PX": _off(article, 20)}
        yield {"ART_CODE": article.code, "K9_BRANCH": str(shop.branches[-1].number), "K9_PX": _off(article, -5)}
    firms = [customer for customer in shop.customers if customer.company]
    for firm in firms[:1]:
        yield {"SUB_NR": firm.number, "K9_DGRP": str(CLOTHING), "K9_PCT": Decimal(15)}
    for firm, article in zip(firms[1:2], goods[-1:], strict=False):
        yield {"SUB_NR": firm.number, "ART_CODE": article.code, "K9_PX": _off(article, 25)}


def _off(article: ShopArticle, percent: int) -> Decimal:
    return tidy((article.price_excl * (100 - percent) / 100).quantize(_PLACES, ROUND_HALF_UP))
