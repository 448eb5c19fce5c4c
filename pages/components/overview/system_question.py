"""The question whether a connected system is still the same one."""

from functools import partial

import streamlit as st

from integration.application.application import Application
from integration.services.write_holds.system_identity import SystemAnswer, SystemIdentities, SystemQuestion
from pages.components.shared.application import may, person
from pages.components.shared.layout import attempt
from pages.components.shared.wording import listed, plain, system_name, term, text


def system_questions(app: Application) -> None:
    """Draw a question for each system whose identity changed, with the meaning of each answer."""
    for question in app.system_identities.questions():
        _draw(app, question)


def _draw(app: Application, question: SystemQuestion) -> None:
    system = system_name(question.system)
    changed = listed(list(dict.fromkeys(_part_name(name) for name in question.changed)))
    with st.container(border=True, key=f"system-{question.system}"):
        st.markdown(f"**:orange[:material/help:] {text('system_question_title', system=system)}**")
        st.markdown(text("system_question_about", system=system, changed=plain(changed)))
        st.markdown(f"- **{text('btn_system_restored')}**: {term('system_restored_means', system=system)}")
        st.markdown(f"- **{text('btn_system_another')}**: {term('system_another_means', system=system)}")
        if not may(SystemIdentities.answer):
            return
        with st.container(horizontal=True, vertical_alignment="center"):
            is_checked = st.checkbox(text("system_question_checked"), key=f"system-checked-{question.system}")
            for answer in SystemAnswer:
                key = f"system-{answer}-{question.system}"
                if st.button(text(f"btn_system_{answer}"), key=key, disabled=not is_checked):
                    if attempt(partial(app.system_identities.answer, question.system, answer, person())):
                        st.toast(text("system_question_answered"))
                    st.rerun()


def _part_name(name: str) -> str:
    if name.endswith("Version"):
        return term("system_part_version")
    return term("system_part_numbers" if name.endswith(("SyncMarker", "stockId")) else f"system_part_{name}")
