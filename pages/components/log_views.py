"""The three views of the log, and the life of one record."""

# ruff: noqa: TID251 - pages speak to the browser, in tables

import pandas as pd
import streamlit as st

from integration.bootstrap import Application
from integration.logbook import Sought
from pages.components.charts import duration_bars, state_bars
from pages.components.layout import attempt, empty, failures, head, note, page_offset, pages, search, section
from pages.components.runs import short_id
from pages.components.states import LOOKS
from pages.components.tables import ROW, Columns, browse
from pages.components.timeline import event_title, rows_of, timeline
from pages.components.wording import counted, flow_name, moment, number, plain, sandbox_badges, table_second, term, text

SIZE = 200
CHARTED = 60
SECONDS = 2
MOST_ROWS = 10_000


def one_life(app: Application, record: str) -> None:
    """Draw the life of one record, from first sight to now. `record` is flow and key: `products:TS-RED-M`."""
    flow, _, key = record.partition(":")
    events = app.logbook.life(flow, key).iloc[::-1]
    title = str(events["title"].iloc[0] or key) if len(events) else key
    state = str(events["event"].iloc[0]) if len(events) else ""
    badges = (
        [f":{LOOKS[state].colour}-badge[:material/{LOOKS[state].icon}: {text(f'badge_{state}')}]"]
        if state in ("proven", "parked", "in_doubt", "planned", "left")
        else []
    )
    known = flow_name(flow) if flow in app.flows else plain(flow)
    with head(plain(title), f"{known} · {plain(key)}", [*badges, *sandbox_badges(app.sandboxed)]):
        if st.button(text("btn_all_records"), icon=":material/arrow_back:", type="tertiary", key="all_records"):
            st.query_params.clear()
            st.rerun()
        st.download_button(
            text("btn_csv"),
            data=lambda: events.to_csv(index=False),
            file_name="life.csv",
            on_click="ignore",
            icon=":material/download:",
            mime="text/csv",
        )
    section(text("life_title"), counted("count_event", len(events)))
    timeline(events)


def records(app: Application) -> None:
    """Search the log by any key, title or code; a click opens the record's life."""
    find = search("find", text("find_in_log"))
    sought = Sought(find)
    total = app.logbook.found(sought)
    offset = page_offset("page", total, SIZE)
    events = app.logbook.search(sought, offset=offset, limit=SIZE)
    if events.empty:
        if find:
            empty("filter_alt_off", text("log_no_match", find=plain(find)), text("log_no_match_about"))
        else:
            empty("receipt_long", text("log_empty"), text("log_empty_about"))
        return
    clicked = browse(
        event_frame(events), _event_columns(), f"log-{find}-{offset}", text("nav_logs"), {"at": table_second}
    )
    pages("page", total, SIZE)
    if clicked is not None:
        _open(events.iloc[clicked])


def _open(event: "pd.Series[str]") -> None:
    """Open what an event tells of: a record's life, or the run it belongs to."""
    if event["flow"] and event["key"]:
        st.switch_page("pages/logs.py", query_params={"record": f"{event['flow']}:{event['key']}"})
    if event["run"]:
        st.switch_page("pages/runs.py", query_params={"run": str(event["run"])})


def event_frame(events: pd.DataFrame) -> pd.DataFrame:
    """Return events of the log as a table for the screen."""
    at = pd.to_datetime(events["happened_at"], utc=True)
    return pd.DataFrame(
        {
            "at": at.dt.tz_convert(st.context.timezone or "UTC").dt.tz_localize(None),
            "flow": [flow_name(flow) if flow else "" for flow in events["flow"]],
            "key": events["key"].astype(str),
            "title": events["title"].fillna("").astype(str),
            "event": [event_title(event) for event in rows_of(events)],
        }
    )


def _event_columns() -> Columns:
    config = st.column_config
    return {
        "at": config.DatetimeColumn(text("col_at"), width=128),
        "flow": config.TextColumn(text("col_flow"), width=96),
        "key": config.TextColumn(text("col_code"), width=120),
        "title": config.TextColumn(text("col_name"), width=240),
        "event": config.TextColumn(text("col_event"), width="large"),
    }


def volumes(app: Application) -> None:
    """Draw what ran: records by result over time, and how long runs took."""
    runs = [run for run in reversed(app.runs(limit=CHARTED)) if run.ended_at]
    if not runs:
        empty("monitoring", text("volume_empty"), text("volume_empty_about"))
        return
    frame = pd.DataFrame(
        {
            "at": [f"{moment(run.started_at)}<br>{short_id(run.id)}" for run in runs],
            "seconds": [(run.ended_at - run.started_at).total_seconds() for run in runs if run.ended_at],
            **{
                name: [getattr(run.counts, name) for run in runs]
                for name in ("proven", "unchanged", "skipped", "parked", "in_doubt")
            },
        }
    )
    section(text("volume_title"), text("volume_about"))
    with st.container(border=True):
        state_bars(frame, "at", ["proven", "unchanged", "skipped", "parked", "in_doubt"])
    section(text("duration_title"), text("duration_about"))
    with st.container(border=True):
        duration_bars(frame, "at", "seconds", text("duration_seconds"))


def questions(app: Application) -> None:
    """Answer a question in SQL over the log; it can only be read, within limits that are said when they are hit."""
    with st.grid(5, min_column_width=190) as grid:
        with grid.cell(column_span=3), st.form("question", border=False):
            sql = st.text_area(
                text("question_sql"),
                st.query_params.get("query", term("question_first")),
                height=160,
                key="sql",
            )
            pressed = st.form_submit_button(text("btn_run_question"), icon=":material/play_arrow:", type="primary")
            note(text("question_limits", seconds=SECONDS, rows=number(MOST_ROWS)))
        with grid.cell(column_span=2), st.container(border=True, gap="xsmall"):
            st.markdown(f":small[**{text('question_tables')}**]")
            for name in ("events",):
                note(f"`{name}` {text(f'table_{name}')}")
    if pressed and sql:
        st.query_params["query"] = sql
        _answer(app, sql)
    failures()


def _answer(app: Application, sql: str) -> None:
    found: list[pd.DataFrame] = []
    if not attempt(lambda: found.append(app.logbook.ask(sql, seconds=SECONDS, rows=MOST_ROWS))):
        return
    frame = found[0]
    if frame.attrs.get("cut"):
        note(f":orange[{text('answer_cut', rows=number(MOST_ROWS))}]")
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        note(counted("count_row", len(frame)))
        st.download_button(
            text("btn_csv"),
            data=lambda: frame.to_csv(index=False),
            file_name="answer.csv",
            on_click="ignore",
            icon=":material/download:",
            mime="text/csv",
        )
    st.dataframe(frame, hide_index=True, row_height=ROW, alt=text("logs_questions"))
