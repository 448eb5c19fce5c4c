"""A sparkline of the new records of a cause per day, drawn as HTML."""

from collections.abc import Mapping
from datetime import date, datetime, time
from html import escape

import streamlit as st

from pages.components.shared.wording import number, short_day, text, zone

COURSE_WIDTH = 112  # pixels of the whole sparkline


def sparkline(days: Mapping[date, int]) -> None:
    """Draw the sparkline. Its label names the numbers for screen readers."""
    st.html(sparkline_html(days), width=COURSE_WIDTH)


def sparkline_html(days: Mapping[date, int]) -> str:
    day_names = {day: short_day(datetime.combine(day, time(12), zone())) for day in days}
    top = max(days.values())
    course = ", ".join(f"{day_names[day]} {number(count)}" for day, count in days.items() if count)
    bars = "".join(
        f'<b title="{escape(day_names[day])}: {number(count)}"><i style="height:{100 * count / top:.4g}%"></i></b>'
        for day, count in days.items()
    )
    alt = escape(text("cause_course", days=course))
    return f'<div class="sparkline" role="img" aria-label="{alt}">{bars}</div>'
