"""Stacked bars that a page draws itself: their scale and their labels."""

import pytest

from pages.components.overview.bars import BarPart, bar, scale

PARTS = [BarPart("proven", "Proven", "#00795C"), BarPart("parked", "Parked <b>", "#C2610C")]


@pytest.mark.parametrize(
    ("highest", "lines"),
    [
        (0, [0, 1]),
        (1, [0, 1]),
        (4, [0, 1, 2, 3, 4]),
        (5, [0, 2, 4, 6]),
        (800, [0, 200, 400, 600, 800]),
        (2_350, [0, 1_000, 2_000, 3_000]),
        (60_001, [0, 20_000, 40_000, 60_000, 80_000]),
    ],
)
def test_a_scale_ends_at_a_round_number_that_nothing_is_above(highest: int, lines: list[int]) -> None:
    assert scale(highest) == lines


def test_a_bar_is_as_high_as_all_of_its_parts_and_tells_each_of_them() -> None:
    drawn = bar("3 Nov", [30, 10], PARTS, 80, is_written=True)

    assert "height:50%" in drawn
    assert "linear-gradient(to top,#00795C 0% 75%,#C2610C 75% 100%)" in drawn
    assert "<em>3 Nov<br>Proven 30<br>Parked &lt;b&gt; 10</em><span>3 Nov</span>" in drawn


def test_a_day_on_which_nothing_happened_has_no_bar() -> None:
    assert bar("3 Nov", [0, 0], PARTS, 80, is_written=False) == "<div><em>3 Nov</em></div>"
