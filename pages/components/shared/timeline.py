"""Timelines of events, newest first: grouped by day, each with time, icon and sentence."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pandas as pd
import streamlit as st

from integration.application.application import Application
from integration.flows.registry import FLOWS
from integration.services.log.log import Log
from integration.services.log.search import caption_of
from integration.words import has_sentences, has_term
from pages.components.shared.application import may, refreshing
from pages.components.shared.layout import answer_or_error, note, small
from pages.components.shared.wording import (
    Markdown,
    amount_text,
    author_name,
    cause_headline,
    clock_time,
    field_name,
    number,
    plain,
    quantity_text,
    records_of,
    say,
    short_day,
    span,
    struck,
    term,
    text,
    value_text,
)

_STYLES = {
    "proven": ("green", "verified"),
    "accepted": ("violet", "done"),
    "sent": ("blue", "send"),
    "in_doubt": ("violet", "help"),
    "parked": ("orange", "pause_circle"),
    "matched": ("green", "link"),
    "planned": ("gray", "rule"),
    "setting_changed": ("blue", "tune"),
    "table_changed": ("blue", "table_rows"),
    "mapping_published": ("blue", "account_tree"),
    "brake_switched_off": ("orange", "front_hand"),
    "change_requested": ("orange", "group"),
    "change_approved": ("blue", "group"),
    "change_rejected": ("gray", "group"),
    "planned_again": ("gray", "replay"),
    "skipped": ("gray", "skip_next"),
    "left": ("gray", "remove"),
    "left_out": ("gray", "remove"),
    "taken_in": ("gray", "add"),
    "unchanged": ("gray", "equal"),
    "approved": ("blue", "approval"),
    "run_started": ("gray", "play_arrow"),
    "plan_ready": ("gray", "difference"),
    "read": ("gray", "download"),
    "run_done": ("gray", "done"),
    "run_failed": ("red", "error"),
    "run_held": ("orange", "hourglass_empty"),
    "run_went_on": ("gray", "play_arrow"),
    "run_interrupted": ("orange", "pause_circle"),
    "run_discarded": ("gray", "block"),
    "plan_noted": ("gray", "comment"),
    "stop_asked": ("gray", "stop_circle"),
    "round_missed": ("orange", "event_busy"),
    "issue_closed": ("green", "task_alt"),
    "issue_dismissed": ("gray", "inventory_2"),
    "issue_reopened": ("orange", "undo"),
    "linked_by_hand": ("blue", "link"),
    "conflict_settled": ("blue", "compare_arrows"),
    "identity_decided": ("blue", "how_to_reg"),
    "customers_merged": ("blue", "merge"),
    "customers_separated": ("blue", "call_split"),
    "customer_pair_dismissed": ("gray", "group_remove"),
    "customer_pair_proposed_again": ("orange", "undo"),
    "found_by_hand": ("violet", "link"),
    "not_there": ("blue", "replay"),
}
GOOD = ("planned", "sent", "proven")  # steps of a write that are folded into one if all succeeded


SETTING = "setting_changed"
SHOWN_VALUES = 4
REFRESH_SECONDS = 5
MAX_DRAWN = 200
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_FIGURE = re.compile(r"-?\d{1,12}(\.\d+)?")
_SWITCHED = {"true": "yes", "false": "no", "null": "badge_off"}  # values of settings that are switches or empty
_COUNTED = ("price", "amount", "quantity", "sold", "booked", "percent", "cost")

Happened = Mapping[str, Any]  # one event of the log, by column name


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One line of a timeline: its title, the lines below it, and its events, newest first."""

    at: datetime
    event: str
    title: str
    lines: Sequence[Markdown] = field(default_factory=list)
    events: Sequence[Happened] = field(default_factory=list)


def draw_timeline(entries: Sequence[TimelineEntry], name: str, *, details: bool = False) -> TimelineEntry | None:
    """Draw a timeline, newest first. With `details`, return the entry whose details button was pressed."""
    chosen_entry: TimelineEntry | None = None
    with st.container(border=True, gap="small", key=f"timeline-{name}"):
        if not entries:
            note(text("events_none"))
        day = ""
        for place, timeline_entry in enumerate(entries):
            if short_day(timeline_entry.at) != day:
                day = short_day(timeline_entry.at)
                note(f"**{day}**")
            if _line(timeline_entry, f"details-{place}" if details else ""):
                chosen_entry = timeline_entry
    return chosen_entry


