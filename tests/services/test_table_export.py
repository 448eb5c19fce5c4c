"""Lists as files: for a spreadsheet with real numbers and moments, and as CSV in the words of a language."""

import csv
import io
from datetime import UTC, date, datetime
from decimal import Decimal
from zipfile import ZipFile

import pandas as pd
import pytest
from lxml import etree

from integration.services import table_export
from integration.services.table_export import TableExport
from integration.sheets.listing import Cell, listing_of
from pages.components.shared.frames import caption, rows_in, translated_table

COLUMNS = ["Article", "Price", "Stock", "Sold on", "Seen", "Blocked", "=1+1"]
ROWS: list[list[Cell]] = [
    ["0815", Decimal("12.50"), 3, date(2026, 11, 26), datetime(2026, 11, 26, 9, 30, 5, tzinfo=UTC), True, "@x"],
    ["TS-RED-M", Decimal("1.2345"), 4.5, None, None, False, "=cmd()"],
]
NS = {"s": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}


def sheet(file: bytes, number: int = 1) -> etree._Element:
    """Return a worksheet of an Excel file."""
    with ZipFile(io.BytesIO(file)) as archive:
        return etree.fromstring(archive.read(f"xl/worksheets/sheet{number}.xml"))


def cells(file: bytes) -> dict[str, tuple[str, str]]:
    """Return type and value of each cell by its place."""
    elements = sheet(file).iterfind(".//s:c", NS)
    return {
        str(element.get("r")): (str(element.get("t", "n")), element.findtext("s:v", "", NS)) for element in elements
    }


def test_a_spreadsheet_gets_real_numbers_moments_and_text() -> None:
    sheet_cells = cells(TableExport().excel("Articles.xlsx", COLUMNS, ROWS))
    assert sheet_cells["A2"][0] == "s"  # text, so that it keeps its zero
    assert sheet_cells["B2"] == ("n", "12.50")
    assert sheet_cells["C3"] == ("n", "4.5")
    assert sheet_cells["D2"] == ("n", "46352")  # days since 1899, as a spreadsheet counts them
    assert sheet_cells["E2"][0] == "n"
    assert sheet_cells["F2"] == ("b", "1")
    assert sheet_cells["G3"][0] == "s"  # never a formula
    assert "D3" not in sheet_cells


def test_its_columns_are_as_wide_as_what_they_hold_and_filters_are_on() -> None:
    page = sheet(TableExport().excel("Articles.xlsx", ["A", "B"], [["x" * 30, "y"], ["x", "z" * 500]]))
    assert [round(float(str(column.get("width")))) for column in page.iterfind(".//s:col", NS)] == [33, 61]
    assert page.find("s:autoFilter", NS) is not None
    assert page.find(".//s:pane", NS) is not None


def test_a_list_that_is_too_long_for_a_worksheet_goes_on_behind() -> None:
    file = listing_of("List", ["n"], [[number] for number in range(5)], rows_at_once=2)
    assert [len(sheet(file, number).findall(".//s:row", NS)) for number in (1, 2, 3)] == [3, 3, 2]


@pytest.mark.parametrize(
    ("language", "first"),
    [
        ("nl", ["0815", "12,50", "3", "26-11-2026", "26-11-2026 09:30:05", "ja", "'@x"]),
        ("de", ["0815", "12,50", "3", "26.11.2026", "26.11.2026 09:30:05", "ja", "'@x"]),
        ("en", ["0815", "12.50", "3", "26/11/2026", "26/11/2026 09:30:05", "yes", "'@x"]),
    ],
)
def test_csv_for_people_is_written_as_their_language_does(language: str, first: list[str]) -> None:
    file = TableExport().readable("Articles.csv", COLUMNS, ROWS, language).decode()
    assert file.startswith("\ufeff")
    head, line, _ = csv.reader(io.StringIO(file[1:]), delimiter=table_export.SEPARATORS[language])
    assert head[:2] == ["Article", "Price"]
    assert head[-1].startswith("'")
    assert line == first


def test_codes_and_captions_become_words_and_texts_stay_as_they_are() -> None:
    lines = [["orders", "parked", "article_missing", "0815", "2026-11-26T08:30:05+00:00", ["a", "b"], Decimal(3)]]
    captions, rows = translated_table(rows_in(["flow", "state", "cause", "key", "first_seen", "pages", "read"], lines))
    assert captions == ["Flow", "State", "Cause", "Our key", "First seen", "Pages", "Read"]
    flow, state, cause, key, seen_at, pages, records_read = rows[0]
    assert (flow, state, key, pages, records_read) == ("Orders", "Parked", "0815", "a, b", Decimal(3))
    assert "article" in cause.lower()
    assert isinstance(seen_at, datetime)


def test_what_a_table_of_pandas_holds_keeps_its_type() -> None:
    frame = pd.DataFrame({"n": [1, 2], "x": [0.5, float("nan")], "day": [date(2026, 1, 2)] * 2, "b": [True, False]})
    _, rows = translated_table(frame)
    assert rows == [[1, 0.5, date(2026, 1, 2), True], [2, None, date(2026, 1, 2), False]]


def test_every_column_of_a_file_has_a_caption() -> None:
    assert caption("not_known_at_all") == "Not known at all"
