"""Items that wait now with their alerts, the status of connections and of the console, and the flows."""

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta

import pandas as pd
import streamlit as st

from integration.alerts.health import Health
from integration.alerts.incidents import Incident, Problem, ProblemType
from integration.alerts.monitoring import FlowHealth, Monitoring
from integration.alerts.service import EVERYTHING, Silences
from integration.alerts.waiting_list import SEVERITY_STATES, WaitingItem
from integration.application.application import Application
from integration.core.causes import Severity
from pages.components.shared.application import may, person
from pages.components.shared.connection_badge import answer_time, connection_since, state_of
from pages.components.shared.downloads import downloads
from pages.components.shared.frames import rows_in
from pages.components.shared.layout import (
    act,
    answer_or_error,
    empty,
    inline,
    mark,
    note,
    section,
    section_with_actions,
    small,
)
from pages.components.shared.waiting import waiting_items, waiting_list
from pages.components.shared.wording import (
    Markdown,
    capital,
    cause_headline,
    duration,
    field_date,
    flow_name,
    moment,
    number,
    plain,
    quantity_text,
    span,
    system_name,
    text,
    zone,
)

MAX_WAITING = 20  # rows of the waiting list
MAX_LISTED = 1_000  # past incidents in a file


def severity_badge(severity: Severity) -> Markdown:
    """Return the badge of a severity as Markdown."""
    return inline(SEVERITY_STATES[severity], text(f"severity_{severity}"))


def problem_subject(problem: Problem) -> Markdown:
    """Return the subject of a problem: a flow, a system, or a part of the console."""
    if problem.type is ProblemType.CONNECTION:
        return plain(system_name(problem.subject))
    return plain(flow_name(problem.flow)) if problem.flow else text(f"problem_type_{problem.type}")


# ---- silence


def silence_button(app: Application) -> None:
    """Draw the button that silences every channel for a while, or the one that ends the silence."""
    until = app.alerts.silences.active_silences().get(EVERYTHING)
    if until is None:
        if may(Silences.keep):
            _silence(app, EVERYTHING, text("btn_silence_all"), "silence_all")
        return
    small(inline("off", text("silenced_until", moment=moment(until))))
    if may(Silences.lift) and st.button(text("btn_tell_again"), icon=":material/notifications_active:", key="tell_all"):
        act(lambda: app.alerts.silences.lift(EVERYTHING, person()))


def _silence(app: Application, identity: str, label: Markdown, key: str) -> None:
    def silence_until(moment: Callable[[], datetime]) -> None:
        act(lambda: app.alerts.silences.keep(identity, moment(), person()))

    with st.popover(label, icon=":material/notifications_paused:", key=key):
        if st.button(text("btn_silence_hour"), key=f"{key}_hour", width="stretch"):
            silence_until(lambda: datetime.now(UTC) + timedelta(hours=1))
        today = datetime.now(zone()).date()
        first = today + timedelta(days=1)
        day = st.date_input(
            text("silence_until_day"), first, min_value=first, format=field_date(), key=f"{key}_day"
        )  # fmt: skip
        if st.button(text("btn_silence_day"), key=f"{key}_until", width="stretch"):
            silence_until(lambda: datetime.combine(day, time(), zone()).astimezone(UTC))


# ---- incidents


def waiting_now(app: Application) -> None:
    """Draw everything that waits. An item with an alert has its severity and the button that silences it."""
    items = waiting_items(app, limit=MAX_WAITING)
    incidents = {incident.problem.identity: incident for incident in app.monitoring.open_incidents()}
    section(text("needs_person"), quantity_text("incidents_about", len(incidents)) if incidents else "")
    if not items.first_items:
        empty("task_alt", text("incidents_none"), text("incidents_none_about"))
        return
    silences = app.alerts.silences.active_silences()

    def alert_of(item: WaitingItem) -> None:
        for incident in [incidents.pop(incident) for incident in item.incidents if incident in incidents]:
            _alert(app, incident, silences.get(incident.problem.identity))

    waiting_list(app, items, alert_of)


def _alert(app: Application, incident: Incident, silenced: datetime | None) -> None:
    """Draw the severity of an alert, its duration, and the button that silences it."""
    problem = incident.problem
    with st.container(width="content", gap="xxsmall"):
        small(severity_badge(problem.severity))
        status_text = text("silenced_until", moment=moment(silenced)) if silenced else duration(incident.started_at)
        note(status_text)
        _actions(app, incident, silenced)


