"""A day of one branch from the till: its own sums, its drawer counts, and its documents."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from integration.core.missing_codes import MISSING_CODES, MissingCode, code_names, missing_codes_fact
from integration.core.records import Kind, Record, Unreadable, Value
from integration.core.rules import as_text
from integration.core.totals.categories import GROUPS, METHODS, LineCategory, Tender
from integration.core.totals.sold import NOTHING, VatSum

NO_GROUP = "0"  # row of a value table for sales without a turnover group
DOCUMENTS = {Kind.RECEIPT: "receipt", Kind.INVOICE: "invoice", Kind.ORDER: "order"}


class DayRefusedError(Exception):
    """A day cannot be booked: the code of the cause, the field, and the facts of the sentence."""

    def __init__(self, cause: str, field: str = "", /, **facts: str) -> None:
        super().__init__(cause)
        self.cause = cause
        self.field = field
        self.facts = facts


# Causes that a row of a value table repairs. A page collects all of them before it is refused.
ROW_CAUSES = frozenset(
    {
        "day_account_missing",
        "turnover_group_unknown",
        "day_method_account_missing",
        "day_cost_account_missing",
        "day_stock_account_missing",
        "vat_code_unmapped",
        "purchase_vat_code_unmapped",
    }
)


class MissingCodesError(DayRefusedError):
    """A day cannot be booked because value tables lack rows; `codes` are all codes without a row."""

    def __init__(self, codes: Iterable[MissingCode]) -> None:
        self.codes = tuple(codes)
        facts = {"codes": code_names(self.codes), MISSING_CODES: missing_codes_fact(self.codes)}
        super().__init__("day_rows_missing", "", **facts)


@dataclass(frozen=True, slots=True)
class TillTurnover:
    """Total of one turnover group of one document source, for one VAT code if the till separates them.

    `type` is the till's word for the purpose of the group.
    """

    source: str
    group: str
    name: str
    type: str
    incl: Decimal
    excl: Decimal | None = None
    vat: Decimal = NOTHING
    vat_code: str = ""
    percent: Decimal | None = None
    account: str = ""
    cost_centre: str = ""

    @property
    def sum(self) -> VatSum:
        """The net amount with its VAT."""
        return VatSum(self.incl - self.vat, self.vat)

    @property
    def category(self) -> LineCategory:
        """Category of the group. Sales without a group are revenue."""
        unknown = LineCategory.UNKNOWN if self.group else LineCategory.REVENUE
        return GROUPS.get(self.type, unknown)

    @property
    def is_down_payment(self) -> bool:
        """True if the amount is the total of payments for orders, which is on no document line."""
        return self.source == "order" and self.category is LineCategory.DOWN_PAYMENT


@dataclass(frozen=True, slots=True)
class TillCost:
    """Cost of sales of a turnover group of one document source, for some VAT codes.

    If it is unreadable, `amount` is None, and `raw_value` is the invalid value of `field`.
    """

    source: str
    group: str
    name: str
    amount: Decimal | None
    account: str = ""
    stock_account: str = ""
    codes: tuple[str, ...] = ()
    field: str = ""
    raw_value: str = ""


@dataclass(frozen=True, slots=True)
class Payment:
    """Total paid by one method for one document source."""

    source: str
    method: str
    name: str
    type: str
    amount: Decimal
    account: str = ""

    @property
    def tender(self) -> Tender:
        """Category of the payment method, from its type."""
        return METHODS.get(self.type, Tender.SUSPENSE)


@dataclass(frozen=True, slots=True)
class TillVatTotal:
    """Total of one VAT code of one document source."""

    source: str
    code: str
    percent: Decimal | None
    sum: VatSum


@dataclass(frozen=True, slots=True)
class DrawerCount:
    """The count of one drawer for one payment method. `before` is the amount that the previous count left, if any."""

    workplace: str
    number: str
    version: str
    finalized: bool | None
    method: str
    start: Decimal
    added: Decimal
    counted_amount: Decimal
    deposited: Decimal
    difference: Decimal
    end: Decimal
    account: str = ""
    difference_account: str = ""
    deposit_account: str = ""
    before: Decimal | None = None


@dataclass(frozen=True, slots=True)
class TillDay:
    """One financial date of one branch. `closed` is None if the till does not report it."""

    key: str
    date: date
    branch: str
    branch_name: str
    closed: bool | None
    reference: str
    digest: str
    journal: tuple[TillTurnover, ...] = ()
    financial: tuple[TillTurnover, ...] = ()
    payments: tuple[Payment, ...] = ()
    vat: tuple[TillVatTotal, ...] = ()
    counts: tuple[DrawerCount, ...] = ()
    costs: tuple[TillCost, ...] = ()
    documents: tuple[Record, ...] = ()

    @property
    def sources(self) -> tuple[str, ...]:
        """The document sources with sales or payments."""
        reported_sources = [*(entry.source for entry in self.journal), *(entry.source for entry in self.payments)]
        return tuple(source for source in DOCUMENTS.values() if source in reported_sources)

    @property
    def revenue_groups(self) -> frozenset[str]:
        """The turnover groups that are revenue."""
        return frozenset(turnover.group for turnover in self.journal if turnover.category is LineCategory.REVENUE)

    @property
    def reports_down_payments(self) -> bool:
        """True if the orders' journal has a turnover group for the counterpart of their payments."""
        return any(turnover.is_down_payment for turnover in self.journal)


