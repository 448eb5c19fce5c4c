"""Column widths of tables."""

from pathlib import Path
from unicodedata import normalize

import pandas as pd
import pytest
from fontTools.ttLib import TTFont  # type: ignore[import-untyped]

from pages.components.shared.column_widths import PADDING, fit_columns
from pages.components.shared.tables import CONFIG
from pages.components.shared.text_width import LETTER, text_width

FONT = Path(__file__).parents[4] / "static" / "plex-sans-400.woff2"


def widths(frame: pd.DataFrame, room: int = 1000, **columns: object) -> dict[str, int]:
    return {name: column["width"] for name, column in fit_columns(frame, columns, {}, room=room).items()}


def test_letters_are_as_wide_as_in_the_font_and_unknown_ones_no_narrower_than_usual() -> None:
    font = TTFont(FONT)
    signs, advances = font.getBestCmap(), font["hmtx"]
    for code, name in signs.items():
        real, sign = pytest.approx(advances[name][0] * LETTER), chr(code)
        if code < 32:
            continue
        is_ascii = normalize("NFD", sign)[0].isascii()
        assert text_width(sign) == real if is_ascii else text_width(sign) > 10


@pytest.mark.parametrize("room", [300, 1000])
def test_a_column_has_room_for_its_widest_text_wherever_that_stands(room: int) -> None:
    rows = ["Bel"] * 40 + ["Fietshelm Urban maat M"]
    fitted = widths(pd.DataFrame({"title": rows, "n": range(41)}), room)

    assert fitted["title"] >= text_width(rows[-1]) + 2 * PADDING
    assert fitted["n"] < 50


def test_where_there_is_no_room_the_longest_are_cut_and_no_caption() -> None:
    long = "Choose another SKU rule under Flows, or change the code in AccountView. " * 3
    frame = pd.DataFrame({"code": ["1000"], "name": ["Fietshelm Urban"], "why": [long], "how": [long]})
    fitted = widths(frame, 700, code=CONFIG.TextColumn("A caption that is longer than the code"))

    assert fitted["code"] > text_width("A caption that is longer than the code")
    assert fitted["name"] > text_width("Fietshelm Urban")
    assert fitted["why"] == fitted["how"]
    assert 690 <= sum(fitted.values()) <= 710


def test_what_one_row_needs_does_not_take_the_room_of_what_all_rows_need() -> None:
    rows = ["Bel"] * 40
    why = "Choose another SKU rule under Flows, or change the code"
    fitted = widths(pd.DataFrame({"name": [*rows, why], "why": [why] * 41}), 500)

    assert fitted["name"] < 150
    assert fitted["why"] > text_width(why)


def test_what_a_trimmed_column_leaves_goes_to_the_text_that_was_cut() -> None:
    rows = ["What is kept"] * 6 + ["Lines of plans: as long as they are kept, a run can be taken back"]
    fitted = widths(pd.DataFrame({"what": rows, "why": rows[::-1]}), 560)

    assert 550 <= sum(fitted.values()) <= 570


def test_badges_options_and_what_is_no_text_are_as_wide_as_they_are_drawn() -> None:
    frame = pd.DataFrame({"state": [["Parked", "Brake"]], "owner": ["a"], "trail": [[1, 2]], "gone": ["x" * 90]})
    fitted = fit_columns(
        frame,
        {
            "state": CONFIG.MultiselectColumn("", options=["Parked", "Brake"]),
            "owner": CONFIG.SelectboxColumn("", options=["a"], format_func=lambda _: "AccountView"),
            "trail": CONFIG.AreaChartColumn("", width=128),
            "gone": None,
        },
        {},
    )

    assert fitted["state"]["width"] > text_width("ParkedBrake") + 6 * PADDING
    assert fitted["owner"]["width"] > 60
    assert fitted["trail"]["width"] == 128
    assert fitted["gone"] is None
