"""The last three steps of the set-up: the flows to run, their questions, and the open points."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from integration.application.application import Application
from integration.core.errors import IntegrationError
from integration.core.people import Actor
from integration.core.rows import EVERY
from integration.services.setup import PointSeverity, QuestionState, SetUpLine, State
from integration.words import capital, has_term
from pages.components.flows.sections import draw_setting
from pages.components.flows.tables import row_warning, table_draft, table_row
from pages.components.setup.answers import answer, shapes_of, sides_of
from pages.components.setup.missing_settings import missing_setting_sentence, missing_setting_text
from pages.components.setup.steps import connection_text, go_to, next_step, step_name
from pages.components.shared.application import person
from pages.components.shared.draft import SettingsDraft
from pages.components.shared.flows import start_preview
from pages.components.shared.inputs import InputForm, codes_or_error
from pages.components.shared.layout import bottom_bar, empty, keep_in_address, mark, note, small
from pages.components.shared.saving import PRESSED, save_button
from pages.components.shared.timetables import calendar_of, timetable, timetable_sentence
from pages.components.shared.wording import (
    Markdown,
    expected_value,
    flow_name,
    flow_term,
    flow_text,
    plain,
    quantity_text,
    source_to_target,
    system_name,
    text,
)

PROPOSED = ":blue[:material/lightbulb:]"
ANSWER = "answer-"  # prefix of the key of the button that saves an answer
OPEN = ":gray[:material/radio_button_unchecked:]"


def flows_step(app: Application) -> None:
    """Draw each flow with its description. The selection is saved at once, because the questions depend on it."""
    with st.container(border=True, gap="small", key="rows_flows"):
        st.header(text("setup_flows"), anchor=False)
        note(text("setup_flows_about_on" if app.setup.started() else "setup_flows_about"))
        suggested, timetables = app.setup.suggested(), _timetables(app)
        for name, when in timetables.items():
            st.divider()
            _flow_row(app, name, when, chosen=name in suggested)
    if any(when.changed for when in timetables.values()):
        _save_flows(app)
        st.rerun()
    chosen = [name for name in app.flows if st.session_state[f"choose-{name}"]]
    waits = "" if chosen else text("setup_flows_none")
    # A suggestion is saved once a person has seen it.
    next_step("flows", primary=True, waits=waits, first=lambda: _save_flows(app))


def _flow_row(app: Application, name: str, when: SettingsDraft, *, chosen: bool) -> None:
    flow = app.flows[name]
    source, target = system_name(flow.source), system_name(flow.target)
    with st.container(horizontal=True, vertical_alignment="top", gap="small"):
        st.toggle(
            flow_name(name),
            chosen,
            key=f"choose-{name}",
            label_visibility="collapsed",
            width=44,
            on_change=_save_flows,
            args=(app,),
        )
        with st.container(width="stretch", gap=None):
            small(f"**{flow_name(name)}** :gray[{source_to_target(flow.source, flow.target)}]")
            small(flow_text("flow_does", name, source=source, target=target))
            note(text("creates_kinds", kinds=flow_term("flow_creates", name, target=target)))
            if st.session_state[f"choose-{name}"]:
                _timetable_popover(when)


def _timetable_popover(draft: SettingsDraft) -> None:
    """Draw the timetable of a chosen flow in a popover."""
    with st.popover(timetable_sentence(draft), icon=":material/schedule:", key=f"when-{draft.flow}"):
        timetable(draft)


def _timetables(app: Application) -> dict[str, SettingsDraft]:
    """Return the timetable of each flow on screen."""
    return {name: SettingsDraft(app, name, "when") for name in app.flows}


def _save_flows(app: Application) -> None:
    """Save the chosen flows and their timetables."""
    chosen = {name: when for name, when in _timetables(app).items() if st.session_state[f"choose-{name}"]}
    minutes = {name: when.value("schedule_minutes") for name, when in chosen.items()}
    waiting = app.setup.choose(minutes, person(), {name: calendar_of(when) for name, when in chosen.items()})
    _show_waiting(waiting)
    for when in chosen.values():
        when.changed.clear()


def _show_waiting(flows: frozenset[str]) -> None:
    """Show once which flows wait for a second person."""
    if flows:
        st.session_state["said"] = text("saved_waiting", settings=", ".join(map(flow_name, sorted(flows))))


def questions_step(app: Application) -> None:
    """Draw the questions of each chosen flow. The one in the address, otherwise the first open one, is unfolded."""
    questions = app.setup.questions()
    every = [asked_question for group in questions.values() for asked_question in group]
    if not every:
        if empty("tune", text("questions_no_flow"), text("questions_no_flow_about"), text("btn_choose_flows")):
            go_to("flows")
            st.rerun()
        return

    def accept() -> None:
        app.setup.accept(person())
        keep_in_address("question", "")

    proposed = sum(asked_question.can_be_accepted for asked_question in every)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        with st.container(width="stretch"):
            note(text("setup_questions_about"))
        if proposed > 1:
            label = quantity_text("btn_accept_all", proposed)
            st.button(label, key="accept_all", icon=":material/done_all:", on_click=accept)
    opened, first = _open_question_name(every), st.query_params.get("flow", "")
    for flow in sorted(questions, key=lambda name: name != first):
        _flow(app, flow, questions[flow], opened)
    next_step("questions", primary=all(asked_question.state is State.ANSWERED for asked_question in every))


def _open_question_name(every: Sequence[QuestionState]) -> str:
    """Return the name of the unfolded question: the one in the address, otherwise the first unanswered one."""
    wanted_question, pressed = (
        st.query_params.get("question", ""),
        _button_state().get(PRESSED, "").removeprefix(ANSWER),
    )
    open_names = (
        question_name(asked_question) for asked_question in every if asked_question.state is not State.ANSWERED
    )
    return next(
        (name for name in (wanted_question, pressed) if name in map(question_name, every)), next(open_names, "")
    )


def _button_state() -> dict[str, Any]:
    """Return the session state of the save button. The question stays unfolded until its answer is saved."""
    presses: dict[str, Any] = st.session_state.setdefault("answers_pressed", {})
    return presses


def question_name(asked_question: QuestionState) -> str:
    """Return the name of a question as used in addresses."""
    return f"{asked_question.flow}.{asked_question.question.name}"


def question_title(asked_question: QuestionState) -> Markdown:
    key = f"question_{asked_question.flow}_{asked_question.question.name}"
    return text(key) if has_term(key) else plain(capital(asked_question.question.name.replace("_", " ")))


def _flow(app: Application, flow: str, group: Sequence[QuestionState], opened: str) -> None:
    answered = sum(asked_question.state is State.ANSWERED for asked_question in group)
    with st.container(border=True, gap="small", key=f"rows_questions_{flow}"):
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.header(flow_name(flow), anchor=False, width="content")
            note(text("questions_done", number=answered, total=len(group)))
        for asked_question in group:
            st.divider()
            draw_question = _draw_open if question_name(asked_question) == opened else _draw_folded
            draw_question(InputForm(app, SettingsDraft(app, flow, "answers")), asked_question)


# ---- a folded question ----------------------------------------------------------------------------------------------


def _draw_folded(form: InputForm, asked_question: QuestionState) -> None:
    """Draw a question as one line: its title, its answer, and the button that unfolds it."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(_question_sign(asked_question), width=24)
        with st.container(width="stretch", gap=None):
            small(f"**{question_title(asked_question)}**")
            note(_answer_text(form, asked_question))
            if asked_question.missing_setting is not None and asked_question.state is State.ANSWERED:
                note(missing_setting_text(form.app, asked_question, asked_question.missing_setting.reason))
        label = text("btn_change_answer" if asked_question.state is State.ANSWERED else "btn_answer")
        st.button(
            label,
            key=f"open-{question_name(asked_question)}",
            type="tertiary",
            on_click=go_to,
            args=("questions", question_name(asked_question)),
        )


