"""Purposes of the gift cards that payment methods accept."""

from collections.abc import Mapping
from decimal import Decimal

from integration.core.days.books import Voucher
from integration.core.totals.categories import GROUPS, LineCategory, Purpose
from integration.flows.days.settings import DaySettings
from integration.flows.orders.balances import Turnover


def vouchers_of(settings: DaySettings, turnover: Turnover, rates: Mapping[str, Decimal]) -> dict[str, Voucher]:
    """Return the purpose of each payment method's gift cards, as set by a person, else as the till gives it."""
    found: dict[str, Voucher] = {}
    for method, group in turnover.cards.items():
        code = turnover.vat_codes.get(group, "")
        found[method] = Voucher(Purpose.SINGLE if rates.get(code) else Purpose.MULTI, code)
    single = [group for group, word in turnover.types.items() if GROUPS.get(word) is LineCategory.GIFT_CARD]
    codes = [code for group in single if rates.get(code := turnover.vat_codes.get(group, ""))]
    for method, purpose in settings.gift_cards.items():
        known = found[method].vat_code if method in found else codes[0] if len(codes) == 1 else ""
        found[method] = Voucher(purpose, known)
    return found
