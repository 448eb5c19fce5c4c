"""The frame of every page: the application, the menu, the status of both connections, and errors of a page."""

import html
import json
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from typing import Any, ParamSpec
from urllib.parse import urlsplit

import streamlit as st
import structlog
from streamlit.navigation.page import StreamlitPage

from integration import VERSION
from integration.accounts.people import People
from integration.application import bootstrap
from integration.application.application import Application
from integration.core.authorization import right_of
from integration.core.errors import IntegrationError, LoggedOutError, NotAllowedError
from integration.core.people import RIGHTS, Actor, Right, Role
from integration.services.log.log import Log
from integration.services.setup import InstallationSetup
from integration.shipped import SHIPPED
from integration.words import LANGUAGES, of_streamlit
from pages.components.shared import searching
from pages.components.shared.connection_badge import connection_since, state_of
from pages.components.shared.controls import withheld
from pages.components.shared.glossary import words_button
from pages.components.shared.keys import keys_button
from pages.components.shared.layout import attempt, mark, note, show_error, small
from pages.components.shared.wording import (
    LANGUAGE_COOKIE,
    is_language_chosen,
    language,
    plain,
    set_language,
    settle_language,
    system_name,
    term,
    text,
)

DEFAULT = "overview"  # the page that an address without a page name opens
OPENED_BY: Mapping[str, Callable[..., Any]] = {
    "logs": Log.search, "setup": InstallationSetup.answer, "administration": People.invite,
}  # fmt: skip
"""The method that a person needs the right to call in order to open a page. Everybody may open the other pages."""


def application() -> Application:
    """Return the application of this process. Stop the script if the page was opened without the frame of `app.py`."""
    if not st.session_state.get("framed"):
        st.markdown(f"[{text('open_console')}](/)")
        st.stop()
    return acting_application()


def acting_application() -> Application:
    """Return the application of this process, authorized for the person of this session.

    If nobody is logged in, or the application cannot start, the reason is shown and the script stops.
    """
    try:
        return bootstrap.running_application().authorized_for(person())
    except LoggedOutError as error:
        show_error(error.code, error.facts)
        st.markdown(f"[{text('btn_log_in')}](/login)")
        if st.session_state.pop("left", False) and bootstrap.running_application().provider is not None:
            st.html('<script src="app/static/logout.js"></script>', unsafe_allow_javascript=True)  # our script
        st.stop()
    except IntegrationError as error:
        show_error(error.code, error.facts)
        st.stop()


def person() -> Actor:
    """Return the person of this session with their current rights. Raises LoggedOutError."""
    people = bootstrap.running_application().people
    key = st.context.cookies.get(people.cookie)
    return people.actor_of_session(key if isinstance(key, str) else "")  # without a browser the cookie is not a string


def may(method: Callable[..., Any]) -> bool:
    """Return True if the person of this session may call a method, such as `Runs.commit`.

    This only decides what is shown. The call itself is authorized again.
    """
    return person().may(_required_right(method))


def _required_right(method: Callable[..., Any]) -> Right:
    right = right_of(method)
    if right is None:
        raise TypeError(f"{method} asks for no right")
    return right


def may_open(page: str) -> bool:
    """Return True if the person of this session may open a page."""
    return page not in OPENED_BY or may(OPENED_BY[page])


def may_or_explain(method: Callable[..., Any]) -> bool:
    """Return True if the person of this session may call a method; otherwise show which roles may."""
    if may(method):
        return True
    roles = [term(f"role_{role}") for role in Role if _required_right(method) in RIGHTS[role]]
    note(f":material/visibility: {text('only_to_see', roles=', '.join(roles))}")
    return False


@contextmanager
def disable_unless_allowed(method: Callable[..., Any], *, quietly: bool = False) -> Iterator[None]:
    """Enable the controls of the block only for people who may call a method.

    Other people see the controls disabled, with a sentence that names the roles that may use them. `quietly` omits that
    sentence, for a block beside one that shows it.
    """
    if may(method) if quietly else may_or_explain(method):
        yield
    else:
        with withheld():
            yield


# ---- the frame ------------------------------------------------------------------------------------------------------


def navigation() -> StreamlitPage:
    """Draw the menu and the sidebar, and return the requested page."""
    st.session_state["framed"] = True
    settle_language()
    dark = st.context.theme.type == "dark"
    st.logo(str(SHIPPED / "static" / f"logo-{'dark' if dark else 'light'}.svg"), size="large")
    app = acting_application()
    waiting = {
        "preview": sum(app.plans.count(run.id, "planned") for run in app.runs.waiting_plans()),
        "exceptions": sum(app.issues.counts().values()),
        "monitoring": len(app.monitoring.open_incidents()),
    }
    menu = {
        "": [_page(DEFAULT, "dashboard", default=True)],
        text("menu_daily"): [
            _page("preview", "difference", waiting["preview"]),
            _page("exceptions", "rule", waiting["exceptions"]),
            _page("runs", "history"),
            _page("phone", "smartphone"),
        ],
        text("menu_insight"): [
            _page("days", "calendar_month"),
            _page("stock", "inventory_2"),
            *([_page("logs", "receipt_long")] if may_open("logs") else []),
            _page("monitoring", "notifications", waiting["monitoring"]),
        ],
        text("menu_configuration"): [
            *([_page("setup", "cable")] if may_open("setup") else []),
            _page("flows", "tune"),
            _page("mappings", "account_tree"),
            *([_page("administration", "admin_panel_settings")] if may_open("administration") else []),
        ],
    }
    page = st.navigation(menu, expanded=True)  # otherwise Streamlit collapses a menu of more than twelve pages
    name = page.url_path or DEFAULT
    waits = f" ({waiting[name]})" if waiting.get(name) else ""
    st.set_page_config(page_title=f"{text(f'nav_{name}')}{waits} · Sluis")
    with st.sidebar:
        searching.search_button()
        _connections(app)
        _languages()
        keys_button()
        words_button()
        _session_person(app)
        note(text("program_version", version=VERSION))
    if names_no_page(st.context.url or "", [page_item.url_path for section in menu.values() for page_item in section]):
        small(f":orange[:material/search_off: {text('page_not_there')}]")
    if searching.is_open():
        st.dialog(text("search_title"), width="medium", on_dismiss=searching.close)(guarded(_search))(app)
    return page


