"""Streamlit controls that change data, disabled for people who may not use them.

People without the right still see every setting. `application.only_for` checks the right and `withheld` disables the
controls in its block. Controls that change nothing (a filter, a search, a link to another page) are taken from
Streamlit directly.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any, TypeVar, cast

import streamlit as st

Drawn = TypeVar("Drawn", bound=Callable[..., Any])

_withheld: ContextVar[bool] = ContextVar("_withheld", default=False)


def are_disabled() -> bool:
    """Return True if controls are disabled at this point."""
    return _withheld.get()


@contextmanager
def withheld() -> Iterator[None]:
    """Disable every control that the block draws."""
    token = _withheld.set(True)
    try:
        yield
    finally:
        _withheld.reset(token)


def _held(draw: Drawn) -> Drawn:
    """Return a Streamlit control that is disabled inside `withheld`. Its parameters are the same."""

    @wraps(draw)
    def drawn(*given: Any, **named: Any) -> Any:
        return draw(*given, **({**named, "disabled": True} if are_disabled() else named))

    return cast("Drawn", drawn)


button = _held(st.button)
data_editor = _held(st.data_editor)
date_input = _held(st.date_input)
form_submit_button = _held(st.form_submit_button)
multiselect = _held(st.multiselect)
number_input = _held(st.number_input)
pills = _held(st.pills)
radio = _held(st.radio)
segmented_control = _held(st.segmented_control)
selectbox = _held(st.selectbox)
text_area = _held(st.text_area)
text_input = _held(st.text_input)
time_input = _held(st.time_input)
toggle = _held(st.toggle)