def _line(timeline_entry: TimelineEntry, details: str) -> bool:
    """Draw one line. Return whether its details button, which has the key `details`, was pressed."""
    colour, icon = _STYLES.get(timeline_entry.event, ("gray", "circle"))
    with st.container(horizontal=True, gap="xsmall", wrap=False):
        st.markdown(f":small[:gray[{clock_time(timeline_entry.at)}]]", width=62)
        st.markdown(f":{colour}[:material/{icon}:]", width=20)
        with st.container(width="stretch", gap=None):
            small(f"**{plain(timeline_entry.title)}**")
            for line in timeline_entry.lines:
                note(line)
        return bool(details) and st.button(
            text("btn_details"), icon=":material/data_object:", type="tertiary", key=details
        )


@refreshing(REFRESH_SECONDS)
def run_timeline(app: Application, run_id: str) -> None:
    """Draw the events of a run as a whole, newest first. The events of its records are in the log."""
    events = answer_or_error(lambda: app.log.of_run(run_id)) if may(Log.of_run) else None
    if events is None:
        return
    draw_timeline([entry(event) for event in rows_of(events.head(MAX_DRAWN))], "run")
    if len(events) > MAX_DRAWN:
        note(text("events_more", number=len(events) - MAX_DRAWN))
    if len(events):
        note(text("events_of_run"))


