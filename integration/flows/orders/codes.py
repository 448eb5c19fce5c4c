"""VAT codes and ledger accounts of the books on which sales are booked."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import NamedTuple, Self

from integration.core.records import Record
from integration.core.totals.sold import NOTHING
from integration.core.vat import vat_fact
from integration.flows.orders.balances import BALANCE_ACCOUNTS, Balances, Turnover, turnover_group_of
from integration.flows.orders.parties import CompletedDocument
from integration.flows.orders.payments import METHOD_ACCOUNTS, NO_PAYMENTS, Payments
from integration.flows.orders.settings import OrderSettings
from integration.flows.orders.sold import line_vat_code, vat_method
from integration.flows.orders.terms import PAYMENT_TERMS
from integration.flows.proposals import account_of_till, vat_code_of_books
from integration.flows.settings import (
    BOOKS,
    COUNTRY,
    COUNTRY_CODES,
    TILL,
    Choice,
    KeyPart,
    RecordRejected,
    ValueTable,
    books_list,
    missing_vat_rate_issue,
    till_list,
)

VAT_CODES = "vat_codes_sales"
REVENUE_ACCOUNTS = "revenue_accounts"
GROUP_ACCOUNTS = "turnover_accounts_sales"  # revenue accounts by turnover group of the till
IN_COUNTRY = KeyPart(COUNTRY, (Choice(COUNTRY_CODES),))
UNTAXED_METHODS = ("shifted", "none")  # VAT methods of the till for which a row may hold sales without VAT
VAT_TABLE = ValueTable(
    VAT_CODES,
    till_list("vat_codes"),
    books_list("vat_codes"),
    looks_up=True,
    causes=("vat_code_unmapped",),
    dimensions=(
        IN_COUNTRY,
        KeyPart("code", (Choice(till_list("vat_codes")),), is_required=True),
        KeyPart("vat_number", options=("yes", "no")),
        KeyPart("vat_method", options=UNTAXED_METHODS, rank=1),
    ),
    propose=vat_code_of_books(till_list("vat_codes"), books_list("vat_codes")),
)
SALES_GROUPS = till_list("revenue_groups")
GROUPS_TABLE = ValueTable(
    GROUP_ACCOUNTS,
    SALES_GROUPS,
    books_list("revenue_accounts"),
    looks_up=True,
    dimensions=(
        KeyPart("group", (Choice(SALES_GROUPS),), is_required=True),
        KeyPart("vat_code", (Choice(till_list("vat_codes")),)),
    ),
    separator="/",
    propose=account_of_till(till_list("turnover_accounts"), books_list("revenue_accounts"), "group"),
)
REVENUE_TABLE = ValueTable(
    REVENUE_ACCOUNTS,
    books_list("vat_codes"),
    books_list("revenue_accounts"),
    looks_up=True,
    causes=("revenue_account_unmapped",),
    for_all=True,
    dimensions=(IN_COUNTRY, KeyPart("code", (Choice(books_list("vat_codes")),), is_required=True)),
    alternative_table=GROUPS_TABLE,
)


class VatCase(NamedTuple):
    """Country, VAT number and VAT method, which determine a VAT code of the books together with the till's code."""

    country: str
    has_vat_number: bool = False
    method: str = "inclusive"

    @property
    def key(self) -> dict[str, str]:
        """The parts of its row key, without the VAT code."""
        untaxed = {"vat_method": self.method} if self.method in UNTAXED_METHODS else {}
        return {COUNTRY: self.country, "vat_number": "yes" if self.has_vat_number else "no", **untaxed}


@dataclass(frozen=True, slots=True)
class VatDecision:
    """Determines the VAT code of the books, for orders, invoices, postings and days alike.

    `rows` are those of the table of VAT codes, `home` is the country of the shop.
    """

    rows: Mapping[str, str]
    home: str

    def row(self, case: VatCase, code: str) -> str:
        """Return the key of the most specific row for a VAT code of the till; empty if there is none."""
        return VAT_TABLE.row(self.rows, home=self.home, code=code, **case.key)

    def code(self, case: VatCase, code: str) -> str:
        """Return the VAT code of the books for one of the till; empty if there is no row."""
        row = self.row(case, code)
        return self.rows[row].strip() if row else ""

    def impossible_row(self, case: VatCase, code: str) -> str:
        """Return the key of the matching row if it has an unusable code; else an empty string."""
        every = dict.fromkeys(self.rows, code)
        return "" if self.row(case, code) else replace(self, rows=every).row(case, code)

    @property
    def by_country(self) -> bool:
        """True if any row holds for particular countries only."""
        return any(COUNTRY in (VAT_TABLE.read(key) or {}) for key in self.rows)


class Account(NamedTuple):
    """A ledger account, and the VAT code of the books for amounts on it; empty if they are not taxed."""

    vat_code: str
    number: str
    is_balance: bool = False  # an account of amounts that are not revenue


