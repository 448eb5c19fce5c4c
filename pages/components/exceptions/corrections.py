"""Corrections: values that replace those of the source. They are entered as a repair and listed until removed."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import partial

import pandas as pd
import streamlit as st

from integration.application.application import Application
from integration.core.issues import CauseGroup, Issue, OpenIssue
from integration.core.records import Correction, Field, FieldType, Record, Value, is_same_value
from integration.core.rules import as_text
from integration.core.untrusted_text import visible
from integration.services.runs.exceptions import group_address
from integration.words import has_term
from pages.components.shared import controls
from pages.components.shared.application import may, person
from pages.components.shared.frames import rows_in
from pages.components.shared.inputs import source_fields
from pages.components.shared.layout import act, ask_live, empty, note, page_offset, pages, small
from pages.components.shared.tables import CONFIG, browse, editor
from pages.components.shared.wording import (
    Markdown,
    author_name,
    field_name,
    flow_name,
    plain,
    quantity_text,
    say,
    system_name,
    text,
    typed_text,
    typed_value,
)

AT_ONCE = 50
SIZE = 50
MAX_EXPORTED = 100_000


def value_to_correct(app: Application, group: CauseGroup) -> Field | None:
    """Return the source field that a correction of a group would change, if the records of the flow have that field."""
    field = app.exceptions.field_to_correct(group.flow, group.cause, group.field)
    source_kinds = [stage.source for stage in app.flows.configured_flow(group.flow).counted_stages]
    return field if field is not None and field.kind in source_kinds else None


def correct(
    app: Application, group: CauseGroup, field: Field, noun: str, repair: Callable[[Callable[[], None]], None]
) -> None:
    """Ask for the value of each record in a group, and draw the button that saves them as corrections."""
    open_issues = app.exceptions.issues_of(group.group_key, limit=AT_ONCE)
    keys = [open_issue.issue.key for open_issue in open_issues]
    name = f"values {group.flow} {field.name} {group_address(group.group_key)} {keys}"
    records: Mapping[str, Record] = ask_live(app, name, lambda: app.exceptions.records(group.flow, keys)) or {}
    if not records:
        return
    system = system_name(app.flows[group.flow].source)
    st.markdown(text("value_question", system=system, field=f"**{plain(field.caption)}**"))
    current_values = {key: record.flat().get(field.name) for key, record in records.items()}
    corrected = _correction_inputs(
        open_issues, current_values, field, system, f"values-{group_address(group.group_key)}"
    )
    objections = _objections(app, group, field, records, corrected)
    for objection in objections[:1]:
        note(f":orange[:material/error: {objection}]")
    label = quantity_text(f"btn_value_{noun}", len(corrected) or group.count)
    if controls.button(
        label, type="primary", icon=":material/build:", key="correct", disabled=not corrected or bool(objections)
    ):
        titles = {open_issue.issue.key: open_issue.title for open_issue in open_issues}
        repair(lambda: app.exceptions.correct(group.flow, field, corrected, person(), titles))
    note(text("value_lasts", system=system))


def _objections(
    app: Application, group: CauseGroup, field: Field, records: Mapping[str, Record], corrected: Mapping[str, Value]
) -> list[Markdown]:
    """Return the errors of typed values: a wrong type, or a value with which the record would still be parked."""
    numeric = field.type in (FieldType.NUMBER, FieldType.MONEY)
    if wrong := [value for value in corrected.values() if numeric and isinstance(value, str) and value]:
        return [text("value_wrong", value=plain(value)) for value in wrong]
    if not corrected:
        return []
    name = f"tried {group.flow} {group_address(group.group_key)} {corrected}"
    tried = partial(app.drafts.objections, group.flow, group.cause, field.name, records, corrected)
    issues: Mapping[str, Issue] = ask_live(app, name, tried) or {}
    return [
        plain(f"{issue.key}: {say(issue.cause, {'flow': group.flow, **issue.facts}).problem}")
        for issue in issues.values()
    ]


def _correction_inputs(
    open_issues: Sequence[OpenIssue], current_values: Mapping[str, Value], field: Field, system: str, key: str
) -> dict[str, Value]:
    """Draw the source values beside an input for each correction, and return the changed ones.

    Input is stored by record, because other records of the group may be repaired by somebody else meanwhile.
    """
    keys = [open_issue.issue.key for open_issue in open_issues if open_issue.issue.key in current_values]
    now = [typed_text(current_values[code], field.type) for code in keys]
    typed_texts: dict[str, str] = st.session_state.setdefault(f"typed-{key}", {})
    cell_texts = [typed_texts.get(code, value) for code, value in zip(keys, now, strict=True)]
    frame = pd.DataFrame({"key": list(map(visible, keys)), "now": list(map(visible, now)), "used": cell_texts})
    columns = {
        "key": CONFIG.TextColumn(text("col_code"), disabled=True),
        "now": CONFIG.TextColumn(text("col_value_now", system=system), disabled=True),
        "used": CONFIG.TextColumn(text("col_value_used"), max_chars=500),
    }
    edited = editor(f"{key}-{hash(tuple(keys))}", frame, columns, text("col_value_used"), width="stretch")
    typed = dict(zip(keys, map(str, edited["used"]), strict=True))
    typed_texts.update(
        {
            code: typed[code]
            for code, value in zip(keys, now, strict=True)
            if typed[code] != value or code in typed_texts
        }
    )
    values = {code: typed_value(typed[code], field.type) for code in keys}
    return {code: value for code, value in values.items() if not is_same_value(value, current_values[code])}


# ---- the list of corrections


def correction_list(app: Application, flow: str) -> None:
    """Draw every correction of a flow, with the button that removes the selected one."""
    total = app.corrections.counts().get(flow, 0)
    if not total:
        empty("edit_note", text("exceptions_empty_corrected"), text("exceptions_empty_corrected_about"))
        return
    offset = page_offset("page", total, SIZE)
    corrections = app.corrections.list_corrections(flow, offset, SIZE)
    note(text("corrected_about"))
    clicked = _corrected_table(app, flow, corrections, f"corrected-{flow}-{offset}-{total}")
    pages("page", total, SIZE)
    if clicked is None:
        note(text("corrected_hint"))
        return
    correction = corrections[clicked]
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        small(f"**{plain(correction.title or correction.key)}** {plain(field_name(correction.field))}")
        if may(app.corrections.remove) and st.button(
            text("btn_correction_remove"), icon=":material/undo:", type="tertiary", key="correction_remove"
        ):
            act(lambda: app.corrections.remove(flow, [correction], person().ref))


def corrected_listed(app: Application) -> pd.DataFrame:
    """Return every correction as a table."""
    lines = [
        (
            flow,
            correction.kind,
            correction.key,
            correction.title,
            correction.field,
            _export_value(correction.was),
            _export_value(correction.becomes),
            correction.by,
        )
        for flow in app.flows
        for correction in app.corrections.list_corrections(flow, limit=MAX_EXPORTED)
    ]
    return rows_in(["flow", "kind", "key", "title", "field", "was", "becomes", "by"], lines)


def _export_value(value: Value) -> Value:
    return value if isinstance(value, Decimal) else as_text(value)


def _new_value_text(correction: Correction) -> str:
    """Return the replacing value of a correction. A decision is shown as text, without the mark of its document."""
    option, _, mark = as_text(correction.becomes).partition(" ")
    return text(f"decision_{option}") if mark and has_term(f"decision_{option}") else typed_text(correction.becomes)


def _corrected_table(app: Application, flow: str, corrections: Sequence[Correction], key: str) -> int | None:
    captions = {
        (kind, source_field.name): source_field.caption
        for kind in {source_field.kind for source_field in corrections}
        for source_field in source_fields(app, flow, kind) or ()
    }
    frame = pd.DataFrame(
        {
            "flow": [flow_name(flow) for _ in corrections],
            "key": [correction.key for correction in corrections],
            "title": [correction.title for correction in corrections],
            "field": [
                captions.get((correction.kind, correction.field)) or field_name(correction.field)
                for correction in corrections
            ],
            "was": [typed_text(correction.was) for correction in corrections],
            "becomes": [_new_value_text(correction) for correction in corrections],
            "by": [author_name(correction.by) for correction in corrections],
        }
    )
    columns = {
        "flow": None,
        "key": CONFIG.TextColumn(text("col_code")),
        "title": CONFIG.TextColumn(text("col_name")),
        "field": CONFIG.TextColumn(text("col_field")),
        "was": CONFIG.TextColumn(text("col_value_now", system=system_name(app.flows[flow].source))),
        "becomes": CONFIG.TextColumn(text("col_value_used")),
        "by": CONFIG.TextColumn(text("col_by")),
    }
    return browse(frame, columns, key, text("exceptions_corrected"))
