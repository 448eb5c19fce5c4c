"""Articles of the sample shop: simple ones, variants, and faulty ones on purpose."""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from random import Random
from typing import Final

from integration.sandbox.shop.records import BRANCHES, VATS, ShopArticle

NAME_LIMIT: Final = 40
FIRST_NUMBER: Final = 10001
SHIPPING_CODE: Final = "9001"
COLLECTIVE_CODE: Final = "9002"

_PCT: Final = {vat.code: vat.pct for vat in VATS}
_CENT: Final = Decimal("0.0001")
BRANDS: Final = (
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
    """Template for articles: names, group, price range in euros, and other values."""

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


def articles_of(count: int, random: Random) -> Iterator[ShopArticle]:
    """Yield all articles: two fixed ones, the faulty ones, the variants, and simple ones up to the requested number."""
    numbers = itertools.count(FIRST_NUMBER)
    special = [*_fixed_articles(), *_faulty_articles(random)]
    yield from special
    variants = 0
    for serial in range(1, count // 10 + 1):
        for article in _style(serial, numbers, random):
            variants += 1
            yield article
    for _ in range(count - len(special) - variants):
        yield _simple_article(random.choice(_SIMPLE), next(numbers), random)


def _fixed_articles() -> Iterator[ShopArticle]:
    nowhere = _stock(0, 0, 0)
    for code, name, group, price in (
        (SHIPPING_CODE, "Verzendkosten", "D-VER", Decimal("4.0909")),
        (COLLECTIVE_CODE, "Verzamelartikel kassa", "DIENS", Decimal(0)),
    ):
        yield ShopArticle(code, name, group, price, "1", _PCT["1"], stock=nowhere, number=int(code))


def _simple_article(kind: _Kind, number: int, random: Random) -> ShopArticle:
    return ShopArticle(
        code=str(number),
        name=f"{random.choice(kind.names)} {random.choice(BRANDS)} {number % 1000}"[:NAME_LIMIT],
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
    """Yield the five variants of one style, with the same name, price and text.

    Not every colour exists in every size.
    """
    kind, letters = _STYLES[serial % len(_STYLES)]
    name = f"{random.choice(kind.names)} {random.choice(BRANDS)}"
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
            pairs = [(colour, size) for colour in colours[:2] for size in _SIZES[1:4]]
            pairs.pop(random.randrange(len(pairs)))
            return pairs


@dataclass(frozen=True, slots=True)
class _FaultyArticle:
    """An article that is faulty or unusual on purpose, as a person typed it."""

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
    _FaultyArticle("letters_in_code", "FTS-1001A", "Fietsstandaard verstelbaar"),
    _FaultyArticle("letters_in_code", "HELM-KIDS", "Helmbekleding kind"),
    _FaultyArticle("letters_in_code", "ABC20B", "Kabelslot dun"),
    _FaultyArticle("letters_in_code", "SET-A1", "Schoonmaakset compleet"),
    _FaultyArticle("leading_zero_collides", "0010007", "Ventieldopje messing"),
    _FaultyArticle("leading_zero", "09000001", "Spaaksleutel"),
    _FaultyArticle("leading_zero", "09000002", "Kettingpons"),
    _FaultyArticle("wrong_check_digit", "9101", "Bidon aluminium", "wrong"),
    _FaultyArticle("wrong_check_digit", "9102", "Bidonhouder", "wrong"),
    _FaultyArticle("wrong_check_digit", "9103", "Minipomp", "wrong"),
    _FaultyArticle("wrong_check_digit", "9104", "Staande pomp", "wrong"),
    _FaultyArticle("foreign_currency", "9201", "Stuurpen import", currency="USD"),
    _FaultyArticle("foreign_currency", "9202", "Leren zadel import", currency="GBP"),
    _FaultyArticle("foreign_currency", "9203", "Fietshorloge import", currency="CHF"),
    _FaultyArticle("missing_vat", "9301", "Sticker De Ketting", vat=""),
    _FaultyArticle("missing_vat", "9302", "Sleutelhanger fiets", vat=""),
    _FaultyArticle("missing_vat", "9303", "Reflecterende band", vat=""),
    _FaultyArticle("long_name", "9401", "Dubbele fietstas van gerecycled zeildoek met regenhoes en laptopvak"),
    _FaultyArticle("long_name", "9402", "Kinderzitje voor achterop met verstelbare voetsteunen en gordel"),
    _FaultyArticle("long_name", "9403", "Accu voor elektrische fiets 630 Wh geschikt voor alle modellen"),
    _FaultyArticle("emoji", "9501", "Fietsbel 🔔🎉", text="Vrolijke bel 🔔🎉 in vijf tinten."),
    _FaultyArticle("emoji", "9502", "Stuurlint 🌈 regenboog", text="Voor wie van kleur houdt 🌈"),
    _FaultyArticle("duplicate_barcode", "9601", "Bandenlichters 3 stuks", _TWIN_ONE),
    _FaultyArticle("duplicate_barcode", "9602", "Bandenlichters staal", _TWIN_ONE),
    _FaultyArticle("duplicate_barcode", "9603", "Kettingolie nat", _TWIN_TWO),
    _FaultyArticle("duplicate_barcode", "9604", "Kettingolie droog", _TWIN_TWO),
    _FaultyArticle("blocked", "9701", "Reflectorset oud model", blocked=True),
    _FaultyArticle("blocked", "9702", "Dynamo oud model", blocked=True),
    _FaultyArticle("blocked", "9703", "Jasbeschermer vervallen", blocked=True),
)


def _faulty_articles(random: Random) -> Iterator[ShopArticle]:
    kind = _Kind(("Accessoire",), "ACCES", 5, 45, "")
    for serial, odd in enumerate(_ODD, start=1):
        yield ShopArticle(
            code=odd.code,
            name=_stored_text(odd.name)[:NAME_LIMIT],
            group="A-TAS" if odd.fault == "long_name" else "ACCES",
            price_excl=_price(kind, random),
            vat=odd.vat,
            vat_pct=_PCT.get(odd.vat, Decimal(0)),
            ean=_faulty_ean(odd, serial),
            text=_stored_text(f"{odd.name}. {odd.text}" if odd.fault == "long_name" else odd.text),
            currency=odd.currency,
            blocked=odd.blocked,
            stock=_some_stock(kind, random),
            fault=odd.fault,
            number=int(odd.code) if odd.code.isdecimal() else None,
        )


def _stored_text(typed: str) -> str:
    """Return a text as AccountView stores it, in Windows-1252."""
    return typed.encode("cp1252", "replace").decode("cp1252")


def _faulty_ean(odd: _FaultyArticle, serial: int) -> str:
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
    """Return a price without VAT for a shelf price that ends in 95 cents."""
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


def check_digit(twelve: str) -> str:
    """Return the check digit of an EAN-13."""
    total = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(twelve))
    return str(-total % 10)
