"""Relations and products that the tills of the sample shop have initially."""

from collections.abc import Iterator
from decimal import Decimal
from random import Random
from typing import Any, Final

from integration.sandbox.mplus.seed.setup import (
    DEPOSITS,
    EXEMPT,
    GIFT_CARDS,
    HIGH,
    LOW,
    VAT_CODES,
    ZERO,
    turnover_group_of,
)
from integration.sandbox.mplus.sums import rounded
from integration.sandbox.mplus.till_state import TillState
from integration.sandbox.shop.records import ShopArticle, ShopCustomer
from integration.sandbox.shop.shop import Shop

FIRST_RELATION: Final = 1001
SHARED_CUSTOMERS: Final = 60
TAKEN_ARTICLES: Final = 3
GIFT_CARD: Final = 9_900_001
REPAIR_HOUR: Final = 9_900_002

_OWN: Final[tuple[dict[str, Any], ...]] = (
    {
        "articleNumber": GIFT_CARD,
        "description": "Cadeaubon",
        "turnoverGroup": GIFT_CARDS,
        "vatCode": EXEMPT,
        "priceIncl": 2500,
        "specialPrice": "PRICE-ASK-POSITIVE",
        "stockArticle": False,
    },
    {
        "articleNumber": REPAIR_HOUR,
        "description": "Reparatie per uur",
        "turnoverGroup": 50,
        "vatCode": LOW,
        "priceIncl": 5450,
        "unit": "uur",
        "stockArticle": False,
    },
    {
        "articleNumber": 9_900_003,
        "description": "Statiegeld accu",
        "turnoverGroup": DEPOSITS,
        "vatCode": ZERO,
        "priceIncl": 5000,
        "stockArticle": False,
    },
    {
        "articleNumber": 9_900_004,
        "description": "Huur stadsfiets per dag",
        "turnoverGroup": 50,
        "vatCode": HIGH,
        "priceIncl": 1250,
        "stockArticle": False,
    },
    {
        "articleNumber": 9_900_005,
        "description": "Koffie voor onderweg",
        "turnoverGroup": 50,
        "vatCode": LOW,
        "priceIncl": 250,
        "stockArticle": True,
    },
    {
        "articleNumber": 9_900_006,
        "description": "Linnen draagtas",
        "turnoverGroup": 40,
        "vatCode": HIGH,
        "priceIncl": 395,
        "stockArticle": True,
        "barcode": "8719990009995",
    },
)
_WALK_IN: Final = (
    ("Joris Hagenaars", "joris@hagenaars.example"),
    ("Fatima el Amrani", "fatima@amrani.example"),
    ("Wielerclub De Bult", "bestuur@debult.example"),
    ("Petra Smeets", ""),
    ("Ruben en Noor Klaassen", "klaassen@gezin.example"),
    ("Noor Klaassen", "klaassen@gezin.example"),
)


def price_incl(article: ShopArticle) -> int:
    """Return the price including VAT in cents."""
    return rounded(article.price_excl * (100 + article.vat_pct))


def articles_at_till(shop: Shop) -> list[ShopArticle]:
    """Return the articles of the shop whose numbers are already used at the till."""
    sound = [article for article in shop.articles if article.number and not article.fault]
    stocked = [article for article in sound if not article.group.startswith("D")]
    return sorted(stocked, key=lambda article: bool(article.parent))[:TAKEN_ARTICLES]


def fill_products(till_state: TillState, shop: Shop) -> None:
    """Add products that only the till has, and products whose numbers collide with articles of the books."""
    for card in (*_OWN, *(_colliding_card(article) for article in articles_at_till(shop))):
        article = till_state.context.build(
            "Article", {"pluNumber": str(card["articleNumber"]), "webshop": False, **card}
        )
        product = {"description": card["description"], "articleList": [article]}
        till_state.products.create(till_state.context.build("Product", product))
    for branch in shop.branches:
        for card in _OWN:
            if card["stockArticle"]:
                till_state.stock.set_level(branch.number, card["articleNumber"], Decimal(40 * branch.number))
        for shop_article in articles_at_till(shop):
            till_state.stock.set_level(
                branch.number, shop_article.number or 0, shop_article.stock.get(branch.number, Decimal(0)) + 1
            )


def _colliding_card(article: ShopArticle) -> dict[str, Any]:
    return {
        "articleNumber": article.number,
        "description": f"{article.name} (kassa)",
        "turnoverGroup": turnover_group_of(article.group),
        "vatCode": VAT_CODES[article.vat or "1"],
        "priceIncl": price_incl(article) + 500,
        "stockArticle": True,
    }


def fill_relations(till_state: TillState, shop: Shop) -> None:
    """Add customers that the books also have, and some that only the till has."""
    random = Random(shop.seed + 11)
    shared = [_customer(customer, random) for customer in shop.customers[:SHARED_CUSTOMERS]]
    for number, values in enumerate([*shared, *_walk_ins(shop)], start=FIRST_RELATION):
        till_state.relations.create(till_state.context.build("Relation", {"relationNumber": number, **values}))


def _customer(customer: ShopCustomer, random: Random) -> dict[str, Any]:
    return {
        "extRelationId": customer.number if random.random() < 0.5 else None,  # noqa: PLR2004  # half were linked once
        "name": customer.company or customer.contact,
        "address": customer.street,
        "zipcode": customer.postcode,
        "city": customer.city,
        "country": customer.country,
        "contact": customer.contact,
        "telephone": customer.phone,
        "email": customer.email,
        "priceGroupNumber": 2 if customer.company else 1,
        "categoryIds": [2 if customer.company else 1],
        "vatNumber": customer.vat_number or None,
        "commerceNumber": customer.kvk or None,
        "defaultVatMethod": "VAT-METHOD-INCLUSIVE",
        "companyName": customer.company or None,
    }


def _walk_ins(shop: Shop) -> Iterator[dict[str, Any]]:
    for place, (name, email) in enumerate(_WALK_IN):
        yield {
            "name": name,
            "city": shop.branches[place % len(shop.branches)].city,
            "country": "NL",
            "email": email or None,
            "telephone": f"06-000000{place:02}",
            "priceGroupNumber": 1,
            "categoryIds": [1],
            "defaultVatMethod": "VAT-METHOD-INCLUSIVE",
        }
    shared = shop.customers[0]
    yield {
        "name": f"{shared.contact} privé",
        "contact": shared.contact,
        "email": shared.email,
        "country": "NL",
        "priceGroupNumber": 1,
    }
