"""Data subject requests: stored personal data of one person by number, its export as a file, and its erasure."""

import streamlit as st

from integration.application.application import Application
from integration.core.erasure import Customer
from integration.erasure.data_subjects import LIST, StoredPersonalData
from pages.components.shared.application import person
from pages.components.shared.layout import attempt, note, section, small
from pages.components.shared.tables import table
from pages.components.shared.wording import Markdown, language, number_text, option_name, plain, quantity_text, text

NUMBER_TYPES = ("debtor", "relation")
NAMED = ("links", "plan_lines", "issues", "corrections")
MAX_DOCUMENTS = 20  # documents named on screen; the file has all of them


def persons(app: Application) -> None:
    """Draw the search for a person, and the actions for the result."""
    section(text("persons"), text("persons_about"))
    every, unfinished = app.data_subjects.list_erasures(), app.data_subjects.unfinished()
    if excluded_persons := {customer.person for customer in every if customer.lifted_at is None}:
        small(quantity_text("persons_erased", len(excluded_persons)))
    if unfinished:
        note(text("person_unfinished", number=len(unfinished)))
    with st.form("person", border=False), st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        number_type = st.selectbox(
            text("person_number_type"),
            NUMBER_TYPES,
            format_func=option_name(lambda name: text(f"whose_{name}")),
            key="person-number-type",
            width=260,
        )
        number = st.text_input(text("person_number"), key="person-number", width=200)
        if st.form_submit_button(text("person_find"), key="person-find"):
            st.session_state["person-found"] = (number_type, number.strip())
    number_type, number = st.session_state.get("person-found", ("", ""))
    if number:
        customer = app.data_subjects.customer(**{number_type: number})
        _draw_person(app, customer, app.data_subjects.stored_data(customer))


def _draw_person(app: Application, customer: Customer, stored_data: StoredPersonalData) -> None:
    if stored_data.is_excluded:
        note(text("person_excluded"))
        if st.button(text("person_lift"), key="person-lift"):
            if attempt(lambda: app.data_subjects.lift(customer, person())):
                st.session_state["said"] = text("person_lifted_now")
            st.rerun()
    if not stored_data.is_found:
        note(text("person_nothing"))
        return
    where, rows = text("person_where"), text("person_rows")
    table_rows = [{where: _place_name(name), rows: number_text(count)} for name, count in stored_data.rows.items()]
    table_rows.append({where: text("person_in_log"), rows: number_text(stored_data.events)})
    table(table_rows, text("persons"), {}, height="content")
    if stored_data.documents:
        note(quantity_text("person_documents", len(stored_data.documents), documents=_documents(stored_data)))
    _export_button(app, customer)
    _erase_form(app, customer)


def _place_name(name: str) -> Markdown:
    return text(f"person_in_{name}") if name in NAMED else plain(f"{text('person_in_others')}: {name}")


def _documents(stored_data: StoredPersonalData) -> Markdown:
    references = [document.reference for document in stored_data.documents[:MAX_DOCUMENTS]]
    return plain(", ".join(references) + ("…" if len(stored_data.documents) > MAX_DOCUMENTS else ""))


def _export_button(app: Application, customer: Customer) -> None:
    spoken, by = language(), person()
    st.download_button(
        text("person_access_file"),
        data=lambda: app.data_subjects.access(customer, by, spoken),
        file_name="person.zip",
        mime="application/zip",
        on_click="ignore",
        key="person-access",
    )


def _erase_form(app: Application, customer: Customer) -> None:
    with st.expander(text("person_erase")):
        note(text("person_erase_about"))
        note(text("person_erase_elsewhere", file=LIST))
        with st.form("person-erase", border=False), st.container(horizontal=True, vertical_alignment="bottom"):
            typed = st.text_input(text("person_confirm"), key="person-confirm", width=300)
            if st.form_submit_button(text("person_erase"), type="primary", key="person-erase-now"):
                attempt(lambda: _erase(app, customer, typed))
                st.rerun()


def _erase(app: Application, customer: Customer, typed: str) -> None:
    erasure_result = app.data_subjects.erase(customer, typed, person())
    sentence = text(
        "person_erased_now",
        rows=number_text(sum(erasure_result.rows.values())),
        events=number_text(erasure_result.events),
    )
    left_note = (
        text("person_left", places=plain(", ".join(erasure_result.remaining))) if erasure_result.remaining else ""
    )
    st.session_state["said"] = f"{sentence} {left_note}".strip()
