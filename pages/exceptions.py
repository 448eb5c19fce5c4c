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
from pages.components.shared.downloads import downloads
from pages.components.shared.flows import offer_preview
from pages.components.shared.frames import rows_in
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
from pages.components.shared.wording import (
    Markdown,
    flow_name,
    number,
    plain,
    quantity_text,
    sandbox_badges,
    text,
    zone,
)

SIZE = 20

app = application()
open_saved(app, "exceptions")
show_toast()


def waiting_sentence(groups: Sequence[CauseGroup]) -> Markdown:
    """Return the subtitle: how many records wait, and for how many causes."""
    waiting = sum(group.count for group in groups)
    return (
        quantity_text("exceptions_about", waiting, causes=number(len(groups)))
        if waiting
        else text("exceptions_none_about")
    )


def waiting_by_flow(status: str) -> Mapping[str, int]:
    """Return the number of records with issues of this status for each flow; for corrections, their number."""
    if status == CORRECTED:
        return app.corrections.counts()
    state, assigned_to_me = STATUS[status]
    counts = Counter[str]()
    for group in app.exceptions.groups(state=state, assigned=person().ref if assigned_to_me else ""):
        counts[group.flow] += group.count
    return counts


def waiting_beside(flow: str) -> None:
    """Draw the other waiting items of a flow, or of all flows, above the causes."""
    flow_items = [item for item in waiting_items(app, limit=0).first_items if flow in ("all", item.flow)]
    if flow_items:
        waiting_list(app, WaitingItems(flow_items))


def draw_nothing(status: str, *, filtered: bool) -> None:
    """Show why the list is empty and what to do next."""
    if not filtered and status == "open" and not app.runs.count():
        title, why = text("exceptions_empty_new"), text("exceptions_empty_new_about")
        offer_preview(app, "task_alt", title, why, text("btn_first"), next(iter(app.flows)))
    elif not filtered:
        icon = {"open": "task_alt", "mine": "person", "dismissed": "inventory_2"}[status]
        empty(icon, text(f"exceptions_empty_{status}"), text(f"exceptions_empty_{status}_about"))
    elif no_match(text("exceptions_no_match"), text("exceptions_no_match_about")):
        clear_address("flow")
        clear_search()


def cards(groups: list[CauseGroup]) -> None:
    """Draw one page of causes, with the cause in the address open and near the top."""
    cause_address = st.query_params.get("cause", "")
    addresses = [group_address(group.group_key) for group in groups]
    offset = page_offset("page", len(groups), SIZE)
    if cause_address in addresses and "page" not in st.query_params:
        offset = begins_at(addresses, cause_address, SIZE)
    if cause_address and cause_address not in addresses:
        empty("task_alt", text("cause_gone"), text("cause_gone_about"))
    keys_bar(addresses, cause_address)
    if several := selection_switch(groups):
        several_bar(app, groups, state)
    if cause_address in addresses:
        earlier_causes_link(addresses, offset)
    page_groups = groups[offset : offset + SIZE]
    versions = Versions.for_causes(app, page_groups) if state is IssueState.OPEN and may(app.issues.close) else None
    daily_counts = app.exceptions.daily_counts(datetime.now(zone()))
    queue = CardContext(state, find, waiting, dismissed, tries, daily_counts, may(Exceptions.correct), versions)
    if any(group.group_key in daily_counts for group in page_groups):
        note(text("causes_course"))
    for at, group in enumerate(page_groups):
        is_open = addresses[offset + at] == cause_address
        cause_card(app, group, queue, is_open=is_open, first=not at and cause_address not in addresses, several=several)
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
for removed_flow, count in app.exceptions.counts_of_removed_flows().items():
    note(quantity_text("unknown_flow_waits", count, name=plain(removed_flow)))
refused_actions(app)
for active in (flow_status.active for flow_status in app.flows.statuses()):
    if active and active.mode is Mode.CHOSEN:
        progress_strip(app, active.id)
tries = {retry.group.group_key: retry for retry in app.exceptions.retry_results()}
with st.container(horizontal=True, vertical_alignment="center", gap="small"):
    corrected = app.corrections.counts() or st.query_params.get("status") == CORRECTED
    statuses = (*STATUS, CORRECTED) if corrected else tuple(STATUS)
    counts = {name: waiting_by_flow(name) for name in statuses}
    status = choice(
        "status",
        statuses,
        "open",
        lambda name: f"{text(f'exceptions_{name}')} **{number(sum(counts[name].values()))}**",
        ("cause", "page"),
    )
    numbers = {"all": sum(counts[status].values()), **counts[status]}
    flow = choice(
        "flow",
        ("all", *app.flows),
        "all",
        lambda name: f"{text('all') if name == 'all' else flow_name(name)} **{number(numbers.get(name, 0))}**",
        ("cause", "page"),
    )
    find = search(text("find_exception"))
    sorts = {rank: text(f"exceptions_sort_{rank}") for rank in RANKS}
    sort = select_input("sort", sorts, text("choice_sort"), 190, ("page",)) if status != CORRECTED else "money"
    saved_filters(app, "exceptions")
state, assigned_to_me = STATUS.get(status, STATUS["open"])
groups = app.exceptions.groups("" if flow == "all" else flow, state, person().ref if assigned_to_me else "", find, sort)
downloads(
    f"exceptions-{flow}-{status}",
    lambda: (
        corrected_listed(app)
        if status == CORRECTED
        else rows_in(ISSUE_COLUMNS, app.exceptions.listed(groups, state, find))
    ),
    at=download,
)
waiting = {group.group_key: group for group in every}
dismissed = {group.group_key: group for group in app.exceptions.groups(state=IssueState.DISMISSED)}
if status == "open":
    if not find:
        waiting_beside(flow)
    solved_cards(app, tries, waiting)
if status == CORRECTED:
    corrections(flow)
elif groups:
    cards(groups)
else:
    draw_nothing(status, filtered=bool(find or flow != "all"))
