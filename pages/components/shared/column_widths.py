"""Computes the widths of table columns from their contents, measured in the font of Streamlit's tables."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd
from pandas.api.types import is_list_like

from pages.components.shared.text_width import text_width

ROOM = 1128  # width of a table in pixels on a screen of 1440 pixels
BESIDE = 694  # width of a table beside a detail: five eighths of the page
LEAST = 120  # least pixels of a column that is cut
SHARES = (1, 0.95, 0.9, 0.75)  # shares of the rows that are shown whole; the first share that fits is used
PADDING = 8  # pixels at each side of a cell, and inside a badge
GAP = 4  # pixels between two badges
PENCIL = 28  # pixels of the pencil icon beside the caption of an editable column
LOOKED_AT = 500  # rows that are measured; a person further down has scrolled
DRAWN = ("area_chart", "line_chart", "bar_chart", "progress", "image", "checkbox")  # column types without text


def fit_columns(
    frame: pd.DataFrame,
    columns: Mapping[str, Any],
    write: Mapping[Any, Callable[[Any], str]],
    *,
    room: int = ROOM,
    edited: bool = False,
) -> dict[str, Any]:
    """Return the column configuration of a table with a width for each column, so that its widest text fits.

    If the columns do not fit into `room` pixels, values that only a few rows need are cut first, then the widest
    columns, because a table that scrolls hides its last columns. Streamlit distributes the remaining width. `write` has
    the formatter of each column.
    """
    shown = {str(name): columns.get(name) or {} for name in frame.columns if columns.get(name, {}) is not None}
    captions: dict[str, float] = {}
    cells: dict[str, list[float]] = {}
    for name, column in shown.items():
        kind = column.get("type_config") or {}
        if kind.get("type") in DRAWN:
            room -= column.get("width") or 0
            continue
        captions[name] = text_width(column.get("label") or name) + 2 * PADDING + (PENCIL if edited else 0)
        labels = {one["value"]: one.get("label") or one["value"] for one in kind.get("options") or ()}
        cells[name] = sorted(_cell(one, labels, write.get(name, str)) for one in frame[name].head(LOOKED_AT)) or [0]
        if kind.get("type") == "multiselect":  # a badge cannot be cut
            captions[name] = max(captions[name], cells[name][-1])
    needed = _of_most_rows(cells, captions, room)
    most = _longest(needed, captions, room)
    widths = {name: round(max(captions[name], min(width, most))) + 2 for name, width in needed.items()}
    return {**columns, **{name: {**shown[name], "width": width} for name, width in widths.items()}}


def _cell(value: Any, labels: Mapping[Any, str], write: Callable[[Any], str]) -> float:
    if is_list_like(value):  # a list is drawn as badges
        return sum(text_width(str(labels.get(one, one))) + 2 * PADDING + GAP for one in value) + 2 * PADDING
    if value is None or pd.isna(value):
        return 0
    return text_width(str(labels[value]) if value in labels else write(value)) + 2 * PADDING


def _of_most_rows(cells: Mapping[str, Sequence[float]], least: Mapping[str, float], room: float) -> dict[str, float]:
    """Return the column widths at which the largest share of `SHARES` that fits into `room` is shown whole."""
    needed: dict[str, float] = {}
    for share in SHARES:
        needed = {name: max(least[name], _of_share(mine, share)) for name, mine in cells.items()}
        if sum(needed.values()) <= room:
            break
    left = room - sum(needed.values())
    missing = {name: mine[-1] - needed[name] for name, mine in cells.items()}
    for name in sorted(missing, key=lambda one: missing[one]):  # the remaining width goes to the smallest gaps first
        more = min(max(0, missing[name]), max(0, left))
        needed[name] += more
        left -= more
    return needed


def _of_share(cells: Sequence[float], share: float) -> float:
    """Return the width at which a share of the rows is shown whole; a column narrower than `LEAST` is never cut."""
    return max(cells[round((len(cells) - 1) * share)], min(cells[-1], LEAST))


def _longest(needed: Mapping[str, float], least: Mapping[str, float], room: float) -> float:
    """Return the maximum column width at which all columns fit into `room`. Narrow columns keep their width."""
    high, low = max(needed.values(), default=0.0), float(LEAST)
    if sum(needed.values()) <= room:
        return high
    while high - low > 1:
        middle = (high + low) / 2
        fits = sum(max(least[name], min(width, middle)) for name, width in needed.items()) <= room
        low, high = (middle, high) if fits else (low, middle)
    return low
