"""De Ketting: an invented Dutch shop for bicycles and clothing, in any size, the same for the same seed.

Everything is made up; e-mail addresses end in `.example`. Some articles and customers are faulty on purpose, and say
so in `fault`; their number does not grow with the size of the shop. Of the articles, all but two sorts are parked or
skipped: AccountView cuts a name at 40 characters and has no emoji, so `long_name` and `emoji` show what it keeps. Such
an article is sent with the name cut and its whole in the long text, or with a question mark in place of the emoji.
"""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from random import Random
from typing import Final

TODAY: Final = date(2026, 11, 25)
NAME_LIMIT: Final = 40
FIRST_NUMBER: Final = 10001
SHIPPING_CODE: Final = "9001"
COLLECTIVE_CODE: Final = "9002"


@dataclass(frozen=True, slots=True)
class ShopArticle:
    """One article as AccountView holds it. `number` is its code as a number, when it is one."""

    code: str
    name: str
    group: str
    price_excl: Decimal
    vat: str
    vat_pct: Decimal
    ean: str = ""
    text: str = ""
    parent: str = ""
    colour: str = ""
    size: str = ""
    origin: str = ""
    delivery: str = ""
    currency: str = "EUR"
    unit: str = "stuk"
    blocked: bool = False
    stock: Mapping[int, Decimal] = field(default_factory=dict)
    fault: str = ""
    number: int | None = None


@dataclass(frozen=True, slots=True)
class ShopGroup:
    """One article group; an empty parent stands for the root."""

    code: str
    name: str
    parent: str = ""


@dataclass(frozen=True, slots=True)
class ShopVat:
    """One VAT code with the ledger account that takes the VAT."""

    code: str
    name: str
    pct: Decimal
    reverse: bool
    account: str


@dataclass(frozen=True, slots=True)
class ShopLedger:
    """One ledger account; `sells` marks revenue."""

    number: str
    name: str
    sells: bool = False


@dataclass(frozen=True, slots=True)
class ShopBranch:
    """One branch of the shop."""

    number: int
    name: str
    city: str
    street: str
    postcode: str
    abbreviation: str


@dataclass(frozen=True, slots=True)
class ShopCustomer:
    """One debtor: a company with a contact, or a person when `company` is empty (the name is then in `contact`)."""

    number: str
    company: str
    contact: str
    email: str
    phone: str
    street: str
    postcode: str
    city: str
    country: str = "NL"
    vat_number: str = ""
    kvk: str = ""
    fault: str = ""


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
        articles=tuple(_articles(articles, Random(seed))),
        groups=GROUPS,
        vats=VATS,
        ledgers=LEDGERS,
        branches=BRANCHES,
        customers=tuple(_customers(Random(seed + 1))),
        orders=orders,
    )


def check_digit(twelve: str) -> str:
    """The last digit of an EAN-13."""
    total = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(twelve))
    return str(-total % 10)


BRANCHES: Final = (
    ShopBranch(1, "De Ketting Utrecht", "Utrecht", "Spaakstraat 14", "3511 AB", "UTR"),
    ShopBranch(2, "De Ketting Amersfoort", "Amersfoort", "Velgenplein 3", "3811 CD", "AMF"),
    ShopBranch(3, "De Ketting Zeist", "Zeist", "Trapperlaan 88", "3701 EF", "ZST"),
)

VATS: Final = (
    ShopVat("1", "BTW hoog", Decimal(21), False, "1500"),
    ShopVat("2", "BTW laag", Decimal(9), False, "1510"),
    ShopVat("3", "BTW nul", Decimal(0), False, "1520"),
    ShopVat("4", "Vrijgesteld van BTW", Decimal(0), False, "1520"),
    ShopVat("5", "BTW verlegd", Decimal(0), True, "1530"),
)

