"""Links from codes in the log to pages: a run, the history of a record, or the exceptions of a cause."""

from collections.abc import Mapping

import streamlit as st

from integration.application.application import Application
from integration.services.runs.exceptions import group_address

RECORDS = ("key", "record", "article")
CAUSES = ("code", "cause", "reason")
LEADING = frozenset({"run", *RECORDS, *CAUSES})
"""Columns of the log and of the shipped queries whose values link to a page."""


Place = tuple[str, dict[str, str]]  # a page and its query parameters


def cell_link(app: Application, column: str, row: Mapping[str, object]) -> Place | None:
    """Return the page that a cell of an answer links to, or None if it names nothing."""
    value, flow = (cell_value if isinstance(cell_value := row.get(name), str) else "" for name in (column, "flow"))
    if not value:
        return None
    if column == "run":
        return "runs", {"run": value}
    if column in RECORDS:
        return history_link(app, flow, value)
    return exceptions_link(app, flow, value) if column in CAUSES else None


def history_link(app: Application, flow: str, key: str) -> Place:
    """Return the history page of a record, in `flow` or the first flow that knows it, otherwise a log search."""
    flow_keys = [flow] if flow in app.flows else app.log.flows_of(key)
    flow_name = next((name for name in app.flows if name in flow_keys), "")
    return "logs", {"record": f"{flow_name}:{key}"} if flow_name else {"find": key}


def exceptions_link(app: Application, flow: str, code: str) -> Place:
    """Return the exceptions page of a cause while it has issues, otherwise a search of the log."""
    of_flow = {"flow": flow} if flow else {}
    waiting = [group_address(cause.group_key) for cause in app.issues.causes(flow) if cause.group_key.cause == code]
    if waiting:
        return "exceptions", {"cause": waiting[0]} if len(waiting) == 1 else of_flow
    return "logs", {**of_flow, "find": code}


def open_link(place: Place) -> None:
    """Open a page."""
    st.switch_page(f"pages/{place[0]}.py", query_params=place[1])
