"""What is posted: the amounts of a sale by VAT code and account, which carry their own VAT."""

from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

from integration.core.money import amount, from_cents, shared, to_cents
from integration.core.totals.booked import as_sold
from integration.core.totals.sold import Sale, SoldLine, basis_of
from integration.core.totals.vat import NOTHING, VatSum, summed

Account = TypeVar("Account", bound=Hashable)
"""What amounts are gathered by: whatever tells two accounts from each other."""


def posted(sale: Sale, accounts: Mapping[str, Account]) -> dict[tuple[str, Account | None], VatSum]:
    """Return what was sold by VAT code and account; per VAT code exactly the till's split.

    `accounts` are those of the lines, by key. Each starts from the totals of its own lines; what these miss of the
    split is shared out in whole cents in proportion to their size, the largest remainders first. A code without lines
    stands under None.
    """
    codes = dict.fromkeys([*sale.sold, *(line.vat_code for line in sale.lines)])
    shares = {(code, account): share for code in codes for account, share in _of_code(sale, code, accounts)}
    return {where: share for where, share in shares.items() if share}


def _of_code(sale: Sale, code: str, accounts: Mapping[str, Account]) -> list[tuple[Account | None, VatSum]]:
    """One VAT code's amounts by account."""
    sold = sale.sold.get(code, VatSum())
    lines = [line for line in sale.lines if line.vat_code == code]
    own = summed((accounts.get(line.key), _line_sum(line, sold, sale.method)) for line in lines) or {None: VatSum()}
    excl, vat = (
        [to_cents(each) for each in side] for side in zip(*((o.excl, o.vat) for o in own.values()), strict=True)
    )
    excl_shares = _filled(excl, to_cents(sold.excl), excl)
    vat_shares = _filled(vat, to_cents(sold.vat), vat if any(vat) else excl)
    return [
        (account, VatSum(from_cents(excl_share), from_cents(vat_share)))
        for account, excl_share, vat_share in zip(own, excl_shares, vat_shares, strict=True)
    ]


def _line_sum(line: SoldLine, sold: VatSum, method: str) -> VatSum:
    """A line's own total; what the till does not tell of it is taken in the proportion of its VAT code."""
    incl, excl = line.total("incl", method), line.total("excl", method)
    if incl is None and excl is None:
        made = as_sold(line, basis_of(method), {}, 2).amount
        incl, excl = (made, None) if basis_of(method) == "incl" else (None, made)
    if incl is not None and excl is not None:
        return VatSum(excl, incl - excl)
    if incl is not None:
        part = amount(incl * sold.excl / sold.incl) if sold.incl else incl
        return VatSum(part, incl - part)
    told = excl or NOTHING
    return VatSum(told, amount(told * sold.vat / sold.excl) if sold.excl else NOTHING)


def _filled(parts: Sequence[int], total: int, weights: Sequence[int]) -> list[int]:
    """The parts, with what they miss of a total shared out over them."""
    return [part + share for part, share in zip(parts, shared(total - sum(parts), weights), strict=True)]
