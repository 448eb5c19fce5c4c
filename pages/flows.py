"""The configuration of a flow: settings, filters, fields, value tables, timetable and brakes."""

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from integration.core.people import Right
from integration.services.mappings.mappings import Mappings
from integration.services.mappings.tables import Tables
from integration.services.runs.flows import Flows, FlowStatus
from integration.services.runs.runs import Runs
from pages.components.flows.fields import fields_tab, filters_tab
from pages.components.flows.sections import brakes_tab, schedule_tab, settings_tab
from pages.components.flows.tables import tables_tab
from pages.components.shared.application import application, disable_unless_allowed, may
from pages.components.shared.change_requests import change_requests
from pages.components.shared.draft import SettingsDraft, save_bar, toggle
from pages.components.shared.flows import back_to_cause, flow_of_address, needs_connections, start_preview
from pages.components.shared.glossary import meaning
from pages.components.shared.layout import choice, failures, head, note, show_toast
from pages.components.shared.timetables import schedule_text
from pages.components.shared.wording import flow_name, flow_term, moment, sandbox_badges, source_to_target, term, text

# The method that a tab with its own save bar calls.
SAVES: Mapping[str, Callable[..., Any]] = {"fields": Mappings.publish, "tables": Tables.save}

app = application()
show_toast()


def switch(draft: SettingsDraft, status: FlowStatus) -> None:
    """Draw whether the flow is on, its next run, and whether it may write without approval."""
    with st.container(border=True, horizontal=True, vertical_alignment="center", gap="medium"):
        with st.container(width="content"):
            toggle(draft, "on")
        rounds = schedule_text(draft.saved["schedule_minutes"], draft.saved["calendar"])
        when = f"{rounds}, {term('next_run', moment=moment(status.next_run))}" if status.next_run else ""
        itself = text("sends_itself" if draft.saved["auto_approve"] else "waits_for_person")
        note(" · ".join(part for part in (when or text("schedule_off"), itself) if part))


names, whole = list(app.flows), flow_of_address(app)
flow, about = whole.name, f"{flow_name(whole.name)} · {source_to_target(whole.source, whole.target)}"
with head(text("nav_flows"), about, sandbox_badges(app.sandbox.is_connected), meaning("flow")):
    back_to_cause()
    connected = all(status.connected for status in app.connections.statuses())
    label = text("btn_new_preview", flow=flow_term("flow", flow))
    if connected and may(Runs.preview) and st.button(label, icon=":material/difference:", key="preview_now"):
        start_preview(app, flow)
failures()
if len(names) > 1:
    flow = choice("flow", names, names[0], flow_name, ("tab", "field", "cause"))

needs_connections(app, text("flows_unconnected_about"))

draft = SettingsDraft(app, flow)
status = next(flow_status for flow_status in app.flows.statuses() if flow_status.flow.name == flow)
change_requests(app, [request for request in app.change_requests.waiting(flow) if request.right is Right.ARRANGE])
with disable_unless_allowed(Flows.change):
    switch(draft, status)
tabs: dict[str, Callable[[], None]] = {
    "settings": lambda: settings_tab(app, draft),
    "filters": lambda: filters_tab(app, draft),
    "fields": lambda: fields_tab(app, flow),
    "tables": lambda: tables_tab(app, flow),
    "schedule": lambda: schedule_tab(draft, status),
    "brakes": lambda: brakes_tab(app, draft),
}
tab = choice("tab", list(tabs), "settings", lambda name: text(f"tab_{name}"), ("field",))
with disable_unless_allowed(SAVES.get(tab, Flows.change), quietly=tab not in SAVES):
    tabs[tab]()
if may(Flows.change):
    save_bar(app, draft)
