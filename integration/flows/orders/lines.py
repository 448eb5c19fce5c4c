"""Lines of a document in the books before the mapping names their fields, and the reasons why they cannot be booked."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from integration.core.days.till import optional_amount
from integration.core.records import Kind, Record, Value
from integration.core.rules import as_text
from integration.core.totals.booked import BookLine, book_lines, booked_totals, posting_totals
from integration.core.totals.difference import Verdict, compare_totals, posting_verdict, rounding_lines
from integration.core.totals.sold import NOTHING, Basis, Sale, Sums, VatSum, basis_of, sum_by
from integration.core.vat import vat_fact
from integration.flows.orders.balances import share_of
from integration.flows.orders.buyers import customer_name
from integration.flows.orders.codes import Account, Codes
from integration.flows.orders.parties import CompletedDocument
from integration.flows.orders.payments import AccountPayment
from integration.flows.orders.shipping import shipping_lines
from integration.flows.orders.sold import (
    as_one_piece,
    line_contradiction,
    line_vat_code,
    sale_lines,
    sale_of,
    sold_line,
    sold_vat_codes,
)
from integration.flows.settings import BOOKS, TILL, RecordRejected

NO_SUM = VatSum()


@dataclass(frozen=True, slots=True)
class BookedLines:
    """The lines of a document in the books: the sources that rules map, and their totals."""

    sources: tuple[Record, ...]
    gross: bool
    sums: Sums  # totals by VAT code of the books
    by_till: Sums  # sold totals by VAT code of the till, as far as these can be distinguished
    correction: Decimal = NOTHING
    rule: str = ""
    redeemed: VatSum = NO_SUM  # amount paid with vouchers that were taxed at their sale
    shipping: BookLine | None = None  # the amount in the shipping field of the document
    paid: Decimal | None = None  # total of the payment lines; None if payments are not booked with the document


def numbered(sources: Iterable[Record]) -> tuple[Record, ...]:
    """Return the lines with the line numbers of the books: consecutive, from 1."""
    return tuple(replace(source, key=str(place)) for place, source in enumerate(sources, start=1))


def document_values(document: CompletedDocument) -> dict[str, Value]:
    """Return the document values that rules may use for every line."""
    names = ("number", "branch", "country", "delivery_date", "category")
    return {name: document.values[name] for name in names if name in document.values}


def books_differ(
    document: CompletedDocument, sale: Sale, verdict: Verdict, field: str, tables: Codes, theirs: Mapping[str, str]
) -> RecordRejected:
    """Return the rejection of a document whose totals do not match, with the first VAT code that differs.

    `theirs` translates VAT codes of the sale into the till's, if they are codes of the books.
    """
    code, gap = next(iter(verdict.differences.items()), ("", VatSum()))
    sold = sale.sold.get(code, VatSum())
    basis = "incl" if gap.incl else "excl"
    expected, computed = (sold.incl, (sold - gap).incl) if gap.incl else (sold.excl, (sold - gap).excl)
    if not verdict.differences:  # the totals of the till contradict each other
        expected, computed = sale.total_incl or NOTHING, _total_incl(sale.sold)
    about = {f"rule_{name}": fact for name, fact in verdict.facts.items()}
    facts = {"difference": str(verdict.amount), "basis": basis, "rule": verdict.rule}
    facts["limit"] = str(tables.settings.rounding_limit)
    code = theirs.get(code, code)
    facts["vat"] = vat_fact(code, tables.till_rates.get(code), TILL.system)
    return RecordRejected(
        "totals_differ", field, **about, **_difference_facts(expected, computed, code, document), **facts
    )


def mapping_differs(
    document: CompletedDocument, field: str, code: str, expected: VatSum, computed: VatSum, tables: Codes
) -> RecordRejected:
    """Return the rejection of a document whose amounts no longer match because rules of the mapping changed them."""
    facts = {"difference": str((expected - computed).incl), "rule": "mapping"}
    facts["vat"] = vat_fact(code, tables.book_rates.get(code), BOOKS.system)
    return RecordRejected(
        "totals_differ", field, **_difference_facts(expected.incl, computed.incl, code, document), **facts
    )


def _difference_facts(expected: Decimal, computed: Decimal, code: str, document: CompletedDocument) -> dict[str, str]:
    sums = {"expected": str(expected), "computed": str(computed), "found": str(computed)}
    return {"document": document.title, "code": code, **sums}


def order_lines(
    document: CompletedDocument, articles: Mapping[str, str], tables: Codes, *, discounts: bool
) -> BookedLines:
    """Return the lines of a sales order, on these articles.

    Raises RecordRejected if their totals cannot match what was sold.
    """
    settings, lines = tables.settings, _consistent_lines(document)
    tables.balances.require_untaxed(document, settings.rounding_methods)
    codes = {code: tables.vat_code(document, code) for code in sold_vat_codes(document.record, lines)}
    sold = [sold_line(line, codes[line_vat_code(line)], tables.till_rates, discounts=discounts) for line in lines]
    sale = sale_of(document.record, sold, codes, settings.rounding_methods)
    basis: Basis = basis_of(sale.method) if settings.price_basis == "till" else settings.price_basis
    rates = tables.rates(codes.values())
    computed_lines = book_lines(sale, basis, rates, settings.price_places)
    verdict = compare_totals(sale, rates, basis, settings.rounding, settings.price_places, computed_lines)
    extra: tuple[BookLine, ...] = ()
    if verdict.rule:
        more = rounding_lines(verdict, computed_lines, rates, basis, settings.rounding, settings.rounding_limit)
        if more is None or not settings.rounding_article:
            raise books_differ(document, sale, verdict, "line.price", tables, _till_codes(codes))
        extra = more
    out, shipping = shipping_lines(document, lines, computed_lines, settings, tables.book_rates, basis)
    kept_lines = [
        (line, book_line) for line, book_line in zip(lines, computed_lines, strict=True) if line.key not in out
    ]
    sources = [
        *(_order_line(document, book_line, articles[line.key], line.values) for line, book_line in kept_lines),
        *(_order_line(document, book_line, settings.rounding_article) for book_line in extra),
    ]
    sums = booked_totals((*computed_lines, *extra), rates, basis, settings.rounding)
    theirs = list(codes.values())
    by_till = {code: sums[other] for code, other in codes.items() if other in sums and theirs.count(other) == 1}
    lines_made = BookedLines(numbered(sources), basis == "incl", sums, by_till, shipping=shipping)
    return replace(lines_made, correction=verdict.amount, rule=verdict.rule) if extra else lines_made


def _consistent_lines(document: CompletedDocument) -> tuple[Record, ...]:
    """Return the lines that sell something.

    Raises RecordRejected for a line whose quantity, unit price and total contradict each other.
    """
    lines = sale_lines(document.record)
    for line in lines:
        if (figures := line_contradiction(line)) is not None:
            quantity, price, total = map(as_text, figures)
            article = as_text(line.values.get("article")) or as_text(line.values.get("text"))
            facts = {"quantity": quantity, "price": price, "line_total": total, "article": article}
            raise RecordRejected("line_contradicts_itself", "line.quantity", document=document.title, **facts)
    return lines


def order_sums(
    lines: Iterable[tuple[str, Mapping[str, Value]]], tables: Codes, *, gross: bool, shipping: BookLine | None = None
) -> dict[str, VatSum]:
    """Return the totals that the books compute for these lines and the shipping field, by VAT code of the books."""
    computed_lines = [shipping] if shipping else []
    for code, line in lines:
        quantity, price, discount = (
            optional_amount(line, name) or NOTHING for name in ("quantity", "price", "discount_percent")
        )
        computed_lines.append(BookLine("", quantity, price, discount, code))
    return booked_totals(
        computed_lines,
        tables.rates(line.vat_code for line in computed_lines),
        "incl" if gross else "excl",
        tables.settings.rounding,
    )


def _order_line(
    document: CompletedDocument, book_line: BookLine, article: str, sold: Mapping[str, Value] | None = None
) -> Record:
    """Return the source record for the rules of a line; without `sold` it is a line on the rounding article."""
    values: dict[str, Value] = {
        **document_values(document),
        **(sold or {}),
        "books_article": article,
        "books_quantity": book_line.quantity,
        "books_price": book_line.price,
    }
    if book_line.discount_percent:
        values["books_discount"] = book_line.discount_percent
    if book_line.vat_code:
        values["books_vat_code"] = book_line.vat_code
    return Record(Kind.LINE, book_line.key, values)


def _till_codes(codes: Mapping[str, str]) -> dict[str, str]:
    """Return the till's VAT codes for each VAT code of the books."""
    return {code: ", ".join(ours for ours, books in codes.items() if books == code) for code in codes.values()}


