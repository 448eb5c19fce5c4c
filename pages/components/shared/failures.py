"""What goes wrong of our own while something is drawn: told in words, under a number by which its trace is found."""

import uuid
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

import streamlit as st
import structlog

from pages.components.shared.layout import trouble

log = structlog.get_logger(__name__)

P = ParamSpec("P")


def failed(error: Exception) -> None:
    """Say that a page could not be shown, under the number by which its trace is found in the log of the server."""
    incident = uuid.uuid4().hex[:8]
    log.error("page failed", incident=incident, exc_info=error)
    with st.container(key="page-failed"):
        trouble("page_failed", {"incident": incident})


def guarded(draw: Callable[P, None]) -> Callable[P, None]:
    """Return what draws a part of a page that Streamlit runs by itself, such as a dialog.

    What goes wrong in it is told in its place. As long as the same goes wrong each time, it keeps its number and is
    logged once.
    """
    place = f"failing-{draw.__module__}.{draw.__qualname__}"

    @wraps(draw)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            draw(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - a bug of a page: kept with its trace under a number, and said in words
            _part_failed(place, error)
        else:
            st.session_state.pop(place, None)

    return drawn


def refreshing(seconds: float | None) -> Callable[[Callable[P, None]], Callable[P, None]]:
    """Make a part of a page draw itself anew every so many seconds; see `guarded` for what happens when it fails."""
    return lambda draw: st.fragment(guarded(draw), run_every=seconds)


def _part_failed(place: str, error: Exception) -> None:
    said, incident = st.session_state.get(place, ("", ""))
    if said != repr(error):
        incident = uuid.uuid4().hex[:8]
        st.session_state[place] = repr(error), incident
        log.error("part of a page failed", incident=incident, exc_info=error)
    trouble("part_failed", {"incident": incident})