def _question_sign(asked_question: QuestionState) -> Markdown:
    if asked_question.weight in (PointSeverity.STOPS, PointSeverity.PARKS):
        return mark("failed" if asked_question.weight is PointSeverity.STOPS else "parked")
    return {State.ANSWERED: mark("ok"), State.PROPOSED: PROPOSED, State.OPEN: OPEN}[asked_question.state]


def _answer_text(form: InputForm, asked_question: QuestionState) -> Markdown:
    if asked_question.state is State.PROPOSED and asked_question.proposal is not None:
        return text("question_proposed", answer=answer(form, asked_question, asked_question.proposal.values))
    if asked_question.state is not State.ANSWERED:
        return (
            missing_setting_text(form.app, asked_question, asked_question.missing_setting.reason)
            if asked_question.missing_setting is not None
            else text("question_open")
        )
    if asked_question.question.table:
        return answer(form, asked_question, form.app.rules.tables().get(asked_question.question.table, {}))
    return answer(form, asked_question, {name: form.draft.saved[name] for name in asked_question.question.settings})


# ---- an unfolded question -------------------------------------------------------------------------------------------


def _draw_open(form: InputForm, asked_question: QuestionState) -> None:
    """Draw a question: the proposal with its reason, the fields, and the button that saves the answer."""
    small(f"{_question_sign(asked_question)} **{question_title(asked_question)}**")
    if asked_question.proposal is not None and asked_question.state is not State.ANSWERED:
        proposal_text = text("question_proposed", answer=answer(form, asked_question, asked_question.proposal.values))
        note(f"{proposal_text}. {missing_setting_sentence(asked_question.proposal.reason)}")
    if asked_question.missing_setting is not None:
        note(missing_setting_text(form.app, asked_question, asked_question.missing_setting.reason))
    by = person()  # read here, because the save must not use the session, see `save_button`
    values = _table(form, asked_question) if asked_question.question.table else _settings(form, asked_question)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if values is not None and save_button(
            text("btn_use_answer"),
            f"{ANSWER}{question_name(asked_question)}",
            _button_state(),
            lambda: _save_answer(form, asked_question, values(), by),
            "check",
        ):
            _save_and_continue(form, asked_question, values())
        if st.query_params.get("question") == question_name(asked_question):
            st.button(
                text("btn_close_question"), key="close_question", type="tertiary", on_click=go_to, args=("questions",)
            )
        if (
            asked_question.question.table
            and len(form.app.flows.spec(asked_question.flow).table(asked_question.question.table).parts) > 1
        ):
            note(text("question_table_more"))


