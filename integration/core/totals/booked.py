"""Amounts that the books compute for a sale: for lines with VAT, for postings, and compared with the sold amounts."""

from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TypeVar

from integration.core.money import HUNDRED, amount
from integration.core.records import Kind, Record, Value
from integration.core.totals.allocation import allocate
from integration.core.totals.sold import (
    NOTHING,
    ONE,
    Basis,
    Rounding,
    Sale,
    SoldLine,
    VatSum,
    basis_of,
    sum_by,
    sum_by_vat_code,
)


@dataclass(frozen=True, slots=True)
class BookLine:
    """One line as sent to the books; a line that was not sold has no key. The price is on the chosen basis."""

    key: str
    quantity: Decimal
    price: Decimal
    discount_percent: Decimal = NOTHING
    vat_code: str = ""

    @property
    def amount(self) -> Decimal:
        """The line total that the books compute, in whole cents, rounded half away from zero."""
        return amount(self.quantity * self.price * (HUNDRED - self.discount_percent) / HUNDRED)


def book_lines(sale: Sale, basis: Basis, rates: Mapping[str, Decimal], price_places: int = 2) -> tuple[BookLine, ...]:
    """Return the lines to send, with prices and discounts that give each line's own total wherever possible.

    Tried in this order: price and discount as sold; the price as already discounted; the price net of discount; the
    total divided by the quantity. Quantities stay. If none is exact, the nearest is used, and the verdict reports the
    difference. A price known only on the other basis is converted with the rate (percent) of its VAT code.
    """
    return tuple(_book_line(line, sale.method, basis, rates, price_places) for line in sale.lines)


def booked_totals(
    lines: Sequence[BookLine], rates: Mapping[str, Decimal], basis: Basis, rounding: Rounding
) -> dict[str, VatSum]:
    """Return the totals that the books compute for lines, per VAT code.

    `rates` are the books' percentages by code; a code without a rate has no VAT. Rounding is half away from zero, so
    the return of a document is exactly its opposite.
    """
    return sum_by_vat_code(((line.vat_code, line.amount) for line in lines), rates, basis, rounding)


def at_sale_price(line: SoldLine, basis: Basis, rates: Mapping[str, Decimal], places: int) -> BookLine:
    """Return a line with the price and the discount of the sale, regardless of the line's own total."""
    quantity = ONE if line.quantity is None else line.quantity
    price = amount(_price(line, basis, rates.get(line.vat_code, NOTHING)), places)
    return BookLine(line.key, quantity, price, line.discount_percent or NOTHING, line.vat_code)


def _book_line(line: SoldLine, method: str, basis: Basis, rates: Mapping[str, Decimal], places: int) -> BookLine:
    total, sold = line.total(basis, method), at_sale_price(line, basis, rates, places)
    if total is None:
        return sold
    tries = [sold]
    if sold.discount_percent:
        net = sold.price * (HUNDRED - sold.discount_percent) / HUNDRED
        tries += [replace(sold, price=price, discount_percent=NOTHING) for price in (sold.price, amount(net, places))]
    if sold.quantity:
        tries.append(replace(sold, price=amount(total / sold.quantity, places), discount_percent=NOTHING))
    return min(tries, key=lambda candidate: abs(candidate.amount - total))


def _price(line: SoldLine, basis: Basis, rate: Decimal) -> Decimal:
    price = line.price(basis)
    if price is not None:
        return price
    factor = (HUNDRED + rate) / HUNDRED
    if basis == "incl":
        return (line.price_excl or NOTHING) * factor
    return (line.price_incl or NOTHING) / factor


# ---- postings: amounts of a sale by VAT code and account, with their VAT


# Grouping key of amounts: anything that identifies an account.
Account = TypeVar("Account", bound=Hashable)


