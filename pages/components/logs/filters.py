"""What of the log is looked at: text, flow, result, run and period, all kept in the address."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta

import streamlit as st

from integration.services import Application
from integration.services.log import Sought
from pages.components.shared.layout import clear_search, search
from pages.components.shared.runs import short_id
from pages.components.shared.states import LOOKS, word
from pages.components.shared.timeline import event_name
from pages.components.shared.wording import field_date, flow_name, plain, text, zone

EVENTS = (
    "proven",
    "parked",
    "in_doubt",
    "skipped",
    "unchanged",
    "left",
    "planned",
    "sent",
    "approved",
    "run_started",
    "plan_ready",
    "run_done",
    "run_failed",
    "run_interrupted",
    "run_discarded",
    "stop_asked",
    "issue_closed",
    "issue_set_aside",
    "issue_taken_back",
    "linked_by_hand",
    "mapping_published",
    "table_changed",
    "setting_changed",
    "brake_switched_off",
    "connection_changed",
)
PERIODS = ("1", "7", "30", "90", "365")
PICKED = ("flow", "event", "run")


def asked(app: Application) -> Sought:
    """Draw the filters and return which events are asked for."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        text_asked = search("find", text("find_in_log"))
        flow = pick("flow", {"": text("log_all_flows"), **flows(app)}, text("col_flow"), 180)
        events = {"": text("log_all_events"), **{event: result_name(event) for event in EVENTS}}
        event = pick("event", events, text("col_event"), 210)
        first, last = _days()
    run = st.query_params.get("run", "")
    if run:
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
            st.markdown(f":small[{text('col_run')} [{plain(short_id(run))}](/runs?run={run})]", width="content")
            st.button(
                text("btn_every_run"),
                icon=":material/close:",
                type="tertiary",
                key="every_run",
                on_click=_forget,
                args=("run",),
            )
    return Sought(
        text_asked,
        flow,
        event,
        run,
        _begin(first) if first else None,
        _begin(last + timedelta(days=1)) if last else None,
    )


def flows(app: Application) -> dict[str, str]:
    """Return the flows by name, as people call them."""
    return {flow: flow_name(flow) for flow in app.flows}


def result_name(event: str) -> str:
    """Return the word of a result, or what else happened."""
    return word(event) if event in LOOKS else event_name(event)


def clear() -> None:
    """Ask for everything again, at the next run of the page, which begins at once."""
    _forget(*PICKED, "from", "to", "days")
    clear_search("find")


def pick(name: str, options: Mapping[str, str], label: str, width: int) -> str:
    """Draw a choice of one among many; the address holds its code."""

    def keep() -> None:
        chosen = st.session_state[f"_{name}"]
        _first_page()
        if chosen:
            st.query_params[name] = chosen
        else:
            st.query_params.pop(name, None)

    codes, asked_for = list(options), st.query_params.get(name, "")
    found = st.selectbox(
        label,
        codes,
        index=codes.index(asked_for) if asked_for in options else 0,
        key=f"_{name}",
        on_change=keep,
        format_func=lambda code: options[code],
        label_visibility="collapsed",
        width=width,
    )
    return str(found or "")


def _days() -> tuple[date | None, date | None]:
    """Draw the period and return its first and last day; a period that is half chosen asks for nothing yet."""

    def keep() -> None:
        chosen = st.session_state["_days"]
        _first_page()
        for name, day in zip(("from", "to"), chosen, strict=False):
            st.query_params[name] = day.isoformat()
        if len(chosen) != 2:  # noqa: PLR2004 - a first and a last day
            st.query_params.pop("to", None)
        if not chosen:
            st.query_params.pop("from", None)

    first, last = _day("from"), _day("to")
    shown: list[date | datetime | str | None] = [day for day in (first, last) if day is not None]
    st.date_input(
        text("log_period"),
        shown,
        key="_days",
        on_change=keep,
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


def _begin(day: date) -> datetime:
    return datetime.combine(day, time(), zone()).astimezone(UTC)


def _first_page() -> None:
    st.query_params.pop("page", None)
    st.session_state.pop("page", None)


def _forget(*names: str) -> None:
    _first_page()
    for name in names:
        st.query_params.pop(name, None)
        st.session_state.pop(f"_{name}", None)
