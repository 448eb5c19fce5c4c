"""The log as a list with search and filters, and as statistics: results over time, errors, and durations."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import zip_longest
from typing import Any

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from integration.application.application import Application
from integration.core.records import RecordType, kinds
from integration.services.log.log import MAX_RESULTS, LogPeriod, LogSearch, days_until
from integration.services.runs.exceptions import AMOUNT
from pages.components.logs.page_links import exceptions_link, open_link
from pages.components.shared.charts import lines_over_time, points_over_time, results_over_time
from pages.components.shared.downloads import downloads
from pages.components.shared.frames import with_utc
from pages.components.shared.layout import (
    STATE_STYLES,
    choice,
    clear_address,
    clear_search,
    control_value,
    empty,
    keep_in_address,
    no_match,
    note,
    page_offset,
    pages,
    search,
    section_with_actions,
    select_input,
    state_tag,
    state_word,
    tint,
)
from pages.components.shared.runs import short_id
from pages.components.shared.saved_filters import saved_filters
from pages.components.shared.tables import CONFIG, Columns, browse
from pages.components.shared.timeline import Happened, event_name, event_reason, event_title, rows_of, texts_of
from pages.components.shared.wording import (
    Markdown,
    amount_text,
    field_date,
    flow_name,
    kind_name,
    link,
    number,
    plain,
    system_name,
    table_second,
    table_time,
    term,
    text,
    zone,
)

EVENTS = (
    "proven",
    "accepted",
    "parked",
    "in_doubt",
    "skipped",
    "unchanged",
    "matched",
    "left",
    "planned",
    "sent",
    "left_out",
    "taken_in",
    "approved",
    "run_started",
    "plan_ready",
    "run_done",
    "run_failed",
    "run_held",
    "run_went_on",
    "run_interrupted",
    "run_discarded",
    "plan_noted",
    "stop_asked",
    "round_missed",
    "issue_closed",
    "issue_dismissed",
    "issue_reopened",
    "linked_by_hand",
    "conflict_settled",
    "identity_decided",
    "customers_merged",
    "customers_separated",
    "customer_pair_dismissed",
    "customer_pair_proposed_again",
    "found_by_hand",
    "not_there",
    "mapping_published",
    "table_changed",
    "setting_changed",
    "brake_switched_off",
    "change_requested",
    "change_approved",
    "change_rejected",
    "connection_changed",
)
PERIODS = ("1", "7", "30", "90", "365")
SIZE = 200


def _search_filters(app: Application) -> LogSearch:
    """Draw the filters and return the search they describe."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        find_text = search(text("find_in_log"))
        flow = pick_flow(app, 180)
        events = {"": text("log_all_events"), **{event: result_name(event) for event in EVENTS}}
        event = select_input("event", events, text("col_event"), 210, ("page",))
        first, last = _days()
        saved_filters(app, "logs")
    run = st.query_params.get("run", "")
    if run:
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
            at = link(plain(short_id(run)), "runs", run=run)
            st.markdown(f":small[{text('col_run')} {at}]", width="content")
            st.button(
                text("btn_every_run"),
                icon=":material/close:",
                type="tertiary",
                key="every_run",
                on_click=clear_address,
                args=("page", "run"),
            )
    begin, end = _day_start(first), _day_start(last, 1)
    return LogSearch(find_text, flow, event, run, begin, end)


def pick_flow(app: Application, width: int) -> str:
    """Draw the choice of a flow and return its name; empty for all flows."""
    flow_names = {flow: flow_name(flow) for flow in app.flows}
    return select_input("flow", {"": text("log_all_flows"), **flow_names}, text("col_flow"), width, ("page",))


def result_name(event: str) -> Markdown:
    """Return the word of a result, or the name of another event."""
    return state_word(event) if event in STATE_STYLES else plain(event_name(event))


def _days() -> tuple[date | None, date | None]:
    """Draw the period and return its first and last day; both are None while only one day is chosen."""

    def moved() -> None:
        chosen = [day.isoformat() for day in control_value("days", ())]
        clear_address("page")
        for name, day in zip_longest(("from", "to"), chosen, fillvalue=""):
            keep_in_address(name, day)

    first, last = _day("from"), _day("to")
    day_range: list[date | datetime | str | None] = [day for day in (first, last) if day is not None]
    st.date_input(
        text("log_period"),
        day_range,
        key="_days",
        on_change=moved,
        format=field_date(),
        label_visibility="collapsed",
        width=230,
    )
    return (first, last) if first and last else (None, None)


def _day(name: str) -> date | None:
    try:
        return date.fromisoformat(st.query_params.get(name, ""))
    except ValueError:
        return None


def _day_start(day: date | None, later: int = 0) -> datetime | None:
    """Return the begin of a day in UTC, `later` days after it."""
    return datetime.combine(day + timedelta(days=later), time(), zone()).astimezone(UTC) if day else None


