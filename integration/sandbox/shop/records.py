"""What the sample shop consists of: articles, groups, accounts, branches and customers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal


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