def till_day(record: Record) -> TillDay:
    """Return the day of a till record. Raises DayRefusedError if a document in it cannot be read."""
    for part in record.parts:
        if isinstance(part, Unreadable):
            facts = {"document": part.key, "field": part.field, "value": part.raw_value}
            raise DayRefusedError("day_document_unreadable", part.field, **facts)
    values = record.values
    day = values.get("date")
    if not isinstance(day, date):
        raise DayRefusedError("required_field_empty", "date", field="date")
    closed = values.get("closed")
    turnover = [part for part in record.parts if part.kind is Kind.TURNOVER]
    return TillDay(
        record.key,
        day,
        till_text(values, "branch"),
        till_text(values, "branch_name"),
        closed if isinstance(closed, bool) else None,
        till_text(values, "reference"),
        till_text(values, "digest"),
        tuple(_turnover(record_part.values) for record_part in turnover if record_part.values.get("book") == "journal"),
        tuple(
            _turnover(record_part.values) for record_part in turnover if record_part.values.get("book") == "financial"
        ),
        tuple(_payment(record_part.values) for record_part in record.parts if record_part.kind is Kind.PAYMENT),
        tuple(_vat(record_part.values) for record_part in record.parts if record_part.kind is Kind.VAT),
        tuple(_count(record_part.values) for record_part in record.parts if record_part.kind is Kind.COUNT),
        tuple(_cost(record_part.values) for record_part in turnover if record_part.values.get("book") == "cost"),
        tuple(part for part in record.parts if part.kind in DOCUMENTS),
    )


def day_revenue(record: Record) -> Decimal:
    """Return the revenue of a day including VAT, from its journal; zero if the journal has none."""
    journal = (part.values for part in record.parts if part.kind is Kind.TURNOVER and not isinstance(part, Unreadable))
    rows = (_turnover(values) for values in journal if values.get("book") == "journal")
    return total(row.incl for row in rows if row.category is LineCategory.REVENUE)


def _turnover(values: Mapping[str, Value]) -> TillTurnover:
    return TillTurnover(
        till_text(values, "source"),
        turnover_group(values, "group"),
        till_text(values, "name"),
        till_text(values, "type"),
        till_amount(values, "incl"),
        optional_amount(values, "excl"),
        till_amount(values, "vat"),
        till_text(values, "vat_code"),
        optional_amount(values, "vat_percent"),
        till_text(values, "account"),
        till_text(values, "cost_centre"),
    )


def _cost(values: Mapping[str, Value]) -> TillCost:
    codes = values.get("vat_codes")
    source, group, name, account, stock, field, field_value = (
        till_text(values, key) for key in ("source", "group", "name", "account", "stock_account", "field", "found")
    )
    group = group.lstrip("0")
    vat_codes = codes if isinstance(codes, tuple) else ()
    return TillCost(source, group, name, optional_amount(values, "cost"), account, stock, vat_codes, field, field_value)


def _payment(values: Mapping[str, Value]) -> Payment:
    source, method, name, type_, account = (
        till_text(values, key) for key in ("source", "method", "name", "type", "account")
    )
    return Payment(source, method, name, type_, till_amount(values, "amount"), account)


def _vat(values: Mapping[str, Value]) -> TillVatTotal:
    vat_sum = VatSum(till_amount(values, "excl"), till_amount(values, "vat"))
    return TillVatTotal(
        till_text(values, "source"), till_text(values, "code"), optional_amount(values, "percent"), vat_sum
    )


def _count(values: Mapping[str, Value]) -> DrawerCount:
    finalized = values.get("finalized")
    return DrawerCount(
        workplace=till_text(values, "workplace"),
        number=till_text(values, "number"),
        version=till_text(values, "version"),
        finalized=finalized if isinstance(finalized, bool) else None,
        method=till_text(values, "method"),
        start=till_amount(values, "start"),
        added=till_amount(values, "added"),
        counted_amount=till_amount(values, "counted"),
        deposited=till_amount(values, "deposited"),
        difference=till_amount(values, "difference"),
        end=till_amount(values, "end"),
        account=till_text(values, "account"),
        difference_account=till_text(values, "difference_account"),
        deposit_account=till_text(values, "deposit_account"),
        before=optional_amount(values, "before"),
    )


def till_text(values: Mapping[str, Value], name: str) -> str:
    """Return a value as text without surrounding spaces."""
    return as_text(values.get(name)).strip()


def turnover_group(values: Mapping[str, Value], name: str) -> str:
    """Return a turnover group; empty for zero, which means no group."""
    return till_text(values, name).lstrip("0")


def optional_amount(values: Mapping[str, Value], name: str) -> Decimal | None:
    """Return an amount, or None if it is missing."""
    value = values.get(name)
    return value if isinstance(value, Decimal) else None


def till_amount(values: Mapping[str, Value], name: str) -> Decimal:
    """Return an amount, or zero if it is missing."""
    return optional_amount(values, name) or NOTHING


def total(amounts: Iterable[Decimal]) -> Decimal:
    """Return the sum of amounts."""
    return sum(amounts, NOTHING)