def records(app: Application, tools: DeltaGenerator) -> None:
    """Draw the matching events. A click opens the history of the record, or the run."""
    criteria = _search_filters(app)
    offset = page_offset("page", MAX_RESULTS, SIZE)
    events = app.log.search(criteria, offset, SIZE)
    if events.empty and offset:
        offset, events = 0, app.log.search(criteria, 0, SIZE)
    if events.empty:
        _empty_note(criteria)
        return
    event_count, more = int(events.attrs["found"]), bool(events.attrs["more"])
    downloads("log", lambda: event_frame(app.log.search(criteria, 0, MAX_RESULTS)), at=tools)
    clicked = browse(
        event_frame(events).assign(result=lambda frame: frame["result"].map(lambda result: [result])),
        _columns(),
        f"log-{hash(criteria)}-{offset}",
        text("nav_logs"),
        {"at": table_second},
    )
    note(
        text(
            "log_shown_more" if more else "log_shown",
            first=number(offset + 1),
            last=number(offset + len(events)),
            number=number(event_count),
        )
    )
    pages("page", event_count, SIZE)
    if clicked is not None:
        _open_event(events.iloc[clicked])


def _empty_note(criteria: LogSearch) -> None:
    """Show why the list is empty and what to do next."""
    if criteria == LogSearch():
        empty("receipt_long", text("log_empty"), text("log_empty_about"))
    elif no_match(text("log_nothing_matches"), text("log_no_match_about")):
        clear_address("page", "flow", "event", "run", "from", "to", "days")
        clear_search()


def _open_event(event: "pd.Series[str]") -> None:
    """Open the object of an event: the history of its record, or its run."""
    if event["flow"] and event["key"]:
        st.switch_page("pages/logs.py", query_params={"record": f"{event['flow']}:{event['key']}"})
    if event["run"]:
        st.switch_page("pages/runs.py", query_params={"run": str(event["run"])})


def event_frame(events: pd.DataFrame) -> pd.DataFrame:
    """Return events of the log as a table, in the time zone and language of the session."""
    at, rows = pd.to_datetime(events["happened_at"], utc=True), rows_of(events)
    return pd.DataFrame(
        {
            "at": at.dt.tz_convert(str(zone())).dt.tz_localize(None).dt.floor("s"),
            "flow": [flow_name(row["flow"]) if row["flow"] else "" for row in rows],
            "key": [_code(row) for row in rows],
            "title": [_title(row) for row in rows],
            "amount": [_amount(row) for row in rows],
            "result": [
                state_tag(row["event"]) if row["event"] in STATE_STYLES else event_name(row["event"]) for row in rows
            ],
            "reason": [event_reason(row) for row in rows],
        }
    )


def _code(row: dict[str, str]) -> str:
    """Return the code that people know: for a document its number, because its key is technical."""
    if str(row["event"]).startswith("connection_"):
        return system_name(row["key"].removeprefix("sandbox-"))
    return row["title"] if row["kind"] in kinds(RecordType.DOCUMENT) else row["key"]


def _title(row: dict[str, str]) -> str:
    if row["kind"] in kinds(RecordType.DOCUMENT):
        customer = texts_of(row.get("facts")).get("customer", "")
        return f"{kind_name(row['kind'])} · {customer}" if customer else kind_name(row["kind"])
    return row["title"] or (f"{text('col_run')} {short_id(row['run'])}" if row["run"] and not row["key"] else "")


def _amount(row: dict[str, str]) -> str:
    """Return the total of a document or the amount at stake; empty if the event has neither."""
    facts = texts_of(row.get("facts"))
    amount_fact = facts.get("sold") or facts.get("total", "")
    return amount_text(Decimal(amount_fact)) if AMOUNT.fullmatch(amount_fact) else ""


def _columns() -> Columns:
    states = ("proven", "accepted", "parked", "in_doubt", "skipped", "unchanged", "left", "planned")
    return {
        "at": CONFIG.DatetimeColumn(text("col_at")),
        "flow": CONFIG.TextColumn(text("col_flow")),
        "key": CONFIG.TextColumn(text("col_code")),
        "title": CONFIG.TextColumn(text("col_name")),
        "amount": CONFIG.TextColumn(text("col_incl"), alignment="right"),
        "result": CONFIG.MultiselectColumn(
            text("col_event"),
            options=[state_tag(state) for state in states],
            color=[tint(state) for state in states],
        ),
        "reason": CONFIG.TextColumn(text("col_reason")),
    }


# ---- runs and volume ------------------------------------------------------------------------------------------------


PERIOD = "30"
RESULTS = ("proven", "accepted", "unchanged", "skipped", "parked", "in_doubt", "left")
MILLI = 1000


def volumes(app: Application, _tools: DeltaGenerator) -> None:
    """Draw the statistics of a period, each chart with a download of its data."""
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


