"""The repair of a day that waits for documents of another flow: sets that flow to book them and starts its preview."""

import streamlit as st

from integration.application.application import Application
from integration.core.causes import Repair
from pages.components.shared import controls
from pages.components.shared.application import person
from pages.components.shared.flows import start_preview
from pages.components.shared.layout import attempt
from pages.components.shared.wording import flow_name, text

OFF, AS_POSTING = "nothing", "posting"  # values of the setting that says how a flow books documents


def book_first(app: Application, way: Repair) -> None:
    """Show which documents the day needs, and draw the button that previews their flow, after setting it if needed."""
    if needed := app.first_week.begins_with():
        named = flow_name(needed)
        st.markdown(text("book_first_articles", flow=named))
        if controls.button(text("btn_book_first", flow=named), icon=":material/difference:", key="articles_first"):
            start_preview(app, needed)
    is_off = app.flows.settings(way.flow).model_dump()[way.name] == OFF
    named = flow_name(way.flow)
    st.markdown(text("book_first_set" if is_off else "book_first", flow=named))
    label = text("btn_book_first_set" if is_off else "btn_book_first", flow=named)
    if controls.button(label, type="primary", icon=":material/difference:", key="book_first"):
        values = {way.name: AS_POSTING} if is_off else {}
        if attempt(lambda: app.flows.change(way.flow, values, person())):
            start_preview(app, way.flow)
        st.rerun()
