"""The small bars beside a cause: how high each day is, and what is said of them."""

from streamlit.testing.v1 import AppTest


def _drawn() -> None:
    from datetime import date

    from pages.components.exceptions.course import course

    course({date(2026, 11, 29): 4, date(2026, 11, 30): 0, date(2026, 12, 1): 1})


def test_a_course_has_a_bar_for_each_day_and_says_on_which_days_something_came() -> None:
    (html,) = AppTest.from_function(_drawn).run().get("html")
    drawn = html.proto.body
    assert 'role="img" aria-label="New in the last 14 days: 29 Nov 4, 1 Dec 1"' in drawn
    assert [f"height:{share}%" in drawn for share in (100, 0, 25)] == [True] * 3
