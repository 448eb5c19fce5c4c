"""What the books make of a sale: of lines with their own VAT, of postings, and both sides beside each other."""

from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TypeVar

from integration.core.money import HUNDRED, amount, from_cents, share_out, to_cents
from integration.core.records import Kind, Record, Value
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
    """One line as the books are sent it; a line that was not sold has no key. The price has VAT as the basis says."""

    key: str
    quantity: Decimal
    price: Decimal
    discount_percent: Decimal = NOTHING
    vat_code: str = ""

    @property
    def amount(self) -> Decimal:
        """What the books make of the line, in whole cents, half up on either side of zero."""
        return amount(self.quantity * self.price * (HUNDRED - self.discount_percent) / HUNDRED)


def book_lines(sale: Sale, basis: Basis, rates: Mapping[str, Decimal], price_places: int = 2) -> tuple[BookLine, ...]:
    """Return the lines to send, with prices and discounts that give each line's own total wherever that is possible.

    Tried in this order: price and discount as sold; the price as already discounted; the price net of discount; the
    total divided by the quantity. Quantities stay. If none is exact the nearest is taken, and the verdict shows it.
    A price that is told on the other basis only is converted with the rate (percent) of its VAT code.
    """
    return tuple(_book_line(line, sale.method, basis, rates, price_places) for line in sale.lines)


def booked_totals(
    lines: Sequence[BookLine], rates: Mapping[str, Decimal], basis: Basis, rounding: Rounding
) -> dict[str, VatSum]:
    """Return what the books make of lines, per VAT code.

    `rates` are the percentages that the books charge under each of the codes; a code without one has no VAT.
    Rounding is half up away from zero, so the return of a document is exactly its opposite.
    """
    return sum_by_vat_code(((line.vat_code, line.amount) for line in lines), rates, basis, rounding)


def at_sale_price(line: SoldLine, basis: Basis, rates: Mapping[str, Decimal], places: int) -> BookLine:
    """Return a line with the price and the discount it was sold for, whatever its own total is."""
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
    return min(tries, key=lambda each: abs(each.amount - total))


def _price(line: SoldLine, basis: Basis, rate: Decimal) -> Decimal:
    told = line.price(basis)
    if told is not None:
        return told
    factor = (HUNDRED + rate) / HUNDRED
    if basis == "incl":
        return (line.price_excl or NOTHING) * factor
    return (line.price_incl or NOTHING) / factor


# ---- what is posted: the amounts of a sale by VAT code and account, which carry their own VAT


# What amounts are gathered by: whatever tells two accounts from each other.
Account = TypeVar("Account", bound=Hashable)


def posting_totals(
    sale: Sale, accounts: Mapping[str, Account], owed: Collection[Account] = ()
) -> dict[tuple[str, Account | None], VatSum]:
    """Return what was sold by VAT code and account; per VAT code exactly the till's split.

    `accounts` are those of the lines, by key. Each starts from the totals of its own lines; what these miss of the
    split is shared out in whole cents in proportion to their size, the largest remainders first; those that are `owed`
    take nothing of it as long as there is another one. A code without lines stands under None.
    """
    codes = dict.fromkeys([*sale.sold, *(line.vat_code for line in sale.lines)])
    shares = {(code, account): share for code in codes for account, share in _of_code(sale, code, accounts, owed)}
    return {where: share for where, share in shares.items() if share}


def _of_code(
    sale: Sale, code: str, accounts: Mapping[str, Account], owed: Collection[Account]
) -> list[tuple[Account | None, VatSum]]:
    """One VAT code's amounts by account."""
    sold = sale.sold.get(code, VatSum())
    lines = [line for line in sale.lines if line.vat_code == code]
    own = sum_by((accounts.get(line.key), _line_sum(line, sold, sale.method)) for line in lines) or {None: VatSum()}
    excl, vat = (
        [to_cents(each) for each in side] for side in zip(*((o.excl, o.vat) for o in own.values()), strict=True)
    )
    takes = [account not in owed for account in own]
    takes = takes if any(takes) else [True] * len(takes)
    excl_shares = _filled(excl, to_cents(sold.excl), _weights(takes, excl))
    vat_shares = _filled(vat, to_cents(sold.vat), _weights(takes, vat, excl))
    return [
        (account, VatSum(from_cents(excl_share), from_cents(vat_share)))
        for account, excl_share, vat_share in zip(own, excl_shares, vat_shares, strict=True)
    ]


