# ruff: noqa: TID251 - the one place that draws with Plotly
"""Charts in the colours of the theme; state colours go by name, never by order."""

from collections.abc import Mapping

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from pages.components.states import LOOKS, line_colour, word
from pages.components.wording import separators

HEIGHT = 260


FAINT = 0.5
CALM = (0, 4, 8, 6, 7, 9)  # places of the theme's colours that no state has


def state_bars(frame: pd.DataFrame, at: str, states: list[str], every: int = 1) -> None:
    """Draw one stacked bar for each row, a column of `frame` for each state.

    `at` names the labels below the bars, of which each `every`-th is written.
    """
    figure = go.Figure()
    for state in states:
        if state in frame and frame[state].sum():
            figure.add_bar(
                x=frame[at],
                y=frame[state],
                name=word(state),
                marker={"color": line_colour(LOOKS[state].colour), "opacity": FAINT if state == "skipped" else 1},
            )
    figure.update_layout(barmode="stack", xaxis={"dtick": every, "tickangle": 0})
    chart(figure)


def flow_bars(frame: pd.DataFrame, at: str, names: Mapping[str, str], alt: str, every: int = 1) -> None:
    """Draw one stacked bar for each row, a column of `frame` for each flow that has one, in colours of no state."""
    figure = go.Figure()
    for colour, (name, label) in zip(CALM, names.items(), strict=False):
        if name in frame:
            figure.add_bar(x=frame[at], y=frame[name], name=label, marker={"color": stand_in(colour)})
    figure.update_layout(barmode="stack", showlegend=True, xaxis={"dtick": every, "tickangle": 0})
    chart(figure, alt=alt)


def duration_bars(frame: pd.DataFrame, at: str, seconds: str, label: str) -> None:
    """Draw how long each run took."""
    figure = go.Figure()
    figure.add_bar(x=frame[at], y=frame[seconds], name=label)
    chart(figure)


def steps(frame: pd.DataFrame, names: Mapping[str, str], ticks: str, alt: str) -> None:
    """Draw levels over time as steps: a line for each column of `frame`, whose index are the moments."""
    figure = go.Figure()
    for column in frame.columns:
        figure.add_scatter(
            x=frame.index, y=frame[column], name=names.get(column, column), mode="lines",
            line={"shape": "hv", "width": 2}, connectgaps=True,
        )  # fmt: skip
    _over_time(figure, ticks, alt)


def ups_and_downs(frame: pd.DataFrame, names: Mapping[str, str], ticks: str, alt: str) -> None:
    """Draw for each name what rose above the line and what fell below it.

    `frame` has a row for each period and name: period, origin, rose, fell.
    """
    figure = go.Figure()
    for place, (name, label) in enumerate(names.items()):
        mine = frame[frame["origin"] == name]
        colour = stand_in(place)
        for sign, column in ((1, "rose"), (-1, "fell")):
            figure.add_bar(
                x=mine["period"], y=sign * mine[column], name=label, legendgroup=name, showlegend=sign > 0,
                marker={"color": colour},
            )  # fmt: skip
    figure.update_layout(barmode="relative", bargap=0.3)
    _over_time(figure, ticks, alt)


def stand_in(place: int) -> str:
    """Return the mark that Streamlit replaces by the theme's colour of this place, from 0 on."""
    return f"#{place + 1:06d}"


def _over_time(figure: go.Figure, ticks: str, alt: str) -> None:
    """Draw a figure whose labels below are moments, written by the pattern `ticks`."""
    figure.update_layout(
        colorway=[stand_in(place) for place in range(10)],
        height=HEIGHT,
        margin={"l": 0, "r": 0, "t": 8, "b": 0},
        hovermode="x unified",
        separators=separators(),
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
        showlegend=True,
        xaxis={"title": None, "type": "date", "tickformat": ticks, "hoverformat": ticks, "nticks": 8},
        yaxis={"title": None, "rangemode": "tozero"},
    )
    st.plotly_chart(figure, config={"displayModeBar": False}, alt=alt)


def chart(figure: go.Figure, height: int = HEIGHT, alt: str = "") -> None:
    """Draw a figure in the console's manner: the theme's ten colours, a legend above, no tools."""
    figure.update_layout(
        colorway=[f"#{place:06d}" for place in range(1, 11)],  # stand-ins: Streamlit puts the theme's ten colours there
        height=height,
        margin={"l": 0, "r": 0, "t": 8, "b": 0},
        hovermode="x unified",
        separators=separators(),
        legend_title_text=None,
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
        bargap=max(0.3, 1 - len(figure.data[0].x) / 12) if figure.data else 0.3,  # few bars stay slim
        xaxis={"title": None, "type": "category"},
        yaxis={"title": None, "rangemode": "tozero"},
    )
    st.plotly_chart(figure, config={"displayModeBar": False}, alt=alt or None)
