"""Under which reference a document stands in the books: one scheme for all kinds, never cut, told apart for ever.

A posting has twelve characters for it, always all of them: a filter of the books may compare beginnings only.

    M R 6 01 02 01000
    | | | |  |  number
    | | | |  workplace, 00 where the till's number has none
    | | | branch, likewise
    | | year: 0 is 2020, 6 is 2026, A is 2030, Z is 2055
    | kind: I invoice, O order, R receipt; what credits one of these has the next letter, what is booked again others
    the first letter or digit of the prefix that is set, so that two consoles can share the books

Whoever knows the number of a receipt, 1.2.2026.1000, reads it in there. A number too large for its places goes on with
letters: after 99999 come A0000 to ZZZZZ, after branch 99 come A0 to ZZ.

The page of a closed day has a Z for its kind (`day_pages.py`), and the same first character.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from integration.core.records import Kind, Record
from integration.core.rules import as_text
from integration.flows.console_marks import DIGITS, console_mark, year_digit, year_of
from integration.flows.day_pages import parse_day_reference
from integration.flows.orders.settings import LONGEST_REFERENCE
from integration.flows.settings import BOOKS, RecordRejected

CREDIT_ENDING = "-C"  # of a reference with room for it
INVOICE = "I"  # before the number of an invoice that becomes a sales order: an order can have the same number
PLACES, NUMBERS = 2, 5  # characters of branch and workplace, and of the number

# Letters by kind: of the first booking and its credit, of the second and its credit, and so on. Z is that of days.
_LETTERS: Mapping[Kind, str] = {Kind.INVOICE: "IJABCDEF", Kind.ORDER: "OPGHKLMN", Kind.RECEIPT: "RSQTUVWY"}
_SIGNS: Mapping[str, tuple[Kind, int]] = {
    letter: (kind, place) for kind, letters in _LETTERS.items() for place, letter in enumerate(letters)
}
FIRST_BOOKING = 1
LAST_BOOKING = min(len(letters) for letters in _LETTERS.values()) // 2
_NUMBER = re.compile(r"(?:(\d+)\.(\d+)\.)?(\d{4})\.(\d+)", re.ASCII)
_PACKED = re.compile(r"([0-9A-Z])([A-Y])([0-9A-Z])([0-9A-Z]{2})([0-9A-Z]{2})([0-9A-Z]{5})")


@dataclass(frozen=True, slots=True)
class DocumentNumber:
    """The number of a document of the till; without branch and workplace where the till gives numbers for all."""

    kind: Kind
    year: int
    number: int
    branch: int = 0
    workplace: int = 0

    @classmethod
    def read(cls, kind: Kind, text: str) -> "DocumentNumber | None":
        """Return the number as the till tells it, such as 1.2.2026.118 or 2026.118; None for any other text."""
        found = _NUMBER.fullmatch(text)
        if found is None:
            return None
        branch, workplace, year, number = (int(each or 0) for each in found.groups())
        one = cls(kind, year, number, branch, workplace)
        return one if one.text == text else None  # 01.2.2026.0118 is another number than 1.2.2026.118

    @property
    def text(self) -> str:
        """The number as the till tells it."""
        where = (self.branch, self.workplace) if self.branch or self.workplace else ()
        return ".".join(map(str, (*where, self.year, self.number)))


def encode_reference(
    mark: str, number: DocumentNumber, booking: int = FIRST_BOOKING, *, credit: bool = False
) -> str | None:
    """Return the twelve characters of one booking of a document; None where their places have no room for it."""
    letter = _LETTERS.get(number.kind, "")[2 * (booking - 1) + credit :][:1]
    year = year_digit(number.year)
    places = (_written(number.branch, PLACES), _written(number.workplace, PLACES), _written(number.number, NUMBERS))
    full = not letter or year is None or None in places
    return None if full else "".join([mark, letter, year or "", *filter(None, places)])


@dataclass(frozen=True, slots=True)
class DecodedReference:
    """What a reference of twelve characters says: whose it is, and which booking of which document, or its credit."""

    mark: str
    number: DocumentNumber
    booking: int
    credit: bool


def parse_reference(reference: str) -> DecodedReference | None:
    """Return what a reference says; None for a text that is none of ours."""
    found = _PACKED.fullmatch(reference)
    if found is None:
        return None
    mark, letter, year, branch, workplace, number = found.groups()
    if letter not in _SIGNS:
        return None
    kind, place = _SIGNS[letter]
    read = DocumentNumber(kind, year_of(year), *map(_read, (number, branch, workplace)))
    one = DecodedReference(mark, read, place // 2 + 1, bool(place % 2))
    return one if encode_reference(mark, read, one.booking, credit=one.credit) == reference else None


def has_prefix(prefix: str, kind: Kind, reference: str) -> bool:
    """Tell whether a reference in the books begins as those of a console with this prefix do.

    The page of a day is none of these documents, whatever it begins with.
    """
    if kind is Kind.POSTING and parse_day_reference(reference) is not None:
        return False
    short = parse_reference(reference.upper()) if kind is Kind.POSTING else None
    if short is not None:
        return short.mark == console_mark(prefix)
    return bool(prefix) and reference.casefold().startswith(prefix.casefold())


# ---- the references of one document


@dataclass(frozen=True, slots=True)
class OrderReferences:
    """How documents are called in the books, as they are set to become one kind of document there."""

    kind: Kind  # in the books
    prefix: str

    def of(self, record: Record, booking: int = FIRST_BOOKING) -> str:
        """Return our reference of one booking of a document.

        Raises RecordRejected where it, or its credit's, would not fit.
        """
        known = self._known(record)
        field = f"{self.kind}.reference"
        if not known:
            raise RecordRejected("required_field_empty", field, field=field, system=BOOKS, document=record.key)
        number = DocumentNumber.read(record.kind, known) if self.kind is Kind.POSTING else None
        if number is not None and (short := encode_reference(console_mark(self.prefix), number, booking)):
            return short
        sign = INVOICE if self.kind is Kind.SALES_ORDER and record.kind is Kind.INVOICE else ""
        ending = f"-{booking}" if booking > FIRST_BOOKING else ""
        reference, limit = self.prefix + sign + known + ending, LONGEST_REFERENCE[self.kind] - len(CREDIT_ENDING)
        if len(reference) > limit:
            facts = {"field": field, "length": str(len(reference)), "limit": str(limit), "system": BOOKS}
            raise RecordRejected("field_too_long", field, **facts, document=known)
        return reference

    def _known(self, record: Record) -> str:
        return as_text(record.values.get("number")).strip() or as_text(record.values.get("external_id")).strip()


def of_credit(kind: Kind, reference: str) -> str | None:
    """Return the reference of what credits a document; None where there is none that fits: nothing is ever cut."""
    if (ours := parse_reference(reference)) is not None and kind is Kind.POSTING:
        return None if ours.credit else encode_reference(ours.mark, ours.number, ours.booking, credit=True)
    if len(reference + CREDIT_ENDING) <= LONGEST_REFERENCE.get(kind, len(reference)):
        return reference + CREDIT_ENDING
    return None


# ---- whole numbers in a fixed number of characters: decimal as long as that fits, then with a letter in front


def _written(number: int, width: int) -> str | None:
    """Return a number in so many characters; None where it does not fit."""
    if number < 10**width:
        return f"{number:0{width}}" if number >= 0 else None
    rest = number - 10**width + 10 * len(DIGITS) ** (width - 1)
    written = ""
    while rest:
        rest, digit = divmod(rest, len(DIGITS))
        written = DIGITS[digit] + written
    return written if len(written) == width else None


def _read(written: str) -> int:
    if written.isdecimal():
        return int(written)
    width = len(written)
    first, nines = int(f"A{'0' * (width - 1)}", len(DIGITS)), int("9" * width)  # A0000 follows 99999
    return int(written, len(DIGITS)) - first + nines + 1
