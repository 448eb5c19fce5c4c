"""Settings that are changed on screen and not saved yet, and the bar that saves them."""

from collections.abc import Collection, Mapping
from typing import Any, NoReturn

import streamlit as st

from integration.application.application import Application
from integration.core.errors import IntegrationError
from integration.core.people import Actor
from integration.words import setting_name
from pages.components.shared import controls
from pages.components.shared.application import person
from pages.components.shared.layout import bottom_bar, note
from pages.components.shared.saving import save_button, was_pressed
from pages.components.shared.wording import Markdown, counted, language, listed, moment, plain, text, wanted


class Edits:
    """What is changed on screen and not saved yet, by name; what of it was refused is kept with the reason."""

    def __init__(self, kept: dict[str, Any]) -> None:
        """Take up what a session has kept."""
        self.changed: dict[str, Any] = kept["changed"]
        self.refused: dict[str, str] = kept["refused"]
        self.kept = kept

    def take(self, name: str, value: object, saved: object) -> None:
        """Take a value from the screen; what equals the saved one is no change."""
        if value == self.changed.get(name, saved):
            return
        self.refused.pop(name, None)
        if value == saved:
            self.changed.pop(name, None)
        else:
            self.changed[name] = value

    def renew(self) -> None:
        """Draw the widgets anew from what is kept here, because rows came or went."""
        self.kept["round"] += 1

    def forget(self) -> None:
        """Put every change aside."""
        self.changed.clear()
        self.refused.clear()
        self.renew()


class SettingsDraft(Edits):
    """The settings of a flow as the operator has them on screen.

    Names are those of the settings; `brakes.changes` is one setting inside another. What is wrong is kept by name
    and said beside the field.
    """

    def __init__(self, app: Application, flow: str, name: str = "draft") -> None:
        """Take up the draft of this name: what is begun on one page is not mixed with what is begun on another."""
        none = {"changed": {}, "refused": {}, "reasons": {}, "round": 0}
        super().__init__(st.session_state.setdefault(f"{name}-{flow}", none))
        self.flow = flow
        self.saved: Mapping[str, Any] = app.flows.settings(flow).model_dump()
        self.reasons: dict[str, str] = self.kept["reasons"]
        self.wrong: dict[str, str] = {}

    def value(self, name: str) -> Any:
        """Return a setting as it is on screen."""
        top, _, inner = name.partition(".")
        whole = self.changed.get(top, self.saved[top])
        return whole[inner] if inner else whole

    def put(self, name: str, value: object) -> None:
        """Take a setting from the screen."""
        top, _, inner = name.partition(".")
        self.take(top, {**self.value(top), inner: value} if inner else value, self.saved[top])

    def key(self, name: str) -> str:
        """Return the key of the widget of a setting; another one after the changes were put aside."""
        return f"{self.flow}-{name}-{self.kept['round']}"

    def beside(self, name: str) -> None:
        """Say what is wrong with a setting, where something is."""
        if said := self.wrong.get(name) or self.refused.get(name):
            note(f":orange[:material/error: {plain(said)}]")

    def without_reason(self) -> list[str]:
        """Return the brakes that are switched off on screen and lack the reason why."""
        return [brake for brake, reason in self.reasons.items() if not reason.strip()]

    def said_saved(self) -> Markdown:
        """Return what is said once of settings that were saved: which could not be checked, which wait for a person."""
        unchecked, waiting = self.kept.pop("unchecked", ()), self.kept.pop("waiting", ())
        if waiting:
            return text("saved_waiting", settings=self._names(waiting))
        return text("saved_unchecked", settings=self._names(unchecked)) if unchecked else text("saved")

    def _names(self, names: Collection[str]) -> Markdown:
        return plain(listed([setting_name(self.flow, name, language()) for name in names]))

    def forget(self) -> None:
        """Put every change aside, with the reasons that were given for it."""
        self.reasons.clear()
        super().forget()


def save_bar(app: Application, draft: SettingsDraft) -> None:
    """Draw the bar that says what is changed and offers the one button that saves it."""
    if not draft.changed:
        if was_pressed(draft.kept, "save"):
            _finish(app, draft)
        return
    status = next(one for one in app.flows.statuses() if one.flow.name == draft.flow)
    effect = text("settings_effect_at", moment=moment(status.next_run)) if status.next_run else text("settings_effect")
    waits = f" {text('settings_plan_waits')}" if status.waiting else ""
    if draft.wrong or draft.refused:  # nothing takes effect before that is put right
        effect, waits = text("settings_wrong"), ""
    by = person()  # who leaves is known no more
    with bottom_bar(f"**{counted('settings_changed', len(draft.changed))}** :gray[{effect}{waits}]"):
        if controls.button(text("btn_discard_changes"), type="tertiary", key="discard_changes"):
            draft.forget()
            st.rerun()
        if save_button(text("btn_save_changes"), "save", draft.kept, lambda: _save(app, draft, by)):
            _finish(app, draft)


def _finish(app: Application, draft: SettingsDraft) -> NoReturn:
    st.session_state["said"] = draft.said_saved() if _is_saved(app, draft) else text("settings_wrong")
    st.rerun()


def _save(app: Application, draft: SettingsDraft, by: Actor) -> bool:
    """Save what is changed where nothing is wrong with it; tell whether that is so."""
    if draft.wrong or draft.without_reason():
        return False
    if draft.changed:
        change = app.flows.change(draft.flow, draft.changed, by, dict(draft.reasons))
        draft.kept.update(unchecked=change.unchecked, waiting=change.waiting)
        draft.changed.clear()
    return True


def _is_saved(app: Application, draft: SettingsDraft) -> bool:
    """Save what is changed; tell whether it could be, with what is wrong kept beside its field."""
    draft.refused.update({f"reason.{brake}": text("brake_reason_missing") for brake in draft.without_reason()})
    try:
        if not _save(app, draft, person()):
            return False
    except IntegrationError as error:
        name = error.facts.get("setting", "").partition(".")[0]
        draft.refused[name] = text("setting_expected", expected=wanted(error))
        return False
    draft.forget()
    return True


def toggle(draft: SettingsDraft, name: str, about: Markdown = "", label: Markdown = "") -> bool:
    """Draw a setting that is on or off, and take it into the draft."""
    said = label or text(f"setting_{name.replace('.', '_')}")
    on = controls.toggle(said, value=draft.value(name), key=draft.key(name))
    draft.put(name, on)
    if about:
        note(about)
    draft.beside(name)
    return bool(on)
