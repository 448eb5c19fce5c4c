"""What the steps of the set-up share: the list of them at the side, and the way from one to the next."""

from collections.abc import Callable, Mapping, Sequence

import streamlit as st

from integration.services import Application
from integration.services.connections import ConnectionStatus
from integration.services.setup import STEPS, Asked, State, Weight
from pages.components.shared.layout import bottom_bar, keep, note
from pages.components.shared.states import mark
from pages.components.shared.wording import counted, plain, say, system_name, text


def step_here(app: Application) -> str:
    """Return the step of the address; without one, where the set-up goes on, which the address tells from then on."""
    asked = st.query_params.get("step", "")
    if asked not in STEPS:
        st.query_params["step"] = asked = app.setup.step()
    return asked


def step_number(step: str) -> str:
    """Return the place of a step."""
    return str(STEPS.index(step) + 1)


def step_name(step: str) -> str:
    """Return how a step is called."""
    return system_name(step) if step in ("accountview", "mplus") else text(f"step_{step}")


def step_title(step: str) -> str:
    """Return a step with its place."""
    return f"{step_number(step)}\\. {step_name(step)}"


def go_to(step: str, question: str = "", flow: str = "") -> None:
    """Lead to a step, and to one of its questions, with the next run of the page; those of `flow` are drawn first."""
    asked = st.query_params
    kept = flow or (asked.get("flow", "") if asked.get("step") == step else "")
    for name, value in {"step": step, "question": question, "flow": kept}.items():
        keep(name, value)


def unfinished(step: str) -> None:
    """Say that a set-up was begun and not finished, and lead back to where it goes on."""
    with st.container(border=True, horizontal=True, vertical_alignment="center", gap="small"):
        with st.container(width="stretch", gap=None):
            st.markdown(f":blue[:material/cable:] **{text('setup_unfinished')}**")
            note(text("setup_unfinished_about"))
        label = text("btn_setup_next", number=step_number(step), name=step_name(step))
        if st.button(label, icon=":material/arrow_forward:", icon_position="right", key="set_up_next"):
            st.switch_page("pages/setup.py", query_params={"step": step})


def rail(app: Application, here: str) -> None:
    """Draw every step with its state; each leads there."""
    asked, done = app.setup.questions(), app.setup.done()
    failed = {status.system for status in app.connections.statuses() if status.ok is False}
    undone = dict.fromkeys(STEPS, ":gray[:material/radio_button_unchecked:]")
    undone[here] = ":blue[:material/radio_button_checked:]"
    with st.container(gap="small"):
        for step in STEPS:
            with st.container(gap=None):
                name = f"**{step_title(step)}**" if step == here else step_title(step)
                sign = mark("failed") if step in failed else mark("ok") if done[step] else undone[step]
                st.button(f"{sign} {name}", key=f"step-{step}", type="tertiary", on_click=go_to, args=(step,))
                note(_stands(app, step, asked))


def _stands(app: Application, step: str, asked: Mapping[str, Sequence[Asked]]) -> str:
    """Return in a few words how far a step is."""
    match step:
        case "flows":
            return text("flows_chosen", number=len(asked), total=len(app.flows))
        case "questions":
            every = [one for questions in asked.values() for one in questions]
            left = sum(one.state is not State.ANSWERED for one in every)
            done = text("questions_answered") if every else text("questions_none")
            return counted("questions_open", left) if left else done
        case "ready":
            stops = sum(line.weight is Weight.STOPS for line in app.setup.readiness())
            return counted("ready_stops", stops) if stops else text("ready_nothing_stops")
    return connection_stands(app.connections.of(step))


def connection_stands(status: ConnectionStatus) -> str:
    """Return to what a system is connected, or the reason why it is not."""
    if not status.connected:
        return text("not_connected")
    wrong = next((one for one in status.findings if one.ok is False), None)
    if wrong is not None:
        return plain(say(wrong.cause, {"system": status.system, **wrong.facts}).what)
    return plain(status.about) or text("connected")


def next_step(step: str, *, primary: bool, waits: str = "", first: Callable[[], object] | None = None) -> None:
    """Draw the way on: the button to the next step and what comes there, or what it `waits` for here.

    `first` is done when it is pressed.
    """
    following = STEPS[STEPS.index(step) + 1]

    def leave() -> None:
        if first is not None:
            first()
        go_to(following)

    with bottom_bar(f":small[:gray[{waits or text('next_step', name=step_title(following))}]]"):
        st.button(
            text("btn_continue"),
            key="continue",
            type="primary" if primary else "secondary",
            on_click=leave,
            icon=":material/arrow_forward:",
            icon_position="right",
            disabled=bool(waits),
        )
