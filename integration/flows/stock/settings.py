"""What the flow of stock is, and what it can be told."""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from integration.core.errors import ConfigurationError
from integration.core.flow import Flow, Stage, Unique
from integration.core.guards import SIZE, Guard, Measure
from integration.core.issues import PASSING
from integration.core.plan import Change
from integration.core.records import Kind, Value
from integration.core.rules import Formula, RuleError
from integration.core.timetable import WALL_CLOCK
from integration.flows.functions.toolbox import Tools
from integration.flows.settings import BOOKS, TILL, FlowSettings

FLOW = Flow(
    "stock",
    source=BOOKS,
    target=TILL,
    stages=(
        Stage(
            "levels", Kind.ARTICLE, Kind.STOCK, volatile=True, hashed=True, grouped_by="group", unique=(Unique.NUMBER,)
        ),
    ),
    by_changes=False,  # nothing says that a movement of stock changes the article's stamp
    passing=PASSING,
)

AMOUNT, MANAGED = "level.amount", "stock.managed"
QUANTITY, BRANCH = "quantity", "branch"  # what the rule for a level reads beside the fields of the article
FORMULA = "formula"

RESERVED = "available_minus_reserved"  # the formula that wants to know where the books keep what is reserved

# Each formula as the expression it is. What the installation does not keep as reserved counts as nothing.
FORMULAS: Mapping[str, str] = {
    RESERVED: "stock - first(stock_reserved, 0)",
    "available": "stock",
    "free": "stock_free",
    "technical": "stock_technical",
}

FieldName = Annotated[str, StringConstraints(pattern=r'^[^"\\]*$')]
Branch = Annotated[str, StringConstraints(pattern=r"^\d+$")]

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
DATED = "dated"  # the books never learn of sales: their figures have them up to a moment
SALES = ("off", "sales_orders", "trade_invoices", "documents", DATED)  # how the books learn of sales


def setting_moment(value: Value) -> datetime | None:
    """Return the moment that a value tells; a day begins it. None for a value that tells none."""
    match value:
        case datetime():
            told = value
        case date():
            told = datetime.combine(value, time())
        case str():
            try:
                told = datetime.fromisoformat(value)
            except ValueError:
                return None
        case _:
            return None
    return told if told.tzinfo else told.replace(tzinfo=ZoneInfo(WALL_CLOCK))


def _moment(text: str) -> str:
    if text and setting_moment(text) is None:
        raise PydanticCustomError("expected_moment", "expected_moment")
    return text


def _goes_to_zero(change: Change, _: Any) -> int:
    before = change.before.flat() if change.before else {}
    pairs = ((before[path], wanted) for path, wanted in change.wanted.flat().items() if path in before)
    return int(any(_is_emptied(old, wanted) for old, wanted in pairs if isinstance(wanted, Decimal)))


def _is_emptied(old: Value, wanted: Decimal) -> bool:
    """Tell whether a level goes to nothing, or may: of one that the till does not tell nobody knows."""
    return wanted <= 0 and (old is None or (isinstance(old, Decimal) and old > 0))


TO_ZERO = Guard("zero_percent", "brake_stock_zero", Decimal(25), _goes_to_zero, Measure.SHARE)


