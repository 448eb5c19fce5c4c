"""Set-up of the tills of the sample shop, and the contents of its documents.

The codes of the tills differ from those of the books, so they must be mapped.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from integration.sandbox.mplus.context import COUNTRY, COUNTRY_CODE, Rows, Setup
from integration.sandbox.mplus.sums import INCLUSIVE, Sums, rounded, summed
from integration.sandbox.shop.records import ShopBranch
from integration.sandbox.shop.shop import Shop

LOW: Final = 1
HIGH: Final = 2
ZERO: Final = 3
EXEMPT: Final = 4
REVERSED: Final = 5
RATES: Final = {LOW: Decimal(9), HIGH: Decimal(21), ZERO: Decimal(0), EXEMPT: Decimal(0), REVERSED: Decimal(0)}
VAT_CODES: Final[Mapping[str, int]] = {"1": HIGH, "2": LOW, "3": ZERO, "4": EXEMPT, "5": REVERSED}

GIFT_CARDS: Final = 80  # for any goods: taxed when they are used
VOUCHERS: Final = 85  # for repairs only: taxed when they are sold
DEPOSITS: Final = 90  # packaging deposits (statiegeld), without VAT
TAXED_DEPOSITS: Final = 91  # packaging deposits taxed like the contents, as German Pfand is
DOWN_PAYMENTS: Final = 92
SUPERUSER: Final = 999999

_TURNOVER: Final = (
    (10, "Fietsen", 8000, HIGH),
    (20, "Kleding", 8010, HIGH),
    (30, "Onderdelen", 8020, HIGH),
    (40, "Accessoires", 8030, HIGH),
    (50, "Diensten", 8040, LOW),
    (60, "Verzendkosten", 8050, HIGH),
    (70, "Boeken en kaarten", 8100, LOW),
)
_NO_GOODS: Final = (50, 60)
_GOODS_ACCOUNTS: Final = {
    "defaultPurchaseAccountNumber": 7000,
    "purchaseAccountNumber": 7000,
    "defaultStockAccountNumber": 3000,
    "stockAccountNumber": 3000,
}
_METHODS: Final = (
    ("CASH", "Contant", "PAYMENT-METHOD-TYPE-PAYMENT", 1000, True),
    ("PIN", "Pin", "PAYMENT-METHOD-TYPE-EFT", 1010, True),
    ("IDEAL", "iDEAL", "PAYMENT-METHOD-TYPE-PAYMENT", 1100, True),
    ("CREDITCARD", "Creditcard", "PAYMENT-METHOD-TYPE-EFT", 1010, True),
    ("GIFTCARD", "Cadeaubon", "PAYMENT-METHOD-TYPE-SUSPENSE", 1560, True),
    ("VOUCHER", "Reparatiebon", "PAYMENT-METHOD-TYPE-SUSPENSE", 1565, True),
    ("DEPOSIT", "Aanbetaling", "PAYMENT-METHOD-TYPE-DEPOSIT", 1575, True),
    ("INVOICE", "Op rekening", "PAYMENT-METHOD-TYPE-SUSPENSE", 1300, True),
    ("ROUNDING", "Afronding", "PAYMENT-METHOD-TYPE-SUSPENSE", 4410, True),
    ("CHEQUE", "Cheque", "PAYMENT-METHOD-TYPE-PAYMENT", 1100, False),
)
_CARDS: Final = {"GIFTCARD": GIFT_CARDS, "VOUCHER": VOUCHERS}
_CATEGORIES: Final = (
    (1, "Webshop", (2, 5), True),
    (2, "In behandeling", (3, 5), True),
    (3, "Klaar om op te halen", (4, 5), True),
    (4, "Afgehandeld", (), False),
    (5, "Geannuleerd", (), False),
)
_EMPLOYEES: Final = (
    (101, "Anouk de Wit", True),
    (102, "Bas Verhoeven", True),
    (103, "Chantal Kuipers", True),
    (104, "Daan Postma", False),
    (SUPERUSER, "Beheerder", True),
)
_ARTICLE_FIELDS: Final = (
    ("herkomst", "STRING"),
    ("levertijd", "STRING"),
    ("type", "STRING"),
    ("materiaal", "STRING"),
    ("garantie_maanden", "INT"),
    ("gewicht", "DECIMAL"),
    ("op_bestelling", "BOOL"),
)
_RELATION_FIELDS: Final = (
    ("av_code", "STRING"),
    ("nieuwsbrief", "BOOL"),
    ("klant_sinds", "DATE"),
)


def setup(shop: Shop) -> Setup:
    """Return the set-up of the shop's tills."""
    return Setup(
        company="De Ketting B.V.",
        city=shop.branches[0].city,
        branches=[_branch(branch) for branch in shop.branches],
        rates=RATES,
        turnover_groups=[*_turnover_groups(), *_balance_groups()],
        payment_methods=[
            {
                "method": method,
                "description": description,
                "buttonText": description,
                "allowNegativeAmount": True,
                "active": active,
                "type": type_,
                "accountNumber": account,
                "depositPaymentMethod": "DEPOSIT" if method in {"CASH", "PIN", "IDEAL"} else None,
                "giftcardType": _card(method, description),
            }
            for method, description, type_, account, active in _METHODS
        ],
        delivery_methods=[
            {"deliveryMethod": code, "description": text, "buttonText": text, "enabled": enabled}
            for code, text, enabled in (
                ("PICKUP", "Afhalen", True),
                ("SHIP", "Verzenden", True),
                ("BIKE", "Fietskoerier", True),
                ("TRUCK", "Vrachtwagen", False),
            )
        ],
        order_categories=[
            {
                "orderCategoryNumber": number,
                "orderCategoryDescription": text,
                "orderCategoryDependencyNumbers": next_,
                "allowCancel": cancel,
                "allowProcess": True,
            }
            for number, text, next_, cancel in _CATEGORIES
        ],
        employees=[
            {"employeeNumber": number, "syncMarker": marker, "name": name, "active": active}
            for marker, (number, name, active) in enumerate(_EMPLOYEES, start=1)
        ],
        price_groups=[
            {"priceGroupNumber": number, "description": text}
            for number, text in ((1, "Particulier"), (2, "Zakelijk"), (3, "Fietsverhuurders"))
        ],
        sales_prices=[{"salesPriceNumber": 1, "description": "Weekaanbieding"}],
        article_custom_fields=_custom_fields(_ARTICLE_FIELDS),
        relation_custom_fields=_custom_fields(_RELATION_FIELDS),
        article_categories=_card_categories("Algemeen", "Seizoen", "Webshop"),
        relation_categories=_card_categories("Consument", "Bedrijf", "Leverancier"),
    )


