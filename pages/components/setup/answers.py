"""The answer to a set-up question as one line of text, and the fields of the question."""

from collections.abc import Mapping, Sequence
from typing import Any

from integration.flows.forms import (
    Code,
    Codes,
    FormField,
    Money,
    MultiSelect,
    PerKey,
    RadioChoice,
    Select,
    single_fields,
)
from integration.services.setup import QuestionState
from pages.components.flows.sections import options_of
from pages.components.flows.tables import RowChoices
from pages.components.shared.inputs import InputForm, codes_or_error, lists_of
from pages.components.shared.rows import code_label, row_label
from pages.components.shared.wording import Markdown, amount_text, plain, quantity_text, text

SHOWN = 4  # answers of a list that a line names


def answer(form: InputForm, asked_question: QuestionState, values: Mapping[str, Any]) -> Markdown:
    """Return an answer as one line of text."""
    if asked_question.question.table:
        sides = sides_of(form, asked_question)
        if sides is None:
            return quantity_text("table_rows", len(values))
        shown_rows = [
            (row_label(form.app, sides.table, code, sides.lists), sides.counterpart_label(values[code]))
            for code in values
        ]
        return _shortened_list([f"{plain(code)} → {plain(other)}" for code, other in shown_rows]) or text(
            "question_no_rows"
        )
    whole = {**form.draft.saved, **values}
    shapes = [
        shape
        for shape in shapes_of(form, asked_question)
        if shape.name in values and (shape.only is None or shape.only.holds(whole.__getitem__))
    ]
    answer_parts = [(form.label(shape.name), _field_answer(form, shape, values[shape.name])) for shape in shapes]
    return (
        answer_parts[0][1]
        if len(answer_parts) == 1
        else " · ".join(f"{label}: {answer}" for label, answer in answer_parts)
    )


def _field_answer(form: InputForm, shape: FormField, value: Any) -> Markdown:
    match shape:
        case RadioChoice(words=words):
            return text(f"{words}_{value}")
        case Select(name=name, words=words):
            return plain(form.option(words or name, str(value)))
        case Code(of=of, none=none):
            return plain(code_label(form.app, of, str(value), form.choices(of))) if value else text(none)
        case Codes(of=of, none=none):
            choices = form.choices(of)
            return _shortened_list([plain(code_label(form.app, of, str(code), choices)) for code in value]) or text(
                none
            )
        case PerKey(keys=keys, none=none):
            code_options, codes = options_of(form, shape), form.choices(keys)
            rows = [
                f"{plain(codes.get(key, key))}: {plain(code_options.get(code, code))}" for key, code in value.items()
            ]
            return _shortened_list(rows) or text(none)
        case Money():
            return f"€ {amount_text(value)}"
        case MultiSelect(name=name, words=words):
            return _shortened_list([plain(form.option(words or name, str(code))) for code in value]) or text(
                "choose_none_is_all"
            )
    return plain(value) or text("choose_nothing")


def _shortened_list(items: Sequence[Markdown]) -> Markdown:
    return ", ".join(items[:SHOWN]) + (f" + {len(items) - SHOWN}" if len(items) > SHOWN else "")


def sides_of(form: InputForm, asked_question: QuestionState) -> RowChoices | None:
    """Return the choices for the rows of a question, or None if a system does not answer; the reason is shown."""
    app, table = form.app, form.app.flows.spec(asked_question.flow).table(asked_question.question.table)
    lists, theirs = lists_of(app, table), codes_or_error(app, table.theirs)
    return None if lists is None or theirs is None else RowChoices(app, table, lists, theirs)


def shapes_of(form: InputForm, asked_question: QuestionState) -> list[FormField]:
    """Return the fields of a question, as the settings page of its flow has them."""
    names = asked_question.question.settings
    shapes = single_fields(
        shape for section in form.app.flows.spec(asked_question.flow).sections for shape in section.shapes
    )
    return sorted((shape for shape in shapes if shape.name in names), key=lambda shape: names.index(shape.name))
