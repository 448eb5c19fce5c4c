"""Ledger entries of the books, and the lines of a page as they reach the ledger."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from integration.core.days.books import DayBooks, DayLine
from integration.core.days.till import till_amount, till_text, total
from integration.core.records import Record
from integration.core.totals.sold import NOTHING


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One entry of the books: the amount that a page posts to an account. It is posted once it is in the ledger."""

    date: date | None
    account: str
    amount: Decimal
    page: str  # with its daybook: 600/2600412
    reference: str = ""
    vat_code: str = ""
    vat: Decimal = NOTHING
    text: str = ""
    posted: bool = True
    by: str = ""


def entry_of_row(record: Record) -> LedgerEntry:
    """Return the ledger entry of a record of the books."""
    values = record.values
    day = values.get("date")
    return LedgerEntry(
        date=day if isinstance(day, date) else None,
        account=till_text(values, "account"),
        amount=till_amount(values, "amount"),
        page=f"{till_text(values, 'daybook')}/{till_text(values, 'page')}",
        reference=till_text(values, "reference"),
        vat_code=till_text(values, "vat_code"),
        vat=till_amount(values, "vat"),
        text=till_text(values, "text"),
        posted=values.get("posted") is not False,
        by=till_text(values, "changed_by"),
    )


def as_posted(lines: Sequence[DayLine], books: DayBooks) -> Sequence[DayLine]:
    """Return lines as they reach the ledger: a cash daybook reverses their signs and adds its own account."""
    if books.mode != "cash":
        return lines
    turned = [replace(line, amount=-line.amount, vat=-line.vat) for line in lines]
    return [*turned, DayLine(books.drawer_account, "", -total(line.gross_amount for line in turned), about="drawer")]