def turnover_group_of(group: str) -> int:
    """Return the till's turnover group for an article group of the books."""
    special = {"A-BOE": 70, "D-VER": 60}
    first = {"F": 10, "K": 20, "O": 30, "A": 40, "D": 50}
    return special.get(group) or first[group[0]]


def _branch(branch: ShopBranch) -> dict[str, Any]:
    return {
        "branchNumber": branch.number,
        "branchName": branch.name,
        "abbreviation": branch.abbreviation,
        "priceGroupNumber": 1,
        "workplaces": [
            {
                "workplaceNumber": number,
                "workplaceName": f"{branch.abbreviation} kassa {number}",
                "isMobile": number == 2,  # noqa: PLR2004  # the second till of a branch is mobile
                "isSlave": False,
            }
            for number in (1, 2)
        ],
        "countryCode": COUNTRY_CODE,
        "countryIso3": COUNTRY,
        "countryName": "Nederland",
    }


def _card(method: str, name: str) -> dict[str, Any] | None:
    """Return the gift card type of a payment method, or None."""
    group = _CARDS.get(method)
    if group is None:
        return None
    rights = ("nonStandardValue", "issuable", "redeemable", "personalizable")
    return {
        "cardTypeId": f"card-{group}",
        "name": name,
        "sequenceNumber": group,
        "isDeleted": False,
        "turnoverGroupNumber": group,
        "paymentMethodId": method,
        **dict.fromkeys(rights, True),
        "reloadable": False,
        "restitutable": False,
    }


