"""Detects pages of others in the books that look like a day of the till or like one of its documents."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from integration.core.days.books import GOODS, DayLine
from integration.core.days.documents import DayDocument
from integration.core.days.entries import LedgerEntry
from integration.core.grouping import group_by_key, sum_by_key
from integration.core.totals.sold import NOTHING

FEWEST_ROWS = 2  # rows on accounts of the day: the sale and its payment
ACCOUNTS_ALIKE = 2  # accounts with the amount of the whole day; the largest amount alone is sufficient


class LookalikePage(NamedTuple):
    """A page with its daybook, the number of the document it looks like, its author and its date.

    `document` is empty if the page looks like the whole day. `amount` is the amount they share.
    """

    page: str
    document: str
    amount: Decimal
    by: str
    book_date: date | None


def totals_of(documents: Sequence[DayDocument]) -> dict[Decimal, str]:
    """Return the totals of the documents of a day, each with the number of the first document."""
    totals: dict[Decimal, str] = {}
    for document in documents:
        if document.total:
            totals.setdefault(document.total, document.number)
    return totals


def lookalike_pages(
    totals: Mapping[Decimal, str],
    expected: Sequence[DayLine],
    entries: Sequence[LedgerEntry],
    known_pages: Collection[str],
) -> Iterator[LookalikePage]:
    """Yield pages with rows on accounts of the day that match one of its documents or the whole day.

    `totals` are the document totals with their numbers, `expected` the lines of the day as they reach the ledger,
    `known_pages` the pages that are accounted for.
    """
    moved = sum_by_key((line.account, line.amount) for line in expected)
    day_accounts = {line.account for line in expected if line.about not in GOODS}
    largest = max((abs(amount) for account, amount in moved.items() if account in day_accounts), default=NOTHING)
    pages = group_by_key((row.page, row) for row in entries if row.page not in known_pages and row.account in moved)
    for page, rows in sorted(pages.items()):
        if len(rows) < FEWEST_ROWS:
            continue
        by = next((row.by for row in rows if row.by), "")
        if whole := _common_amount(rows, moved, largest):
            yield LookalikePage(page, "", whole, by, rows[0].date)
        elif matching_total := next((row.amount for row in rows if row.amount in totals), None):
            yield LookalikePage(page, totals[matching_total], matching_total, by, rows[0].date)


def _common_amount(rows: Sequence[LedgerEntry], moved: Mapping[str, Decimal], largest: Decimal) -> Decimal:
    """Return the largest amount that page and day both post to one account if they match, otherwise zero.

    `largest` is the largest amount of the day's takings, which a page without cost of sales has as well.
    """
    page_amounts = sum_by_key((row.account, row.amount) for row in rows)
    same = [abs(amount) for account, amount in page_amounts.items() if amount and amount == moved[account]]
    return max(same, default=NOTHING) if len(same) >= ACCOUNTS_ALIKE or largest in same else NOTHING