LEDGERS: Final = (
    ShopLedger("1000", "Kas"),
    ShopLedger("1010", "Pin onderweg"),
    ShopLedger("1100", "Bank"),
    ShopLedger("1300", "Debiteuren"),
    ShopLedger("1400", "Crediteuren"),
    ShopLedger("1500", "Te betalen BTW hoog"),
    ShopLedger("1510", "Te betalen BTW laag"),
    ShopLedger("1520", "BTW nul en vrijgesteld"),
    ShopLedger("1530", "BTW verlegd"),
    ShopLedger("1560", "Cadeaubonnen in omloop"),
    ShopLedger("3000", "Voorraad"),
    ShopLedger("4400", "Kasverschillen"),
    ShopLedger("7000", "Kostprijs omzet"),
    ShopLedger("8000", "Omzet fietsen", True),
    ShopLedger("8010", "Omzet kleding", True),
    ShopLedger("8020", "Omzet onderdelen", True),
    ShopLedger("8030", "Omzet accessoires", True),
    ShopLedger("8040", "Omzet diensten", True),
    ShopLedger("8050", "Omzet verzendkosten", True),
    ShopLedger("8100", "Omzet BTW laag", True),
    ShopLedger("8200", "Omzet binnen de EU", True),
    ShopLedger("8300", "Omzet buiten de EU", True),
)

GROUPS: Final = (
    ShopGroup("FIETS", "Fietsen"),
    ShopGroup("F-STA", "Stadsfietsen", "FIETS"),
    ShopGroup("F-ELE", "Elektrische fietsen", "FIETS"),
    ShopGroup("F-RAC", "Racefietsen", "FIETS"),
    ShopGroup("F-KIN", "Kinderfietsen", "FIETS"),
    ShopGroup("F-BAK", "Bakfietsen", "FIETS"),
    ShopGroup("KLED", "Kleding"),
    ShopGroup("K-SHI", "Shirts", "KLED"),
    ShopGroup("K-BRO", "Broeken", "KLED"),
    ShopGroup("K-JAS", "Jassen", "KLED"),
    ShopGroup("K-HAN", "Handschoenen", "KLED"),
    ShopGroup("ONDER", "Onderdelen"),
    ShopGroup("O-BAN", "Banden", "ONDER"),
    ShopGroup("O-REM", "Remmen", "ONDER"),
    ShopGroup("O-VER", "Verlichting", "ONDER"),
    ShopGroup("O-ZAD", "Zadels", "ONDER"),
    ShopGroup("O-KET", "Kettingen", "ONDER"),
    ShopGroup("ACCES", "Accessoires"),
    ShopGroup("A-TAS", "Tassen", "ACCES"),
    ShopGroup("A-SLO", "Sloten", "ACCES"),
    ShopGroup("A-HEL", "Helmen", "ACCES"),
    ShopGroup("A-BOE", "Boeken en kaarten", "ACCES"),
    ShopGroup("DIENS", "Diensten"),
    ShopGroup("D-REP", "Reparatie", "DIENS"),
    ShopGroup("D-VER", "Verzending", "DIENS"),
)

_PCT: Final = {vat.code: vat.pct for vat in VATS}
_CENT: Final = Decimal("0.0001")
_BRANDS: Final = (
    "Noorderlicht",
    "Polderwind",
    "Van Spaak",
    "Duinzicht",
    "Lek & Waal",
    "Tandwiel",
    "Meander",
    "Hemelwater",
)


@dataclass(frozen=True, slots=True)
class _Kind:
    """A sort of article to make many of: its names, group, price range in euro, and what goes with it."""

    names: tuple[str, ...]
    group: str
    low: int
    high: int
    text: str
    vat: str = "1"
    unit: str = "stuk"


