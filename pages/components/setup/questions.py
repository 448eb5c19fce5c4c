"""The third to the last step of the set-up: which flows shall run, their questions, and what is still missing."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from integration.core.errors import IntegrationError, Reason
from integration.flows.forms import Choose, Code, Codes, Money, PerKey, Pick, Several, Shape, each_of
from integration.flows.settings import EVERY
from integration.services import Application
from integration.services.setup import Asked, Line, State, Weight
from integration.words import capital, has_term
from pages.components.flows.sections import MOST_MINUTES, draw, options_of
from pages.components.flows.tables import table_draft, table_row
from pages.components.setup.steps import connection_stands, go_to, next_step, step_name
from pages.components.shared.application import person
from pages.components.shared.flows import Draft, start_preview
from pages.components.shared.inputs import Form, captioned, codes_of
from pages.components.shared.layout import bottom_bar, empty, keep, mark, note, small
from pages.components.shared.wording import (
    Markdown,
    amount_text,
    counted,
    flow_name,
    flow_term,
    flow_text,
    number,
    plain,
    system_name,
    text,
    wanted,
    way,
)

SHOWN = 4  # answers of a list that a line names
COUNTS = ("number", "total")  # facts that are quantities; codes are none
PROPOSED = ":blue[:material/lightbulb:]"
OPEN = ":gray[:material/radio_button_unchecked:]"


def flows_step(app: Application) -> None:
    """Offer each flow with what it does; what is chosen is kept at once, and the questions depend on it."""
    with st.container(border=True, gap="small", key="rows_flows"):
        st.subheader(text("setup_flows"), anchor=False)
        note(text("setup_flows_about_on" if app.setup.started() else "setup_flows_about"))
        suggested = app.setup.suggested()
        for name in app.flows:
            st.divider()
            _flow_row(app, name, chosen=name in suggested)
    chosen = [name for name in app.flows if st.session_state[f"choose-{name}"]]
    waits = "" if chosen else text("setup_flows_none")
    # What is suggested counts once it was seen.
    next_step("flows", primary=True, waits=waits, first=lambda: _choose(app))


def _flow_row(app: Application, name: str, *, chosen: bool) -> None:
    flow = app.flows[name]
    source, target = system_name(flow.source), system_name(flow.target)
    with st.container(horizontal=True, vertical_alignment="top", gap="small"):
        st.toggle(
            flow_name(name),
            chosen,
            key=f"choose-{name}",
            label_visibility="collapsed",
            width=44,
            on_change=_choose,
            args=(app,),
        )
        with st.container(width="stretch", gap=None):
            small(f"**{flow_name(name)}** :gray[{way(flow.source, flow.target)}]")
            small(flow_text("flow_does", name, source=source, target=target))
            note(text("flow_creates", kinds=flow_term("flow_creates", name, target=target)))
        st.number_input(
            text("setting_schedule_minutes"),
            1,
            MOST_MINUTES,
            app.flows.settings(name).schedule_minutes,
            width=170,
            key=f"minutes-{name}",
            disabled=not st.session_state[f"choose-{name}"],
            on_change=_choose,
            args=(app,),
        )


def _choose(app: Application) -> None:
    chosen = {
        name: int(st.session_state[f"minutes-{name}"]) for name in app.flows if st.session_state[f"choose-{name}"]
    }
    app.setup.choose(chosen, person())


def questions_step(app: Application) -> None:
    """Draw the questions of each chosen flow; the first that nobody has answered, or that of the address, is open."""
    questions = app.setup.questions()
    every = [one for group in questions.values() for one in group]
    if not every:
        if empty("tune", text("questions_no_flow"), text("questions_no_flow_about"), text("btn_choose_flows")):
            go_to("flows")
            st.rerun()
        return

    def accept() -> None:
        app.setup.accept(person())
        keep("question", "")

    proposed = sum(one.state is State.PROPOSED for one in every)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        with st.container(width="stretch"):
            note(text("setup_questions_about"))
        if proposed > 1:
            label = counted("btn_accept_all", proposed)
            st.button(label, key="accept_all", icon=":material/done_all:", on_click=accept)
    opened, first = _opened(every), st.query_params.get("flow", "")
    for flow in sorted(questions, key=lambda name: name != first):
        _flow(app, flow, questions[flow], opened)
    next_step("questions", primary=all(one.state is State.ANSWERED for one in every))


def _opened(every: Sequence[Asked]) -> str:
    """Return the name of the question that is open: that of the address, else the first that nobody has answered."""
    asked = st.query_params.get("question", "")
    left = (name_of(one) for one in every if one.state is not State.ANSWERED)
    return asked if asked in map(name_of, every) else next(left, "")


def name_of(one: Asked) -> str:
    """Return the name of a question as addresses have it."""
    return f"{one.flow}.{one.question.name}"


def title_of(one: Asked) -> Markdown:
    """Return what a question asks."""
    key = f"question_{one.flow}_{one.question.name}"
    return text(key) if has_term(key) else plain(capital(one.question.name.replace("_", " ")))


def reason(why: Reason) -> Markdown:
    """Return a sentence of the set-up; what it names comes from the systems."""
    facts = {name: number(int(fact)) if name in COUNTS else plain(fact) for name, fact in why.facts.items()}
    return text(why.code, **facts)


def _flow(app: Application, flow: str, group: Sequence[Asked], opened: str) -> None:
    answered = sum(one.state is State.ANSWERED for one in group)
    with st.container(border=True, gap="small", key=f"rows_questions_{flow}"):
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.subheader(flow_name(flow), anchor=False, width="content")
            note(text("questions_done", number=answered, total=len(group)))
        for one in group:
            st.divider()
            draw_question = _open if name_of(one) == opened else _folded
            draw_question(Form(app, Draft(app, flow, "answers")), one)


# ---- one line -------------------------------------------------------------------------------------------------------


def _folded(form: Form, one: Asked) -> None:
    """Draw a question as one line: what it asks, the answer it has, and the way to open it."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(_sign(one), width=24)
        with st.container(width="stretch", gap=None):
            small(f"**{title_of(one)}**")
            note(_stands(form, one))
            if one.lack is not None and one.state is State.ANSWERED:
                note(reason(one.lack.why))
        label = text("btn_change_answer" if one.state is State.ANSWERED else "btn_answer")
        st.button(label, key=f"open-{name_of(one)}", type="tertiary", on_click=go_to, args=("questions", name_of(one)))


