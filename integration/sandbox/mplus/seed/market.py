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
    first, second = ((STALL, each) for each in TILLS)
    tube, repair = _sold("Binnenband", 30, HIGH, 1295), _sold("Reparatie", 50, LOW, 5450, REPAIR_HOUR)
    book, crate = _sold("Fietskaart", 70, LOW, 995), _sold("Statiegeld krat", DEPOSITS, ZERO, 390)
    drum = _sold("Statiegeld vat", TAXED_DEPOSITS, HIGH, 3025)
    card, voucher = _sold("Cadeaubon", GIFT_CARDS, EXEMPT, 5000, GIFT_CARD), _sold("Reparatiebon", VOUCHERS, LOW, 5450)
    advance = _sold("Aanbetaling bakfiets", DOWN_PAYMENTS, EXEMPT, 10000)
    helmet = _sold("Helm", 20, HIGH, 4999)

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
    add_paid_receipt(second, _back(crate), _back(drum))
    add_paid_receipt(second, advance)
    add_paid_receipt(second, helmet, helmet, helmet, DEPOSIT=10000)
    cash = _basket(helmet, repair, card, voucher, crate, drum, _back(crate))
    coins = rounded(Decimal(cash.sums.incl) / COIN) * COIN
    rounding = [("ROUNDING", cash.sums.incl - coins)] if cash.sums.incl != coins else []
    sales.add_receipt(on, first, cash, [("CASH", coins), *rounding], before=BEFORE)
    sales.add_receipt(on, first, returned(basket), [("VOUCHER", -5450)], credited=repaired, before=BEFORE)


def _sold(text: str, group: int, vat_code: int, incl: int, article: int = 0) -> Sold:
    return Sold(article, text, group, vat_code, incl)


def _back(one: Sold) -> Sold:
    return Sold(one.article, one.text, one.group, one.vat_code, one.incl, Decimal(-1))


def _basket(*lines: Sold) -> Basket:
    return Basket(lines, INCLUSIVE, summed([(one.vat_code, one.amount(INCLUSIVE)) for one in lines], RATES, INCLUSIVE))
