"""Changed settings of a flow that are not saved yet: collected over all tabs, saved with one button."""

import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import pandas as pd
import streamlit as st

from integration.core.errors import IntegrationError
from integration.services import Application
from pages.components.shared.application import person
from pages.components.shared.layout import answered, bottom_bar, note
from pages.components.shared.tables import ROW, Columns
from pages.components.shared.wording import counted, moment, plain, text, wanted

ASKED_SECONDS = 60

T = TypeVar("T")


class Draft:
    """The settings of a flow as the operator has them on screen.

    Names are those of the settings; `brakes.changes` is one setting inside another. What is wrong is kept by name
    and said beside the field.
    """

    def __init__(self, app: Application, flow: str, name: str = "draft") -> None:
        """Take up the draft of this name: what is begun on one page is not mixed with what is begun on another."""
        none = {"changed": {}, "refused": {}, "reasons": {}, "round": 0}
        kept = st.session_state.setdefault(f"{name}-{flow}", none)
        self.flow = flow
        self.saved: Mapping[str, Any] = app.flows.settings(flow).model_dump()
        self.changed: dict[str, Any] = kept["changed"]
        self.refused: dict[str, str] = kept["refused"]
        self.reasons: dict[str, str] = kept["reasons"]
        self.wrong: dict[str, str] = {}
        self._kept = kept

    def value(self, name: str) -> Any:
        """Return a setting as it is on screen."""
        top, _, inner = name.partition(".")
        whole = self.changed.get(top, self.saved[top])
        return whole[inner] if inner else whole

    def put(self, name: str, value: object) -> None:
        """Take a setting from the screen; what equals the saved one is no change."""
        top, _, inner = name.partition(".")
        whole = {**self.value(top), inner: value} if inner else value
        if whole == self.changed.get(top, self.saved[top]):
            return
        self.refused.pop(top, None)
        if whole == self.saved[top]:
            self.changed.pop(top, None)
        else:
            self.changed[top] = whole

    def key(self, name: str) -> str:
        """Return the key of the widget of a setting; another one after the changes were put aside."""
        return f"{self.flow}-{name}-{self._kept['round']}"

    def beside(self, name: str) -> None:
        """Say what is wrong with a setting, where something is."""
        if said := self.wrong.get(name) or self.refused.get(name):
            note(f":orange[:material/error: {plain(said)}]")

    def renew(self) -> None:
        """Draw the widgets anew from the draft, because rows came or went."""
        self._kept["round"] += 1

    def forget(self) -> None:
        """Put every change aside."""
        self.changed.clear()
        self.refused.clear()
        self.reasons.clear()
        self.renew()


def save_bar(app: Application, draft: Draft) -> None:
    """Draw the bar that says what is changed and offers the one button that saves it."""
    if not draft.changed:
        return
    status = next(one for one in app.flows.statuses() if one.flow.name == draft.flow)
    effect = text("settings_effect_at", moment=moment(status.next_run)) if status.next_run else text("settings_effect")
    waits = f" {text('settings_plan_waits')}" if status.waiting else ""
    with bottom_bar(f"**{counted('settings_changed', len(draft.changed))}** :gray[{effect}{waits}]"):
        if st.button(text("btn_discard_changes"), type="tertiary", key="discard_changes"):
            draft.forget()
            st.rerun()
        if st.button(text("btn_save_changes"), type="primary", icon=":material/save:", key="save"):
            st.session_state["said"] = text("saved" if _is_saved(app, draft) else "settings_wrong")
            st.rerun()


def _is_saved(app: Application, draft: Draft) -> bool:
    """Save what is changed; tell whether it could be, with what is wrong kept beside its field."""
    missing = [brake for brake, reason in draft.reasons.items() if not reason.strip()]
    draft.refused.update({f"reason.{brake}": text("brake_reason_missing") for brake in missing})
    if draft.wrong or missing:
        return False
    try:
        app.flows.change(draft.flow, draft.changed, person(), dict(draft.reasons))
    except IntegrationError as error:
        name = error.facts.get("setting", "").partition(".")[0]
        draft.refused[name] = text("setting_expected", expected=wanted(error))
        return False
    draft.forget()
    return True


def show_toast() -> None:
    """Say briefly what the last button did, once."""
    if words := st.session_state.pop("said", ""):
        st.toast(words)


def asked(app: Application, name: str, ask: Callable[[], T]) -> T | None:
    """Return what a live system answers, asked again after a minute; what stands in the way is shown instead."""
    kept: dict[str, tuple[float, T]] = st.session_state.setdefault("asked", {})
    whole = f"{'sandbox' if app.sandbox.is_connected else 'real'} {name}"
    at, found = kept.get(whole, (0.0, None))
    if found is None or time.monotonic() - at > ASKED_SECONDS:
        with st.spinner(text("asking_systems")):
            found = answered(ask)
        if found is not None:
            kept[whole] = (time.monotonic(), found)
    return found


def editor(key: str, frame: pd.DataFrame, columns: Columns, alt: str, **more: Any) -> pd.DataFrame:
    """Draw a table that can be edited and return it as it is on screen.

    What it starts with stays the same while it is on screen: another table would throw away what was typed.
    """
    if key not in st.session_state:
        st.session_state[f"base-{key}"] = frame
    edited: pd.DataFrame = st.data_editor(
        st.session_state.get(f"base-{key}", frame),
        key=key,
        column_config=columns,
        hide_index=True,
        row_height=ROW,
        alt=alt,
        **more,
    )
    return edited


def toggle(draft: Draft, name: str, about: str = "", label: str = "") -> bool:
    """Draw a setting that is on or off, and take it into the draft."""
    said = label or text(f"setting_{name.replace('.', '_')}")
    on = st.toggle(said, value=draft.value(name), key=draft.key(name))
    draft.put(name, on)
    if about:
        note(about)
    draft.beside(name)
    return bool(on)
