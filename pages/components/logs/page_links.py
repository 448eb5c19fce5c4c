"""Where the codes of the log lead: a run, a record and its history, a cause and what waits for it."""

from collections.abc import Mapping

import streamlit as st

from integration.application.application import Application
from integration.services.runs.exceptions import group_address

RECORDS = ("key", "record", "article")
CAUSES = ("code", "cause", "reason")
LEADING = frozenset({"run", *RECORDS, *CAUSES})
"""The columns of the log, and of the questions that come with the console, whose values lead somewhere."""


Place = tuple[str, dict[str, str]]  # a page, and what its address says


def opened_by(app: Application, column: str, row: Mapping[str, object]) -> Place | None:
    """Return where a cell of an answer leads; one that names nothing leads nowhere."""
    value, flow = (told if isinstance(told := row.get(name), str) else "" for name in (column, "flow"))
    if not value:
        return None
    if column == "run":
        return "runs", {"run": value}
    if column in RECORDS:
        return life_place(app, flow, value)
    return cause_place(app, flow, value) if column in CAUSES else None


def life_place(app: Application, flow: str, key: str) -> Place:
    """Return the history of a record, in the first flow that knows it where none is named; else what is found of it."""
    known = [flow] if flow in app.flows else app.log.flows_of(key)
    found = next((name for name in app.flows if name in known), "")
    return "logs", {"record": f"{found}:{key}"} if found else {"find": key}


def cause_place(app: Application, flow: str, code: str) -> Place:
    """Return the exceptions of a cause while there are any, else what the log has of it."""
    of_flow = {"flow": flow} if flow else {}
    waiting = [group_address(one.of) for one in app.issues.causes(flow) if one.of.cause == code]
    if waiting:
        return "exceptions", {"cause": waiting[0]} if len(waiting) == 1 else of_flow
    return "logs", {**of_flow, "find": code}


def go(place: Place) -> None:
    """Open a place."""
    st.switch_page(f"pages/{place[0]}.py", query_params=place[1])
