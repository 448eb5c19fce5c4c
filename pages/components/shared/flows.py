"""Flows on screen: a card each, and the buttons that start a preview."""

from collections.abc import Callable

import streamlit as st

from integration.core.flow import Flow
from integration.core.run import Mode, PreviewRequest, RunState
from integration.services import Application
from integration.services.flows import FlowStatus
from pages.components.shared.application import person
from pages.components.shared.layout import attempt, empty, icon_button, note
from pages.components.shared.states import badge, inline
from pages.components.shared.wording import counted, flow_name, flow_term, flow_text, moment, number, term, text, way

CARD = 236


def flow_cards(app: Application) -> None:
    """Draw every flow with its state, its number of the moment, and when it was proven last."""
    with st.grid(4, min_column_width=CARD):
        for status in app.flows.statuses():
            with st.container(border=True, gap="xsmall", height="stretch"):
                _card(app, status)


def _card(app: Application, status: FlowStatus) -> None:
    flow = status.flow
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown(f"**{flow_name(flow.name)}**", width="content")
        badge(_state(status))
    note(way(flow.source, flow.target))
    label, value = _figure(app, status)
    st.metric(label, value)
    next_run = term("flow_next", moment=moment(status.next_run)) if status.next_run else ""
    by_hand = "" if status.on else term("flow_by_hand")
    proof = text("flow_proof", moment=moment(status.last_proof)) if status.last_proof else text("flow_never")
    note(" · ".join(part for part in (proof, next_run, by_hand) if part))
    if status.parked:
        st.markdown(f":small[{inline('parked', counted('parked_short', status.parked))}]")
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="bottom", height="stretch"):
        _card_buttons(app, status)


def _card_buttons(app: Application, status: FlowStatus) -> None:
    """Offer the next step of a flow, and its settings."""
    flow = status.flow.name
    run = status.active or status.waiting
    if run is not None:
        if st.button(
            text("btn_open_preview" if status.waiting else "btn_open_run"), key=f"open-{flow}", type="primary"
        ):
            page = "pages/preview.py" if run.state is not RunState.COMMITTING else "pages/runs.py"
            st.switch_page(page, query_params={"flow": flow, "plan": run.id, "run": run.id})
    elif st.button(
        text("btn_new_preview", flow=flow_term("flow", flow)), icon=":material/difference:", key=f"preview-{flow}"
    ):
        start_preview(app, flow)
    if icon_button("tune", text("btn_to_settings"), f"set-{flow}"):
        st.switch_page("pages/flows.py", query_params={"flow": flow})


def _state(status: FlowStatus) -> str:
    if status.active:
        return "running"
    if status.waiting:
        return "waiting"
    return "on" if status.on else "off"


def _figure(app: Application, status: FlowStatus) -> tuple[str, str]:
    if status.active:
        return text(f"figure_{status.active.phase or 'extract'}"), number(status.active.progress_done)
    if status.waiting:
        changes = app.plans.count(status.waiting.id, "planned")
        return counted("figure_waiting", changes), number(changes)
    if status.last:
        flow = app.flows.as_set(status.flow.name)
        return flow_text("figure_linked", flow.name), number(app.links.count(flow.name, flow.linked))
    return text("figure_never"), "–"


def start_preview(app: Application, flow: str, mode: Mode = Mode.CHANGES) -> None:
    """Start a preview and show it while it is made; a run already at work is shown instead."""
    show_plan(flow, lambda: app.runs.preview(PreviewRequest(flow, person(), mode)))


def show_plan(flow: str, start: Callable[[], str]) -> None:
    """Start a run that makes a plan and show it; what stands in the way is shown on the page that is open."""
    started: list[str] = []
    if attempt(lambda: started.append(start())):
        st.switch_page("pages/preview.py", query_params={"flow": flow, "plan": started[0]})
    st.rerun()


def flow_of_address(app: Application) -> Flow:
    """Return the flow that the address names, else the first."""
    return app.flows.get(st.query_params.get("flow", "")) or next(iter(app.flows.values()))


def needs_connections(app: Application, about: str) -> None:
    """Stop a page that needs both systems while one of them is not connected, and lead to the set-up."""
    if all(status.connected for status in app.connections.statuses()):
        return
    if empty("cable", text("flows_unconnected"), about, text("btn_set_up")):
        st.switch_page("pages/setup.py")
    st.stop()


def invitation(app: Application) -> None:
    """Draw what a new installation shows: connect both systems, or look around without any credentials."""
    st.markdown(text("welcome_text"))
    with st.grid(2, min_column_width=330):
        with st.container(border=True, gap="small", height="stretch"):
            st.subheader(f":material/cable: {text('welcome_title')}", anchor=False)
            note(text("welcome_steps"))
            with st.container(height="stretch", vertical_alignment="bottom"):
                if st.button(text("btn_set_up"), icon=":material/arrow_forward:", type="primary", key="set_up"):
                    st.switch_page("pages/setup.py")
        with st.container(border=True, gap="small", height="stretch"):
            st.subheader(f":material/science: {text('welcome_try')}", anchor=False)
            note(text("welcome_sandbox"))
            with st.container(height="stretch", vertical_alignment="bottom"):
                sandbox_button(app)


def sandbox_button(app: Application, then: str = "overview") -> None:
    """Offer to connect both built-in systems in one click, and go on with the page `then`."""
    if st.button(text("btn_try_builtin"), icon=":material/science:", key="sandbox"):
        with st.spinner(text("sandbox_starting")):
            attempt(lambda: app.connections.use_sandbox(person()))
        st.switch_page(f"pages/{then}.py")
