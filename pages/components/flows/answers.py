"""Input widgets for settings with several rows: one answer for each code."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import pandas as pd
import streamlit as st

from integration.core.rows import EVERY
from integration.flows.forms import PerKey, Quantities, Rows
from integration.flows.settings import CodeList
from pages.components.shared.inputs import WIDE, InputForm, code_field
from pages.components.shared.layout import note
from pages.components.shared.rows import code_label, is_in_use
from pages.components.shared.tables import CONFIG, editor
from pages.components.shared.wording import Markdown, option_name, plain, read_number, system_name, text, typed_text


def per_key(form: InputForm, shape: PerKey, options: Mapping[str, str]) -> dict[str, str]:
    """Draw a row for each code of a list, and return the answers by code. Without options, any text is accepted."""
    draft, rows, known = form.draft, form.draft.value(shape.name), form.choices(shape.keys)
    listed = shape.options if isinstance(shape.options, CodeList) else None
    st.markdown(f":small[**{form.label(shape.name)}**]", help=form.about(shape.name))
    given: dict[str, str] = {}
    for code in dict.fromkeys([*known, *rows]):
        with st.container(horizontal=True, gap="small", vertical_alignment="center"):
            st.markdown(f":small[{plain(code_label(form.app, shape.keys, code, known))}]", width="stretch")
            with st.container(width=WIDE):
                given[code] = code_field(
                    plain(code),
                    str(rows.get(code, "")),
                    options,
                    draft.key(f"{shape.name}-{code}"),
                    none=text(shape.none),
                    longest=None,
                    labels=lambda one: code_label(form.app, listed, one, options) if listed else options.get(one, one),
                    of=listed,
                    label_visibility="collapsed",
                    placeholder=text(shape.none),
                )
    if not given:
        note(text("no_codes_there", system=system_name(shape.keys.system)))
    return {code: value for code, value in given.items() if value}


def rows(form: InputForm, shape: Rows) -> dict[str, Any]:
    """Draw a table of codes with their answers, and return the answers by code."""
    now = form.draft.value(shape.name)
    st.markdown(f":small[**{form.label(shape.name)}**]", help=form.about(shape.name))
    one = next(iter(shape.columns)) if len(shape.columns) == 1 else ""
    of = shape.columns.get(one)
    if isinstance(of, CodeList) and is_in_use(of):
        return _row_by_row(form, shape, of, now)
    frame = pd.DataFrame(
        {
            "key": list(now),
            **{name: [str(row) if one else str(row.get(name, "")) for row in now.values()] for name in shape.columns},
        },
        dtype="string",
    )
    config = {"key": _column(form, shape, text(shape.key), shape.keys, [*now])}
    for name, of in shape.columns.items():
        config[name] = _column(form, shape, text(f"col_{shape.name}_{name}"), of, [*frame[name]])
    edited = editor(form.draft.key(shape.name), frame, config, form.label(shape.name), num_rows="dynamic")
    found: dict[str, Any] = {}
    for row in edited.fillna("").to_dict("records"):
        cells = {str(name): str(value).strip() for name, value in row.items()}
        code = cells.pop("key").upper() if shape.capitals else cells.pop("key")
        if code and any(cells.values()):
            found[code] = cells[one] if one else cells
    return found


def quantities(form: InputForm, shape: Quantities) -> tuple[dict[str, Any], ...]:
    """Draw a table of quantities with their codes, and return its rows. An invalid quantity is reported."""
    draft, now = form.draft, [*form.draft.value(shape.name)]
    st.markdown(f":small[**{form.label(shape.name)}**]", help=form.about(shape.name))
    cells = {name: [str(row[name]) or EVERY for row in now] for name in shape.columns}
    config: dict[str, object] = {"quantity": CONFIG.TextColumn(text("col_quantity"), required=True)}
    for name, of in shape.columns.items():
        config[name] = _code_column(form, text(f"col_{shape.name}_{name}"), of, cells[name], with_every=True)
    frame = pd.DataFrame({"quantity": [typed_text(Decimal(row["quantity"])) for row in now], **cells}, dtype="string")
    edited = editor(draft.key(shape.name), frame, config, form.label(shape.name), num_rows="dynamic")
    found: list[dict[str, Any]] = []
    for row in edited.fillna("").to_dict("records"):
        codes = {name: str(row[name]).strip().removeprefix(EVERY) for name in shape.columns}
        given = str(row["quantity"]).strip()
        quantity = read_number(given)
        if quantity is not None and quantity >= 0:
            found.append({**codes, "quantity": quantity})
        elif given or any(codes.values()):
            draft.wrong[shape.name] = text("number_wrong", value=given, example=typed_text(Decimal(3)))
    return tuple(found)


def _row_by_row(form: InputForm, shape: Rows, of: CodeList, now: Mapping[str, str]) -> dict[str, str]:
    """Draw each row with its answer and a select box that adds a row, for lists that lack some valid answers."""
    draft, known, choices = form.draft, form.choices(shape.keys), form.choices(of)
    free = [code for code in known if code not in now]
    added = st.selectbox(
        text("row_add", what=text(shape.key)),
        free,
        index=None,
        key=draft.key(f"{shape.name}-add"),
        placeholder=text("row_choose"),
        format_func=option_name(lambda code: code_label(form.app, shape.keys, str(code), known)),
        width=WIDE,
    )
    found: dict[str, str] = {}
    for code in dict.fromkeys([*now, *([added] if added else [])]):
        label = plain(code_label(form.app, shape.keys, code, known))
        with st.container(horizontal=True, gap="small", vertical_alignment="center"):
            st.markdown(f":small[{label}]", width="stretch")
            with st.container(width=WIDE):
                found[code] = code_field(
                    label,
                    str(now.get(code, "")),
                    choices,
                    draft.key(f"{shape.name}-{code}"),
                    none=text("choose_nothing"),
                    labels=lambda one: code_label(form.app, of, one, choices),
                    of=of,
                    label_visibility="collapsed",
                )
    return {code: answer for code, answer in found.items() if answer}


def _column(
    form: InputForm, shape: Rows, title: Markdown, of: CodeList | Sequence[str] | None, now: Sequence[str]
) -> object:
    if of is not None and not isinstance(of, CodeList):
        return CONFIG.SelectboxColumn(
            title,
            options=list(of),
            format_func=option_name(lambda one: form.option(shape.words or shape.name, str(one))),
        )
    return _code_column(form, title, of, now)


def _code_column(
    form: InputForm, title: Markdown, of: CodeList | None, now: Sequence[str], *, with_every: bool = False
) -> object:
    """Return a column of codes of a list. Using `with_every`, all codes can be chosen at once, and are by default."""
    choices, every = form.choices(of), {EVERY: text("choose_none_is_all")} if with_every else {}
    if not choices:
        return CONFIG.TextColumn(title, default=EVERY if every else None)
    return CONFIG.SelectboxColumn(
        title,
        options=list(dict.fromkeys([*every, *choices, *now])),
        default=EVERY if every else None,
        format_func=option_name(lambda one: every.get(str(one)) or code_label(form.app, of, str(one), choices)),
    )
