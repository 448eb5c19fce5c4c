"""Dense tables: a click or the arrow keys select a row, ticks choose rows for an action. Also trees and code blocks."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import pandas as pd
import streamlit as st
from pandas.api.types import is_bool_dtype, is_datetime64_any_dtype, is_list_like, is_numeric_dtype
from pandas.io.formats.style import Styler

from integration.core.untrusted_text import escape_formulas, visible, visible_lines
from integration.words import MISSING
from pages.components.shared import controls
from pages.components.shared.column_widths import ROOM, fit_columns
from pages.components.shared.wording import number_text

CONFIG = st.column_config
ROW = 34
MAX_ROWS_HIGH = 15
TICKS = 40  # pixels of the column with the ticks

Columns = Mapping[str, Any]  # Streamlit's column configuration by column name

Written = Mapping[str, Callable[[Any], str]]  # formatters of columns, by column name


def browse(
    frame: pd.DataFrame, columns: Columns, key: str, alt: str, formatters: Written | None = None, room: int = ROOM
) -> int | None:
    """Draw a table and return the position of the clicked row. `room` is the table's width on a wide screen."""
    return _draw(with_visible_characters(frame), columns, key, alt, ["single-cell"], None, formatters, room)[0]


def pick_cell(frame: pd.DataFrame, key: str, alt: str) -> tuple[int, str] | None:
    """Draw a table with unformatted values, and return the row position and column name of the clicked cell."""
    shown_frame = with_visible_characters(frame)
    event = st.dataframe(
        shown_frame,
        hide_index=True,
        height=height(len(frame)),
        column_config=fit_columns(shown_frame, {}, {}),
        row_height=ROW,
        key=key,
        on_select="rerun",
        selection_mode="single-cell",
        alt=alt,
    )
    for place, column in event["selection"]["cells"]:
        if int(place) < len(frame):
            return int(place), str(column)
    return None


def table(
    rows: pd.DataFrame | Sequence[Mapping[str, str]], alt: str, columns: Columns | None = None, **look: Any
) -> None:
    """Draw a table without selection."""
    shown_frame = with_visible_characters(pd.DataFrame(rows))
    widths = fit_columns(shown_frame, columns or {}, {})
    st.dataframe(shown_frame, hide_index=True, row_height=ROW, column_config=widths, alt=alt, **look)


def figures(rows: Sequence[Mapping[str, str]], off: str, alt: str) -> None:
    """Draw figures in columns. All but the first column are right-aligned, and `off` is red where it is not zero.

    Figures are formatted already; a zero has no digit other than 0.
    """
    frame = with_visible_characters(pd.DataFrame(rows))
    columns = fit_columns(frame, {name: CONFIG.TextColumn(name, alignment="right") for name in frame.columns[1:]}, {})
    styled = frame.style.map(lambda text: _RED if any(sign in "123456789" for sign in text) else "", subset=[off])
    st.dataframe(
        styled, hide_index=True, row_height=ROW, height=height(len(frame), len(frame)), column_config=columns, alt=alt
    )


_RED = "color: #B4232C; font-weight: 600"


