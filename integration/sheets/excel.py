"""Writes a sheet as an Excel file: amounts and dates are typed values, and text is never interpreted."""

import io
import re
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from integration.core.untrusted_text import visible
from integration.sheets.sheet import Cell, Holds, Noted, Sheet, SheetColumn, SheetNotes, SheetTable, Tone
from integration.words import ledger_sides

if TYPE_CHECKING:  # imported where a file is written
    from xlsxwriter import Workbook
    from xlsxwriter.format import Format
    from xlsxwriter.worksheet import Worksheet

_NO_NAME = re.compile(r"[\[\]:*?/\\]")
LONGEST_NAME = 31  # characters of the name of a worksheet
UNIT = 13  # characters of a column of normal width
COLOURS = {Tone.GOOD: "#00795C", Tone.WAITING: "#C2610C", Tone.BAD: "#B4232C", Tone.PLAIN: "#66717F"}
_SHAPES = {Holds.MONEY: "#,##0.00", Holds.DIFFERENCE: "#,##0.00;[Red]-#,##0.00;0.00", Holds.DATE: "yyyy-mm-dd"}
SAFE = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}


def excel_of(sheet: Sheet) -> bytes:
    """Return a sheet as an Excel file: narrow parts on the first worksheet, each wide table on a separate one."""
    from xlsxwriter import Workbook  # noqa: PLC0415 - as said at the top

    out = io.BytesIO()
    book = Workbook(out, SAFE)
    book.set_properties({"title": visible(f"{sheet.title}, {sheet.subtitle}"), "created": sheet.created_at})
    writer = _Writer(book, sheet.language)
    writer.first(sheet)
    for part in sheet.parts:
        if isinstance(part, SheetTable) and not part.narrow:
            writer.write_separate_sheet(part)
    book.close()
    return out.getvalue()


def sheet_name(title: str) -> str:
    """Return a valid worksheet name for a title."""
    return _NO_NAME.sub(" ", visible(title)).strip(" '")[: LONGEST_NAME - 3] or "-"


class _Writer:
    """Fills a workbook."""

    def __init__(self, book: "Workbook", language: str) -> None:
        self._book = book
        debit, credit = ledger_sides(language)
        self._ledger = f'#,##0.00" {debit}";#,##0.00" {credit}";0.00'
        self._formats: dict[tuple[tuple[str, object], ...], Format] = {}
        self._names: set[str] = set()

    def first(self, sheet: Sheet) -> None:
        """Write the subject of the sheet, its notes and its narrow tables."""
        page = self._page(sheet.kind)
        page.write_string(0, 0, visible(sheet.title), self._format(bold=True, font_size=16))
        page.write_string(1, 0, visible(sheet.subtitle), self._format(font_color="#66717F"))
        page.write_string(2, 0, visible(sheet.verdict), self._format(bold=True, font_color=COLOURS[sheet.tone]))
        row = 4
        for label, value in sheet.facts:
            page.write_string(row, 0, label, self._format(font_color="#66717F"))
            page.write_string(row, 1, visible(value))
            row += 1
        for part in sheet.parts:
            if isinstance(part, SheetNotes):
                row = self._notes(page, part, row + 1)
            elif part.narrow:
                row = self._table(page, part, row + 1, title=True)
        page.set_column(0, 0, 34)
        page.set_column(1, 8, UNIT + 2)

    def write_separate_sheet(self, table: SheetTable) -> None:
        """Write a table on a separate worksheet with frozen headings."""
        page = self._page(table.title)
        self._table(page, table, 0, title=False)
        for place, column in enumerate(table.columns):
            page.set_column(place, place, UNIT * max(0.7, column.width))
        page.freeze_panes(1, 0)

    def _page(self, title: str) -> "Worksheet":
        name = sheet_name(title)
        number, chosen = 2, name
        while chosen.casefold() in self._names:
            chosen, number = f"{name} {number}", number + 1
        self._names.add(chosen.casefold())
        page = self._book.add_worksheet(chosen)
        page.set_paper(9)  # A4
        page.fit_to_pages(1, 0)
        page.hide_gridlines(2)
        return page

    def _notes(self, page: "Worksheet", notes: SheetNotes, row: int) -> int:
        page.write_string(row, 0, notes.title, self._format(bold=True))
        for sentence in notes.sentences:
            row += 1
            page.write_string(row, 0, visible(sentence), self._format(font_color=COLOURS[notes.tone]))
        return row + 1

    def _table(self, page: "Worksheet", table: SheetTable, row: int, *, title: bool) -> int:
        if title:
            page.write_string(row, 0, table.title, self._format(bold=True))
            row += 1
        for place, column in enumerate(table.columns):
            align = "left" if column.holds is Holds.TEXT else "right"
            head = self._format(bold=True, bg_color="#F3F5F8", bottom=1, align=align)
            page.write_string(row, place, column.title, head)
        if not table.rows and table.empty:
            page.write_string(row + 1, 0, table.empty)
            return row + 2
        for cells in table.rows:
            row += 1
            self._row(page, row, cells, table.columns)
        if table.sums:
            row += 1
            self._row(page, row, table.sums, table.columns, bold=True, top=1)
        return row + 1

    def _row(
        self, page: "Worksheet", row: int, cells: Sequence[Cell], columns: Sequence[SheetColumn], **look: object
    ) -> None:
        shapes = {**_SHAPES, Holds.LEDGER: self._ledger}
        for place, (cell, column) in enumerate(zip(cells, columns, strict=True)):
            shape = {"num_format": shapes[column.holds]} if column.holds in shapes else {}
            self._cell(page, (row, place), cell, self._format(**shape, **look))

    def _cell(self, page: "Worksheet", at: tuple[int, int], cell: Cell, how: "Format") -> None:
        match cell:
            case None:
                page.write_blank(*at, None, how)
            case Decimal() | int():
                page.write_number(*at, float(cell), how)
            case Noted():
                page.write_string(*at, visible(f"{cell.text} ({cell.note})" if cell.note else cell.text), how)
            case str():
                page.write_string(*at, visible(cell), how)
            case date():
                page.write_datetime(*at, cell, how)

    def _format(self, **look: object) -> "Format":
        key = tuple(sorted(look.items(), key=lambda item: item[0]))
        if key not in self._formats:
            self._formats[key] = self._book.add_format(dict(look))
        return self._formats[key]
