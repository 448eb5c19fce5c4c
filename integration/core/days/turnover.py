"""Turnover of a day per turnover group of the till and ledger account of the books."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from integration.core.totals.sold import NOTHING


@dataclass(frozen=True, slots=True)
class AccountTurnover:
    """Turnover without VAT of a turnover group on a ledger account; positive is a sale."""

    group: str
    name: str
    account: str
    amount: Decimal


def turnover_sums(parts: Iterable[AccountTurnover]) -> tuple[AccountTurnover, ...]:
    """Return one entry per group and account, sorted by both."""
    sums: dict[tuple[str, str], AccountTurnover] = {}
    for part in parts:
        before = sums.get((part.group, part.account))
        amount = part.amount + (before.amount if before else NOTHING)
        sums[part.group, part.account] = AccountTurnover(part.group, part.name, part.account, amount)
    return tuple(sums[key] for key in sorted(sums))
