"""The repair of a conflict: its three values, and the choice of a system for one record or the whole group."""

from collections.abc import Callable, Mapping, Sequence

import streamlit as st

from integration.application.application import Application
from integration.core.conflicts import SOURCE, TARGET, conflict_values
from integration.core.issues import CauseGroup, OpenIssue
from integration.services.runs.exceptions import MAX_GROUP_RECORDS
from pages.components.exceptions.decisions import ONE_BY_ONE, is_for_all
from pages.components.shared import controls
from pages.components.shared.application import person
from pages.components.shared.glossary import meaning
from pages.components.shared.layout import note, small
from pages.components.shared.rows import field_text
from pages.components.shared.wording import Markdown, plain, quantity_text, system_name, text

SIDES = {SOURCE: "conflict_take", TARGET: "conflict_keep"}  # the winning system, and the text of its option


def settle_conflicts(
    app: Application, group: CauseGroup, noun: str, repair: Callable[[Callable[[], None]], None]
) -> None:
    """Draw the values of each conflict in a group, the choice of the winner, and the preview button."""
    small(f"**{text('conflict_whose')}**", meaning("conflict"))
    for_all = is_for_all(group)
    open_issues = app.exceptions.issues_of(group.group_key, limit=MAX_GROUP_RECORDS if for_all else ONE_BY_ONE)
    chosen_sides = _choose_all(app, group, open_issues) if for_all else _choose_each(app, group, open_issues)
    if len(open_issues) < group.count:
        note(text("decision_first", number=len(open_issues)))
    label = quantity_text(f"btn_decide_{noun}", sum(map(len, chosen_sides.values())) or group.count)
    if controls.button(label, type="primary", icon=":material/check:", key="decide", disabled=not chosen_sides):
        repair(lambda: _save_choices(app, group.flow, chosen_sides))


def _choose_each(app: Application, group: CauseGroup, open_issues: Sequence[OpenIssue]) -> dict[str, list[OpenIssue]]:
    chosen_sides: dict[str, list[OpenIssue]] = {}
    for open_issue in open_issues:
        st.markdown(f"**{text('conflict_question', record=plain(open_issue.title))}**")
        _values(app, group, [open_issue])
        if side := _side_choice(app, group, f"{open_issue.id}-{open_issue.issue.facts.get('mark', '')}"):
            chosen_sides.setdefault(side, []).append(open_issue)
    return chosen_sides


def _choose_all(app: Application, group: CauseGroup, open_issues: Sequence[OpenIssue]) -> dict[str, list[OpenIssue]]:
    _values(app, group, open_issues[:ONE_BY_ONE])
    side = _side_choice(
        app, group, f"all-{len(open_issues)}-{open_issues[-1].issue.facts.get('mark', '') if open_issues else ''}"
    )
    return {side: list(open_issues)} if side else {}


def _values(app: Application, group: CauseGroup, open_issues: Sequence[OpenIssue]) -> None:
    """Draw the agreed value and the current values of both systems, one row for each record."""
    flow = app.flows[group.flow]
    heads = {
        "agreed": text("conflict_agreed"), SOURCE: system_name(flow.source), TARGET: system_name(flow.target),
    }  # fmt: skip
    lines: list[Mapping[Markdown, Markdown]] = []
    for open_issue in open_issues:
        name_cell: dict[Markdown, Markdown] = (
            {text("col_name"): plain(open_issue.title)} if len(open_issues) > 1 else {}
        )
        values = conflict_values(open_issue.issue)
        field = f"{open_issue.issue.facts.get('kind', '')}.{open_issue.issue.facts.get('field', '')}"
        value_cells = {
            head: plain(field_text(app, flow.target, field, values[side])) for side, head in heads.items() if values
        }
        lines.append(name_cell | value_cells)
    st.table(lines, border="horizontal", hide_index=True)


def _side_choice(app: Application, group: CauseGroup, key: str) -> str | None:
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


def _save_choices(app: Application, flow: str, chosen_sides: Mapping[str, Sequence[OpenIssue]]) -> None:
    for side, open_issues in chosen_sides.items():
        app.exceptions.decide(flow, open_issues, side, person())
