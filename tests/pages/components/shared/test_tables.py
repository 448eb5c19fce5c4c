"""Tables as they are shown and as they are written to a file."""

import io
from datetime import date
from decimal import Decimal

import pandas as pd
import pytest

from integration.core.untrusted_text import escape_formulas, unescape_formulas, visible
from pages.components.shared.tables import csv_of, with_visible_characters
from tests.hostile import EVERY


@pytest.fixture
def frame() -> pd.DataFrame:
    """A table with every sort of cell that pages and answers of the log have."""
    return pd.DataFrame(
        {
            "title": list(EVERY),
            "amount": [-12.5] * len(EVERY),
            "exact": [Decimal("-12.50")] * len(EVERY),
            "count": range(len(EVERY)),
            "day": [date(2026, 1, 2)] * len(EVERY),
            "at": pd.to_datetime(["2026-01-02T03:04:05"] * len(EVERY)),
            "several": [[one, "x"] for one in EVERY],
            "none": [None] * len(EVERY),
            "sort": pd.Categorical(["=a", "b"] * (len(EVERY) // 2)),
            "=caption": [{"\x1b": one} for one in EVERY],
        }
    )


def test_every_sign_of_a_table_is_to_be_seen_and_its_numbers_stay(frame: pd.DataFrame) -> None:
    shown = with_visible_characters(frame)
    assert list(shown["title"]) == [visible(one) for one in EVERY]
    assert list(shown["several"]) == [[visible(one), "x"] for one in EVERY]
    assert list(shown["=caption"]) == [{"␛": visible(one)} for one in EVERY]
    pd.testing.assert_frame_equal(shown[["amount", "count", "at"]], frame[["amount", "count", "at"]])
    assert list(frame["title"]) == list(EVERY)


def test_no_cell_of_a_file_is_computed_and_all_can_be_read_back(frame: pd.DataFrame) -> None:
    kept = pd.read_csv(io.StringIO(csv_of(frame.drop(columns="=caption"))), dtype={"exact": str})
    assert list(kept["title"].map(unescape_formulas)) == list(EVERY)
    assert set(kept["amount"]) == {-12.5}
    assert set(kept["exact"]) == {"-12.50"}
    assert list(kept["sort"][:2]) == ["'=a", "b"]
    assert "'=caption" in csv_of(frame)


def test_what_stands_before_the_lines_is_written_likewise() -> None:
    told = pd.DataFrame({"n": [-1, 2]}, index=pd.Index(["=1", "b"], name="@x"))
    assert csv_of(told, index=True).splitlines() == [f"{escape_formulas('@x')},n", "'=1,-1", "b,2"]
