"""The status of both connections, and the results of the last days as charts."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import streamlit as st

from integration.application.application import Application
from integration.services.log.log import LogPeriod
from pages.components.shared.connection_badge import connection_since, draw_connection_badge
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

if TYPE_CHECKING:  # imported for the charts, which are drawn last
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
RESULTS = ["proven", "accepted", "parked", "in_doubt"]


def last_days(app: Application) -> None:
    """Draw the results of the last days, each chart with a download of its data. Without results, draw a sentence."""
    from pages.components.overview.bars import flow_bars, state_bars  # noqa: PLC0415 - as said at the top

    volume = answer_or_error(lambda: daily(app))
    if volume is None:
        return
    with st.grid(5, min_column_width=125) as grid:
        with grid.cell(column_span=3):
            _chart(
                "days_results",
                _pivot(volume, "event"),
                lambda wide: state_bars(wide, RESULTS, text("days_results")),
            )
        with grid.cell(column_span=2):
            proven = volume[volume["event"] == "proven"]
            names = {flow: flow_name(flow) for flow in app.flows}
            _chart(
                "days_flows",
                _pivot(proven, "flow"),
                lambda wide: flow_bars(wide, names, text("days_flows")),
            )


def daily(app: Application) -> "pd.DataFrame":
    """Return the number of records by day in the session's time zone, flow and event, as day, flow, event, events."""
    import pandas as pd  # noqa: PLC0415 - as said at the top

    since = _first_day()
    volume = app.log.volume(LogPeriod(since))
    volume = volume[volume["event"].isin(RESULTS)]
    local_time = pd.to_datetime(volume["period"], utc=True).dt.tz_convert(str(zone()))
    return volume.assign(day=local_time.dt.date).groupby(["day", "flow", "event"])["events"].sum().reset_index()


def _pivot(volume: "pd.DataFrame", column: str) -> "pd.DataFrame":
    """Return a table with a row for each day and a column for each value of `column`."""
    return volume.groupby(["day", column])["events"].sum().unstack()  # noqa: PD010 - pivot_table is slower


def _first_day() -> datetime:
    today = datetime.now(zone()).replace(hour=0, minute=0, second=0, microsecond=0)
    return today - timedelta(days=DAYS - 1)


def _chart(title: str, wide: "pd.DataFrame", draw: Callable[["pd.DataFrame"], None]) -> None:
    from pages.components.shared.downloads import downloads  # noqa: PLC0415 - as said at the top

    with section_with_actions(text(title)):
        if len(wide):
            downloads(title, lambda: wide.fillna(0).astype(int), index=True, type="tertiary")
    with st.container(border=True):
        if len(wide):
            draw(_every_day(wide))
        else:
            note(text("days_nothing"))


def _every_day(wide: "pd.DataFrame") -> "pd.DataFrame":
    """Return a row with a label for each of the last days, including days without events."""
    days = [(_first_day() + timedelta(days=place)).date() for place in range(DAYS)]
    noons = [datetime(day.year, day.month, day.day, 12, tzinfo=zone()) for day in days]
    return wide.reindex(days).fillna(0).assign(label=[short_day(noon) for noon in noons])
