"""What was sold, and under which VAT code, on which account and on which article of the books it is booked."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import NamedTuple, Self

from integration.core.compiled import Compiled
from integration.core.records import Kind, Record, Value
from integration.core.rules import as_text
from integration.core.totals.sold import NOTHING, ONE, Sale, SoldLine, VatSum, sum_by
from integration.core.vat import vat_fact
from integration.flows.orders.balances import BALANCE_ACCOUNTS, Balances, Turnover, turnover_group_of
from integration.flows.orders.parties import CompletedDocument, expect_mapped
from integration.flows.orders.payments import METHOD_ACCOUNTS, NO_PAYMENTS, Payments
from integration.flows.orders.settings import OrderSettings
from integration.flows.orders.terms import PAYMENT_TERMS
from integration.flows.settings import (
    BOOKS,
    COUNTRY,
    COUNTRY_CODES,
    TILL,
    Choice,
    Dimension,
    RecordRejected,
    ValueTable,
    books_list,
    till_list,
    unrated,
)

# ---- what was sold: a document of the till becomes the sale that the core counts with


def sale_lines(document: Record) -> tuple[Record, ...]:
    """Return the lines that sell something; a line of text alone is left out."""
    return tuple(part for part in document.parts if part.kind is Kind.LINE and not _is_text(part))


def split_of(document: Record) -> dict[str, VatSum]:
    """Return the till's own split: what each of its VAT codes comes to."""
    split = (part.values for part in document.parts if part.kind is Kind.VAT)
    return sum_by(
        (as_text(each.get("code")), VatSum(told_number(each, "excl") or NOTHING, told_number(each, "vat") or NOTHING))
        for each in split
    )


def sold_vat_codes(document: Record, lines: Iterable[Record]) -> tuple[str, ...]:
    """Return the till's VAT codes that something was sold under: those of the lines, then those of the split alone."""
    in_split = (code for code, told in split_of(document).items() if told)
    return tuple(dict.fromkeys([*map(line_vat_code, lines), *in_split]))


def sale_of(document: Record, lines: Iterable[SoldLine], codes: Mapping[str, str], rounding: Collection[str]) -> Sale:
    """Return the sale with these lines, under the VAT codes that `codes` has for those of the till.

    `rounding` are the payment methods by which the till tells the rounding of cash.
    """
    split = sum_by((codes[code], each) for code, each in split_of(document).items() if code in codes)
    cash = (
        part.values for part in document.parts if part.kind is Kind.PAYMENT and part.values.get("method") in rounding
    )
    return Sale(
        tuple(lines),
        split,
        told_number(document.values, "total_incl"),
        told_number(document.values, "total_excl"),
        vat_method(document),
        sum((told_number(each, "amount") or NOTHING for each in cash), NOTHING),
    )


def sold_line(line: Record, code: str, rates: Mapping[str, Decimal], *, discounts: bool) -> SoldLine:
    """Return a line as it was sold, under a VAT code. `rates` are those of the till, for lines that do not tell theirs.

    Without `discounts` the books have no field for one: a line that tells its total is counted without it.
    """
    values = line.values
    incl, excl = told_number(values, "amount_incl"), told_number(values, "amount_excl")
    is_told = incl is not None or excl is not None
    percent = told_number(values, "vat_percent")
    return SoldLine(
        line.key,
        code,
        told_number(values, "quantity"),
        told_number(values, "price_incl"),
        told_number(values, "price_excl"),
        told_number(values, "discount_percent") if discounts or not is_told else None,
        incl,
        excl,
        rates.get(line_vat_code(line)) if percent is None else percent,
    )


def as_one_piece(line: SoldLine) -> SoldLine:
    """Return a line as one piece at its own total, where that is told: postings have no quantities."""
    if line.amount_incl is None and line.amount_excl is None:
        return line
    return replace(line, quantity=ONE, price_incl=line.amount_incl, price_excl=line.amount_excl, discount_percent=None)


def vat_method(document: Record) -> str:
    """Return how the till counted VAT."""
    return as_text(document.values.get("vat_method")).strip() or "inclusive"


