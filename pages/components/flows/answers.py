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
    draft, rows, key_captions = form.draft, form.draft.value(shape.name), form.choices(shape.keys)
    code_list = shape.options if isinstance(shape.options, CodeList) else None
    st.markdown(f":small[**{form.label(shape.name)}**]", help=form.help_text(shape.name))
    codes: dict[str, str] = {}
    for code in dict.fromkeys([*key_captions, *rows]):
        with st.container(horizontal=True, gap="small", vertical_alignment="center"):
            st.markdown(f":small[{plain(code_label(form.app, shape.keys, code, key_captions))}]", width="stretch")
            with st.container(width=WIDE):
                codes[code] = code_field(
                    plain(code),
                    str(rows.get(code, "")),
                    options,
                    draft.key(f"{shape.name}-{code}"),
                    none=text(shape.none),
                    longest=None,
                    labels=lambda option: (
                        code_label(form.app, code_list, option, options) if code_list else options.get(option, option)
                    ),
                    of=code_list,
                    label_visibility="collapsed",
                    placeholder=text(shape.none),
                )
    if not codes:
        note(text("no_codes_there", system=system_name(shape.keys.system)))
    if shape.consequence and any(codes.values()):
        note(f":orange[:material/warning: {text(shape.consequence)}]")
    return {code: value for code, value in codes.items() if value}


def rows(form: InputForm, shape: Rows) -> dict[str, Any]:
    """Draw a table of codes with their answers, and return the answers by code."""
    now = form.draft.value(shape.name)
    st.markdown(f":small[**{form.label(shape.name)}**]", help=form.help_text(shape.name))
    only_column = next(iter(shape.columns)) if len(shape.columns) == 1 else ""
    of = shape.columns.get(only_column)
    if isinstance(of, CodeList) and is_in_use(of):
        return _row_by_row(form, shape, of, now)
    frame = pd.DataFrame(
        {
            "key": list(now),
            **{
                name: [str(row) if only_column else str(row.get(name, "")) for row in now.values()]
                for name in shape.columns
            },
        },
        dtype="string",
    )
    config = {"key": _column(form, shape, text(shape.key), shape.keys, [*now])}
    for name, of in shape.columns.items():
        config[name] = _column(form, shape, text(f"col_{shape.name}_{name}"), of, [*frame[name]])
    edited = editor(form.draft.key(shape.name), frame, config, form.label(shape.name), num_rows="dynamic")
    answers: dict[str, Any] = {}
    for row in edited.to_dict("records"):
        cells = {str(name): str(value).strip() for name, value in row.items()}
        code = cells.pop("key").upper() if shape.capitals else cells.pop("key")
        if code and any(cells.values()):
            answers[code] = cells[only_column] if only_column else cells
    return answers


def quantities(form: InputForm, shape: Quantities) -> tuple[dict[str, Any], ...]:
    """Draw a table of quantities with their codes, and return its rows. An invalid quantity is reported."""
    draft, now = form.draft, [*form.draft.value(shape.name)]
    st.markdown(f":small[**{form.label(shape.name)}**]", help=form.help_text(shape.name))
    cells = {name: [str(row[name]) or EVERY for row in now] for name in shape.columns}
    config: dict[str, object] = {"quantity": CONFIG.TextColumn(text("col_quantity"), required=True)}
    for name, of in shape.columns.items():
        config[name] = _code_column(form, text(f"col_{shape.name}_{name}"), of, cells[name], with_every=True)
    frame = pd.DataFrame({"quantity": [typed_text(Decimal(row["quantity"])) for row in now], **cells}, dtype="string")
    edited = editor(draft.key(shape.name), frame, config, form.label(shape.name), num_rows="dynamic")
    answers: list[dict[str, Any]] = []
    for row in edited.to_dict("records"):
        codes = {name: str(row[name]).strip().removeprefix(EVERY) for name in shape.columns}
        quantity_text = str(row["quantity"]).strip()
        quantity = read_number(quantity_text)
        if quantity is not None and quantity >= 0:
            answers.append({**codes, "quantity": quantity})
        elif quantity_text or any(codes.values()):
            draft.wrong[shape.name] = text("number_wrong", value=quantity_text, example=typed_text(Decimal(3)))
    return tuple(answers)


def _row_by_row(form: InputForm, shape: Rows, of: CodeList, now: Mapping[str, str]) -> dict[str, str]:
    """Draw each row with its answer and a select box that adds a row, for lists that lack some valid answers."""
    draft, key_captions, choices = form.draft, form.choices(shape.keys), form.choices(of)
    free = [code for code in key_captions if code not in now]
    added = st.selectbox(
        text("row_add", what=text(shape.key)),
        free,
        index=None,
        key=draft.key(f"{shape.name}-add"),
        placeholder=text("row_choose"),
        format_func=option_name(lambda code: code_label(form.app, shape.keys, str(code), key_captions)),
        width=WIDE,
    )
    answers: dict[str, str] = {}
    for code in dict.fromkeys([*now, *([added] if added else [])]):
        label = plain(code_label(form.app, shape.keys, code, key_captions))
        with st.container(horizontal=True, gap="small", vertical_alignment="center"):
            st.markdown(f":small[{label}]", width="stretch")
            with st.container(width=WIDE):
                answers[code] = code_field(
                    label,
                    str(now.get(code, "")),
                    choices,
                    draft.key(f"{shape.name}-{code}"),
                    none=text("choose_nothing"),
                    labels=lambda option: code_label(form.app, of, option, choices),
                    of=of,
                    label_visibility="collapsed",
                )
    return {code: answer for code, answer in answers.items() if answer}


def _column(
    form: InputForm, shape: Rows, title: Markdown, of: CodeList | Sequence[str] | None, now: Sequence[str]
) -> object:
    if of is not None and not isinstance(of, CodeList):
        return CONFIG.SelectboxColumn(
            title,
            options=list(of),
            format_func=option_name(lambda option: form.option(shape.words or shape.name, str(option))),
        )
    return _code_column(form, title, of, now)


def _code_column(
    form: InputForm, title: Markdown, of: CodeList | None, now: Sequence[str], *, with_every: bool = False
) -> object:
    """Return a column of codes of a list. `with_every` adds an option for all codes, which is the default."""
    choices, every = form.choices(of), {EVERY: text("choose_none_is_all")} if with_every else {}
    if not choices:
        return CONFIG.TextColumn(title, default=EVERY if every else None)
    return CONFIG.SelectboxColumn(
        title,
        options=list(dict.fromkeys([*every, *choices, *now])),
        default=EVERY if every else None,
        format_func=option_name(
            lambda option: every.get(str(option)) or code_label(form.app, of, str(option), choices)
        ),
    )
