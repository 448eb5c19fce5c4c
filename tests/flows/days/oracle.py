"""Answers of the till about a day and the resulting ledger of the books, computed from documents in whole cents.

No code of the product is used: this is the second opinion.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from tests.flows.days.plain import (
    GROUPS,
    METHODS,
    OUTFLOWS,
    RATES,
    REVENUE,
    Day,
    Document,
    allocate_vat,
    divide_rounded,
    is_listed,
    sum_by_key,
)

DRAWER, DIFFERENCES, BANKED, DEBTORS, PREPAID = "1000", "4400", "1090", "1300", "1575"
VAT_CODES = {"2": "1", "1": "2", "3": "3", "4": "4"}  # of the books, by those of the till
PURCHASE_CODES = {"2": "6", "1": "7"}
VAT_ACCOUNTS = {"1": "1500", "2": "1510", "3": "1520", "4": "1520", "6": "1530", "7": "1530"}
ACCOUNTS = {"30/3": "8300", "35/3": "8300"}  # over those of the till
REVENUE_ACCOUNTS = frozenset({*(GROUPS[group].account for group in REVENUE), *ACCOUNTS.values()})
VOUCHER_CODE = "1"  # the till's VAT code of single-purpose vouchers

Contents = Literal["all", "receipts", "counts"]


class Row(NamedTuple):
    """An amount on an account under a VAT code, for a debtor and an open item; debit is positive."""

    account: str
    code: str
    cents: int
    debtor: str = ""
    item: str = ""


Where = tuple[str, str, str, str]  # account, VAT code, debtor, item


# ---- the till


@dataclass(frozen=True)
class TillAnswers:
    """The answers of the till, by source: groups, groups by VAT code, payments, and the list of VAT."""

    journal: dict[tuple[str, str], tuple[int, ...]]  # with and without VAT
    financial: dict[tuple[str, str, str], tuple[int, ...]]  # base and VAT
    payments: dict[tuple[str, str], int]
    vat: dict[tuple[str, str], tuple[int, ...]]  # base and VAT


def till_answer(day: Day) -> TillAnswers:
    """Return the till's answers about a day, with the true sign of every amount."""
    sold = [document for document in day.counting if document.is_sold_on(day.date, day.branch)]
    rows: list[tuple[tuple[str, str, str], tuple[int, ...]]] = []
    for document in sold:
        parts = document.shares() if day.conventions.split == "document" else document.lines()
        rows += [((document.source, group, code), amounts) for (group, code), amounts in parts.items()]
    paid = [(document, payment) for document in day.counting for payment in document.payments_on(day.date, day.branch)]
    if day.conventions.orders == "group":
        rows += [(("order", "92", "4"), (payment.cents, 0)) for document, payment in paid if document.source == "order"]
    financial = sum_by_key(rows)
    payments = sum_by_key(((document.source, payment.method), (payment.cents,)) for document, payment in paid)
    lists = day.conventions.vat_lists
    vat: dict[tuple[str, str], tuple[int, ...]]
    vat = sum_by_key(
        ((str(document.source), code), sums) for document in sold for code, sums in document.vat(lists).items()
    )
    if day.conventions.orders == "group" and lists == "all":
        vat |= sum_by_key(((source, code), sums) for (source, _, code), sums in financial.items() if source == "order")
    return TillAnswers(
        sum_by_key(((source, group), (base + tax, base)) for (source, group, _), (base, tax) in financial.items()),
        financial,
        {key: cents for key, (cents,) in payments.items()},
        _vat_over_day(vat, sold) if day.conventions.vat == "day" else vat,
    )


def _vat_over_day(
    vat: dict[tuple[str, str], tuple[int, ...]], sold: list[Document]
) -> dict[tuple[str, str], tuple[int, ...]]:
    """VAT computed once over the receipts of the day, where it differs by at most one cent per receipt."""
    totals = dict(vat)
    for (source, code), (base, tax) in vat.items():
        computed = divide_rounded((base + tax) * RATES[code], 100 + RATES[code])
        limit = sum(document.source == source and code in document.vat() for document in sold)
        if source == "receipt" and abs(computed - tax) <= limit:
            totals[source, code] = (base + tax - computed, computed)
    return totals


# ---- the books


def item_of(number: str) -> str:
    """The reference under which a document is an open item."""
    return "MP" + number.replace(".", "")[-10:]


