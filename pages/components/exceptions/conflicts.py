"""The repair of a conflict: its three values, and the choice of a system for one record or the whole group."""

from collections.abc import Callable, Mapping, Sequence

import streamlit as st

from integration.application.application import Application
from integration.core.conflicts import SOURCE, TARGET, conflict_values
from integration.core.issues import CauseGroup, OpenIssue
from integration.services.runs.exceptions import MOST
from pages.components.exceptions.decisions import ONE_BY_ONE, is_for_all
from pages.components.shared import controls
from pages.components.shared.application import person
from pages.components.shared.glossary import meaning
from pages.components.shared.layout import note, small
from pages.components.shared.rows import field_text
from pages.components.shared.wording import Markdown, counted, plain, system_name, text

SIDES = {SOURCE: "conflict_take", TARGET: "conflict_keep"}  # the winning system, and the text of its option


def settle_conflicts(
    app: Application, group: CauseGroup, noun: str, repair: Callable[[Callable[[], None]], None]
) -> None:
    """Draw the values of each conflict in a group, the choice of the winner, and the preview button."""
    small(f"**{text('conflict_whose')}**", meaning("conflict"))
    for_all = is_for_all(group)
    found = app.exceptions.issues_of(group.group_key, limit=MOST if for_all else ONE_BY_ONE)
    given = _for_all(app, group, found) if for_all else _for_each(app, group, found)
    if len(found) < group.count:
        note(text("decision_first", number=len(found)))
    label = counted(f"btn_decide_{noun}", sum(map(len, given.values())) or group.count)
    if controls.button(label, type="primary", icon=":material/check:", key="decide", disabled=not given):
        repair(lambda: _keep(app, group.flow, given))


def _for_each(app: Application, group: CauseGroup, found: Sequence[OpenIssue]) -> dict[str, list[OpenIssue]]:
    given: dict[str, list[OpenIssue]] = {}
    for one in found:
        st.markdown(f"**{text('conflict_question', record=plain(one.title))}**")
        _values(app, group, [one])
        if side := _side(app, group, f"{one.id}-{one.issue.facts.get('mark', '')}"):
            given.setdefault(side, []).append(one)
    return given


def _for_all(app: Application, group: CauseGroup, found: Sequence[OpenIssue]) -> dict[str, list[OpenIssue]]:
    _values(app, group, found[:ONE_BY_ONE])
    side = _side(app, group, f"all-{len(found)}-{found[-1].issue.facts.get('mark', '') if found else ''}")
    return {side: list(found)} if side else {}


def _values(app: Application, group: CauseGroup, found: Sequence[OpenIssue]) -> None:
    """Draw the agreed value and the current values of both systems, one row for each record."""
    flow = app.flows[group.flow]
    heads = {
        "agreed": text("conflict_agreed"), SOURCE: system_name(flow.source), TARGET: system_name(flow.target),
    }  # fmt: skip
    lines: list[Mapping[Markdown, Markdown]] = []
    for one in found:
        named: dict[Markdown, Markdown] = {text("col_name"): plain(one.title)} if len(found) > 1 else {}
        values = conflict_values(one.issue)
        field = f"{one.issue.facts.get('kind', '')}.{one.issue.facts.get('field', '')}"
        shown = {
            head: plain(field_text(app, flow.target, field, values[side])) for side, head in heads.items() if values
        }
        lines.append(named | shown)
    st.table(lines, border="horizontal", hide_index=True)


def _side(app: Application, group: CauseGroup, key: str) -> str | None:
    flow = app.flows[group.flow]
    systems = {SOURCE: system_name(flow.source), TARGET: system_name(flow.target)}
    return controls.radio(
        text("conflict_whose"),
        tuple(SIDES),
        index=None,
        key=f"conflict-{key}",
        format_func=lambda side: text(SIDES[side], system=systems[side]),
        captions=[text(f"{SIDES[side]}_about") for side in SIDES],
        label_visibility="collapsed",
    )


def _keep(app: Application, flow: str, given: Mapping[str, Sequence[OpenIssue]]) -> None:
    for side, found in given.items():
        app.exceptions.decide(flow, found, side, person())
