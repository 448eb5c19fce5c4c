"""What a day comes to now beyond what was booked of it: a booked page is never changed, its difference is a page."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal

from integration.core.days.books import DayLine
from integration.core.days.page import LONGEST_TEXT
from integration.core.days.till import optional_amount, till_amount, till_text
from integration.core.records import Kind, Record
from integration.core.totals.sold import NOTHING

_CORRECTION = "Correctie"  # a word of the books


def page_lines(page: Record) -> tuple[DayLine, ...]:
    """Return the lines of a page as it was written or as the books hold it."""
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


def same_postings(one: Record, other: Record) -> bool:
    """Tell whether two pages put the same on every account, whatever was paid by which method: books do not know."""
    first, second = (page_lines(page) for page in (one, other))
    return not difference(first, [replace(line, from_books=True) for line in second])


def difference(now: Sequence[DayLine], booked: Iterable[DayLine]) -> tuple[DayLine, ...]:
    """Return the lines that bring what was booked of a day to what it comes to now; nothing where both are the same.

    Lines that say the same of an account, VAT code, debtor and payment method are taken together, on either side; see
    `changed_lines` for where the method is not known.
    """
    return tuple(replace(one, text=f"{_CORRECTION} {one.text}"[:LONGEST_TEXT]) for one in changed_lines(now, booked))


def changed_lines(now: Sequence[DayLine], booked: Iterable[DayLine]) -> tuple[DayLine, ...]:
    """Return by how much each line of a day is more now than was booked of it, under the text it has.

    Where a line is known from the books alone, payment methods are not told apart: the books do not tell them.
    """
    there = tuple(booked)
    unclear = {one.books_key for one in there if one.from_books}
    off: dict[tuple[str, ...], DayLine] = {}
    for lines, sign in ((now, 1), (there, -1)):
        for one in lines:
            _add(off, replace(one, method="") if one.books_key in unclear else one, sign)
    return tuple(one for one in off.values() if _says(one))


def full_reversal(booked: Iterable[DayLine], now: Sequence[DayLine]) -> tuple[DayLine, ...]:
    """Return the lines that take back all that was booked of a day and book it anew, for one page."""
    return (*difference((), booked), *now)


def _add(off: dict[tuple[str, ...], DayLine], one: DayLine, sign: int) -> None:
    nothing = replace(one, amount=NOTHING, vat=NOTHING, vat_base=None, documents=(), from_books=False)
    first = off.get(one.key) or nothing
    base = _sum(first.vat_base, one.vat_base, sign)
    off[one.key] = replace(
        first,
        amount=first.amount + sign * one.amount,
        vat=first.vat + sign * one.vat,
        vat_base=base,
        documents=first.documents if sign < 0 else (*first.documents, *one.documents),
    )


def _sum(first: Decimal | None, more: Decimal | None, sign: int) -> Decimal | None:
    return first if more is None else (first or NOTHING) + sign * more


def _says(one: DayLine) -> bool:
    return bool(one.amount or one.vat)
