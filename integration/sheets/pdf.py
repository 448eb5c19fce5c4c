"""Prints a sheet as PDF on A4 with embedded fonts. Tables continue on following pages with repeated headings."""

import logging
from collections.abc import Iterator, Sequence
from decimal import Decimal
from functools import cache
from itertools import groupby
from typing import Any

from fpdf import FPDF

from integration.core.untrusted_text import visible
from integration.sheets.sheet import Cell, Holds, Noted, Sheet, SheetColumn, SheetNotes, SheetTable, Tone
from integration.shipped import SHIPPED
from integration.words import amount_text, ledger_text, number, table_day

FONTS = SHIPPED / "static"
FACES = {("Plex", ""): "400", ("Plex", "B"): "600", ("PlexExt", ""): "ext-400", ("PlexExt", "B"): "ext-600"}
MARGIN, TOP, GAP, FOOT = 14.0, 10.0, 5.0, 12.0  # millimetres; the side margin leaves room for binder holes
WIDTH = 210.0 - 2 * MARGIN
BOTTOM = 297.0 - FOOT
TYPE = 7.5  # points; smaller is hard to read on paper
ROW, HEAD, LINE, AFTER = 3.9, 4.4, 3.2, 2.5
PAD = 1.1
INK, GREY, RULE, BAND = (27, 36, 48), (102, 113, 127), (216, 222, 230), (246, 248, 250)
PRIMARY, RED, WHITE = (31, 79, 158), (180, 35, 44), (255, 255, 255)
TONES = {Tone.GOOD: (0, 121, 92), Tone.WAITING: (194, 97, 12), Tone.BAD: RED, Tone.PLAIN: GREY}
_RIGHT = frozenset({Holds.MONEY, Holds.LEDGER, Holds.DIFFERENCE, Holds.NUMBER})

logging.getLogger("fontTools").setLevel(logging.WARNING)  # it logs every embedded character

Colour = tuple[int, int, int]


def pdf_of(sheet: Sheet) -> bytes:
    """Return a sheet as a PDF file."""
    paper = _Paper(sheet)
    paper.head()
    for narrow, parts in groupby(sheet.parts, key=lambda part: isinstance(part, SheetTable) and part.narrow):
        tables = [part for part in parts if isinstance(part, SheetTable)] if narrow else []
        if not (len(tables) > 1 and paper.draw_in_columns(tables)):
            for part in tables or parts:
                paper.part(part)
    try:
        return bytes(paper.pdf.output())
    finally:
        _close_fonts(paper.pdf)


@cache
def _known_signs() -> frozenset[int]:
    """Return the code points that our fonts contain."""
    pdf: Any = _with_fonts(FPDF())
    code_points = frozenset(sign for face in pdf.fonts.values() for sign in face.cmap)
    _close_fonts(pdf)
    return code_points


def _close_fonts(pdf: Any) -> None:
    """Close the font files, which are read until a PDF is written."""
    for face in pdf.fonts.values():
        face.ttfont.close()


def _with_fonts(pdf: FPDF) -> FPDF:
    for (family, style), name in FACES.items():
        pdf.add_font(family, style, FONTS / f"plex-sans-{name}.woff2")
    pdf.set_fallback_fonts(["PlexExt"], exact_match=False)
    return pdf


def printable(text: str) -> str:
    """Return text in which every character is visible on paper; a character that our fonts lack is a `?`."""
    code_points = _known_signs()
    return "".join(sign if ord(sign) in code_points else "?" for sign in visible(text))


class _Foot(FPDF):
    """PDF with a footer on each page: the sheet's title and the page number."""

    def __init__(self, sheet: Sheet) -> None:
        super().__init__(format="A4")
        self._sheet = sheet

    def footer(self) -> None:
        """Draw the footer of a page."""
        self.set_y(-FOOT + 2)
        self.set_draw_color(*RULE)
        self.line(MARGIN, self.y, 210 - MARGIN, self.y)
        self.set_xy(MARGIN, self.y + 1.5)
        self.set_font("Plex", "", TYPE)
        self.set_text_color(*GREY)
        about = f"{self._sheet.title} · {self._sheet.subtitle} · {self._sheet.footer}"
        self.cell(WIDTH - 20, 4, printable(about))
        self.cell(20, 4, f"{self.page_no()} / {{nb}}", align="R")


