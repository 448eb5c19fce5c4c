"""Value tables: which code of the source is which of the target. What waits for one is listed first."""

# ruff: noqa: TID251 - pages speak to the browser

from collections.abc import Mapping
from typing import Any

import streamlit as st

from integration.bootstrap import Application
from pages.components.application import person
from pages.components.draft import asked
from pages.components.flow_fields import table_name
from pages.components.layout import attempt, choice, empty, note, page_offset, pages, small
from pages.components.repair import try_again_button
from pages.components.states import inline, mark
from pages.components.wording import counted, plain, system_name, text

SIZE = 25
CAUSES = {"vat_codes": "vat_code_unmapped"}


def tables_tab(app: Application, flow: str) -> None:
    """Draw one value table, row by row, each with the code of the target that is its counterpart."""
    used = [rule.table for rule in app.mapping(flow).mapping.rules if rule.table]
    names = list(dict.fromkeys(["vat_codes", *used, *app.tables()]))
    name = choice("table", names, names[0], table_name, ("page",)) if len(names) > 1 else names[0]
    source, target = app.flows[flow].source, app.flows[flow].target
    ours = asked(app, f"{source} {name}", lambda: app.choices(source, name))
    theirs = asked(app, f"{target} {name}", lambda: app.choices(target, name))
    if ours is None or theirs is None:
        return
    saved, waiting = app.tables().get(name, {}), app.unmapped(flow, name)
    draft = _draft(f"table-{name}-{app.sandboxed}", saved)
    with st.container(border=True, gap="small", width=860):
        st.subheader(table_name(name), anchor=False)
        note(text("table_about", source=system_name(source), target=system_name(target)))
        every = list(dict.fromkeys([*waiting, *(code for code in ours if code not in saved), *saved, *draft["rows"]]))
        if not every:
            empty("table_rows", text("table_empty"), text("table_empty_about"))
        offset = page_offset("page", len(every), SIZE)
        for code in every[offset : offset + SIZE]:
            _row(draft, code, ours, theirs, waiting.get(code, 0))
        pages("page", len(every), SIZE)
        if not ours:
            _new_code(draft)
    if waiting:
        cause = CAUSES.get(name, "value_unmapped")
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            try_again_button(app, flow, cause, f"table-{name}")
            note(text("table_try_again"))
    _bar(app, name, saved, draft)


def _draft(key: str, saved: Mapping[str, str]) -> dict[str, Any]:
    draft: dict[str, Any] = st.session_state.setdefault(key, {"key": key, "rows": {}, "saved": None, "round": 0})
    if draft["saved"] != saved:
        draft.update(rows=dict(saved), saved=dict(saved), round=draft["round"] + 1)
    return draft


def _row(draft: dict[str, Any], code: str, ours: Mapping[str, str], theirs: Mapping[str, str], waiting: int) -> None:
    key, now = f"{draft['key']}-{draft['round']}-{code}", draft["rows"].get(code, "")
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        with st.container(width="stretch", gap=None):
            caption = ours.get(code) or text("table_code_gone" if ours else "table_code")
            parked = f" {inline('parked', counted('parked_short', waiting))}" if waiting else ""
            small(f"**{plain(code)}** {plain(caption)}{parked}")
        st.markdown(f"{mark('ok') if now else ':gray[:material/arrow_forward:]'}", width=24)
        if theirs:
            options = ["", *theirs, *([now] if now and now not in theirs else [])]
            chosen = st.selectbox(
                code, options, index=options.index(now), key=key, width=300, label_visibility="collapsed",
                format_func=lambda one: f"{one} · {theirs.get(one, '–')}" if one else text("table_no_row"),
            )  # fmt: skip
        else:
            chosen = st.text_input(code, now, key=key, width=300, label_visibility="collapsed", autocomplete="off")
    chosen = (chosen or "").strip()
    if chosen:
        draft["rows"][code] = chosen
    else:
        draft["rows"].pop(code, None)


def _new_code(draft: dict[str, Any]) -> None:
    with st.form("new_code", border=False, clear_on_submit=True), st.container(horizontal=True, gap="xsmall"):
        code = st.text_input(text("table_new_code"), autocomplete="off", width=200) or ""
        other = st.text_input(text("table_new_other"), autocomplete="off", width=200) or ""
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
    with st.bottom, st.container(horizontal=True, vertical_alignment="center", gap="small", wrap=False):
        st.markdown(f"**{counted('rows_changed', len(changed))}** :gray[{text('settings_effect')}]", width="stretch")
        if st.button(text("btn_discard_changes"), type="tertiary", key="discard_rows"):
            draft.update(saved=None)
            st.rerun()
        if st.button(text("btn_save_table"), type="primary", icon=":material/save:", key="save_table"):
            if attempt(lambda: app.set_table(name, rows, person())):
                st.session_state["said"] = text("saved")
            st.rerun()
