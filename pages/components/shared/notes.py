"""Notes on a plan, and the dialog that asks for a reason before a plan is discarded."""

import streamlit as st

from integration.application.application import Application
from integration.core.run import LONGEST_NOTE, Run
from pages.components.shared.application import guarded, may, person
from pages.components.shared.layout import act, attempt, note, small
from pages.components.shared.wording import Markdown, author_name, moment, plain, text


def plan_notes(app: Application, run: Run) -> None:
    """Draw the notes on a plan and the reason why it was discarded, with a button to add a note."""
    plan_remarks = app.notes.notes_of_plan(run.id)
    if not plan_remarks and not may(app.notes.add):
        return
    with st.container(border=bool(plan_remarks), gap="xsmall", key="notes"):
        for plan_note in plan_remarks:
            icon = "block" if plan_note.discards else "comment"
            content = (
                text("note_discarded", reason=plain(plan_note.text)) if plan_note.discards else plain(plan_note.text)
            )
            about = f"{plain(author_name(plan_note.by))} · {moment(plan_note.at)}"
            st.markdown(f":gray[:material/{icon}:] {content} :small[:gray[{about}]]")
        if may(app.notes.add) and st.button(
            text("btn_note_plan"), icon=":material/add_comment:", type="tertiary", key="note_plan"
        ):
            st.dialog(text("note_plan_title"), icon=":material/comment:")(guarded(_note_form))(app, run)


def _note_form(app: Application, run: Run) -> None:
    note(text("note_plan_about"))
    entered_note = st.text_area(text("note_plan_text"), key="note_plan_text", max_chars=LONGEST_NOTE) or ""
    if st.button(text("btn_keep_note"), type="primary", key="note_plan_now", disabled=not entered_note.strip()):
        act(lambda: app.notes.add(run.id, entered_note, person().ref))


def discard_button(app: Application, run: Run, label: Markdown) -> None:
    """Draw the button that discards a plan. Its dialog asks for an optional reason."""
    if st.button(label, type="tertiary", key="discard"):
        st.dialog(text("discard_title"), icon=":material/block:")(guarded(_discard))(app, run, label)


def _discard(app: Application, run: Run, label: Markdown) -> None:
    small(text("discard_about"))
    why = st.text_input(text("discard_reason"), key="discard_reason", max_chars=LONGEST_NOTE, autocomplete="off") or ""
    if st.button(label, type="primary", icon=":material/block:", key="discard_now"):
        attempt(lambda: app.runs.discard(run.id, person().ref, why))
        st.rerun()
