"""The log: all events, the history of one record, links, statistics, and SQL queries."""

import streamlit as st

from integration.services.log.log import Log
from pages.components.logs.history import one_history
from pages.components.logs.links import linked
from pages.components.logs.queries import queries
from pages.components.logs.records import records, volumes
from pages.components.shared.application import application, may
from pages.components.shared.layout import answer_or_error, choice, head, log_aside
from pages.components.shared.saved_filters import open_saved
from pages.components.shared.wording import sandbox_badges, text

app = application()
open_saved(app, "logs")

if record := st.query_params.get("record", ""):
    answer_or_error(lambda: one_history(app, record))
else:
    tools = head(text("nav_logs"), text("logs_about"), sandbox_badges(app.sandbox.is_connected))
    log_aside(app.log.broken_files())
    views = {"records": records, "links": linked, "volume": volumes}
    if may(Log.ask):
        views["queries"] = queries
    tab = choice("tab", list(views), "records", lambda name: text(f"logs_{name}"))
    answer_or_error(lambda: views[tab](app, tools))
