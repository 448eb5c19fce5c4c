"""Results of the last drift check for each kind of record."""

from typing import Any

import streamlit as st

from integration.application.application import Application
from integration.core.drift import DriftCheckResult
from integration.services.runs.drift import Drift, DriftProgress
from pages.components.shared.application import may
from pages.components.shared.downloads import downloads, rows_in
from pages.components.shared.layout import act, note, section_with_actions, small
from pages.components.shared.wording import (
    Markdown,
    flow_name,
    kind_name,
    moment,
    number,
    plain,
    say,
    system_name,
    text,
)

NAMES = ("looked", "equal", "kept", "different", "gone", "unknown")
CAPTIONS = {"unknown": "col_not_known"}


def drift_results(app: Application) -> None:
    """Draw the last drift check of each kind of record, and the button that starts a check."""
    found = app.drift.latest()
    actions = section_with_actions(text("drift_title"), text("drift_about"))
    if may(Drift.look) and actions.button(text("btn_look_again"), icon=":material/visibility:", key="look_again"):
        act(lambda: _look(app))
    if not found:
        note(text("drift_none"))
        return
    lines = [
        (one.flow, str(one.kind), *(getattr(one.counts, name) for name in NAMES), one.ended_at, one.error)
        for one in found
    ]
    columns = ["flow", "kind", *(CAPTIONS.get(name, "col_" + name).removeprefix("col_") for name in NAMES)]
    downloads("looked-at", lambda: rows_in([*columns, "checked_at", "cause"], lines), at=actions)
    st.table([_row(one) for one in found], border="horizontal", hide_index=True)
    for one in found:
        if one.error:
            system = system_name(app.flows[one.flow].target)
            small(f":orange[{text('drift_ended', system=system, what=plain(say(one.error, one.facts).what))}]")


def _row(one: DriftCheckResult) -> dict[Markdown, Markdown]:
    counts = {text(CAPTIONS.get(name, f"col_{name}")): _number(name, getattr(one.counts, name)) for name in NAMES}
    kind = kind_name(one.kind)
    return {text("col_kind"): f"{flow_name(one.flow)}: {kind}", **counts, text("col_checked"): moment(one.ended_at)}


def _number(name: str, count: int) -> Markdown:
    shown = number(count)
    return f":red[**{shown}**]" if count and name in ("different", "gone") else shown


def _look(app: Application) -> None:
    with st.status(text("asking_systems")) as status:

        def tell(looked: DriftProgress) -> None:
            status.update(label=_said(looked))

        app.drift.look(tell)


def _said(looked: DriftProgress) -> Markdown:
    facts: dict[str, Any] = {"flow": flow_name(looked.flow), "count": number(looked.looked)}
    return text("drift_looking", kind=kind_name(looked.kind), **facts)
