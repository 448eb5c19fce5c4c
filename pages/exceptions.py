"""Exceptions: parked records grouped by cause. One repair serves the whole group."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

import streamlit as st

from integration.alerts.waiting_list import WaitingItems
from integration.core.issues import CauseGroup, IssueState
from integration.core.run import Mode
from integration.services.runs.exceptions import ISSUE_COLUMNS, RANKS, Exceptions, group_address
from pages.components.exceptions.bulk_actions import refused_actions, selection_switch, several_bar
from pages.components.exceptions.cards import (
    CORRECTED,
    STATUS,
    CardContext,
    Versions,
    begins_at,
    cause_card,
    earlier_causes_link,
    keys_bar,
)
from pages.components.exceptions.corrections import corrected_listed, correction_list
from pages.components.exceptions.retry_result import solved_cards
from pages.components.shared.application import application, may, person
from pages.components.shared.downloads import downloads, rows_in
from pages.components.shared.flows import offer_preview
from pages.components.shared.glossary import meaning
from pages.components.shared.layout import (
    choice,
    clear_address,
    clear_search,
    empty,
    failures,
    head,
    no_match,
    note,
    page_offset,
    pages,
    search,
    select_input,
    show_toast,
)
from pages.components.shared.runs import progress_strip
from pages.components.shared.saved_filters import open_saved, saved_filters
from pages.components.shared.waiting import waiting_items, waiting_list
from pages.components.shared.wording import Markdown, counted, flow_name, number, plain, sandbox_badges, text, zone

SIZE = 20

app = application()
open_saved(app, "exceptions")
show_toast()


def waiting_sentence(groups: Sequence[CauseGroup]) -> Markdown:
    """Return the subtitle: how many records wait, and for how many causes."""
    waiting = sum(group.count for group in groups)
    return (
        counted("exceptions_about", waiting, causes=number(len(groups))) if waiting else text("exceptions_none_about")
    )


def waiting_by_flow(status: str) -> Mapping[str, int]:
    """Return the number of records with issues of this status for each flow; for corrections, their number."""
    if status == CORRECTED:
        return app.corrections.counts()
    state, mine = STATUS[status]
    found = Counter[str]()
    for group in app.exceptions.groups(state=state, assigned=person().ref if mine else ""):
        found[group.flow] += group.count
    return found


def waiting_beside(flow: str) -> None:
    """Draw the other waiting items of a flow, or of all flows, above the causes."""
    found = [one for one in waiting_items(app, most=0).shown if flow in ("all", one.flow)]
    if found:
        waiting_list(app, WaitingItems(found))


def draw_nothing(status: str, *, filtered: bool) -> None:
    """Show why the list is empty and what to do next."""
    if not filtered and status == "open" and not app.runs.count():
        title, why = text("exceptions_empty_new"), text("exceptions_empty_new_about")
        offer_preview(app, "task_alt", title, why, text("btn_first"), next(iter(app.flows)))
    elif not filtered:
        icon = {"open": "task_alt", "mine": "person", "aside": "inventory_2"}[status]
        empty(icon, text(f"exceptions_empty_{status}"), text(f"exceptions_empty_{status}_about"))
    elif no_match(text("exceptions_no_match"), text("exceptions_no_match_about")):
        clear_address("flow")
        clear_search("find")


def cards(groups: list[CauseGroup]) -> None:
    """Draw one page of causes, with the cause in the address open and near the top."""
    asked = st.query_params.get("cause", "")
    addresses = [group_address(group.group_key) for group in groups]
    offset = page_offset("page", len(groups), SIZE)
    if asked in addresses and "page" not in st.query_params:
        offset = begins_at(addresses, asked, SIZE)
    if asked and asked not in addresses:
        empty("task_alt", text("cause_gone"), text("cause_gone_about"))
    keys_bar(addresses, asked)
    if several := selection_switch(groups):
        several_bar(app, groups, state)
    if asked in addresses:
        earlier_causes_link(addresses, offset)
    here = groups[offset : offset + SIZE]
    versions = Versions.of(app, here) if state is IssueState.OPEN and may(app.issues.close) else None
    came = app.exceptions.daily_counts(datetime.now(zone()))
    queue = CardContext(state, find, waiting, aside, tries, came, may(Exceptions.correct), versions)
    if any(group.group_key in came for group in here):
        note(text("causes_course"))
    for at, group in enumerate(here):
        is_open = addresses[offset + at] == asked
        cause_card(app, group, queue, is_open=is_open, first=not at and asked not in addresses, several=several)
    pages("page", len(groups), SIZE)


def corrections(flow: str) -> None:
    """Draw the corrections of a flow, or of all flows."""
    counts = app.corrections.counts()
    for name in [name for name in app.flows if counts.get(name) and flow in ("all", name)] or [flow]:
        correction_list(app, name)


every = app.exceptions.groups()
with head(
    text("nav_exceptions"), waiting_sentence(every), sandbox_badges(app.sandbox.is_connected), meaning("exception")
):
    download = st.container(width="content")
failures()
for gone, left in app.exceptions.left().items():
    note(counted("unknown_flow_waits", left, name=plain(gone)))
refused_actions(app)
for active in (one.active for one in app.flows.statuses()):
    if active and active.mode is Mode.CHOSEN:
        progress_strip(app, active.id)
tries = {one.group.group_key: one for one in app.exceptions.tries()}
with st.container(horizontal=True, vertical_alignment="center", gap="small"):
    corrected = app.corrections.counts() or st.query_params.get("status") == CORRECTED
    statuses = (*STATUS, CORRECTED) if corrected else tuple(STATUS)
    counts = {one: waiting_by_flow(one) for one in statuses}
    status = choice(
        "status",
        statuses,
        "open",
        lambda one: f"{text(f'exceptions_{one}')} **{number(sum(counts[one].values()))}**",
        ("cause", "page"),
    )
    numbers = {"all": sum(counts[status].values()), **counts[status]}
    flow = choice(
        "flow",
        ("all", *app.flows),
        "all",
        lambda one: f"{text('all') if one == 'all' else flow_name(one)} **{number(numbers.get(one, 0))}**",
        ("cause", "page"),
    )
    find = search("find", text("find_exception"))
    sorts = {one: text(f"exceptions_sort_{one}") for one in RANKS}
    sort = select_input("sort", sorts, text("choice_sort"), 190, ("page",)) if status != CORRECTED else "money"
    saved_filters(app, "exceptions")
state, mine = STATUS.get(status, STATUS["open"])
shown = app.exceptions.groups("" if flow == "all" else flow, state, person().ref if mine else "", find, sort)
downloads(
    f"exceptions-{flow}-{status}",
    lambda: (
        corrected_listed(app)
        if status == CORRECTED
        else rows_in(ISSUE_COLUMNS, app.exceptions.listed(shown, state, find))
    ),
    at=download,
)
waiting = {group.group_key: group for group in every}
aside = {group.group_key: group for group in app.exceptions.groups(state=IssueState.SET_ASIDE)}
if status == "open":
    if not find:
        waiting_beside(flow)
    solved_cards(app, tries, waiting)
if status == CORRECTED:
    corrections(flow)
elif shown:
    cards(shown)
else:
    draw_nothing(status, filtered=bool(find or flow != "all"))
