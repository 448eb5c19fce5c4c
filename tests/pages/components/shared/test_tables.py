"""Tables as they are shown and as they are written to a file."""

import io
from datetime import date
from decimal import Decimal

import pandas as pd
import pyarrow as pa
import pytest

from integration.core.untrusted_text import escape_formulas, unescape_formulas, visible
from pages.components.shared.tables import csv_of, with_empty_texts, with_visible_characters
from tests.hostile import EVERY


@pytest.fixture
def frame() -> pd.DataFrame:
    """A table with every type of cell that occurs in pages and in answers of the log."""
    return pd.DataFrame(
        {
            "title": list(EVERY),
            "amount": [-12.5] * len(EVERY),
            "exact": [Decimal("-12.50")] * len(EVERY),
            "count": range(len(EVERY)),
            "day": [date(2026, 1, 2)] * len(EVERY),
            "at": pd.to_datetime(["2026-01-02T03:04:05"] * len(EVERY)),
            "several": [[text, "x"] for text in EVERY],
            "none": [None] * len(EVERY),
            "sort": pd.Categorical(["=a", "b"] * (len(EVERY) // 2)),
            "=caption": [{"\x1b": text} for text in EVERY],
        }
    )


def test_every_sign_of_a_table_is_to_be_seen_and_its_numbers_stay(frame: pd.DataFrame) -> None:
    visible_frame = with_visible_characters(frame)
    assert list(visible_frame["title"]) == [visible(text) for text in EVERY]
    assert list(visible_frame["several"]) == [[visible(text), "x"] for text in EVERY]
    assert list(visible_frame["=caption"]) == [{"␛": visible(text)} for text in EVERY]
    pd.testing.assert_frame_equal(visible_frame[["amount", "count", "at"]], frame[["amount", "count", "at"]])
    assert list(frame["title"]) == list(EVERY)


def test_no_cell_of_a_file_is_computed_and_all_can_be_read_back(frame: pd.DataFrame) -> None:
    restored = pd.read_csv(io.StringIO(csv_of(frame.drop(columns="=caption"))), dtype={"exact": str})
    assert list(restored["title"].map(unescape_formulas)) == list(EVERY)
    assert set(restored["amount"]) == {-12.5}
    assert set(restored["exact"]) == {"-12.50"}
    assert list(restored["sort"][:2]) == ["'=a", "b"]
    assert "'=caption" in csv_of(frame)


def test_what_stands_before_the_lines_is_written_likewise() -> None:
    indexed = pd.DataFrame({"n": [-1, 2]}, index=pd.Index(["=1", "b"], name="@x"))
    assert csv_of(indexed, index=True).splitlines() == [f"{escape_formulas('@x')},n", "'=1,-1", "b,2"]


def test_the_first_row_of_an_edited_table_has_empty_texts() -> None:
    typeless = pd.Series([None], dtype=pd.ArrowDtype(pa.null()))  # as st.data_editor returns a column without a value
    edited = pd.DataFrame({"code": pd.Series(["NL"], dtype="string"), "rate": typeless, "none": pd.NA})
    assert with_empty_texts(edited).to_dict("records") == [{"code": "NL", "rate": "", "none": ""}]
