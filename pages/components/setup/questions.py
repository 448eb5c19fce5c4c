"""The fourth step of the set-up: the questions of the chosen flows, one open at a time, answered ones in one line."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from integration.core.errors import IntegrationError, Reason
from integration.flows.forms import Choose, Code, Codes, Money, PerKey, Pick, Several, Shape, each_of
from integration.flows.systems import Listed
from integration.flows.tables import EVERY
from integration.services import Application
from integration.services.readiness import Asked, State, Weight
from integration.words import capital, has_term
from pages.components.flows.sections import draw, options_of
from pages.components.flows.tables import side, table_draft, table_row
from pages.components.setup.steps import go_to, next_step
from pages.components.shared.application import person
from pages.components.shared.draft import Draft
from pages.components.shared.inputs import Asking, captioned
from pages.components.shared.layout import empty, note, small
from pages.components.shared.states import mark
from pages.components.shared.wording import amount_text, counted, flow_name, number, plain, system_name, text

SHOWN = 4  # answers of a list that a line names
COUNTS = ("number", "total")  # facts that are quantities; codes are none
PROPOSED = ":blue[:material/lightbulb:]"
OPEN = ":gray[:material/radio_button_unchecked:]"


def questions_step(app: Application) -> None:
    """Draw the questions of each chosen flow; the first that nobody has answered, or that of the address, is open."""
    questions = app.setup.questions()
    every = [one for group in questions.values() for one in group]
    if not every:
        if empty("tune", text("questions_no_flow"), text("questions_no_flow_about"), text("btn_choose_flows")):
            go_to("flows")
            st.rerun()
        return
    proposed = [one for one in every if one.state is State.PROPOSED]
    opened = _opened(every)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        with st.container(width="stretch"):
            note(text("setup_questions_about"))
        if len(proposed) > 1:
            st.button(
                counted("btn_accept_all", len(proposed)),
                key="accept_all",
                icon=":material/done_all:",
                on_click=_accept,
                args=(app,),
            )
    asked_for = st.query_params.get("flow", "")
    for flow in sorted(questions, key=lambda name: name != asked_for):
        _flow(app, flow, questions[flow], opened)
    left = any(one.state is not State.ANSWERED for one in every)
    next_step("questions", primary=not left)


def _opened(every: Sequence[Asked]) -> Asked | None:
    asked_for = st.query_params.get("question", "")
    named = next((one for one in every if name_of(one) == asked_for), None)
    return named or next((one for one in every if one.state is not State.ANSWERED), None)


def name_of(one: Asked) -> str:
    """Return the name of a question as addresses have it."""
    return f"{one.flow}.{one.question.name}"


def title_of(one: Asked) -> str:
    """Return what a question asks."""
    key = f"question_{one.flow}_{one.question.name}"
    return text(key) if has_term(key) else capital(one.question.name.replace("_", " "))


def reason(why: Reason) -> str:
    """Return a sentence of the set-up; what it names comes from the systems."""
    facts = {name: number(int(fact)) if name in COUNTS else plain(fact) for name, fact in why.facts.items()}
    return text(why.code, **facts)


def _accept(app: Application) -> None:
    app.setup.accept(person())
    st.query_params.pop("question", None)


def _flow(app: Application, flow: str, group: Sequence[Asked], opened: Asked | None) -> None:
    answered = sum(one.state is State.ANSWERED for one in group)
    with st.container(border=True, gap="small", key=f"rows_questions_{flow}"):
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.subheader(flow_name(flow), anchor=False, width="content")
            note(text("questions_done", number=answered, total=len(group)))
        for one in group:
            st.divider()
            asking = Asking(app, Draft(app, flow, "answers"))
            if opened is not None and name_of(one) == name_of(opened):
                _open(asking, one)
            else:
                _folded(asking, one)


# ---- one line -------------------------------------------------------------------------------------------------------


def _folded(asking: Asking, one: Asked) -> None:
    """Draw a question as one line: what it asks, the answer it has, and the way to open it."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(_sign(one), width=24)
        with st.container(width="stretch", gap=None):
            small(f"**{title_of(one)}**")
            note(_stands(asking, one))
            if one.lack is not None and one.state is State.ANSWERED:
                note(reason(one.lack.why))
        label = text("btn_change_answer" if one.state is State.ANSWERED else "btn_answer")
        st.button(label, key=f"open-{name_of(one)}", type="tertiary", on_click=go_to, args=("questions", name_of(one)))


def _sign(one: Asked) -> str:
    if one.weight in (Weight.STOPS, Weight.PARKS):
        return mark("failed" if one.weight is Weight.STOPS else "parked")
    return {State.ANSWERED: mark("ok"), State.PROPOSED: PROPOSED, State.OPEN: OPEN}[one.state]


def _stands(asking: Asking, one: Asked) -> str:
    if one.state is State.PROPOSED and one.proposal is not None:
        return text("question_proposed", answer=_answer(asking, one, one.proposal.values))
    if one.state is State.ANSWERED:
        return _answer(asking, one, _in_force(asking, one))
    return reason(one.lack.why) if one.lack is not None else text("question_open")


def _in_force(asking: Asking, one: Asked) -> Mapping[str, Any]:
    if one.question.table:
        return asking.app.tables.all().get(one.question.table, {})
    return {name: asking.draft.saved[name] for name in one.question.settings}


