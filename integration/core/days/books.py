"""Settings for booking closed days, and the daybook page with its lines.

Amounts are signed: debit is positive.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal, NamedTuple

from integration.core.days.documents import HOME, DayDocument
from integration.core.days.turnover import AccountTurnover
from integration.core.ledgers import LedgerRules, matching_accounts
from integration.core.records import Record
from integration.core.totals.categories import Purpose
from integration.core.totals.sold import NOTHING

# What a day page contains: all documents; receipts only, with invoices booked one by one; or no documents, so that
# only the drawer counts are left.
Contents = Literal["all", "receipts", "counts"]

# How VAT is written in the books: on the line beside its net amount, inside a gross amount, or on separate lines. In
# a daybook for cash ("cash") the drawer's own account has no lines.
Mode = Literal["line", "gross", "separate", "cash"]


class Voucher(NamedTuple):
    """Purpose of the gift cards that a payment method accepts, and the till's VAT code of single-purpose cards."""

    purpose: Purpose
    vat_code: str = ""


NO_VOUCHER = Voucher(Purpose.NONE)


class SeparateBooking(NamedTuple):
    """State of a separately booked document, so that no day books it again.

    The posting includes payments by vouchers that were taxed when sold; with `with_payments` it includes all
    payments. `debtor` and `item` identify its open item, if known.
    """

    is_posted: bool = True
    with_payments: bool = False
    debtor: str = ""
    item: str = ""
    by_order: bool = False  # the order is booked, not the documents made from it


NOT_BOOKED = SeparateBooking(is_posted=False)


class DecidedVat(NamedTuple):
    """The books' VAT code of a sale, empty if no row has it, and the facts that decided it besides the till's code."""

    code: str
    about: Mapping[str, str] = {}
    impossible_row: str = ""  # the applicable row, if it names a VAT code that the books do not have


DecideVat = Callable[[DayDocument | None, str], DecidedVat]


def _nobody(_: str) -> str:
    return ""


def _no_item(_: Record) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class DayBooks:
    """Settings for booking days: accounts and codes of the books by those of the till, and options.

    `accounts` has rows for a turnover group with its VAT code (`30/3`) and for a group. `ledger_rules` says what a
    ledger account requires of a line, or that it is blocked. `debtor` returns the books' number of a till customer,
    `item` the reference under which a document is an open item.
    """

    accounts: Mapping[str, str] = field(default_factory=dict)
    cost_accounts: Mapping[str, str] = field(default_factory=dict)  # cost of sales, by turnover group
    stock_accounts: Mapping[str, str] = field(default_factory=dict)  # by turnover group
    method_accounts: Mapping[str, str] = field(default_factory=dict)
    till_accounts: bool = False  # whether a person accepted the account numbers of the till
    vat_codes: Mapping[str, str] = field(default_factory=dict)
    decide_vat: DecideVat | None = None  # by document; without it `vat_codes` apply to all documents
    purchase_vat_codes: Mapping[str, str] = field(default_factory=dict)
    rates: Mapping[str, Decimal] = field(default_factory=dict)  # percentages in the books
    vat_accounts: Mapping[str, str] = field(default_factory=dict)  # by VAT code of the books
    ledgers: Mapping[str, str] = field(default_factory=dict)
    ledger_rules: Mapping[str, LedgerRules] = field(default_factory=dict)
    vouchers: Mapping[str, Voucher] = field(default_factory=dict)  # by payment method
    collective_account: str = ""
    collective_debtor: str = ""
    debtor: Callable[[str], str] = _nobody
    item: Callable[[Record], str] = _no_item
    contents: Contents = "all"
    separate_bookings: Mapping[str, SeparateBooking] = field(
        default_factory=dict
    )  # documents that are booked separately from the day, by key
    costs: bool = False  # whether a page includes the cost of sales
    mode: Mode = "line"
    by_group: bool = False  # a line for each turnover group instead of each account
    drawer_account: str = ""  # the account of a daybook for cash
    drawers: frozenset[str] = frozenset({"CASH"})  # payment methods whose money is in a drawer
    rounding: frozenset[str] = frozenset({"ROUNDING"})
    difference_account: str = ""
    banked_account: str = ""
    banked_by: Literal["count", "receipt"] = "count"
    down_payments_account: str = ""
    own_use_account: str = ""
    cost_centres: Mapping[str, str] = field(default_factory=dict)  # by turnover group, then by branch as `@1`
    currency: str = "EUR"
    home: str = HOME  # ISO code of the country of the shop
    systems: tuple[str, str] = ("", "")  # names of the till and the books, for the facts of a cause
    credit_positive: bool = False  # whether pages are written with reversed signs

    def account_of_till_number(self, number: str) -> str:
        """Return the account that a till's number means; empty if these numbers are not accepted or are ambiguous."""
        accounts = matching_accounts(number, self.ledgers) or [number]
        return accounts[0] if self.till_accounts and len(accounts) == 1 else ""


GOODS = frozenset({"cost", "stock"})  # values of `about` of the lines with the cost of sales


@dataclass(frozen=True, slots=True)
class DayLine:
    """One line of a page. `documents` are the numbers of its documents."""

    account: str
    text: str
    amount: Decimal
    vat_code: str = ""
    vat: Decimal = NOTHING
    vat_base: Decimal | None = None
    debtor: str = ""
    item: str = ""
    cost_centre: str = ""
    about: str = ""  # origin: turnover, balance, payment, open, difference, banked, vat, cost, stock
    method: str = ""  # the payment method of a payment
    documents: tuple[str, ...] = ()
    from_books: bool = False  # read from the books, which do not store the payment method

    @property
    def key(self) -> tuple[str, str, str, str, str, str]:
        """Grouping key of lines: account, VAT code, debtor, item, cost centre and payment method."""
        return (*self.books_key, self.method)

    @property
    def books_key(self) -> tuple[str, str, str, str, str]:
        """Grouping key of lines in the books: without the payment method."""
        return self.account, self.vat_code, self.debtor, self.item, self.cost_centre

    @property
    def gross_amount(self) -> Decimal:
        """Total amount including VAT."""
        return self.amount + self.vat


@dataclass(frozen=True, slots=True)
class DayPage:
    """The lines of a page, the documents left out of it, and facts for a person."""

    lines: tuple[DayLine, ...]
    documents: tuple[str, ...] = ()  # the numbers of all documents of the day
    separate_documents: tuple[DayDocument, ...] = ()  # documents that are booked one by one
    own_use: Decimal = NOTHING
    sold: tuple[DayDocument, ...] = ()  # documents whose sale is on the page
    vat_off: Mapping[str, Decimal] = field(default_factory=dict)  # the till's VAT minus its documents' VAT, by code
    groups_without_cost: tuple[str, ...] = ()  # turnover groups without a known cost price
    turnover: tuple[AccountTurnover, ...] = ()  # per turnover group of the till, of the sales on the page