def line_vat_code(line: Record) -> str:
    """Return the till's VAT code of a line, empty when it has none."""
    return as_text(line.values.get("vat_code")).strip()


def told_number(values: Mapping[str, Value], name: str) -> Decimal | None:
    """Return an amount or a quantity; None when it is not told."""
    value = values.get(name)
    return value if isinstance(value, Decimal) else None


def _is_text(line: Record) -> bool:
    values = line.values
    money = ("amount_incl", "amount_excl", "price_incl", "price_excl")
    nothing = not any(told_number(values, name) for name in money)
    return nothing and (told_number(values, "quantity") == NOTHING or not (values.get("article") or values.get("code")))


VAT_CODES = "vat_codes_sales"
REVENUE_ACCOUNTS = "revenue_accounts"
GROUP_ACCOUNTS = "turnover_accounts_sales"  # of revenue, by turnover group of the till
IN_COUNTRY = Dimension(COUNTRY, (Choice(COUNTRY_CODES),))
VAT_TABLE = ValueTable(
    VAT_CODES,
    till_list("vat_codes"),
    books_list("vat_codes"),
    looks_up=True,
    causes=("vat_code_unmapped",),
    dimensions=(
        IN_COUNTRY,
        Dimension("code", (Choice(till_list("vat_codes")),), needed=True),
        Dimension("vat_number", options=("yes", "no")),
        Dimension("vat_method", options=("shifted",), rank=1),
    ),
)
REVENUE_TABLE = ValueTable(
    REVENUE_ACCOUNTS,
    books_list("vat_codes"),
    books_list("revenue_accounts"),
    looks_up=True,
    causes=("revenue_account_unmapped",),
    for_all=True,
    dimensions=(IN_COUNTRY, Dimension("code", (Choice(books_list("vat_codes")),), needed=True)),
)


class Account(NamedTuple):
    """A ledger account, and the books' VAT code of what is posted on it; empty where that is not taxed."""

    vat_code: str
    number: str
    is_balance: bool = False  # of what is no revenue


@dataclass(frozen=True, slots=True)
class Codes:
    """The settings and tables that name codes and accounts, and the rates of both systems in percent."""

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
    def of(
        cls,
        settings: OrderSettings,
        tables: Mapping[str, Mapping[str, str]],
        rates: tuple[Mapping[str, Decimal], Mapping[str, Decimal]],
        turnover: Turnover,
        collective: Collection[str],
    ) -> Self:
        """Return them from the value tables; `rates` are those of the books and of the till.

        `collective` are the accounts of the books on which debtors stand.
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
        """Return what the books charge under these codes of theirs, nothing where there is no code.

        Raises RecordRejected for a code of which they tell no percentage.
        """
        return {code: self.rate(code) if code else NOTHING for code in codes}

    def rate(self, code: str) -> Decimal:
        """Return what the books charge under a code of theirs.

        Raises RecordRejected where they tell no percentage of it.
        """
        rate = self.book_rates.get(code)
        if rate is None:
            raise unrated("line.vat_code", code, BOOKS)
        return rate

    def vat_code(self, document: CompletedDocument, code: str) -> str:
        """Return the books' VAT code for one of the till's. Raises RecordRejected when the table has none."""
        if not code:
            return ""
        if row := self.vat_row(document, code):
            return self.vat_codes[row].strip()
        rate = self.till_rates.get(code)
        facts = {"code": code, "rate": "" if rate is None else f"{rate.normalize():f}%", **_of_key(document)}
        facts["vat"] = vat_fact(code, rate, TILL)
        raise RecordRejected("vat_code_unmapped", "line.vat_code", **facts, document=document.title, system=BOOKS)

    def vat_row(self, document: CompletedDocument, code: str) -> str:
        """Return the key of the most particular row of the table for a VAT code; empty when there is none."""
        return VAT_TABLE.row(self.vat_codes, home=self.settings.default_country, code=code, **_of_key(document))

    def revenue_account(self, document: CompletedDocument, vat_code: str) -> str:
        """Return the account for revenue under a VAT code of the books.

        Raises RecordRejected when the table has none.
        """
        home = self.settings.default_country
        if row := REVENUE_TABLE.row(self.revenue_accounts, home=home, country=document.country, code=vat_code):
            return self.revenue_accounts[row].strip()
        facts = {"country": document.country, "code": vat_code, "document": document.title}
        facts["vat"] = vat_fact(vat_code, self.book_rates.get(vat_code), BOOKS)
        raise RecordRejected("revenue_account_unmapped", "line.account", **facts)

    def account(self, document: CompletedDocument, line: Record) -> Account:
        """Return where a line is posted; what is neither taxed nor revenue has no VAT code. Raises RecordRejected."""
        balance = self.balances.account(document, line)
        if balance is not None and not self.balances.is_taxed(document, line, vat_method(document.record)):
            return Account("", balance, is_balance=True)
        code = self.vat_code(document, line_vat_code(line))
        if balance is not None:
            return Account(code, balance, is_balance=True)
        return Account(code, self._of_group(line) or self.revenue_account(document, code))

    def _of_group(self, line: Record) -> str:
        """Return the account of a line's turnover group, that of the group under its VAT code first."""
        group = turnover_group_of(line)
        keys = (f"{group}/{line_vat_code(line)}", group) if group else ()
        return next((found for key in keys if (found := self.group_accounts.get(key, "").strip())), "")


