"""Stages and settings of the flow of stock."""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from integration.core.equalized_fields import EQUALIZED
from integration.core.errors import ConfigurationError
from integration.core.flow import Flow, Stage, Unique
from integration.core.guards import SIZE, Guard, Measure
from integration.core.issues import PASSING
from integration.core.plan import Change
from integration.core.records import Kind, Value
from integration.core.rules import Formula, RuleError
from integration.core.timetable import WALL_CLOCK
from integration.flows.functions.toolbox import Tools
from integration.flows.settings import BOOKS, TILL, FlowSettings, Strict

FLOW = Flow(
    "stock",
    source_role=BOOKS,
    target_role=TILL,
    stages=(
        Stage(
            "levels",
            Kind.ARTICLE,
            Kind.STOCK,
            own_key=True,
            volatile=True,
            hashed=True,
            grouped_by="group",
            unique=(Unique.NUMBER,),
        ),
    ),
    by_changes=False,  # it is not documented that a stock movement changes the article's stamp
    volatile_prefixes=PASSING,
)

AMOUNT, MANAGED = "level.amount", "stock.managed"
QUANTITY, BRANCH = "quantity", "branch"  # computed fields that the rule for a level can read
FORMULA = "formula"
GROUP = "group"  # article field with the article group that safety stock is set for

RESERVED = "available_minus_reserved"  # the formula that needs the field of reservations

# Formulas as expressions. A missing reserved quantity counts as zero.
FORMULAS: Mapping[str, str] = {
    RESERVED: "stock - first(stock_reserved, 0)",
    "available": "stock",
    "free": "stock_free",
    "technical": "stock_technical",
}

FieldName = Annotated[str, StringConstraints(pattern=r'^[^"\\]*$')]
Branch = Annotated[str, StringConstraints(pattern=r"^\d+$")]
Source = Annotated[str, StringConstraints(min_length=1)]  # `formula`, or an article field

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
DATED = "dated"  # the books get no sales documents: their figures include sales up to a moment
SALES = ("off", "sales_orders", "trade_invoices", "documents", DATED)  # how the books learn of sales


def setting_moment(value: Value) -> datetime | None:
    """Return the moment of a value; a date means its beginning. None for a value that is not a moment."""
    match value:
        case datetime():
            moment = value
        case date():
            moment = datetime.combine(value, time())
        case str():
            try:
                moment = datetime.fromisoformat(value)
            except ValueError:
                return None
        case _:
            return None
    return moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(WALL_CLOCK))


def _check_moment(text: str) -> str:
    if text and setting_moment(text) is None:
        raise PydanticCustomError("expected_moment", "expected_moment")
    return text


Moment = Annotated[str, AfterValidator(_check_moment)]


def _goes_to_zero(change: Change, _: Any) -> int:
    before = change.before.flat() if change.before else {}
    pairs = ((before[path], new) for path, new in change.desired.flat().items() if path in before)
    return int(any(_is_emptied(old, new) for old, new in pairs if isinstance(new, Decimal)))


def _is_emptied(old: Value, new: Decimal) -> bool:
    """Return True if a level becomes zero or less from above zero, or from an unknown level."""
    return new <= 0 and (old is None or (isinstance(old, Decimal) and old > 0))


TO_ZERO = Guard("zero_percent", "brake_stock_zero", Decimal(25), _goes_to_zero, Measure.SHARE)


class SafetyStock(Strict):
    """A quantity that is not offered at the till; an empty branch or article group means all of them."""

    branch: Annotated[str, StringConstraints(pattern=r"^\d*$")] = ""
    group: str = ""
    quantity: Decimal = Field(ge=0, allow_inf_nan=False)


