"""Runs and volume, told by the log itself: results over time, errors by cause, and how long runs and changes took."""

from datetime import datetime
from typing import Any

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from integration.services import Application
from integration.services.exceptions import address_of
from integration.services.log import Period, last_days
from pages.components.logs.records import PERIODS, pick_flow
from pages.components.shared.charts import lines_over_time, points_over_time, results_over_time
from pages.components.shared.layout import choice, csv_button, empty, note, titled
from pages.components.shared.runs import short_id
from pages.components.shared.tables import CONFIG, browse
from pages.components.shared.timeline import Happened, event_reason, event_title, rows_of
from pages.components.shared.wording import flow_name, table_time, term, text, zone

PERIOD = "30"
RESULTS = ("proven", "unchanged", "skipped", "parked", "in_doubt", "left")
MILLI = 1000


def volumes(app: Application, _tools: DeltaGenerator) -> None:
    """Draw what the log tells of a period, each chart with its data."""
    period = _period(app)
    volume = app.log.volume(period)
    runs = app.log.durations(period)
    if volume.empty and runs.empty:
        filtered = period.flow or st.query_params.get("period", PERIOD) != PERIODS[-1]
        why = "nothing" if filtered else "empty"
        empty("monitoring", text(f"volume_{why}"), text(f"volume_{why}_about"))
        return
    _results(period, volume)
    _errors(app, period)
    with st.grid(2, min_column_width=420) as grid:
        with grid.cell():
            _durations(period, runs)
        with grid.cell():
            _change_times(app, period)


def _period(app: Application) -> Period:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        days = choice("period", PERIODS, PERIOD, lambda one: text(f"log_period_{one}"))
        flow = pick_flow(app, 200)
    return last_days(int(days), datetime.now(zone()), flow)


def _results(period: Period, volume: pd.DataFrame) -> None:
    wide = volume.pivot_table(index="period", columns="event", values="events", aggfunc="sum", fill_value=0)
    if period.unit == "hour" and len(wide):
        wide.index = pd.DatetimeIndex(wide.index).tz_localize("UTC").tz_convert(str(zone())).tz_localize(None)
    _titled("volume_title", "volume_about", "results", wide)
    with st.container(border=True):
        if wide.empty:
            note(text("volume_nothing"))
        else:
            bounds, ticks = period.bounds(datetime.now(zone())), text(f"axis_{period.unit}")
            results_over_time(wide, RESULTS, ticks, period.unit, bounds, text("volume_title"))


def _titled(title: str, about: str, name: str, data: pd.DataFrame) -> None:
    """Draw the head of a section with what it shows as a file; an index without a name is no data."""
    with titled(text(title), text(about)):
        if len(data):
            indexed = data.index.name is not None
            csv_button(f"{name}.csv", lambda: data.to_csv(index=indexed), key=f"csv-{name}", type="tertiary")


def _errors(app: Application, period: Period) -> None:
    """Draw what was parked or stopped a run, by cause; a click leads to where it is repaired."""
    errors = app.log.errors(period)
    _titled("errors_title", "errors_about", "errors", errors)
    if errors.empty:
        with st.container(border=True):
            note(f":green[:material/check_circle:] {text('errors_none')}")
        return
    shown = pd.DataFrame(
        {
            "cause": [_cause(line) for line in rows_of(errors)],
            "flow": [flow_name(flow) if flow in app.flows else flow for flow in errors["flow"]],
            "events": errors["events"],
            "last_seen": _here(errors["last_seen"]),
        }
    )
    columns = {
        "cause": CONFIG.TextColumn(text("col_cause"), width="large"),
        "flow": CONFIG.TextColumn(text("col_flow"), width=110),
        "events": CONFIG.NumberColumn(text("col_times"), width=90),
        "last_seen": CONFIG.DatetimeColumn(text("col_last_seen"), width=120),
    }
    key = f"errors-{period.since:%Y%m%d%H}-{period.flow}"
    clicked = browse(shown, columns, key, text("errors_title"), {"last_seen": table_time})
    if clicked is not None:
        _lead_to(app, errors.iloc[clicked])


def _here(moments: "pd.Series[Any]") -> "pd.Series[Any]":
    """Return moments of the log as the clock of whoever looks shows them."""
    return pd.to_datetime(moments, utc=True).dt.tz_convert(str(zone())).dt.tz_localize(None)


def _cause(error: Happened) -> str:
    """Return the sentence of a cause, as it was said of the newest of its records."""
    said = event_reason(error) if error["event"] == "parked" else event_title(error)
    return said or str(error["code"]).replace("_", " ")


def _lead_to(app: Application, error: "pd.Series[str]") -> None:
    """Open the exceptions of a cause while there are any, else what the log has of it; or the runs it stopped."""
    flow, event, code = (str(error[name]) for name in ("flow", "event", "code"))
    if event != "parked":
        st.switch_page("pages/logs.py", query_params={"flow": flow, "event": event})
    waiting = [address_of(one.of) for one in app.issues.causes(flow) if one.of.cause == code]
    if waiting:
        one = {"cause": waiting[0]} if len(waiting) == 1 else {"flow": flow}
        st.switch_page("pages/exceptions.py", query_params=one)
    st.switch_page("pages/logs.py", query_params={"flow": flow, "event": "parked", "find": code})


def _durations(period: Period, runs: pd.DataFrame) -> None:
    """Draw how long runs were at work, a point for each."""
    labels = [short_id(str(run)) for run in runs["run"]]
    frame = runs.assign(at=_here(runs["started_at"]), seconds=runs["run_ms"] / MILLI, label=labels)
    _titled("duration_title", "duration_about", "durations", frame[["run", "flow", "at", "seconds"]])
    bounds, ticks = period.bounds(datetime.now(zone())), text(f"axis_{period.unit}")
    with st.container(border=True):
        points_over_time(frame, _names(frame), ticks, bounds, text("duration_title"), term("duration_seconds"))


def _change_times(app: Application, period: Period) -> None:
    """Draw how long one change took from sending to its proof, day by day."""
    times = app.log.change_paces(period)
    times = times.assign(seconds=times["half_ms"] / MILLI, most_seconds=times["most_ms"] / MILLI)
    wide = times.pivot_table(index="period", columns="flow", values="seconds")
    _titled("pace_title", "pace_about", "paces", times[["period", "flow", "changes", "seconds", "most_seconds"]])
    with st.container(border=True):
        if wide.empty:
            note(text("volume_nothing"))
        else:
            bounds, unit = period.bounds(datetime.now(zone())), term("duration_seconds")
            lines_over_time(wide, _names(times), text("axis_day"), bounds, text("pace_title"), unit)


def _names(frame: pd.DataFrame) -> dict[str, str]:
    return {str(flow): flow_name(str(flow)) for flow in sorted(set(frame["flow"]))}
