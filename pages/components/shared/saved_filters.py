"""Named filters of a page: opened, saved and deleted beside the filters. The address has the name."""

from collections.abc import Mapping

import streamlit as st

from integration.application.application import Application
from integration.services.log.saved_filters import FILTERS, LONGEST_NAME
from pages.components.shared.application import person
from pages.components.shared.layout import clear_address, icon_button, note, type_search
from pages.components.shared.wording import plain, text

SAVED = "saved"
SEARCH = "find"  # the search field, which is bound to the address


def open_saved(app: Application, page: str) -> None:
    """Apply the saved filter named in the address, if the address has no other filter."""
    name = st.query_params.get(SAVED, "")
    if not name or any(one in st.query_params for one in FILTERS[page]):
        return
    found = next((one for one in app.saved_filters.visible_filters(page, person()) if one.name == name), None)
    if found is None:
        st.query_params.pop(SAVED, None)
    else:
        _show(page, found.name, found.asked)


def saved_filters(app: Application, page: str) -> None:
    """Draw the menu of saved filters of a page, which opens and deletes them, and saves the current filter."""
    found = app.saved_filters.visible_filters(page, person())
    asked = {name: st.query_params.get(name, "") for name in FILTERS[page]}
    asked[SEARCH] = str(st.session_state.get(SEARCH) or "")  # the address is updated only after the field
    now = {name: one for name, one in asked.items() if one}
    named = next((one.name for one in found if one.asked == now and now), "")
    with st.popover(
        plain(named) if named else text("saved_filters"), icon=":material/filter_alt:", key="saved_filters"
    ):
        for one in found:
            with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
                if st.button(plain(one.name), key=f"saved-{one.name}", type="tertiary", width="stretch"):
                    _show(page, one.name, one.asked)
                if icon_button("delete", text("btn_forget_filter", name=plain(one.name)), f"forget-{one.name}"):
                    app.saved_filters.forget(page, one.name, person())
                    st.query_params.pop(SAVED, None)
                    st.rerun()
        if not found:
            note(text("saved_filters_none"))
        if not now:
            note(text("saved_filters_about"))
            return
        name = st.text_input(text("saved_filter_name"), key="saved_name", max_chars=LONGEST_NAME, autocomplete="off")
        if st.button(text("btn_save_filter"), key="save_filter", type="primary", disabled=not (name or "").strip()):
            st.query_params[SAVED] = app.saved_filters.keep(page, name or "", now, person())
            st.rerun()


def _show(page: str, name: str, asked: Mapping[str, str]) -> None:
    clear_address(*FILTERS[page], "page", "cause", "record")
    for one, value in asked.items():
        if one != SEARCH:
            st.query_params[one] = value
    st.query_params[SAVED] = name
    type_search(SEARCH, asked.get(SEARCH, ""))
