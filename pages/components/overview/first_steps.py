"""Three steps of a new console: from the first preview to the first proven products."""

import streamlit as st

from integration.application.application import Application
from integration.core.states import RunState
from integration.services.runs.flows import FlowStatus
from integration.services.runs.runs import Runs
from pages.components.overview.first_week import hide_button
from pages.components.shared.application import may
from pages.components.shared.flows import start_preview
from pages.components.shared.layout import mark, note, section_with_actions
from pages.components.shared.wording import text

STEPS = ("preview", "commit", "proof")
CARD = 210


def first_steps(app: Application, status: FlowStatus) -> None:
    """Draw the three steps of the first flow, with a button for the next one. Draws nothing once hidden."""
    if not app.first_week.visible_tasks():
        return
    following = STEPS.index(_step(status))
    with section_with_actions(text("start"), text("start_sandbox" if app.sandbox.is_connected else "start_about")):
        hide_button(app)
    with st.grid(len(STEPS), min_column_width=CARD):
        for place, step in enumerate(STEPS):
            done_mark = f"{mark('ok')} " if place < following else ""
            with st.container(border=True, gap="xsmall", height="stretch"):
                st.markdown(f"{done_mark}**{place + 1} · {text(f'start_{step}')}**")
                note(text(f"start_{step}_about"))
                if place == following:
                    _next_button(app, status)


def _step(status: FlowStatus) -> str:
    if status.active:
        return "proof" if status.active.state is RunState.COMMITTING else "preview"
    return "commit" if status.waiting else "preview"


def _next_button(app: Application, status: FlowStatus) -> None:
    """Draw the button for the next step: a preview, or the existing run."""
    flow, run = status.flow.name, status.active or status.waiting
    with st.container(height="stretch", vertical_alignment="bottom"):
        if run is not None:
            if st.button(text("btn_look"), icon=":material/arrow_forward:", key="next_task", type="primary"):
                page = "runs" if run.state is RunState.COMMITTING else "preview"
                st.switch_page(f"pages/{page}.py", query_params={"flow": flow, "plan": run.id, "run": run.id})
        elif may(Runs.preview) and st.button(
            text("btn_week_products"), icon=":material/arrow_forward:", key="next_task", type="primary"
        ):
            start_preview(app, flow)