def _period(app: Application) -> LogPeriod:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        days = choice("period", PERIODS, PERIOD, lambda days_option: text(f"log_period_{days_option}"))
        flow = pick_flow(app, 200)
    return days_until(int(days), datetime.now(zone()), flow)


def _results(period: LogPeriod, volume: pd.DataFrame) -> None:
    wide = volume.pivot_table(index="period", columns="event", values="events", aggfunc="sum", fill_value=0)
    if period.unit == "hour" and len(wide):
        wide.index = pd.DatetimeIndex(wide.index).tz_localize("UTC").tz_convert(str(zone())).tz_localize(None)
    _section_with_download("volume_title", "volume_about", "results", wide)
    with st.container(border=True):
        if wide.empty:
            note(text("volume_nothing"))
        else:
            bounds, ticks = period.bounds(datetime.now(zone())), text(f"axis_{period.unit}")
            results_over_time(wide, RESULTS, ticks, period.unit, bounds, text("volume_title"))


def _section_with_download(title: str, about: str, name: str, data: pd.DataFrame) -> None:
    """Draw the head of a section with a download of its data. An unnamed index is not part of the data."""
    with section_with_actions(text(title), text(about)):
        if len(data):
            indexed = data.index.name is not None
            downloads(name, lambda: data, index=indexed, type="tertiary")


def _errors(app: Application, period: LogPeriod) -> None:
    """Draw what was parked or stopped a run, by cause. A click opens the place of the repair."""
    errors = app.log.errors(period)
    _section_with_download("errors_title", "errors_about", "errors", with_utc(errors))
    if errors.empty:
        with st.container(border=True):
            note(f":green[:material/check_circle:] {text('errors_none')}")
        return
    error_frame = pd.DataFrame(
        {
            "cause": [_cause(line) for line in rows_of(errors)],
            "flow": [flow_name(flow) if flow in app.flows else flow for flow in errors["flow"]],
            "events": errors["events"],
            "last_seen": _local_times(errors["last_seen"]),
        }
    )
    columns = {
        "cause": CONFIG.TextColumn(text("col_cause")),
        "flow": CONFIG.TextColumn(text("col_flow")),
        "events": CONFIG.NumberColumn(text("col_times")),
        "last_seen": CONFIG.DatetimeColumn(text("col_last_seen")),
    }
    key = f"errors-{period.since:%Y%m%d%H}-{period.flow}"
    clicked = browse(error_frame, columns, key, text("errors_title"), {"last_seen": table_time})
    if clicked is not None:
        _open_error(app, errors.iloc[clicked])


def _local_times(moments: "pd.Series[Any]") -> "pd.Series[Any]":
    """Return moments of the log in the time zone of the session."""
    return pd.to_datetime(moments, utc=True).dt.tz_convert(str(zone())).dt.tz_localize(None)


def _cause(error: Happened) -> str:
    """Return the sentence of a cause for the newest of its records."""
    sentence = event_reason(error) if error["event"] == "parked" else event_title(error)
    return sentence or str(error["code"]).replace("_", " ")


def _open_error(app: Application, error: "pd.Series[str]") -> None:
    """Open the exceptions of a cause, otherwise the log. For an error that stopped runs, open those log events."""
    flow, event, code = (str(error[name]) for name in ("flow", "event", "code"))
    if event != "parked":
        st.switch_page("pages/logs.py", query_params={"flow": flow, "event": event})
    open_link(exceptions_link(app, flow, code))


def _durations(period: LogPeriod, runs: pd.DataFrame) -> None:
    """Draw the working time of runs, as a point for each."""
    labels = [short_id(str(run)) for run in runs["run"]]
    frame = runs.assign(at=_local_times(runs["started_at"]), seconds=runs["run_ms"] / MILLI, label=labels)
    _section_with_download("duration_title", "duration_about", "durations", frame[["run", "flow", "at", "seconds"]])
    bounds, ticks = period.bounds(datetime.now(zone())), text(f"axis_{period.unit}")
    with st.container(border=True):
        points_over_time(frame, _names(frame), ticks, bounds, text("duration_title"), term("duration_seconds"))


def _change_times(app: Application, period: LogPeriod) -> None:
    """Draw the time from sending a change to its proof, per day."""
    times = app.log.change_paces(period)
    times = times.assign(seconds=times["half_ms"] / MILLI, most_seconds=times["most_ms"] / MILLI)
    wide = times.pivot_table(index="period", columns="flow", values="seconds")
    _section_with_download(
        "pace_title", "pace_about", "paces", times[["period", "flow", "changes", "seconds", "most_seconds"]]
    )
    with st.container(border=True):
        if wide.empty:
            note(text("volume_nothing"))
        else:
            bounds, unit = period.bounds(datetime.now(zone())), term("duration_seconds")
            lines_over_time(wide, _names(times), text("axis_day"), bounds, text("pace_title"), unit)


def _names(frame: pd.DataFrame) -> dict[str, str]:
    return {str(flow): flow_name(str(flow)) for flow in sorted(set(frame["flow"]))}