def posting_lines(document: CompletedDocument, tables: Codes, *, discounts: bool) -> BookedLines:
    """Return the lines of a posting. Raises RecordRejected if their totals cannot match the sold amounts."""
    settings, lines = tables.settings, _consistent_lines(document)
    accounts = {line.key: tables.account(document, line) for line in lines}
    codes = _codes(document, lines, accounts, tables)
    sale = _sale(document, lines, tables, discounts=discounts)
    rates = {code: tables.rate(theirs) if theirs else NOTHING for code, theirs in codes.items()}
    verdict = posting_verdict(sale, rates)
    if verdict.rule:
        raise books_differ(document, sale, verdict, "line.amount", tables, {})
    shares = _shares(document, sale, accounts, codes, tables)
    vouchers = _voucher_amounts(document, sale, tables)
    amounts = list(sum_by([*((account, vat_sum) for _, account, vat_sum in shares), *vouchers]).items())
    gross, pays = settings.price_basis == "incl", settings.books_payments(document.record.kind)
    paid = tables.payments.account_payments(document, _total_incl(sale.sold), tables.balances) if pays else []
    sources = [_posting_line(document, account, vat_sum, gross=gross) for account, vat_sum in amounts if vat_sum]
    sources += [_payment_line(document, payment) for payment in paid]
    sums = sum_by((code, vat_sum) for code, vat_sum in _amounts_with_payments(amounts, paid))
    by_till = sum_by((code, vat_sum) for code, _, vat_sum in shares)
    redeemed = sum((VatSum() - vat_sum for _, vat_sum in vouchers), VatSum())
    booked_lines = BookedLines(numbered(sources), gross, sums, by_till, redeemed=redeemed)
    return replace(booked_lines, paid=sum((payment.amount for payment in paid), NOTHING)) if pays else booked_lines


