"""What stands around every page: the application, the menu, both connections, and what is told where a page fails."""

import uuid
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

import streamlit as st
import structlog
from streamlit.navigation.page import StreamlitPage

from integration import bootstrap
from integration.core.errors import IntegrationError
from integration.services import Application
from integration.words import LANGUAGES
from pages.components.shared.layout import mark, note, small, trouble
from pages.components.shared.wording import (
    KEPT_LANGUAGE,
    chosen,
    language,
    plain,
    settle_language,
    speak,
    system_name,
    text,
)


def application() -> Application:
    """Return the application of this process; a page that was opened without the frame of `app.py` stops here."""
    if not st.session_state.get("framed"):
        st.markdown(f"[{text('open_console')}](/)")
        st.stop()
    return running()


def running() -> Application:
    """Return the application of this process. What keeps it from starting is shown instead of a page."""
    try:
        return bootstrap.application()
    except IntegrationError as error:
        trouble(error.code, error.facts)
        st.stop()


def person() -> str:
    """Return the name under which what is done here is recorded."""
    return "operator"


# ---- the frame ------------------------------------------------------------------------------------------------------


def navigation() -> StreamlitPage:
    """Draw the frame and return the page that was asked for."""
    st.session_state["framed"] = True
    settle_language()
    dark = st.context.theme.type == "dark"
    st.logo(f"static/logo-{'dark' if dark else 'light'}.svg", size="large")
    app = running()
    changes = sum(app.plans.count(run.id, "planned") for run in app.runs.every_waiting())
    menu = {
        "": [_page("overview", "dashboard", default=True)],
        text("menu_daily"): [
            _page("preview", "difference", waiting=changes),
            _page("exceptions", "rule", waiting=sum(app.issues.counts().values())),
            _page("runs", "history"),
        ],
        text("menu_insight"): [_page("stock", "inventory_2"), _page("logs", "receipt_long")],
        text("menu_arrangement"): [
            _page("setup", "cable"),
            _page("flows", "tune"),
            _page("mappings", "account_tree"),
            *([_page("lab", "science")] if app.sandbox.is_connected else []),
        ],
    }
    page = st.navigation(menu)
    with st.sidebar:
        _connections(app)
        _languages()
    return page


def _page(name: str, icon: str, waiting: int = 0, *, default: bool = False) -> StreamlitPage:
    title = text(f"nav_{name}") + (f" `{waiting}`" if waiting else "")
    return st.Page(f"pages/{name}.py", title=title, icon=f":material/{icon}:", default=default)


def _connections(app: Application) -> None:
    with st.container(gap="xxsmall"):
        for status in app.connections.statuses():
            state = {True: "ok", False: "failed", None: "unknown"}[status.ok if status.connected else None]
            stands = "connected" if status.connected else "not_connected"
            small(f"{mark(state)} {system_name(status.system)}")
            note(plain(status.about) or text("badge_no_answer" if state == "failed" else stands))


def _languages() -> None:
    """Draw the choice of the language, and tell the browser which one this is and whether to remember it.

    The address and every filter stay as they are: they hold codes, not words.
    """
    with st.container(gap=None):
        st.menu_button(
            LANGUAGES[language()],
            list(LANGUAGES),
            key="language",
            on_click=lambda: speak(st.session_state["language"]),
            format_func=lambda one: LANGUAGES[one],
            icon=":material/translate:",
            type="tertiary",
            help=text("language"),
        )
        st.html(
            f'<script src="app/static/frame.js" data-language="{language()}" data-kept="{KEPT_LANGUAGE}"'
            f' data-chosen="{"yes" if chosen() else ""}"></script>',
            unsafe_allow_javascript=True,  # a file of ours, told nothing but our own three codes
        )


# ---- what goes wrong of our own -------------------------------------------------------------------------------------


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