def _sign(one: Asked) -> Markdown:
    if one.weight in (Weight.STOPS, Weight.PARKS):
        return mark("failed" if one.weight is Weight.STOPS else "parked")
    return {State.ANSWERED: mark("ok"), State.PROPOSED: PROPOSED, State.OPEN: OPEN}[one.state]


def _stands(form: Form, one: Asked) -> Markdown:
    if one.state is State.PROPOSED and one.proposal is not None:
        return text("question_proposed", answer=_answer(form, one, one.proposal.values))
    if one.state is not State.ANSWERED:
        return reason(one.lack.why) if one.lack is not None else text("question_open")
    if one.question.table:
        return _answer(form, one, form.app.rules.tables().get(one.question.table, {}))
    return _answer(form, one, {name: form.draft.saved[name] for name in one.question.settings})


def _answer(form: Form, one: Asked, values: Mapping[str, Any]) -> Markdown:
    """Return an answer in one line, as people read it."""
    if one.question.table:
        rows = [f"{plain(code)} → {plain(other)}" for code, other in values.items()]
        return _listed(rows) or text("question_no_rows")
    whole = {**form.draft.saved, **values}
    shapes = [
        shape
        for shape in _shapes(form, one)
        if shape.name in values and (shape.only is None or whole[shape.only.name] in shape.only.among)
    ]
    said = [(form.label(shape.name), _said(form, shape, values[shape.name])) for shape in shapes]
    return said[0][1] if len(said) == 1 else " · ".join(f"{label}: {answer}" for label, answer in said)