def debtor_of(relation: str) -> str:
    """The books' number of a customer."""
    return f"2{relation}"


def is_apart(document: Document, contents: Contents) -> bool:
    """Return True if a document is booked separately."""
    return document.is_apart or contents == "counts" or (contents == "receipts" and document.source == "invoice")


def page_rows(day: Day, contents: Contents) -> list[Row]:
    """Return the ledger rows of the pages of a day, in the end."""
    rows = [*_counts(day)]
    if contents != "counts":
        rows += [*_sold_rows(day, contents), *_payment_rows(day, day.counting), *_open_rows(day, contents)]
    return rows


def apart_rows(day: Day, contents: Contents) -> list[Row]:
    """Return the ledger rows of documents booked separately; if the day is counts alone, paid documents too."""
    rows: list[Row] = []
    for document in day.counting:
        if not is_apart(document, contents):
            continue
        if document.is_sold_on(day.date, day.branch):
            rows += [row for key, amounts in document.shares().items() for row in _sale(*key, *amounts)]
            if document.source == "invoice":
                rows.append(_debtor(document, document.total))
        if contents == "counts":
            rows += _payment_rows(day, [document])
            paid = sum(payment.cents for payment in document.payments_on(day.date, day.branch))
            rows += [_debtor(document, -paid)] if document.source == "invoice" else []
            rows += [Row(PREPAID, "", -paid)] if document.source == "order" else []
    return rows


def alone_rows(day: Day, document: Document, *, with_payments: bool) -> list[Row]:
    """Return the ledger rows of a separate document, always with vouchers that were taxed when sold."""
    is_sold = document.is_sold_on(day.date, day.branch)
    rows = [row for key, amounts in document.shares().items() for row in _sale(*key, *amounts)] if is_sold else []
    paid = [
        payment
        for payment in document.payments_on(day.date, day.branch)
        if with_payments or payment.method == "VOUCHER"
    ]
    rest = (document.total if is_sold else 0) - sum(payment.cents for payment in paid)
    return [*rows, *_payment_rows(day, [replace(document, paid=tuple(paid))]), _debtor(document, rest)]


def _sold_rows(day: Day, contents: Contents) -> Iterator[Row]:
    for source, group, code, base, tax in _groups(day, contents):
        if source != "order":  # those of orders are down payments, and said where they were paid
            yield from _sale(group, code, base, tax)


def revenue_lines(day: Day, contents: Contents, *, by_group: bool) -> list[tuple[str, int]]:
    """Account and amount of each line of revenue: one for each source, VAT code, and account or group."""
    if contents == "counts":
        return []
    rows = [
        ((source, code, _account(group, code), group if by_group else ""), (-base,))
        for source, group, code, base, _ in _groups(day, contents)
        if group in REVENUE
    ]
    return sorted((account, cents) for (_, _, account, _), (cents,) in sum_by_key(rows).items() if cents)


def _groups(day: Day, contents: Contents) -> Iterator[tuple[str, str, str, int, int]]:
    """Source, group, code, base and VAT of the page, with VAT adjusted to the till's list."""
    answers = till_answer(day)
    apart = [
        document
        for document in day.counting
        if document.is_sold_on(day.date, day.branch) and is_apart(document, contents)
    ]
    theirs = [
        ((document.source, *key), (-base, -tax)) for document in apart for key, (base, tax) in document.shares().items()
    ]
    remaining = sum_by_key([*answers.financial.items(), *theirs])
    lists = day.conventions.vat_lists
    less = [
        ((document.source, code), (-base, -tax))
        for document in apart
        for code, (base, tax) in document.vat(lists).items()
    ]
    listed_vat = sum_by_key([*answers.vat.items(), *less])
    for source, code in dict.fromkeys((source, code) for source, _, code in remaining):
        groups = {
            group: (base, tax)
            for (own, group, other), (base, tax) in remaining.items()
            if (own, other) == (source, code)
        }
        taxed = {group: amounts for group, amounts in groups.items() if amounts[1] and is_listed(group, code, lists)}
        if taxed and (source, code) in listed_vat:
            groups |= allocate_vat(taxed, listed_vat[source, code][1])
        for group, (base, tax) in groups.items():
            yield source, group, code, base, tax


def _account(group: str, code: str) -> str:
    return ACCOUNTS.get(f"{group}/{code}", GROUPS[group].account)


