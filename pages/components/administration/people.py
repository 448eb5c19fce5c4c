"""The people who may use the console with their roles, invitations, and open sessions."""

from collections.abc import Callable
from functools import partial
from typing import NoReturn
from urllib.parse import urlsplit

import streamlit as st

from integration.accounts.people import INVITED_AT
from integration.application.application import Application
from integration.core.people import APART, Person, Role
from integration.words import MISSING
from pages.components.shared.application import guarded, person
from pages.components.shared.downloads import downloads
from pages.components.shared.frames import rows_in
from pages.components.shared.layout import act, note, result_of, section, section_with_actions, small
from pages.components.shared.tables import code_block, table
from pages.components.shared.wording import moment, option_name, plain, text

GRANTS = (*Role, *sorted(APART))
COLUMNS = ("person", "person_name", "grants", "has_logged_in", "invited_until", "deactivated_at")


def people(app: Application) -> None:
    """Draw the list of people, the form for one person, the invitation form, and the sessions."""
    tools = section_with_actions(text("people_title"), text("people_about"))
    if not app.people.asks_log_in():
        note(text("people_nobody_logs_in"))
    everybody = app.people.list_people()
    if everybody:
        downloads("people", lambda: rows_in(COLUMNS, [_line(user) for user in everybody]), at=tools)
        table([_row(user) for user in everybody], text("people_title"), height="content")
    _draw_link()
    with st.container(horizontal=True):
        with st.popover(text("people_invite"), icon=":material/person_add:"):
            _invite(app)
        if everybody:
            with st.popover(text("people_change"), icon=":material/manage_accounts:"):
                _change_form(app, {user.ref: user for user in everybody})
    _sessions(app)


def _row(user: Person) -> dict[str, str]:
    return {
        text("col_person"): user.ref,
        text("col_person_name"): user.name or MISSING,
        text("col_grants"): ", ".join(_grant(name) for name in GRANTS if name in user.grants) or MISSING,
        text("col_person_state"): _access_state(user),
    }


def _line(user: Person) -> list[object]:
    return [user.ref, user.name, list(user.grants), user.has_logged_in, user.invited_until, user.deactivated_at]


def _access_state(user: Person) -> str:
    if user.deactivated_at is not None:
        return text("person_off", time=moment(user.deactivated_at))
    if user.invited_until is not None:
        return text("person_invited", time=moment(user.invited_until))
    return text("person_there" if user.has_logged_in else "person_not_there")


def _grant(name: str) -> str:
    return text(f"right_{name}" if name in APART else f"role_{name}")


def _grants(chosen: list[str], key: str) -> list[str]:
    return st.multiselect(text("col_grants"), list(GRANTS), chosen, key=key, format_func=option_name(_grant))


def _invite(app: Application) -> None:
    with st.form("invite", border=False, clear_on_submit=True):
        ref = st.text_input(text("person_ref"), key="invite-ref", autocomplete="off", help=text("person_ref_about"))
        name = st.text_input(text("col_person_name"), key="invite-name", autocomplete="off")
        grants = _grants([Role.OPERATOR], "invite-grants")
        if st.form_submit_button(text("btn_invite"), type="primary", key="invite-send"):
            _send_invitation(app, ref or "", name or "", grants)


def _send_invitation(app: Application, ref: str, name: str, grants: list[str]) -> None:
    """Invite a person and show the link once. It cannot be read again later."""
    key = result_of(lambda: app.people.invite(ref, name, grants, person()))
    if key is not None:
        page_url = urlsplit(st.context.url or "")
        st.session_state["invitation"] = f"{page_url.scheme}://{page_url.netloc}{INVITED_AT}?key={key}"
    st.rerun()


def _draw_link() -> None:
    if link := st.session_state.pop("invitation", ""):
        with st.container(border=True, gap="xsmall"):
            small(text("person_link"))
            code_block(link)


def _change_form(app: Application, everybody: dict[str, Person]) -> None:
    ref = st.selectbox(
        text("col_person"),
        list(everybody),
        None,
        key="person",
        format_func=option_name(str),
        placeholder=text("row_choose"),
    )
    if ref is None:
        return
    user = everybody[ref]
    grants = _grants([name for name in GRANTS if name in user.grants], f"grants-{ref}")
    if st.button(text("btn_person_save"), type="primary", key="person-save"):
        _save(lambda: app.four_eyes.change_person(ref, grants, person()))
    if st.button(text("btn_invite_anew"), key="person-invite"):
        _send_invitation(app, ref, "", list(user.grants))
    if user.deactivated_at is not None:
        if st.button(text("btn_person_on"), key="person-on"):
            _save(lambda: app.four_eyes.set_person_active(ref, person(), on=True))
    elif st.button(text("btn_person_off"), key="person-off"):
        st.dialog(text("person_off_title"), icon=":material/person_off:")(guarded(_ask_deactivation))(app, ref)


def _ask_deactivation(app: Application, ref: str) -> None:
    small(f"**{plain(ref)}**")
    note(text("person_off_about"))
    if st.button(text("btn_person_off"), type="primary", key="person-off-now"):
        _save(lambda: app.four_eyes.set_person_active(ref, person(), on=False))


def _save(change: Callable[[], bool]) -> NoReturn:
    """Call a change of a person, say if it waits for a second person, and rerun the page."""
    if result_of(change) is False:
        st.session_state["said"] = text("person_change_waits")
    st.rerun()


def _sessions(app: Application) -> None:
    sessions = app.people.sessions()
    if not sessions:
        return
    section(text("sessions_title"), text("sessions_about"))
    own_session = person().session
    for session in sessions:
        with st.container(horizontal=True, vertical_alignment="center", key=f"session-{session.id}"):
            own_mark = f" · {text('session_mine')}" if session.id == own_session else ""
            until = text("session_until", since=moment(session.started_at), time=moment(session.until))
            small(f"{plain(session.person)} · {until}{own_mark}")
            if st.button(text("btn_revoke"), key=f"revoke-{session.id}", type="tertiary"):
                act(partial(app.people.revoke, session.id, person()))
