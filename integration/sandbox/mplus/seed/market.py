"""A day at a market stall: receipts without revenue, high receipt numbers, and workplace numbers of two digits.

The stall is closed now, so no list of branches has it; its receipts remain.
"""

from datetime import date
from decimal import Decimal
from typing import Final

from integration.sandbox.mplus.seed.cards import GIFT_CARD, REPAIR_HOUR
from integration.sandbox.mplus.seed.sales import COIN, SampleSales
from integration.sandbox.mplus.seed.setup import (
    DEPOSITS,
    DOWN_PAYMENTS,
    EXEMPT,
    GIFT_CARDS,
    HIGH,
    LOW,
    RATES,
    TAXED_DEPOSITS,
    VOUCHERS,
    ZERO,
    Basket,
    Sold,
    returned,
)
from integration.sandbox.mplus.sums import INCLUSIVE, rounded, summed

STALL: Final = 12
TILLS: Final = (1, 10)
BEFORE: Final = 997  # earlier receipts of the year, so that numbers grow from three to four digits


def fill(sales: SampleSales, on: date) -> None:
    """Add the receipts of the day to a till."""
    first, second = ((STALL, till) for till in TILLS)
    tube, repair = _sale_item("Binnenband", 30, HIGH, 1295), _sale_item("Reparatie", 50, LOW, 5450, REPAIR_HOUR)
    book, crate = _sale_item("Fietskaart", 70, LOW, 995), _sale_item("Statiegeld krat", DEPOSITS, ZERO, 390)
    drum = _sale_item("Statiegeld vat", TAXED_DEPOSITS, HIGH, 3025)
    card, voucher = (
        _sale_item("Cadeaubon", GIFT_CARDS, EXEMPT, 5000, GIFT_CARD),
        _sale_item("Reparatiebon", VOUCHERS, LOW, 5450),
    )
    advance = _sale_item("Aanbetaling bakfiets", DOWN_PAYMENTS, EXEMPT, 10000)
    helmet = _sale_item("Helm", 20, HIGH, 4999)

    def add_paid_receipt(place: tuple[int, int], *lines: Sold, **with_: int) -> tuple[str, Basket]:
        basket = _basket(*lines)
        rest = basket.sums.incl - sum(with_.values())
        payments = [*with_.items(), *([("PIN", rest)] if rest else [])]
        return sales.add_receipt(on, place, basket, payments, before=BEFORE), basket

    add_paid_receipt(first, card)
    add_paid_receipt(first, helmet, book, GIFTCARD=3500)
    add_paid_receipt(first, voucher)
    repaired, basket = add_paid_receipt(first, repair, VOUCHER=5450)
    add_paid_receipt(first, repair, tube, VOUCHER=2725)
    add_paid_receipt(second, tube, crate)
    add_paid_receipt(second, tube, book, drum, crate)
    add_paid_receipt(second, _returned_item(crate), _returned_item(drum))
    add_paid_receipt(second, advance)
    add_paid_receipt(second, helmet, helmet, helmet, DEPOSIT=10000)
    cash = _basket(helmet, repair, card, voucher, crate, drum, _returned_item(crate))
    coins = rounded(Decimal(cash.sums.incl) / COIN) * COIN
    rounding = [("ROUNDING", cash.sums.incl - coins)] if cash.sums.incl != coins else []
    sales.add_receipt(on, first, cash, [("CASH", coins), *rounding], before=BEFORE)
    sales.add_receipt(on, first, returned(basket), [("VOUCHER", -5450)], credited=repaired, before=BEFORE)


def _sale_item(text: str, group: int, vat_code: int, incl: int, article: int = 0) -> Sold:
    return Sold(article, text, group, vat_code, incl)


def _returned_item(item: Sold) -> Sold:
    return Sold(item.article, item.text, item.group, item.vat_code, item.incl, Decimal(-1))


def _basket(*lines: Sold) -> Basket:
    return Basket(
        lines, INCLUSIVE, summed([(item.vat_code, item.amount(INCLUSIVE)) for item in lines], RATES, INCLUSIVE)
    )
