"""Value tables: rows that map codes of the source to codes of the target. Codes that records wait for come first."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import pandas as pd
import streamlit as st

from integration.application.application import Application
from integration.core.errors import Reason
from integration.core.rules import Rule
from integration.flows.settings import ValueTable
from integration.flows.spec import FlowSpec
from integration.words import has_term
from pages.components.shared import controls
from pages.components.shared.application import person
from pages.components.shared.downloads import downloads
from pages.components.shared.flows import try_again_button
from pages.components.shared.frames import rows_in
from pages.components.shared.inputs import code_field, codes_or_error, lists_of
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
from pages.components.shared.rows import Lists, code_label, is_in_use, part_choice, row_label
from pages.components.shared.saving import save_button, was_pressed
from pages.components.shared.wording import (
    Markdown,
    option_name,
    plain,
    quantity_text,
    reason,
    system_name,
    table_name,
    text,
)

SIZE = 25


def tables_tab(app: Application, flow: str, rules: Sequence[Rule] = ()) -> None:
    """Draw one value table with the counterpart of each row. `rules` are those of a draft, otherwise the flow's own."""
    spec = app.flows.spec(flow)
    names = table_names(spec, rules or app.mappings.published(flow).mapping.rules)
    if not names:
        empty("table_rows", text("tables_none"), text("tables_none_about"))
        return
    name = (
        choice("table", names, names[0], lambda option: plain(table_name(option)), ("page",))
        if len(names) > 1
        else names[0]
    )
    table, flow_ = app.tables.table_definition(name, flow), app.flows[flow]
    lists, theirs = lists_of(app, table), codes_or_error(app, table.theirs)
    if lists is None or theirs is None:
        return
    sides = RowChoices(app, table, lists, theirs)
    saved, waiting = app.rules.tables().get(name, {}), app.exceptions.unmapped(flow, name)
    draft = table_draft(f"table-{name}-{app.sandbox.is_connected}", saved)
    with st.container(border=True, gap="small", width=860):
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.header(plain(table_name(name)), anchor=False, width="content")
            downloads(f"table-{name}", lambda: _export_rows(sides, saved))
        if has_term(f"table_{name}_about"):
            note(text(f"table_{name}_about"))
        note(text("table_about", source=system_name(flow_.source), target=system_name(flow_.target)))
        ours = codes_or_error(app, table.ours) or {}
        every = list(dict.fromkeys([*waiting, *(code for code in ours if code not in saved), *saved, *draft["rows"]]))
        if not every:
            empty("table_rows", text("table_empty"), text("table_empty_about"))
        offset = page_offset("page", len(every), SIZE)
        wrong = app.tables.faults(name, draft["rows"].items())
        apart = app.tables.differing(name, draft["rows"])
        for code in every[offset : offset + SIZE]:
            table_row(draft, sides, code, waiting.get(code, 0))
            row_warning(draft, code, wrong, apart)
        pages("page", len(every), SIZE)
        _new_row(draft, sides, system_name(flow_.target))
    if waiting:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            for cause in app.exceptions.row_causes(flow, name):
                try_again_button(app, flow, cause, f"{name}-{cause}")
            note(text("table_try_again"))
    _draft_bar(app, name, saved, draft)


def _export_rows(sides: "RowChoices", saved: Mapping[str, str]) -> pd.DataFrame:
    """Return the saved rows of a table with the captions of both sides."""
    lines = [
        (key, row_label(sides.app, sides.table, key, sides.lists), code, sides.counterpart_label(code))
        for key, code in saved.items()
    ]
    return rows_in(["code", "caption", "counterpart", "counterpart_caption"], lines)


@dataclass(frozen=True, slots=True)
class RowChoices:
    """The choices for the rows of a table: the codes of each part of a key, and the counterparts."""

    app: Application
    table: ValueTable
    lists: Lists
    theirs: Mapping[str, str]

    def counterpart_label(self, code: str) -> str:
        return code_label(self.app, self.table.theirs, code, self.theirs)


def table_names(spec: FlowSpec, rules: Sequence[Rule]) -> list[str]:
    """Return the value tables of a flow: those its code looks up, then those its rules name."""
    used_names = [rule.table for rule in rules if rule.table]
    used_names += [
        str(call.args[0]) for rule in rules for call in rule.functions if call.name == "lookup" and call.args
    ]
    return list(
        dict.fromkeys([*(value_table.name for value_table in spec.tables if value_table.looks_up), *used_names])
    )


