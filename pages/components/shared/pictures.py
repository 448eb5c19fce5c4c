"""Pictures of a line of a plan, small, beside the marks they are known by."""

import streamlit as st

from integration.core.plan import Change
from integration.services import Application
from pages.components.shared.wording import plain, system_name, text


def small_pictures(app: Application, change: Change, system: str) -> None:
    """Draw the picture that is there and the one that will be, as far as this console keeps them."""
    held = change.before.values.get("content") if change.before else None
    marks = {
        text("col_now", system=system_name(system)): held,
        text("col_will_be"): change.wanted.values.get("content"),
    }
    drawn = [
        (title, small)
        for title, mark in marks.items()
        if mark and (small := app.pictures.thumbnail(str(mark))) is not None
    ]
    if drawn:
        with st.container(horizontal=True, gap="small"):
            for title, small in drawn:
                st.image(small, caption=plain(title), width="content")
