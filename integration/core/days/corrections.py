"""Corrections of a booked day: a booked page is never changed, so the difference becomes another page."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal

from integration.core.days.books import DayLine
from integration.core.days.page import LONGEST_TEXT
from integration.core.days.till import optional_amount, till_amount, till_text
from integration.core.records import Kind, Record
from integration.core.totals.sold import NOTHING

_CORRECTION = "Correctie"  # Dutch, because texts in the books are


def page_lines(page: Record) -> tuple[DayLine, ...]:
    """Return the lines of a page, as written or as read from the books."""
    return tuple(_line(part) for part in page.parts if part.kind is Kind.LINE)


def _line(part: Record) -> DayLine:
    values = part.values
    documents = values.get("documents")
    return DayLine(
        account=till_text(values, "account"),
        text=till_text(values, "text"),
        amount=till_amount(values, "amount"),
        vat_code=till_text(values, "vat_code"),
        vat=till_amount(values, "vat"),
        vat_base=optional_amount(values, "vat_base"),
        debtor=till_text(values, "debtor"),
        item=till_text(values, "item"),
        cost_centre=till_text(values, "cost_centre"),
        about=till_text(values, "about"),
        method=till_text(values, "method"),
        documents=documents if isinstance(documents, tuple) else (),
        from_books=not isinstance(documents, tuple),
    )


def same_postings(first_page: Record, second_page: Record) -> bool:
    """Return True if two pages post the same amounts to all accounts. Payment methods are not compared."""
    first, second = (page_lines(page) for page in (first_page, second_page))
    return not correction_lines(first, [replace(line, from_books=True) for line in second])


def correction_lines(now: Sequence[DayLine], booked: Iterable[DayLine]) -> tuple[DayLine, ...]:
    """Return the lines that correct the booked amounts of a day to the current ones; empty if there is no difference.

    Lines with the same account, VAT code, debtor and payment method are added up; see `changed_lines` for unknown
    payment methods.
    """
    return tuple(replace(line, text=f"{_CORRECTION} {line.text}"[:LONGEST_TEXT]) for line in changed_lines(now, booked))


def changed_lines(now: Sequence[DayLine], booked: Iterable[DayLine]) -> tuple[DayLine, ...]:
    """Return the current amount minus the booked amount of each line of a day, with the line's text.

    If a line comes only from the books, payment methods are not distinguished, because the books do not store them.
    """
    booked_lines = tuple(booked)
    unclear = {line.books_key for line in booked_lines if line.from_books}
    off: dict[tuple[str, ...], DayLine] = {}
    for lines, sign in ((now, 1), (booked_lines, -1)):
        for line in lines:
            _add_line(off, replace(line, method="") if line.books_key in unclear else line, sign)
    return tuple(line for line in off.values() if line.amount or line.vat)


def full_reversal(booked: Iterable[DayLine], now: Sequence[DayLine]) -> tuple[DayLine, ...]:
    """Return the lines that reverse all booked amounts of a day and book it again, for one page."""
    return (*correction_lines((), booked), *now)


def _add_line(off: dict[tuple[str, ...], DayLine], line: DayLine, sign: int) -> None:
    nothing = replace(line, amount=NOTHING, vat=NOTHING, vat_base=None, documents=(), from_books=False)
    first = off.get(line.key) or nothing
    base = _sum(first.vat_base, line.vat_base, sign)
    off[line.key] = replace(
        first,
        amount=first.amount + sign * line.amount,
        vat=first.vat + sign * line.vat,
        vat_base=base,
        documents=first.documents if sign < 0 else (*first.documents, *line.documents),
    )


def _sum(first: Decimal | None, more: Decimal | None, sign: int) -> Decimal | None:
    return first if more is None else (first or NOTHING) + sign * more