class StockSettings(FlowSettings):
    """Settings of the flow of stock. Raises ConfigurationError, naming the setting, for an invalid value."""

    flow: ClassVar[str] = "stock"
    guards = (*SIZE, TO_ZERO, EQUALIZED)

    formula: Literal["available_minus_reserved", "available", "free", "technical", "expression"] = (
        "available_minus_reserved"
    )
    # Source of reservations: a field; already deducted from the figure; none. With `ask`, our own field is used,
    # if that has a column.
    reservations: Literal["ask", "field", "deducted", "none"] = "ask"
    reserved: FieldName = ""  # article field, for `reservations` = `field`
    expression: str = ""  # for the formula `expression`, over the fields of the article
    branches: dict[Branch, Source] = Field(default_factory=dict)  # source of the stock of each till branch that gets it
    # Kept back from the levels of a branch and an article group; one row at most applies to a level.
    safety_stock: tuple[SafetyStock, ...] = ()
    managed: Literal["leave", "on", "off"] = "leave"  # stock management of the sent articles at the till
    negative: Literal["send", "zero", "park"] = "zero"
    fractional: Literal["send", "round_down", "park"] = "send"
    reorder: str = ""  # article field with the reorder level; used in charts only
    # How the books learn of sales of the till, which determines the movements they lack: by documents that move stock
    # there (postings and days do not), or not at all (`dated`). With `dated`, the figures include all movements up to a
    # moment, which an article may have of its own.
    sales: Literal["off", "sales_orders", "trade_invoices", "documents", "dated"] = "off"
    # When the figures of the books exclude the goods of a sales order: once it is booked, or once it is invoiced.
    # `auto` means the first if the formula subtracts reservations, else the second, so that levels are never too high.
    orders_leave: Literal["auto", "booked", "invoiced"] = "auto"
    sales_since: Moment = ""  # the books' figures include earlier movements
    # Outgoing transfers from this moment on are not yet entered in the books and count for the sending branch, unless
    # `sales` is `off` or `dated`. The books do not report their entry, so a person must advance the moment.
    transfers_since: Moment = ""
    # Goods that a branch received from suppliers after its moment are not yet entered in the books and count for it,
    # unless `sales` is `off` or `dated`. A person advances the moment as well: until then they count twice.
    deliveries_since: dict[Branch, Moment] = Field(default_factory=dict)
    sales_stamp: str = ""  # article field with the moment of its stock count
    unlinked: Literal["skip", "code"] = "code"  # till number of an article without a link of the flow of products

    @property
    def reserved_in_a_field(self) -> bool:
        """True if reservations are subtracted from a field that a person chose."""
        return self.formula == RESERVED and self.reservations == "field"

    @property
    def unreserved(self) -> bool:
        """True if nobody has chosen the source of reservations yet."""
        return self.formula == RESERVED and self.reservations == "ask"

    def leaves_when_booked(self, source: str, *, reserved_is_named: bool = False) -> bool:
        """Return True if the figure of a branch excludes the goods of a sales order once it is booked.

        `reserved_is_named`: whether our reservation field has a column; it is subtracted until a person chooses
        otherwise.
        """
        if self.orders_leave != "auto":
            return self.orders_leave == "booked"
        if source != FORMULA:
            return False
        if self.formula == RESERVED:
            return self.reservations in ("field", "deducted") or (self.reservations == "ask" and reserved_is_named)
        return self.formula == "free"

    def safety_stock_of(self, branch: str, group: str) -> Decimal:
        """Return the quantity to keep back. A row for the group comes before one for the branch alone; zero if none."""
        rows = {(row.branch, row.group): row.quantity for row in self.safety_stock}
        order = ((branch, group), ("", group), (branch, ""), ("", ""))
        return next((rows[key] for key in order if key in rows), Decimal(0))

    @property
    def waits_for_invoices(self) -> bool:
        """True if the invoice state of booked sales orders must be known."""
        sources = self.branches.values() or (FORMULA,)
        by_orders = self.sales in ("sales_orders", "documents")
        return by_orders and not all(self.leaves_when_booked(source) for source in sources)

    @property
    def figures_complete_until(self) -> datetime:
        """The moment up to which the figures of the books include all movements."""
        return setting_moment(self.sales_since) or LONG_AGO

    @property
    def transfers_counted_from(self) -> datetime | None:
        """The moment from which outgoing transfers count by time alone; None if they do not count."""
        return None if self.sales in ("off", DATED) else setting_moment(self.transfers_since)

    @property
    def deliveries_counted_from(self) -> Mapping[str, datetime]:
        """The moment from which goods from suppliers count by time alone, by branch; other branches do not count."""
        moments = {} if self.sales in ("off", DATED) else self.deliveries_since
        return {branch: moment for branch, text in moments.items() if (moment := setting_moment(text))}

    def reads(self) -> Iterator[tuple[str, str, bool]]:
        """Yield the fields of the formula, the branches, the safety stock, the reorder level and the stock stamp."""
        own, in_a_field = self.formula == "expression", self.reserved_in_a_field
        for name in sorted(formula_of(self, Tools())[1].names - ({self.reserved} if in_a_field else set())):
            yield "expression" if own else "formula", name, own
        if in_a_field:
            yield "reserved", self.reserved, True
        for source in dict.fromkeys(self.branches.values()):
            if source != FORMULA:
                yield "stock_branches", source, True  # text key of the setting
        if any(row.group for row in self.safety_stock):
            yield "safety_stock", GROUP, False
        if self.reorder:
            yield "reorder", self.reorder, True
        if self.sales_stamp and self.sales == DATED:
            yield "sales_stamp", self.sales_stamp, True

    def check(self) -> None:
        """Raise ConfigurationError for settings that contradict each other."""
        if self.formula == "expression" and not self.expression:
            raise ConfigurationError(
                "flow_setting_invalid", flow="stock", setting="expression", expected="expected_formula"
            )
        if self.reserved_in_a_field and not self.reserved:
            raise ConfigurationError(
                "flow_setting_invalid", flow="stock", setting="reserved", expected="expected_reserved"
            )
        if len({(row.branch, row.group) for row in self.safety_stock}) < len(self.safety_stock):
            raise ConfigurationError(
                "flow_setting_invalid", flow="stock", setting="safety_stock", expected="expected_safety_stock"
            )
        if self.sales != "off" and not self.sales_since:
            raise ConfigurationError(
                "flow_setting_invalid", flow="stock", setting="sales_since", expected="expected_moment"
            )


def formula_of(settings: StockSettings, tools: Tools) -> tuple[str, Formula]:
    """Return the configured formula, as text and compiled. Raises ConfigurationError for an invalid one."""
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
