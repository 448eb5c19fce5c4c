"""One table of states for badges, tables, charts and timelines: colour, icon and sign always stand beside the word."""

from dataclasses import dataclass
from typing import Literal

import streamlit as st

from integration.core.run import RunState, Step
from pages.components.shared.wording import text

Colour = Literal["red", "orange", "yellow", "blue", "green", "violet", "gray"]


@dataclass(frozen=True, slots=True)
class Look:
    """How a state is drawn: colour name, icon, and the sign used where no icon can be."""

    colour: Colour
    icon: str
    sign: str


LOOKS = {
    "proven": Look("green", "check_circle", "✓"),
    "unchanged": Look("gray", "equal", "="),
    "skipped": Look("gray", "skip_next", "»"),
    "parked": Look("orange", "pause_circle", "‖"),
    "in_doubt": Look("violet", "help", "?"),
    "waiting": Look("blue", "approval", "…"),
    "running": Look("blue", "progress_activity", "›"),
    "failed": Look("red", "error", "×"),
    "interrupted": Look("orange", "pause_circle", "‖"),
    "done": Look("green", "check_circle", "✓"),
    "discarded": Look("gray", "block", "–"),
    "left": Look("gray", "remove", "–"),
    "planned": Look("blue", "schedule", "…"),
    "create": Look("green", "add_circle", "+"),
    "update": Look("blue", "edit", "~"),
    "retire": Look("orange", "archive", "−"),
    "skip": Look("gray", "skip_next", "»"),
    "park": Look("orange", "pause_circle", "‖"),
    "brake": Look("orange", "front_hand", "!"),
    "on": Look("green", "check_circle", "✓"),
    "off": Look("gray", "block", "–"),
    "ok": Look("green", "check_circle", "✓"),
    "unknown": Look("gray", "remove", "–"),
}

# Line colours, light and dark, for charts and tags.
COLOURS = {
    "green": ("#00795C", "#3DB893"),
    "gray": ("#66717F", "#94A0AE"),
    "orange": ("#C2610C", "#E58E3C"),
    "violet": ("#9A4FD0", "#A85FF0"),
    "blue": ("#1F4F9E", "#6A9CE8"),
    "red": ("#B4232C", "#E5636B"),
}


def run_state(state: RunState) -> str:
    """Return the state under which a run is shown."""
    at_work = {RunState.PREVIEWING: "running", RunState.COMMITTING: "running", RunState.READY: "waiting"}
    return at_work.get(state, str(state))


def step_state(step: Step) -> str:
    """Return the state under which one change is shown."""
    return "running" if step is Step.SENT else str(step)


def word(state: str) -> str:
    """Return the word of a state."""
    return text(f"badge_{state}")


def tag(state: str) -> str:
    """Return sign and word, for tables that can show no icon."""
    return f"{LOOKS[state].sign} {word(state)}"


def tint(state: str) -> str:
    """Return the ground of a tag: one fifth of the line colour serves light and dark alike."""
    return f"{COLOURS[LOOKS[state].colour][0]}33"


def badge(state: str, label: str = "") -> None:
    """Draw a state by itself."""
    look = LOOKS[state]
    st.badge(label or word(state), icon=f":material/{look.icon}:", color=look.colour)


def inline(state: str, label: str = "") -> str:
    """Return a state for use inside a title or sentence."""
    look = LOOKS[state]
    return f":{look.colour}-badge[:material/{look.icon}: {label or word(state)}]"


def mark(state: str) -> str:
    """Return the icon of a state in its colour."""
    look = LOOKS[state]
    return f":{look.colour}[:material/{look.icon}:]"


def line_colour(colour: str) -> str:
    """Return the line colour of the mode the browser shows."""
    light, dark = COLOURS[colour]
    return dark if st.context.theme.type == "dark" else light