def _settings(form: InputForm, asked_question: QuestionState) -> Callable[[], Mapping[str, Any]]:
    """Draw the fields of a question, filled with the proposal, and return a function that reads them."""
    draft = form.draft
    if asked_question.proposal is not None and asked_question.state is not State.ANSWERED:
        for name, value in asked_question.proposal.values.items():
            if name not in draft.changed:
                draft.put(name, value)
    for shape in shapes_of(form, asked_question):
        draw_setting(form, shape)
    return lambda: {name: draft.value(name) for name in asked_question.question.settings}


def _table(form: InputForm, asked_question: QuestionState) -> Callable[[], Mapping[str, Any]] | None:
    """Draw a row for each code: codes without a counterpart first, unused codes in an expander.

    Returns a function that reads the rows, or None if a list cannot be read.
    """
    name, app = asked_question.question.table, form.app
    sides = sides_of(form, asked_question)
    if sides is None:
        return None
    ours = codes_or_error(app, sides.table.ours) or {}
    saved = app.rules.tables().get(name, {})
    draft = table_draft(f"answers-{name}-{app.sandbox.is_connected}", saved)
    if asked_question.proposal is not None and asked_question.state is not State.ANSWERED and not draft["rows"]:
        draft["rows"].update(asked_question.proposal.values)
    flow = app.flows[asked_question.flow]
    note(text("question_table_sides", source=system_name(flow.source), target=system_name(flow.target)))
    wrong, apart = app.tables.faults(name, draft["rows"].items()), app.tables.differing(name, draft["rows"])
    every = (EVERY,) if sides.table.for_all else ()
    codes = dict.fromkeys([*(source_code for source_code in ours if source_code not in saved), *ours, *every, *saved])

    def draw_rows(row_codes: Sequence[str]) -> None:
        for code in row_codes:
            table_row(draft, sides, code)
            row_warning(draft, code, wrong, apart)

    draw_rows([code for code in codes if code not in asked_question.unused])
    if unused := [code for code in codes if code in asked_question.unused]:
        with st.expander(text("question_unused")):
            draw_rows(unused)
    return lambda: dict(draft["rows"])


def _save_answer(form: InputForm, asked_question: QuestionState, values: Mapping[str, Any], by: Actor) -> None:
    """Save an answer, unless a field of it is wrong."""
    if not any(name in form.draft.wrong for name in asked_question.question.settings):
        unchecked = form.app.setup.answer(asked_question.flow, asked_question.question.name, values, by)
        form.draft.kept["unchecked"] = unchecked or form.draft.kept.get("unchecked", ())