def _said(form: Form, shape: Shape, value: Any) -> Markdown:
    match shape:
        case Choose(words=words):
            return text(f"{words}_{value}")
        case Pick(name=name, words=words):
            return plain(form.option(words or name, str(value)))
        case Code(of=of, none=none):
            return plain(captioned(str(value), form.choices(of))) if value else text(none)
        case Codes(of=of, none=none):
            return _listed([plain(captioned(str(each), form.choices(of))) for each in value]) or text(none)
        case PerKey(keys=keys, none=none):
            known, codes = options_of(form, shape), form.choices(keys)
            rows = [f"{plain(codes.get(key, key))}: {plain(known.get(each, each))}" for key, each in value.items()]
            return _listed(rows) or text(none)
        case Money():
            return f"€ {amount_text(value)}"
        case Several(name=name, words=words):
            return _listed([plain(form.option(words or name, str(each))) for each in value]) or text(
                "choose_none_is_all"
            )
    return plain(value) or text("choose_nothing")


def _listed(said: Sequence[Markdown]) -> Markdown:
    return ", ".join(said[:SHOWN]) + (f" + {len(said) - SHOWN}" if len(said) > SHOWN else "")


# ---- open -----------------------------------------------------------------------------------------------------------


def _open(form: Form, one: Asked) -> None:
    """Draw a question: what is proposed and why, the fields that answer it, and the button that keeps the answer."""
    small(f"{_sign(one)} **{title_of(one)}**")
    if one.proposal is not None and one.state is not State.ANSWERED:
        said = text("question_proposed", answer=_answer(form, one, one.proposal.values))
        note(f"{said}. {reason(one.proposal.why)}")
    if one.lack is not None:
        note(reason(one.lack.why))
    values = _table(form, one) if one.question.table else _settings(form, one)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if values is not None and st.button(
            text("btn_use_answer"), key=f"answer-{name_of(one)}", type="primary", icon=":material/check:"
        ):
            _keep(form, one, values())
        if st.query_params.get("question") == name_of(one):
            st.button(
                text("btn_close_question"), key="close_question", type="tertiary", on_click=go_to, args=("questions",)
            )
        if one.question.table and form.app.flows.spec(one.flow).table(one.question.table).by_country:
            note(text("question_table_more"))


def _settings(form: Form, one: Asked) -> Callable[[], Mapping[str, Any]]:
    """Draw the fields, with what is proposed as their first answer, and return how to read them."""
    draft = form.draft
    if one.proposal is not None and one.state is not State.ANSWERED:
        for name, value in one.proposal.values.items():
            if name not in draft.changed:
                draft.put(name, value)
    for shape in _shapes(form, one):
        draw(form, shape)
    return lambda: {name: draft.value(name) for name in one.question.settings}


def _table(form: Form, one: Asked) -> Callable[[], Mapping[str, Any]] | None:
    """Draw a row for each code, those without a counterpart first; None when a list is needed and cannot be read."""
    name, app = one.question.table, form.app
    sides = app.flows.spec(one.flow).table(name)
    ours, theirs = codes_of(app, sides.ours), codes_of(app, sides.theirs)
    if ours is None or theirs is None:
        return None
    saved = app.rules.tables().get(name, {})
    draft = table_draft(f"answers-{name}-{app.sandbox.is_connected}", saved)
    if one.proposal is not None and one.state is not State.ANSWERED and not draft["rows"]:
        draft["rows"].update(one.proposal.values)
    flow = app.flows[one.flow]
    note(text("question_table_sides", source=system_name(flow.source), target=system_name(flow.target)))
    every = (EVERY,) if sides.for_all else ()
    for code in dict.fromkeys([*every, *(each for each in ours if each not in saved), *ours, *saved]):
        table_row(draft, code, ours, theirs)
    return lambda: dict(draft["rows"])


