"""Sheet tables as texts for the screen, in the language of the reader."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from integration import words
from integration.sheets.sheet import Cell, Holds, Noted, SheetColumn, SheetTable


@dataclass(frozen=True, slots=True)
class ShownTable:
    """A table as texts by column title.

    `amounts` are the titles of columns of amounts, and `difference` that of an amount that should be zero, if any.
    """

    title: str
    empty: str
    rows: list[dict[str, str]]
    amounts: list[str]
    difference: str = ""


def text_table(table: SheetTable, language: str) -> ShownTable:
    """Return a table as texts, with its sums as the last row."""
    titles = [sheet_column.title or words.term("col_figure", language) for sheet_column in table.columns]
    all_rows = [*table.rows, *([table.sums] if table.sums else [])]
    rows = [
        {
            title: _written(cell, column, language)
            for title, cell, column in zip(titles, row, table.columns, strict=True)
        }
        for row in all_rows
    ]
    money = (Holds.MONEY, Holds.LEDGER, Holds.DIFFERENCE)
    amounts = [title for title, sheet_column in zip(titles, table.columns, strict=True) if sheet_column.holds in money]
    off = next((sheet_column.title for sheet_column in table.columns if sheet_column.holds is Holds.DIFFERENCE), "")
    return ShownTable(table.title, table.empty, rows, amounts, off)


def _written(cell: Cell, column: SheetColumn, language: str) -> str:
    match cell:
        case None:
            return ""
        case Noted():
            return f"{cell.text} {cell.note}".strip()
        case Decimal():
            write = words.ledger_text if column.holds is Holds.LEDGER else words.amount_text
            return write(cell, language)
        case int():
            return words.number(cell, language)
        case date():
            return words.table_day(cell, language)
        case _:
            return cell
