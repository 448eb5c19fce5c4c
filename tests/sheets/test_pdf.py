"""The sheet of a day as PDF."""

import re
import socket
from typing import NoReturn

import pytest

from integration.sheets.pdf import column_widths, pdf_of, printable
from integration.sheets.sheet import Tone
from tests.sheets.days import a_sheet


def pages(pdf: bytes) -> int:
    """Return how many pages a file has."""
    return int(re.findall(rb"/Count (\d+)", pdf)[0])


@pytest.mark.parametrize(("lines", "expected"), [(2, 1), (23, 2), (400, 7)])
def test_a_sheet_takes_as_many_pages_as_its_lines_need(lines: int, expected: int) -> None:
    pdf = pdf_of(a_sheet(lines=lines))
    assert pdf.startswith(b"%PDF-")
    assert pages(pdf) == expected


def test_the_same_sheet_is_the_same_file() -> None:
    assert pdf_of(a_sheet()) == pdf_of(a_sheet())
    assert pdf_of(a_sheet(tone=Tone.GOOD)) != pdf_of(a_sheet())


@pytest.mark.parametrize("language", ["en", "nl", "de"])
def test_a_sheet_says_in_which_language_it_is(language: str) -> None:
    assert f"/Lang ({language})".encode() in pdf_of(a_sheet(language))


def test_a_sheet_needs_no_network_and_leaves_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse_call(*_: object, **__: object) -> NoReturn:
        raise AssertionError("a sheet asks nobody")

    for name in ("socket", "create_connection"):
        monkeypatch.setattr(socket, name, refuse_call)
    monkeypatch.setattr("tempfile.mkstemp", refuse_call)
    assert pdf_of(a_sheet())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Café Dvořák ž", "Café Dvořák ž"),
        ("a\u202eb", "a?U+202E?b"),
        ("two\nlines", "two?lines"),
        ("自転車", "???"),
    ],
)
def test_every_sign_of_foreign_text_is_visible(text: str, expected: str) -> None:
    assert printable(text) == expected


@pytest.mark.parametrize(
    ("weights", "least", "expected"),
    [
        ([1, 1, 2], [10, 10, 10], [25, 25, 50]),
        ([1, 1, 2], [40, 10, 10], [40, 20, 40]),
        ([1, 1, 2], [40, 25, 10], [40, 25, 35]),
        ([1, 1], [50, 50], [50, 50]),
        ([1, 3], [60, 60], [25, 75]),
    ],
)
def test_columns_are_as_wide_as_their_longest_word(
    weights: list[float], least: list[float], expected: list[float]
) -> None:
    assert column_widths(weights, least, 100) == expected
