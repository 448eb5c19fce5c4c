"""Results of the last drift check for each kind of record."""

from typing import Any

import streamlit as st

from integration.application.application import Application
from integration.core.drift import DriftCheckResult
from integration.services.runs.drift import Drift, DriftProgress
from pages.components.shared.application import may
from pages.components.shared.downloads import downloads
from pages.components.shared.frames import rows_in
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

NAMES = ("compared", "equal", "edited", "different", "missing", "unknown")
CAPTIONS = {"unknown": "col_not_known"}


def drift_results(app: Application) -> None:
    """Draw the last drift check of each kind of record, and the button that starts a check."""
    results = app.drift.latest()
    actions = section_with_actions(text("drift_title"), text("drift_about"))
    if may(Drift.check_all) and actions.button(text("btn_look_again"), icon=":material/visibility:", key="look_again"):
        act(lambda: _run_check(app))
    if not results:
        note(text("drift_none"))
        return
    lines = [
        (
            result.flow,
            str(result.kind),
            *(getattr(result.counts, name) for name in NAMES),
            result.ended_at,
            result.error,
        )
        for result in results
    ]
    columns = ["flow", "kind", *(CAPTIONS.get(name, "col_" + name).removeprefix("col_") for name in NAMES)]
    downloads("looked-at", lambda: rows_in([*columns, "checked_at", "cause"], lines), at=actions)
    st.table([_row(result) for result in results], border="horizontal", hide_index=True)
    for result in results:
        if result.error:
            system = system_name(app.flows[result.flow].target)
            small(f":orange[{text('drift_ended', system=system, what=plain(say(result.error, result.facts).problem))}]")


def _row(result: DriftCheckResult) -> dict[Markdown, Markdown]:
    counts = {text(CAPTIONS.get(name, f"col_{name}")): _number(name, getattr(result.counts, name)) for name in NAMES}
    kind = kind_name(result.kind)
    return {
        text("col_kind"): f"{flow_name(result.flow)}: {kind}",
        **counts,
        text("col_checked"): moment(result.ended_at),
    }


def _number(name: str, count: int) -> Markdown:
    count_text = number(count)
    return f":red[**{count_text}**]" if count and name in ("different", "missing") else count_text


def _run_check(app: Application) -> None:
    with st.status(text("asking_systems")) as status:

        def on_progress(progress: DriftProgress) -> None:
            status.update(label=_progress_text(progress))

        app.drift.check_all(on_progress)


def _progress_text(progress: DriftProgress) -> Markdown:
    facts: dict[str, Any] = {"flow": flow_name(progress.flow), "count": number(progress.checked_count)}
    return text("drift_looking", kind=kind_name(progress.kind), **facts)
