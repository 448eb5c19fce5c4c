"""The operator's own flows under faults: begun here, at work beside the console, and what came of it."""

from random import randrange

import streamlit as st

from integration.services.lab import SEEDS, USUAL_TRIALS, Series
from pages.components.lab.report import at_work, result
from pages.components.shared.application import application
from pages.components.shared.layout import act, empty, failures, head
from pages.components.shared.wording import flow_name, offered, sandbox_badges, text

MOST_TRIALS = 1_000
EVERY = "all"

app = application()


def controls() -> None:
    """Draw what can be chosen of a series, and begin it."""
    with st.form("lab", border=True), st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        flow = st.selectbox(
            text("lab_flow"),
            (EVERY, *app.flows),
            format_func=offered(lambda name: text("all") if name == EVERY else flow_name(name)),
            key="lab-flow",
        )
        trials = st.number_input(text("lab_trials"), 1, MOST_TRIALS, USUAL_TRIALS, key="lab-trials")
        fresh = st.session_state.setdefault("lab-fresh", randrange(SEEDS))  # noqa: S311 - no secret: it is shown
        seed = st.number_input(text("lab_seed"), 0, SEEDS, fresh, help=text("lab_seed_help"), key="lab-seed")
        if st.form_submit_button(text("btn_lab_begin"), icon=":material/play_arrow:", type="primary", key="lab-begin"):
            flows = tuple(app.flows) if flow == EVERY else (flow,)
            act(lambda: app.lab.begin(Series(flows, int(trials), int(seed))))


head(text("nav_lab"), text("lab_about"), sandbox_badges(app.sandbox.is_connected))
failures()
report = app.lab.report()
if report is not None and report.state == "running":
    at_work(app)
else:
    controls()
    if report is None:
        empty("science", text("lab_none"), text("lab_none_about"))
    else:
        result(report)
