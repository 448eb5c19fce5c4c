"""Records of the sample shop: articles, groups, accounts, branches and customers, and its short lists."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final


@dataclass(frozen=True, slots=True)
class ShopArticle:
    """An article as AccountView stores it. `number` is its code as a number if the code is numeric."""

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
    stock: Mapping[int, Decimal] = field(default_factory=dict, hash=False)
    fault: str = ""
    number: int | None = None


@dataclass(frozen=True, slots=True)
class ShopGroup:
    """An article group; an empty parent means the root."""

    code: str
    name: str
    parent: str = ""


@dataclass(frozen=True, slots=True)
class ShopVat:
    """A VAT code with the ledger account of its VAT."""

    code: str
    name: str
    pct: Decimal
    reverse: bool
    account: str


@dataclass(frozen=True, slots=True)
class ShopLedger:
    """A ledger account; `sells` marks revenue."""

    number: str
    name: str
    sells: bool = False


@dataclass(frozen=True, slots=True)
class ShopBranch:
    """A branch of the shop."""

    number: int
    name: str
    city: str
    street: str
    postcode: str
    abbreviation: str


@dataclass(frozen=True, slots=True)
class ShopCustomer:
    """A debtor: a company with a contact, or a person if `company` is empty (the name is then in `contact`)."""

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


# ---- the short lists of the sample shop: its branches, VAT codes, ledger accounts and article groups


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
    ShopLedger("1020", "Kluis"),
    ShopLedger("1090", "Kruisposten"),
    ShopLedger("1100", "Bank"),
    ShopLedger("1300", "Debiteuren"),
    ShopLedger("1400", "Crediteuren"),
    ShopLedger("1500", "Te betalen BTW hoog"),
    ShopLedger("1510", "Te betalen BTW laag"),
    ShopLedger("1520", "BTW nul en vrijgesteld"),
    ShopLedger("1530", "BTW verlegd"),
    ShopLedger("1560", "Cadeaubonnen in omloop"),
    ShopLedger("1565", "Reparatiebonnen in omloop"),
    ShopLedger("1570", "Statiegeld"),
    ShopLedger("1571", "Statiegeld met btw"),
    ShopLedger("1575", "Ontvangen aanbetalingen"),
    ShopLedger("1580", "Te verdelen fooien"),
    ShopLedger("3000", "Voorraad"),
    ShopLedger("4400", "Kasverschillen"),
    ShopLedger("4410", "Afrondingsverschillen"),
    ShopLedger("4510", "Porti"),
    ShopLedger("4520", "Bankkosten"),
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