def _save_and_continue(form: InputForm, asked_question: QuestionState, values: Mapping[str, Any]) -> None:
    """Save an answer and unfold the next question. An error is shown beside its field."""
    draft = form.draft
    if any(name in draft.wrong for name in asked_question.question.settings):
        st.session_state["said"] = text("settings_wrong")
        st.rerun()
    try:
        _save_answer(form, asked_question, values, person())
    except IntegrationError as error:
        name = error.facts.get("setting", "").partition(".")[0]
        draft.refused[name] = text("setting_expected", expected=expected_value(error))
        st.session_state["said"] = text("settings_wrong")
        st.rerun()
    for name in asked_question.question.settings:
        draft.changed.pop(name, None)
    if draft.kept.get("unchecked"):
        st.session_state["said"] = draft.saved_message()
    go_to("questions")
    st.rerun()


# ---- open points ----------------------------------------------------------------------------------------------------


SIGNS = {
    PointSeverity.STOPS: mark("failed"),
    PointSeverity.PARKS: mark("parked"),
    PointSeverity.UNSEEN: PROPOSED,
    PointSeverity.DONE: mark("ok"),
}


def ready_step(app: Application) -> None:
    """Draw the open points with links to their steps or questions. If none stops a preview, offer the first preview."""
    for status in app.connections.statuses():
        if status.connected and status.ok is None:
            with st.spinner(text("checking", system=system_name(status.system))):
                app.connections.check(status.system)
    lines = app.setup.readiness()
    stops = sum(line.weight is PointSeverity.STOPS for line in lines)
    with st.container(border=True, gap="small", key="rows_ready"):
        st.header(quantity_text("ready_stops", stops) if stops else text("ready_title"), anchor=False)
        note(text("ready_about_stops" if stops else "ready_about"))
        answered = Counter(line.question.flow for line in lines if line.question and line.weight is PointSeverity.DONE)
        for weight in PointSeverity:
            for line in lines:
                if line.weight is weight and not (line.question and weight is PointSeverity.DONE):
                    _line(app, line)
        for flow, number in answered.items():
            _row(mark("ok"), flow_name(flow), quantity_text("ready_answered", number), "questions", flow=flow)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        note(text("ready_later"))
        st.page_link("pages/flows.py", label=text("nav_flows"), icon=":material/tune:")
    if not stops:
        _first_preview(app)


def _line(app: Application, line: SetUpLine) -> None:
    asked_question = line.question
    if asked_question is not None:
        why = asked_question.missing_setting.reason if asked_question.missing_setting is not None else None
        about = (
            missing_setting_text(app, asked_question, why)
            if why
            else text("ready_unseen" if asked_question.proposal else "question_open")
        )
        _row(
            SIGNS[line.weight],
            f"{flow_name(asked_question.flow)}: {question_title(asked_question)}",
            about,
            line.step,
            question_name(asked_question),
            asked_question.flow,
        )
    elif line.step == "flows":
        chosen = ", ".join(flow_name(flow) for flow in app.setup.chosen()) or text("setup_flows_none")
        _row(SIGNS[line.weight], step_name(line.step), chosen, line.step)
    else:
        status_text = connection_text(app.connections.last_check(line.step))
        _row(SIGNS[line.weight], step_name(line.step), status_text, line.step)


def _row(sign: Markdown, title: Markdown, about: Markdown, step: str, question: str = "", flow: str = "") -> None:
    st.divider()
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(sign, width=24)
        with st.container(width="stretch", gap=None):
            small(f"**{title}**")
            note(about)
        st.button(
            text("btn_open"),
            key=f"to-{step}-{question or title}",
            type="tertiary",
            on_click=go_to,
            args=(step, question, flow),
        )


def _first_preview(app: Application) -> None:
    """Draw the button for the first preview. The other chosen flows start by themselves."""
    (first, *others), started = app.setup.chosen(), app.setup.started()
    sentence = text("ready_text")
    if others and not started:
        sentence = f"{sentence} {text('ready_others', flows=', '.join(flow_term('flow', flow) for flow in others))}"
    with bottom_bar(f":small[:gray[{sentence}]]"):
        label = text("btn_new_preview" if started else "btn_first_preview", flow=flow_term("flow", first))
        if st.button(label, type="primary", icon=":material/difference:", key=f"first-{first}"):
            _show_waiting(app.setup.start(person()))
            start_preview(app, first)
