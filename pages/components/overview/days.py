"""The last days as charts: what became of records, and what each flow proved, day by day."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pandas as pd
import streamlit as st

from integration.services import Application
from integration.services.log import Period
from pages.components.shared.charts import flow_bars, state_bars
from pages.components.shared.layout import csv_button, note, titled
from pages.components.shared.wording import flow_name, short_day, text, zone

DAYS = 14
RESULTS = ["proven", "parked", "in_doubt"]


def last_days(app: Application) -> None:
    """Draw what the log tells of the last days, each chart with its data; a line instead while it tells nothing."""
    told = daily(app)
    with st.grid(5, min_column_width=190) as grid:
        with grid.cell(column_span=3):
            _chart(
                "days_results",
                told.pivot_table(index="day", columns="event", values="events", aggfunc="sum"),
                lambda wide: state_bars(wide, "label", RESULTS, every=2),
            )
        with grid.cell(column_span=2):
            proven = told[told["event"] == "proven"]
            names = {flow: flow_name(flow) for flow in app.flows}
            _chart(
                "days_flows",
                proven.pivot_table(index="day", columns="flow", values="events", aggfunc="sum"),
                lambda wide: flow_bars(wide, "label", names, text("days_flows"), every=3),
            )


def daily(app: Application) -> pd.DataFrame:
    """Return how many records had each result on each of the last days of whoever looks: day, flow, event, events."""
    since = _first_day()
    told = app.log.volume(Period(since))
    told = told[told["event"].isin(RESULTS)]
    here = pd.to_datetime(told["period"], utc=True).dt.tz_convert(str(zone()))
    return told.assign(day=here.dt.date).groupby(["day", "flow", "event"])["events"].sum().reset_index()


def _first_day() -> datetime:
    today = datetime.now(zone()).replace(hour=0, minute=0, second=0, microsecond=0)
    return today - timedelta(days=DAYS - 1)


def _chart(title: str, wide: pd.DataFrame, draw: Callable[[pd.DataFrame], None]) -> None:
    with titled(text(title)):
        if len(wide):
            csv_button(f"{title}.csv", lambda: wide.fillna(0).astype(int).to_csv(), key=f"csv-{title}", type="tertiary")
    with st.container(border=True):
        if len(wide):
            draw(_every_day(wide))
        else:
            note(text("days_nothing"))


def _every_day(wide: pd.DataFrame) -> pd.DataFrame:
    """Return a row for each of the last days, also those on which nothing happened, with its label."""
    days = [(_first_day() + timedelta(days=place)).date() for place in range(DAYS)]
    noons = [datetime(day.year, day.month, day.day, 12, tzinfo=zone()) for day in days]
    return wide.reindex(days).fillna(0).assign(label=[short_day(noon) for noon in noons])