def table_draft(key: str, saved: Mapping[str, str]) -> dict[str, Any]:
    """Return the rows of a table on screen, replaced by the saved rows if another person saved the table meanwhile.

    If the saved rows equal those on screen, the widgets are kept with their current input.
    """
    draft: dict[str, Any] = st.session_state.setdefault(key, {"key": key, "rows": {}, "saved": None, "round": 0})
    if draft["saved"] != saved:
        draft.update(rows=dict(saved), saved=dict(saved), round=draft["round"] + (draft["rows"] != saved))
    return draft


def table_row(draft: dict[str, Any], sides: RowChoices, code: str, waiting: int = 0) -> None:
    """Draw a row with the choice of its counterpart, and record the choice in the draft."""
    key, now = f"{draft['key']}-{draft['round']}-{code}", draft["rows"].get(code, "")
    row_text = row_label(sides.app, sides.table, code, sides.lists)
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        with st.container(width="stretch", gap=None):
            parked = f" {inline('parked', quantity_text('parked_short', waiting))}" if waiting else ""
            small(f"{plain(row_text)}{parked}")
        st.markdown(f"{mark('ok') if now else ':gray[:material/arrow_forward:]'}", width=24)
        chosen = code_field(
            plain(row_text),
            now,
            sides.theirs,
            key,
            none=text("table_no_row"),
            longest=None,
            labels=sides.counterpart_label,
            of=sides.table.theirs,
            label_visibility="collapsed",
            width=320,
        )
    if chosen:
        draft["rows"][code] = chosen
    else:
        draft["rows"].pop(code, None)


def row_warning(draft: Mapping[str, Any], code: str, wrong: Mapping[str, Reason], apart: Collection[str]) -> None:
    """Show below a row why it is invalid, or that the percentages of its codes differ."""
    if code in wrong and code in draft["rows"]:
        sentence = text("row_wrong", reason=plain(reason(wrong[code])))
        note(f":orange[:material/error: {sentence}]")
    elif code in apart:
        note(f":orange[:material/balance: {text('row_rates_differ')}]")


def _new_row(draft: dict[str, Any], sides: RowChoices, target: Markdown) -> None:
    """Draw the inputs for a new row and the button that adds it."""
    table, at = sides.table, f"{draft['key']}-{draft['round']}"
    with st.expander(text("table_new_row"), icon=":material/add:", expanded=not draft["rows"] or len(table.parts) > 1):
        with st.grid(3, min_column_width=230) as grid:
            part_codes = {}
            for part in table.parts:
                with grid.cell():
                    part_captions = sides.lists.get(part.name, {})
                    part_codes[part.name] = part_choice(sides.app, part, part_captions, f"new-{part.name}-{at}")
            with grid.cell():
                other = counterpart(sides, text("table_new_other", system=target), f"new-other-{at}")
        ready = bool(part_codes[table.code.name] and other)
        if controls.button(text("btn_add_row"), icon=":material/add:", key="add_row", disabled=not ready):
            rows = [*draft["rows"].items(), (table.key(part_codes), other)]
            if attempt(lambda: sides.app.tables.require_valid_rows(table.name, rows)):
                draft["rows"][table.key(part_codes)] = other
                draft["round"] += 1
            st.rerun()


def counterpart(sides: RowChoices, label: Markdown, key: str) -> str:
    """Draw the choice of a counterpart and return it; a text field if its system has no list."""
    if not sides.theirs:
        return (controls.text_input(label, key=key, autocomplete="off") or "").strip()
    chosen = controls.selectbox(
        label,
        list(sides.theirs),
        index=None,
        placeholder=text("row_choose"),
        key=key,
        format_func=option_name(sides.counterpart_label),
        accept_new_options=is_in_use(sides.table.theirs),
    )
    return str(chosen or "").strip()


def _draft_bar(app: Application, name: str, saved: Mapping[str, str], draft: dict[str, Any]) -> None:
    rows = draft["rows"]
    changed = [code for code in {**saved, **rows} if saved.get(code) != rows.get(code)]

    by = person()  # read here, because `save` must not use the session, see `save_button`

    def save() -> None:
        app.tables.save(name, rows, by)

    def finish() -> NoReturn:
        if attempt(save):
            st.session_state["said"] = text("saved")
        st.rerun()

    if not changed:
        if was_pressed(draft, "save_table"):
            finish()
        return
    with bottom_bar(f"**{quantity_text('rows_changed', len(changed))}** :gray[{text('settings_effect')}]"):
        if controls.button(text("btn_discard_changes"), type="tertiary", key="discard_rows"):
            draft.update(saved=None)
            st.rerun()
        if save_button(text("btn_save_table"), "save_table", draft, save):
            finish()
