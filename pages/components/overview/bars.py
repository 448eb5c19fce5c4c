"""Stacked bars as plain HTML, which the browser shows without loading a chart library."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import count, pairwise

import streamlit as st
from streamlit import config

from integration.core.untrusted_text import visible
from pages.components.shared.layout import STATE_STYLES, line_colour, state_word
from pages.components.shared.wording import number

CALM = (0, 4, 8, 6, 7, 9)  # positions of theme colours that no state uses
ROUND = (1, 2, 5)  # a step of the axis is one of these times a power of ten
MAX_STEPS = 4
EVERY = 3  # only every third bar is labelled, to fit a phone

LabelledCounts = tuple[str, Counter[str]]
"""The label below a bar, and its counts by name."""


@dataclass(frozen=True, slots=True)
class BarPart:
    """A part of every bar: the name of its count, its label and colour."""

    name: str
    label: str
    colour: str


def state_bars(days: Sequence[LabelledCounts], states: Sequence[str], alt: str) -> None:
    """Draw a bar for each day, stacked from its counts by state."""
    _draw(days, [BarPart(state, state_word(state), line_colour(STATE_STYLES[state].colour)) for state in states], alt)


def flow_bars(days: Sequence[LabelledCounts], names: Mapping[str, str], alt: str) -> None:
    """Draw a bar for each day, stacked from its counts by flow, in colours that no state uses."""
    coloured_names = zip(CALM, names.items(), strict=False)
    _draw(days, [BarPart(flow, label, theme_colour(place)) for place, (flow, label) in coloured_names], alt)


def theme_colour(place: int) -> str:
    """Return a chart colour of the theme that the browser shows."""
    return str(config.get_option(f"theme.{st.context.theme.type or 'light'}.chartCategoricalColors")[place])


def scale(highest: int) -> list[int]:
    """Return the values of the grid lines, from 0 to the first step that is not below `highest`."""
    steps = (power * factor for power in (10**digits for digits in count()) for factor in ROUND)
    step = next(candidate for candidate in steps if candidate * MAX_STEPS >= highest)
    return list(range(0, step * max(1, -(-highest // step)) + 1, step))


def _draw(days: Sequence[LabelledCounts], all_parts: Sequence[BarPart], alt: str) -> None:
    parts = [part for part in all_parts if any(counts[part.name] for _, counts in days)]
    columns = [[counts[part.name] for part in parts] for _, counts in days]
    lines = scale(max(map(sum, columns)))
    legend = "".join(f'<li style="--is:{part.colour}">{_html_text(part.label)}</li>' for part in parts)
    ruled = "".join(
        f'<b style="bottom:{_percentage(line, lines[-1])}"><span>{number(line)}</span></b>' for line in lines
    )
    bars = "".join(
        bar(label, column, parts, lines[-1], is_written=place % EVERY == 0)
        for place, ((label, _), column) in enumerate(zip(days, columns, strict=True))
    )
    wide = max(len(number(line)) for line in lines)
    st.html(
        f'<div class="bars" role="img" aria-label="{_html_text(alt)}"><ul>{legend}</ul>'
        f'<div style="margin-left:{wide + 1}ch">{ruled}{bars}</div></div>'
    )


def bar(label: str, counts: Sequence[int], parts: Sequence[BarPart], top: int, *, is_written: bool) -> str:
    """Return one bar as HTML: its height is the total, its parts are colour stops of one gradient."""
    ends = [sum(counts[:place]) for place in range(len(counts) + 1)]
    whole = ends[-1]
    stops = ",".join(
        f"{part.colour} {_percentage(low, whole)} {_percentage(high, whole)}"
        for part, (low, high) in zip(parts, pairwise(ends), strict=True)
        if high > low
    )
    drawn = (
        f'<i style="height:{_percentage(whole, top)};background:linear-gradient(to top,{stops})"></i>' if whole else ""
    )
    labels = [
        label,
        *(f"{part.label} {number(part_count)}" for part, part_count in zip(parts, counts, strict=True) if part_count),
    ]
    below = f"<span>{_html_text(label)}</span>" if is_written else ""
    return f"<div>{drawn}<em>{'<br>'.join(map(_html_text, labels))}</em>{below}</div>"


def _percentage(part: float, whole: float) -> str:
    return f"{100 * part / whole:.4g}%"


def _html_text(words: str) -> str:
    """Return text as HTML with invisible characters made visible."""
    return escape(visible(words))
