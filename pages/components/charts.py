# ruff: noqa: TID251 - the one place that draws with Plotly
"""Charts in the colours of the theme; state colours go by name, never by order."""

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from pages.components.states import LOOKS, line_colour, word

HEIGHT = 260


FAINT = 0.5


def state_bars(frame: pd.DataFrame, at: str, states: list[str]) -> None:
    """Draw one stacked bar for each row, a column of `frame` for each state; `at` names the labels below the bars."""
    figure = go.Figure()
    for state in states:
        if state in frame and frame[state].sum():
            figure.add_bar(
                x=frame[at],
                y=frame[state],
                name=word(state),
                marker={"color": line_colour(LOOKS[state].colour), "opacity": FAINT if state == "skipped" else 1},
            )
    figure.update_layout(barmode="stack")
    chart(figure)


def duration_bars(frame: pd.DataFrame, at: str, seconds: str, label: str) -> None:
    """Draw how long each run took."""
    figure = go.Figure()
    figure.add_bar(x=frame[at], y=frame[seconds], name=label)
    chart(figure)


def chart(figure: go.Figure, height: int = HEIGHT) -> None:
    """Draw a figure in the console's manner: the theme's ten colours, a legend above, no tools."""
    figure.update_layout(
        colorway=[f"#{place:06d}" for place in range(1, 11)],  # stand-ins: Streamlit puts the theme's ten colours there
        height=height,
        margin={"l": 0, "r": 0, "t": 8, "b": 0},
        hovermode="x unified",
        legend_title_text=None,
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
        bargap=max(0.3, 1 - len(figure.data[0].x) / 12) if figure.data else 0.3,  # few bars stay slim
        xaxis={"title": None, "type": "category"},
        yaxis={"title": None, "rangemode": "tozero"},
    )
    st.plotly_chart(figure, config={"displayModeBar": False})
