"""The third step of the set-up: which flows shall run, and how often."""

import streamlit as st

from integration.services import Application
from pages.components.flows.brakes import MOST_MINUTES
from pages.components.setup.steps import next_step
from pages.components.shared.application import person
from pages.components.shared.layout import note, small
from pages.components.shared.wording import flow_name, flow_term, flow_text, system_name, text, way


def flows_step(app: Application) -> None:
    """Offer each flow with what it does; what is chosen is kept at once, and the questions depend on it."""
    with st.container(border=True, gap="small", key="rows_flows"):
        st.subheader(text("setup_flows"), anchor=False)
        note(text("setup_flows_about_on" if app.setup.started() else "setup_flows_about"))
        suggested = app.setup.suggested()
        for name in app.flows:
            st.divider()
            _flow(app, name, chosen=name in suggested)
    chosen = [name for name in app.flows if st.session_state[f"choose-{name}"]]
    waits = "" if chosen else text("setup_flows_none")
    next_step("flows", primary=True, waits=waits, first=lambda: _keep(app))  # what is suggested counts once it was seen


def _flow(app: Application, name: str, *, chosen: bool) -> None:
    flow = app.flows[name]
    source, target = system_name(flow.source), system_name(flow.target)
    with st.container(horizontal=True, vertical_alignment="top", gap="small"):
        st.toggle(
            flow_name(name),
            chosen,
            key=f"choose-{name}",
            label_visibility="collapsed",
            width=44,
            on_change=_keep,
            args=(app,),
        )
        with st.container(width="stretch", gap=None):
            small(f"**{flow_name(name)}** :gray[{way(flow.source, flow.target)}]")
            small(flow_text("flow_does", name, source=source, target=target))
            note(text("flow_creates", kinds=flow_term("flow_creates", name, target=target)))
        st.number_input(
            text("setting_schedule_minutes"),
            1,
            MOST_MINUTES,
            app.flows.settings(name).schedule_minutes,
            width=170,
            key=f"minutes-{name}",
            disabled=not st.session_state[f"choose-{name}"],
            on_change=_keep,
            args=(app,),
        )


def _keep(app: Application) -> None:
    """Keep what is chosen on screen."""
    chosen = {
        name: int(st.session_state[f"minutes-{name}"]) for name in app.flows if st.session_state[f"choose-{name}"]
    }
    app.setup.choose(chosen, person())
