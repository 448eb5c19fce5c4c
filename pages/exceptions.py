"""What waits for a person, grouped by cause: one repair serves the whole group."""

import streamlit as st

from integration.core.queue import CauseGroup, IssueState
from integration.services.exceptions import address_of
from pages.components.exceptions.cards import (
    CORRECTED,
    STATUS,
    Queue,
    about,
    above,
    active_strip,
    begins_at,
    cause_card,
    counted_by_flow,
    counted_corrections,
    in_preview,
    keys_bar,
    status_label,
    statuses,
)
from pages.components.exceptions.corrections import corrected_csv, corrected_list
from pages.components.exceptions.retries import solved_cards, tries_of
from pages.components.shared.application import application, person
from pages.components.shared.draft import said
from pages.components.shared.layout import choice, clear_search, empty, failures, head, page_offset, pages, search
from pages.components.shared.wording import flow_name, number, sandbox_badges, text

SIZE = 20

app = application()
said()


def nothing(status: str, *, filtered: bool) -> None:
    """Say why there is nothing here, and what to do next."""
    if not filtered and status == "open" and not app.runs.count():
        if empty("task_alt", text("exceptions_empty_new"), text("exceptions_empty_new_about"), text("nav_preview")):
            st.switch_page("pages/preview.py")
    elif not filtered:
        icon = {"open": "task_alt", "mine": "person", "aside": "inventory_2"}[status]
        empty(icon, text(f"exceptions_empty_{status}"), text(f"exceptions_empty_{status}_about"))
    elif empty(
        "filter_alt_off",
        text("exceptions_no_match"),
        text("exceptions_no_match_about"),
        text("btn_clear_filters"),
        key="clear",
    ):
        st.query_params.pop("flow", None)
        st.session_state.pop("_flow", None)
        clear_search("find")


def cards(groups: list[CauseGroup], queue: Queue) -> None:
    """Draw one page of causes, the one that is asked for open and near the top."""
    asked = st.query_params.get("cause", "")
    places = [address_of(group.of) for group in groups]
    offset = page_offset("page", len(groups), SIZE)
    if asked in places and "page" not in st.query_params:
        offset = begins_at(places, asked, SIZE)
    if asked and asked not in places:
        empty("task_alt", text("cause_gone"), text("cause_gone_about"))
    keys_bar(places, asked)
    if asked in places:
        above(places, offset)
    for at, group in enumerate(groups[offset : offset + SIZE]):
        cause_card(app, group, queue, is_open=places[offset + at] == asked, first=not at and asked not in places)
    pages("page", len(groups), SIZE)


def corrections(flow: str) -> None:
    """Draw the values that hold in the place of those of the source."""
    counts = app.corrections.counts()
    for name in [name for name in app.flows if counts.get(name) and flow in ("all", name)] or [flow]:
        corrected_list(app, name)


every = app.exceptions.groups()
with head(text("nav_exceptions"), about(every), sandbox_badges(app.sandbox.is_connected)):
    download = st.container(width="content")
failures()
active_strip(app)
tries = tries_of(app)
in_preview(app, tries)
with st.container(horizontal=True, vertical_alignment="center", gap="small"):
    status = choice("status", statuses(app), "open", status_label(app), ("cause", "page"))
    state, mine = STATUS.get(status, STATUS["open"])
    here = app.exceptions.groups(state=state, assigned=person() if mine else "")
    numbers = counted_by_flow(here) if status != CORRECTED else counted_corrections(app)
    flow = choice(
        "flow",
        ("all", *app.flows),
        "all",
        lambda one: f"{text('all') if one == 'all' else flow_name(one)} **{number(numbers.get(one, 0))}**",
        ("cause", "page"),
    )
    find = search("find", text("find_exception"))
shown = app.exceptions.groups("" if flow == "all" else flow, state, person() if mine else "", find)
with download:
    st.download_button(
        text("btn_csv"),
        data=lambda: corrected_csv(app) if status == CORRECTED else app.exceptions.csv(shown, state, find),
        file_name=f"exceptions-{flow}-{status}.csv",
        icon=":material/download:",
        on_click="ignore",
        mime="text/csv",
    )
waiting = {group.of: group for group in every}
aside = {group.of: group for group in app.exceptions.groups(state=IssueState.SET_ASIDE)}
if status == "open":
    solved_cards(app, tries, waiting)
if status == CORRECTED:
    corrections(flow)
elif shown:
    cards(shown, Queue(state, find, waiting, aside, tries))
else:
    nothing(status, filtered=bool(find or flow != "all"))
