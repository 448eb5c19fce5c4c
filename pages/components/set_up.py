"""The steps of the set-up: log in at AccountView, connect the till, and see what is still missing."""

# ruff: noqa: TID251 - pages speak to the browser

import secrets

import streamlit as st

from integration.bootstrap import Application, ConnectionStatus
from integration.connectors.protocol import Finding
from pages.components.application import person
from pages.components.connections import check_result
from pages.components.flows import start_preview
from pages.components.layout import attempt, facts_table, note
from pages.components.states import mark
from pages.components.wording import plain, system_name, text


def step_label(app: Application, name: str) -> str:
    """Return a step with a tick once it is done."""
    done = all(one.ok for one in app.connections()) if name == "ready" else _status(app, name).ok
    title = text("step_ready") if name == "ready" else system_name(name)
    return f"{mark('ok') if done else ':gray[:material/radio_button_unchecked:]'} {title}"


def _status(app: Application, system: str) -> ConnectionStatus:
    return next(one for one in app.connections() if one.system == system)


# ---- AccountView ----------------------------------------------------------------------------------------------------


def accountview_step(app: Application) -> None:
    """Log in at AccountView in three short parts: the keys, the log-in itself, the company."""
    status = _status(app, "accountview")
    with st.container(border=True):
        st.subheader(text("setup_accountview"), anchor=False)
        if app.sandboxed:
            note(text("setup_sandboxed"))
        else:
            note(text("setup_accountview_about"))
            _login_form(app)
            if st.session_state.get("logged_in"):
                _company_form(app)
    _check(app, status)


def _login_form(app: Application) -> None:
    with st.form("accountview", border=False):
        with st.container(horizontal=True, gap="small"):
            client_id = st.text_input(text("field_client_id"), autocomplete="off") or ""
            secret = st.text_input(text("field_client_secret"), type="password", autocomplete="off") or ""
        pressed = st.form_submit_button(text("btn_log_in"), icon=":material/login:", type="primary")
    if not pressed:
        return
    if not client_id.strip() or not secret.strip():
        note(f":orange[{text('fill_both')}]")
        return
    state, address = secrets.token_urlsafe(24), [""]

    def begin() -> None:
        address[0] = app.authorize_address(_here(), state, client_id, secret, person())

    if attempt(begin):
        _states().add(state)
        st.link_button(text("btn_go_log_in"), address[0], icon=":material/open_in_new:", type="primary")
    else:
        st.rerun()


def _here() -> str:
    """Return the address of this page, to which AccountView sends the operator back."""
    return str(st.context.url or "").partition("?")[0]


@st.cache_resource(show_spinner=False)
def _states() -> set[str]:
    """Return the marks of log-ins under way: an answer that carries none of them was not asked for."""
    return set()


def finished_login(app: Application) -> None:
    """Take up the answer of a log-in that came back in the address, and clear the address of it."""
    code, state = st.query_params.get("code", ""), st.query_params.get("state", "")
    if not code:
        return
    for name in ("code", "state"):
        st.query_params.pop(name, None)
    st.query_params["step"] = "accountview"
    if state in _states():
        _states().discard(state)
        if attempt(lambda: app.authorized(code, _here())):
            st.session_state["logged_in"] = True
    else:
        st.session_state["failure"] = ("accountview_login_needed", {})


def _company_form(app: Application) -> None:
    known: dict[str, str] = {}
    if not attempt(lambda: known.update(app.companies())):
        st.rerun()
    company = st.selectbox(
        text("field_company"), list(known), index=None, format_func=lambda one: known[one],
        placeholder=text("choose_company"),
    )  # fmt: skip
    if company and st.button(text("btn_choose_company"), type="primary", key="choose_company"):
        attempt(lambda: app.choose_company(company, person()))
        st.session_state.pop("logged_in", None)
        st.rerun()


# ---- MplusKASSA -----------------------------------------------------------------------------------------------------


def mplus_step(app: Application) -> None:
    """Connect the till with address, port, ident and secret; the secret is never shown again, only replaced."""
    status = _status(app, "mplus")
    with st.container(border=True):
        st.subheader(text("setup_mplus"), anchor=False)
        if app.sandboxed:
            note(text("setup_sandboxed"))
        else:
            note(text("setup_mplus_about"))
            _mplus_form(app)
    _check(app, status)


def _mplus_form(app: Application) -> None:
    with st.form("mplus", border=False):
        with st.container(horizontal=True, gap="small"):
            address = st.text_input(text("field_address"), "https://api.mpluskassa.nl", autocomplete="off") or ""
            port = st.text_input(text("field_port"), width=140, autocomplete="off") or ""
        with st.container(horizontal=True, gap="small"):
            ident = st.text_input(text("field_ident"), autocomplete="off") or ""
            secret = st.text_input(text("field_secret"), type="password", autocomplete="off") or ""
        pressed = st.form_submit_button(text("btn_check_connection"), icon=":material/network_check:", type="primary")
    if not pressed:
        return
    if not all(part.strip() for part in (address, ident, secret)):
        note(f":orange[{text('fill_all')}]")
        return
    host = address.strip().rstrip("/")
    url = f"{host}:{port.strip()}/" if port.strip() else f"{host}/"
    with st.spinner(text("checking", system=system_name("mplus"))):
        attempt(lambda: app.connect_mplus(url, ident, secret, person()))
    st.rerun()


# ---- both -----------------------------------------------------------------------------------------------------------


def _check(app: Application, status: ConnectionStatus) -> None:
    """Show the last check and offer a new one."""
    if not status.connected:
        return
    findings: list[Finding] = list(status.findings)
    if st.button(text("btn_check_again"), icon=":material/network_check:", key=f"check-{status.system}"):
        with st.spinner(text("checking", system=system_name(status.system))):
            findings = app.check(status.system)
    if findings:
        check_result(status.system, findings)
    else:
        note(text("not_checked"))


def ready_step(app: Application) -> None:
    """Say what is missing, first things first, and offer the first preview when nothing is."""
    statuses = app.connections()
    missing = [one for one in statuses if not one.ok]
    with st.container(border=True, gap="small"):
        st.subheader(text("ready_title" if not missing else "ready_missing"), anchor=False)
        facts_table({system_name(one.system): _readiness(one) for one in [*missing, *(o for o in statuses if o.ok)]})
        if missing:
            return
        st.markdown(text("ready_text"))
        for flow in app.flows:
            if st.button(text("btn_first_preview", flow=flow), type="primary", icon=":material/difference:",
                         key=f"first-{flow}"):  # fmt: skip
                start_preview(app, flow)


def _readiness(status: ConnectionStatus) -> str:
    if not status.connected:
        return f"{mark('unknown')} {text('not_connected')}"
    if status.ok is None:
        return f"{mark('unknown')} {text('not_checked')}"
    return f"{mark('ok' if status.ok else 'failed')} {plain(status.about) or text('connected')}"
