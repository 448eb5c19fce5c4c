"""The settings of a flow: the cards of its sections."""

import streamlit as st

from integration.flows.forms import names
from integration.services import Application
from pages.components.flows.sections import draw
from pages.components.shared.draft import Draft
from pages.components.shared.inputs import Asking
from pages.components.shared.layout import note
from pages.components.shared.wording import text


def settings_tab(app: Application, draft: Draft) -> None:
    """Draw every setting that is a question of its own."""
    asking = Asking(app, draft)
    with st.grid(2, min_column_width=330):
        for section in app.flows.spec(draft.flow).sections:
            with st.container(border=True, gap="small", height="stretch"):
                heading(text(section.title), *names(section.shapes))
                for shape in section.shapes:
                    draw(asking, shape)
                for each in section.notes:
                    note(text(each))


def heading(title: str, *names: str) -> None:
    """Draw the head of a card; the one a repair leads to is marked."""
    asked_for = st.query_params.get("field", "").partition(".")[0]
    tops = {name.partition(".")[0] for name in names}
    pointer = f" :blue-badge[:material/build: {text('to_repair')}]" if asked_for and asked_for in tops else ""
    st.subheader(f"{title}{pointer}", anchor=False)
