"""The steps of the set-up: log in at AccountView, connect the till, and see what is still missing."""

# ruff: noqa: TID251 - pages speak to the browser

from typing import Literal
from urllib.parse import urlsplit

import streamlit as st

from integration.bootstrap import Application, ConnectionStatus
from integration.connectors.protocol import Finding
from pages.components.application import person
from pages.components.connections import check_result
from pages.components.draft import asked
from pages.components.flows import start_preview
from pages.components.layout import attempt, facts_table, note
from pages.components.states import mark
from pages.components.wording import counted, plain, system_name, term, text


def step_label(app: Application, name: str) -> str:
    """Return a step with a tick once it is done, or a cross when its check failed."""
    states = [one.ok for one in app.connections()] if name == "ready" else [_status(app, name).ok]
    title = text("step_ready") if name == "ready" else system_name(name)
    if name != "ready" and states[0] is False:
        return f"{mark('failed')} {title}"
    return f"{mark('ok') if all(states) else ':gray[:material/radio_button_unchecked:]'} {title}"


def _status(app: Application, system: str) -> ConnectionStatus:
    return next(one for one in app.connections() if one.system == system)


def _own(app: Application, system: str) -> bool:
    """Tell whether to draw the form for a system of one's own; while the sandbox is connected it is asked for first."""
    if not app.sandboxed:
        return True
    note(text("setup_sandboxed"))
    if not st.session_state.get("own_systems"):
        label = text("btn_connect_own", system=system_name(system))
        if st.button(label, icon=":material/cable:", key=f"own-{system}"):
            st.session_state["own_systems"] = True
            st.rerun()
        return False
    note(f":orange[:material/info: {text('setup_leaves_sandbox')}]")
    return True


# ---- AccountView ----------------------------------------------------------------------------------------------------


def accountview_step(app: Application) -> None:
    """Log in at AccountView in three short parts: the keys, the log-in itself, the company."""
    status = _status(app, "accountview")
    with st.container(border=True):
        st.subheader(text("setup_accountview"), anchor=False)
        if _own(app, "accountview"):
            note(text("setup_accountview_about"))
            _login_form(app)
            if not app.sandboxed and app.logged_in():
                _company_form(app)
    _check(app, status)


def _login_form(app: Application) -> None:
    with st.form("accountview", border=False):
        with st.container(horizontal=True, gap="small"):
            client_id = st.text_input(text("field_client_id"), autocomplete="off") or ""
            secret = st.text_input(text("field_client_secret"), type="password", autocomplete="off") or ""
        address = st.text_input(text("field_address"), app.address("accountview"), autocomplete="off") or ""
        kind: Literal["primary", "secondary"] = "secondary" if not app.sandboxed and app.logged_in() else "primary"
        pressed = st.form_submit_button(text("btn_log_in"), icon=":material/login:", type=kind)
    if not pressed:
        return
    if not client_id.strip() or not secret.strip():
        note(f":orange[:material/error: {text('fill_both')}]")
        return
    page: list[str] = []
    if attempt(lambda: page.append(app.authorize_address(_here(), client_id, secret, person(), address))):
        note(text("log_in_there"))
        st.link_button(text("btn_go_log_in"), page[0], icon=":material/open_in_new:", type="primary")
    else:
        st.rerun()


def _here() -> str:
    """Return the address of this page, to which AccountView sends the operator back."""
    return str(st.context.url or "").partition("?")[0]


def finished_login(app: Application) -> None:
    """Take up the answer of a log-in that came back in the address, and clear the address of it."""
    code, state = st.query_params.get("code", ""), st.query_params.get("state", "")
    if not code and not (state and st.query_params.get("error")):
        return
    for name in ("code", "state", "error", "error_description", "scope"):
        st.query_params.pop(name, None)
    st.query_params["step"] = "accountview"
    attempt(lambda: app.authorized(code, state))


def _company_form(app: Application) -> None:
    known = asked(app, "companies", app.companies)
    if known is None:
        return
    note(f"{mark('ok')} {text('logged_in')}")
    company = st.selectbox(
        text("field_company"), list(known), index=None, format_func=lambda one: known[one],
        placeholder=text("choose_company"), key="company",
    )  # fmt: skip
    if company and st.button(text("btn_choose_company"), type="primary", key="choose_company"):
        with st.spinner(text("checking", system=system_name("accountview"))):
            attempt(lambda: app.choose_company(company, person()))
        st.rerun()


# ---- MplusKASSA -----------------------------------------------------------------------------------------------------


def mplus_step(app: Application) -> None:
    """Connect the till with address, port, ident and secret; the secret is never shown again, only replaced."""
    status = _status(app, "mplus")
    with st.container(border=True):
        st.subheader(text("setup_mplus"), anchor=False)
        if _own(app, "mplus"):
            note(text("setup_mplus_about"))
            _mplus_form(app)
    _check(app, status)


def _mplus_form(app: Application) -> None:
    with st.form("mplus", border=False):
        with st.container(horizontal=True, gap="small"):
            at = urlsplit(app.address("mplus"))
            address = st.text_input(text("field_address"), f"{at.scheme}://{at.hostname}", autocomplete="off") or ""
            port = st.text_input(text("field_port"), str(at.port or ""), width=140, autocomplete="off") or ""
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
            app.check(status.system)
        st.rerun()
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
        _vat_readiness(app)
        st.markdown(text("ready_text"))
        with st.container(horizontal=True, gap="xsmall"):
            for place, flow in enumerate(app.flows):
                label = text("btn_first_preview", flow=term(f"flow_{flow}"))
                kind: Literal["primary", "secondary"] = "secondary" if place else "primary"
                if st.button(label, type=kind, icon=":material/difference:", key=f"first-{flow}"):
                    start_preview(app, flow)


def _vat_readiness(app: Application) -> None:
    """Say which VAT codes have no counterpart; articles with one of those are parked, the others go on."""
    ours, table = asked(app, "accountview vat_codes", lambda: app.choices("accountview", "vat_codes")), app.tables()
    missing = [code for code in ours or {} if code not in table.get("vat_codes", {})]
    said = counted("ready_vat_missing", len(missing)) if missing else text("ready_vat_good")
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        note(f"{mark('parked' if missing else 'ok')} {said}")
        if missing and st.button(text("btn_to_tables"), type="tertiary", key="to_tables"):
            st.switch_page("pages/flows.py", query_params={"tab": "tables"})


def _readiness(status: ConnectionStatus) -> str:
    if not status.connected:
        return f"{mark('unknown')} {text('not_connected')}"
    if status.ok is None:
        return f"{mark('unknown')} {text('not_checked')}"
    return f"{mark('ok' if status.ok else 'failed')} {plain(status.about) or text('connected')}"