@dataclass(frozen=True, slots=True)
class Codes:
    """The settings and tables that give codes and accounts, and the VAT percentages of both systems."""

    settings: OrderSettings
    vat_codes: Mapping[str, str]
    revenue_accounts: Mapping[str, str]
    book_rates: Mapping[str, Decimal]
    till_rates: Mapping[str, Decimal]
    balances: Balances
    payments: Payments = NO_PAYMENTS
    group_accounts: Mapping[str, str] = field(default_factory=dict)
    terms: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_tables(
        cls,
        settings: OrderSettings,
        tables: Mapping[str, Mapping[str, str]],
        rates: tuple[Mapping[str, Decimal], Mapping[str, Decimal]],
        turnover: Turnover,
        collective: Collection[str],
    ) -> Self:
        """Return the codes from the value tables; `rates` are the percentages of the books and of the till.

        `collective` are the collective accounts of debtors in the books.
        """
        of_books, of_till = rates
        paid = (tables.get(METHOD_ACCOUNTS, {}), collective, settings.rounding_account, settings.rounding_methods)
        return cls(
            settings,
            tables.get(VAT_CODES, {}),
            tables.get(REVENUE_ACCOUNTS, {}),
            of_books,
            of_till,
            Balances(tables.get(BALANCE_ACCOUNTS, {}), settings.gift_cards, turnover, of_till),
            Payments(*paid),
            tables.get(GROUP_ACCOUNTS, {}),
            tables.get(PAYMENT_TERMS, {}),
        )

    def rates(self, codes: Iterable[str]) -> dict[str, Decimal]:
        """Return the VAT percentages of these codes of the books; zero for an empty code.

        Raises RecordRejected for a code whose percentage the books do not give.
        """
        return {code: self.rate(code) if code else NOTHING for code in codes}

    def rate(self, code: str) -> Decimal:
        """Return the VAT percentage of a code of the books.

        Raises RecordRejected if the books do not give it.
        """
        rate = self.book_rates.get(code)
        if rate is None:
            raise missing_vat_rate_issue("line.vat_code", code, BOOKS.system)
        return rate

    def vat_code(self, document: CompletedDocument, code: str) -> str:
        """Return the VAT code of the books for one of the till. Raises RecordRejected without a usable row."""
        if not code:
            return ""
        if books_code := self._decision.code(_case(document), code):
            return books_code
        rate = self.till_rates.get(code)
        facts = {"code": code, "rate": "" if rate is None else f"{rate.normalize():f}%", **_case(document).key}
        facts["vat"] = vat_fact(code, rate, TILL.system)
        if row := self._decision.impossible_row(_case(document), code):
            facts["row"] = row
        cause = "vat_row_impossible" if row else "vat_code_unmapped"
        raise RecordRejected(cause, "line.vat_code", **facts, document=document.title, system=BOOKS.system)

    def vat_row(self, document: CompletedDocument, code: str) -> str:
        """Return the key of the most specific table row for a VAT code; empty if there is none."""
        return self._decision.row(_case(document), code)

    @property
    def _decision(self) -> VatDecision:
        return VatDecision(self.vat_codes, self.settings.default_country)

    def revenue_account(self, document: CompletedDocument, vat_code: str) -> str:
        """Return the revenue account of a VAT code of the books.

        Raises RecordRejected if the table has none.
        """
        home = self.settings.default_country
        if row := REVENUE_TABLE.row(self.revenue_accounts, home=home, country=document.country, code=vat_code):
            return self.revenue_accounts[row].strip()
        facts = {"country": document.country, "code": vat_code, "document": document.title}
        facts["vat"] = vat_fact(vat_code, self.book_rates.get(vat_code), BOOKS.system)
        raise RecordRejected("revenue_account_unmapped", "line.account", **facts)

    def account(self, document: CompletedDocument, line: Record) -> Account:
        """Return the account of a line; an untaxed amount that is not revenue has no VAT code.

        Raises RecordRejected.
        """
        balance = self.balances.account(document, line)
        if balance is not None and not self.balances.is_taxed(document, line, vat_method(document.record)):
            return Account("", balance, is_balance=True)
        code = self.vat_code(document, line_vat_code(line))
        if balance is not None:
            return Account(code, balance, is_balance=True)
        return Account(code, self.account_of_group(line) or self.revenue_account(document, code))

    def account_of_group(self, line: Record) -> str:
        """Return the account of a line's turnover group, or an empty text. The row with its VAT code comes first."""
        group = turnover_group_of(line)
        keys = (f"{group}/{line_vat_code(line)}", group) if group else ()
        return next((account for key in keys if (account := self.group_accounts.get(key, "").strip())), "")


def _case(document: CompletedDocument) -> VatCase:
    """Return the facts that determine the row of a VAT code of a document, in addition to the code."""
    return VatCase(document.country, bool(document.vat_number), vat_method(document.record))
