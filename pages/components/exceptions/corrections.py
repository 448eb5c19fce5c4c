"""Values that hold in the place of those of the source: entered as a repair, and listed until they are taken back."""

from collections.abc import Callable, Mapping, Sequence

import pandas as pd
import streamlit as st

from integration.core.causes import By
from integration.core.corrections import Correction
from integration.core.errors import IntegrationError
from integration.core.queue import CauseGroup, OpenIssue
from integration.core.records import Field, FieldType, Record, Value, same
from integration.core.rules import as_text
from integration.services import Application
from integration.services.exceptions import address_of
from pages.components.shared.application import person
from pages.components.shared.draft import asked, editor
from pages.components.shared.layout import attempt, empty, note, page_offset, pages, small
from pages.components.shared.tables import browse
from pages.components.shared.wording import (
    counted,
    field_name,
    flow_name,
    plain,
    system_name,
    text,
    typed_text,
    typed_value,
    who,
)

AT_ONCE = 50
SIZE = 50
MOST_EXPORTED = 100_000
NUMBERS = (FieldType.NUMBER, FieldType.MONEY)


def field_to_correct(app: Application, group: CauseGroup) -> Field | None:
    """Return the field of the source whose value would repair a group, or None when no single field does."""
    if app.flows.spec(group.flow).repair_of(group.cause).by is not By.VALUE:
        return None
    flow, target = app.flows.as_set(group.flow), group.field.rpartition("/")[2]
    read = flow.counted.source
    try:
        found = app.flows.source_field(group.flow, target if "." in target else f"article.{target}")
    except IntegrationError:
        return None
    return found if found is not None and found.kind is read else None


def correct(
    app: Application, group: CauseGroup, field: Field, noun: str, repair: Callable[[Callable[[], None]], None]
) -> None:
    """Ask for a value of each record of a group, and offer to let those hold."""
    found = app.exceptions.issues_of(group.of, limit=AT_ONCE)
    keys = [one.issue.key for one in found]
    name = f"values {group.flow} {field.name} {address_of(group.of)} {keys[:1]} {len(keys)}"
    records: Mapping[str, Record] = asked(app, name, lambda: app.exceptions.records(group.flow, keys)) or {}
    if not records:
        return
    system = system_name(app.flows[group.flow].source)
    st.markdown(text("value_question", system=system, field=f"**{plain(field.caption)}**"))
    held = {key: record.flat().get(field.name) for key, record in records.items()}
    given = _asked_for(found, held, field, system, f"values-{address_of(group.of)}-{len(keys)}")
    wrong = [value for value in given.values() if not _fits(value, field)]
    for value in wrong[:1]:
        note(f":orange[:material/error: {text('value_wrong', value=plain(value))}]")
    label = counted(f"btn_value_{noun}", len(given) or group.count)
    if st.button(label, type="primary", icon=":material/build:", key="correct", disabled=not given or bool(wrong)):
        titles = {one.issue.key: one.title for one in found}
        repair(lambda: app.corrections.correct(group.flow, field, given, person(), titles))
    note(text("value_lasts", system=system))


def _asked_for(
    found: Sequence[OpenIssue], held: Mapping[str, Value], field: Field, system: str, key: str
) -> dict[str, Value]:
    """Draw the values as the source has them beside what is to hold, and return those that are another one."""
    there = [one for one in found if one.issue.key in held]
    now = [typed_text(held[one.issue.key], field.type) for one in there]
    frame = pd.DataFrame({"key": [one.issue.key for one in there], "now": now, "used": now})
    config = st.column_config
    columns = {
        "key": config.TextColumn(text("col_code"), disabled=True),
        "now": config.TextColumn(text("col_value_now", system=system), disabled=True),
        "used": config.TextColumn(text("col_value_used"), max_chars=500),
    }
    edited = editor(key, frame, columns, text("col_value_used"), width="stretch")
    used = ["" if pd.isna(one) else str(one) for one in edited["used"]]
    values = {one.issue.key: typed_value(given, field.type) for one, given in zip(there, used, strict=True)}
    return {code: value for code, value in values.items() if not same(value, held[code])}


def _fits(value: Value, field: Field) -> bool:
    return not (isinstance(value, str) and value and field.type in NUMBERS)


# ---- those that hold


def corrected_list(app: Application, flow: str) -> None:
    """Draw every value that holds in the place of one of the source, and let the source's own count again."""
    total = app.corrections.counts().get(flow, 0)
    if not total:
        empty("edit_note", text("exceptions_empty_corrected"), text("exceptions_empty_corrected_about"))
        return
    offset = page_offset("page", total, SIZE)
    found = app.corrections.of(flow, offset, SIZE)
    note(text("corrected_about"))
    clicked = browse(
        _frame(app, flow, found),
        _columns(app, flow),
        f"corrected-{flow}-{offset}-{total}",
        text("exceptions_corrected"),
    )
    pages("page", total, SIZE)
    if clicked is None:
        note(text("corrected_hint"))
        return
    one = found[clicked]
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        small(f"**{plain(one.title or one.key)}** {plain(field_name(one.field))}")
        if st.button(text("btn_correction_remove"), icon=":material/undo:", type="tertiary", key="correction_remove"):
            attempt(lambda: app.corrections.remove(flow, [one], person()))
            st.rerun()


def corrected_csv(app: Application) -> str:
    """Return every value that holds in the place of one of the source as CSV."""
    lines = [
        (flow, one.kind, one.key, one.title, one.field, as_text(one.was), as_text(one.becomes), one.by)
        for flow in app.flows
        for one in app.corrections.of(flow, limit=MOST_EXPORTED)
    ]
    return pd.DataFrame(lines, columns=["flow", "kind", "key", "title", "field", "was", "becomes", "by"]).to_csv(
        index=False
    )


def _frame(app: Application, flow: str, found: Sequence[Correction]) -> pd.DataFrame:
    captions = {kind: _captions(app, flow, kind) for kind in {one.kind for one in found}}
    return pd.DataFrame(
        {
            "flow": [flow_name(flow) for _ in found],
            "key": [one.key for one in found],
            "title": [one.title for one in found],
            "field": [captions[one.kind].get(one.field, field_name(one.field)) for one in found],
            "was": [typed_text(one.was) for one in found],
            "becomes": [typed_text(one.becomes) for one in found],
            "by": [who(one.by) for one in found],
        }
    )


def _captions(app: Application, flow: str, kind: object) -> dict[str, str]:
    system = app.flows[flow].source
    fields = asked(app, f"{system} {kind}", lambda: app.lists.fields(system, kind)) or []  # type: ignore[arg-type]
    return {one.name: one.caption for one in fields}


def _columns(app: Application, flow: str) -> dict[str, object]:
    config = st.column_config
    return {
        "flow": None,
        "key": config.TextColumn(text("col_code"), width=84),
        "title": config.TextColumn(text("col_name"), width=170),
        "field": config.TextColumn(text("col_field"), width=120),
        "was": config.TextColumn(text("col_value_now", system=system_name(app.flows[flow].source)), width=125),
        "becomes": config.TextColumn(text("col_value_used"), width=125),
        "by": config.TextColumn(text("col_by"), width=95),
    }
