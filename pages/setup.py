"""Connecting both systems, with a check that says what is wrong."""

# ruff: noqa: TID251 - pages speak to the browser

import streamlit as st

from pages.components.application import application
from pages.components.flows import sandbox_button
from pages.components.layout import choice, failures, head
from pages.components.set_up import accountview_step, finished_login, mplus_step, ready_step, step_label
from pages.components.wording import sandbox_badges, text

app = application()
finished_login(app)

with head(text("nav_setup"), text("setup_about"), sandbox_badges(app.sandboxed)):
    if not app.sandboxed:
        sandbox_button(app)
failures()

steps = {"accountview": accountview_step, "mplus": mplus_step, "ready": ready_step}
step = choice("step", list(steps), "accountview", lambda name: step_label(app, name))
with st.container(width=860):
    steps[step](app)
