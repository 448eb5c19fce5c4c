"""The filters of a flow: which records take part, and of those that do not, why."""

import json
from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from integration.core.records import FieldType
from integration.core.rules import Operator, as_text
from integration.services import Application
from pages.components.flows.settings import heading
from pages.components.flows.source_fields import field_label, source_fields, source_kind
from pages.components.shared.draft import Draft
from pages.components.shared.layout import attempt, empty, icon_button, note, trouble
from pages.components.shared.tables import ROW
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
    fields = source_fields(app, draft.flow, source_kind(app, draft.flow))
    if fields is None:
        return
    many = flow_term("many", draft.flow)
    with st.container(border=True, gap="small"):
        heading(text("filters_title", many=many), "filters")
        note(text("filters_about"))
        rows = [_row(draft, place, row, fields) for place, row in enumerate(draft.value("filters"))]
        kept = [row for row in rows if row is not None]
        if len(kept) < len(rows):
            _keep(draft, kept)
        if st.button(text("btn_add_filter"), icon=":material/add:", key="add_filter"):
            first = {
                "field": app.flows.spec(draft.flow).filter_first or fields[0].name,
                "operator": Operator.EQUAL,
                "value": "",
                "take": "in",
            }
            _keep(draft, [*kept, first])
        draft.put("filters", tuple(kept))
        draft.beside("filters")
    _result(app, draft)


def _keep(draft: Draft, rows: list[dict[str, Any]]) -> None:
    draft.put("filters", tuple(rows))
    draft.renew()
    st.rerun()


def _row(draft: Draft, place: int, row: Mapping[str, Any], fields: Any) -> dict[str, Any] | None:
    """Draw one rule and return it as it is on screen, or None when it was taken away."""
    names = [one.name for one in fields]
    known = names if row["field"] in names else [row["field"], *names]
    operators, takes = list(Operator), ["in", "out"]

    def key(name: str) -> str:
        return draft.key(f"filter-{place}-{name}")

    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
        take = st.selectbox(
            text("filter_take"),
            takes,
            index=takes.index(row["take"]),
            width=170,
            key=key("take"),
            format_func=lambda one: text(f"take_{one}"),
            label_visibility="collapsed",
        )
        field = st.selectbox(
            text("col_field"),
            known,
            index=known.index(row["field"]),
            width=300,
            key=key("field"),
            format_func=lambda one: field_label(fields, one),
            label_visibility="collapsed",
        )
        operator = st.selectbox(
            text("filter_operator"),
            operators,
            index=operators.index(Operator(row["operator"])),
            width=170,
            key=key("operator"),
            format_func=lambda one: text(f"operator_{one}"),
            label_visibility="collapsed",
        )
        value, kind = "", _kind(fields, field, operator)
        if operator not in WITHOUT_VALUE:
            value = (
                st.text_input(
                    text("filter_value"),
                    typed_text(as_text(row["value"]), kind),
                    width="stretch",
                    key=key("value"),
                    autocomplete="off",
                    placeholder=text("filter_value"),
                    label_visibility="collapsed",
                )
                or ""
            )
            value = as_text(typed_value(value, kind))
        gone = icon_button("close", text("btn_remove_filter"), key("remove"))
    return None if gone else {"field": field, "operator": operator, "value": value, "take": take}


def _kind(fields: Any, name: str, operator: Operator) -> FieldType:
    """Return what a value to compare with is read as; a list of values is text."""
    kinds = {one.name: one.type for one in fields}
    return FieldType.TEXT if operator is Operator.IN else kinds.get(name, FieldType.TEXT)


def _result(app: Application, draft: Draft) -> None:
    shape = json.dumps({**draft.saved, **draft.changed}, default=str, sort_keys=True)
    system, many = system_name(app.flows[draft.flow].source), flow_term("many", draft.flow)
    kept = _sifted(draft.flow)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if st.button(text("btn_sift"), icon=":material/filter_alt:", key="sift"):
            with st.spinner(text("sifting", system=system, many=many)):
                good = attempt(lambda: kept.update({"shape": shape, "of": _ask(app, draft.flow, draft.changed)}))
            if not good:
                trouble(*st.session_state.pop("failure"))
        note(text("sift_about", system=system))
    found = kept.get("of")
    if found is None:
        return
    if kept["shape"] != shape:
        note(f":orange[:material/refresh: {text('sift_stale')}]")
    with st.container(border=True, gap="small"):
        with st.container(horizontal=True, gap="large"):
            st.metric(text("sift_in"), number(found.taken), width="content")
            st.metric(text("sift_out"), number(found.left_out), width="content")
        if not found.left_out:
            empty("task_alt", text("sift_all_in"), text("sift_all_in_about", system=system, many=many))
            return
        frame = pd.DataFrame(
            [(skip.key, title, say(skip.reason, skip.facts).what) for title, skip in found.shown],
            columns=["code", "name", "reason"],
        )
        config = st.column_config
        columns = {
            "code": config.TextColumn(text("col_code"), width=120),
            "name": config.TextColumn(text("col_name"), width=280),
            "reason": config.TextColumn(text("col_reason"), width="large"),
        }
        st.dataframe(frame, hide_index=True, row_height=ROW, column_config=columns, alt=text("sift_out"))
        if len(found.shown) < found.left_out:
            note(counted("sift_first", len(found.shown)))
        st.download_button(
            text("btn_csv"),
            data=lambda: frame.to_csv(index=False),
            file_name="left-out.csv",
            on_click="ignore",
            icon=":material/download:",
            mime="text/csv",
        )


def _sifted(flow: str) -> dict[str, Any]:
    kept: dict[str, Any] = st.session_state.setdefault(f"sifted-{flow}", {})
    return kept


def _ask(app: Application, flow: str, changed: Mapping[str, Any]) -> Any:
    return app.flows.sift(flow, changed)