def _turnover_groups() -> Rows:
    return [
        {
            "turnoverGroupType": "TURNOVER-GROUP-TYPE-TURNOVER",
            "turnoverGroup": number,
            "turnoverGroupName": name,
            "defaultAccountNumber": account,
            "accountNumber": account,
            **(_GOODS_ACCOUNTS if number not in _NO_GOODS else {}),
            "defaultVatCode": vat_code,
        }
        for number, name, account, vat_code in _TURNOVER
    ]


def _balance_groups() -> Rows:
    return [
        {
            "turnoverGroupType": type_,
            "turnoverGroup": number,
            "turnoverGroupName": name,
            "accountNumber": account,
            "defaultVatCode": vat_code,
        }
        for type_, number, name, account, vat_code in (
            ("TURNOVER-GROUP-TYPE-BALANCE-UPGRADE", GIFT_CARDS, "Cadeaubonnen", 1560, EXEMPT),
            ("TURNOVER-GROUP-TYPE-BALANCE-UPGRADE", VOUCHERS, "Reparatiebonnen", 1565, LOW),
            ("TURNOVER-GROUP-TYPE-REFUNDABLE-DEPOSIT", DEPOSITS, "Statiegeld", 1570, ZERO),
            ("TURNOVER-GROUP-TYPE-REFUNDABLE-DEPOSIT", TAXED_DEPOSITS, "Statiegeld met btw", 1571, HIGH),
            ("TURNOVER-GROUP-TYPE-SUSPENSE", DOWN_PAYMENTS, "Aanbetalingen", 1575, EXEMPT),
            ("TURNOVER-GROUP-TYPE-CASH-INFLOW", 95, "Wisselgeld uit kluis", 1020, EXEMPT),
            ("TURNOVER-GROUP-TYPE-CASH-INFLOW", 96, "Fooi", 1580, EXEMPT),
            ("TURNOVER-GROUP-TYPE-CASH-OUTFLOW", 97, "Kleine uitgaven porti", 4510, EXEMPT),
            ("TURNOVER-GROUP-TYPE-CASH-OUTFLOW", 98, "Afstorting bij de bank", 1090, EXEMPT),
        )
    ]


def _custom_fields(fields: tuple[tuple[str, str], ...]) -> Rows:
    return [{"fieldName": name, "dataType": f"DATA-TYPE-{type_}", "isRequired": False} for name, type_ in fields]


def _card_categories(*names: str) -> Rows:
    return [
        {"categoryId": number, "name": name, "isVipGroup": False, "isSupplierGroup": name == "Leverancier"}
        for number, name in enumerate(names, start=1)
    ]


# ---- contents of the sample shop's documents: goods with quantities, discounts and totals


SHIFTED = "VAT-METHOD-SHIFTED"


@dataclass(frozen=True, slots=True)
class Sold:
    """Contents of one line: prices in cents; `places` are the decimal places of the quantity."""

    article: int
    text: str
    group: int
    vat_code: int
    incl: int
    quantity: Decimal = Decimal(1)
    places: int = 0
    discount: int = 0

    def excl(self, method: str) -> int:
        """Return the unit price without VAT."""
        rate = Decimal(0) if method == SHIFTED else RATES[self.vat_code]
        return rounded(self.incl / (1 + rate / 100))

    def amount(self, method: str) -> int:
        """Return the amount of the line, according to the VAT method."""
        price = self.incl if method == INCLUSIVE else self.excl(method)
        return rounded(self.quantity * price * (100 - self.discount) / 100)


@dataclass(frozen=True, slots=True)
class Basket:
    """Contents of one document with its totals."""

    sold: tuple[Sold, ...]
    method: str
    sums: Sums


def returned_sale(item: Sold) -> Sold:
    return Sold(item.article, item.text, item.group, item.vat_code, item.incl, Decimal(-1), 0)


def with_reversed_vat(item: Sold) -> Sold:
    return Sold(item.article, item.text, item.group, REVERSED, item.incl, item.quantity, item.places, item.discount)


def returned(basket: Basket) -> Basket:
    """Return the basket with all its lines returned."""
    sold = tuple(
        Sold(item.article, item.text, item.group, item.vat_code, item.incl, -item.quantity, item.places, item.discount)
        for item in basket.sold
    )
    lines = [(item.vat_code, item.amount(basket.method)) for item in sold]
    return Basket(sold, basket.method, summed(lines, RATES, basket.method))
