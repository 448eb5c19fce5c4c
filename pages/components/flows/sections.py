"""The settings of a flow on screen: how each sort of answer that a flow asks for is drawn."""

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from integration.flows.forms import (
    Choose,
    Code,
    Codes,
    Day,
    Example,
    Money,
    PerKey,
    Pick,
    Rates,
    Rows,
    Several,
    Shape,
    SourceField,
    Switch,
    Together,
    Whole,
    Words,
)
from pages.components.flows.becomes import pick_with_objects
from pages.components.flows.formulas import example, rates
from pages.components.flows.source_fields import field_label, source_field, source_fields
from pages.components.shared import inputs
from pages.components.shared.inputs import Asking
from pages.components.shared.wording import text


def draw(asking: Asking, shape: Shape) -> None:
    """Draw a setting, where it is asked at all, with what is wrong with it."""
    if shape.only is not None and asking.draft.value(shape.only.name) not in shape.only.among:
        return
    DRAWN[type(shape)](asking, shape)
    if shape.name:
        asking.draft.beside(shape.name)


def _together(asking: Asking, shape: Together) -> None:
    with st.container(gap="xsmall"):
        if shape.title:
            st.markdown(f":small[**{text(shape.title)}** :gray[{text(f'{shape.title}_about')}]]")
        with st.container(horizontal=True, gap="medium" if shape.title else "small"):
            for each in shape.shapes:
                draw(asking, each)


def _per_key(asking: Asking, shape: PerKey) -> None:
    inputs.per_key(asking, shape, options_of(asking, shape))


def options_of(asking: Asking, shape: PerKey) -> dict[str, str]:
    """Return what each code can get, with its words; nothing where any text will do."""
    of = shape.options
    if of is None:
        return {}
    fields = source_fields(asking.app, asking.flow, of.kind) or []
    first = {code: text(word) for code, word in of.first.items()}
    return first | {one.name: field_label(fields, one.name) for one in fields if one.type is of.type}


DRAWN: Mapping[type[Shape], Callable[[Asking, Any], None]] = {
    Together: _together,
    Switch: inputs.switch,
    Pick: pick_with_objects,
    Choose: inputs.choose,
    Several: inputs.several,
    Code: inputs.code,
    Codes: inputs.codes,
    Words: inputs.words,
    Whole: inputs.whole,
    Money: inputs.money,
    Day: inputs.day,
    SourceField: source_field,
    PerKey: _per_key,
    Rows: inputs.rows,
    Rates: rates,
    Example: example,
}
"""How each sort of answer is drawn."""
