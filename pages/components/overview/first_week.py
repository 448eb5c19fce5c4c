"""Where to begin, and what a first week holds: a list that ticks itself off."""

from itertools import groupby

import streamlit as st

from integration.application.application import Application
from integration.application.first_week import FirstTask, FirstWeek
from pages.components.shared.application import may, person
from pages.components.shared.flows import start_preview
from pages.components.shared.layout import mark, note, small, titled
from pages.components.shared.wording import Markdown, text


def first_week(app: Application) -> None:
    """Draw what is to be done next, why, and everything else of the first week; nothing once all of it is done."""
    tasks = app.first_week.shown() if may(FirstWeek.hide) else []
    if not tasks:
        return
    following = next((one for one in tasks if not one.done), None)
    with titled(text("first_week"), text("first_week_about")):
        hide_button(app)
    with st.container(border=True, gap="xsmall"):
        for is_next, some in groupby(tasks, lambda one: one is following):
            if is_next:
                _next(app, next(some))
            else:
                st.markdown("  \n".join(map(_line, some)))


def hide_button(app: Application) -> None:
    """Offer to whoever may to put everything of the first week out of sight."""
    if may(FirstWeek.hide) and st.button(
        text("btn_hide"), type="tertiary", icon=":material/close:", key="hide_first_week"
    ):
        app.first_week.hide(person())
        st.rerun()


def _line(task: FirstTask) -> Markdown:
    """Return what a task says that is done, or is not to be done yet."""
    said = text(f"week_{task.name}")
    return f":small[{mark('ok' if task.done else 'unknown')} {f':gray[{said}]' if task.done else said}]"


def _next(app: Application, task: FirstTask) -> None:
    """Draw the task that is to be done now, with why and where."""
    said = text(f"week_{task.name}")
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        with st.container(width="stretch", gap=None):
            small(f"{mark('planned')} **{said}**")
            note(text(f"week_{task.name}_about"))
        if st.button(text(f"btn_week_{task.name}"), icon=":material/arrow_forward:", key="next_task"):
            if task.page == "preview" and not app.runs.every_waiting(task.params["flow"]):
                start_preview(app, task.params["flow"])
            st.switch_page(f"pages/{task.page}.py", query_params=dict(task.params))
