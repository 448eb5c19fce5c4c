"""How days are booked, as a person set it, and a page of the books with its lines.

Amounts are signed, debit is positive.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal, NamedTuple

from integration.core.days.documents import DayDocument
from integration.core.days.till import total
from integration.core.ledgers import LedgerRules, matching_accounts
from integration.core.records import Record
from integration.core.totals.categories import Purpose
from integration.core.totals.sold import NOTHING

# What becomes of the documents of a day: all of them on its page; receipts alone, invoices one by one; or none, so that
# only the counts of the drawers are left.
Contents = Literal["all", "receipts", "counts"]

# How the books are told VAT: on the line beside its net amount, inside a gross amount, or on lines of its own. In a
# daybook of the drawer ("cash") its own account has no lines.
Mode = Literal["line", "gross", "separate", "cash"]


class Voucher(NamedTuple):
    """What the gift cards that a payment method takes are for, and the till's VAT code of single-purpose ones."""

    purpose: Purpose
    vat_code: str = ""


NO_VOUCHER = Voucher(Purpose.NONE)


class SeparateBooking(NamedTuple):
    """How a document is in the books by itself, so that no day books it again.

    A posting has what vouchers paid that were taxed at their sale; it may be booked `with_payments`. `debtor` and
    `item` are under whom and as what it stands open, where that is known.
    """

    is_posted: bool = True
    with_payments: bool = False
    debtor: str = ""
    item: str = ""
    by_order: bool = False  # it is the order that is booked, and not what was made from it


NOT_BOOKED = SeparateBooking(is_posted=False)


class DecidedVat(NamedTuple):
    """The books' VAT code of what was sold, empty where no row has it, and what decided it beside the till's code."""

    code: str
    about: Mapping[str, str] = {}
    impossible_row: str = ""  # the row that counts, where it names a code that the books do not have


DecideVat = Callable[[DayDocument | None, str], DecidedVat]


def _nobody(_: str) -> str:
    return ""


def _no_item(_: Record) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class DayBooks:
    """How days are booked: accounts and codes of the books, by those of the till, and what is left to choose.

    `accounts` has rows for a turnover group with its VAT code (`30/3`) and for a group. `ledger_rules` says what a
    ledger account demands of a line, or that it is blocked. `debtor` returns the books' number of a customer of the
    till, `item` the reference under which a document is an open item.
    """

    accounts: Mapping[str, str] = field(default_factory=dict)
    cost_accounts: Mapping[str, str] = field(default_factory=dict)  # of what was sold, by turnover group
    stock_accounts: Mapping[str, str] = field(default_factory=dict)  # likewise
    method_accounts: Mapping[str, str] = field(default_factory=dict)
    till_accounts: bool = False  # whether a person agreed to the account numbers that the till has
    vat_codes: Mapping[str, str] = field(default_factory=dict)
    decide_vat: DecideVat | None = None  # by document; without it those rows hold for all of them
    purchase_vat_codes: Mapping[str, str] = field(default_factory=dict)
    rates: Mapping[str, Decimal] = field(default_factory=dict)  # of the books, in percent
    vat_accounts: Mapping[str, str] = field(default_factory=dict)  # by VAT code of the books
    ledgers: Mapping[str, str] = field(default_factory=dict)
    ledger_rules: Mapping[str, LedgerRules] = field(default_factory=dict)
    vouchers: Mapping[str, Voucher] = field(default_factory=dict)  # by payment method
    collective_account: str = ""
    collective_debtor: str = ""
    debtor: Callable[[str], str] = _nobody
    item: Callable[[Record], str] = _no_item
    contents: Contents = "all"
    alone: Mapping[str, SeparateBooking] = field(
        default_factory=dict
    )  # documents that are booked by themselves, by key
    costs: bool = False  # whether a page has what the goods were bought for
    mode: Mode = "line"
    by_group: bool = False  # a line for each turnover group instead of each account
    drawer_account: str = ""  # the account of a daybook for cash
    drawers: frozenset[str] = frozenset({"CASH"})  # methods whose money lies in a drawer
    rounding: frozenset[str] = frozenset({"ROUNDING"})
    difference_account: str = ""
    banked_account: str = ""
    banked_by: Literal["count", "receipt"] = "count"
    down_payments_account: str = ""
    own_use_account: str = ""
    cost_centres: Mapping[str, str] = field(default_factory=dict)  # by turnover group, then by branch as `@1`
    currency: str = "EUR"
    systems: tuple[str, str] = ("", "")  # the till and the books, as facts of a cause name them
    credit_positive: bool = False  # whether pages are written with their signs turned

    def account_meant(self, number: str) -> str:
        """Return the account that a number of the till means; nothing where nobody agreed to those, or several fit."""
        meant = matching_accounts(number, self.ledgers) or [number]
        return meant[0] if self.till_accounts and len(meant) == 1 else ""


GOODS = frozenset({"cost", "stock"})  # what lines are about that say what goods were bought for


@dataclass(frozen=True, slots=True)
class DayLine:
    """One line of a page. `documents` are the numbers of those behind it."""

    account: str
    text: str
    amount: Decimal
    vat_code: str = ""
    vat: Decimal = NOTHING
    vat_base: Decimal | None = None
    debtor: str = ""
    item: str = ""
    cost_centre: str = ""
    about: str = ""  # what it comes from: turnover, balance, payment, open, difference, banked, vat, cost, stock
    method: str = ""  # the payment method of a payment
    documents: tuple[str, ...] = ()
    from_books: bool = False  # it is known as the books hold it alone, which do not tell its payment method

    @property
    def key(self) -> tuple[str, str, str, str, str, str]:
        """What lines have in common that say the same: account, VAT code, debtor, item, cost centre and method."""
        return (*self.books_key, self.method)

    @property
    def books_key(self) -> tuple[str, str, str, str, str]:
        """What the books tell lines apart by: its key without the payment method."""
        return self.account, self.vat_code, self.debtor, self.item, self.cost_centre

    @property
    def moved(self) -> Decimal:
        """What it puts on its account together with that of its VAT."""
        return self.amount + self.vat


@dataclass(frozen=True, slots=True)
class DayPage:
    """The lines of a page, with what was left out of it and what a person should know."""

    lines: tuple[DayLine, ...]
    documents: tuple[str, ...] = ()  # the numbers of all that the day consists of
    apart: tuple[DayDocument, ...] = ()  # documents that are booked one by one
    own_use: Decimal = NOTHING
    sold: tuple[DayDocument, ...] = ()  # documents whose sale is in the lines
    vat_off: Mapping[str, Decimal] = field(default_factory=dict)  # by how much the till's VAT is not its documents'
    costless: tuple[str, ...] = ()  # turnover groups of whose goods nobody knows what they were bought for

    @property
    def debit(self) -> Decimal:
        """What stands on the left, with VAT."""
        return total(max(one.moved, NOTHING) for one in self.lines)