def rows_of(events: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a table by column name."""
    return [{str(name): value for name, value in row.items()} for row in events.to_dict("records")]


def entry(event: Happened) -> TimelineEntry:
    return TimelineEntry(event_moment(event), str(event["event"]), event_title(event), _event_lines(event), [event])


def fold_steps(entries: Sequence[TimelineEntry]) -> list[TimelineEntry]:
    """Return the entries with the steps of each record in a run folded into one entry, if all steps succeeded."""
    steps: dict[tuple[str, ...], list[Happened]] = {}
    for timeline_entry in entries:
        steps.setdefault(_step_of(timeline_entry), []).extend(timeline_entry.events)
    well = {step for step, events in steps.items() if {event["event"] for event in events} == set(GOOD)}
    return [
        _combined_entry(timeline_entry, steps[_step_of(timeline_entry)])
        if timeline_entry.event == "proven"
        else timeline_entry
        for timeline_entry in entries
        if _step_of(timeline_entry) not in well or timeline_entry.event == "proven"
    ]


def _step_of(timeline_entry: TimelineEntry) -> tuple[str, ...]:
    return tuple(str(timeline_entry.events[0][name]) for name in ("run", "kind", "key"))


def _combined_entry(timeline_entry: TimelineEntry, events: Sequence[Happened]) -> TimelineEntry:
    """Return the entry of several steps, with the planned change, the number of steps and their duration below."""
    planned = next((event for event in events if event["event"] == "planned"), None)
    if planned is None or len(events) < len(GOOD):
        return timeline_entry
    steps, took = quantity_text("history_step", len(events)), timeline_entry.events[0].get("ms")
    if took is not None and pd.notna(took):
        steps = f"{steps}, {span(float(took) / 1000)}"
    return TimelineEntry(
        timeline_entry.at, timeline_entry.event, timeline_entry.title, [*_event_lines(planned), steps], events
    )


def event_moment(event: Happened) -> datetime:
    at = pd.Timestamp(event["happened_at"])
    event_time: datetime = (at.tz_localize("UTC") if at.tz is None else at).to_pydatetime()
    return event_time


def event_title(event: Happened) -> str:
    """Return the title of an event: what happened, followed by its cause or state."""
    title = event_name(str(event["event"]))
    code = str(event.get("code") or "")
    if has_sentences(code):
        return f"{title}: {cause_headline(code, _facts(event))}"
    return f"{title} · {term(f'badge_{code}')}" if has_term(f"badge_{code}") else title


def _facts(event: Happened) -> Mapping[str, str]:
    """Return the facts of an event. If they name no system, it is the target of the event's flow."""
    spec = FLOWS.get(str(event.get("flow") or ""))
    return {**({"system": spec.flow.target} if spec else {}), **texts_of(event.get("facts"))}


def event_name(event: str) -> str:
    """Return the name of an event, without its reason."""
    return text(f"event_{event}") if has_term(f"event_{event}") else event.replace("_", " ")


def event_reason(event: Happened) -> str:
    """Return the reason of an event, or what it changed, as one line of plain text."""
    code = str(event.get("code") or "")
    if has_sentences(code):
        return cause_headline(code, _facts(event))
    phrases = [text(f"badge_{code}")] if has_term(f"badge_{code}") else []
    phrases += [
        f"{_name_of(event, path)} {old} → {new}" if old else f"{_name_of(event, path)} {new}"
        for path, old, new in changed_values(event)[:2]
    ]
    phrases += _fact_texts(event)
    return " · ".join(phrases)


def changed_values(event: Happened) -> list[tuple[str, str, str]]:
    """Return the fields that an event changed: path, old and new value."""
    before, after = texts_of(event.get("before")), texts_of(event.get("after"))

    def as_read(path: str, value: str) -> str:
        is_switch = event["event"] == SETTING and value in _SWITCHED
        return term(_SWITCHED[value]) if is_switch else logged_value(path, value)

    return [
        (path, as_read(path, before.get(path, "")), as_read(path, value))
        for path, value in after.items()
        if value and value != before.get(path)
    ]


def _name_of(event: Happened, path: str) -> str:
    """Return the caption of a changed value: that of the setting or that of the field."""
    if event["event"] == SETTING:
        term_keys = (
            caption_of(str(event["key"]).removeprefix("flow:"), path),
            f"brake_{path.removeprefix('brakes.')}_on",
        )
        term_key = next(filter(has_term, (*term_keys, path.replace(".", "_"))), "")
        if term_key:
            return text(term_key)
    return field_name(path if "." in path else f"{event['kind']}.{path}")


def logged_value(path: str, value: str) -> str:
    """Return a value of the log in the notation of the session's language."""
    if value in ("yes", "no"):
        return term(value)
    if _DAY.fullmatch(value):
        return value_text(date.fromisoformat(value))
    if _FIGURE.fullmatch(value) and any(part in path.rpartition("/")[2] for part in _COUNTED):
        return amount_text(Decimal(value)) if "." in value else number(Decimal(value))
    return value


def _event_lines(event: Happened) -> list[Markdown]:
    lines = []
    if event["event"] == "run_went_on" and pd.notna(event.get("ms")):
        lines.append(text("waited_only", span=span(float(event["ms"]) / 1000)))
    changed = [
        f"{plain(_name_of(event, path))} {f'{struck(old)} ' if old else ''}**{plain(new)}**"
        for path, old, new in changed_values(event)
    ]
    if changed:
        more = f" · +{len(changed) - SHOWN_VALUES}" if len(changed) > SHOWN_VALUES else ""
        lines.append(" · ".join(changed[:SHOWN_VALUES]) + more)
    fact_texts = list(map(plain, _fact_texts(event)))
    code = str(event.get("code") or "")
    if has_sentences(code):
        sentence = say(code, _facts(event)).problem
        lines += [plain(sentence)] if sentence.removesuffix(".") != cause_headline(code, _facts(event)) else []
    elif fact_texts:
        lines.append(" · ".join(fact_texts))
    return lines


_FACT_NAMES = (
    "by",
    "reason",
    "note",
    "mode",
    "records",
    "changes",
    "read_count",
    "planned",
    "proven",
    "accepted",
    "in_doubt",
    "unchanged",
    "skipped",
    "parked",
    "reference",
    "version",
)


def _fact_texts(event: Happened) -> list[str]:
    """Return the facts of an event with their captions, without counts of zero."""
    facts = texts_of(event.get("facts"))
    return [_fact_text(event, name, facts[name]) for name in _FACT_NAMES if facts.get(name, "") not in ("", "0")]


def _fact_text(event: Happened, name: str, fact: str) -> str:
    """Return a fact with its caption. A number of records is followed by their kind."""
    stage, spec = texts_of(event.get("facts")).get("stage", ""), FLOWS.get(str(event["flow"]))
    if name == "records" and spec is not None and stage in spec.flow.order:
        return records_of(str(spec.flow.stage(stage).source), int(fact))
    return f"{text(f'fact_{name}')}: {_fact_value(name, fact)}"


def _fact_value(name: str, fact: str) -> str:
    if name == "by":
        return author_name(fact)
    return term(f"mode_{fact}") if name == "mode" and has_term(f"mode_{fact}") else fact


def texts_of(stored_facts: object) -> dict[str, str]:
    """Return facts or values of the log, which are a mapping or its JSON text."""
    if isinstance(stored_facts, str) and stored_facts:
        stored_facts = json.loads(stored_facts)
    return {str(name): str(value) for name, value in stored_facts.items()} if isinstance(stored_facts, Mapping) else {}
