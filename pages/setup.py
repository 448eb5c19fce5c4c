"""The set-up assistant: both systems, the flows, their questions, and the open points."""

import streamlit as st

from pages.components.setup.questions import flows_step, questions_step, ready_step
from pages.components.setup.steps import (
    finished_login,
    rail,
    step_here,
    step_name,
    step_number,
    system_step,
)
from pages.components.shared.application import application
from pages.components.shared.flows import sandbox_button
from pages.components.shared.layout import failures, head, show_toast
from pages.components.shared.wording import sandbox_badges, text

RAIL, BODY = 1, 3  # columns of four

app = application()
finished_login(app)
show_toast()
step = step_here(app)

where = text("setup_step", number=step_number(step), name=step_name(step))
with head(text("nav_setup"), f"{where} · {text('setup_about')}", sandbox_badges(app.sandbox.is_connected)):
    if not app.sandbox.is_connected:
        sandbox_button(app, "setup")
failures()

draw = {"flows": flows_step, "questions": questions_step, "ready": ready_step}.get(step, system_step)
with st.grid(RAIL + BODY, min_column_width=130, gap="medium") as grid:
    with grid.cell(column_span=RAIL):
        rail(app, step)
    with grid.cell(column_span=BODY):
        draw(app)
