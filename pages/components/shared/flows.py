"""Flows on screen: a card each, what starts a preview, causes and where they are repaired, and changed settings."""

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from integration.core.causes import By, cause
from integration.core.errors import IntegrationError
from integration.core.flow import Flow
from integration.core.issues import CauseGroup
from integration.core.records import Field
from integration.core.run import Mode, PreviewRequest, RunState
from integration.flows.spec import FlowSpec
from integration.services import Application
from integration.services.exceptions import address_of, cause_of
from integration.services.flows import FlowStatus
from integration.words import has_term, told_by
from pages.components.shared.application import person
from pages.components.shared.layout import attempt, badge, bottom_bar, empty, icon_button, inline, note
from pages.components.shared.wording import (
    Markdown,
    counted,
    field_term,
    flow_name,
    flow_term,
    flow_text,
    moment,
    number,
    plain,
    say,
    system_name,
    term,
    text,
    wanted,
    way,
)

CARD = 236


def flow_cards(app: Application) -> None:
    """Draw every flow with its state, its number of the moment, and when it was proven last."""
    with st.grid(4, min_column_width=CARD):
        for status in app.flows.statuses():
            with st.container(border=True, gap="xsmall", height="stretch"):
                _card(app, status)


def _card(app: Application, status: FlowStatus) -> None:
    flow = status.flow
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown(f"**{flow_name(flow.name)}**", width="content")
        badge(_state(status))
    note(way(flow.source, flow.target))
    label, value = _figure(app, status)
    st.metric(label, value)
    next_run = term("flow_next", moment=moment(status.next_run)) if status.next_run else ""
    by_hand = "" if status.on else term("flow_by_hand")
    proof = text("flow_proof", moment=moment(status.last_proof)) if status.last_proof else text("flow_never")
    note(" · ".join(part for part in (proof, next_run, by_hand) if part))
    if status.parked:
        st.markdown(f":small[{inline('parked', counted('parked_short', status.parked))}]")
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="bottom", height="stretch"):
        _card_buttons(app, status)


def _card_buttons(app: Application, status: FlowStatus) -> None:
    """Offer the next step of a flow, and its settings."""
    flow = status.flow.name
    run = status.active or status.waiting
    if run is not None:
        if st.button(
            text("btn_open_preview" if status.waiting else "btn_open_run"), key=f"open-{flow}", type="primary"
        ):
            page = "pages/preview.py" if run.state is not RunState.COMMITTING else "pages/runs.py"
            st.switch_page(page, query_params={"flow": flow, "plan": run.id, "run": run.id})
    elif st.button(
        text("btn_new_preview", flow=flow_term("flow", flow)), icon=":material/difference:", key=f"preview-{flow}"
    ):
        start_preview(app, flow)
    if icon_button("tune", text("btn_to_settings"), f"set-{flow}"):
        st.switch_page("pages/flows.py", query_params={"flow": flow})


def _state(status: FlowStatus) -> str:
    if status.active:
        return "running"
    if status.waiting:
        return "waiting"
    return "on" if status.on else "off"


def _figure(app: Application, status: FlowStatus) -> tuple[Markdown, Markdown]:
    if status.active:
        return text(f"figure_{status.active.phase or 'extract'}"), number(status.active.progress_done)
    if status.waiting:
        changes = app.plans.count(status.waiting.id, "planned")
        return counted("figure_waiting", changes), number(changes)
    if status.last:
        flow = app.flows.as_set(status.flow.name)
        return flow_text("figure_linked", flow.name), number(app.links.count(flow.name, flow.linked))
    return text("figure_never"), "–"


def start_preview(app: Application, flow: str, mode: Mode = Mode.CHANGES) -> None:
    """Start a preview and show it while it is made; a run already at work is shown instead."""
    show_plan(flow, lambda: app.runs.preview(PreviewRequest(flow, person(), mode)))


def show_plan(flow: str, start: Callable[[], str]) -> None:
    """Start a run that makes a plan and show it; what stands in the way is shown on the page that is open."""
    started: list[str] = []
    if attempt(lambda: started.append(start())):
        st.switch_page("pages/preview.py", query_params={"flow": flow, "plan": started[0]})
    st.rerun()


def flow_of_address(app: Application) -> Flow:
    """Return the flow that the address names, else the first."""
    return app.flows.get(st.query_params.get("flow", "")) or next(iter(app.flows.values()))


def needs_connections(app: Application, about: str) -> None:
    """Stop a page that needs both systems while one of them is not connected, and lead to the set-up."""
    if all(status.connected for status in app.connections.statuses()):
        return
    if empty("cable", text("flows_unconnected"), about, text("btn_set_up")):
        st.switch_page("pages/setup.py")
    st.stop()


def invitation(app: Application) -> None:
    """Draw what a new installation shows: connect both systems, or look around without any credentials."""
    st.markdown(text("welcome_text"))
    with st.grid(2, min_column_width=330):
        with st.container(border=True, gap="small", height="stretch"):
            st.subheader(f":material/cable: {text('welcome_title')}", anchor=False)
            note(text("welcome_steps"))
            with st.container(height="stretch", vertical_alignment="bottom"):
                if st.button(text("btn_set_up"), icon=":material/arrow_forward:", type="primary", key="set_up"):
                    st.switch_page("pages/setup.py")
        with st.container(border=True, gap="small", height="stretch"):
            st.subheader(f":material/science: {text('welcome_try')}", anchor=False)
            note(text("welcome_sandbox"))
            with st.container(height="stretch", vertical_alignment="bottom"):
                sandbox_button(app)