def posting_totals(
    sale: Sale, accounts: Mapping[str, Account], balance_accounts: Collection[Account] = ()
) -> dict[tuple[str, Account | None], VatSum]:
    """Return the sold amounts by VAT code and account. Per VAT code they equal the till's split exactly.

    `accounts` are those of the lines, by key. The split is allocated to turnover groups first, as in the day, and the
    amount of a group to its accounts. `balance_accounts` are no revenue. A code without lines has the account None.
    """
    codes = dict.fromkeys([*sale.sold, *(line.vat_code for line in sale.lines)])
    totals = sum_by(
        ((code, account), share)
        for code in codes
        for account, share in _amounts_of_code(sale, code, accounts, balance_accounts)
    )
    return {where: share for where, share in totals.items() if share}


def _amounts_of_code(
    sale: Sale, code: str, accounts: Mapping[str, Account], balance_accounts: Collection[Account]
) -> Iterator[tuple[Account | None, VatSum]]:
    sold = sale.sold.get(code, VatSum())
    lines = [line for line in sale.lines if line.vat_code == code]
    if not lines:
        yield None, sold
        return
    by_group: dict[tuple[str, bool], dict[Account, VatSum]] = {}
    for line in lines:
        account = accounts[line.key]
        own = by_group.setdefault((line.turnover_group, account in balance_accounts), {})
        own[account] = own.get(account, VatSum()) + _line_sum(line, sold, sale.method)
    sums = {group: sum(own.values(), VatSum()) for group, own in by_group.items()}
    for group, share in allocate(sold, sums, [group for group in sums if group[1]]).items():
        yield from allocate(share, by_group[group], ()).items()


def _line_sum(line: SoldLine, sold: VatSum, method: str) -> VatSum:
    """Return a line's own total. Amounts that the till does not report are computed in proportion to the VAT code."""
    incl, excl = line.total("incl", method), line.total("excl", method)
    if incl is None and excl is None:
        sale_amount = at_sale_price(line, basis_of(method), {}, 2).amount
        incl, excl = (sale_amount, None) if basis_of(method) == "incl" else (None, sale_amount)
    if incl is not None and excl is not None:
        return VatSum(excl, incl - excl)
    if incl is not None:
        part = amount(incl * sold.excl / sold.incl) if sold.incl else incl
        return VatSum(part, incl - part)
    net = excl or NOTHING
    return VatSum(net, amount(net * sold.vat / sold.excl) if sold.excl else NOTHING)


# ---- comparison of sold and booked amounts per VAT code, shown with a planned document


_NAMES = ("sold_excl", "sold_vat", "booked_excl", "booked_vat")


@dataclass(frozen=True, slots=True)
class TotalsComparison:
    """Amounts of one VAT code of the till: sold, and booked if that can be separated by code."""

    code: str
    sold: VatSum
    booked: VatSum | None = None


def as_parts(compared: Iterable[TotalsComparison]) -> tuple[Record, ...]:
    """Return the comparison as parts of a document, for display. These parts are never written."""
    return tuple(
        Record(Kind.VAT, f"vat:{place}", _comparison_values(comparison))
        for place, comparison in enumerate(compared, start=1)
    )


def comparison_in(document: Record) -> tuple[TotalsComparison, ...]:
    return tuple(_comparison(part.values) for part in document.parts if part.kind is Kind.VAT)


def without_sums(document: Record) -> Record:
    """Return a document without the parts of the comparison."""
    parts = tuple(part for part in document.parts if part.kind is not Kind.VAT)
    return Record(document.kind, document.key, document.values, parts, document.source)


def _comparison_values(comparison: TotalsComparison) -> dict[str, Value]:
    sums = (comparison.sold, comparison.booked) if comparison.booked is not None else (comparison.sold,)
    amounts = [amount for vat_sum in sums for amount in (vat_sum.excl, vat_sum.vat)]
    return {"code": comparison.code, **dict(zip(_NAMES, amounts, strict=False))}


def _comparison(values: Mapping[str, Value]) -> TotalsComparison:
    excl, vat, *booked_amounts = (values.get(name) for name in _NAMES)
    return TotalsComparison(
        str(values.get("code", "")), _sum(excl, vat), None if None in booked_amounts else _sum(*booked_amounts)
    )


def _sum(excl: Value, vat: Value) -> VatSum:
    return VatSum(*(value if isinstance(value, Decimal) else NOTHING for value in (excl, vat)))