class _Paper:
    """Draws the pages of a sheet from top to bottom."""

    def __init__(self, sheet: Sheet) -> None:
        self.sheet = sheet
        self.pdf = _Foot(sheet)
        _with_fonts(self.pdf)
        self.pdf.set_margins(MARGIN, TOP, MARGIN)
        self.pdf.set_auto_page_break(auto=False)
        self.pdf.set_title(printable(f"{sheet.kind}: {sheet.title}, {sheet.subtitle}"))
        self.pdf.set_lang(sheet.language)
        self.pdf.set_creation_date(sheet.created_at)
        self.pdf.add_page()

    # ---- parts of a sheet

    def head(self) -> None:
        """Draw the subject of the sheet, its verdict and its facts."""
        pdf, sheet = self.pdf, self.sheet
        self._text(MARGIN, TOP, WIDTH, 3.6, sheet.kind.upper(), TYPE, PRIMARY, bold=True)
        self._text(MARGIN, TOP + 3.6, WIDTH, 7, sheet.title, 15, INK, bold=True)
        self._text(MARGIN, TOP + 10.6, WIDTH, 4.4, sheet.subtitle, 9.5, GREY)
        self._pill(sheet.verdict, TONES[sheet.tone])
        pdf.set_y(TOP + 16.5)
        columns = min(4, max(3, len(sheet.facts)))
        for start in range(0, len(sheet.facts), columns):
            top = pdf.y
            for place, (label, value) in enumerate(sheet.facts[start : start + columns]):
                x, width = MARGIN + place * WIDTH / columns, WIDTH / columns - 3
                self._text(x, top, width, 3.4, label, TYPE, GREY)
                self._text(x, top + 3.4, width, 4, value, 8.5, INK)
            pdf.set_y(top + 8.4)
        pdf.set_draw_color(*PRIMARY)
        pdf.set_line_width(0.5)
        pdf.line(MARGIN, pdf.y, 210 - MARGIN, pdf.y)
        pdf.set_line_width(0.15)
        pdf.set_y(pdf.y + AFTER)

    def part(self, part: SheetTable | SheetNotes) -> None:
        """Draw a table or notes over the full width."""
        if isinstance(part, SheetNotes):
            self._notes(part)
        else:
            self.pdf.set_y(self._table(part, MARGIN, WIDTH, self.pdf.y) + AFTER)

    def draw_in_columns(self, tables: Sequence[SheetTable]) -> bool:
        """Draw narrow tables in two columns; return False, without drawing, if they do not fit on the page."""
        width, top = (WIDTH - GAP) / 2, self.pdf.y
        bottoms = [top, top]
        places = []
        for table in tables:
            side = bottoms.index(min(bottoms))
            places.append((table, side, bottoms[side]))
            bottoms[side] += self._height(table, width) + AFTER
        if max(bottoms) > BOTTOM:
            return False
        for table, side, y in places:
            self._table(table, MARGIN + side * (width + GAP), width, y)
        self.pdf.set_y(max(bottoms))
        return True

    # ---- tables

    def _table(self, table: SheetTable, x: float, width: float, y: float) -> float:
        """Draw a table and return its bottom position."""
        widths = self._widths(table, width)
        if y + HEAD * 2 + ROW * 2 > BOTTOM:
            y = self._next_page()
        y = self._title(table.title, x, width, y)
        y = self._column_heads(table.columns, widths, x, y)
        if not table.rows:
            self._text(x, y, width, ROW, table.empty, TYPE, GREY)
            return y + ROW
        lines = [(row, False) for row in table.rows] + ([(table.sums, True)] if table.sums else [])
        for row, is_sum in lines:
            height = self._row_height(row, table.columns, widths)
            if y + height > BOTTOM:
                y = self._column_heads(table.columns, widths, x, self._next_page())
            self._row(row, table.columns, widths, (x, y), is_sum=is_sum)
            y += height
        return y

    def _height(self, table: SheetTable, width: float) -> float:
        widths = self._widths(table, width)
        inside = sum(self._row_height(row, table.columns, widths) for row in _rows(table)) if table.rows else ROW
        heads = self._wrapped_heads(table.columns, widths)
        return HEAD + _head_height(heads) + inside

    def _widths(self, table: SheetTable, width: float) -> list[float]:
        """Return column widths in proportion to their weights, each wide enough for its words if all fit."""
        least = [self._least_width(table, place) for place in range(len(table.columns))]
        return column_widths([column.width for column in table.columns], least, width)

    def _least_width(self, table: SheetTable, place: int) -> float:
        """Return the width of the longest word of a column; a figure is one word."""
        column = table.columns[place]
        words = set(printable(column.title).split(" "))
        for row in _rows(table):
            cell = row[place]
            text = printable(self._cell_text(cell, column))
            words.update(text.split(" ") if isinstance(cell, str | Noted) else [text])
        self.pdf.set_font("Plex", "B" if column.holds is Holds.DIFFERENCE or table.sums else "", TYPE)
        return 2 * PAD + 0.1 + max(self.pdf.get_string_width(word) for word in words)

    def _wrapped_heads(self, columns: Sequence[SheetColumn], widths: Sequence[float]) -> list[list[str]]:
        return [self._lines(column.title, width - 2 * PAD) for column, width in zip(columns, widths, strict=True)]

    def _title(self, title: str, x: float, width: float, y: float) -> float:
        self._text(x, y, width, HEAD, title, 9, INK, bold=True)
        return y + HEAD

    def _column_heads(self, columns: Sequence[SheetColumn], widths: Sequence[float], x: float, y: float) -> float:
        heads = self._wrapped_heads(columns, widths)
        height = _head_height(heads)
        self.pdf.set_fill_color(*BAND)
        self.pdf.rect(x, y, sum(widths), height, style="F")
        for column, lines, width in zip(columns, heads, widths, strict=True):
            align = "R" if column.holds in _RIGHT else "L"
            for number_, line in enumerate(lines):
                self._text(x + PAD, y + 0.6 + number_ * LINE, width - 2 * PAD, LINE, line, TYPE, GREY, align=align)
            x += width
        return y + height

    def _row(
        self,
        row: Sequence[Cell],
        columns: Sequence[SheetColumn],
        widths: Sequence[float],
        place: tuple[float, float],
        *,
        is_sum: bool,
    ) -> None:
        x, y = place
        self.pdf.set_draw_color(*(INK if is_sum else RULE))
        self.pdf.line(x, y, x + sum(widths), y)
        for cell, column, width in zip(row, columns, widths, strict=True):
            self._cell(cell, column, (x + PAD, y, width - 2 * PAD), bold=is_sum)
            x += width

    def _cell(self, cell: Cell, column: SheetColumn, place: tuple[float, float, float], *, bold: bool) -> None:
        x, y, width = place
        is_off = column.holds is Holds.DIFFERENCE and isinstance(cell, Decimal) and bool(cell)
        is_nothing = isinstance(cell, Decimal) and not cell
        is_said = isinstance(cell, str) and column.holds in _RIGHT
        colour = RED if is_off else GREY if is_nothing or is_said else INK
        align = "R" if column.holds in _RIGHT else "L"
        top = y + (ROW - LINE) / 2
        if isinstance(cell, Noted):
            lines, noted = self._text_with_note(cell, width)
            for number_, line in enumerate(noted, start=len(lines) - 1):
                after = self.pdf.get_string_width(f"{lines[number_]} ") if number_ < len(lines) else 0.0
                self._text(x + after, top + number_ * LINE, width - after, LINE, line, TYPE, GREY)
        else:
            lines = self._lines(self._cell_text(cell, column), width, bold=bold or is_off)
        for line in lines:
            self._text(x, top, width, LINE, line, TYPE, colour, bold=bold or is_off, align=align)
            top += LINE

    def _row_height(self, row: Sequence[Cell], columns: Sequence[SheetColumn], widths: Sequence[float]) -> float:
        heights = [ROW]
        for cell, column, width in zip(row, columns, widths, strict=True):
            if isinstance(cell, Noted):
                texts, noted = self._text_with_note(cell, width - 2 * PAD)
                lines = max(len(texts), len(texts) - 1 + len(noted))
            else:
                lines = len(self._lines(self._cell_text(cell, column), width - 2 * PAD))
            heights.append((ROW - LINE) + lines * LINE)
        return max(heights)

    def _cell_text(self, cell: Cell, column: SheetColumn) -> str:
        language = self.sheet.language
        match cell:
            case None:
                return ""
            case Noted():
                return cell.text
            case str():
                return cell
            case Decimal():
                return (ledger_text if column.holds is Holds.LEDGER else amount_text)(cell, language)
            case int():
                return number(cell, language)
            case _:
                return table_day(cell, language)

    # ---- text

    def _notes(self, notes: SheetNotes) -> None:
        lines = [self._lines(sentence, WIDTH - 6) for sentence in notes.sentences]
        y = self.pdf.y
        if y + HEAD + LINE > BOTTOM:
            y = self._next_page()
        y = self._title(notes.title, MARGIN, WIDTH, y)
        for sentence in lines:
            if y + len(sentence) * LINE > BOTTOM:
                y = self._next_page()
            self.pdf.set_fill_color(*TONES[notes.tone])
            self.pdf.rect(MARGIN + 0.4, y + 0.6, 0.8, len(sentence) * (LINE + 0.3) - 1.1, style="F")
            for line in sentence:
                self._text(MARGIN + 3, y, WIDTH - 6, LINE, line, TYPE, INK)
                y += LINE + 0.3
            y += 0.6
        self.pdf.set_y(y + AFTER - 0.6)

    def _pill(self, words: str, colour: Colour) -> None:
        text = printable(words)
        self.pdf.set_font("Plex", "B", 9)
        width = min(self.pdf.get_string_width(text) + 8, WIDTH / 2)
        x, y = 210 - MARGIN - width, TOP + 2
        self.pdf.set_fill_color(*colour)
        self.pdf.rect(x, y, width, 7.5, style="F", round_corners=True, corner_radius=3.7)
        self._text(x + 2, y, width - 4, 7.5, words, 9, WHITE, bold=True, align="C")

    def _text(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        words: str,
        size: float,
        colour: Colour,
        *,
        bold: bool = False,
        align: str = "L",
    ) -> None:
        """Write text in one line; text that does not fit ends in an ellipsis."""
        self.pdf.set_font("Plex", "B" if bold else "", size)
        self.pdf.set_text_color(*colour)
        text = printable(words)
        if self.pdf.get_string_width(text) > width:
            while text and self.pdf.get_string_width(f"{text}…") > width:
                text = text[:-1]
            text = f"{text.rstrip()}…"
        self.pdf.set_xy(x, y)
        self.pdf.c_margin = 0
        self.pdf.cell(width, height, text, align=align)

    def _lines(self, words: str, width: float, *, bold: bool = False) -> list[str]:
        self.pdf.set_font("Plex", "B" if bold else "", TYPE)
        return list(self._wrapped_lines(words, width)) or [""]

    def _text_with_note(self, cell: Noted, width: float) -> tuple[list[str], list[str]]:
        """Return a text and its note as lines. The note begins behind the last line of the text if it fits there."""
        lines = self._lines(cell.text, width)
        after = self.pdf.get_string_width(f"{lines[-1]} ") if lines[-1] else 0.0
        return lines, list(self._wrapped_lines(cell.note, width, after))

    def _wrapped_lines(self, words: str, width: float, after: float = 0.0) -> Iterator[str]:
        """Yield text as lines that fit the width, in the current font; the first line begins at offset `after`."""
        line = ""
        for word in printable(words).split(" "):
            longer = f"{line} {word}" if line else word
            if (line or after) and after + self.pdf.get_string_width(longer) > width:
                yield line
                line, after = word, 0.0
            else:
                line = longer
        if line:
            yield line

    def _next_page(self) -> float:
        """Begin a page with the title of the sheet, and return the position where drawing continues."""
        self.pdf.add_page()
        about = f"{self.sheet.kind} · {self.sheet.title} · {self.sheet.subtitle}"
        self._text(MARGIN, TOP, WIDTH, HEAD, about, 9, INK, bold=True)
        return TOP + HEAD + AFTER


def _rows(table: SheetTable) -> list[Sequence[Cell]]:
    """Return the rows of a table and its sums."""
    return [*table.rows, *([table.sums] if table.sums else [])]


def _head_height(heads: Sequence[Sequence[str]]) -> float:
    return HEAD - LINE + LINE * max(len(lines) for lines in heads)


def column_widths(weights: Sequence[float], least: Sequence[float], width: float) -> list[float]:
    """Return widths in proportion to weights, each at least a minimum unless the minima exceed the whole width."""
    widths = [width * weight / sum(weights) for weight in weights]
    if sum(least) > width:
        return widths
    fixed = set[int]()
    while narrow := {place for place, minimum in enumerate(least) if widths[place] < minimum} - fixed:
        fixed |= narrow
        rest = width - sum(least[place] for place in fixed)
        weight_sum = sum(weight for place, weight in enumerate(weights) if place not in fixed) or 1
        widths = [
            least[place] if place in fixed else rest * weight / weight_sum for place, weight in enumerate(weights)
        ]
    return widths
