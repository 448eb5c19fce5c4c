"""De Ketting: an invented Dutch shop for bicycles and clothing, in any size, the same for the same seed.

All data is invented; e-mail addresses end in `.example`. Some articles and customers are faulty on purpose and name the
defect in `fault`; their number does not depend on the size of the shop. Faulty articles are parked or skipped, except
`long_name` and `emoji`: AccountView cuts a name at 40 characters and cannot store emoji, so such an article is sent
with the cut name and the full name in the long text, or with a question mark instead of the emoji.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from random import Random
from typing import Final

from integration.sandbox.shop.assortment import BRANDS, articles_of
from integration.sandbox.shop.records import (
    BRANCHES,
    GROUPS,
    LEDGERS,
    VATS,
    ShopArticle,
    ShopBranch,
    ShopCustomer,
    ShopGroup,
    ShopLedger,
    ShopVat,
)

# ---- customers of the sample shop: companies and persons, some without an e-mail address, some sharing one


_FIRST: Final = ("Anna", "Bram", "Chaima", "Daan", "Els", "Femke", "Gijs", "Hanna", "Ivo", "Jasmijn", "Koen", "Lotte")
_LAST: Final = ("de Boer", "van Dijk", "El Amrani", "Jansen", "Kuipers", "de Wit", "Özdemir", "van ’t Hof", "Peeters")
_STREETS: Final = (
    "Dorpsstraat",
    "Kerklaan",
    "Molenweg",
    "Stationsplein",
    "Havenkade",
    "Beukenhof",
    "Prins Hendriklaan",
)
_CITIES: Final = ("Utrecht", "Amersfoort", "Zeist", "Bunnik", "De Bilt", "Houten", "IJsselstein", "’s-Hertogenbosch")
_FIRMS: Final = ("Bakkerij", "Kinderopvang", "Adviesbureau", "Hotel", "Koeriers", "Garage", "Stichting", "Drukkerij")
_LEGAL: Final = ("B.V.", "V.O.F.", "N.V.", "")
_ABROAD: Final = (
    ("DE", "Münster", "48143", "Fahrradweg 7"),
    ("BE", "Gent", "9000", "Korenlei 12"),
    ("FR", "Lille", "59000", "Rue des Écoles 4"),
    ("GB", "Norwich", "NR1 3QG", "Wheelers Lane 21"),
    ("DE", "Köln", "50667", "Am Speichenhof 2"),
    ("BE", "Antwerpen", "2000", "Zadelstraat 9"),
    ("US", "Portland", "97205", "Spoke Avenue 15"),
    ("CH", "Zürich", "8001", "Kettengasse 3"),
)
_CUSTOMERS: Final = 120
_COMPANIES: Final = 45
_BLANK: Final = range(100, 105)
_SHARED: Final = range(105, 111)


def customers_of(random: Random) -> Iterator[ShopCustomer]:
    """Yield the debtors: companies, then persons, some with blank or shared e-mail addresses, foreign ones last."""
    for serial in range(_CUSTOMERS):
        contact = f"{random.choice(_FIRST)} {random.choice(_LAST)}"
        abroad = serial >= _CUSTOMERS - len(_ABROAD)
        company = _company(serial, random) if serial < _COMPANIES or (abroad and serial % 2) else ""
        country, city, postcode, street = _ABROAD[_CUSTOMERS - serial - 1] if abroad else _home(random)
        yield ShopCustomer(
            number=str(20001 + serial),
            company=company,
            contact=contact,
            email=_email(serial, contact),
            phone=f"0{random.choice((30, 33, 34))}{random.randint(1000000, 9999999)}",
            street=street,
            postcode=postcode,
            city=city,
            country=country,
            vat_number=_vat_number(serial) if company and country == "NL" else "",
            kvk=f"{30000000 + serial}" if company and country == "NL" else "",
            fault="blank_email" if serial in _BLANK else "shared_email" if serial in _SHARED else "",
        )


def _company(serial: int, random: Random) -> str:
    return f"{random.choice(_FIRMS)} {random.choice(BRANDS)} {serial + 1} {random.choice(_LEGAL)}".strip()


def _home(random: Random) -> tuple[str, str, str, str]:
    letters = f"{random.choice('ABDEGHJKLM')}{random.choice('NPRSTVWXZ')}"
    street = f"{random.choice(_STREETS)} {random.randint(1, 220)}"
    return "NL", random.choice(_CITIES), f"{random.randint(3400, 3899)} {letters}", street


def _vat_number(serial: int) -> str:
    """Return a Dutch VAT number with a valid check digit: the last of nine digits is a weighted sum modulo 11."""
    for eight in itertools.count(80010000 + serial * 20):
        check = sum(int(digit) * weight for digit, weight in zip(str(eight), range(9, 1, -1), strict=True)) % 11
        if check < 10:  # noqa: PLR2004  # a remainder of ten has no digit
            return f"NL{eight}{check}B01"
    raise AssertionError("there is always a next number")


def _email(serial: int, contact: str) -> str:
    if serial in _BLANK:
        return ""
    if serial in _SHARED:
        return f"familie{(serial - _SHARED.start) // 2 + 1}@mail.example"
    letters = "".join(letter if letter.isascii() and letter.isalpha() else "." for letter in contact.lower())
    return f"{letters}.{serial + 1}@post.example".replace("..", ".")


# ---- the shop


TODAY: Final = date(2026, 11, 25)


@dataclass(frozen=True, slots=True)
class Shop:
    """The complete shop on one day."""

    seed: int
    today: date
    articles: tuple[ShopArticle, ...]
    groups: tuple[ShopGroup, ...]
    vats: tuple[ShopVat, ...]
    ledgers: tuple[ShopLedger, ...]
    branches: tuple[ShopBranch, ...]
    customers: tuple[ShopCustomer, ...]
    orders: int = 60  # at the till
    trades: bool = True  # whether its tills have documents from before today


def make_shop(
    articles: int = 400, seed: int = 2026, today: date = TODAY, orders: int = 60, trades: bool = True
) -> Shop:
    """Return a shop with about this number of articles; half of them are variants in colour and size."""
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
        trades=trades,
    )
