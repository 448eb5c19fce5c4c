"""Writes a list as an Excel file: numbers and times are typed values, text is text, columns fit their contents."""

import io
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from integration.core.untrusted_text import visible
from integration.sheets.excel import SAFE, sheet_name

if TYPE_CHECKING:  # imported where a file is written
    from xlsxwriter.worksheet import Worksheet

Cell = None | bool | int | float | Decimal | date | str

MAX_ROWS = 1_048_575  # below the heading of one worksheet
LONGEST_TEXT = 32_767  # characters in one cell
MEASURED = 1_000  # rows that decide the width of a column
NARROWEST, WIDEST = 8, 60


def listing_of(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[Cell]], *, rows_at_once: int = MAX_ROWS
) -> bytes:
    """Return a list as an Excel file with filters and frozen headings.

    A list that is too long for one worksheet continues on the next one.
    """
    from xlsxwriter import Workbook  # noqa: PLC0415 - as said at the top

    out = io.BytesIO()
    book = Workbook(out, {**SAFE, "remove_timezone": True})
    formats = {
        "head": book.add_format({"bold": True, "bg_color": "#F3F5F8", "bottom": 1, "text_wrap": True, "valign": "top"}),
        "moment": book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"}),
        "day": book.add_format({"num_format": "yyyy-mm-dd"}),
        "cents": book.add_format({"num_format": "#,##0.00"}),
    }
    for first in range(0, max(1, len(rows)), rows_at_once):
        part = rows[first : first + rows_at_once]
        page = book.add_worksheet(sheet_name(title if not first else f"{title} {first // rows_at_once + 1}"))
        for place, name in enumerate(columns):
            page.write_string(0, place, visible(name), formats["head"])
            page.set_column(place, place, _width(name, part, place))
        for number, row in enumerate(part, 1):
            for place, value in enumerate(row):
                _write_cell(page, number, place, value, formats)
        page.freeze_panes(1, 0)
        if columns:
            page.autofilter(0, 0, len(part), len(columns) - 1)
    book.close()
    return out.getvalue()


def _write_cell(page: "Worksheet", row: int, place: int, value: Cell, formats: dict[str, object]) -> None:
    match value:
        case None:
            return
        case bool():
            page.write_boolean(row, place, value)
        case Decimal() if value.is_finite():
            page.write_number(row, place, value, formats["cents"] if _has_cents(value) else None)
        case int():
            page.write_number(row, place, value)
        case float() if value == value and abs(value) != float("inf"):  # noqa: PLR0124 - NaN differs from itself
            page.write_number(row, place, value)
        case datetime():
            page.write_datetime(row, place, value.replace(tzinfo=None), formats["moment"])
        case date():
            page.write_datetime(row, place, value, formats["day"])
        case _:
            page.write_string(row, place, visible(str(value))[:LONGEST_TEXT])


def _has_cents(value: Decimal) -> bool:
    exponent = value.as_tuple().exponent
    return isinstance(exponent, int) and exponent == -2  # noqa: PLR2004 - as money is written


def _width(name: str, rows: Sequence[Sequence[Cell]], place: int) -> int:
    """Return the width of a column in characters. A heading that is longer than its values wraps to a second line."""
    longest = max((_length(row[place]) for row in rows[:MEASURED]), default=0)
    return min(WIDEST, max(NARROWEST, longest + 2, min(len(name), 24) + 4))


def _length(value: Cell) -> int:
    match value:
        case None:
            return 0
        case datetime():
            return 19
        case date():
            return 10
        case _:
            return max(map(len, str(value).split("\n")))
