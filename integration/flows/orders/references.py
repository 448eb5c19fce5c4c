"""References of documents in the books: one scheme for all kinds, never truncated, and unique per booking.

The reference of a posting always has twelve characters, because a filter of the books may compare only beginnings.

    M R 6 01 02 01000
    | | | |  |  number
    | | | |  workplace, 00 if the till's number has none
    | | | branch, likewise
    | | year: 0 is 2020, 6 is 2026, A is 2030, Z is 2055
    | kind: I invoice, O order, R receipt; the next letter is the credit, further letters are later bookings
    the first letter or digit of the prefix setting, so that two consoles can share the books

The number of a receipt, such as 1.2.2026.1000, can be read from its reference. Larger numbers continue with letters:
after 99999 come A0000 to ZZZZZ, after branch 99 come A0 to ZZ.

The page of a closed day has Z as its kind (`day_pages.py`), and the same first character.
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

CREDIT_ENDING = "-C"  # of references that are not encoded
INVOICE = "I"  # precedes the number of an invoice where an order can become the same, since both can have one number
_OF_SEVERAL_KINDS = (Kind.SALES_ORDER, Kind.POSTING)
PLACES, NUMBERS = 2, 5  # widths of branch and workplace, and of the number

# Letters by kind: first booking, its credit, second booking, its credit, and so on. Z is reserved for days.
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
    """The number of a till document; without branch and workplace if the till numbers all of them together."""

    kind: Kind
    year: int
    number: int
    branch: int = 0
    workplace: int = 0

    @classmethod
    def read(cls, kind: Kind, text: str) -> "DocumentNumber | None":
        """Return the parsed number of the till, such as 1.2.2026.118 or 2026.118; None for any other text."""
        match = _NUMBER.fullmatch(text)
        if match is None:
            return None
        branch, workplace, year, number = (int(part or 0) for part in match.groups())
        parsed = cls(kind, year, number, branch, workplace)
        return parsed if parsed.text == text else None  # 01.2.2026.0118 is not the number 1.2.2026.118

    @property
    def text(self) -> str:
        """The number as the till writes it."""
        where = (self.branch, self.workplace) if self.branch or self.workplace else ()
        return ".".join(map(str, (*where, self.year, self.number)))


def encode_reference(
    mark: str, number: DocumentNumber, booking: int = FIRST_BOOKING, *, credit: bool = False
) -> str | None:
    """Return the twelve character reference of one booking of a document; None if the number does not fit."""
    letter = _LETTERS.get(number.kind, "")[2 * (booking - 1) + credit :][:1]
    year = year_digit(number.year)
    places = (
        _encode_number(number.branch, PLACES),
        _encode_number(number.workplace, PLACES),
        _encode_number(number.number, NUMBERS),
    )
    full = not letter or year is None or None in places
    return None if full else "".join([mark, letter, year or "", *filter(None, places)])


@dataclass(frozen=True, slots=True)
class DecodedReference:
    """The content of an encoded reference: the mark of the console, and the booking or credit of a document."""

    mark: str
    number: DocumentNumber
    booking: int
    credit: bool


def parse_reference(reference: str) -> DecodedReference | None:
    """Return the content of an encoded reference; None for any other text."""
    match = _PACKED.fullmatch(reference)
    if match is None:
        return None
    mark, letter, year, branch, workplace, number = match.groups()
    if letter not in _SIGNS:
        return None
    kind, place = _SIGNS[letter]
    document_number = DocumentNumber(kind, year_of(year), *map(_decode_number, (number, branch, workplace)))
    decoded = DecodedReference(mark, document_number, place // 2 + 1, bool(place % 2))
    return (
        decoded
        if encode_reference(mark, document_number, decoded.booking, credit=decoded.credit) == reference
        else None
    )


def has_prefix(prefix: str, kind: Kind, reference: str) -> bool:
    """Return True if a reference in the books has the prefix of this console.

    The page of a day is not a document, whatever its prefix.
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
    """Builds the references of documents of one target kind."""

    kind: Kind  # target kind
    prefix: str

    def reference_of(self, record: Record, booking: int = FIRST_BOOKING) -> str:
        """Return our reference of one booking of a document.

        Raises RecordRejected for a document without a number, and if the reference or that of its credit does not fit.
        An external id does not replace the number: it can equal the number or the external id of another document.
        """
        document_number = as_text(record.values.get("number")).strip()
        field = f"{self.kind}.reference"
        if not document_number:
            raise RecordRejected("required_field_empty", field, field=field, system=BOOKS.system, document=record.key)
        number = DocumentNumber.read(record.kind, document_number) if self.kind is Kind.POSTING else None
        if number is not None and (short := encode_reference(console_mark(self.prefix), number, booking)):
            return short
        sign = INVOICE if self.kind in _OF_SEVERAL_KINDS and record.kind is Kind.INVOICE else ""
        ending = f"-{booking}" if booking > FIRST_BOOKING else ""
        reference, limit = (
            self.prefix + sign + document_number + ending,
            LONGEST_REFERENCE[self.kind] - len(CREDIT_ENDING),
        )
        if len(reference) > limit:
            facts = {"field": field, "length": str(len(reference)), "limit": str(limit), "system": BOOKS.system}
            raise RecordRejected("field_too_long", field, **facts, document=document_number)
        return reference


def of_credit(kind: Kind, reference: str) -> str | None:
    """Return the reference of the credit of a document; None if none fits. References are never truncated."""
    if (ours := parse_reference(reference)) is not None and kind is Kind.POSTING:
        return None if ours.credit else encode_reference(ours.mark, ours.number, ours.booking, credit=True)
    if len(reference + CREDIT_ENDING) <= LONGEST_REFERENCE.get(kind, len(reference)):
        return reference + CREDIT_ENDING
    return None


# ---- whole numbers of fixed width: decimal as long as they fit, then with a leading letter


def _encode_number(number: int, width: int) -> str | None:
    """Return a number with a fixed width; None if it does not fit."""
    if number < 10**width:
        return f"{number:0{width}}" if number >= 0 else None
    rest = number - 10**width + 10 * len(DIGITS) ** (width - 1)
    text = ""
    while rest:
        rest, digit = divmod(rest, len(DIGITS))
        text = DIGITS[digit] + text
    return text if len(text) == width else None


def _decode_number(text: str) -> int:
    if text.isdecimal():
        return int(text)
    width = len(text)
    first, nines = int(f"A{'0' * (width - 1)}", len(DIGITS)), int("9" * width)  # A0000 follows 99999
    return int(text, len(DIGITS)) - first + nines + 1
