"""One search from every page: what was typed leads to the history of a record, or to the setting it is a word for."""

from collections.abc import Mapping
from decimal import Decimal
from typing import NoReturn

import streamlit as st

from integration.application.application import Application
from integration.services.log.search import PageResult, RecordResult
from pages.components.shared.layout import answer_or_error, badge, note, section
from pages.components.shared.wording import Markdown, euros, flow_name, kind_name, language, plain, system_name, text

KEYS = "Ctrl+K"  # opens the search from every page
WAITING = "parked"
OPEN, ASKED = "searching", "sought"


def search_button() -> None:
    """Draw the button that opens the search.

    `static/frame.js` hears its keys on every page, presses it, and takes what is typed until the dialog is drawn.
    """
    st.button(
        text("btn_search"),
        icon=":material/search:",
        key="open_search",
        shortcut=KEYS,
        on_click=_open,
        width="stretch",
        help=text("search_help"),
    )


def _open() -> None:
    if not is_open():  # else what was typed stays
        st.session_state.pop(ASKED, None)
    st.session_state[OPEN] = True


def is_open() -> bool:
    """Tell whether the search is open: a page that is drawn anew meanwhile leaves it so."""
    return bool(st.session_state.get(OPEN))


def close() -> None:
    """Close the search: somebody left it."""
    st.session_state.pop(OPEN, None)


def search_box(app: Application, *, may_read: bool) -> None:
    """Draw the field of the search and what was found: records for whoever may read the log."""
    asked = st.text_input(
        text("search_label"),
        key=ASKED,
        placeholder=text("search_placeholder"),
        icon=":material/search:",
        label_visibility="collapsed",
        autocomplete="off",
        live=True,
    ).strip()
    if not asked:
        note(text("search_about"))
        return
    hits = answer_or_error(lambda: app.search.records(asked, language())) if may_read else []
    places = app.search.places(asked)
    if hits:
        section(text("search_records"))
        with st.container(gap="xsmall"):
            for number, hit in enumerate(hits):
                _record(app, hit, number)
    if places:
        section(text("search_places"))
        with st.container(gap="xsmall"):
            for number, place in enumerate(places):
                _place(place, number)
    if hits == [] and not places:
        note(text("search_nothing", sought=plain(asked)))


def _record(app: Application, hit: RecordResult, number: int) -> None:
    """Draw a record, which leads to its history, with what was found of it and whether it waits."""
    flow = flow_name(hit.flow) if hit.flow in app.flows else plain(hit.flow)
    waits = app.exceptions.waits(hit.flow, hit.key) is not None
    with st.container(gap=None):
        with st.container(horizontal=True, gap="small", vertical_alignment="center"):
            if st.button(f"**{plain(hit.title or hit.key)}**", key=f"hit-{number}", type="tertiary"):
                _lead_to("logs", {"record": f"{hit.flow}:{hit.key}"})
            if waits:
                badge(WAITING)
        found = f"{known_caption(app, hit.flow, hit.sort)} {known_value(hit.sort, hit.value)}"
        note(" · ".join([kind_name(hit.kind), flow, found]))


def known_value(sort: str, value: str) -> Markdown:
    """Return a number, name or amount that a record is known by as it is read."""
    return euros(Decimal(value)) if sort == "amount" else plain(value)


def known_caption(app: Application, flow: str, sort: str) -> Markdown:
    """Return what a number, name or amount is called that a record is known by."""
    target = system_name(app.flows[flow].target) if flow in app.flows else ""
    return text(f"known_{sort}", system=target)


def _lead_to(page: str, asked: Mapping[str, str]) -> NoReturn:
    """Leave the search for what was found."""
    close()
    st.switch_page(f"pages/{page}.py", query_params=dict(asked))


def _place(place: PageResult, number: int) -> None:
    """Draw a page, setting or value table, which leads there, with where it is."""
    trail = [text(f"nav_{place.page}"), *([flow_name(place.flow)] if place.flow else [])]
    if tab := place.asked.get("tab", "") if place.page == "flows" else "":
        trail.append(text(f"tab_{tab}"))
    with st.container(gap=None):
        if st.button(f"**{text(place.caption)}**", key=f"place-{number}", type="tertiary"):
            _lead_to(place.page, place.asked)
        note(" › ".join(trail))
