"""Thumbnails of a plan line that changes a picture."""

import streamlit as st

from integration.application.application import Application
from integration.core.plan import Change
from integration.core.states import Step
from pages.components.shared.documents import sides
from pages.components.shared.wording import plain


def small_pictures(app: Application, change: Change, step: Step) -> None:
    """Draw the current and the new picture, if the console has stored them."""
    current_picture = change.before.values.get("content") if change.before else None
    marks = dict(zip(sides(step), (current_picture, change.desired.values.get("content")), strict=True))
    drawn = [
        (title, small)
        for title, mark in marks.items()
        if mark and (small := app.pictures.thumbnail(str(mark))) is not None
    ]
    if drawn:
        with st.container(horizontal=True, gap="small"):
            for title, small in drawn:
                st.image(small, caption=plain(title), width="content")
