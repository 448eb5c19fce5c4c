"""The task list of the first week, which marks finished tasks itself."""

from itertools import groupby

import streamlit as st

from integration.application.application import Application
from integration.application.first_week import FirstTask, FirstWeek
from pages.components.shared.application import may, person
from pages.components.shared.flows import start_preview
from pages.components.shared.layout import mark, note, section_with_actions, small
from pages.components.shared.wording import Markdown, text


def first_week(app: Application) -> None:
    """Draw the next task with its reason, and the other tasks of the first week. Draws nothing once all are done."""
    tasks = app.first_week.visible_tasks() if may(FirstWeek.hide) else []
    if not tasks:
        return
    following = next((task for task in tasks if not task.is_done), None)
    with section_with_actions(text("first_week"), text("first_week_about")):
        hide_button(app)
    with st.container(border=True, gap="xsmall"):
        for is_next, task_group in groupby(tasks, lambda task: task is following):
            if is_next:
                _draw_next(app, next(task_group))
            else:
                st.markdown("  \n".join(map(_line, task_group)))


def hide_button(app: Application) -> None:
    """Draw the button that hides the first steps and tasks, for people who may hide them."""
    if may(FirstWeek.hide) and st.button(
        text("btn_hide"), type="tertiary", icon=":material/close:", key="hide_first_week"
    ):
        app.first_week.hide(person())
        st.rerun()


def _line(task: FirstTask) -> Markdown:
    """Return the line of a task that is done, or that comes later."""
    task_text = text(f"week_{task.name}")
    return f":small[{mark('ok' if task.is_done else 'unknown')} {f':gray[{task_text}]' if task.is_done else task_text}]"


def _draw_next(app: Application, task: FirstTask) -> None:
    """Draw the next task with its reason and the link to its page."""
    task_text = text(f"week_{task.name}")
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        with st.container(width="stretch", gap=None):
            small(f"{mark('planned')} **{task_text}**")
            note(text(f"week_{task.name}_about"))
        if st.button(text(f"btn_week_{task.name}"), icon=":material/arrow_forward:", key="next_task"):
            if task.page == "preview" and not app.runs.waiting_plans(task.params["flow"]):
                start_preview(app, task.params["flow"])
            st.switch_page(f"pages/{task.page}.py", query_params=dict(task.params))