def sandbox_button(app: Application, then: str = "overview") -> None:
    """Offer to connect both built-in systems in one click, and go on with the page `then`."""
    if st.button(text("btn_try_builtin"), icon=":material/science:", key="sandbox"):
        with st.spinner(text("sandbox_starting")):
            attempt(lambda: app.connections.use_sandbox(person()))
        st.switch_page(f"pages/{then}.py")


# ---- causes ---------------------------------------------------------------------------------------------------------


# Facts that are the same in every record of a flow.
CONSTANT = frozenset({"system", "flow", "target_system", "source_system"})


def headline(app: Application, group: CauseGroup) -> Markdown:
    """Return what is wrong, escaped: of one record all that is known, of several what they share."""
    facts = {"system": app.flows[group.flow].target, **group.facts}
    what = plain(say(group.cause, facts).what)
    if group.count == 1:
        return what
    if has_term(key := f"headline_{group.cause}"):
        return plain(text(key, **_written(facts, group.field)))
    shared = {*cause(group.cause).telling, *CONSTANT, *(["field"] if group.field else [])}
    return what if told_by(group.cause) <= shared else text("cause_example", what=what)


def _written(facts: dict[str, str], field: str) -> dict[str, str]:
    """Return facts as a headline has them: systems and fields by their names, and no key of one record."""
    named = facts.get("field") or field
    shared = {name: fact for name, fact in facts.items() if name != "key"}
    return {
        **shared,
        "system": system_name(facts["system"]),
        **({"field": field_term(named.rpartition("/")[2])} if named else {}),
    }


def repair_address(spec: FlowSpec, cause: str, field: str, facts: Mapping[str, str]) -> dict[str, str] | None:
    """Return the address of the tab that repairs a cause, or None when it is repaired elsewhere."""
    repair = spec.repair_of(cause)
    if not repair.tab or (cause == "flow_setting_invalid" and facts.get("flow") != spec.name):
        return None
    named = {"tables": "table", "settings": "setting"}.get(repair.tab)
    name = repair.name or (facts.get(named, "") if named else field.rpartition("/")[2])
    return {"flow": spec.name, "tab": repair.tab, "table" if repair.tab == "tables" else "field": name}


def field_to_correct(app: Application, flow: str, cause: str, field: str) -> Field | None:
    """Return the field of the source whose value repairs a cause, or None when no single field does."""
    if app.flows.spec(flow).repair_of(cause).by is not By.VALUE:
        return None
    target = field.rpartition("/")[2]
    try:
        return app.flows.source_field(flow, target if "." in target else f"article.{target}")
    except IntegrationError:
        return None


def in_source(app: Application, flow: str, cause: str, field: str, key: str = "") -> Markdown:
    """Return which field of which record to correct in the source; empty text when that is no repair."""
    found = field_to_correct(app, flow, cause, field)
    if found is None:
        return ""
    named = plain(f"{found.caption} ({found.wire})" if found.wire else found.caption)
    system = system_name(app.flows[flow].source)
    if not key:
        return text("correct_field", system=system, field=named)
    return text("correct_field_of", system=system, field=named, record=plain(f"{flow_term('one', flow)} {key}"))


def repairs(app: Application, flow: str, cause: str, field: str, facts: Mapping[str, str], key: str) -> None:
    """Draw what repairs one line: the place where its setting is, the field to correct, and another try."""
    if correct := in_source(app, flow, cause, field, facts.get("article") or key):
        note(f"**{correct}**")
    with st.container(horizontal=True, gap="xsmall"):
        address = repair_address(app.flows.spec(flow), cause, field, facts)
        if address and st.button(text(f"btn_to_{address['tab']}"), icon=":material/build:", key="repair"):
            st.switch_page("pages/flows.py", query_params=address)
        if st.button(text("btn_to_exceptions"), icon=":material/rule:", key="to_exceptions"):
            asked = address_of(cause_of(flow, cause, field, facts))
            st.switch_page("pages/exceptions.py", query_params={"cause": asked})
        try_again_button(app, flow, cause, "line", field)


def try_again_button(app: Application, flow: str, cause: str, key: str, field: str | None = None) -> None:
    """Offer a preview of only what is parked for a cause."""
    keys = app.exceptions.keys(flow, cause, field)
    if keys and st.button(
        counted("btn_try_again", len(keys)), icon=":material/refresh:", key=f"again-{key}", help=text("try_again_about")
    ):
        try_again(app, flow, cause, field)


def try_again(app: Application, flow: str, cause: str, field: str | None = None) -> None:
    """Start a preview of only what is parked for a cause, and show it."""
    show_plan(flow, lambda: app.runs.try_again(flow, cause, person(), field))


# ---- changed settings that are not saved yet ------------------------------------------------------------------------


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


class Draft(Edits):
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

    def forget(self) -> None:
        """Put every change aside, with the reasons that were given for it."""
        self.reasons.clear()
        super().forget()


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


def toggle(draft: Draft, name: str, about: Markdown = "", label: Markdown = "") -> bool:
    """Draw a setting that is on or off, and take it into the draft."""
    said = label or text(f"setting_{name.replace('.', '_')}")
    on = st.toggle(said, value=draft.value(name), key=draft.key(name))
    draft.put(name, on)
    if about:
        note(about)
    draft.beside(name)
    return bool(on)