def _total_incl(sums: Sums) -> Decimal:
    return sum((vat_sum.incl for vat_sum in sums.values()), NOTHING)


def _amounts_with_payments(
    amounts: Iterable[tuple[Account, VatSum]], paid: Iterable[AccountPayment]
) -> Iterator[tuple[str, VatSum]]:
    """Yield the amounts on a page by VAT code of the books: the sold amounts, less the payments."""
    yield from ((account.vat_code, vat_sum) for account, vat_sum in amounts)
    yield from (("", VatSum(-payment.amount)) for payment in paid)


def _voucher_amounts(document: CompletedDocument, sale: Sale, tables: Codes) -> list[tuple[Account, VatSum]]:
    """Return the amounts paid with single-purpose vouchers as negative lines: their VAT was due when they were sold."""
    paid = tables.balances.redeemed(document, tables.settings.rounding_methods)
    redemptions = [(redemption, share_of(document, redemption, sale.sold, tables.till_rates)) for redemption in paid]
    for redemption, _ in redemptions:  # several vouchers of one VAT code must fit together as well
        together = sum((other.amount for other, _ in redemptions if other.code == redemption.code), NOTHING)
        share_of(document, replace(redemption, amount=together), sale.sold, tables.till_rates)
    return [
        (Account(tables.vat_code(document, redemption.code), redemption.account, is_balance=True), VatSum() - share)
        for redemption, share in redemptions
    ]


def posting_sums(lines: Iterable[tuple[str, Mapping[str, Value]]], *, gross: bool) -> dict[str, VatSum]:
    """Return the totals of these posting lines by VAT code of the books."""
    amounts = [
        (code, optional_amount(line, "amount") or NOTHING, optional_amount(line, "vat") or NOTHING)
        for code, line in lines
    ]
    return sum_by((code, VatSum(amount - vat if gross else amount, vat)) for code, amount, vat in amounts)


def _codes(
    document: CompletedDocument, lines: Sequence[Record], accounts: Mapping[str, Account], tables: Codes
) -> dict[str, str]:
    """Return the VAT code of the books for each VAT code of the till with an amount."""
    taxed = {line_vat_code(line): books_code for line in lines if (books_code := accounts[line.key].vat_code)}
    of_lines = set(map(line_vat_code, lines))
    return taxed | {
        code: tables.vat_code(document, code) for code in sold_vat_codes(document.record, lines) if code not in of_lines
    }


def _sale(document: CompletedDocument, lines: Sequence[Record], tables: Codes, *, discounts: bool) -> Sale:
    """Return the sale under the VAT codes of the till: postings carry the till's own VAT split."""
    sold = [
        as_one_piece(sold_line(line, line_vat_code(line), tables.till_rates, discounts=discounts)) for line in lines
    ]
    codes = sold_vat_codes(document.record, lines)
    return sale_of(document.record, sold, dict(zip(codes, codes, strict=True)), tables.settings.rounding_methods)


def _shares(
    document: CompletedDocument, sale: Sale, accounts: Mapping[str, Account], codes: Mapping[str, str], tables: Codes
) -> list[tuple[str, Account, VatSum]]:
    """Return the posted amounts with the till's VAT code and account; amounts without a line are revenue of their code.

    Cent differences between lines and VAT split go to revenue if there is any, because balance amounts must be exact.
    """

    def revenue(code: str) -> Account:
        books = codes.get(code, "")
        return Account(books, tables.revenue_account(document, books))

    balance_accounts = {account for account in accounts.values() if account.is_balance}
    return [
        (code, account or revenue(code), vat_sum)
        for (code, account), vat_sum in posting_totals(sale, accounts, balance_accounts).items()
    ]


def _payment_line(document: CompletedDocument, payment: AccountPayment) -> Record:
    """Return the line of a payment: the opposite sign of a sale, without VAT."""
    values: dict[str, Value] = {
        **document_values(document),
        "books_account": payment.account,
        "books_amount": -payment.amount,
        "books_vat": NOTHING,
        "posting_text": f"{document.title} {payment.name}",
    }
    return Record(Kind.LINE, payment.account, values)


def _posting_line(document: CompletedDocument, account: Account, vat_sum: VatSum, *, gross: bool) -> Record:
    values: dict[str, Value] = {
        **document_values(document),
        "books_account": account.number,
        "books_amount": vat_sum.incl if gross else vat_sum.excl,
        "books_vat": vat_sum.vat,
        "books_vat_base": vat_sum.excl,
        "posting_text": f"{document.title} {customer_name(document.customer)}".strip(),
    }
    if account.vat_code:
        values["books_vat_code"] = account.vat_code
    return Record(Kind.LINE, account.number, values)
