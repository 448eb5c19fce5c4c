"""Named filters of a page: opened, saved and deleted beside the filters. The address has the name."""

from collections.abc import Mapping

import streamlit as st

from integration.application.application import Application
from integration.services.log.saved_filters import FILTERS, LONGEST_NAME
from pages.components.shared.application import person
from pages.components.shared.layout import clear_address, icon_button, note
from pages.components.shared.wording import plain, text

SAVED = "saved"


def open_saved(app: Application, page: str) -> None:
    """Apply the saved filter named in the address, if the address has no other filter."""
    name = st.query_params.get(SAVED, "")
    if not name or any(filter_name in st.query_params for filter_name in FILTERS[page]):
        return
    saved_filter = next(
        (candidate for candidate in app.saved_filters.visible_filters(page, person()) if candidate.name == name), None
    )
    if saved_filter is None:
        st.query_params.pop(SAVED, None)
    else:
        _apply_filter(page, saved_filter.name, saved_filter.query_parameters)


def saved_filters(app: Application, page: str) -> None:
    """Draw the menu of saved filters of a page, which opens and deletes them, and saves the current filter."""
    visible_filters = app.saved_filters.visible_filters(page, person())
    parameters = {name: st.query_params.get(name, "") for name in FILTERS[page]}
    now = {name: value for name, value in parameters.items() if value}
    current_name = next(
        (saved_filter.name for saved_filter in visible_filters if saved_filter.query_parameters == now and now), ""
    )
    with st.popover(
        plain(current_name) if current_name else text("saved_filters"),
        icon=":material/filter_alt:",
        key="saved_filters",
    ):
        for saved_filter in visible_filters:
            with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
                if st.button(
                    plain(saved_filter.name), key=f"saved-{saved_filter.name}", type="tertiary", width="stretch"
                ):
                    _apply_filter(page, saved_filter.name, saved_filter.query_parameters)
                if icon_button(
                    "delete", text("btn_forget_filter", name=plain(saved_filter.name)), f"forget-{saved_filter.name}"
                ):
                    app.saved_filters.forget(page, saved_filter.name, person())
                    st.query_params.pop(SAVED, None)
                    st.rerun()
        if not visible_filters:
            note(text("saved_filters_none"))
        if not now:
            note(text("saved_filters_about"))
            return
        name = st.text_input(text("saved_filter_name"), key="saved_name", max_chars=LONGEST_NAME, autocomplete="off")
        if st.button(text("btn_save_filter"), key="save_filter", type="primary", disabled=not (name or "").strip()):
            st.query_params[SAVED] = app.saved_filters.keep(page, name or "", now, person())
            st.rerun()


def _apply_filter(page: str, name: str, parameters: Mapping[str, str]) -> None:
    clear_address(*FILTERS[page], "page", "cause", "record")
    st.query_params.update({**parameters, SAVED: name})
    st.rerun()
