"""Translates between AccountView's rows and our records. Wire types and wire formats occur only here.

Texts are padded with blanks, timestamps come in three shapes and without a reliable time zone, a number is never empty,
and written rows are positional, beside a list of their columns.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Literal

from integration.connectors.accountview.settings import SYSTEM, BusinessObject
from integration.connectors.protocol import DictionaryColumn
from integration.core.errors import MalformedAnswerError, RejectedError
from integration.core.money import amount, number_in_text
from integration.core.records import Field, FieldType, Kind, Value, WrongValueError

# ---- single values


Row = Mapping[str, object]  # one row from the client: upper-case column names, numbers as int or Decimal
DocumentRows = tuple[Row, list[Row]]  # the header and the lines of a document

PRICE_PLACES = 4  # the dictionary's currency type Y has four decimals
TOO_LARGE = 10**15  # larger numbers cannot be real quantities or amounts
LONGEST_SHOWN = 40  # characters shown of an unreadable value
OTHER_PLACES = 6  # numbers of unknown meaning keep more decimals than the wire has

_NUMBER = re.compile(r"[+-]?(?:\d{1,20}(?:\.\d{0,20})?|\.\d{1,20})", re.ASCII)
_STAMP = re.compile(
    r"(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2})(?::(\d{2})(?:\.\d+)?)?)?(?: ?(?:Z|[+-]\d{2}:?\d{2}))?", re.ASCII
)
_EMPTY_YEARS = ("0000", "0001", "1899")  # years in empty dates of the database
_WORDS_FOR_TRUE = frozenset({"true", ".t.", "t", "1", "ja", "yes", "j", "y", "waar"})
_WORDS_FOR_FALSE = frozenset({"false", ".f.", "f", "0", "nee", "no", "n", "onwaar", "none"})


class RepeatedColumn(list[object]):
    """The values of a column that one row has more than once, in whatever case; none of them is reliable."""

    def __init__(self, name: str, values: Iterable[object]) -> None:
        super().__init__(values)
        self.name = name

    def error(self) -> MalformedAnswerError:
        """Return the error for a reader that cannot park a single record."""
        return MalformedAnswerError("column_repeated", system=SYSTEM, field=self.name)

    def as_wrong_value(self) -> WrongValueError:
        """Return the error for a reader that parks the record, with all values."""
        return WrongValueError(self.name, ", ".join(map(str, self))[:LONGEST_SHOWN])


def with_unique_columns(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    """Return an object of these names and values; a name that occurs more than once holds a RepeatedColumn."""
    unique = dict(pairs)
    if len(unique) != len(pairs):
        for name, times in Counter(name for name, _ in pairs).items():
            if times > 1:
                unique[name] = RepeatedColumn(name, (value for other, value in pairs if other == name))
    return unique


def require_unique_columns(row: Row) -> None:
    """Raise WrongValueError for a row that has a column more than once."""
    for value in row.values():
        if isinstance(value, RepeatedColumn):
            raise value.as_wrong_value()


def has_unique_columns(row: Row) -> bool:
    """Return True if a row has each of its columns once."""
    return not any(isinstance(value, RepeatedColumn) for value in row.values())


def text_or_none(value: object) -> str | None:
    """Return a text without its padding, or None when it is empty or absent.

    Like all readers of single values, raises MalformedAnswerError for a column that its row has more than once.
    """
    if isinstance(value, str):
        return value.rstrip() or None
    if isinstance(value, RepeatedColumn):
        raise value.error()
    if value is None or isinstance(value, bool | list | dict):
        return None
    return str(value).rstrip() or None


def key_text(value: object) -> str:
    """Return the text of a key column, or an empty text if the record cannot be identified.

    That is so without a value, and if the row has the column more than once.
    """
    return "" if isinstance(value, RepeatedColumn) else text_or_none(value) or ""


def is_blank(value: object) -> bool:
    """Return True for a text without characters other than blanks."""
    return isinstance(value, str) and not value.strip()


def has_hidden_signs(value: object) -> bool:
    """Return True if a code has a leading blank, or an invisible character.

    Invisible are control characters, non-breaking and zero-width spaces. Trailing blanks are the database's padding.
    """
    if not isinstance(value, str):
        return False
    code = value.rstrip(" ")
    return code[:1] == " " or not code.isprintable()


def without_hidden_signs(value: str) -> str:
    """Return a code without the characters that `has_hidden_signs` finds."""
    return "".join(sign for sign in value if sign.isprintable()).strip(" ")


def number_or_none(value: object, places: int) -> Decimal | None:
    """Return a number, or None when it is empty, absent or not a number. Zero is a number.

    An ambiguous text such as 1.234 is not a number.
    """
    if isinstance(value, RepeatedColumn):
        raise value.error()
    if value is None or isinstance(value, bool) or str(value).strip() == "":
        return None
    try:
        return amount(number_in_text(value) if isinstance(value, str) else value, places)
    except ValueError:
        return None


def decode_flag(value: object) -> bool | None:
    """Return a flag, or None for an unknown word or a blank text; absent is False.

    Clients have seen JSON booleans and words. An empty logical value is `false` and not a blank text.
    """
    if isinstance(value, RepeatedColumn):
        raise value.error()
    word = str(value).strip().lower()
    return word in _WORDS_FOR_TRUE if word in _WORDS_FOR_TRUE | _WORDS_FOR_FALSE else None


def stamp(value: object) -> str | None:
    """Return a timestamp in the system's own local time, sortable: `2025-03-10T16:02:44`; None when empty.

    Three shapes occur: with zone, without, and the date alone. No zone is converted, because none is reliable.
    """
    if isinstance(value, RepeatedColumn):
        raise value.error()
    match = _STAMP.fullmatch(str(value or "").strip())
    if match is None or match[1] < "1900":
        return None
    return f"{match[1]}T{match[2] or '00:00'}:{match[3] or '00'}"


def calendar_day(value: object) -> date | None:
    """Return the date of a date or timestamp, or None."""
    moment = stamp(value)
    try:
        return date.fromisoformat(moment[:10]) if moment else None
    except ValueError:
        return None


def is_date(value: object) -> bool:
    """Return True for a value that is meant as a date, readable or not; False for the database's empty dates."""
    text = str(value or "").strip()
    match = _STAMP.fullmatch(text)
    return match[1][:4] not in _EMPTY_YEARS if match else re.search(r"[^\W0_]", text) is not None


