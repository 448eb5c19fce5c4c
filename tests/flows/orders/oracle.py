"""Bookings of a document as a bookkeeper makes them, in whole cents and by addition. Imports no product code."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

# Turnover groups that are no revenue, with their accounts; and those of revenue by the books' VAT code.
BALANCES = {"80": "1560", "85": "1565", "90": "1570", "91": "1571", "92": "1575", "95": "1020", "97": "4510"}
REVENUE = {"1": "8000", "2": "8100", "3": "8300", "4": "8040", "5": "8200"}
CODES = {"1": "2", "2": "1", "3": "3", "4": "4", "5": "5"}  # of the till to those of the books
RATES = {"1": 9, "2": 21, "3": 0, "4": 0, "5": 0}  # at the till
REVERSED = "5"  # the till's code for what its buyer owes the VAT of
USUAL = {"90": "3", "91": "2", "92": "2", "97": "4"}  # the till's code that what is no revenue is taxed under at home
METHODS = {"CASH": "1000", "PIN": "1010", "IDEAL": "1100", "GIFTCARD": "1560", "DEPOSIT": "1575", "ROUNDING": "4410"}
ON_ACCOUNT = "INVOICE"  # a payment method by which nothing is paid
GROUPS = {"10": "8000", "50": "8040", "70": "8110"}  # accounts of revenue by turnover group, where a shop has them
VOUCHERS = {"VOUCHER": ("1565", "1")}  # taxed at their sale: account and the till's VAT code


class Sold(NamedTuple):
    """One line: its turnover group, the till's VAT code, and its total with and without VAT."""

    group: str
    code: str
    incl: int
    excl: int


def halves_up(number: int, over: int) -> int:
    """Return a quotient in whole cents, half a cent away from zero."""
    sign = -1 if (number < 0) != (over < 0) else 1
    return sign * ((2 * abs(number) + abs(over)) // (2 * abs(over)))


def sold_lines(lines: Iterable[tuple[str, str, int]], *, by_line: bool = False) -> list[Sold]:
    """Return lines of group, VAT code and price as a till reports them: VAT once per code, odd cents first.

    One that rounds `by_line` adds up the VAT of its lines.
    """
    line_list = list(lines)
    net_amounts = {place: halves_up(incl * 100, 100 + RATES[code]) for place, (_, code, incl) in enumerate(line_list)}
    for code in () if by_line else {code for _, code, _ in line_list}:
        places = [place for place, (_, line_code, _) in enumerate(line_list) if line_code == code]
        excl = halves_up(sum(line_list[place][2] for place in places) * 100, 100 + RATES[code])
        net_amounts[places[0]] += excl - sum(net_amounts[place] for place in places)
    return [Sold(group, code, incl, net_amounts[place]) for place, (group, code, incl) in enumerate(line_list)]


def reverse_charge_lines(lines: Iterable[Sold]) -> list[Sold]:
    """Return lines as a till reports them with reversed charge of VAT; a line at 0 % keeps its code."""
    return [Sold(line.group, REVERSED if RATES[line.code] else line.code, line.excl, line.excl) for line in lines]


def split(lines: Iterable[Sold]) -> dict[str, tuple[int, int]]:
    """Return base and VAT by the till's VAT code."""
    totals: dict[str, tuple[int, int]] = {}
    for line in lines:
        excl, vat = totals.get(line.code, (0, 0))
        totals[line.code] = excl + line.excl, vat + line.incl - line.excl
    return totals


def paid_by_account(payments: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Return the paid amounts by clearing account, without vouchers whose VAT was due when they were sold."""
    totals: dict[str, int] = {}
    for method, amount in payments:
        if method in METHODS:
            totals[METHODS[method]] = totals.get(METHODS[method], 0) + amount
    return {account: amount for account, amount in totals.items() if amount}


def open_amount(lines: Iterable[Sold], payments: Iterable[tuple[str, int]]) -> int:
    """Return the amount that a customer still owes."""
    return sum(line.incl for line in lines) - sum(amount for method, amount in payments if method != ON_ACCOUNT)


def booked_sums(
    lines: Iterable[Sold], paid: Mapping[str, int], groups: Mapping[str, str] | None = None, *, untaxed: bool = False
) -> dict[tuple[str, str], tuple[int, int]]:
    """Return base and VAT by account and VAT code of the books, without sums of zero.

    `groups` are the accounts of revenue by turnover group, where the shop has such. Of a document that is `untaxed`
    the buyer owes the VAT: a base belongs into the return only where there would have been VAT on it.
    """
    line_list = list(lines)
    totals: dict[tuple[str, str], tuple[int, int]] = {}

    def add(account: str, code: str, excl: int, vat: int) -> None:
        before = totals.get((account, code), (0, 0))
        totals[account, code] = before[0] + excl, before[1] + vat

    for line in line_list:
        vat, code = line.incl - line.excl, CODES[line.code]
        if account := BALANCES.get(line.group):
            is_taxed = bool(vat) or (RATES[line.code] and abs(line.incl) * RATES[line.code] < 100 + RATES[line.code])
            if untaxed:
                is_taxed = bool(RATES.get(USUAL.get(line.group, ""), 0))
            add(account, code if is_taxed else "", line.excl, vat)
        else:
            add((groups or {}).get(line.group) or REVENUE[code], code, line.excl, vat)
    for method, amount in paid.items():
        if method in VOUCHERS:
            account, till_code = VOUCHERS[method]
            excl, vat = split(line_list)[till_code]
            share = vat if amount == excl + vat else halves_up(amount * vat, excl + vat)
            add(account, CODES[till_code], share - amount, -share)
    return {where: sums for where, sums in totals.items() if sums != (0, 0)}
