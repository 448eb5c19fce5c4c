"""Stages and settings of the flow of closed days."""

from collections.abc import Iterator
from datetime import date
from typing import ClassVar, Literal

from pydantic import Field

from integration.core.days.books import Contents, Mode
from integration.core.days.vat_return import VatBox
from integration.core.errors import ConfigurationError
from integration.core.flow import Flow, Stage
from integration.core.records import Kind
from integration.core.rules import Operator
from integration.core.totals.categories import Purpose
from integration.flows.periods import ClosedPeriods
from integration.flows.settings import BOOKS, TILL, Filter

FLOW = Flow(
    "days",
    source_role=TILL,
    target_role=BOOKS,
    stages=(Stage("days", Kind.DAY, Kind.DAY_PAGE, write_once=True, one_by_one=True, grouped_by="branch"),),
    by_changes=False,  # a day has no change stamp: it changes with its documents and counts
    volatile_prefixes=("reference",),  # belongs to the question asked, not to the day
)


class DaySettings(ClosedPeriods):
    """Settings of the flow of closed days. Raises ConfigurationError, naming the setting, for an invalid value."""

    flow: ClassVar[str] = "days"

    # Days to book.
    date_from: date | None = None
    branches_left_out: tuple[str, ...] = ()  # e.g. branches of another company or VAT number

    # When a day counts as closed, and whether its drawers must be counted.
    closed_by: Literal["flag", "counts", "hours"] = "flag"
    hours_after: int = Field(24, ge=1, le=240)  # after the end of the day, for `closed_by` hours
    counts: Literal["needed", "when_there"] = "needed"
    waits_days: int = Field(3, ge=0, le=60)  # days before an open or uncounted day becomes a question
    days_around: int = Field(0, ge=0, le=7)  # days between a day and the date of its manual entry

    # Contents of a page.
    contents: Contents = "all"
    lines: Literal["account", "group"] = "account"
    cost_of_sales: bool = False  # include the cost of sales, if the page has turnover
    empty_days: Literal["skip", "page"] = "skip"

    # Booking.
    daybook: str = ""
    mode: Mode = "line"
    sign: Literal["debit_positive", "credit_positive"] = "debit_positive"
    concept: bool = False

    # Accounts.
    till_accounts: bool = False  # a person accepted the account numbers of the till
    collective_account: str = ""
    collective_debtor: str = ""  # for customers unknown to the books; empty: such a day waits
    difference_account: str = ""
    banked_account: str = ""
    banked_by: Literal["count", "receipt"] = "count"
    drawer_account: str = ""  # account of a cash daybook
    drawers: tuple[str, ...] = ("CASH",)
    rounding_methods: tuple[str, ...] = ("ROUNDING",)
    gift_cards: dict[str, Purpose] = Field(default_factory=dict)  # payment methods whose purpose the till does not give
    down_payments_account: str = ""  # empty: a day with payments for orders waits
    own_use_account: str = ""  # empty: own use is left out

    # VAT return of a period. Standard codes have a box without a row.
    vat_boxes: dict[str, VatBox] = Field(default_factory=dict)  # by VAT code of the books

    # Clearing accounts: read only.
    payout_accounts: tuple[str, ...] = ()  # emptied by payouts of the bank: cards, iDEAL, cash in transit
    balance_accounts: tuple[str, ...] = ()  # not emptied by payouts: gift cards, deposits
    clearing_from: date | None = None  # debits of others on this day are opening balances
    payout_window_days: int = Field(10, ge=0, le=60)  # longest time from a taking to its payout
    payout_late_days: int = Field(5, ge=1, le=60)
    largest_fee_percent: int = Field(3, ge=0, le=20)

    def all_filters(self) -> tuple[Filter, ...]:
        """Return all conditions that an unbooked day must meet; the user's own filters come last."""
        return (*self._conditions(), *self.filters)

    def _conditions(self) -> Iterator[Filter]:
        if self.branches_left_out:
            yield Filter(field="branch", operator=Operator.IN, value=self.branches_left_out, take="out")
        if self.date_from:
            yield Filter(field="date", operator=Operator.LESS, value=self.date_from.isoformat(), take="out")

    def check(self) -> None:
        """Raise ConfigurationError for settings that contradict each other."""
        for holds, setting, expected in (
            (self.mode != "cash" or self.drawer_account, "drawer_account", "expected_account"),
            (not self.on or self.daybook, "daybook", "expected_day_daybook"),
        ):
            if not holds:
                raise ConfigurationError("flow_setting_invalid", flow="days", setting=setting, expected=expected)
