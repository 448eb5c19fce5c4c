"""The timetable of a flow: its input, and its description as a sentence."""

from collections.abc import Mapping
from typing import Any, get_args

import streamlit as st

from integration.core.timetable import HolidayCountry, Timetable
from integration.flows.settings import LONGEST_ROUND
from integration.words.countries import countries
from pages.components.shared import controls
from pages.components.shared.draft import SettingsDraft
from pages.components.shared.layout import small
from pages.components.shared.wording import (
    Markdown,
    capital,
    language,
    listed,
    option_name,
    plain,
    quantity_text,
    term,
    text,
    weekday_names,
    weekdays,
)

HOUR = 60
PARTS = ("begins", "ends", "weekdays", "skipped_holidays")


def calendar_of(draft: SettingsDraft) -> dict[str, Any]:
    """Return the hours and days on which a flow runs, as they are on screen."""
    return {name: draft.value(f"calendar.{name}") for name in PARTS}


def schedule_text(minutes: int, calendar: Mapping[str, Any]) -> Markdown:
    """Return a timetable as a phrase, such as "every 5 minutes between 07:00 and 22:00, not on Sundays"."""
    begins, ends = calendar["begins"], calendar["ends"]
    table = Timetable(minutes, begins, ends)
    rounds = (
        quantity_text("every_minutes", minutes) if minutes % HOUR else quantity_text("every_hours", minutes // HOUR)
    )
    hours = term("timetable_between", begins=plain(f"{begins:%H:%M}"), ends=plain(f"{ends:%H:%M}"))
    whole = rounds if table.all_day else f"{rounds} {hours}"
    names = weekday_names()
    off = [names[day] for day in range(len(names)) if day not in calendar["weekdays"]]
    if country := calendar["skipped_holidays"]:
        off.append(term("timetable_holidays", country=countries(language())[country]))
    rests = term("timetable_not", days=plain(listed(off))) if off else ""
    return f"{whole}, {rests}" if off else whole


def timetable_sentence(draft: SettingsDraft) -> Markdown:
    """Return the timetable on screen as a phrase with a capital."""
    return capital(schedule_text(draft.value("schedule_minutes"), calendar_of(draft)))


def timetable(draft: SettingsDraft) -> None:
    """Draw the inputs for interval, hours and days of a flow, with the resulting sentence."""
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        minutes = controls.number_input(
            text("setting_schedule_minutes"),
            1,
            LONGEST_ROUND,
            draft.value("schedule_minutes"),
            width=200,
            key=draft.key("schedule_minutes"),
        )
        draft.put("schedule_minutes", int(minutes or 1))
        for name in ("begins", "ends"):
            _time(draft, name)
    draft.show_error("schedule_minutes")
    days = controls.pills(
        text("calendar_weekdays"),
        list(range(7)),
        selection_mode="multi",
        default=list(draft.value("calendar.weekdays")),
        format_func=lambda day: plain(weekdays()[day]),
        key=draft.key(f"calendar.weekdays-{language()}"),
    )
    if days:
        draft.put("calendar.weekdays", tuple(sorted(days)))
    else:
        draft.wrong["calendar.weekdays"] = text("calendar_no_day")
    draft.show_error("calendar.weekdays")
    _holidays(draft)
    small(f"**{timetable_sentence(draft)}**")


def _holidays(draft: SettingsDraft) -> None:
    """Draw the input for the country on whose holidays a flow does not run."""
    names, options = countries(language()), get_args(HolidayCountry)
    country = controls.selectbox(
        text("calendar_skipped_holidays"),
        options,
        options.index(draft.value("calendar.skipped_holidays")),
        format_func=option_name(lambda code: names[code] if code else text("calendar_every_holiday")),
        key=draft.key("calendar.skipped_holidays"),
        width=260,
    )
    draft.put("calendar.skipped_holidays", country)


def _time(draft: SettingsDraft, name: str) -> None:
    """Draw the input for the begin or end of the hours in which a flow runs."""
    chosen = controls.time_input(
        text(f"calendar_{name}"),
        draft.value(f"calendar.{name}"),
        key=draft.key(f"calendar.{name}"),
        width=130,
        step=300,
    )
    if chosen is not None:
        draft.put(f"calendar.{name}", chosen)