def names_no_page(url: str, pages: Collection[str]) -> bool:
    """Return True if an address names a page that does not exist or that this person may not open."""
    asked_for = urlsplit(url).path.removeprefix(f"/{st.get_option('server.baseUrlPath')}").strip("/")
    return asked_for not in ("", DEFAULT, *pages)


def _page(name: str, icon: str, waiting: int = 0, *, default: bool = False) -> StreamlitPage:
    title = text(f"nav_{name}") + (f" `{waiting}`" if waiting else "")
    return st.Page(f"pages/{name}.py", title=title, icon=f":material/{icon}:", default=default)


def _search(app: Application) -> None:
    searching.search_box(app, may_read=may(Log.search))


def bring_into_sight() -> None:
    """Scroll to the setting that a link or search result points to."""
    st.html(
        '<script src="app/static/linked_setting.js"></script>', unsafe_allow_javascript=True
    )  # a script of this project


def focus_field() -> None:
    """Move the cursor into the first field of the open dialog."""
    st.html('<script src="app/static/focus.js"></script>', unsafe_allow_javascript=True)  # a script of this project


def colour_sql() -> None:
    """Highlight the SQL query on this page while a person types it."""
    st.html('<script src="app/static/sql.js"></script>', unsafe_allow_javascript=True)  # a script of this project


def _connections(app: Application) -> None:
    for status in app.connection_monitor.statuses():
        about = connection_since(status) if status.ok is False else plain(status.about) or connection_since(status)
        st.markdown(f":small[{mark(state_of(status))} {system_name(status.system)}]  \n:small[:gray[{about}]]")


def _session_person(app: Application) -> None:
    """Show who is logged in with a logout button, or that this console needs no log-in."""
    actor = person()
    if not actor.session:
        note(text("nobody_logs_in"))
        return
    note(text("logged_in_as", name=plain(actor.name or actor.ref)))
    if st.button(text("btn_log_out"), key="log-out", icon=":material/logout:", type="tertiary"):
        st.session_state["left"] = attempt(lambda: app.people.leave(person()))
        st.rerun()


def _languages() -> None:
    """Draw the language menu, and tell the browser the language of the page and whether to store it in the cookie.

    A change of language leaves the address and all filters as they are, because they hold codes and no texts.
    """
    with st.container(gap=None):
        st.menu_button(
            LANGUAGES[language()],
            list(LANGUAGES),
            key="language",
            on_click=lambda: set_language(st.session_state["language"]),
            format_func=lambda code: LANGUAGES[code],
            icon=":material/translate:",
            type="tertiary",
            help=text("language"),
        )
        chosen_flag = "yes" if is_language_chosen() else ""
        texts = html.escape(json.dumps(of_streamlit(language()), ensure_ascii=False))
        chosen = f'data-language="{language()}" data-cookie="{LANGUAGE_COOKIE}" data-chosen="{chosen_flag}"'
        st.html(f'<i hidden {chosen} data-texts="{texts}"></i>')


# ---- errors of pages ------------------------------------------------------------------------------------------------


log = structlog.get_logger(__name__)

P = ParamSpec("P")


def failed(error: Exception) -> None:
    """Show that a page failed, with an incident number under which the server log has the stack trace."""
    if isinstance(error, LoggedOutError | NotAllowedError):
        show_error(error.code, error.facts)
        return
    incident = uuid.uuid4().hex[:8]
    log.error("page failed", incident=incident, exc_info=error)
    with st.container(key="page-failed"):
        show_error("page_failed", {"incident": incident})


def guarded(draw: Callable[P, None]) -> Callable[P, None]:
    """Return a function that draws a part of a page which Streamlit reruns by itself, such as a dialog.

    An error in that part is shown in its place. While the same error repeats, it keeps its incident number and is
    logged once.
    """
    place = f"failing-{draw.__module__}.{draw.__qualname__}"

    @wraps(draw)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            draw(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - a bug in this part must not end the page: it is logged and shown
            _part_failed(place, error)
        else:
            st.session_state.pop(place, None)

    return drawn


def refreshing(seconds: float | None) -> Callable[[Callable[P, None]], Callable[P, None]]:
    """Redraw the decorated part of a page every `seconds` seconds; its errors are handled as in `guarded`."""
    return lambda draw: st.fragment(guarded(draw), run_every=seconds)


def _part_failed(place: str, error: Exception) -> None:
    if isinstance(error, LoggedOutError | NotAllowedError):
        show_error(error.code, error.facts)
        return
    shown_error, incident = st.session_state.get(place, ("", ""))
    if shown_error != repr(error):
        incident = uuid.uuid4().hex[:8]
        st.session_state[place] = repr(error), incident
        log.error("part of a page failed", incident=incident, exc_info=error)
    show_error("part_failed", {"incident": incident})
