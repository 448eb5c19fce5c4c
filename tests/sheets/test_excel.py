"""The sheet of a day for a spreadsheet."""

import io
import re
import socket
from dataclasses import replace
from decimal import Decimal
from typing import NoReturn
from zipfile import ZipFile

import pytest

from integration.sheets.excel import excel_of
from integration.sheets.sheet import Sheet, SheetColumn, SheetTable
from tests.sheets.days import DATED, a_sheet


def parts(sheet: Sheet) -> dict[str, str]:
    """Return the files inside an Excel file."""
    with ZipFile(io.BytesIO(excel_of(sheet))) as book:
        return {name: book.read(name).decode() for name in book.namelist() if name.endswith(".xml")}


def names(book: dict[str, str]) -> list[str]:
    return re.findall(r'<sheet name="([^"]*)"', book["xl/workbook.xml"])


def test_what_is_narrow_stands_on_the_first_worksheet_and_each_wide_table_on_its_own() -> None:
    book = parts(a_sheet())
    assert names(book) == ["Dagstaat", "Bladzijde 600 2600412", "Zonder regels", "Dagen"]


def test_amounts_and_days_are_real_ones() -> None:
    book = parts(a_sheet())
    page = book["xl/worksheets/sheet2.xml"]
    assert re.findall(r'<c r="E14" s="\d+"><v>([^<]*)</v>', page) == ["202.95"]
    assert re.findall(r'<c r="A2" s="\d+"><v>([^<]*)</v>', book["xl/worksheets/sheet4.xml"]) == ["46312"]  # 2026-10-17
    assert "yyyy-mm-dd" in book["xl/styles.xml"]


def test_no_text_becomes_a_formula_a_link_or_a_number() -> None:
    texts = ["=1+1", "@SUM(A1)", "http://127.0.0.1/", "0815", "a\u202eb"]
    table = SheetTable("T", (SheetColumn("A"), DATED[1]), [(text, Decimal(1)) for text in texts])
    book = parts(replace(a_sheet(), title="=2+2", parts=(table,)))
    assert not any("<f>" in page or "<hyperlink" in page for name, page in book.items() if "worksheets" in name)
    strings = book["xl/sharedStrings.xml"]
    assert all(f">{text}<" in strings for text in ("=1+1", "@SUM(A1)", "0815", "a⟨U+202E⟩b", "=2+2"))


def test_tables_of_one_name_have_worksheets_of_their_own() -> None:
    table = SheetTable("Blad: *[1]* 'x'" + "y" * 40, DATED, [])
    sheet_names = names(parts(replace(a_sheet(), parts=(table, table))))
    assert len({name.casefold() for name in sheet_names}) == 3
    assert all(len(name) <= 31 for name in sheet_names)


def test_a_sheet_needs_no_network_and_leaves_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse_call(*_: object, **__: object) -> NoReturn:
        raise AssertionError("a sheet asks nobody")

    for name in ("socket", "create_connection"):
        monkeypatch.setattr(socket, name, refuse_call)
    monkeypatch.setattr("tempfile.mkstemp", refuse_call)
    monkeypatch.setattr("tempfile.mkdtemp", refuse_call)
    assert excel_of(a_sheet())
