"""The filters of a flow: which records take part, and of those that do not, why."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from integration.core.records import Field, FieldType
from integration.core.rules import Operator, as_text
from integration.services import Application
from integration.services.flows import Sifted
from pages.components.flows.sections import heading
from pages.components.shared.draft import Draft
from pages.components.shared.inputs import field_label, source_fields
from pages.components.shared.layout import answered, csv_button, empty, icon_button, note
from pages.components.shared.tables import CONFIG, ROW
from pages.components.shared.wording import (
    counted,
    flow_term,
    number,
    say,
    system_name,
    text,
    typed_text,
    typed_value,
)

WITHOUT_VALUE = (Operator.EMPTY, Operator.NOT_EMPTY)


def filters_tab(app: Application, draft: Draft) -> None:
    """Draw the rules, and what they take in and leave out of what the source holds now."""
    fields = source_fields(app, draft.flow, app.flows.as_set(draft.flow).counted.source)
    if fields is None:
        return
    with st.container(border=True, gap="small"):
        heading(text("filters_title", many=flow_term("many", draft.flow)), "filters")
        note(text("filters_about"))
        rows = [_row(draft, place, row, fields) for place, row in enumerate(draft.value("filters"))]
        kept = [row for row in rows if row is not None]
        if len(kept) < len(rows):
            _keep(draft, kept)
        if st.button(text("btn_add_filter"), icon=":material/add:", key="add_filter"):
            first = app.flows.spec(draft.flow).filter_first or fields[0].name
            _keep(draft, [*kept, {"field": first, "operator": Operator.EQUAL, "value": "", "take": "in"}])
        draft.put("filters", tuple(kept))
        draft.beside("filters")
    _result(app, draft)


def _keep(draft: Draft, rows: list[dict[str, Any]]) -> None:
    draft.put("filters", tuple(rows))
    draft.renew()
    st.rerun()


def _row(draft: Draft, place: int, row: Mapping[str, Any], fields: Sequence[Field]) -> dict[str, Any] | None:
    """Draw one rule and return it as it is on screen, or None when it was taken away."""
    kinds = {one.name: one.type for one in fields}

    def key(name: str) -> str:
        return draft.key(f"filter-{place}-{name}")

    def one_of(name: str, caption: str, options: list[Any], width: int, label: Callable[[Any], str]) -> Any:
        return st.selectbox(
            caption,
            options,
            index=options.index(row[name]),
            width=width,
            key=key(name),
            format_func=label,
            label_visibility="collapsed",
        )

    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
        take = one_of("take", text("filter_take"), ["in", "out"], 170, lambda one: text(f"take_{one}"))
        known = list(dict.fromkeys([*([] if row["field"] in kinds else [row["field"]]), *kinds]))
        field = one_of("field", text("col_field"), known, 300, lambda one: field_label(fields, one))
        operator = one_of("operator", text("filter_operator"), list(Operator), 170, lambda one: text(f"operator_{one}"))
        value = ""
        if operator not in WITHOUT_VALUE:  # a list of values is text
            kind = FieldType.TEXT if operator is Operator.IN else kinds.get(field, FieldType.TEXT)
            given = st.text_input(
                text("filter_value"),
                typed_text(as_text(row["value"]), kind),
                width="stretch",
                key=key("value"),
                autocomplete="off",
                placeholder=text("filter_value"),
                label_visibility="collapsed",
            )
            value = as_text(typed_value(given or "", kind))
        gone = icon_button("close", text("btn_remove_filter"), key("remove"))
    return None if gone else {"field": field, "operator": operator, "value": value, "take": take}


def _result(app: Application, draft: Draft) -> None:
    shape = json.dumps({**draft.saved, **draft.changed}, default=str, sort_keys=True)
    system, many = system_name(app.flows[draft.flow].source), flow_term("many", draft.flow)
    kept: dict[str, Any] = st.session_state.setdefault(f"sifted-{draft.flow}", {})
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if st.button(text("btn_sift"), icon=":material/filter_alt:", key="sift"):
            with st.spinner(text("sifting", system=system, many=many)):
                sifted = answered(lambda: app.flows.sift(draft.flow, draft.changed))
            if sifted is not None:
                kept.update(shape=shape, of=sifted)
        note(text("sift_about", system=system))
    if "of" not in kept:
        return
    found: Sifted = kept["of"]
    if kept["shape"] != shape:
        note(f":orange[:material/refresh: {text('sift_stale')}]")
    with st.container(border=True, gap="small"):
        with st.container(horizontal=True, gap="large"):
            st.metric(text("sift_in"), number(found.taken), width="content")
            st.metric(text("sift_out"), number(found.left_out), width="content")
        if found.left_out:
            _left_out(found)
        else:
            empty("task_alt", text("sift_all_in"), text("sift_all_in_about", system=system, many=many))


def _left_out(found: Sifted) -> None:
    frame = pd.DataFrame(
        [(skip.key, title, say(skip.reason, skip.facts).what) for title, skip in found.shown],
        columns=["code", "name", "reason"],
    )
    columns = {
        "code": CONFIG.TextColumn(text("col_code"), width=120),
        "name": CONFIG.TextColumn(text("col_name"), width=280),
        "reason": CONFIG.TextColumn(text("col_reason"), width="large"),
    }
    st.dataframe(frame, hide_index=True, row_height=ROW, column_config=columns, alt=text("sift_out"))
    if len(found.shown) < found.left_out:
        note(counted("sift_first", len(found.shown)))
    csv_button("left-out.csv", lambda: frame.to_csv(index=False))
