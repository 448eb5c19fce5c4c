"""The status of both connections, and the results of the last days as charts."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import streamlit as st

from integration.application.application import Application
from integration.services.log.log import HourlyCount
from pages.components.overview.bars import LabelledCounts, flow_bars, state_bars
from pages.components.shared.connection_badge import connection_since, draw_connection_badge
from pages.components.shared.downloads import downloads
from pages.components.shared.layout import answer_or_error, note, section_with_actions
from pages.components.shared.wording import (
    Markdown,
    flow_name,
    plain,
    short_day,
    system_name,
    text,
    zone,
)

if TYPE_CHECKING:  # the first page of a server would wait for its import
    import pandas as pd


def connection_rows(app: Application) -> None:
    """Draw both connections with their description, since when they answer, and their response time."""
    with st.container(border=True, gap="xsmall", key="rows_connections"):
        for place, status in enumerate(app.connection_monitor.statuses()):
            if place:
                st.divider()
            with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
                about = " · ".join(part for part in (plain(status.about), connection_since(status)) if part)
                _two_lines(system_name(status.system), about)
                draw_connection_badge(status)


def _two_lines(title: Markdown, about: Markdown) -> None:
    """Draw title and description as one element, because every element costs the browser time."""
    st.markdown(f":small[**{title}**]  \n:small[:gray[{about}]]", width="stretch")


# ---- the last days --------------------------------------------------------------------------------------------------


DAYS = 14
RESULTS = ["proven", "parked", "in_doubt"]


def last_days(app: Application) -> None:
    """Draw the results of the last days, each chart with a download of its data. Without results, draw a sentence."""
    counts = answer_or_error(lambda: app.log.hourly_counts(_first_day()))
    if counts is None:
        return
    with st.grid(5, min_column_width=125) as grid:
        with grid.cell(column_span=3):
            results = [count for count in counts if count.event in RESULTS]
            _chart(
                "days_results",
                _by_day((count, count.event) for count in results),
                lambda days: state_bars(days, RESULTS, text("days_results")),
            )
        with grid.cell(column_span=2):
            names = {flow: flow_name(flow) for flow in app.flows}
            _chart(
                "days_flows",
                _by_day((count, count.flow) for count in results if count.event == "proven"),
                lambda days: flow_bars(days, names, text("days_flows")),
            )


def _by_day(counts: Iterable[tuple[HourlyCount, str]]) -> dict[date, Counter[str]]:
    """Return the records of each day in the session's time zone, by the name that stands beside each count."""
    days: defaultdict[date, Counter[str]] = defaultdict(Counter)
    for count, name in counts:
        days[count.hour.astimezone(zone()).date()][name] += count.records
    return dict(days)


def _first_day() -> datetime:
    today = datetime.now(zone()).replace(hour=0, minute=0, second=0, microsecond=0)
    return today - timedelta(days=DAYS - 1)


def _chart(title: str, days: Mapping[date, Counter[str]], draw: Callable[[Sequence[LabelledCounts]], None]) -> None:
    with section_with_actions(text(title)):
        if days:
            downloads(title, lambda: _frame(days), index=True, type="tertiary")
    with st.container(border=True):
        if days:
            draw(_every_day(days))
        else:
            note(text("days_nothing"))


def _frame(days: Mapping[date, Counter[str]]) -> "pd.DataFrame":
    import pandas as pd  # noqa: PLC0415 - as said at the top

    names = sorted({name for counts in days.values() for name in counts})
    rows = [[counts[name] for name in names] for counts in days.values()]
    return pd.DataFrame(rows, pd.Index(days, name="day"), names)


def _every_day(days: Mapping[date, Counter[str]]) -> list[LabelledCounts]:
    """Return the label and the counts of each of the last days, including days without events."""
    noons = [(_first_day() + timedelta(days=place)).replace(hour=12) for place in range(DAYS)]
    return [(short_day(noon), days.get(noon.date(), Counter())) for noon in noons]
