"""The search on every page, which finds records and leads to their history, and finds pages, settings and tables."""

from collections.abc import Mapping
from decimal import Decimal
from typing import NoReturn

import streamlit as st

from integration.application.application import Application
from integration.services.log.search import PageResult, RecordResult
from pages.components.shared.layout import answer_or_error, badge, note, section
from pages.components.shared.wording import Markdown, euros, flow_name, kind_name, language, plain, system_name, text

KEYS = "Ctrl+K"  # opens the search on every page
WAITING = "parked"
OPEN, SEARCH_TEXT = "searching", "search_text"


def search_button() -> None:
    """Draw the button that opens the search.

    `static/frame.js` listens for the shortcut on every page, presses the button, and buffers typed text until the
    dialog is drawn.
    """
    st.button(
        text("btn_search"),
        icon=":material/search:",
        key="open_search",
        shortcut=KEYS,
        on_click=_open_search,
        width="stretch",
        help=text("search_help"),
    )


def _open_search() -> None:
    if not is_open():  # pressed while open, the text stays
        st.session_state.pop(SEARCH_TEXT, None)
    st.session_state[OPEN] = True


def is_open() -> bool:
    """Return True if the search is open. It stays open when the page is rerun."""
    return bool(st.session_state.get(OPEN))


def close() -> None:
    """Close the search."""
    st.session_state.pop(OPEN, None)


def search_box(app: Application, *, may_read: bool) -> None:
    """Draw the search field and the results. Records are only searched for people who may read the log."""
    query = st.text_input(
        text("search_label"),
        key=SEARCH_TEXT,
        placeholder=text("search_placeholder"),
        icon=":material/search:",
        label_visibility="collapsed",
        autocomplete="off",
        live=True,
    ).strip()
    if not query:
        note(text("search_about"))
        return
    hits = answer_or_error(lambda: app.search.records(query, language())) if may_read else []
    places = app.search.places(query)
    if hits:
        section(text("search_records"))
        with st.container(gap="xsmall"):
            for number, hit in enumerate(hits):
                _record(app, hit, number)
    if places:
        section(text("search_places"))
        with st.container(gap="xsmall"):
            for number, place in enumerate(places):
                _draw_place(place, number)
    if hits == [] and not places:
        note(text("search_nothing", query=plain(query)))


def _record(app: Application, hit: RecordResult, number: int) -> None:
    """Draw a record that links to its history, with the matching value and whether it is parked."""
    flow = flow_name(hit.flow) if hit.flow in app.flows else plain(hit.flow)
    waits = app.exceptions.open_issue(hit.flow, hit.key) is not None
    with st.container(gap=None):
        with st.container(horizontal=True, gap="small", vertical_alignment="center"):
            if st.button(f"**{plain(hit.title or hit.key)}**", key=f"hit-{number}", type="tertiary"):
                _open_result("logs", {"record": f"{hit.flow}:{hit.key}"})
            if waits:
                badge(WAITING)
        matched_name = f"{known_caption(app, hit.flow, hit.type)} {known_value(hit.type, hit.value)}"
        note(" · ".join([kind_name(hit.kind), flow, matched_name]))


def known_value(key_type: str, value: str) -> Markdown:
    """Return the formatted value of a search key: a number, name or amount."""
    return euros(Decimal(value)) if key_type == "amount" else plain(value)


def known_caption(app: Application, flow: str, key_type: str) -> Markdown:
    """Return the caption of a search key."""
    target = system_name(app.flows[flow].target) if flow in app.flows else ""
    return text(f"known_{key_type}", system=target)


def _open_result(page: str, parameters: Mapping[str, str]) -> NoReturn:
    """Close the search and open a page."""
    close()
    st.switch_page(f"pages/{page}.py", query_params=dict(parameters))


def _draw_place(place: PageResult, number: int) -> None:
    """Draw a page, setting or value table as a link, with its location."""
    trail = [text(f"nav_{place.page}"), *([flow_name(place.flow)] if place.flow else [])]
    if tab := place.query_parameters.get("tab", "") if place.page == "flows" else "":
        trail.append(text(f"tab_{tab}"))
    with st.container(gap=None):
        if st.button(f"**{text(place.caption)}**", key=f"place-{number}", type="tertiary"):
            _open_result(place.page, place.query_parameters)
        note(" › ".join(trail))
