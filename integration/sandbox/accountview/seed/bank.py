"""Bank entries on the clearing account of cards: payouts of the till's takings with fees, a missing one, a difference.

Bank pages have numbers of their own, so that they do not change the numbers of pages that are written later.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from itertools import groupby
from typing import Final

from integration.sandbox.accountview.conventions import Value
from integration.sandbox.accountview.tables import STAMP, Table

BANK_DAYBOOK: Final = "200"
CARDS: Final = "1010"
BANK_COSTS: Final = "4520"
FEE: Final = {2: Decimal("0.01"), 3: Decimal("0.01")}  # withheld from payouts, by branch
MISSING_BRANCH, MISSING_DAYS = 3, 8  # the last payout of this branch, at least so many days ago, does not come
SHORT_BRANCH, SHORT_DAYS = 2, 12  # and that of this branch is too low
SHORT: Final = Decimal("0.05")
_CENT: Final = Decimal("0.01")
_SATURDAY: Final = 5


@dataclass(frozen=True, slots=True)
class CardTaking:
    """Amount that a branch took by card on a day."""

    date: date
    branch: int
    amount: Decimal


@dataclass(frozen=True, slots=True)
class BankEntry:
    """A page of the bank's daybook that credits the clearing account; the contra account is the bank or its costs."""

    date: date
    text: str
    amount: Decimal
    is_cost: bool = False


def load_bank(tables: Mapping[str, Table], takings: Sequence[CardTaking], today: date) -> None:
    """Add the bank's pages with their lines to tables that have no page of the bank."""
    entries = list(bank_entries(takings, today))
    tables["DJ_PAGE"].load(_page(number, entry) for number, entry in enumerate(entries, start=1))
    tables["DJ_LINE"].load(line for number, entry in enumerate(entries, start=1) for line in _lines(number, entry))


def bank_entries(takings: Sequence[CardTaking], today: date) -> list[BankEntry]:
    """Return all entries before `today`, oldest first.

    A branch is paid on the next working day; Friday to Sunday are paid together. The bank invoices the fees of
    a week on the next Monday.
    """
    fees: dict[date, Decimal] = {}
    entries = []
    for branch, gross_by_day in _payouts(takings, today).items():
        days = sorted(gross_by_day)
        missing = _last(days, today, MISSING_DAYS) if branch == MISSING_BRANCH else None
        short = _last(days, today, SHORT_DAYS) if branch == SHORT_BRANCH else None
        for day in days:
            if day == missing:
                continue
            gross = gross_by_day[day]
            withheld = _cents(gross * (SHORT if day == short else FEE.get(branch, Decimal(0))))
            entries.append(BankEntry(day, f"Uitbetaling pin filiaal {branch}", gross - withheld))
            if withheld and day != short:
                monday = day + timedelta(days=7 - day.weekday())
                fees[monday] = fees.get(monday, Decimal(0)) + withheld
    entries += [BankEntry(day, "Kosten pin", fee, is_cost=True) for day, fee in fees.items() if day < today]
    return sorted(entries, key=lambda bank_entry: (bank_entry.date, bank_entry.text))


def _payouts(takings: Sequence[CardTaking], today: date) -> dict[int, dict[date, Decimal]]:
    """Return the gross payouts by branch and day. A negative amount is set off against the next payout."""
    payouts: dict[int, dict[date, Decimal]] = {}
    by_place = sorted(takings, key=lambda taking: (taking.branch, taking.date))
    for branch, branch_takings in groupby(by_place, key=lambda taking: taking.branch):
        paid, rest = payouts.setdefault(branch, {}), Decimal(0)
        for day, of_day in groupby(
            branch_takings, key=lambda taking: _first_working_day(taking.date + timedelta(days=1))
        ):
            rest += sum((taking.amount for taking in of_day), Decimal(0))
            if rest > 0 and day < today:
                paid[day], rest = rest, Decimal(0)
    return payouts


def _last(days: Sequence[date], today: date, days_ago: int) -> date | None:
    return max((day for day in days if day <= today - timedelta(days=days_ago)), default=None)


def _first_working_day(day: date) -> date:
    return day + timedelta(days=7 - day.weekday() if day.weekday() >= _SATURDAY else 0)


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(_CENT, ROUND_HALF_UP)


def _number(number: int, day: date) -> str:
    return f"0{day.year % 100}{number:04}"  # sorts before the pages of all other daybooks


def _page(number: int, entry: BankEntry) -> Mapping[str, Value]:
    return {
        "DJ_CODE": BANK_DAYBOOK,
        "PAGE_NR": _number(number, entry.date),
        "HDR_DESC": entry.text,
        "TRN_DATE": _stamp(entry.date, time()),
        "PERIOD": Decimal(entry.date.month),
        "CUR_CODE": "EUR",
        "PAGE_AMT": Decimal(0) if entry.is_cost else entry.amount,
        "PAGE_VAT": Decimal(0),
        "CNG_DATE": _stamp(entry.date, time(10)),
        "CNG_NR": Decimal(1),
    }


def _lines(number: int, entry: BankEntry) -> Iterator[Mapping[str, Value]]:
    accounts = [(CARDS, entry.amount), *([(BANK_COSTS, -entry.amount)] if entry.is_cost else [])]
    for place, (account, amount) in enumerate(accounts):
        yield {
            "REC_ID": f"B{2 * number + place:05}",
            "DJ_CODE": BANK_DAYBOOK,
            "PAGE_NR": _number(number, entry.date),
            "ACCT_NR": account,
            "TRN_DESC": entry.text,
            "AMOUNT": amount,
            "TRN_DATE": _stamp(entry.date, time()),
        }


def _stamp(day: date, at: time) -> str:
    return datetime.combine(day, at).strftime(STAMP)
