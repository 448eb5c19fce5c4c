"""Exports tables as Excel files, and as CSV in the format of a language."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal

from integration import words
from integration.core.authorization import requires
from integration.core.people import Right
from integration.core.untrusted_text import csv_text
from integration.sheets.listing import Cell, listing_of

SEPARATORS = {"en": ",", "nl": ";", "de": ";"}  # the separators that spreadsheets of these countries expect
BYTE_ORDER_MARK = "\ufeff"  # without it a spreadsheet assumes another character encoding


class TableExport:
    """Table exports with a check of the right to export. `file` is the name of the file, for the audit log."""

    @requires(Right.EXPORT)
    def excel(self, file: str, columns: Sequence[str], rows: Sequence[Sequence[Cell]]) -> bytes:
        """Return a table as an Excel file."""
        return listing_of(file.rpartition(".")[0], columns, rows)

    @requires(Right.EXPORT)
    def readable(self, file: str, columns: Sequence[str], rows: Sequence[Sequence[Cell]], language: str) -> bytes:
        """Return a table as CSV for people: numbers, dates and times in the format of their language."""
        del file
        lines = ([_file_value(value, language) for value in row] for row in rows)
        decimal = words.typed_number(Decimal("0.1"), language)[1]
        return (BYTE_ORDER_MARK + csv_text(columns, lines, SEPARATORS[language], decimal)).encode()

    @requires(Right.EXPORT)
    def for_programs(self, file: str, content: str | bytes) -> str | bytes:
        """Return the content unchanged, for programs."""
        del file
        return content


def _file_value(value: Cell, language: str) -> Cell:
    """Return a value as the file shows it: words for booleans, dates and times in the format of the language."""
    match value:
        case bool():
            return words.term("yes" if value else "no", language)
        case Decimal() if not value.is_finite():
            return str(value)
        case float():
            return Decimal(str(value)) if value == value else None  # noqa: PLR0124 - NaN
        case datetime():
            return f"{words.table_day(value, language)} {value:%H:%M:%S}"
        case date():
            return words.table_day(value, language)
        case _:
            return value
