"""Notes on a plan, and the dialog that asks for a reason before a plan is discarded."""

import streamlit as st

from integration.application.application import Application
from integration.core.run import LONGEST_NOTE, Run
from pages.components.shared.application import guarded, may, person
from pages.components.shared.layout import act, attempt, note, small
from pages.components.shared.wording import Markdown, author_name, moment, plain, text


def plan_notes(app: Application, run: Run) -> None:
    """Draw the notes on a plan and the reason why it was discarded, with a button to add a note."""
    found = app.notes.notes_of_plan(run.id)
    if not found and not may(app.notes.add):
        return
    with st.container(border=bool(found), gap="xsmall", key="notes"):
        for one in found:
            icon = "block" if one.discards else "comment"
            said = text("note_discarded", reason=plain(one.text)) if one.discards else plain(one.text)
            about = f"{plain(author_name(one.by))} · {moment(one.at)}"
            st.markdown(f":gray[:material/{icon}:] {said} :small[:gray[{about}]]")
        if may(app.notes.add) and st.button(
            text("btn_note_plan"), icon=":material/add_comment:", type="tertiary", key="note_plan"
        ):
            st.dialog(text("note_plan_title"), icon=":material/comment:")(guarded(_ask))(app, run)


def _ask(app: Application, run: Run) -> None:
    note(text("note_plan_about"))
    given = st.text_area(text("note_plan_text"), key="note_plan_text", max_chars=LONGEST_NOTE) or ""
    if st.button(text("btn_keep_note"), type="primary", key="note_plan_now", disabled=not given.strip()):
        act(lambda: app.notes.add(run.id, given, person().ref))


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