def _actions(app: Application, incident: Incident, silenced: datetime | None) -> None:
    problem = incident.problem
    stopped = problem.cause == "worker_stopped" and may(Monitoring.forget_process)
    if stopped and st.button(text("btn_gone"), key=f"gone-{incident.id}"):
        act(lambda: app.monitoring.forget_process(problem.subject))
    if not may(Silences.keep):
        return
    if silenced is None:
        _silence(app, problem.identity, text("btn_silence"), f"silence-{incident.id}")
    elif st.button(text("btn_tell_again"), icon=":material/notifications_active:", key=f"tell-{incident.id}"):
        act(lambda: app.alerts.silences.lift(problem.identity, person()))


def past_incidents(app: Application) -> None:
    """Draw the last incidents that ended."""
    incidents = app.monitoring.past_incidents()
    if not incidents:
        return
    tools = section_with_actions(text("incidents_over"))
    downloads("incidents", lambda: _incidents(app), at=tools)
    rows = [
        {
            text("col_severity"): text(f"severity_{incident.problem.severity}"),
            text("col_about"): problem_subject(incident.problem),
            text("col_happened"): plain(cause_headline(incident.problem.cause, incident.problem.facts)),
            text("col_began"): moment(incident.started_at),
            text("col_lasted"): duration(incident.started_at, incident.ended_at),
        }
        for incident in incidents
    ]
    st.table(rows, border="horizontal", hide_index=True)


def _incidents(app: Application) -> pd.DataFrame:
    """Return incidents as a table for a file, current ones first."""
    every = [*app.monitoring.open_incidents(), *app.monitoring.past_incidents(MAX_LISTED)]
    lines = [
        (str(incident.problem.severity), incident.problem.flow or incident.problem.subject, incident.problem.cause,
         cause_headline(incident.problem.cause, incident.problem.facts), incident.started_at, incident.ended_at,
         incident.problem.count, incident.problem.waiting_amount)
        for incident in every
    ]  # fmt: skip
    return rows_in(["severity", "about", "cause", "happened", "began", "ended_at", "records", "at_stake"], lines)


# ---- the console, its connections and its flows


def health(app: Application) -> None:
    """Draw the status of the console and of both connections."""
    section(text("health_title"))
    rows = [
        {
            text("col_part"): system_name(connection.system),
            text("col_stands"): f"{mark(state_of(connection))} {answer_time(connection)}",
            text("col_known"): capital(connection_since(connection)),
        }
        for connection in app.connection_monitor.statuses()
    ]
    looked = answer_or_error(app.health.read)
    if looked is not None:
        rows += _parts(looked)
    st.table(rows, border="horizontal", hide_index=True)


def _state_mark(ok: bool) -> Markdown:
    state = "ok" if ok else "failed"
    return f"{mark(state)} {text(f'badge_{state}')}"


def _parts(looked: Health) -> list[dict[Markdown, Markdown]]:
    problems = looked.problems
    beaten = looked.heartbeat_age_seconds
    parts = {
        "engine": (
            "no_heartbeat" not in problems,
            text("health_beat", span=span(beaten)) if beaten is not None else "",
        ),
        "log": (
            not problems.keys() & {"log_away", "log_behind"},
            quantity_text("health_waiting", looked.events_waiting),
        ),
        "disk": ("disk_full" not in problems, text("health_free", free=number(looked.free_bytes // 1_000_000))),
    }
    return [
        {text("col_part"): text(f"part_{name}"), text("col_stands"): _state_mark(ok), text("col_known"): known_text}
        for name, (ok, known_text) in parts.items()
    ]


def flows_on_time(app: Application) -> None:
    """Draw every flow with its last run, its last proof, and whether it is late."""
    tools, flow_states = section_with_actions(text("flows_on_time")), app.monitoring.flows()
    lines = [
        (flow_state.flow, flow_state.state, flow_state.began, flow_state.proof, flow_state.next_run)
        for flow_state in flow_states
    ]
    columns = ["flow", "stands", "last_run", "last_proof", "next_run"]
    downloads("flows-on-time", lambda: rows_in(columns, lines), at=tools)
    st.table([_flow(flow_state) for flow_state in flow_states], border="horizontal", hide_index=True)


def _flow(flow_state: FlowHealth) -> dict[Markdown, Markdown]:
    state = {"on": inline("ok", text("on_time")), "off": inline("off", text("badge_off"))}
    return {
        text("col_flow"): flow_name(flow_state.flow),
        text("col_stands"): state.get(flow_state.state) or inline("failed", text(f"state_{flow_state.state}")),
        text("col_last_run"): moment(flow_state.began),
        text("col_last_proof"): moment(flow_state.proof),
        text("col_next_run"): moment(flow_state.next_run),
    }