def _answer(asking: Asking, one: Asked, values: Mapping[str, Any]) -> str:
    """Return an answer in one line, as people read it."""
    if one.question.table:
        rows = [f"{plain(code)} → {plain(other)}" for code, other in values.items()]
        return _listed(rows) or text("question_no_rows")
    whole = {**asking.draft.saved, **values}
    shapes = [
        shape
        for shape in _shapes(asking, one)
        if shape.name in values and (shape.only is None or whole[shape.only.name] in shape.only.among)
    ]
    said = [(asking.label(shape.name), _said(asking, shape, values[shape.name])) for shape in shapes]
    return said[0][1] if len(said) == 1 else " · ".join(f"{label}: {answer}" for label, answer in said)


def _said(asking: Asking, shape: Shape, value: Any) -> str:
    match shape:
        case Choose(words=words):
            return text(f"{words}_{value}")
        case Pick(name=name, words=words):
            return asking.option(words or name, str(value))
        case Code(of=of, none=none):
            return _code(asking, of, str(value)) if value else text(none)
        case Codes(of=of, none=none):
            return _listed([_code(asking, of, str(each)) for each in value]) or text(none)
        case PerKey(keys=keys, none=none):
            known, codes = options_of(asking, shape), asking.choices(keys)
            rows = [f"{plain(codes.get(key, key))}: {plain(known.get(each, each))}" for key, each in value.items()]
            return _listed(rows) or text(none)
        case Money():
            return f"€ {amount_text(value)}"
        case Several(name=name, words=words):
            return _listed([asking.option(words or name, str(each)) for each in value]) or text("choose_none_is_all")
    return plain(value) or text("choose_nothing")


def _code(asking: Asking, of: Listed | None, code: str) -> str:
    return plain(captioned(code, asking.choices(of) if of else {}))


def _listed(said: Sequence[str]) -> str:
    return ", ".join(said[:SHOWN]) + (f" + {len(said) - SHOWN}" if len(said) > SHOWN else "")


# ---- open -----------------------------------------------------------------------------------------------------------


def _open(asking: Asking, one: Asked) -> None:
    """Draw a question: what is proposed and why, the fields that answer it, and the button that keeps the answer."""
    small(f"{_sign(one)} **{title_of(one)}**")
    if one.proposal is not None and one.state is not State.ANSWERED:
        said = text("question_proposed", answer=_answer(asking, one, one.proposal.values))
        note(f"{said}. {reason(one.proposal.why)}")
    if one.lack is not None:
        note(reason(one.lack.why))
    values = _table(asking, one) if one.question.table else _settings(asking, one)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if values is not None and st.button(
            text("btn_use_answer"), key=f"answer-{name_of(one)}", type="primary", icon=":material/check:"
        ):
            _keep(asking, one, values())
        if st.query_params.get("question") == name_of(one):
            st.button(
                text("btn_close_question"), key="close_question", type="tertiary", on_click=go_to, args=("questions",)
            )
        if one.question.table and asking.app.flows.spec(one.flow).table(one.question.table).by_country:
            note(text("question_table_more"))


def _settings(asking: Asking, one: Asked) -> Callable[[], Mapping[str, Any]]:
    """Draw the fields, with what is proposed as their first answer, and return how to read them."""
    draft = asking.draft
    if one.proposal is not None and one.state is not State.ANSWERED:
        for name, value in one.proposal.values.items():
            if name not in draft.changed:
                draft.put(name, value)
    for shape in _shapes(asking, one):
        draw(asking, shape)
    return lambda: {name: draft.value(name) for name in one.question.settings}


def _table(asking: Asking, one: Asked) -> Callable[[], Mapping[str, Any]] | None:
    """Draw a row for each code, those without a counterpart first; None when a list is needed and cannot be read."""
    name, app = one.question.table, asking.app
    sides = app.flows.spec(one.flow).table(name)
    ours, theirs = side(app, sides.ours), side(app, sides.theirs)
    if ours is None or theirs is None:
        return None
    saved = app.tables.all().get(name, {})
    draft = table_draft(f"answers-{name}-{app.sandbox.is_connected}", saved)
    if one.proposal is not None and one.state is not State.ANSWERED and not draft["rows"]:
        draft["rows"].update(one.proposal.values)
    flow = app.flows[one.flow]
    note(text("question_table_sides", source=system_name(flow.source), target=system_name(flow.target)))
    every = (EVERY,) if sides.for_all else ()
    for code in dict.fromkeys([*every, *(each for each in ours if each not in saved), *ours, *saved]):
        table_row(draft, code, ours, theirs)
    return lambda: dict(draft["rows"])


def _shapes(asking: Asking, one: Asked) -> list[Shape]:
    """Return the fields of a question, as the page of its flow has them."""
    wanted = one.question.settings
    shapes = each_of(shape for section in asking.app.flows.spec(one.flow).sections for shape in section.shapes)
    return sorted((shape for shape in shapes if shape.name in wanted), key=lambda shape: wanted.index(shape.name))


def _keep(asking: Asking, one: Asked, values: Mapping[str, Any]) -> None:
    """Keep an answer and open the next question; what cannot be used is said beside its field."""
    draft = asking.draft
    if any(name in draft.wrong for name in one.question.settings):
        st.session_state["said"] = text("settings_wrong")
        st.rerun()
    try:
        asking.app.setup.answer(one.flow, one.question.name, values, person())
    except IntegrationError as error:
        name = error.facts.get("setting", "").partition(" ")[2].partition(".")[0]
        draft.refused[name] = text("setting_expected", expected=error.facts.get("expected", ""))
        st.session_state["said"] = text("settings_wrong")
        st.rerun()
    for name in one.question.settings:
        draft.changed.pop(name, None)
    go_to("questions")
    st.rerun()
