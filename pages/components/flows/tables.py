"""Value tables: which code of the source is which of the target. What waits for one is listed first."""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from integration.core.rules import Rule
from integration.flows.settings import EVERY
from integration.flows.spec import FlowSpec
from integration.services import Application
from integration.services.exceptions import UNMAPPED
from integration.words import has_term
from pages.components.shared.application import person
from pages.components.shared.flows import try_again_button
from pages.components.shared.inputs import captioned, code_field, codes_of
from pages.components.shared.layout import (
    attempt,
    bottom_bar,
    choice,
    empty,
    inline,
    mark,
    note,
    page_offset,
    pages,
    small,
)
from pages.components.shared.wording import counted, plain, system_name, table_name, text

SIZE = 25


def tables_tab(app: Application, flow: str, rules: Sequence[Rule] = ()) -> None:
    """Draw one value table, row by row, each with its counterpart; `rules` are those of a draft, else of the flow."""
    spec = app.flows.spec(flow)
    names = table_names(spec, rules or app.mappings.published(flow).mapping.rules)
    if not names:
        empty("table_rows", text("tables_none"), text("tables_none_about"))
        return
    name = choice("table", names, names[0], table_name, ("page",)) if len(names) > 1 else names[0]
    source, target = app.flows[flow].source, app.flows[flow].target
    table = spec.table(name)
    ours, theirs = codes_of(app, table.ours), codes_of(app, table.theirs)
    if ours is None or theirs is None:
        return
    saved, waiting = app.rules.tables().get(name, {}), app.exceptions.unmapped(flow, name)
    draft = table_draft(f"table-{name}-{app.sandbox.is_connected}", saved)
    with st.container(border=True, gap="small", width=860):
        st.subheader(table_name(name), anchor=False)
        if has_term(f"table_{name}_about"):
            note(text(f"table_{name}_about"))
        note(text("table_about", source=system_name(source), target=system_name(target)))
        every = list(dict.fromkeys([*waiting, *(code for code in ours if code not in saved), *saved, *draft["rows"]]))
        if not every:
            empty("table_rows", text("table_empty"), text("table_empty_about"))
        offset = page_offset("page", len(every), SIZE)
        for code in every[offset : offset + SIZE]:
            table_row(draft, code, ours, theirs, waiting.get(code, 0))
        pages("page", len(every), SIZE)
        if not ours or table.by_country:
            _new_code(draft, system_name(source), system_name(target), theirs)
    if waiting:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            for cause in table.causes or (UNMAPPED,):
                try_again_button(app, flow, cause, f"{name}-{cause}")
            note(text("table_try_again"))
    _bar(app, name, saved, draft)


def table_names(spec: FlowSpec, rules: Sequence[Rule]) -> list[str]:
    """Return the value tables a flow uses: those it looks up itself, then those its rules name."""
    named = [rule.table for rule in rules if rule.table]
    named += [str(call.args[0]) for rule in rules for call in rule.functions if call.name == "lookup" and call.args]
    return list(dict.fromkeys([*(one.name for one in spec.tables if one.looks_up), *named]))


def table_draft(key: str, saved: Mapping[str, str]) -> dict[str, Any]:
    """Return the rows of a table as they are on screen; when others have saved it meanwhile, as they saved it."""
    draft: dict[str, Any] = st.session_state.setdefault(key, {"key": key, "rows": {}, "saved": None, "round": 0})
    if draft["saved"] != saved:
        draft.update(rows=dict(saved), saved=dict(saved), round=draft["round"] + 1)
    return draft


def table_row(
    draft: dict[str, Any], code: str, ours: Mapping[str, str], theirs: Mapping[str, str], waiting: int = 0
) -> None:
    """Draw a code with the choice of its counterpart, and take what is chosen into the draft."""
    key, now = f"{draft['key']}-{draft['round']}-{code}", draft["rows"].get(code, "")
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        with st.container(width="stretch", gap=None):
            bare = next((part for part in code.split(":") if part in ours), code)
            gone = "table_every" if code == EVERY else "table_code_gone"
            caption = ours.get(bare) or text(gone if ours else "table_code")
            parked = f" {inline('parked', counted('parked_short', waiting))}" if waiting else ""
            small(f"**{plain(code)}** {plain(caption)}{parked}")
        st.markdown(f"{mark('ok') if now else ':gray[:material/arrow_forward:]'}", width=24)
        chosen = code_field(
            code,
            now,
            theirs,
            key,
            none=text("table_no_row"),
            longest=None,
            labels=lambda one: f"{one} · {theirs.get(one, '–')}",
            label_visibility="collapsed",
            width=300,
        )
    if chosen:
        draft["rows"][code] = chosen
    else:
        draft["rows"].pop(code, None)


def _new_code(draft: dict[str, Any], source: str, target: str, theirs: Mapping[str, str]) -> None:
    with (
        st.form("new_code", border=False, clear_on_submit=True),
        st.container(horizontal=True, gap="xsmall", vertical_alignment="bottom"),
    ):
        code = st.text_input(text("table_new_code", system=source), autocomplete="off", width=200) or ""
        label = text("table_new_other", system=target)
        other = (
            st.selectbox(label, list(theirs), index=None, width=260, format_func=lambda one: captioned(one, theirs))
            if theirs
            else st.text_input(label, autocomplete="off", width=200)
        ) or ""
        pressed = st.form_submit_button(text("btn_add_row"), icon=":material/add:")
    if pressed and code.strip() and other.strip():
        draft["rows"][code.strip()] = other.strip()
        draft["round"] += 1
        st.rerun()


def _bar(app: Application, name: str, saved: Mapping[str, str], draft: dict[str, Any]) -> None:
    rows = draft["rows"]
    changed = [code for code in {**saved, **rows} if saved.get(code) != rows.get(code)]
    if not changed:
        return
    with bottom_bar(f"**{counted('rows_changed', len(changed))}** :gray[{text('settings_effect')}]"):
        if st.button(text("btn_discard_changes"), type="tertiary", key="discard_rows"):
            draft.update(saved=None)
            st.rerun()
        if st.button(text("btn_save_table"), type="primary", icon=":material/save:", key="save_table"):
            if attempt(lambda: app.rules.set_table(name, rows, person())):
                st.session_state["said"] = text("saved")
            st.rerun()
