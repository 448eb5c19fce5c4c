"""Computes the widths of table columns from their contents, measured in the font of Streamlit's tables."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd
from pandas.api.types import is_list_like

from pages.components.shared.text_width import text_width

ROOM = 1128  # width of a table in pixels on a screen of 1440 pixels
BESIDE = 694  # width of a table beside a detail: five eighths of the page
MIN_PIXELS = 120  # least pixels of a column that is cut
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
    shown_columns = {str(name): columns.get(name) or {} for name in frame.columns if columns.get(name, {}) is not None}
    captions: dict[str, float] = {}
    cells: dict[str, list[float]] = {}
    for name, column in shown_columns.items():
        kind = column.get("type_config") or {}
        if kind.get("type") in DRAWN:
            room -= column.get("width") or 0
            continue
        captions[name] = text_width(column.get("label") or name) + 2 * PADDING + (PENCIL if edited else 0)
        labels = {option["value"]: option.get("label") or option["value"] for option in kind.get("options") or ()}
        cells[name] = sorted(_cell(cell, labels, write.get(name, str)) for cell in frame[name].head(LOOKED_AT)) or [0]
        if kind.get("type") == "multiselect":  # a badge cannot be cut
            captions[name] = max(captions[name], cells[name][-1])
    widths_needed = _widths_by_share(cells, captions, room)
    longest = _maximum_width(widths_needed, captions, room)
    widths = {name: round(max(captions[name], min(width, longest))) + 2 for name, width in widths_needed.items()}
    return {**columns, **{name: {**shown_columns[name], "width": width} for name, width in widths.items()}}


def _cell(value: Any, labels: Mapping[Any, str], write: Callable[[Any], str]) -> float:
    if is_list_like(value):  # a list is drawn as badges
        return sum(text_width(str(labels.get(code, code))) + 2 * PADDING + GAP for code in value) + 2 * PADDING
    if value is None or pd.isna(value):
        return 0
    return text_width(str(labels[value]) if value in labels else write(value)) + 2 * PADDING


def _widths_by_share(cells: Mapping[str, Sequence[float]], least: Mapping[str, float], room: float) -> dict[str, float]:
    """Return column widths within `room` that show the largest possible share of rows (see `SHARES`) uncut."""
    widths_needed: dict[str, float] = {}
    for share in SHARES:
        widths_needed = {
            name: max(least[name], _share_width(cell_widths, share)) for name, cell_widths in cells.items()
        }
        if sum(widths_needed.values()) <= room:
            break
    remaining = room - sum(widths_needed.values())
    missing = {name: cell_widths[-1] - widths_needed[name] for name, cell_widths in cells.items()}
    for name in sorted(
        missing, key=lambda column: missing[column]
    ):  # the remaining width goes to the smallest gaps first
        more = min(max(0, missing[name]), max(0, remaining))
        widths_needed[name] += more
        remaining -= more
    return widths_needed


def _share_width(cells: Sequence[float], share: float) -> float:
    """Return the width that shows a share of the rows whole; a column narrower than `MIN_PIXELS` is never cut."""
    return max(cells[round((len(cells) - 1) * share)], min(cells[-1], MIN_PIXELS))


def _maximum_width(widths_needed: Mapping[str, float], least: Mapping[str, float], room: float) -> float:
    """Return the maximum column width at which all columns fit into `room`. Narrow columns keep their width."""
    high, low = max(widths_needed.values(), default=0.0), float(MIN_PIXELS)
    if sum(widths_needed.values()) <= room:
        return high
    while high - low > 1:
        middle = (high + low) / 2
        fits = sum(max(least[name], min(width, middle)) for name, width in widths_needed.items()) <= room
        low, high = (middle, high) if fits else (low, middle)
    return low