def literal(moment: datetime) -> str:
    """Return a timestamp for a filter: a strict date literal of Visual FoxPro in braces."""
    return f"{{^{moment:%Y-%m-%d %H:%M:%S}}}"


def by_type(value: object) -> Value:
    """Return a value of unknown meaning, converted by the type it came in."""
    if isinstance(value, str):
        return value.rstrip() or None
    if isinstance(value, bool):
        return value
    if isinstance(value, int) and abs(value) < TOO_LARGE:
        return amount(value, 0)
    if isinstance(value, Decimal) and value.is_finite() and abs(value) < TOO_LARGE:
        return amount(value, min(OTHER_PLACES, max(0, -int(value.as_tuple().exponent))))
    return text_or_none(value)


# ---- columns, as the data dictionary describes them


_TYPES = {
    "C": FieldType.TEXT, "M": FieldType.TEXT, "N": FieldType.NUMBER, "B": FieldType.NUMBER, "I": FieldType.NUMBER,
    "Y": FieldType.MONEY, "L": FieldType.FLAG, "D": FieldType.DATE, "T": FieldType.DATE,
}  # fmt: skip


TEXTS = frozenset("CM")  # letters of text columns
NUMBERS = frozenset("YNBI")  # letters of number columns; a number is never empty in this database


def decode_column(row: Row) -> DictionaryColumn:
    """Return one row of the data dictionary. An unreadable flag counts as False.

    If such a flag does restrict a field, AccountView itself refuses the field when it is written.
    """
    length = number_or_none(row.get("FIELD_LEN"), 0)
    name = (text_or_none(row.get("FIELD_NAME")) or "").upper()
    return DictionaryColumn(
        name=name,
        caption=text_or_none(row.get("FLD_DESC")) or name,
        type=(text_or_none(row.get("FIELD_TYPE")) or "C").upper()[:1],
        length=int(length) if length else None,
        upper="!" in (text_or_none(row.get("FLD_FMT")) or ""),
        custom=decode_flag(row.get("REC_CUST")) is True,
        required=decode_flag(row.get("INP_MAND")) is True,
        blocked=decode_flag(row.get("COM_BLK")) is True,
    )


