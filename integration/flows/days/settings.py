"""What the flow of closed days is, and what it can be told."""

from collections.abc import Iterator
from datetime import date
from typing import ClassVar, Literal

from pydantic import Field

from integration.core.days.books import Contents, Mode
from integration.core.errors import ConfigurationError
from integration.core.flow import Flow, Stage
from integration.core.records import Kind
from integration.core.rules import Operator
from integration.core.totals.categories import Purpose
from integration.flows.periods import ClosedPeriods
from integration.flows.settings import BOOKS, TILL, Filter

FLOW = Flow(
    "days",
    source=TILL,
    target=BOOKS,
    stages=(Stage("days", Kind.DAY, Kind.DAY_PAGE, write_once=True, one_by_one=True, grouped_by="branch"),),
    by_changes=False,  # a day changes with its documents and counts, and has no stamp of its own
    passing=("reference",),  # of the question that was asked for it
)


class DaySettings(ClosedPeriods):
    """How closed days flow. Raises ConfigurationError, naming the setting, for what cannot be used."""

    flow: ClassVar[str] = "days"

    # Which days.
    date_from: date | None = None
    branches_left_out: tuple[str, ...] = ()  # of another company or VAT number

    # When a day is closed, and what is done about its drawers.
    closed_by: Literal["flag", "counts", "hours"] = "flag"
    hours_after: int = Field(24, ge=1, le=240)  # past the end of the day, where neither says that it is closed
    counts: Literal["needed", "when_there"] = "needed"
    waits_days: int = Field(3, ge=0, le=60)  # before a day that is not closed is a question
    days_around: int = Field(0, ge=0, le=7)  # on which a page that somebody typed may be about a day

    # What stands on a page.
    contents: Contents = "all"
    lines: Literal["account", "group"] = "account"
    cost_of_sales: bool = False  # what the goods were bought for, where turnover stands on the page
    empty_days: Literal["skip", "page"] = "skip"

    # How it is booked.
    daybook: str = ""
    mode: Mode = "line"
    sign: Literal["debit_positive", "credit_positive"] = "debit_positive"
    concept: bool = False

    # On which accounts.
    till_accounts: bool = False  # a person agreed to the account numbers that the till has
    collective_account: str = ""
    collective_debtor: str = ""  # for whoever the books do not know; empty: such a day waits
    difference_account: str = ""
    banked_account: str = ""
    banked_by: Literal["count", "receipt"] = "count"
    drawer_account: str = ""  # of a daybook for cash
    drawers: tuple[str, ...] = ("CASH",)
    rounding_methods: tuple[str, ...] = ("ROUNDING",)
    gift_cards: dict[str, Purpose] = Field(default_factory=dict)  # payment methods of which the till does not say it
    down_payments_account: str = ""  # empty: a day with payments for orders waits
    own_use_account: str = ""  # empty: what nobody paid is left out

    def sifting(self) -> tuple[Filter, ...]:
        """Return all conditions a day has to meet that is not booked yet, those set by hand last."""
        return (*self._conditions(), *self.filters)

    def _conditions(self) -> Iterator[Filter]:
        if self.branches_left_out:
            yield Filter(field="branch", operator=Operator.IN, value=self.branches_left_out, take="out")
        if self.date_from:
            yield Filter(field="date", operator=Operator.LESS, value=self.date_from.isoformat(), take="out")

    def check(self) -> None:
        """Raise ConfigurationError for settings that do not go together."""
        for holds, setting, expected in (
            (self.mode != "cash" or self.drawer_account, "drawer_account", "expected_account"),
            (not self.on or self.daybook, "daybook", "expected_day_daybook"),
        ):
            if not holds:
                raise ConfigurationError("flow_setting_invalid", flow="days", setting=setting, expected=expected)
