"""The question whether this console is the only running copy of its data."""

import streamlit as st

from integration.application.application import Application
from integration.services.write_holds.installation import Installation
from pages.components.shared.application import may, person
from pages.components.shared.layout import attempt
from pages.components.shared.wording import listed, plain, term, text


def place_question(app: Application) -> None:
    """Draw the question while writes are blocked, with the meaning of a confirmation. Otherwise draws nothing."""
    status = app.installation.status()
    if not status.is_held:
        return
    parts = listed([term(f"place_part_{part}") for part in status.changed])
    with st.container(border=True, key="place"):
        st.markdown(f"**:orange[:material/content_copy:] {text('place_title')}**")
        st.markdown(text("place_about", changed=plain(parts)))
        st.markdown(text("place_means"))
        if not may(Installation.confirm):
            return
        with st.container(horizontal=True, vertical_alignment="center"):
            is_checked = st.checkbox(text("place_checked"), key="place-checked")
            if st.button(text("btn_place_confirm"), key="place-confirm", disabled=not is_checked):
                if attempt(lambda: app.installation.confirm(status.code, person())):
                    st.toast(text("place_confirmed"))
                st.rerun()
