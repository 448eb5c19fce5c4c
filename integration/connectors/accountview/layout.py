"""Which column of a table holds what in this installation: our names and its columns, both ways."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Literal

from integration.connectors.accountview.answers import SYSTEM
from integration.connectors.accountview.codec.values import Cell, Column, Row, value_of
from integration.core.errors import RejectedError
from integration.core.records import Value

_LETTERS: Mapping[str, Literal["C", "N", "I", "L", "T"]] = {
    "C": "C", "M": "C", "N": "N", "Y": "N", "B": "N", "I": "I", "L": "L", "D": "T", "T": "T",
}  # fmt: skip
_SENT_THOUGH_BLOCKED = frozenset({"daybook"})
"""The dictionary blocks them, and public clients write them all the same."""

NUMBERED = frozenset({"number", "order_number", "invoice_number", "page", "changed"})
"""What AccountView fills itself."""


@dataclass(frozen=True, slots=True)
class Layout:
    """One table. `names` are our names with their columns as configured; `columns` what the dictionary has."""

    table: str
    names: Mapping[str, str]
    columns: Mapping[str, Column]

    def has(self, name: str) -> bool:
        """Tell whether this installation has such a field."""
        return self.names.get(name) in self.columns

    def column(self, name: str) -> Column:
        """Return the column behind one of our names. Raises RejectedError when there is none."""
        found = self.columns.get(self.names.get(name, ""))
        if found is None:
            raise RejectedError("field_unknown", system=SYSTEM, field=self.names.get(name) or name)
        return found

    def wire(self, *names: str) -> tuple[str, ...]:
        """Return the columns behind these names, as far as there are any."""
        return tuple(self.names[name] for name in names if self.has(name))

    def known(self) -> dict[str, str]:
        """Return our names of the columns that there are."""
        return {name: column for name, column in self.names.items() if column in self.columns}

    def text(self, row: Row, name: str) -> str:
        """Return one value of a row as text; empty when there is none."""
        column = self.names.get(name, "")
        value = value_of(self.columns[column], row.get(column)) if column in self.columns else None
        return "" if value is None else str(value)

    def stored(self, name: str, values: Iterable[str]) -> set[str]:
        """Return texts as the column keeps them: a comparison may mind capitals."""
        column = self.columns.get(self.names.get(name, ""))
        return {value.upper() if column is not None and column.upper else value for value in values}

    def decoded(self, row: Row, wanted: Mapping[str, Value]) -> dict[str, Value]:
        """Return what a row says under our names, as the wanted values spell it where that means the same."""
        return {
            name: as_wanted(self.columns[column], value_of(self.columns[column], row[column]), wanted.get(name))
            for name, column in self.known().items()
            if column in row
        }

    def encoded(self, values: Mapping[str, Value], *, creating: bool = True) -> dict[str, Cell]:
        """Return what has to be written for these values; what is empty is left out of a new record.

        Raises RejectedError for what this installation has no field for, and for what the field cannot hold.
        """
        cells = {}
        for name, value in values.items():
            if value in (None, "") and creating:
                continue
            column = self.column(name)
            if name in NUMBERED or (column.blocked and name not in _SENT_THOUGH_BLOCKED):
                raise RejectedError("field_unknown", system=SYSTEM, field=column.name)
            cells[column.name] = _cell(name, column, value)
        return cells

    def expect_required(self, cells: Mapping[str, Cell]) -> None:
        """Raise RejectedError when a new record leaves a field empty that it must have."""
        for name, column in self.known().items():
            if self.columns[column].required and column not in cells and name not in NUMBERED:
                raise RejectedError("required_field_empty", system=SYSTEM, field=name)


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


def _cell(name: str, column: Column, value: Value) -> Cell:
    letter = _LETTERS.get(column.type, "C")
    match letter:
        case "C":
            return Cell(letter, _text(name, column, value))
        case "N" | "I":
            if value in (None, ""):
                return Cell(letter, Decimal(0))  # a number is never empty in this database
            number = value if isinstance(value, Decimal) else _number(str(value))
            if number is None or not number.is_finite():
                raise RejectedError("request_refused", system=SYSTEM, field=name, message=f"no number: {value}")
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