class StockSettings(FlowSettings):
    """How stock flows. Raises ConfigurationError, naming the setting, for what cannot be used."""

    flow: ClassVar[str] = "stock"
    guards = (*SIZE, TO_ZERO)

    formula: Literal["available_minus_reserved", "available", "free", "technical", "expression"] = (
        "available_minus_reserved"
    )
    # Where what is reserved for sales stands: in a field; it is taken out of the figure already; there is none. Until a
    # person says so, it is the field of ours, where that has a column.
    reservations: Literal["ask", "field", "deducted", "none"] = "ask"
    reserved: FieldName = ""  # the field of the article, for `field`
    expression: str = ""  # for the formula `expression`, over the fields of the article
    branches: dict[Branch, str] = Field(default_factory=dict)  # the till's -> `formula` (or empty), or a field
    managed: Literal["leave", "on", "off"] = "leave"  # whether the till keeps stock of the articles sent
    negative: Literal["send", "zero", "park"] = "zero"
    fractional: Literal["send", "round_down", "park"] = "send"
    reorder: str = ""  # the field of the article that says at which level to order again; only for the charts
    # How the books learn of what the till sold, so that what they have not learned yet is counted: by documents that
    # move stock there, which postings and days do not, or not at all. Then they have it up to a moment; an article may
    # have its own.
    sales: Literal["off", "sales_orders", "trade_invoices", "documents", "dated"] = "off"
    # When what a sales order sells is out of the books' figures: once it is booked, or once it is invoiced. By itself
    # it is the first where the formula takes out what is reserved, and the second everywhere else: never too much.
    orders_leave: Literal["auto", "booked", "invoiced"] = "auto"
    sales_since: Annotated[str, AfterValidator(_moment)] = ""  # nothing before it counts: the books' figures have it
    # What was sent to another branch from then on the office has not entered: it counts for what left, where documents
    # tell of sales. Nothing tells when it has, so a person moves the moment on.
    transfers_since: Annotated[str, AfterValidator(_moment)] = ""
    sales_stamp: str = ""  # the field of the article that says when its stock was taken
    unlinked: Literal["skip", "code"] = "code"  # the till's number of an article that the flow of products has not sent

    @property
    def reserved_in_a_field(self) -> bool:
        """Whether what is reserved is subtracted, out of the field that a person named."""
        return self.formula == RESERVED and self.reservations == "field"

    @property
    def unreserved(self) -> bool:
        """Whether nobody has said yet where reservations are."""
        return self.formula == RESERVED and self.reservations == "ask"

    def leaves_when_booked(self, source: str, *, reserved_is_named: bool = False) -> bool:
        """Tell whether what a sales order sells is out of the figure of a branch as soon as the books have it.

        `reserved_is_named`: whether our field of what is reserved has a column, which is subtracted until a person
        says otherwise.
        """
        if self.orders_leave != "auto":
            return self.orders_leave == "booked"
        if source not in ("", FORMULA):
            return False
        if self.formula == RESERVED:
            return self.reservations in ("field", "deducted") or (self.reservations == "ask" and reserved_is_named)
        return self.formula == "free"

    @property
    def waits_for_invoices(self) -> bool:
        """Whether it has to be known of a sales order that the books have whether they have invoiced it."""
        sources = self.branches.values() or ("",)
        by_orders = self.sales in ("sales_orders", "documents")
        return by_orders and not all(self.leaves_when_booked(source) for source in sources)

    @property
    def counted_from(self) -> datetime:
        """The moment up to which the books' figures have everything."""
        return setting_moment(self.sales_since) or LONG_AGO

    @property
    def sent_from(self) -> datetime | None:
        """The moment from which what was sent to another branch counts by itself; None where it does not."""
        return None if self.sales in ("off", DATED) else setting_moment(self.transfers_since)

    def reads(self) -> Iterator[tuple[str, str, bool]]:
        """Yield the fields of the formula, of the branches and of the reorder level."""
        own, named = self.formula == "expression", self.reserved_in_a_field
        for name in sorted(formula_of(self, Tools())[1].names - ({self.reserved} if named else set())):
            yield "expression" if own else "formula", name, own
        if named:
            yield "reserved", self.reserved, True
        for source in dict.fromkeys(self.branches.values()):
            if source not in ("", FORMULA):
                yield "stock_branches", source, True  # as it is called on screen
        if self.reorder:
            yield "reorder", self.reorder, True
        if self.sales_stamp and self.sales == DATED:
            yield "sales_stamp", self.sales_stamp, True

    def check(self) -> None:
        """Raise ConfigurationError for settings that do not go together."""
        if self.formula == "expression" and not self.expression:
            raise ConfigurationError(
                "flow_setting_invalid", flow="stock", setting="expression", expected="expected_formula"
            )
        if self.reserved_in_a_field and not self.reserved:
            raise ConfigurationError(
                "flow_setting_invalid", flow="stock", setting="reserved", expected="expected_reserved"
            )
        if self.sales != "off" and not self.sales_since:
            raise ConfigurationError(
                "flow_setting_invalid", flow="stock", setting="sales_since", expected="expected_moment"
            )


def formula_of(settings: StockSettings, tools: Tools) -> tuple[str, Formula]:
    """Return the formula that is set, as text and ready to use. Raises ConfigurationError for one that cannot be."""
    text = FORMULAS.get(settings.formula, settings.expression)
    if settings.formula == RESERVED and settings.reservations != "ask":
        text = f'stock - first(field("{settings.reserved}"), 0)' if settings.reserved_in_a_field else "stock"
    try:
        return text, tools.expression(text)
    except RuleError as error:
        why = error.reason
        raise ConfigurationError(
            "flow_setting_invalid", flow="stock", setting="expression", expected=why.code, **why.facts
        ) from None
