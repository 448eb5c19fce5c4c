"""Lines of a posting: one for each VAT code and account, with VAT as the till split it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from integration.core.records import Kind, Record, Value
from integration.core.totals.difference import correction, verdict
from integration.core.totals.posted import posted
from integration.core.totals.sold import Sale, basis_of
from integration.core.totals.vat import NOTHING, Sums, VatSum, plus, summed
from integration.flows.orders.codes import Account, Codes
from integration.flows.orders.lines import BookedLines, about, numbered
from integration.flows.orders.parties import Told, customer_name
from integration.flows.orders.refusals import books_differ
from integration.flows.orders.sold import as_one_piece, codes_of, goods, number, sale_of, sold_line, vat_code

EXACT_PLACES = 4  # postings are sent amounts, not prices


def posting_lines(told: Told, tables: Codes, *, discounts: bool) -> BookedLines:
    """Return the lines of a posting. Raises Parked when they would not come to what was sold."""
    settings, lines = tables.settings, goods(told.record)
    accounts = {line.key: _account(told, line, tables) for line in lines}
    codes = _codes(told, lines, accounts, tables)
    sale = _sale(told, lines, tables, discounts=discounts)
    rates = {code: tables.book_rates.get(theirs, NOTHING) for code, theirs in codes.items()}
    found = verdict(sale, rates, basis_of(sale.method), "document", EXACT_PLACES)
    moved = correction(found, settings.rounding_limit) if found.rule else {}
    if moved is None or (found.rule and not settings.rounding_account):
        raise books_differ(told, sale, found, "line.amount", settings.rounding_limit, {})
    rounded = [(Account(codes.get(code, ""), settings.rounding_account), each) for code, each in moved.items()]
    listed = [*_by_account(told, _without(sale, moved), accounts, codes, tables).items(), *rounded]
    gross = settings.price_basis == "incl"
    sources = [_line(told, account, each, gross=gross) for account, each in listed]
    sums = summed((account.vat_code, each) for account, each in listed)
    made = BookedLines(numbered(sources), gross, sums, codes)
    return replace(made, correction=found.amount, rule=found.rule) if moved else made


def posting_sums(lines: Iterable[tuple[str, Mapping[str, Value]]], *, gross: bool) -> dict[str, VatSum]:
    """Return what the books come to for the fields of lines, each under its VAT code of the books."""
    told = [(code, number(line, "amount") or NOTHING, number(line, "vat") or NOTHING) for code, line in lines]
    return summed((code, VatSum(amount - vat if gross else amount, vat)) for code, amount, vat in told)


def _account(told: Told, line: Record, tables: Codes) -> Account:
    """Return where a line is posted; what is neither taxed nor revenue has no VAT code."""
    balance = tables.balance_account(told, line)
    if balance is not None and number(line.values, "amount_incl") == number(line.values, "amount_excl"):
        return Account("", balance)
    code = tables.vat_code(told, vat_code(line))
    return Account(code, balance or tables.revenue_account(told, code))


def _codes(told: Told, lines: Sequence[Record], accounts: Mapping[str, Account], tables: Codes) -> dict[str, str]:
    """Return the books' VAT code for each of the till's that something is posted under."""
    taxed = {vat_code(line): found for line in lines if (found := accounts[line.key].vat_code)}
    of_lines = set(map(vat_code, lines))
    return taxed | {code: tables.vat_code(told, code) for code in codes_of(told.record, lines) if code not in of_lines}


def _sale(told: Told, lines: Sequence[Record], tables: Codes, *, discounts: bool) -> Sale:
    """Return the sale under the VAT codes of the till: postings carry its own split."""
    sold = [as_one_piece(sold_line(line, vat_code(line), tables.till_rates, discounts=discounts)) for line in lines]
    codes = codes_of(told.record, lines)
    return sale_of(told.record, sold, dict(zip(codes, codes, strict=True)), tables.settings.rounding_methods)


def _by_account(
    told: Told, sale: Sale, accounts: Mapping[str, Account], codes: Mapping[str, str], tables: Codes
) -> dict[Account, VatSum]:
    """Return what is posted on each account; what no line stands for is revenue under its VAT code."""

    def revenue(code: str) -> Account:
        books = codes.get(code, "")
        return Account(books, tables.revenue_account(told, books))

    sums = summed((account or revenue(code), each) for (code, account), each in posted(sale, accounts).items())
    return {account: each for account, each in sums.items() if each}


def _without(sale: Sale, moved: Sums) -> Sale:
    """Return a sale without what goes to the rounding account."""
    less = {code: VatSum() - each for code, each in moved.items()}
    return replace(sale, vat=plus(sale.sold, less)) if moved else sale


def _line(told: Told, account: Account, each: VatSum, *, gross: bool) -> Record:
    values: dict[str, Value] = {
        **about(told),
        "books_account": account.number,
        "books_amount": each.incl if gross else each.excl,
        "books_vat": each.vat,
        "posting_text": f"{told.title} {customer_name(told.customer)}".strip(),
    }
    if account.vat_code:
        values["books_vat_code"] = account.vat_code
    return Record(Kind.LINE, account.number, values)