def _sale(group: str, code: str, base: int, tax: int) -> Iterator[Row]:
    account = _account(group, code)
    if group not in REVENUE and not tax:
        yield Row(account, "", -base)
        return
    theirs = (PURCHASE_CODES if group in OUTFLOWS else VAT_CODES)[code]
    yield Row(account, theirs, -base)
    yield Row(VAT_ACCOUNTS[theirs], theirs, -tax)


def _payment_rows(day: Day, documents: Iterable[Document]) -> Iterator[Row]:
    for document in documents:
        by_method = sum_by_key(
            (payment.method, (payment.cents,)) for payment in document.payments_on(day.date, day.branch)
        )
        for method, (cents,) in by_method.items():
            account = METHODS[method].account
            if method == "INVOICE":
                yield _debtor(document, cents)
            elif method == "VOUCHER":
                base, tax = document.vat()[VOUCHER_CODE]
                voucher_vat = divide_rounded(cents * tax, base + tax)
                code = VAT_CODES[VOUCHER_CODE]
                yield Row(account, code, cents - voucher_vat)
                yield Row(VAT_ACCOUNTS[code], code, voucher_vat)
            else:
                yield Row(account, "", cents)


def _open_rows(day: Day, contents: Contents) -> Iterator[Row]:
    """Yield the rows that invoices leave open, that payments settle, and that orders were paid for in advance."""
    for document in day.counting:
        paid = sum(payment.cents for payment in document.payments_on(day.date, day.branch))
        if document.source == "order":
            yield Row(PREPAID, "", -paid)
        elif document.source == "invoice":
            is_ours = document.is_sold_on(day.date, day.branch) and not is_apart(document, contents)
            yield _debtor(document, (document.total if is_ours else 0) - paid)


def _debtor(document: Document, cents: int) -> Row:
    return Row(DEBTORS, "", cents, debtor_of(document.relation), item_of(document.number))


def _counts(day: Day) -> Iterator[Row]:
    for count in day.counts:
        drawer = METHODS[count.method].account
        yield Row(DIFFERENCES, "", -count.difference)
        yield Row(drawer, "", count.difference)
        yield Row(BANKED, "", count.deposited)
        yield Row(drawer, "", -count.deposited)


def ledger(rows: Iterable[Row]) -> dict[Where, int]:
    """Return the sums of rows by account, VAT code, debtor and item; only zeros are left out."""
    sums = sum_by_key(((row.account, row.code, row.debtor, row.item), (row.cents,)) for row in rows)
    return {where: cents for where, (cents,) in sorted(sums.items()) if cents}


def vat_of(rows: Iterable[Row]) -> dict[str, int]:
    """The VAT of each code of the books, owed is positive."""
    rows = [row for row in rows if row.code and row.account == VAT_ACCOUNTS[row.code]]
    return {code: -cents for code, (cents,) in sum_by_key((row.code, (row.cents,)) for row in rows).items() if cents}


def drawer_moved(day: Day) -> int:
    """By how much the drawers of a day changed, from their counts alone."""
    return sum(count.end - count.start for count in day.counts if METHODS[count.method].account == DRAWER)


def till_vat(day: Day, contents: Contents) -> dict[str, int]:
    """VAT of a day's page by the till's VAT code, without separate documents and vouchers taxed before."""
    if contents == "counts":
        return {}
    lists = day.conventions.vat_lists
    rows = [(code, (amounts[1],)) for (_, code), amounts in till_answer(day).vat.items()]
    for document in day.counting:
        if document.is_sold_on(day.date, day.branch) and is_apart(document, contents):
            rows += [(code, (-tax,)) for code, (_, tax) in document.vat(lists).items()]
        for payment in document.payments_on(day.date, day.branch):
            if payment.method == "VOUCHER":
                base, tax = document.vat()[VOUCHER_CODE]
                rows.append((VOUCHER_CODE, (-divide_rounded(payment.cents * tax, base + tax),)))
    if lists == "turnover":  # taxed deposits, vouchers and outflows are on no list, and count as the groups say
        financial = till_answer(day).financial.items()
        rows += [(code, (amounts[1],)) for (_, group, code), amounts in financial if group not in REVENUE]
    return {code: cents for code, (cents,) in sum_by_key(rows).items() if cents}
