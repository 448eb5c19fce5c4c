"""The small bars beside a cause: the height of each day, and their description."""

from datetime import date

from pages.components.exceptions.sparkline import sparkline_html


def test_a_course_has_a_bar_for_each_day_and_says_on_which_days_something_came() -> None:
    course = sparkline_html({date(2026, 11, 29): 4, date(2026, 11, 30): 0, date(2026, 12, 1): 1})

    assert 'role="img" aria-label="New in the last 14 days: 29 Nov 4, 1 Dec 1"' in course
    assert [f"height:{share}%" in course for share in (100, 0, 25)] == [True] * 3
