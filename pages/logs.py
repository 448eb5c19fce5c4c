"""Everything that was read, decided and written: one record's life, volumes, and questions of your own."""

# ruff: noqa: TID251 - pages speak to the browser

import streamlit as st

from pages.components.application import application
from pages.components.layout import choice, head
from pages.components.log_life import one_life
from pages.components.log_questions import questions
from pages.components.log_views import records
from pages.components.log_volume import volumes
from pages.components.wording import sandbox_badges, text

app = application()

if record := st.query_params.get("record", ""):
    one_life(app, record)
else:
    tools = head(text("nav_logs"), text("logs_about"), sandbox_badges(app.sandboxed))
    views = {"records": records, "volume": volumes, "questions": questions}
    tab = choice("tab", list(views), "records", lambda name: text(f"logs_{name}"))
    views[tab](app, tools)