def merged_column(columns: Sequence[DictionaryColumn]) -> DictionaryColumn:
    """Return the column that several rows of the dictionary describe; without a type if they contradict each other."""
    first, *others = columns
    different = [column for column in others if column.rules != first.rules]
    both = " / ".join(f"{column.type} {column.length or ''}".strip() for column in (first, *different))
    return replace(first, type="", contradiction=both) if different else first


def typed_value(column: DictionaryColumn, value: object) -> Value:
    """Return a value converted by the type that the dictionary gives its column.

    Raises WrongValueError if the value does not fit the type.
    """
    if isinstance(value, list | dict) or (isinstance(value, bool) and column.type != "L"):
        raise WrongValueError(column.name, str(value)[:LONGEST_SHOWN])
    match column.type:
        case "Y":
            return _require_parsed(column.name, value, number_or_none(value, PRICE_PLACES))
        case "N" | "B" | "I":
            if isinstance(value, int | Decimal):
                return by_type(value)
            return _require_parsed(column.name, value, number_or_none(value, OTHER_PLACES))
        case "L":
            return _require_parsed(column.name, value, decode_flag(value))
        case "D" | "T":
            day = calendar_day(value)
            return _require_parsed(column.name, value, day) if day is None and is_date(value) else day
        case _:
            require_text(column, value)
            return text_or_none(value)


def require_text(column: DictionaryColumn, value: object) -> None:
    """Raise WrongValueError for a number in a text column: a number has lost leading zeros, such as those of a code."""
    if column.type in TEXTS and isinstance(value, int | Decimal):
        raise WrongValueError(column.name, str(value)[:LONGEST_SHOWN])


def _require_parsed(column: str, raw_value: object, value: Value) -> Value:
    """Return the parsed value. Raises WrongValueError if parsing gave None for a value that is not empty."""
    if value is None and raw_value not in (None, True, False) and str(raw_value).strip():
        raise WrongValueError(column, str(raw_value)[:LONGEST_SHOWN])
    return value


def offered_fields(kind: Kind, columns: Sequence[DictionaryColumn], names: Mapping[str, str]) -> list[Field]:
    """Return the fields of a kind that a mapping may use: our own names first, then every other column."""
    by_name = {column.name: column for column in columns}
    ours = [_field(kind, name, by_name[column]) for name, column in names.items() if column in by_name]
    named_columns = set(names.values())
    return ours + [_field(kind, column.name, column) for column in columns if column.name not in named_columns]


def _field(kind: Kind, name: str, column: DictionaryColumn) -> Field:
    guess = FieldType.CODE if column.type == "C" and column.upper else _TYPES.get(column.type, FieldType.TEXT)
    kind_of = FieldType.MONEY if name == "price" else FieldType.CODE if name in {"code", "group", "vat_code"} else guess
    return Field(
        name=name,
        caption=column.caption,
        type=kind_of,
        kind=kind,
        length=column.length if column.type == "C" else None,
        wire=column.name,
        custom=column.custom,
    )


# ---- values to write to a column


