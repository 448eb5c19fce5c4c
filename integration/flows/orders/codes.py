"""Under which VAT code and on which ledger account of the books something is booked."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from integration.core.records import Record
from integration.core.rules import as_text
from integration.core.totals.vat import NOTHING
from integration.flows.orders.parties import BOOKS, Told
from integration.flows.orders.settings import OrderSettings
from integration.flows.orders.sold import vat_method
from integration.flows.settings import Parked

VAT_CODES = "vat_codes_sales"
REVENUE_ACCOUNTS = "revenue_accounts"
BALANCES = frozenset({"payment", "suspense", "balance-upgrade", "refundable-deposit", "cash-inflow", "cash-outflow"})
"""Sorts of turnover group that are no revenue."""
CARDS = frozenset({"gift-card", "payment"})
"""Sorts of price that are no revenue."""


class Account(NamedTuple):
    """A ledger account, and the books' VAT code of what is posted on it; empty where that is not taxed."""

    vat_code: str
    number: str


@dataclass(frozen=True, slots=True)
class Codes:
    """The settings and tables that name codes and accounts, and the rates of both systems in percent."""

    settings: OrderSettings
    vat_codes: Mapping[str, str]
    revenue_accounts: Mapping[str, str]
    book_rates: Mapping[str, Decimal]
    till_rates: Mapping[str, Decimal]

    def rates(self, codes: Iterable[str]) -> dict[str, Decimal]:
        """Return what the books charge under these codes of theirs; nothing under one they do not have."""
        return {code: self.book_rates.get(code, NOTHING) for code in codes}

    def vat_code(self, told: Told, code: str) -> str:
        """Return the books' VAT code for one of the till's. Raises Parked when the table has none."""
        if not code:
            return ""
        if row := self.vat_row(told, code):
            return self.vat_codes[row].strip()
        rate = self.till_rates.get(code)
        facts = {"code": code, "rate": "" if rate is None else f"{rate.normalize():f}%", "country": told.country}
        raise Parked("vat_code_unmapped", "line.vat_code", **facts, document=told.title, system=BOOKS)

    def vat_row(self, told: Told, code: str) -> str:
        """Return the key of the most particular row of the table for a VAT code; empty when there is none."""
        keys = [f"{told.country}:{code}:{'yes' if told.vat_number else 'no'}", f"{told.country}:{code}", code]
        if vat_method(told.record) == "shifted":
            keys = [*(f"{key}:shifted" for key in keys), *keys]
        return next((key for key in keys if self.vat_codes.get(key, "").strip()), "")

    def revenue_account(self, told: Told, vat_code: str) -> str:
        """Return the account for revenue under a VAT code of the books. Raises Parked when the table has none."""
        for key in (f"{told.country}:{vat_code}", vat_code, "*"):
            if found := self.revenue_accounts.get(key, "").strip():
                return found
        facts = {"country": told.country, "code": vat_code, "document": told.title}
        raise Parked("revenue_account_unmapped", "line.account", **facts)

    def balance_account(self, told: Told, line: Record) -> str | None:
        """Return the account of a line that is no revenue, or None when it is. Raises Parked when none is set."""
        settings, values = self.settings, line.values
        group = as_text(values.get("turnover_group")).strip()
        sorts = as_text(values.get("price_type")), as_text(values.get("turnover_type"))
        sort = next((each for each in sorts if each in CARDS | BALANCES), "")
        if not sort and group not in settings.deposit_groups and group not in settings.deposit_accounts:
            return None
        account = settings.deposit_accounts.get(group) or settings.deposit_account
        if not account:
            named = as_text(values.get("text")) or sort or group
            raise Parked("deposit_account_missing", "line.account", document=told.title, kind=named)
        return account
