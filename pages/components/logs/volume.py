"""Runs and volume, told by the log itself: results over time, errors by cause, and how long runs and changes took."""

from datetime import datetime

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from integration.services import Application
from integration.services.exceptions import address_of
from integration.services.log import Period, last_days
from pages.components.logs.filters import PERIODS, flows, pick
from pages.components.shared.charts import lines_over_time, points_over_time, results_over_time
from pages.components.shared.layout import choice, empty, note, section
from pages.components.shared.runs import short_id
from pages.components.shared.tables import Columns, browse
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
        if period.flow or st.query_params.get("period", PERIOD) != PERIODS[-1]:
            empty("monitoring", text("volume_nothing"), text("volume_nothing_about"))
        else:
            empty("monitoring", text("volume_empty"), text("volume_empty_about"))
        return
    _results(period, volume)
    _errors(app, period)
    with st.grid(2, min_column_width=420) as grid:
        with grid.cell():
            _durations(period, runs)
        with grid.cell():
            _paces(app, period)


def _period(app: Application) -> Period:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        days = choice("period", PERIODS, PERIOD, lambda one: text(f"log_period_{one}"))
        flow = pick("flow", {"": text("log_all_flows"), **flows(app)}, text("col_flow"), 200)
    return last_days(int(days), datetime.now(zone()), flow)


def _bounds(period: Period) -> tuple[datetime, datetime]:
    return period.bounds(datetime.now(zone()))


def _ticks(period: Period) -> str:
    return text(f"axis_{period.unit}")


def _results(period: Period, volume: pd.DataFrame) -> None:
    wide = volume.pivot_table(index="period", columns="event", values="events", aggfunc="sum", fill_value=0)
    if period.unit == "hour" and len(wide):
        wide.index = pd.DatetimeIndex(wide.index).tz_localize("UTC").tz_convert(str(zone())).tz_localize(None)
    _titled("volume_title", "volume_about", "results", wide)
    with st.container(border=True):
        if wide.empty:
            note(text("volume_nothing"))
        else:
            results_over_time(wide, RESULTS, _ticks(period), period.unit, _bounds(period), text("volume_title"))


def _titled(title: str, about: str, name: str, data: pd.DataFrame) -> None:
    """Draw the head of a section with what it shows as a file; an index without a name is no data."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        with st.container(width="stretch", gap=None):
            section(text(title), text(about))
        if len(data):
            st.download_button(
                text("btn_csv"),
                data=lambda: data.to_csv(index=data.index.name is not None),
                file_name=f"{name}.csv",
                icon=":material/download:",
                on_click="ignore",
                mime="text/csv",
                key=f"csv-{name}",
                type="tertiary",
            )


def _errors(app: Application, period: Period) -> None:
    """Draw what was parked or stopped a run, by cause; a click leads to where it is repaired."""
    errors = app.log.errors(period)
    _titled("errors_title", "errors_about", "errors", errors)
    if errors.empty:
        with st.container(border=True):
            note(f":green[:material/check_circle:] {text('errors_none')}")
        return
    last = pd.to_datetime(errors["last_seen"], utc=True).dt.tz_convert(str(zone())).dt.tz_localize(None)
    shown = pd.DataFrame(
        {
            "cause": [_cause(line) for line in rows_of(errors)],
            "flow": [flow_name(flow) if flow in app.flows else flow for flow in errors["flow"]],
            "events": errors["events"],
            "last_seen": last,
        }
    )
    clicked = browse(
        shown,
        _error_columns(),
        f"errors-{period.since:%Y%m%d%H}-{period.flow}",
        text("errors_title"),
        {"last_seen": table_time},
    )
    if clicked is not None:
        _lead_to(app, errors.iloc[clicked])


def _cause(error: Happened) -> str:
    """Return the sentence of a cause, as it was said of the newest of its records."""
    said = event_reason(error) if error["event"] == "parked" else event_title(error)
    return said or str(error["code"]).replace("_", " ")


def _error_columns() -> Columns:
    config = st.column_config
    return {
        "cause": config.TextColumn(text("col_cause"), width="large"),
        "flow": config.TextColumn(text("col_flow"), width=110),
        "events": config.NumberColumn(text("col_times"), width=90),
        "last_seen": config.DatetimeColumn(text("col_last_seen"), width=120),
    }


def _lead_to(app: Application, error: "pd.Series[str]") -> None:
    """Open the exceptions of a cause while there are any, else what the log has of it; or the runs it stopped."""
    if error["event"] != "parked":
        st.switch_page("pages/logs.py", query_params={"flow": str(error["flow"]), "event": str(error["event"])})
    waiting = [one for one in app.issues.causes(str(error["flow"])) if one.of.cause == error["code"]]
    if len(waiting) == 1:
        st.switch_page("pages/exceptions.py", query_params={"cause": address_of(waiting[0].of)})
    if waiting:
        st.switch_page("pages/exceptions.py", query_params={"flow": str(error["flow"])})
    asked = {"flow": str(error["flow"]), "event": "parked", "find": str(error["code"])}
    st.switch_page("pages/logs.py", query_params=asked)


def _durations(period: Period, runs: pd.DataFrame) -> None:
    """Draw how long runs were at work, a point for each."""
    local = pd.to_datetime(runs["started_at"], utc=True).dt.tz_convert(str(zone())).dt.tz_localize(None)
    frame = runs.assign(at=local, seconds=runs["run_ms"] / MILLI, label=[short_id(str(run)) for run in runs["run"]])
    _titled("duration_title", "duration_about", "durations", frame[["run", "flow", "at", "seconds"]])
    with st.container(border=True):
        points_over_time(
            frame,
            _names(frame),
            _ticks(period),
            _bounds(period),
            text("duration_title"),
            term("duration_seconds"),
        )


def _paces(app: Application, period: Period) -> None:
    """Draw how long one change took from sending to its proof, day by day."""
    paces = app.log.change_paces(period)
    paces = paces.assign(seconds=paces["half_ms"] / MILLI, most_seconds=paces["most_ms"] / MILLI)
    wide = paces.pivot_table(index="period", columns="flow", values="seconds")
    _titled("pace_title", "pace_about", "paces", paces[["period", "flow", "changes", "seconds", "most_seconds"]])
    with st.container(border=True):
        if wide.empty:
            note(text("volume_nothing"))
        else:
            lines_over_time(
                wide,
                _names(paces),
                text("axis_day"),
                _bounds(period),
                text("pace_title"),
                term("duration_seconds"),
            )


def _names(frame: pd.DataFrame) -> dict[str, str]:
    return {str(flow): flow_name(str(flow)) for flow in sorted(set(frame["flow"]))}
