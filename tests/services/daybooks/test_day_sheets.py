"""The sheet of a day shows the result of its check, in the language of its reader."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from fpdf import FPDF

from integration import words
from integration.core.days.check import DayComparison, DayFinding
from integration.core.days.report import DayReport, DayState, PageShown, page_notes, report_of
from integration.core.days.till import till_day
from integration.services.connections.connections import ConnectionCheck, Connections
from integration.services.daybooks.day_sheets import DaySheets, finding_text
from integration.services.mappings.code_lists import CodeLists
from integration.sheets.sheet import Sheet, SheetNotes, SheetTable, Tone
from tests.core.days.example import day_record
from tests.core.days.test_check import entries, look, written_page
from tests.core.days.test_page import page_for
from tests.core.days.test_report import AT, a_report
from tests.parts import part
from tests.sheets.test_pdf import pages

FINDINGS: Mapping[str, Mapping[str, str]] = {
    "page_gone": {"page": "600/1", "reference": "D1"},
    "lines_counted": {"page": "600/1", "reference": "D1", "was": "23", "now": "22", "by": "KARIN"},
    "line_changed": {"page": "600/1", "line": "4", "field": "account", "was": "8030", "now": "", "by": ""},
    "document_late": {"document": "1.2.2026.2207", "amount": "18.15"},
    "document_late_of": {"document": "1.2.2026.2207", "amount": "18.15", "behind": "2026.24"},
    "document_gone": {"document": "1.2.2026.2207"},
    "page_by_hand": {
        "page": "600/2",
        "date": "2026-10-18",
        "document": "1.1.2026.4102",
        "by": "",
        "amount": "714.0500",
    },
    "day_by_hand": {"page": "600/2", "date": "2026-10-18", "by": "KARIN", "amount": "1813.98"},
    "till_changed": {"text": "Kasverschil kassa 1", "account": "4400", "difference": "-0.35"},
    "unexplained": {"about": "8030", "difference": "-0.01"},
    "not_posted": {"page": "600/1"},
    "own_use": {"amount": "12.10"},
    "vat_off": {"code": "1", "difference": "-0.01"},
    "groups_without_cost": {"groups": "30 Onderdelen, 50 Diensten"},
}
"""Everything that a check can find, with the facts it gives."""


def a_sheet(report: DayReport, language: str = "nl") -> Sheet:
    sheets = DaySheets(
        *lists_and_connections(lambda _, name: {"8030": "Omzet accessoires", "PIN": f"Pin {name}"}, "De Ketting"),
        lambda: AT,
    )
    return sheets.sheet(report, language, ZoneInfo("Europe/Amsterdam"))


VAT_PERCENTAGES = {"1": "21.00", "2": "9.00", "3": "0.00"}


def lists_and_connections(
    captions: Callable[[str, str], Mapping[str, str]], company: str
) -> tuple[CodeLists, Connections]:
    """Return lists with captions, and a connection to the books of a company."""
    lists = part(CodeLists, captions=lambda system, name, **_: captions(system, name))
    return lists, part(Connections, ensure_check=lambda _: part(ConnectionCheck, about=company))


def tables(sheet: Sheet) -> dict[str, SheetTable]:
    return {part.title: part for part in sheet.parts if isinstance(part, SheetTable)}


@pytest.mark.parametrize("language", words.LANGUAGES)
@pytest.mark.parametrize("code", FINDINGS)
def test_each_finding_is_a_sentence_with_all_its_facts(code: str, language: str) -> None:
    sentence = finding_text(DayFinding(code, FINDINGS[code]), language, {})
    assert "{" not in sentence
    for name, fact in FINDINGS[code].items():
        if name == "date":
            assert words.value_text(date.fromisoformat(fact), language) in sentence
        elif name in ("amount", "difference"):
            assert words.euros(Decimal(fact), language) in sentence
        elif name not in ("field", "reference"):
            assert (fact or words.term("absent_by" if name == "by" else "absent_value", language)) in sentence


def test_a_sheet_has_both_sides_the_differences_the_counts_and_the_page() -> None:
    sheet = a_sheet(a_report())
    assert (sheet.title, sheet.subtitle) == ("Zaterdag 17 oktober 2026", "De Ketting Utrecht (filiaal 1)")
    assert (sheet.verdict, sheet.tone) == ("Verschilt 175,70 (kassa meer)", Tone.BAD)
    assert dict(sheet.facts)["Administratie"] == "De Ketting"
    assert dict(sheet.facts)["Vergeleken"].endswith("03:47")
    sheet_tables = tables(sheet)
    assert list(sheet_tables) == [
        "Btw", "Grootboekrekeningen", "Betaalwijzen", "Kastellingen", "Bladzijde 600/2600412 (MZ6101700100)",
        "Bladzijde 600/7 (geen referentie), niet meer in de boekhouding",
    ]  # fmt: skip
    assert sheet_tables["Grootboekrekeningen"].rows[0] == (
        "8030 Omzet accessoires", Decimal("-175.70"), Decimal("0.00"), Decimal("175.70"),
    )  # fmt: skip
    page = sheet_tables["Bladzijde 600/2600412 (MZ6101700100)"]
    assert page.sums[-2] == page.sums[-1] != 0
    assert [(part.title, part.tone) for part in sheet.parts if isinstance(part, SheetNotes)] == [
        ("Verschillen", Tone.BAD), ("Goed om te weten", Tone.PLAIN),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("language", "moment"),
    [("en", "30 Nov 2026, 00:30"), ("de", "30.11.2026, 00:30"), ("nl", "30 nov 2026, 00:30")],
)
def test_moments_are_written_in_one_way_with_their_year(language: str, moment: str) -> None:
    at = datetime(2026, 11, 29, 23, 30, tzinfo=UTC)
    sheets = DaySheets(*lists_and_connections(lambda *_: {}, ""), lambda: at)
    sheet = sheets.sheet(replace(a_report(), checked_at=at), language, ZoneInfo("Europe/Amsterdam"))
    assert [sheet.footer.partition(" ")[2], dict(sheet.facts)[words.sentence("col_checked", language)]] == [moment] * 2
    assert sheet.footer == words.term("sheet_made", language, moment=moment)


def test_what_nobody_can_say_is_not_reported_as_nothing() -> None:
    rows = tables(a_sheet(a_report()))["Grootboekrekeningen"].rows
    assert rows[1] == ("8010", Decimal("-123.96"), "niet bekend", None)


def test_a_day_that_is_not_booked_shows_the_page_it_would_have_and_one_that_waits_says_why() -> None:
    report = a_report()
    closed = replace(report, state=DayState.CLOSED, rows=(), findings=(), pages=())
    assert "De bladzijde zoals die geboekt zou worden" in tables(a_sheet(closed))
    parked = DayReport(report.date, "2", "", DayState.PARKED, AT, "day_not_told", {"system": "mplus", "key": "x"})
    (notes,) = a_sheet(parked, "en").parts
    assert isinstance(notes, SheetNotes)
    assert notes.sentences[0] == "MplusKASSA sent no data for x."


def worked_out_report(more: int = 0) -> DayReport:
    """The worked example of a day, booked and equal, with `more` additional accounts on its page."""
    page = page_for(day_record())
    check = look(written_page(page.lines), entries(written_page(page.lines)))
    lines = (*page.lines, *[replace(page.lines[0], account=str(9000 + number)) for number in range(more)])
    page_shown = PageShown("600/2600412", "MZ6101700100", lines)
    return report_of(till_day(day_record()), check, AT, pages=(page_shown,), expected=lines, notes=page_notes(page))


LONGEST_WORDS = "de"
BY_LANGUAGE = [
    pytest.param(language, marks=() if language == LONGEST_WORDS else pytest.mark.long) for language in words.LANGUAGES
]


@pytest.mark.parametrize("language", BY_LANGUAGE)
def test_a_day_of_normal_size_is_one_page_of_a_binder_with_each_vat_figure_on_one_line(
    language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: set[str] = set()
    draw_cell = FPDF.cell

    def record_cell(pdf: FPDF, width: float, height: float, text: str, **more: Any) -> object:
        drawn.add(text)
        return draw_cell(pdf, width, height, text, **more)

    monkeypatch.setattr(FPDF, "cell", record_cell)
    names = {line.account: "Omzet accessoires" for line in worked_out_report().expected}
    sheets = DaySheets(
        *lists_and_connections(lambda _, name: names if name == "ledgers" else VAT_PERCENTAGES, "De Ketting BV"),
        lambda: AT,
    )  # fmt: skip
    assert [pages(sheets.pdf(worked_out_report(more), language, UTC)) for more in (0, 60)] == [1, 2]
    title = words.sentence("day_by_vat", language)
    assert {str(row[0]) for row in tables(sheets.sheet(worked_out_report(), language, UTC))[title].rows} <= drawn


def test_both_files_are_made_of_one_sheet() -> None:
    sheets = DaySheets(*lists_and_connections(lambda *_: {}, ""), lambda: AT)
    lines = a_report().pages[0].lines
    report = replace(
        a_report(), pages=(PageShown("600/1", "D1", lines, gross=True),), rows=(DayComparison("vat", "1", None, None),)
    )
    assert sheets.pdf(report, "de", UTC).startswith(b"%PDF")
    assert sheets.excel(report, "de", UTC).startswith(b"PK")
