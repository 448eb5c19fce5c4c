"""Explanations of values of a day page that are not from a mapping rule, or that rules take from the flow."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from integration.core.days.books import DayBooks, DayLine
from integration.core.errors import Reason
from integration.core.traces import Trace, by_row, by_setting, with_reason
from integration.flows.days.questions import (
    COST_ACCOUNTS,
    COST_CENTRES,
    DAY_ACCOUNTS,
    METHOD_ACCOUNTS,
    PURCHASE_VAT_CODES,
    STOCK_ACCOUNTS,
    VAT_CODES,
)

# Accounts that a setting names, in order of precedence.
_ACCOUNTS = (
    "own_use_account", "down_payments_account", "difference_account", "banked_account", "collective_account",
    "drawer_account",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class DayReasons:
    """Reasons of values that the flow computes for pages, for one version of settings and tables."""

    books: DayBooks

    def head(self, trace: Trace, day: str, document: str) -> Trace:
        """Return the trace of a page field with its reason."""
        reasons: Mapping[str, Callable[[], Reason]] = {
            "daybook": lambda: by_setting("daybook"),
            "period": lambda: Reason("because_period", {"date": day}),
            "description": lambda: Reason("because_day_description"),
            "currency": lambda: Reason("because_day_currency"),
            "gross": lambda: by_setting("mode"),
            "concept": lambda: by_setting("concept"),
            "our_reference": lambda: Reason("because_day_reference", {"document": document}),
            "booking_date": lambda: Reason("because_day_date", {"document": document}),
        }
        return with_reason(trace, reasons)

    def line(self, trace: Trace, line: DayLine) -> Trace:
        """Return the trace of a line field with its reason."""
        documents = ", ".join(line.documents)
        reasons: Mapping[str, Callable[[], Reason]] = {
            "page_account": lambda: self._account(line),
            "page_text": lambda: Reason("because_day_text"),
            "page_amount": lambda: Reason(f"because_day_{line.about or 'turnover'}", {"method": line.method}),
            "page_vat_code": lambda: self._vat_code(line),
            "page_vat": lambda: Reason("because_split"),
            "page_vat_base": lambda: Reason("because_split"),
            "page_debtor": lambda: self._debtor(line, documents),
            "page_item": lambda: Reason("because_day_item", {"documents": documents}),
            "page_cost_centre": lambda: self._cost_centre(line),
        }
        return with_reason(trace, reasons)

    def _account(self, line: DayLine) -> Reason:
        books = self.books
        of_goods = {"cost": (COST_ACCOUNTS, books.cost_accounts), "stock": (STOCK_ACCOUNTS, books.stock_accounts)}
        if line.about in of_goods:
            table, rows = of_goods[line.about]
            row = next((key for key, account in rows.items() if account.strip() == line.account), "")
            return by_row(table, row) if row else Reason("because_till_account")
        if line.method and books.method_accounts.get(line.method, "").strip() == line.account:
            return by_row(METHOD_ACCOUNTS, line.method)
        if row := next((key for key, account in books.accounts.items() if account.strip() == line.account), ""):
            return by_row(DAY_ACCOUNTS, row)
        if name := next((setting for setting in _ACCOUNTS if getattr(books, setting) == line.account), ""):
            return by_setting(name)
        if row := next((key for key, account in books.method_accounts.items() if account.strip() == line.account), ""):
            return by_row(METHOD_ACCOUNTS, row)
        return Reason("because_vat_account" if line.about == "vat" else "because_till_account")

    def _vat_code(self, line: DayLine) -> Reason:
        for table, rows in ((VAT_CODES, self.books.vat_codes), (PURCHASE_VAT_CODES, self.books.purchase_vat_codes)):
            if row := next((key for key, code in rows.items() if code.strip() == line.vat_code), ""):
                return by_row(table, row)
        return Reason("because_split")

    def _debtor(self, line: DayLine, documents: str) -> Reason:
        if line.debtor == self.books.collective_debtor:
            return by_setting("collective_debtor")
        return Reason("because_day_debtor", {"documents": documents})

    def _cost_centre(self, line: DayLine) -> Reason:
        rows = self.books.cost_centres.items()
        row = next((key for key, centre in rows if centre.strip() == line.cost_centre), "")
        return by_row(COST_CENTRES, row) if row else Reason("because_till_cost_centre")