def _line_sum(line: SoldLine, sold: VatSum, method: str) -> VatSum:
    """A line's own total; what the till does not tell of it is taken in the proportion of its VAT code."""
    incl, excl = line.total("incl", method), line.total("excl", method)
    if incl is None and excl is None:
        made = at_sale_price(line, basis_of(method), {}, 2).amount
        incl, excl = (made, None) if basis_of(method) == "incl" else (None, made)
    if incl is not None and excl is not None:
        return VatSum(excl, incl - excl)
    if incl is not None:
        part = amount(incl * sold.excl / sold.incl) if sold.incl else incl
        return VatSum(part, incl - part)
    told = excl or NOTHING
    return VatSum(told, amount(told * sold.vat / sold.excl) if sold.excl else NOTHING)


def _weights(takes: Sequence[bool], *sides: Sequence[int]) -> list[int]:
    """How much each part takes of what is missing: by the first side on which those that take have anything."""
    left = [[size if may else 0 for size, may in zip(side, takes, strict=True)] for side in sides]
    return next((side for side in left if any(side)), [int(may) for may in takes])


def _filled(parts: Sequence[int], total: int, weights: Sequence[int]) -> list[int]:
    """The parts, with what they miss of a total shared out over them."""
    return [part + share for part, share in zip(parts, share_out(total - sum(parts), weights), strict=True)]


# ---- what was sold beside what is booked, per VAT code of the till, as a planned document carries it to be seen


_NAMES = ("sold_excl", "sold_vat", "booked_excl", "booked_vat")
# How the names of amounts began, with the VAT code after it, before there was a part for each code.
_EARLIER = "sold_vat:"


@dataclass(frozen=True, slots=True)
class TotalsCompared:
    """One VAT code of the till: what was sold, and what is booked of it where that can be told apart."""

    code: str
    sold: VatSum
    booked: VatSum | None = None


def as_parts(compared: Iterable[TotalsCompared]) -> tuple[Record, ...]:
    """Return the parts of a document that carry this; nothing of it is written."""
    return tuple(Record(Kind.VAT, f"vat:{place}", _values(one)) for place, one in enumerate(compared, start=1))


def compared_in(document: Record) -> tuple[TotalsCompared, ...]:
    """Return what a document carries, also one that an earlier version kept."""
    carried = tuple(_compared(part.values) for part in document.parts if part.kind is Kind.VAT)
    return carried or tuple(_earlier(document.values))


def without_sums(document: Record) -> Record:
    """Return a document without what it carries for this: its own values and its lines."""
    parts = tuple(part for part in document.parts if part.kind is not Kind.VAT)
    return Record(document.kind, document.key, document.values, parts, document.source)


def _values(one: TotalsCompared) -> dict[str, Value]:
    sums = (one.sold, one.booked) if one.booked is not None else (one.sold,)
    amounts = [amount for each in sums for amount in (each.excl, each.vat)]
    return {"code": one.code, **dict(zip(_NAMES, amounts, strict=False))}


def _compared(values: Mapping[str, Value]) -> TotalsCompared:
    excl, vat, *there = (values.get(name) for name in _NAMES)
    return TotalsCompared(str(values.get("code", "")), _sum(excl, vat), None if None in there else _sum(*there))


def _earlier(values: Mapping[str, Value]) -> Iterator[TotalsCompared]:
    for code in [name.removeprefix(_EARLIER) for name in values if name.startswith(_EARLIER)]:
        yield _compared({"code": code} | {name: values.get(f"{name}:{code}") for name in _NAMES})


def _sum(excl: Value, vat: Value) -> VatSum:
    return VatSum(*(each if isinstance(each, Decimal) else NOTHING for each in (excl, vat)))
