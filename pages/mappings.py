"""The mapping of a flow: its rules, their results for real records, and its published versions."""

from collections.abc import Callable
from typing import Any

import streamlit as st

from integration.core.records import Kind
from integration.services.mappings.drafts import Drafts
from integration.services.mappings.tables import Tables
from integration.services.runs.customer_merges import CustomerMerges
from pages.components.flows.tables import tables_tab
from pages.components.mappings.draft import (
    about_draft,
    changes_part,
    draft_badges,
    draft_bar,
    history_part,
    overtaken_box,
    part_label,
)
from pages.components.mappings.mapping import editor_state
from pages.components.mappings.merges import merges_part
from pages.components.mappings.rules import rules_part
from pages.components.shared.application import application, disable_unless_allowed, may
from pages.components.shared.flows import flow_of_address, needs_connections
from pages.components.shared.glossary import meaning
from pages.components.shared.layout import choice, failures, head, show_toast
from pages.components.shared.wording import flow_name, flow_term, sandbox_badges, source_to_target, text

app = application()
show_toast()

names, flow = list(app.flows), flow_of_address(app).name
editor = editor_state(app, flow)
about = f"{source_to_target(editor.flow.source, editor.flow.target)} · {about_draft(editor)}"
title = text("mapping_title", flow=flow_term("flow", flow))
with head(title, about, [*draft_badges(editor), *sandbox_badges(app.sandbox.is_connected)], meaning("mapping")):
    actions = st.container(horizontal=True, width="content", gap="xsmall", vertical_alignment="center")
    if actions.button(text("btn_to_flow"), icon=":material/tune:", type="tertiary", key="to_flow"):
        st.switch_page("pages/flows.py", query_params={"flow": flow})
failures()

needs_connections(app, text("mappings_unconnected_about"))

choice("flow", names, names[0], flow_name, ("part", "field", "record", "version", "table", "find"))
merges = ["merges"] if app.customer_merges.is_offered_by(flow) else []
options = [*map(str, editor.parts), "tables", "changes", "history", *merges]
part = choice("part", options, options[0], lambda name: part_label(editor, name), ("field", "find"))
if may(Drafts.rebase):
    overtaken_box(editor)
changes: dict[str, Callable[..., Any]] = {"tables": Tables.save, "merges": CustomerMerges.merge}
with disable_unless_allowed(changes.get(part, Drafts.publish)):
    match part:
        case "tables":
            tables_tab(app, flow, editor.mapping.rules)
        case "changes":
            changes_part(editor, actions)
        case "history":
            history_part(editor, actions)
        case "merges":
            merges_part(app)
        case _:
            rules_part(editor, Kind(part), actions)
if part not in changes and may(
    Drafts.publish
):  # the tables have a save bar of their own, and merges are not part of a draft
    draft_bar(editor)