_SIMPLE: Final = (
    _Kind(("Stadsfiets", "Omafiets", "Transportfiets"), "F-STA", 349, 899, "Degelijke fiets met terugtraprem."),
    _Kind(("Elektrische fiets", "E-bike middenmotor"), "F-ELE", 1499, 3499, "Actieradius 120 km, uitneembare accu."),
    _Kind(("Racefiets", "Gravelbike"), "F-RAC", 999, 4299, "Licht frame, 2×11 versnellingen."),
    _Kind(("Kinderfiets", "Loopfiets"), "F-KIN", 79, 299, "Met zijwieltjes en handvatten met franje."),
    _Kind(("Bakfiets",), "F-BAK", 1899, 4999, "Voor vier kinderen of één week boodschappen."),
    _Kind(("Buitenband", "Binnenband", "Vouwband"), "O-BAN", 5, 59, "Met reflectie en antileklaag."),
    _Kind(("Remblokken", "Remkabel", "Schijfrem"), "O-REM", 4, 79, "Voor velgen van aluminium.", "1", "set"),
    _Kind(("Koplamp", "Achterlicht", "Naafdynamo"), "O-VER", 9, 89, "Goedgekeurd voor de openbare weg."),
    _Kind(("Zadel", "Zadelpen"), "O-ZAD", 15, 119, "Gel, met veren."),
    _Kind(("Ketting", "Cassette", "Kettingkast"), "O-KET", 8, 69, "Voor 7 tot 11 versnellingen."),
    _Kind(("Buitenkabel",), "O-REM", 2, 4, "Aan de meter.", "1", "meter"),
    _Kind(("Fietstas", "Stuurtas", "Bagagedrager"), "A-TAS", 19, 149, "Waterdicht, 20 liter."),
    _Kind(("Kettingslot", "Ringslot", "Vouwslot"), "A-SLO", 12, 99, "Met twee sleutels, ART-keurmerk."),
    _Kind(("Routegids", "Fietskaart", "Reparatieboek"), "A-BOE", 9, 29, "Nieuwe druk, 160 bladzijden.", "2"),
    _Kind(("Band plakken", "Kleine beurt", "Grote beurt"), "D-REP", 12, 129, "Arbeidsloon.", "2", "beurt"),
)

_STYLES: Final = (
    (_Kind(("Fietsshirt", "T-shirt", "Windshirt"), "K-SHI", 19, 79, "Ademend en sneldrogend."), "SHI"),
    (_Kind(("Fietsbroek", "Regenbroek", "Koersbroek"), "K-BRO", 29, 119, "Met zeem en reflectie."), "BRO"),
    (_Kind(("Regenjas", "Winterjas", "Bodywarmer"), "K-JAS", 49, 219, "Wind- en waterdicht."), "JAS"),
    (_Kind(("Handschoenen", "Wanten"), "K-HAN", 14, 59, "Met grip en fleece.", "1", "paar"), "HAN"),
    (_Kind(("Fietshelm", "Kinderhelm"), "A-HEL", 29, 139, "Met draaiknop en led."), "HEL"),
)
_COLOURS: Final = ("Zwart", "Rood", "Marineblauw", "Crème", "Mosgroen", "Geel", "Antraciet")
_SIZES: Final = ("XS", "S", "M", "L", "XL", "XXL")
_ORIGINS: Final = ("NL", "DE", "IT", "TW", "PT", "")
_DELIVERIES: Final = ("1-2 werkdagen", "3-5 werkdagen", "Op bestelling", "")


