"""Dense tables: a click or the arrow keys choose what is looked at, ticks choose what is acted on."""

# ruff: noqa: TID251 - pages speak to the browser, in tables

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import pandas as pd
import streamlit as st

ROW = 34
MOST_ROWS_HIGH = 15

Columns = Mapping[str, Any]
"""Streamlit's column configuration by column name."""


def browse(frame: pd.DataFrame, columns: Columns, key: str, alt: str) -> int | None:
    """Draw a table and return the place of the row that was clicked."""
    picked = _draw(frame, columns, key, alt, ["single-cell"], None)
    return _clicked(picked, len(frame))


def choose(
    frame: pd.DataFrame, columns: Columns, key: str, alt: str, ticked: Sequence[int]
) -> tuple[int | None, set[int]]:
    """Draw a table with ticks and return the place of the row that was clicked, and those that are ticked.

    `ticked` are the ticks it starts with; the same key must come with the same ones.
    """
    picked = _draw(frame, columns, key, alt, ["multi-row", "single-cell"], list(ticked))
    return _clicked(picked, len(frame)), set(picked["rows"])


def _draw(
    frame: pd.DataFrame,
    columns: Columns,
    key: str,
    alt: str,
    modes: list[Literal["multi-row", "single-cell"]],
    ticked: list[int] | None,
) -> Mapping[str, Any]:
    event = st.dataframe(
        frame,
        hide_index=True,
        height=ROW * (min(len(frame), MOST_ROWS_HIGH) + 1) + 3,
        row_height=ROW,
        key=key,
        on_select="rerun",
        selection_mode=modes,
        selection_default=None if ticked is None else {"selection": {"rows": ticked, "columns": [], "cells": []}},
        column_config=columns,
        alt=alt,
    )
    return event["selection"]


def _clicked(picked: Mapping[str, Any], rows: int) -> int | None:
    place = picked["cells"][0][0] if picked["cells"] else rows
    return int(place) if place < rows else None
