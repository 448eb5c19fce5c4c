"""What stands around every page: the menu, the logo, both connections, and the operator's own choices."""

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from integration.services import Application
from integration.words import LANGUAGES
from pages.components.shared.application import running
from pages.components.shared.layout import note, small
from pages.components.shared.states import mark
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

A_YEAR = 31_536_000  # seconds


def navigation() -> StreamlitPage:
    """Draw the frame and return the page that was asked for."""
    st.session_state["framed"] = True
    settle_language()
    dark = st.context.theme.type == "dark"
    st.logo(f"static/logo-{'dark' if dark else 'light'}.svg", size="large")
    app = running()
    plans = [status.waiting for status in app.flows.statuses() if status.waiting]
    changes = sum(app.plans.count(run.id, "planned") for run in plans)
    menu = {
        "": [_page("overview", "dashboard", default=True)],
        text("menu_daily"): [
            _page("preview", "difference", waiting=changes),
            _page("exceptions", "rule", waiting=sum(app.issues.counts().values())),
            _page("runs", "history"),
        ],
        text("menu_insight"): [_page("stock", "inventory_2"), _page("logs", "receipt_long")],
        text("menu_arrangement"): [_page("setup", "cable"), _page("flows", "tune"), _page("mappings", "account_tree")],
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
            format_func=LANGUAGES.__getitem__,
            icon=":material/translate:",
            type="tertiary",
            help=text("language"),
        )
        kept = f"document.cookie = '{KEPT_LANGUAGE}={language()}; path=/; max-age={A_YEAR}; SameSite=Lax';"
        st.html(
            f"<script>document.documentElement.lang = '{language()}'; {kept if chosen() else ''}</script>",
            unsafe_allow_javascript=True,  # nothing in it but our own three codes
        )
