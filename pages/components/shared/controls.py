"""Streamlit controls that change data, disabled for people who may not use them.

People without the right still see every setting. `application.disable_unless_allowed` checks the right and `withheld`
disables the controls in its block. Controls that change nothing (a filter, a search, a link to another page) are taken
from Streamlit directly.
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


def _disableable(draw: Drawn) -> Drawn:
    """Return a Streamlit control that is disabled inside `withheld`. Its parameters are the same."""

    @wraps(draw)
    def drawn(*arguments: Any, **keywords: Any) -> Any:
        return draw(*arguments, **({**keywords, "disabled": True} if are_disabled() else keywords))

    return cast("Drawn", drawn)


button = _disableable(st.button)
data_editor = _disableable(st.data_editor)
date_input = _disableable(st.date_input)
form_submit_button = _disableable(st.form_submit_button)
multiselect = _disableable(st.multiselect)
number_input = _disableable(st.number_input)
pills = _disableable(st.pills)
radio = _disableable(st.radio)
segmented_control = _disableable(st.segmented_control)
selectbox = _disableable(st.selectbox)
text_area = _disableable(st.text_area)
text_input = _disableable(st.text_input)
time_input = _disableable(st.time_input)
toggle = _disableable(st.toggle)