_LETTERS: Mapping[str, Literal["C", "N", "I", "L", "T"]] = {
    "C": "C", "M": "C", "N": "N", "Y": "N", "B": "N", "I": "I", "L": "L", "D": "T", "T": "T",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Cell:
    """One value to write, with the letter of its type: C text, N number, T timestamp, L flag, I integer."""

    type: str
    value: str | bool | int | Decimal | date | None


def equivalent_value(column: DictionaryColumn, current: Value, desired: Value) -> Value:
    """Return `desired` if the column stores it as `current`, otherwise `current`.

    A column may change capitals, padding and line ends, or store a number.
    """
    if not isinstance(desired, str) or current is None:
        return current
    if isinstance(current, Decimal):
        return desired if _decimal(desired) == current else current
    if not isinstance(current, str):
        return current
    current_text, desired_text = _lines(current), _lines(desired).rstrip()
    return (
        desired
        if current_text == desired_text or (column.upper and current_text.upper() == desired_text.upper())
        else current
    )


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _decimal(text: str) -> Decimal | None:
    """Return the number in a text; None if it is not a number, or has more digits than a column could hold."""
    digits = text.strip()
    return Decimal(digits) if _NUMBER.fullmatch(digits) else None


def cell_of(name: str, column: DictionaryColumn, value: Value) -> Cell:
    """Return the value as a cell for a column. Raises RejectedError, naming our field, if the column cannot hold it."""
    letter = _LETTERS.get(column.type, "C")
    match letter:
        case "C":
            return Cell(letter, _checked_text(name, column, value))
        case "N" | "I":
            if value in (None, ""):
                return Cell(letter, Decimal(0))  # a number is never empty in this database
            number = value if isinstance(value, Decimal) else _decimal(str(value))
            if number is None or not number.is_finite():
                raise RejectedError(
                    "request_refused", system=SYSTEM, field=name, message="reason_no_number", value=value
                )
            return Cell(letter, int(number) if letter == "I" else number)
        case "L":
            return Cell(letter, value is True)
        case "T":
            return Cell(letter, _calendar_day(value))


def _calendar_day(value: Value) -> date | None:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    return date.fromisoformat(str(value)[:10]) if value else None


def _checked_text(name: str, column: DictionaryColumn, value: Value) -> str:
    text = "" if value is None else str(value).rstrip()
    strange = "".join(sign for sign in text if not _is_storable(sign))
    if strange:
        raise RejectedError("characters_not_supported", system=SYSTEM, field=name, value=strange)
    if column.type == "C" and column.length and len(text) > column.length:
        code = "email_too_long" if name == "email" else "field_too_long"
        raise RejectedError(code, system=SYSTEM, field=name, length=len(text), limit=column.length)
    return text


def _is_storable(sign: str) -> bool:
    """Return True if the database can store the character: its encoding is Windows-1252."""
    try:
        sign.encode("cp1252")
    except UnicodeEncodeError:
        return False
    return True


# ---- the body of a write


@dataclass(frozen=True, slots=True)
class Body:
    """The content of one write: a header row, and detail rows by table."""

    header: Mapping[str, Cell]
    details: Mapping[str, Sequence[Mapping[str, Cell]]] = field(default_factory=dict)


def encode_body(of: BusinessObject, body: Body, book_date: date) -> dict[str, object]:
    """Return the body of a create or an update: a list of columns, and rows of values in the same order."""
    table: dict[str, object] = {"Definition": _definition(of.table, ["RowId"], body.header)}
    data: dict[str, object] = {"Data": {"Rows": [{"Values": ["1", *_values(body.header, body.header)]}]}}
    details = {name: rows for name, rows in body.details.items() if rows}
    if details:  # the n-th list of detail rows belongs to the n-th definition
        table["DetailDefinitions"] = [
            _definition(name, ["RowId", "HeaderId"], _columns(rows)) for name, rows in details.items()
        ]
        data["DetailData"] = [{"Rows": _detail_rows(rows)} for rows in details.values()]
    return {"BookDate": _moment(book_date), "BusinessObject": of.code, "Table": table, "TableData": data}


def _columns(rows: Sequence[Mapping[str, Cell]]) -> dict[str, Cell]:
    """Return every column that some row has, because all rows of a table share one list of columns."""
    return {name: cell for row in reversed(rows) for name, cell in row.items()}


def _detail_rows(rows: Sequence[Mapping[str, Cell]]) -> list[dict[str, object]]:
    columns = _columns(rows)
    return [{"Values": [str(place), "1", *_values(columns, row)]} for place, row in enumerate(rows, start=1)]


def _definition(table: str, pseudo: Sequence[str], columns: Mapping[str, Cell]) -> dict[str, object]:
    fields = [{"Name": name, "FieldType": "C"} for name in pseudo]
    return {
        "Name": table,
        "Fields": fields + [{"Name": name, "FieldType": cell.type} for name, cell in columns.items()],
    }


def _values(columns: Mapping[str, Cell], row: Mapping[str, Cell]) -> list[object]:
    return [_wire(row[name].value) if name in row else None for name in columns]


def _wire(value: object) -> object:
    match value:
        case "":
            return None  # an empty text is refused in a column that points to another table
        case date():
            return _moment(value)
        case Decimal():
            return float(value)  # JSON numbers; shortest text, so 19.99 is sent as 19.99
        case _:
            return value


def _moment(value: date) -> str:
    """Return a date or timestamp with time and Z, as the API requires; AccountView uses only the calendar day."""
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.000Z"
    return f"{value:%Y-%m-%d}T00:00:00.000Z"