def _of_key(document: CompletedDocument) -> dict[str, str]:
    """Return what beside its code decides about the row of a VAT code."""
    shifted = {"vat_method": "shifted"} if vat_method(document.record) == "shifted" else {}
    return {COUNTRY: document.country, "vat_number": "yes" if document.vat_number else "no", **shifted}


ARTICLES = "articles"
LONGEST_ARTICLE = 15  # characters of the books' article codes: a longer one cannot be there


@dataclass(frozen=True, slots=True)
class Articles:
    """The rule by which a line names its article, and what is taken for one that the books do not have."""

    rule: Compiled
    stand_in: Mapping[str, str]  # the table of articles
    collective: str  # takes what is left; empty: such a document waits

    def named(self, document: CompletedDocument) -> dict[str, str]:
        """Return the article code of every line that sells something, empty where it has none.

        Raises RecordRejected.
        """
        found = {}
        for line in sale_lines(document.record):
            mapped = self.rule.apply(line)
            expect_mapped(mapped.issues, document)
            found[line.key] = as_text(mapped.values.get("line.article")).strip()
        return found

    def stand_ins(self, document: CompletedDocument, named: Mapping[str, str]) -> dict[str, str]:
        """Return by line what the table of articles names for an article that the books may not have."""
        if not self.stand_in:
            return {}
        lines = {line.key: line for line in sale_lines(document.record)}
        found = {key: self.stand_in.get(code or _known_as(lines[key]), "").strip() for key, code in named.items()}
        return {key: code for key, code in found.items() if code}

    def resolved_articles(
        self, document: CompletedDocument, named: Mapping[str, str], known: Collection[str]
    ) -> dict[str, str]:
        """Return the articles the lines are booked on: the lines' own, those that stand in, or the collective one.

        Raises RecordRejected, naming all that are missing, when there is no collective article.
        """
        stand_ins = self.stand_ins(document, named).items()
        taken = {**named, **{key: code for key, code in stand_ins if named[key] not in known and code in known}}
        missing = [key for key, code in taken.items() if code not in known]
        if missing and not self.collective:
            lines = {line.key: line for line in sale_lines(document.record)}
            lacking = dict.fromkeys(taken[key] or _known_as(lines[key]) for key in missing)
            raise RecordRejected("article_missing", "line.article", article=", ".join(lacking), document=document.title)
        return {**taken, **dict.fromkeys(missing, self.collective)}


def _known_as(line: Record) -> str:
    return as_text(line.values.get("article")) or as_text(line.values.get("text")) or "?"
