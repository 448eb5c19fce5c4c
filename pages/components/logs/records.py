"""The records of the log as a list: searched, filtered, page by page, and as a file."""

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from integration.services import Application
from integration.services.log import MOST_FOUND, Sought
from pages.components.logs import filters as log_filters
from pages.components.shared.document import DOCUMENTS
from pages.components.shared.layout import empty, note, page_offset, pages
from pages.components.shared.runs import short_id
from pages.components.shared.states import LOOKS, tag, tint
from pages.components.shared.tables import Columns, browse
from pages.components.shared.timeline import event_name, event_reason, rows_of
from pages.components.shared.wording import flow_name, number, system_name, table_second, text, zone

SIZE = 200


def records(app: Application, tools: DeltaGenerator) -> None:
    """Draw the events that are asked for; a click opens the record's life, or the run."""
    sought = log_filters.asked(app)
    offset = page_offset("page", MOST_FOUND, SIZE)
    events = app.log.search(sought, offset, SIZE)
    if events.empty and offset:
        offset, events = 0, app.log.search(sought, 0, SIZE)
    if events.empty:
        _nothing(sought)
        return
    found, more = int(events.attrs["found"]), bool(events.attrs["more"])
    with tools:
        st.download_button(
            text("btn_csv"),
            data=lambda: event_frame(app.log.search(sought, 0, MOST_FOUND)).to_csv(index=False),
            file_name="log.csv",
            icon=":material/download:",
            on_click="ignore",
            mime="text/csv",
        )
    clicked = browse(
        _tagged(event_frame(events)), _columns(), f"log-{hash(sought)}-{offset}", text("nav_logs"), {"at": table_second}
    )
    note(
        text(
            "log_shown_more" if more else "log_shown",
            first=number(offset + 1),
            last=number(offset + len(events)),
            number=number(found),
        )
    )
    pages("page", found, SIZE)
    if clicked is not None:
        _open(events.iloc[clicked])


def _nothing(sought: Sought) -> None:
    """Say why there is nothing here, and what to do next."""
    if sought == Sought():
        empty("receipt_long", text("log_empty"), text("log_empty_about"))
        return
    if empty(
        "filter_alt_off",
        text("log_nothing_matches"),
        text("log_no_match_about"),
        text("btn_clear_filters"),
        key="clear",
    ):
        log_filters.clear()


def _open(event: "pd.Series[str]") -> None:
    """Open what an event tells of: a record's life, or the run it belongs to."""
    if event["flow"] and event["key"]:
        st.switch_page("pages/logs.py", query_params={"record": f"{event['flow']}:{event['key']}"})
    if event["run"]:
        st.switch_page("pages/runs.py", query_params={"run": str(event["run"])})


def event_frame(events: pd.DataFrame) -> pd.DataFrame:
    """Return events of the log as they are shown, in the time zone and language of whoever looks."""
    at, rows = pd.to_datetime(events["happened_at"], utc=True), rows_of(events)
    return pd.DataFrame(
        {
            "at": at.dt.tz_convert(str(zone())).dt.tz_localize(None).dt.floor("s"),
            "flow": [flow_name(row["flow"]) if row["flow"] else "" for row in rows],
            "key": [_code(row) for row in rows],
            "title": [_title(row) for row in rows],
            "result": [tag(row["event"]) if row["event"] in LOOKS else event_name(row["event"]) for row in rows],
            "reason": [event_reason(row) for row in rows],
        }
    )


def _code(row: dict[str, str]) -> str:
    """Return the code people know: that of a document is its number, its key is for machines."""
    if str(row["event"]).startswith("connection_"):
        return system_name(row["key"].removeprefix("sandbox-"))
    return row["title"] if row["kind"] in DOCUMENTS else row["key"]


def _title(row: dict[str, str]) -> str:
    if row["kind"] in DOCUMENTS:
        return text(f"kind_{row['kind']}")
    return row["title"] or (f"{text('col_run')} {short_id(row['run'])}" if row["run"] and not row["key"] else "")


def _tagged(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(result=frame["result"].map(lambda one: [one]))


def _columns() -> Columns:
    config = st.column_config
    states = ("proven", "parked", "in_doubt", "skipped", "unchanged", "left", "planned")
    return {
        "at": config.DatetimeColumn(text("col_at"), width=132),
        "flow": config.TextColumn(text("col_flow")),
        "key": config.TextColumn(text("col_code"), width=104),
        "title": config.TextColumn(text("col_name"), width=210),
        "result": config.MultiselectColumn(
            text("col_event"),
            options=[tag(state) for state in states],
            color=[tint(state) for state in states],
            width=150,
        ),
        "reason": config.TextColumn(text("col_reason"), width="large"),
    }
