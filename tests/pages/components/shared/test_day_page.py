"""The page of a day in the notation of a bookkeeper, with the source of each line."""

from html import unescape

from pages.components.shared.day_page import page_rows
from tests.core.days.example import BOOKS, day_record
from tests.core.days.test_page import page_for

RATES = {"1": "21%", "2": "9%", "3": "0%"}


def test_each_line_has_account_description_side_vat_and_receipts_and_both_sides_are_equal() -> None:
    rows = [
        [unescape(str(cell)).replace("\\", "") for cell in row.values()]
        for row in page_rows(page_for(day_record()).lines, BOOKS.ledgers, lambda code: f"{code} · {RATES[code]}")
    ]
    assert rows[0] == ["8000 Rekening 8000", "Fietsen bonnen", "", "674.10", "1 · 21% · 117.00", "1.1.2026.4102"]
    assert rows[13][:4] == ["1010 Rekening 1010", "Pin", "1,269.48", ""]
    assert rows[14][1] == "Op rekening 1.2.2026.2202 · 10007 · MP12262202"
    assert rows[-1] == ["**Total**", "", "**2,546.51**", "**2,546.51**", "", ""]
