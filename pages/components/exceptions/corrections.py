"""Corrections: values that replace those of the source. They are entered as a repair and listed until removed."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import partial

import pandas as pd
import streamlit as st

from integration.application.application import Application
from integration.core.issues import CauseGroup, Issue, OpenIssue
from integration.core.records import Correction, Field, FieldType, Record, Value, same
from integration.core.rules import as_text
from integration.core.untrusted_text import visible
from integration.services.runs.exceptions import group_address
from integration.words import has_term
from pages.components.shared import controls
from pages.components.shared.application import may, person
from pages.components.shared.downloads import rows_in
from pages.components.shared.inputs import source_fields
from pages.components.shared.layout import act, ask_live, empty, note, page_offset, pages, small
from pages.components.shared.tables import CONFIG, browse, editor
from pages.components.shared.wording import (
    Markdown,
    counted,
    field_name,
    flow_name,
    plain,
    say,
    system_name,
    text,
    typed_text,
    typed_value,
    who,
)

AT_ONCE = 50
SIZE = 50
MOST_EXPORTED = 100_000


def value_to_correct(app: Application, group: CauseGroup) -> Field | None:
    """Return the source field that a correction of a group would change, if the records of the flow have that field."""
    found = app.exceptions.field_to_correct(group.flow, group.cause, group.field)
    read = [stage.source for stage in app.flows.as_set(group.flow).counted_stages]
    return found if found is not None and found.kind in read else None


def correct(
    app: Application, group: CauseGroup, field: Field, noun: str, repair: Callable[[Callable[[], None]], None]
) -> None:
    """Ask for the value of each record in a group, and draw the button that saves them as corrections."""
    found = app.exceptions.issues_of(group.group_key, limit=AT_ONCE)
    keys = [one.issue.key for one in found]
    name = f"values {group.flow} {field.name} {group_address(group.group_key)} {keys}"
    records: Mapping[str, Record] = ask_live(app, name, lambda: app.exceptions.records(group.flow, keys)) or {}
    if not records:
        return
    system = system_name(app.flows[group.flow].source)
    st.markdown(text("value_question", system=system, field=f"**{plain(field.caption)}**"))
    held = {key: record.flat().get(field.name) for key, record in records.items()}
    given = _asked_for(found, held, field, system, f"values-{group_address(group.group_key)}")
    objections = _objections(app, group, field, records, given)
    for said in objections[:1]:
        note(f":orange[:material/error: {said}]")
    label = counted(f"btn_value_{noun}", len(given) or group.count)
    if controls.button(
        label, type="primary", icon=":material/build:", key="correct", disabled=not given or bool(objections)
    ):
        titles = {one.issue.key: one.title for one in found}
        repair(lambda: app.exceptions.correct(group.flow, field, given, person(), titles))
    note(text("value_lasts", system=system))


def _objections(
    app: Application, group: CauseGroup, field: Field, records: Mapping[str, Record], given: Mapping[str, Value]
) -> list[Markdown]:
    """Return the errors of typed values: a wrong type, or a value with which the record would still be parked."""
    numeric = field.type in (FieldType.NUMBER, FieldType.MONEY)
    if wrong := [value for value in given.values() if numeric and isinstance(value, str) and value]:
        return [text("value_wrong", value=plain(value)) for value in wrong]
    if not given:
        return []
    name = f"tried {group.flow} {group_address(group.group_key)} {given}"
    tried = partial(app.drafts.objections, group.flow, group.cause, field.name, records, given)
    found: Mapping[str, Issue] = ask_live(app, name, tried) or {}
    return [
        plain(f"{issue.key}: {say(issue.cause, {'flow': group.flow, **issue.facts}).what}") for issue in found.values()
    ]


def _asked_for(
    found: Sequence[OpenIssue], held: Mapping[str, Value], field: Field, system: str, key: str
) -> dict[str, Value]:
    """Draw the source values beside an input for each correction, and return the changed ones.

    Input is stored by record, because other records of the group may be repaired by somebody else meanwhile.
    """
    keys = [one.issue.key for one in found if one.issue.key in held]
    now = [typed_text(held[one], field.type) for one in keys]
    kept: dict[str, str] = st.session_state.setdefault(f"typed-{key}", {})
    used = [kept.get(one, value) for one, value in zip(keys, now, strict=True)]
    frame = pd.DataFrame({"key": list(map(visible, keys)), "now": list(map(visible, now)), "used": used})
    columns = {
        "key": CONFIG.TextColumn(text("col_code"), disabled=True),
        "now": CONFIG.TextColumn(text("col_value_now", system=system), disabled=True),
        "used": CONFIG.TextColumn(text("col_value_used"), max_chars=500),
    }
    edited = editor(f"{key}-{hash(tuple(keys))}", frame, columns, text("col_value_used"), width="stretch")
    typed = dict(zip(keys, ("" if pd.isna(one) else str(one) for one in edited["used"]), strict=True))
    kept.update({one: typed[one] for one, value in zip(keys, now, strict=True) if typed[one] != value or one in kept})
    values = {one: typed_value(typed[one], field.type) for one in keys}
    return {code: value for code, value in values.items() if not same(value, held[code])}


# ---- the list of corrections


def correction_list(app: Application, flow: str) -> None:
    """Draw every correction of a flow, with the button that removes the selected one."""
    total = app.corrections.counts().get(flow, 0)
    if not total:
        empty("edit_note", text("exceptions_empty_corrected"), text("exceptions_empty_corrected_about"))
        return
    offset = page_offset("page", total, SIZE)
    found = app.corrections.all(flow, offset, SIZE)
    note(text("corrected_about"))
    clicked = _corrected_table(app, flow, found, f"corrected-{flow}-{offset}-{total}")
    pages("page", total, SIZE)
    if clicked is None:
        note(text("corrected_hint"))
        return
    one = found[clicked]
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        small(f"**{plain(one.title or one.key)}** {plain(field_name(one.field))}")
        if may(app.corrections.remove) and st.button(
            text("btn_correction_remove"), icon=":material/undo:", type="tertiary", key="correction_remove"
        ):
            act(lambda: app.corrections.remove(flow, [one], person().ref))


def corrected_listed(app: Application) -> pd.DataFrame:
    """Return every correction as a table."""
    lines = [
        (flow, one.kind, one.key, one.title, one.field, _kept(one.was), _kept(one.becomes), one.by)
        for flow in app.flows
        for one in app.corrections.all(flow, limit=MOST_EXPORTED)
    ]
    return rows_in(["flow", "kind", "key", "title", "field", "was", "becomes", "by"], lines)


def _kept(value: Value) -> Value:
    return value if isinstance(value, Decimal) else as_text(value)


def _becomes(one: Correction) -> str:
    """Return the replacing value of a correction. A decision is shown as text, without the mark of its document."""
    option, _, mark = as_text(one.becomes).partition(" ")
    return text(f"decision_{option}") if mark and has_term(f"decision_{option}") else typed_text(one.becomes)


def _corrected_table(app: Application, flow: str, found: Sequence[Correction], key: str) -> int | None:
    captions = {
        (kind, one.name): one.caption
        for kind in {one.kind for one in found}
        for one in source_fields(app, flow, kind) or ()
    }
    frame = pd.DataFrame(
        {
            "flow": [flow_name(flow) for _ in found],
            "key": [one.key for one in found],
            "title": [one.title for one in found],
            "field": [captions.get((one.kind, one.field)) or field_name(one.field) for one in found],
            "was": [typed_text(one.was) for one in found],
            "becomes": [_becomes(one) for one in found],
            "by": [who(one.by) for one in found],
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