def _articles(count: int, random: Random) -> Iterator[ShopArticle]:
    """All rows: the two that every shop has, the faulty ones, the variants, and simple ones to make up the number."""
    numbers = itertools.count(FIRST_NUMBER)
    special = [*_fixed(), *_faulty(random)]
    yield from special
    variants = 0
    for serial in range(1, count // 10 + 1):
        for article in _style(serial, numbers, random):
            variants += 1
            yield article
    for _ in range(count - len(special) - variants):
        yield _simple(random.choice(_SIMPLE), next(numbers), random)


def _fixed() -> Iterator[ShopArticle]:
    nowhere = _stock(0, 0, 0)
    for code, name, group, price in (
        (SHIPPING_CODE, "Verzendkosten", "D-VER", Decimal("4.0909")),
        (COLLECTIVE_CODE, "Verzamelartikel kassa", "DIENS", Decimal(0)),
    ):
        yield ShopArticle(code, name, group, price, "1", _PCT["1"], stock=nowhere, number=int(code))


def _simple(kind: _Kind, number: int, random: Random) -> ShopArticle:
    return ShopArticle(
        code=str(number),
        name=f"{random.choice(kind.names)} {random.choice(_BRANDS)} {number % 1000}"[:NAME_LIMIT],
        group=kind.group,
        price_excl=_price(kind, random),
        vat=kind.vat,
        vat_pct=_PCT[kind.vat],
        ean="" if kind.group.startswith("D-") or number % 25 == 0 else _ean(number),
        text=kind.text,
        origin=random.choice(_ORIGINS),
        delivery=random.choice(_DELIVERIES),
        unit=kind.unit,
        stock=_some_stock(kind, random),
        number=number,
    )


def _style(serial: int, numbers: Iterator[int], random: Random) -> Iterator[ShopArticle]:
    """The five variants of one style; they share name, price and text, and not every pair of colour and size exists."""
    kind, letters = _STYLES[serial % len(_STYLES)]
    name = f"{random.choice(kind.names)} {random.choice(_BRANDS)}"
    price = _price(kind, random)
    origin, delivery = random.choice(_ORIGINS), random.choice(_DELIVERIES)
    for colour, size in _pairs(serial, random):
        number = next(numbers)
        yield ShopArticle(
            code=str(number),
            name=f"{name} {colour} {size}".strip()[:NAME_LIMIT],
            group=kind.group,
            price_excl=price,
            vat=kind.vat,
            vat_pct=_PCT[kind.vat],
            ean=_ean(number),
            text=f"{name}. {kind.text}",
            parent=f"{letters}-{serial:04}",
            colour=colour,
            size=size,
            origin=origin,
            delivery=delivery,
            unit=kind.unit,
            stock=_some_stock(kind, random),
            number=number,
        )


def _pairs(serial: int, random: Random) -> list[tuple[str, str]]:
    colours = random.sample(_COLOURS, 5)
    match serial % 4:
        case 0:
            return [(colours[0], size) for size in _SIZES[:5]]
        case 1:
            return [(colour, "") for colour in colours]
        case _:
            both = [(colour, size) for colour in colours[:2] for size in _SIZES[1:4]]
            both.pop(random.randrange(len(both)))
            return both


@dataclass(frozen=True, slots=True)
class _Odd:
    """An article that is faulty, or unusual, on purpose: as somebody typed it."""

    fault: str
    code: str
    name: str
    ean: str | None = None
    currency: str = "EUR"
    vat: str = "1"
    blocked: bool = False
    text: str = "Bijzonder geval uit de praktijk."


_TWIN_ONE: Final = "871999000001"
_TWIN_TWO: Final = "871999000002"
_ODD: Final = (
    _Odd("letters_in_code", "FTS-1001A", "Fietsstandaard verstelbaar"),
    _Odd("letters_in_code", "HELM-KIDS", "Helmbekleding kind"),
    _Odd("letters_in_code", "ABC20B", "Kabelslot dun"),
    _Odd("letters_in_code", "SET-A1", "Schoonmaakset compleet"),
    _Odd("leading_zero_collides", "0010007", "Ventieldopje messing"),
    _Odd("leading_zero", "09000001", "Spaaksleutel"),
    _Odd("leading_zero", "09000002", "Kettingpons"),
    _Odd("wrong_check_digit", "9101", "Bidon aluminium", "wrong"),
    _Odd("wrong_check_digit", "9102", "Bidonhouder", "wrong"),
    _Odd("wrong_check_digit", "9103", "Minipomp", "wrong"),
    _Odd("wrong_check_digit", "9104", "Staande pomp", "wrong"),
    _Odd("foreign_currency", "9201", "Stuurpen import", currency="USD"),
    _Odd("foreign_currency", "9202", "Leren zadel import", currency="GBP"),
    _Odd("foreign_currency", "9203", "Fietshorloge import", currency="CHF"),
    _Odd("missing_vat", "9301", "Sticker De Ketting", vat=""),
    _Odd("missing_vat", "9302", "Sleutelhanger fiets", vat=""),
    _Odd("missing_vat", "9303", "Reflecterende band", vat=""),
    _Odd("long_name", "9401", "Dubbele fietstas van gerecycled zeildoek met regenhoes en laptopvak"),
    _Odd("long_name", "9402", "Kinderzitje voor achterop met verstelbare voetsteunen en gordel"),
    _Odd("long_name", "9403", "Accu voor elektrische fiets 630 Wh geschikt voor alle modellen"),
    _Odd("emoji", "9501", "Fietsbel 🔔🎉", text="Vrolijke bel 🔔🎉 in vijf tinten."),
    _Odd("emoji", "9502", "Stuurlint 🌈 regenboog", text="Voor wie van kleur houdt 🌈"),
    _Odd("duplicate_barcode", "9601", "Bandenlichters 3 stuks", _TWIN_ONE),
    _Odd("duplicate_barcode", "9602", "Bandenlichters staal", _TWIN_ONE),
    _Odd("duplicate_barcode", "9603", "Kettingolie nat", _TWIN_TWO),
    _Odd("duplicate_barcode", "9604", "Kettingolie droog", _TWIN_TWO),
    _Odd("blocked", "9701", "Reflectorset oud model", blocked=True),
    _Odd("blocked", "9702", "Dynamo oud model", blocked=True),
    _Odd("blocked", "9703", "Jasbeschermer vervallen", blocked=True),
)


def _faulty(random: Random) -> Iterator[ShopArticle]:
    kind = _Kind(("Accessoire",), "ACCES", 5, 45, "")
    for serial, odd in enumerate(_ODD, start=1):
        yield ShopArticle(
            code=odd.code,
            name=_kept(odd.name)[:NAME_LIMIT],
            group="A-TAS" if odd.fault == "long_name" else "ACCES",
            price_excl=_price(kind, random),
            vat=odd.vat,
            vat_pct=_PCT.get(odd.vat, Decimal(0)),
            ean=_odd_ean(odd, serial),
            text=_kept(f"{odd.name}. {odd.text}" if odd.fault == "long_name" else odd.text),
            currency=odd.currency,
            blocked=odd.blocked,
            stock=_some_stock(kind, random),
            fault=odd.fault,
            number=int(odd.code) if odd.code.isdecimal() else None,
        )


def _kept(typed: str) -> str:
    """Return a text as AccountView keeps it, in Windows-1252."""
    return typed.encode("cp1252", "replace").decode("cp1252")


def _odd_ean(odd: _Odd, serial: int) -> str:
    twelve = f"871998{serial:06}"
    match odd.ean:
        case None:
            return twelve + check_digit(twelve)
        case "wrong":
            return twelve + str((int(check_digit(twelve)) + 1) % 10)
        case shared:
            return shared + check_digit(shared)


def _ean(number: int) -> str:
    twelve = f"8710{number:08}"
    return twelve + check_digit(twelve)


def _price(kind: _Kind, random: Random) -> Decimal:
    """A price without VAT that gives a shelf price ending in 95 cents."""
    incl = Decimal(random.randint(kind.low, kind.high)) + Decimal("0.95")
    return (incl * 100 / (100 + _PCT[kind.vat])).quantize(_CENT, ROUND_HALF_UP)


def _some_stock(kind: _Kind, random: Random) -> Mapping[int, Decimal]:
    if kind.group.startswith("D-"):
        return _stock(0, 0, 0)
    if kind.unit == "meter":
        return {branch.number: Decimal(random.randint(0, 400)) / 2 for branch in BRANCHES}
    return _stock(*(random.choice((0, 1, 2, 3, 5, 8, 12, 20)) for _ in BRANCHES))


def _stock(*quantities: int) -> Mapping[int, Decimal]:
    return {branch.number: Decimal(quantity) for branch, quantity in zip(BRANCHES, quantities, strict=True)}


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


def _customers(random: Random) -> Iterator[ShopCustomer]:
    """The debtors: companies first, then persons, among them blank and shared e-mail addresses, foreigners last."""
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
    return f"{random.choice(_FIRMS)} {random.choice(_BRANDS)} {serial + 1} {random.choice(_LEGAL)}".strip()


def _home(random: Random) -> tuple[str, str, str, str]:
    letters = f"{random.choice('ABDEGHJKLM')}{random.choice('NPRSTVWXZ')}"
    street = f"{random.choice(_STREETS)} {random.randint(1, 220)}"
    return "NL", random.choice(_CITIES), f"{random.randint(3400, 3899)} {letters}", street


def _vat_number(serial: int) -> str:
    """A Dutch number that passes its check: nine digits of which the last is a weighted sum modulo 11."""
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
