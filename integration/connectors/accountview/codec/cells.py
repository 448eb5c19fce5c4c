"""Values on their way into a column, as the column takes and keeps them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Literal

from integration.connectors.accountview.codec.columns import Column
from integration.connectors.accountview.settings import SYSTEM
from integration.core.errors import RejectedError
from integration.core.records import Value

_LETTERS: Mapping[str, Literal["C", "N", "I", "L", "T"]] = {
    "C": "C",
    "M": "C",
    "N": "N",
    "Y": "N",
    "B": "N",
    "I": "I",
    "L": "L",
    "D": "T",
    "T": "T",
}


@dataclass(frozen=True, slots=True)
class Cell:
    """One value to be written, with the letter of its type: C text, N number, T moment, L yes or no, I integer."""

    type: str
    value: str | bool | int | Decimal | date | None


def as_wanted(column: Column, held: Value, wanted: Value) -> Value:
    """Return the wanted value where the held one is only what the column makes of it: capitals, no blanks, a number."""
    if not isinstance(wanted, str) or held is None:
        return held
    if isinstance(held, Decimal):
        return wanted if _number(wanted) == held else held
    if not isinstance(held, str):
        return held
    kept, sent = _lines(held), _lines(wanted).rstrip()
    return wanted if kept == sent or (column.upper and kept.upper() == sent.upper()) else held


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _number(text: str) -> Decimal | None:
    try:
        return Decimal(text.strip())
    except InvalidOperation:
        return None


def cell_of(name: str, column: Column, value: Value) -> Cell:
    """Return the value for a column. Raises RejectedError, naming our field, for what the column cannot hold."""
    letter = _LETTERS.get(column.type, "C")
    match letter:
        case "C":
            return Cell(letter, _text(name, column, value))
        case "N" | "I":
            if value in (None, ""):
                return Cell(letter, Decimal(0))  # a number is never empty in this database
            number = value if isinstance(value, Decimal) else _number(str(value))
            if number is None or not number.is_finite():
                raise RejectedError(
                    "request_refused", system=SYSTEM, field=name, message="reason_no_number", value=value
                )
            return Cell(letter, int(number) if letter == "I" else number)
        case "L":
            return Cell(letter, value is True)
        case "T":
            return Cell(letter, _day(value))


def _day(value: Value) -> date | None:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    return date.fromisoformat(str(value)[:10]) if value else None


def _text(name: str, column: Column, value: Value) -> str:
    text = "" if value is None else str(value).rstrip()
    strange = "".join(sign for sign in text if not _storable(sign))
    if strange:
        raise RejectedError("characters_not_supported", system=SYSTEM, field=name, value=strange)
    if column.type == "C" and column.length and len(text) > column.length:
        code = "email_too_long" if name == "email" else "field_too_long"
        raise RejectedError(code, system=SYSTEM, field=name, length=len(text), limit=column.length)
    return text


def _storable(sign: str) -> bool:
    """Tell whether the database has the sign: it keeps Windows-1252."""
    try:
        sign.encode("cp1252")
    except UnicodeEncodeError:
        return False
    return True
