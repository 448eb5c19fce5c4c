"""The list of links between records of both systems."""

from collections.abc import Iterator
from itertools import count

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from integration.application.application import Application
from integration.core.links import Link
from integration.core.records import RecordType
from integration.core.search_keys import document_total, search_keys
from pages.components.logs.records import pick_flow
from pages.components.shared.downloads import downloads
from pages.components.shared.frames import rows_in
from pages.components.shared.layout import (
    clear_address,
    clear_search,
    empty,
    no_match,
    note,
    page_offset,
    pages,
    search,
    state_tag,
)
from pages.components.shared.tables import CONFIG, browse
from pages.components.shared.wording import amount_text, flow_name, kind_name, number, text

SIZE = 200
LISTED_AT_ONCE, MAX_LISTED = 10_000, 1_000_000  # links that are read at once, and the most links in a file
COLUMNS = ["flow", "kind", "key", "title", "linked_to", "ean", "state", "retired"]


def linked(app: Application, tools: DeltaGenerator) -> None:
    """Draw the links that match the filters. A click opens the history of the record."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        find, flow = search(text("find_link")), pick_flow(app, 180)
    flows = [flow] if flow else list(app.flows)
    total = app.links.count_matching(flows, find)
    if not total:
        _empty_note(filtered=bool(find or flow))
        return
    offset = page_offset("page", total, SIZE)
    flow_links = app.links.listed(flows, find, offset, SIZE)
    downloads("links", lambda: rows_in(COLUMNS, list(_all_rows(app, flows, find))), at=tools)
    titles = app.search.titles(flow_links)
    frame = pd.DataFrame([_link_row(name, link, titles[name, link.kind, link.key]) for name, link in flow_links])
    columns = {
        "flow": CONFIG.TextColumn(text("col_flow")),
        "kind": CONFIG.TextColumn(text("col_kind")),
        "code": CONFIG.TextColumn(text("col_code")),
        "name": CONFIG.TextColumn(text("col_name")),
        "amount": CONFIG.TextColumn(text("col_incl"), alignment="right"),
        "there": CONFIG.TextColumn(text("col_linked_to")),
        "state": CONFIG.TextColumn(text("col_status")),
    }
    clicked = browse(frame, columns, f"links-{hash((flow, find))}-{offset}", text("logs_links"))
    note(text("links_shown", first=number(offset + 1), last=number(offset + len(flow_links)), number=number(total)))
    pages("page", total, SIZE)
    if clicked is not None:
        name, link = flow_links[clicked]
        st.switch_page("pages/logs.py", query_params={"record": f"{name}:{link.owner or link.key}"})


def _empty_note(*, filtered: bool) -> None:
    if not filtered:
        empty("link", text("links_empty"), text("links_empty_about"))
    elif no_match(text("links_no_match"), text("log_no_match_about")):
        clear_address("page", "flow")
        clear_search()


def _link_state(link: Link) -> str:
    return "accepted" if link.unproven else "proven" if link.agreed else ""


def _state_badge(link: Link) -> str:
    if link.retired:
        return text("now_retired")
    return state_tag(_link_state(link)) if _link_state(link) else ""


def _link_row(flow: str, link: Link, title: str) -> dict[str, str]:
    """Return a link as a row of the table: a document by its number, with its customer and total."""
    is_document = link.kind.type is RecordType.DOCUMENT
    customer = search_keys(link.agreed).get("customer", "") if link.agreed else ""
    amount = document_total(link.agreed) if link.agreed else None
    return {
        "flow": flow_name(flow), "kind": kind_name(link.kind),
        "code": title if is_document and title else link.key, "name": customer if is_document else title,
        "amount": "" if amount is None else amount_text(amount), "there": link.reference, "state": _state_badge(link),
    }  # fmt: skip


def _all_rows(app: Application, flows: list[str], find: str) -> Iterator[list[object]]:
    """Yield every matching link as a row of a file."""
    for at in count(0, LISTED_AT_ONCE):
        flow_links = app.links.listed(flows, find, at, LISTED_AT_ONCE)
        titles = app.search.titles(flow_links)
        for flow, link in flow_links:
            yield [
                flow,
                str(link.kind),
                link.key,
                titles[flow, link.kind, link.key],
                link.reference,
                link.mark,
                _link_state(link),
                link.retired,
            ]
        if len(flow_links) < LISTED_AT_ONCE or at >= MAX_LISTED:
            return
