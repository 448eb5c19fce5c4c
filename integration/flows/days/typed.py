"""Whether somebody typed a day in the books already: before it is booked beside that, a person says what it is."""

from collections.abc import Callable, Collection, Sequence
from datetime import date

from integration.core.days.alike import pages_alike
from integration.core.days.books import DayBooks, DayLine
from integration.core.days.documents import documents_of
from integration.core.days.entries import LedgerEntry, as_posted
from integration.core.days.till import till_day
from integration.core.issues import Skip
from integration.core.money import amount
from integration.core.records import Record
from integration.core.rules import as_text
from integration.flows.day_pages import reference
from integration.flows.days.pages import day_title
from integration.flows.deciding import DECISION, KEEP, decided, decision_mark
from integration.flows.settings import RecordRejected

BOOK = "book"
TYPED = (KEEP, BOOK)  # it is that page, or something else

# The rows of the books on some days, of pages that neither this console wrote nor the bank; none where they cannot say.
AskTyped = Callable[[Collection[date]], Sequence[LedgerEntry]]


def nothing_typed(days: Collection[date]) -> Sequence[LedgerEntry]:
    """Return that nobody typed anything."""
    del days
    return ()


def expect_not_typed(
    record: Record, page: Record, lines: Sequence[DayLine], entries: Sequence[LedgerEntry], books: DayBooks
) -> Skip | None:
    """Return that a day is not booked because a person said that it is in the books; None where nothing speaks for it.

    `page` is what it would be booked as, with its `lines`; `entries` are the rows of the days around it. A document
    that is booked by itself is no part of it. Raises RecordRejected while a page looks like the day and nobody has said
    what it is.
    """
    sold = page.values.get("sold")
    documents = [one for one in documents_of(till_day(record)) if isinstance(sold, tuple) and one.record.key in sold]
    own = _beginning(record)
    known = {one.page for one in entries if own and one.reference.startswith(own)}
    found = list(pages_alike(documents, as_posted(lines, books), entries, known))
    if not found:
        return None
    pages = ", ".join(one.page for one in found)
    mark = decision_mark(record, "+".join(one.page.replace(" ", "") for one in found))
    title = day_title(record)
    option = decided(record, mark, TYPED).option
    if option == BOOK:
        return None
    if option == KEEP:
        return Skip("day_kept_by_hand", record.key, {"key": title, "document": title, "page": pages})
    size = str(amount(max(abs(one.amount) for one in found)))
    raise RecordRejected("day_booked_by_hand", DECISION, document=title, page=pages, amount=size, mark=mark)


def _beginning(record: Record) -> str:
    """Return how the references of all pages of a day begin: one of which no link is known is found by its own."""
    day = record.values.get("date")
    ours = reference(day, as_text(record.values.get("branch"))) if isinstance(day, date) else None
    return ours[:-2] if ours else ""
