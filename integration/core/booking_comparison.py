"""Compares a booked document with the booking that would be made now, line by line and in money."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from difflib import SequenceMatcher
from itertools import zip_longest

from integration.core.issues import Issue
from integration.core.money import HUNDRED, amount
from integration.core.records import Kind, Record, Value, is_same_value
from integration.core.rules import as_text

HEADER = ("number", "date", "customer", "sold_excl", "sold_incl")
_LINE = ("quantity", "price", "discount_percent", "amount", "vat", "vat_code")
_NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True)
class DocumentVersions:
    """A document as last booked, and as it would be booked now; `now` is None if the document is cancelled.

    `issue` prevents booking it now. Such a comparison has only the header.
    """

    booked: Record
    now: Record | None
    issue: Issue | None = None


@dataclass(frozen=True, slots=True)
class FactPair:
    """One fact of the header on both sides."""

    name: str
    booked: Value
    now: Value

    @property
    def differs(self) -> bool:
        """True if the two sides have different values."""
        return not is_same_value(self.booked, self.now)


@dataclass(frozen=True, slots=True)
class LinePair:
    """One line on both sides. A side without this line is None."""

    booked: Record | None
    now: Record | None

    @property
    def difference(self) -> Decimal:
        """Amount of the line now minus the booked amount."""
        return line_amount(self.now) - line_amount(self.booked)

    @property
    def differs(self) -> bool:
        """True if the two sides have different values."""
        if self.booked is None or self.now is None:
            return True
        return any(not is_same_value(self.booked.values.get(name), self.now.values.get(name)) for name in _LINE)


@dataclass(frozen=True, slots=True)
class BookingComparison:
    """Comparison of both versions of a document by header fact and by line."""

    header: tuple[FactPair, ...]
    lines: tuple[LinePair, ...]
    difference: Decimal


def compare_versions(versions: DocumentVersions) -> BookingComparison:
    """Compare two versions of a document."""
    booked, now = versions.booked, versions.now
    current_values = now.values if now else {}
    header = tuple(FactPair(name, booked.values.get(name), current_values.get(name)) for name in HEADER)
    before, after = (values.get("sold_incl") for values in (booked.values, current_values))
    difference = (after if isinstance(after, Decimal) else _NOTHING) - (
        before if isinstance(before, Decimal) else _NOTHING
    )
    lines = () if versions.issue else tuple(_line_pairs(_lines(booked), _lines(now)))
    return BookingComparison(header, lines, difference)


def line_amount(line: Record | None) -> Decimal:
    """Return the amount of a line: the amount of a posting, or quantity times price after discount of an order line."""
    if line is None:
        return _NOTHING
    posted_amount, quantity, price, discount = (
        value if isinstance(value, Decimal) else None
        for value in map(line.values.get, ("amount", "quantity", "price", "discount_percent"))
    )
    if posted_amount is not None:
        return posted_amount
    if quantity is None or price is None:
        return _NOTHING
    return amount(quantity * price * (HUNDRED - (discount or _NOTHING)) / HUNDRED)


def line_name(line: Record) -> str:
    """Return the display name of a line: its article or account, and its text."""
    parts = (as_text(line.values.get(name)).strip() for name in ("article", "account", "text", "description"))
    return " · ".join(filter(None, parts))


def _lines(document: Record | None) -> list[Record]:
    return [part for part in document.parts if part.kind is Kind.LINE] if document else []


def _line_pairs(booked: Sequence[Record], now: Sequence[Record]) -> Iterator[LinePair]:
    """Yield the lines of both sides in order, and pair lines with the same name."""
    ours, theirs = ([line_name(line) for line in side] for side in (booked, now))
    for _, first, last, begin, end in SequenceMatcher(None, ours, theirs, autojunk=False).get_opcodes():
        for booked_line, current_line in zip_longest(booked[first:last], now[begin:end]):
            yield LinePair(booked_line, current_line)
