"""The question whether codes of a replaced system are valid in the new one."""

from functools import partial

import streamlit as st

from integration.application.application import Application
from integration.services.write_holds.former_codes import CodesQuestion, FormerCodes
from integration.words import setting_name
from pages.components.shared.application import may, person
from pages.components.shared.layout import attempt
from pages.components.shared.wording import (
    Markdown,
    field_name,
    flow_name,
    language,
    link,
    plain,
    system_name,
    table_name,
    text,
)


def former_codes_questions(app: Application) -> None:
    """Draw a question for each replaced system whose former codes are in use, with links to them."""
    for question in app.former_codes.questions():
        _draw(app, question)


def _draw(app: Application, question: CodesQuestion) -> None:
    system = system_name(question.system)
    with st.container(border=True, key=f"former-codes-{question.system}"):
        st.markdown(f"**:orange[:material/help:] {text('former_codes_title', system=system)}**")
        st.markdown(text("former_codes_about", system=system))
        for place in _places(question):
            st.markdown(place)
        if not may(FormerCodes.confirm):
            return
        with st.container(horizontal=True, vertical_alignment="center"):
            is_checked = st.checkbox(text("former_codes_checked"), key=f"former-codes-checked-{question.system}")
            key = f"former-codes-confirm-{question.system}"
            if st.button(text("btn_former_codes"), key=key, disabled=not is_checked):
                if attempt(partial(app.former_codes.confirm, question.system, person())):
                    st.toast(text("former_codes_confirmed"))
                st.rerun()


def _setting_link(flow: str, name: str) -> Markdown:
    if name == "filters":
        return link(text("tab_filters"), "flows", flow=flow, tab="filters")
    return link(plain(setting_name(flow, name, language())), "flows", flow=flow, tab="settings", field=name)


def _places(question: CodesQuestion) -> list[Markdown]:
    places = []
    for flow, tables in question.tables.items():
        links = [link(plain(table_name(name)), "flows", flow=flow, tab="tables", table=name) for name in tables]
        links += [_setting_link(flow, name) for name in question.settings[flow]]
        links += [
            link(plain(field_name(target)), "mappings", flow=flow, field=target) for target in question.rules[flow]
        ]
        if links:
            places.append(f"{flow_name(flow)}: {', '.join(links)}")
    return places