def with_visible_characters(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table with invisible characters made visible, in captions too."""
    return _with_text(frame, visible)


def csv_of(frame: pd.DataFrame, *, index: bool = False) -> str:
    """Return a table as CSV. Text is escaped so that no spreadsheet runs it as a formula; numbers stay numbers."""
    escaped = _with_text(frame, escape_formulas)
    return escaped.to_csv(index=index, lineterminator="\r\n")  # with "\n", a lone "\r" in a text would start a new row


def _with_text(frame: pd.DataFrame, write: Callable[[str], str]) -> pd.DataFrame:
    """Return a table with `write` applied to its text, also in cells that hold several texts."""

    def written_cell(value: Any) -> Any:
        if isinstance(value, str):
            return write(value)
        if isinstance(value, dict):
            return {written_cell(name): written_cell(item) for name, item in value.items()}
        return [written_cell(item) for item in value] if is_list_like(value) else value

    text_frame = frame.rename(columns=written_cell)
    if not (is_numeric_dtype(frame.index.dtype) or is_datetime64_any_dtype(frame.index.dtype)):
        text_frame = text_frame.rename(index=written_cell)
    text_frame = text_frame.rename_axis(index=[written_cell(name) for name in frame.index.names])
    for name, kind in text_frame.dtypes.items():
        if not (is_numeric_dtype(kind) or is_datetime64_any_dtype(kind)):
            text_frame[name] = text_frame[name].astype(object).map(written_cell, na_action="ignore")
    text_frame.attrs = frame.attrs
    return text_frame


def localised(frame: pd.DataFrame, formatters: Written | None = None) -> pd.DataFrame | Styler:
    """Return a table with numbers formatted in the language of the session; the values are unchanged.

    `formatters` has the formatters of columns that differ from the default. A column must not have a `format`, which
    would override this one and which Streamlit fills by the locale of the browser.
    """
    column_formats = _column_formatters(frame, formatters)
    if not column_formats:
        return frame
    lists = [name for name in frame.columns if len(frame) and isinstance(frame[name].iloc[0], list)]
    manners: dict[Any, str | Callable[[Any], str] | None] = {
        **{name: lambda _: "" for name in lists},  # Streamlit draws list cells itself
        **column_formats,
    }
    return frame.style.format(manners, na_rep="")


def _column_formatters(frame: pd.DataFrame, formatters: Written | None) -> dict[str, Callable[[Any], str]]:
    """Return the formatters of the columns that need one."""
    numeric = [name for name, kind in frame.dtypes.items() if is_numeric_dtype(kind) and not is_bool_dtype(kind)]
    column_formats = {name: manner for name, manner in (formatters or {}).items() if name in frame.columns}
    return {**dict.fromkeys(map(str, numeric), number_text), **column_formats}


def table_choice(
    frame: pd.DataFrame,
    columns: Columns,
    key: str,
    alt: str,
    ticked: Sequence[int],
    formatters: Written | None = None,
    room: int = ROOM,
) -> tuple[int | None, set[int]]:
    """Draw a table with ticks, and return the position of the clicked row and those of the ticked rows.

    `ticked` are the initial ticks. They must be the same whenever the key is the same.
    """
    return _draw(
        with_visible_characters(frame),
        columns,
        key,
        alt,
        ["multi-row", "single-cell"],
        list(ticked),
        formatters,
        room - TICKS,
    )


def _draw(
    frame: pd.DataFrame,
    columns: Columns,
    key: str,
    alt: str,
    modes: list[Literal["multi-row", "single-cell"]],
    ticked: list[int] | None,
    formatters: Written | None,
    room: int,
) -> tuple[int | None, set[int]]:
    """Draw a table, and return the position of the clicked row and those of the ticked rows."""
    rows = len(frame)
    event = st.dataframe(
        localised(frame, formatters),
        hide_index=True,
        height=height(rows),
        row_height=ROW,
        placeholder=MISSING,
        key=key,
        on_select="rerun",
        selection_mode=modes,
        selection_default=None if ticked is None else {"selection": {"rows": ticked, "columns": [], "cells": []}},
        column_config=fit_columns(frame, columns, _column_formatters(frame, formatters), room=room),
        alt=alt,
    )
    picked: Mapping[str, Any] = event["selection"]
    place = int(picked["cells"][0][0]) if picked["cells"] else rows
    return place if place < rows else None, set(picked["rows"])


def editor(key: str, frame: pd.DataFrame, columns: Columns, alt: str, **more: Any) -> pd.DataFrame:
    """Draw an editable table and return its contents on screen, with an empty text in each empty cell.

    The initial table stays the same while it is on screen, because another one would discard what was typed. Its text
    is not changed, so that it can be edited; the caller makes invisible characters visible in read-only columns.
    """
    if key not in st.session_state:
        st.session_state[f"base-{key}"] = frame
    base = st.session_state.get(f"base-{key}", frame)
    edited: pd.DataFrame = controls.data_editor(
        base,
        key=key,
        column_config=fit_columns(base, columns, {}, edited=True),
        hide_index=True,
        row_height=ROW,
        alt=alt,
        **more,
    )
    return with_empty_texts(edited)


def with_empty_texts(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table with an empty text in each empty cell.

    The first row of a table that was empty makes columns of a type without values, which pandas cannot fill.
    """
    return frame.astype(object).fillna("")


def height(rows: int, limit: int = MAX_ROWS_HIGH) -> int:
    """Return the height in pixels of a table with so many rows."""
    return ROW * (min(rows, limit) + 1) + 3


# ---- trees and code blocks ------------------------------------------------------------------------------------------


def code_block(text: str, height: int | Literal["content"] = "content") -> None:
    """Draw text with its line breaks, and with invisible characters made visible."""
    st.code(visible_lines(text), language=None, wrap_lines=height == "content", height=height)


def values(facts: Mapping[str, str]) -> None:
    """Draw names and values as a tree, with invisible characters made visible."""
    st.json({visible(name): visible(value) for name, value in facts.items()})
