"""Text from outside: every character is visible, nothing is computed, and written text can be read back."""

import csv
import io
import json
import re
import sys
import unicodedata
from datetime import date
from decimal import Decimal

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration.core.untrusted_text import (
    csv_text,
    escape_formulas,
    indented,
    json_line,
    json_text,
    unescape_formulas,
    visible,
    visible_lines,
)
from tests.hostile import EVERY, FORMULAS

UNSEEN = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
# Signs that are counted among those that format, and can be seen: of numbers and verses in Arabic, Syriac, Kaithi.
SEEN = {*map(chr, range(0x600, 0x606)), *"\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\x1b[2J", "␛[2J"),
        ("\x9b31m", "⟨U+009B⟩31m"),
        ("a\nb\r\nc\rd\te", "a↵b↵c␍d␉e"),
        ("del\x7f", "del␡"),
        ("fdp\u202eexe", "fdp⟨U+202E⟩exe"),
        ("\u2028\u2029\u0085", "⟨U+2028⟩⟨U+2029⟩⟨U+0085⟩"),
        ("no\u200bwidth", "no⟨U+200B⟩width"),
        ("\ud800", "⟨U+D800⟩"),
        ("👩\u200d🔧 ❤\ufe0f 1\ufe0f\u20e3", "👩\u200d🔧 ❤\ufe0f 1\ufe0f\u20e3"),
        ("a\u200db\ufe0f", "a⟨U+200D⟩b⟨U+FE0F⟩"),
        ("Ge\u0301rard Łódź 東京 עברית", "Ge\u0301rard Łódź 東京 עברית"),
        ("\u20e0no", "⟨U+20E0⟩no"),
        ("a" + "\u0336" * 6, "a" + "\u0336" * 4 + "⟨U+0336⟩" * 2),
        ("", ""),
    ],
)
def test_every_sign_is_visible(text: str, expected: str) -> None:
    assert visible(text) == expected


def test_a_place_of_many_lines_keeps_them_and_its_tabs() -> None:
    assert visible_lines("a\r\n\tb\x1b\r\u202e") == "a\n\tb␛␍⟨U+202E⟩"


def test_no_sign_that_shows_nothing_is_forgotten() -> None:
    unseen = (chr(number) for number in range(sys.maxunicode + 1))
    assert {
        sign for sign in unseen if unicodedata.category(sign) in UNSEEN and visible(f"a{sign}b") == f"a{sign}b"
    } == SEEN


@given(st.text())
def test_what_is_shown_stands_in_one_line_and_stays_as_it_is(text: str) -> None:
    visible_text = visible(text)
    assert len(visible_text.splitlines()) <= 1
    assert visible(visible_text) == visible_text
    lines = text.replace("\r\n", "\n").split("\n")
    assert visible_lines(text) == "\n".join(visible(line).replace("␉", "\t") for line in lines)


def test_no_line_of_a_trace_stands_for_itself() -> None:
    assert indented("Trace:\n  x\nError: a\r\nAll well\x1b[2J\n") == "  Trace:\n    x\n  Error: a\n  All well␛[2J\n"


def test_json_says_what_it_was_reported_without_a_sign_that_a_terminal_obeys() -> None:
    for text in EVERY:
        line = json_line({text: [text, Decimal("1.50"), "Größe"]})
        assert json.loads(line) == {text: [text, "1.50", "Größe"]}
        assert not [sign for sign in line if unicodedata.category(sign) in UNSEEN]
        assert "Größe" in line
        document = json_text({"b": text, "a": "Größe"})
        assert json.loads(document) == {"a": "Größe", "b": text}
        assert not [sign for sign in document.replace("\n", "") if unicodedata.category(sign) in UNSEEN]
        assert document.startswith('{\n "a": "Größe",\n "b": ')


@pytest.mark.parametrize("text", FORMULAS)
def test_no_text_is_computed_and_all_can_be_read_back(text: str) -> None:
    assert "'" in escape_formulas(text)
    assert unescape_formulas(escape_formulas(text)) == text


@given(st.text(st.sampled_from("=+-@＝ '\";\t\r\n\ufeffa1"), max_size=8))
def test_whatever_was_made_harmless_can_be_read_back(text: str) -> None:
    cell = escape_formulas(text)
    assert unescape_formulas(cell) == text
    for part in re.split("[;\t\r\n]", cell):  # as a spreadsheet would that is set to another separator
        begins = part.lstrip(" '\"\ufeff")
        assert begins[:1] not in {*"=+-@＝"} or part.startswith("'")


def test_text_is_made_harmless_and_numbers_stay_numbers() -> None:
    content = csv_text(
        ["text", "=number", "day", "list", "nothing"],
        [("-1", Decimal("-12.50"), date(2026, 1, 2), ("a", "=b"), None), ("+31 6 1", Decimal("1E+2"), True, (), -3)],
    )
    assert list(csv.reader(io.StringIO(content))) == [
        ["text", "'=number", "day", "list", "nothing"],
        ["'-1", "-12.50", "2026-01-02", "a;' =b", ""],
        ["'+31 6 1", "100", "True", "", "-3"],
    ]


def test_pandas_reads_back_what_was_written_by_the_rule_of_the_documentation() -> None:
    lines = [(text, Decimal("-12.50")) for text in EVERY if "\ud800" not in text and "\x00" not in text]
    frame = pd.read_csv(io.StringIO(csv_text(["text", "amount"], lines), newline=""), keep_default_na=False)
    assert list(frame["text"].map(unescape_formulas)) == [text for text, _ in lines]
    assert set(frame["amount"]) == {-12.5}
