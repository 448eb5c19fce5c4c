"""Controls that change something: as Streamlit draws them, and out of reach where whoever is here may not change it.

Everybody sees how something is arranged. `application.only_for` says who may change it, and `withheld` puts what is
drawn meanwhile out of reach. What only looks (a filter, a search, a way to another page) is drawn by Streamlit itself.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any, TypeVar, cast

import streamlit as st

Drawn = TypeVar("Drawn", bound=Callable[..., Any])

_withheld: ContextVar[bool] = ContextVar("_withheld", default=False)


def out_of_reach() -> bool:
    """Tell whether what is drawn now is only to be looked at."""
    return _withheld.get()


@contextmanager
def withheld() -> Iterator[None]:
    """Put every control that is drawn meanwhile out of reach."""
    token = _withheld.set(True)
    try:
        yield
    finally:
        _withheld.reset(token)


def _held(draw: Drawn) -> Drawn:
    """Return what draws a control, disabled where it is withheld; it takes what Streamlit's own takes."""

    @wraps(draw)
    def drawn(*given: Any, **named: Any) -> Any:
        return draw(*given, **({**named, "disabled": True} if out_of_reach() else named))

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
