"""When a flow runs by itself, and what stops its plans until a person has looked."""

from decimal import Decimal
from typing import Any

import streamlit as st

from integration.services import Application
from integration.services.flows import FlowStatus
from pages.components.flows.sections import heading
from pages.components.shared.draft import Draft, toggle
from pages.components.shared.layout import note
from pages.components.shared.wording import (
    counted,
    flow_term,
    flow_text,
    language,
    moment,
    number,
    read_number,
    text,
    typed_text,
)

MOST_MINUTES = 59
LAST_RUNS = 10
# Each brake with its code and the limit it gets when it is switched on again.
BRAKES: dict[str, tuple[str, int]] = {
    "changes": ("brake_changes", 500),
    "changes_percent": ("brake_changes", 10),
    "price_percent": ("brake_price", 25),
    "retirements": ("brake_retirements", 0),
    "zero_percent": ("brake_stock_zero", 25),
    "new_debtors": ("brake_new_debtors", 50),
}


def schedule_tab(draft: Draft, status: FlowStatus) -> None:
    """Draw when the flow runs, and whether it may send by itself."""
    with st.container(border=True, gap="small", width=860):
        heading(text("schedule_title"), "schedule_minutes")
        minutes = st.number_input(
            text("setting_schedule_minutes"),
            1,
            MOST_MINUTES,
            draft.value("schedule_minutes"),
            width=200,
            key=draft.key("schedule_minutes"),
        )
        draft.put("schedule_minutes", int(minutes or 1))
        draft.beside("schedule_minutes")
        if status.flow.by_changes:
            toggle(draft, "nightly_complete", flow_text("nightly_about", draft.flow))
        toggle(draft, "auto_approve", text("auto_approve_about"))
        if status.next_run:
            note(text("schedule_next", moment=moment(status.next_run)))
        else:
            note(text("schedule_off"))


def brakes_tab(app: Application, draft: Draft) -> None:
    """Draw each brake as a sentence with its number; switching one off asks why."""
    stopped = app.flows.stops(draft.flow, LAST_RUNS)
    runs = min(LAST_RUNS, app.runs.count(draft.flow))
    with st.container(border=True, gap="small", width=860, key="rows_brakes"):
        heading(text("nav_brakes"), "brakes")
        note(text("brakes_about"))
        for place, name in enumerate(app.flows.spec(draft.flow).brakes):
            if place:
                st.divider()
            _brake(draft, name, counted("brake_stopped", stopped.get(BRAKES[name][0], 0), runs=runs))
        draft.beside("brakes")


def _brake(draft: Draft, name: str, stopped: str) -> None:
    saved, now = draft.saved["brakes"][name], draft.value(f"brakes.{name}")
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        on = st.toggle(
            text(f"brake_{name}_on"),
            value=now is not None,
            key=draft.key(f"brake-{name}-on"),
            label_visibility="collapsed",
            width=44,
        )
        limit = _limit(draft, name, now, on=on)
        with st.container(width="stretch", gap=None):
            st.markdown(
                text(
                    f"brake_{name}",
                    many=flow_term("many", draft.flow),
                    limit=number(BRAKES[name][1] if limit is None else limit),
                )
            )
            note(stopped if on else text("brake_is_off"))
    draft.put(f"brakes.{name}", limit)
    draft.beside(f"brakes.{name}")
    if saved is not None and not on:
        reason = st.text_input(
            text("brake_reason"), draft.reasons.get(name, ""), key=draft.key(f"brake-{name}-reason"), autocomplete="off"
        )
        draft.reasons[name] = reason or ""
        if (reason or "").strip():
            draft.refused.pop(f"reason.{name}", None)
        draft.beside(f"reason.{name}")
    else:
        draft.reasons.pop(name, None)
        draft.refused.pop(f"reason.{name}", None)


def _limit(draft: Draft, name: str, now: Any, *, on: bool) -> Any:
    """Draw the number of a brake and return it, or None while the brake is off."""
    usual = BRAKES[name][1] if now is None else now
    if name.endswith("percent"):
        limit = _share(draft, name, Decimal(f"{usual:g}"), on=on)
        return limit if on else None
    given = st.number_input(
        text(f"brake_{name}_on"),
        min_value=0,
        value=int(usual),
        step=1,
        key=draft.key(f"brake-{name}"),
        width=130,
        label_visibility="collapsed",
        disabled=not on,
    )
    return int(given or 0) if on else None


def _share(draft: Draft, name: str, usual: Decimal, *, on: bool) -> Decimal:
    """Draw a percentage and return it; what is none leaves the one there was."""
    given = st.text_input(
        text(f"brake_{name}_on"),
        typed_text(usual),
        key=draft.key(f"brake-{name}-{language()}"),
        width=130,
        label_visibility="collapsed",
        disabled=not on,
        icon=":material/percent:",
        autocomplete="off",
    )
    share = read_number(given or "0")
    if share is not None and share >= 0:
        return share
    draft.wrong[f"brakes.{name}"] = text("number_wrong", value=given, example=typed_text(Decimal("12.5")))
    return usual
