"""What happened, newest first: per day, with time, icon and a sentence."""

# ruff: noqa: TID251 - pages speak to the browser, in tables

import json
from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from integration.bootstrap import Application
from integration.words import has_term, known
from pages.components.layout import note, small
from pages.components.wording import clock_time, field_name, plain, say, short_day, term, text, who

_LOOKS = {
    "proven": ("green", "verified"),
    "sent": ("blue", "send"),
    "in_doubt": ("violet", "help"),
    "parked": ("orange", "pause_circle"),
    "planned": ("gray", "rule"),
    "skipped": ("gray", "skip_next"),
    "left": ("gray", "remove"),
    "unchanged": ("gray", "equal"),
    "approved": ("blue", "approval"),
    "run_started": ("gray", "play_arrow"),
    "plan_ready": ("gray", "difference"),
    "read": ("gray", "download"),
    "run_done": ("green", "check_circle"),
    "run_failed": ("red", "error"),
    "run_interrupted": ("orange", "pause_circle"),
    "run_discarded": ("gray", "block"),
    "issue_closed": ("green", "task_alt"),
}
SHOWN_VALUES = 4
_OF_RUN = "SELECT * FROM events WHERE run = '{run}' AND key = '' ORDER BY happened_at DESC, id DESC"


def timeline(events: pd.DataFrame, limit: int = 200) -> None:
    """Draw events, newest first. `events` is what the log answers: one row each, with the time in UTC."""
    if events.empty:
        with st.container(border=True):
            note(text("events_none"))
        return
    day = ""
    with st.container(border=True, gap="small"):
        for event in rows_of(events.head(limit)):
            at = pd.Timestamp(event["happened_at"])
            moment = (at.tz_localize("UTC") if at.tz is None else at).to_pydatetime()
            if short_day(moment) != day:
                day = short_day(moment)
                note(f"**{day}**")
            colour, icon = _LOOKS.get(str(event["event"]), ("gray", "circle"))
            with st.container(horizontal=True, gap="xsmall"):
                st.markdown(f":small[:gray[{clock_time(moment)}]]", width=62)
                st.markdown(f":{colour}[:material/{icon}:]", width=20)
                with st.container(width="stretch", gap=None):
                    small(f"**{plain(event_title(event))}**")
                    for line in _about(event):
                        note(line)
        if len(events) > limit:
            note(text("events_more", number=len(events) - limit))


@st.fragment(run_every=5)
def run_timeline(app: Application, run_id: str) -> None:
    """Draw what happened to a run as a whole, newest first; what happened to its records is in the log."""
    events = app.logbook.ask(_OF_RUN.format(run=run_id.replace("'", "''")))
    timeline(events)
    if len(events):
        note(text("events_of_run"))


def rows_of(events: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a table by column name."""
    return [{str(name): value for name, value in row.items()} for row in events.to_dict("records")]


def event_title(event: Mapping[str, Any]) -> str:
    """Return the sentence of one event: what happened, and for what stands still, why."""
    key = f"event_{event['event']}"
    title = text(key) if has_term(key) else str(event["event"]).replace("_", " ")
    code = str(event.get("code") or "")
    if known(code):
        return f"{title}: {say(code, _texts(event.get('facts'))).what}"
    return f"{title} · {term(f'badge_{code}')}" if has_term(f"badge_{code}") else title


def _about(event: Mapping[str, Any]) -> list[str]:
    lines = []
    before, after = _texts(event.get("before")), _texts(event.get("after"))
    changed = [
        f"{plain(field_name(path))} ~~{plain(before[path])}~~ **{plain(value)}**"
        if before.get(path)
        else f"{plain(field_name(path))} **{plain(value)}**"
        for path, value in after.items()
        if value and value != before.get(path)
    ]
    if changed:
        more = f" · +{len(changed) - SHOWN_VALUES}" if len(changed) > SHOWN_VALUES else ""
        lines.append(" · ".join(changed[:SHOWN_VALUES]) + more)
    facts = _texts(event.get("facts"))
    told = [f"{plain(text(f'fact_{name}'))}: {plain(_shown(name, facts[name]))}" for name in _TOLD if facts.get(name)]
    if told and not known(str(event.get("code") or "")):
        lines.append(" · ".join(told))
    return lines


_TOLD = ("by", "mode", "records", "changes", "read", "proven", "unchanged", "skipped", "parked", "reference", "version")


def _shown(name: str, fact: str) -> str:
    match name:
        case "by":
            return who(fact)
        case "mode" if has_term(f"mode_{fact}"):
            return term(f"mode_{fact}")
        case _:
            return fact


def _texts(given: object) -> dict[str, str]:
    """Return facts or values as the log keeps them: a mapping, or JSON text of one."""
    if isinstance(given, str) and given:
        given = json.loads(given)
    return {str(name): str(value) for name, value in given.items()} if isinstance(given, Mapping) else {}
