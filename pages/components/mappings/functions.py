"""The editor of a chain of functions, with a field for each argument and buttons to move and remove a function."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

import streamlit as st

from integration.core.records import Field, FieldType, Value
from integration.core.rules import RuleCall, as_text
from integration.flows.functions.toolbox import FUNCTIONS, Argument, Takes
from integration.words import has_term
from pages.components.mappings.mapping import function_label, source_label
from pages.components.shared import controls
from pages.components.shared.layout import icon_button, small
from pages.components.shared.wording import (
    Markdown,
    option_name,
    plain,
    read_number,
    table_name,
    term,
    text,
    typed_text,
    typed_value,
)

LONGEST = 2_000
NARROW = 130


@dataclass(frozen=True, slots=True)
class FunctionChoices:
    """The choices for a rule and for the arguments of its functions."""

    sources: Sequence[Field]
    target: Field | None
    samples: dict[str, Value]
    tables: Sequence[str]

    @property
    def type(self) -> FieldType:
        """Type of the values of the target field; text if the field is unknown."""
        return self.target.type if self.target else FieldType.TEXT

    def field_label(self, name: str) -> str:
        """Return the label of a source field."""
        return source_label(self.sources, name, self.samples)


def chain(calls: Sequence[RuleCall], choices: FunctionChoices, key: str) -> tuple[RuleCall, ...]:
    """Draw the functions of a rule in their order, and return them as they are on screen."""
    result = list(calls)
    small(f"**{text('rule_functions')}** :gray[{text('functions_about')}]")
    for place, call in enumerate(calls):
        edited = _row(call, place, choices, f"{key}-{len(calls)}-{place}", first=place == 0)
        if edited is None:
            return (*calls[:place], *calls[place + 1 :])
        if isinstance(edited, str):
            return (*calls[: place - 1], call, calls[place - 1], *calls[place + 1 :])
        result[place] = edited
    added = controls.selectbox(
        text("function_add"),
        list(FUNCTIONS),
        index=None,
        key=f"{key}-add-{len(calls)}",
        format_func=option_name(lambda name: f"{function_label(name)} · {term(f'function_{name}_about')}"),
        placeholder=text("function_add"),
        label_visibility="collapsed",
    )
    return (*result, RuleCall(added, _initial_arguments(added, choices))) if added else tuple(result)


def _initial_arguments(name: str, choices: FunctionChoices) -> tuple[Value, ...]:
    """Return the initial arguments of a function: one for each required argument."""
    start: dict[Takes, Value] = {
        Takes.NUMBER: Decimal(1),
        Takes.TABLE: next(iter(choices.tables), ""),
        Takes.TEXT: "",
        Takes.VALUE: "",
    }
    return tuple(
        argument.options[0] if argument.options else start.get(argument.takes)
        for argument in FUNCTIONS[name]
        if argument.is_required
    )


def _row(
    call: RuleCall, place: int, choices: FunctionChoices, key: str, *, first: bool
) -> RuleCall | Literal["up"] | None:
    """Draw one function and return it as it is on screen, "up" to move it, or None to remove it."""
    name = plain(function_label(call.name))
    with st.container(border=True, gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center", gap="xxsmall"):
            st.markdown(
                f":small[{place + 1}\\. **{name}**]",
                width="stretch",
                help=text(f"function_{call.name}_about") if has_term(f"function_{call.name}_about") else None,
            )
            fixed = controls.are_disabled()
            label = text("function_up", name=name)
            up = not first and icon_button("arrow_upward", label, f"{key}-up", disabled=fixed)
            out = icon_button("close", text("function_out", name=name), f"{key}-out", disabled=fixed)
        arguments = FUNCTIONS.get(call.name, ())
        argument_values: list[Value] = []
        if arguments:
            with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
                for at, argument in enumerate(arguments):
                    argument_values += _argument(
                        argument, call.args[at:], choices, f"{key}-{call.name}-{argument.name}"
                    )
    if out:
        return None
    while argument_values and argument_values[-1] is None:
        argument_values.pop()
    return (
        "up"
        if up
        else RuleCall(
            call.name, tuple("" if argument_value is None else argument_value for argument_value in argument_values)
        )
    )


def _argument(argument: Argument, now: Sequence[Value], choices: FunctionChoices, key: str) -> list[Value]:
    """Draw one argument and return its values; None for an omitted optional argument."""
    label = text(f"argument_{argument.name}")
    before = now[0] if now else None
    match argument.takes:
        case Takes.FIELD:
            source_names = [source_field.name for source_field in choices.sources]
            chosen = [as_text(value) for value in now]
            return list(
                controls.multiselect(
                    label,
                    list(dict.fromkeys([*source_names, *chosen])),
                    chosen,
                    key=key,
                    format_func=option_name(choices.field_label),
                    placeholder=text("choose_field"),
                )
            )
        case Takes.CHOICE | Takes.TABLE:
            return [_choice(argument, as_text(before), choices, label, key)]
        case _:
            entered = (
                controls.text_input(
                    label,
                    typed_text(before, choices.type),
                    key=key,
                    max_chars=LONGEST,
                    width="stretch",
                    autocomplete="off",
                    placeholder="" if argument.is_required else text("argument_optional"),
                )
                or ""
            )
            return [_argument_value(argument, entered, before, choices.type)]


def _choice(argument: Argument, now: str, choices: FunctionChoices, label: Markdown, key: str) -> Value:
    options = list(argument.options) if argument.options else list(choices.tables)
    every = [*([] if argument.is_required else [""]), *options, *([now] if now and now not in options else [])]
    labels = table_name if argument.takes is Takes.TABLE else lambda option: _option(argument, option)
    chosen = controls.selectbox(
        label,
        every,
        index=every.index(now) if now in every else 0,
        key=key,
        format_func=option_name(labels),
        accept_new_options=argument.takes is Takes.TABLE,
    )
    return chosen or ("" if argument.is_required else None)


def _option(argument: Argument, value: str) -> str:
    if not value:
        return text("argument_optional")
    return text(f"{argument.name}_{value}") if has_term(f"{argument.name}_{value}") else value


def _argument_value(argument: Argument, entered: str, before: Value, kind: FieldType) -> Value:
    if before is not None and entered == typed_text(before, kind):
        return before
    if not entered and not argument.is_required:
        return None
    if argument.takes is Takes.NUMBER:
        number = read_number(entered)
        return entered.strip() if number is None else number
    value = typed_value(entered, kind) if argument.takes is Takes.VALUE else entered
    return entered if value is None else value
