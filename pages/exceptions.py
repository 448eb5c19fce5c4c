"""What waits for a person, grouped by cause: one repair serves the whole group."""

# ruff: noqa: TID251 - pages speak to the browser

import streamlit as st

from integration.repairing import address_of
from integration.store.issues import CauseGroup, IssueState
from pages.components.application import application, person
from pages.components.draft import said
from pages.components.exceptions import (
    STATUS,
    about,
    active_strip,
    cause_card,
    counted_by_flow,
    in_preview,
    keys_bar,
    status_label,
)  # fmt: skip
from pages.components.layout import choice, clear_search, empty, failures, head, page_offset, pages, search
from pages.components.wording import flow_name, number, sandbox_badges, text

SIZE = 20

app = application()
said()


def nothing(status: str, *, filtered: bool) -> None:
    """Say why there is nothing here, and what to do next."""
    if not filtered:
        icon = {"open": "task_alt", "mine": "person", "aside": "inventory_2"}[status]
        empty(icon, text(f"exceptions_empty_{status}"), text(f"exceptions_empty_{status}_about"))
    elif empty("filter_alt_off", text("exceptions_no_match"), text("exceptions_no_match_about"),
               text("btn_clear_filters"), key="clear"):  # fmt: skip
        st.query_params.pop("flow", None)
        st.session_state.pop("_flow", None)
        clear_search("find")


def cards(groups: list[CauseGroup], state: IssueState, find: str) -> None:
    """Draw one page of causes, the one that is asked for open."""
    asked = st.query_params.get("cause", "")
    places = [address_of(group.of) for group in groups]
    offset = page_offset("page", len(groups), SIZE)
    if asked in places and "page" not in st.query_params:
        offset = places.index(asked) // SIZE * SIZE
    if asked and asked not in places:
        empty("task_alt", text("cause_gone"), text("cause_gone_about"))
    keys_bar(places, asked)
    for at, group in enumerate(groups[offset : offset + SIZE]):
        cause_card(app, group, state, find, is_open=places[offset + at] == asked, first=not at and asked not in places)
    pages("page", len(groups), SIZE)


every = app.exceptions.groups()
with head(text("nav_exceptions"), about(every), sandbox_badges(app.sandboxed)):
    download = st.container(width="content")
failures()
active_strip(app)
in_preview(app)
with st.container(horizontal=True, vertical_alignment="center", gap="small"):
    status = choice("status", tuple(STATUS), "open", status_label(app), ("cause", "page"))
    state, mine = STATUS[status]
    here = app.exceptions.groups(state=state, assigned=person() if mine else "")
    numbers = counted_by_flow(here)
    flow = choice(
        "flow", ("all", *app.flows), "all",
        lambda one: f"{text('all') if one == 'all' else flow_name(one)} **{number(numbers.get(one, 0))}**",
        ("cause", "page"),
    )  # fmt: skip
    find = search("find", text("find_exception"))
shown = app.exceptions.groups("" if flow == "all" else flow, state, person() if mine else "", find)
with download:
    st.download_button(
        text("btn_csv"), data=lambda: app.exceptions.csv(shown, state, find),
        file_name=f"exceptions-{flow}-{status}.csv", icon=":material/download:", on_click="ignore", mime="text/csv",
    )  # fmt: skip
if shown:
    cards(shown, state, find)
else:
    nothing(status, filtered=bool(find or flow != "all"))
