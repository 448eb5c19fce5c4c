"""The last step of the set-up: what is missing first, what is there after it, and the first preview."""

from collections import Counter

import streamlit as st

from integration.services import Application
from integration.services.setup import Line, Weight
from pages.components.setup.questions import PROPOSED, name_of, reason, title_of
from pages.components.setup.steps import connection_stands, go_to, step_name
from pages.components.shared.application import person
from pages.components.shared.flows import start_preview
from pages.components.shared.layout import bottom_bar, note, small
from pages.components.shared.states import mark
from pages.components.shared.wording import counted, flow_name, flow_term, system_name, text

SIGNS = {
    Weight.STOPS: mark("failed"),
    Weight.PARKS: mark("parked"),
    Weight.UNSEEN: PROPOSED,
    Weight.DONE: mark("ok"),
}


def ready_step(app: Application) -> None:
    """Draw the list, each line leading to its step or question, and offer the first preview when nothing stops it."""
    for status in app.connections.statuses():
        if status.connected and status.ok is None:
            with st.spinner(text("checking", system=system_name(status.system))):
                app.connections.check(status.system)
    lines = app.setup.readiness()
    stops = sum(line.weight is Weight.STOPS for line in lines)
    with st.container(border=True, gap="small", key="rows_ready"):
        st.subheader(counted("ready_stops", stops) if stops else text("ready_title"), anchor=False)
        note(text("ready_about_stops" if stops else "ready_about"))
        answered = Counter(line.asked.flow for line in lines if line.asked and line.weight is Weight.DONE)
        for weight in Weight:
            for line in lines:
                if line.weight is weight and not (line.asked and weight is Weight.DONE):
                    _line(app, line)
        for flow, number in answered.items():
            _row(mark("ok"), flow_name(flow), counted("ready_answered", number), "questions", flow=flow)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        note(text("ready_later"))
        st.page_link("pages/flows.py", label=text("nav_flows"), icon=":material/tune:")
    if not stops:
        _first_preview(app)


def _line(app: Application, line: Line) -> None:
    one = line.asked
    if one is not None:
        why = one.lack.why if one.lack is not None else None
        about = reason(why) if why else text("ready_unseen" if one.proposal else "question_open")
        _row(SIGNS[line.weight], f"{flow_name(one.flow)}: {title_of(one)}", about, line.step, name_of(one), one.flow)
    elif line.step == "flows":
        chosen = ", ".join(flow_name(flow) for flow in app.setup.chosen()) or text("setup_flows_none")
        _row(SIGNS[line.weight], step_name(line.step), chosen, line.step)
    else:
        stands = connection_stands(app.connections.of(line.step))
        _row(SIGNS[line.weight], step_name(line.step), stands, line.step)


def _row(sign: str, title: str, about: str, step: str, question: str = "", flow: str = "") -> None:
    st.divider()
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(sign, width=24)
        with st.container(width="stretch", gap=None):
            small(f"**{title}**")
            note(about)
        st.button(
            text("btn_open"),
            key=f"to-{step}-{question or title}",
            type="tertiary",
            on_click=go_to,
            args=(step, question, flow),
        )


def _first_preview(app: Application) -> None:
    """Offer the first preview; the other chosen flows follow by themselves."""
    (first, *others), started = app.setup.chosen(), app.setup.started()
    said = text("ready_text")
    if others and not started:
        said = f"{said} {text('ready_others', flows=', '.join(flow_term('flow', flow) for flow in others))}"
    with bottom_bar(f":small[:gray[{said}]]"):
        label = text("btn_new_preview" if started else "btn_first_preview", flow=flow_term("flow", first))
        if st.button(label, type="primary", icon=":material/difference:", key=f"first-{first}"):
            app.setup.start(person())
            start_preview(app, first)
