"""Charts in the colours of the theme. The colour of a state depends on its name, never on its position."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from html import escape
from typing import Any, Literal

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from integration.core.untrusted_text import visible
from pages.components.shared.layout import STATE_STYLES, line_colour, state_word
from pages.components.shared.wording import separators

HEIGHT = 260
WHOLE = ",.12~r"  # number format of D3: all digits, with the separators of the language


OF_ITS_NAME = "<extra>%{fullData.name}</extra>"
LIMIT = "#8A94A0"
LEGEND = {"orientation": "h", "x": 0, "y": 1.08, "yanchor": "bottom"}  # above the highest line, even in two rows
SHORTEST_SCALE = timedelta(hours=1)  # a shorter time axis has no room for labels
BAR_SHARE = 0.7  # share of its period that a bar covers
FEWEST_BARS = 12  # least periods on the axis, so that a few bars stay narrow
STRIPES = {"skipped": "/", "left": "x"}  # these states have the same colour as `unchanged`
ANSWER_HEIGHT = 360
SHORT_DAYS = 9
Bounds = tuple[datetime, datetime]  # begin and end of the time axis

CALM = (0, 4, 8, 6, 7, 9)  # positions of theme colours that no state uses


def colour_placeholder(place: int) -> str:
    """Return the placeholder that Streamlit replaces with the theme colour at this position, counted from 0."""
    return f"#{place + 1:06d}"


COLOURS = [colour_placeholder(place) for place in range(10)]  # the theme has ten


@dataclass(frozen=True, slots=True)
class Limit:
    """A level that a chart marks with a dotted line and a label."""

    level: float
    words: str


def steps(
    frame: pd.DataFrame,
    names: Mapping[str, str],
    ticks: str,
    alt: str,
    limit: Limit | None = None,
    unsure: pd.Timestamp | None = None,
) -> None:
    """Draw levels over time as steps, with one line for each column of `frame`. Its index holds the moments.

    Lines are dotted from `unsure` on, because the levels were not read after that moment.
    """
    figure = go.Figure()
    for place, column in enumerate(frame.columns):
        parts = list(_line_parts(frame[column], unsure))
        for first, (dash, part) in enumerate(parts):
            figure.add_scatter(
                x=part.index,
                y=part,
                name=names.get(column, column),
                mode="lines",
                legendgroup=column,
                connectgaps=True,
                showlegend=not first,
                line={"shape": "hv", "width": 2, "dash": dash, "color": colour_placeholder(place)},
            )
    if limit is not None:
        figure.add_hline(
            y=limit.level,
            line={"dash": "dot", "width": 1, "color": LIMIT},
            annotation_text=limit.words,
            annotation_position="top left",
            annotation_font={"color": LIMIT, "size": 12},
        )
    begin, end = frame.index[0], frame.index[-1]
    if end - begin < SHORTEST_SCALE:
        _over_time(figure, "%H:%M", alt, bounds=(end - SHORTEST_SCALE, end))
    else:
        _over_time(figure, ticks, alt, bounds=(begin, end))


def _line_parts(line: "pd.Series[Any]", unsure: pd.Timestamp | None) -> Iterator[tuple[str, "pd.Series[Any]"]]:
    """Yield the parts of a line with their style: solid up to the moment `unsure`, dotted after it."""
    if unsure is None or unsure >= line.index[-1]:
        yield "solid", line
        return
    at = max(unsure, line.index[0])
    sure_part = line[line.index <= at]
    boundary = pd.Series([sure_part.iloc[-1]], index=[at])
    if at > line.index[0]:
        yield "solid", pd.concat([sure_part, boundary])
    yield "dot", pd.concat([boundary, line[line.index > at]])


def increases_and_decreases(
    frame: pd.DataFrame, names: Mapping[str, str], ticks: str, alt: str, unit: pd.Timedelta
) -> None:
    """Draw increases as bars above the axis and decreases as bars below it, in one colour for each name.

    `frame` has one row for each period and name, with the columns period, origin, rose and fell. `unit` is the length
    of a period.
    """
    figure = go.Figure()
    for place, (name, label) in enumerate(names.items()):
        origin_rows = frame[frame["origin"] == name]
        colour = colour_placeholder(place)
        for sign, column in ((1, "rose"), (-1, "fell")):
            figure.add_bar(
                x=origin_rows["period"],
                y=sign * origin_rows[column],
                name=label,
                legendgroup=name,
                showlegend=sign > 0,
                marker={"color": colour},
                width=BAR_SHARE * unit.total_seconds() * 1000,
            )
    figure.update_layout(barmode="relative")
    last = frame["period"].max() + unit
    figure.update_xaxes(range=[min(frame["period"].min() - unit, last - FEWEST_BARS * unit), last])
    _over_time(figure, ticks, alt)


def _over_time(figure: go.Figure, ticks: str, alt: str, numbers: str = WHOLE, bounds: Bounds | None = None) -> None:
    """Draw a figure with a time axis whose labels have the format `ticks`."""
    if bounds is not None:
        figure.update_xaxes(range=bounds)
    figure.update_layout(
        colorway=COLOURS,
        height=HEIGHT,
        margin={"l": 0, "r": 0, "t": 8, "b": 0},
        hovermode="x unified",
        separators=separators(),
        legend=LEGEND,
        showlegend=True,
        xaxis={"title": None, "type": "date", "tickformat": ticks, "hoverformat": ticks, "nticks": 6},
        yaxis={"title": None, "rangemode": "tozero", "tickformat": numbers, "hoverformat": numbers},
    )
    if bounds is not None and "%H" not in ticks and bounds[1] - bounds[0] < timedelta(days=SHORT_DAYS):
        figure.update_xaxes(dtick=UNITS["day"])  # otherwise Plotly repeats the label of a day
    _draw_figure(figure, alt)


def _draw_figure(figure: go.Figure, alt: str) -> None:
    """Draw a figure after escaping its names and labels, because Plotly interprets HTML tags and entities in them."""
    for drawn in figure.data:
        for name in ("name", "text", "x", "y"):
            drawn[name] = _html_labels(drawn[name])
    for annotation in figure.layout.annotations:
        annotation.text = _html_labels(annotation.text)
    st.plotly_chart(figure, config={"displayModeBar": False}, alt=alt or None)


def _html_labels(labels: Any) -> Any:
    """Return labels with HTML escaped and invisible characters made visible; numbers and moments are unchanged."""
    if isinstance(labels, str):
        return escape(visible(labels), quote=False)
    if labels is None or (getattr(labels, "dtype", None) is not None and labels.dtype.kind in "fiubM"):
        return labels
    return [_html_labels(label) if isinstance(label, str) else label for label in labels]


ANY = ",~g"  # number format of D3: as many decimals as the number has
SHORT = ",.3~f"
UNITS = {"hour": 3_600_000, "day": 86_400_000}  # in milliseconds
WIDEST = 0.7  # share of its hour or day that a bar covers


def results_over_time(
    frame: pd.DataFrame, states: Sequence[str], ticks: str, unit: str, bounds: Bounds, alt: str
) -> None:
    """Draw one stacked bar for each hour or day. `frame` has a column for each result; its index holds the periods."""
    figure = go.Figure()
    for state in states:
        if state in frame and frame[state].sum():
            figure.add_bar(
                x=frame.index,
                y=frame[state],
                name=state_word(state),
                width=WIDEST * UNITS[unit],
                marker={"color": line_colour(STATE_STYLES[state].colour), "pattern": {"shape": STRIPES.get(state, "")}},
            )
    figure.update_layout(barmode="stack")
    _over_time(figure, ticks, alt, bounds=bounds)


def points_over_time(
    frame: pd.DataFrame, names: Mapping[str, str], ticks: str, bounds: Bounds, alt: str, unit: str
) -> None:
    """Draw a point for each row of `frame`, which has the columns at, seconds, flow and label."""
    figure = go.Figure()
    for colour, (flow, name) in zip(CALM, names.items(), strict=False):
        flow_rows = frame[frame["flow"] == flow]
        figure.add_scatter(
            x=flow_rows["at"],
            y=flow_rows["seconds"],
            text=flow_rows["label"],
            name=name,
            mode="markers",
            marker={"color": colour_placeholder(colour), "size": 7, "opacity": 0.8},
            hovertemplate=f"%{{y:,.1f}} {unit} · %{{text}}{OF_ITS_NAME}",
        )
    _over_time(figure, ticks, alt, SHORT, bounds)


def lines_over_time(
    frame: pd.DataFrame, names: Mapping[str, str], ticks: str, bounds: Bounds, alt: str, unit: str
) -> None:
    """Draw a line for each column of `frame`. Its index holds the moments."""
    figure = go.Figure()
    for colour, (flow, name) in zip(CALM, names.items(), strict=False):
        if flow in frame:
            figure.add_scatter(
                x=frame.index,
                y=frame[flow],
                name=name,
                mode="lines+markers",
                connectgaps=True,
                line={"width": 2, "color": colour_placeholder(colour)},
                marker={"size": 5},
                hovertemplate=f"%{{y:,.2f}} {unit}{OF_ITS_NAME}",
            )
    _over_time(figure, ticks, alt, SHORT, bounds)


def answer_chart(
    kind: Literal["bar", "line", "scatter"], at: "pd.Series[Any]", values: Mapping[str, "pd.Series[Any]"], alt: str
) -> None:
    """Draw the result of a query of the log: one series for each name, with `at` on the horizontal axis."""
    figure = go.Figure()
    for name, series in values.items():
        if kind == "bar":
            figure.add_bar(x=at, y=series, name=name)
        else:
            figure.add_scatter(x=at, y=series, name=name, mode="lines" if kind == "line" else "markers")
    continuous = pd.api.types.is_numeric_dtype(at) or pd.api.types.is_datetime64_any_dtype(at)
    figure.update_layout(
        colorway=COLOURS,
        height=ANSWER_HEIGHT,
        margin={"l": 0, "r": 0, "t": 8, "b": 0},
        hovermode="closest" if kind == "scatter" else "x unified",
        separators=separators(),
        showlegend=True,
        legend=LEGEND,
        xaxis={"title": None, **({} if continuous else {"type": "category", "nticks": 20})},
        yaxis={"title": None, "tickformat": ANY, "hoverformat": ANY},
    )
    _draw_figure(figure, alt)