def _shapes(form: Form, one: Asked) -> list[Shape]:
    """Return the fields of a question, as the page of its flow has them."""
    names = one.question.settings
    shapes = each_of(shape for section in form.app.flows.spec(one.flow).sections for shape in section.shapes)
    return sorted((shape for shape in shapes if shape.name in names), key=lambda shape: names.index(shape.name))


def _keep(form: Form, one: Asked, values: Mapping[str, Any]) -> None:
    """Keep an answer and open the next question; what cannot be used is said beside its field."""
    draft = form.draft
    if any(name in draft.wrong for name in one.question.settings):
        st.session_state["said"] = text("settings_wrong")
        st.rerun()
    try:
        form.app.setup.answer(one.flow, one.question.name, values, person())
    except IntegrationError as error:
        name = error.facts.get("setting", "").partition(".")[0]
        draft.refused[name] = text("setting_expected", expected=wanted(error))
        st.session_state["said"] = text("settings_wrong")
        st.rerun()
    for name in one.question.settings:
        draft.changed.pop(name, None)
    go_to("questions")
    st.rerun()


# ---- what is missing ------------------------------------------------------------------------------------------------


SIGNS = {
    Weight.STOPS: mark("failed"),
    Weight.PARKS: mark("parked"),
    Weight.UNSEEN: PROPOSED,
    Weight.DONE: mark("ok"),
}


def ready_step(app: Application) -> None:
    """Draw the list, each line leading to its step or question, and offer the first preview when nothing stops it."""
    for status in app.connections.statuses():
        if status.connected and status.ok is None:
            with st.spinner(text("checking", system=system_name(status.system))):
                app.connections.check(status.system)
    lines = app.setup.readiness()
    stops = sum(line.weight is Weight.STOPS for line in lines)
    with st.container(border=True, gap="small", key="rows_ready"):
        st.subheader(counted("ready_stops", stops) if stops else text("ready_title"), anchor=False)
        note(text("ready_about_stops" if stops else "ready_about"))
        answered = Counter(line.asked.flow for line in lines if line.asked and line.weight is Weight.DONE)
        for weight in Weight:
            for line in lines:
                if line.weight is weight and not (line.asked and weight is Weight.DONE):
                    _line(app, line)
        for flow, number in answered.items():
            _row(mark("ok"), flow_name(flow), counted("ready_answered", number), "questions", flow=flow)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        note(text("ready_later"))
        st.page_link("pages/flows.py", label=text("nav_flows"), icon=":material/tune:")
    if not stops:
        _first_preview(app)


def _line(app: Application, line: Line) -> None:
    one = line.asked
    if one is not None:
        why = one.lack.why if one.lack is not None else None
        about = reason(why) if why else text("ready_unseen" if one.proposal else "question_open")
        _row(SIGNS[line.weight], f"{flow_name(one.flow)}: {title_of(one)}", about, line.step, name_of(one), one.flow)
    elif line.step == "flows":
        chosen = ", ".join(flow_name(flow) for flow in app.setup.chosen()) or text("setup_flows_none")
        _row(SIGNS[line.weight], step_name(line.step), chosen, line.step)
    else:
        stands = connection_stands(app.connections.of(line.step))
        _row(SIGNS[line.weight], step_name(line.step), stands, line.step)


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
    """Offer the first preview; the other chosen flows follow by themselves."""
    (first, *others), started = app.setup.chosen(), app.setup.started()
    said = text("ready_text")
    if others and not started:
        said = f"{said} {text('ready_others', flows=', '.join(flow_term('flow', flow) for flow in others))}"
    with bottom_bar(f":small[:gray[{said}]]"):
        label = text("btn_new_preview" if started else "btn_first_preview", flow=flow_term("flow", first))
        if st.button(label, type="primary", icon=":material/difference:", key=f"first-{first}"):
            app.setup.start(person())
            start_preview(app, first)
