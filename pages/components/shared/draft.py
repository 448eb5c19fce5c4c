"""Unsaved changes of settings, and the bar that saves them."""

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
from pages.components.shared.wording import (
    Markdown,
    expected_value,
    language,
    listed,
    moment,
    plain,
    quantity_text,
    text,
)


class Edits:
    """Unsaved changes by name, and the reasons why values were refused."""

    def __init__(self, session_draft: dict[str, Any]) -> None:
        """Load the changes that the session state holds."""
        self.changed: dict[str, Any] = session_draft["changed"]
        self.refused: dict[str, str] = session_draft["refused"]
        self.kept = session_draft

    def record(self, name: str, value: object, saved: object) -> None:
        """Record a value from the screen. A value that equals the saved one is removed from the changes."""
        if value == self.changed.get(name, saved):
            return
        self.refused.pop(name, None)
        if value == saved:
            self.changed.pop(name, None)
        else:
            self.changed[name] = value

    def recreate_widgets(self) -> None:
        """Recreate the widgets from the recorded changes, because table rows were added or removed."""
        self.kept["round"] += 1

    def forget(self) -> None:
        """Discard every change."""
        self.changed.clear()
        self.refused.clear()
        self.recreate_widgets()


class SettingsDraft(Edits):
    """The settings of a flow with the unsaved changes of the operator.

    Names are those of the settings; `brakes.changes` is a setting inside another one. Errors are stored by name and
    shown beside the field.
    """

    def __init__(self, app: Application, flow: str, name: str = "draft") -> None:
        """Load the draft of this name. Each page that edits settings has a draft of its own."""
        none = {"changed": {}, "refused": {}, "reasons": {}, "round": 0}
        super().__init__(st.session_state.setdefault(f"{name}-{flow}", none))
        self.flow = flow
        self.saved: Mapping[str, Any] = app.flows.settings(flow).model_dump()
        self.reasons: dict[str, str] = self.kept["reasons"]
        self.wrong: dict[str, str] = {}

    def value(self, name: str) -> Any:
        """Return the value of a setting on screen."""
        top, _, inner = name.partition(".")
        whole = self.changed.get(top, self.saved[top])
        return whole[inner] if inner else whole

    def put(self, name: str, value: object) -> None:
        """Record the value of a setting from the screen."""
        top, _, inner = name.partition(".")
        self.record(top, {**self.value(top), inner: value} if inner else value, self.saved[top])

    def key(self, name: str) -> str:
        """Return the widget key of a setting. The key changes when changes are discarded, which resets the widget."""
        return f"{self.flow}-{name}-{self.kept['round']}"

    def show_error(self, name: str) -> None:
        """Show the error of a setting, if it has one."""
        if message := self.wrong.get(name) or self.refused.get(name):
            note(f":orange[:material/error: {plain(message)}]")

    def brakes_without_reason(self) -> list[str]:
        """Return the brakes that are switched off on screen without a reason."""
        return [brake for brake, reason in self.reasons.items() if not reason.strip()]

    def saved_message(self) -> Markdown:
        """Return the message after saving, once: which settings wait for a second person or could not be checked."""
        unchecked, waiting = self.kept.pop("unchecked", ()), self.kept.pop("waiting", ())
        if waiting:
            return text("saved_waiting", settings=self._names(waiting))
        return text("saved_unchecked", settings=self._names(unchecked)) if unchecked else text("saved")

    def _names(self, names: Collection[str]) -> Markdown:
        return plain(listed([setting_name(self.flow, name, language()) for name in names]))

    def forget(self) -> None:
        """Discard every change and every reason."""
        self.reasons.clear()
        super().forget()


def save_bar(app: Application, draft: SettingsDraft) -> None:
    """Draw the bar with the number of changes and the button that saves them."""
    if not draft.changed:
        if was_pressed(draft.kept, "save"):
            _finish(app, draft)
        return
    status = next(candidate for candidate in app.flows.statuses() if candidate.flow.name == draft.flow)
    effect = text("settings_effect_at", moment=moment(status.next_run)) if status.next_run else text("settings_effect")
    waits = f" {text('settings_plan_waits')}" if status.waiting else ""
    if draft.wrong or draft.refused:  # nothing can be saved before the errors are corrected
        effect, waits = text("settings_wrong"), ""
    by = person()  # read here, because `save` must not use the session, see `save_button`
    with bottom_bar(f"**{quantity_text('settings_changed', len(draft.changed))}** :gray[{effect}{waits}]"):
        if controls.button(text("btn_discard_changes"), type="tertiary", key="discard_changes"):
            draft.forget()
            st.rerun()
        if save_button(text("btn_save_changes"), "save", draft.kept, lambda: _save(app, draft, by)):
            _finish(app, draft)


def _finish(app: Application, draft: SettingsDraft) -> NoReturn:
    st.session_state["said"] = draft.saved_message() if _is_saved(app, draft) else text("settings_wrong")
    st.rerun()


def _save(app: Application, draft: SettingsDraft, by: Actor) -> bool:
    """Save the changes, unless a setting is wrong or a reason is missing. Return whether they were saved."""
    if draft.wrong or draft.brakes_without_reason():
        return False
    if draft.changed:
        change = app.flows.change(draft.flow, draft.changed, by, dict(draft.reasons))
        draft.kept.update(unchecked=change.unchecked, waiting=change.waiting)
        draft.changed.clear()
    return True


def _is_saved(app: Application, draft: SettingsDraft) -> bool:
    """Save the changes and return whether they were saved. Errors are stored beside their fields."""
    draft.refused.update({f"reason.{brake}": text("brake_reason_missing") for brake in draft.brakes_without_reason()})
    try:
        if not _save(app, draft, person()):
            return False
    except IntegrationError as error:
        name = error.facts.get("setting", "").partition(".")[0]
        draft.refused[name] = text("setting_expected", expected=expected_value(error))
        return False
    draft.forget()
    return True


def toggle(draft: SettingsDraft, name: str, about: Markdown = "", label: Markdown = "") -> bool:
    """Draw a setting that is on or off, record its value in the draft, and return the value."""
    caption = label or text(f"setting_{name.replace('.', '_')}")
    on = controls.toggle(caption, value=draft.value(name), key=draft.key(name))
    draft.put(name, on)
    if about:
        note(about)
    draft.show_error(name)
    return bool(on)
