"""The steps of the set-up, and the first two: the AccountView login and the till, each with a check in lines."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from integration.application.application import Application
from integration.core.connections import Finding, Tell, parse_address
from integration.core.roles import assigned_systems
from integration.flows.settings import BOOKS
from integration.services.connections.connections import ConnectionCheck, Connections
from integration.services.setup import AskedQuestion, PointSeverity, State, steps
from integration.services.systems.object_names import ObjectNames
from integration.words import has_term
from pages.components.setup.names import names_section, names_unsaved
from pages.components.shared import controls
from pages.components.shared.application import is_theirs, may, may_open, person
from pages.components.shared.layout import (
    act,
    ask_live,
    attempt,
    bottom_bar,
    clear_address,
    facts_table,
    keep_in_address,
    mark,
    note,
    result_of,
    small,
)
from pages.components.shared.wording import Markdown, counted, flow_text, option_name, plain, say, system_name, text

HERE, AHEAD = ":blue[:material/radio_button_checked:]", ":gray[:material/radio_button_unchecked:]"


def step_here(app: Application) -> str:
    """Return the step in the address. If it has none, add and return the step where the set-up continues."""
    asked = st.query_params.get("step", "")
    if asked not in steps():
        st.query_params["step"] = asked = app.setup.step()
    return asked


def step_number(step: str) -> Markdown:
    """Return the number of a step."""
    return str(steps().index(step) + 1)


def step_name(step: str) -> Markdown:
    """Return the name of a step."""
    return system_name(step) if step in assigned_systems() else text(f"step_{step}")


def step_title(step: str) -> Markdown:
    """Return the number and name of a step."""
    return f"{step_number(step)}\\. {step_name(step)}"


def go_to(step: str, question: str = "", flow: str = "") -> None:
    """Set the step, question and flow in the address for the next run of the page. Questions of `flow` come first."""
    asked = st.query_params
    kept = flow or (asked.get("flow", "") if asked.get("step") == step else "")
    for name, value in {"step": step, "question": question, "flow": kept}.items():
        keep_in_address(name, value)


def unfinished(step: str) -> None:
    """Show that the set-up is unfinished, and link to the step where it continues."""
    with st.container(border=True, horizontal=True, vertical_alignment="center", gap="small"):
        with st.container(width="stretch", gap=None):
            st.markdown(f":blue[:material/cable:] **{text('setup_unfinished')}**")
            note(text("setup_unfinished_about"))
        label = text("btn_setup_next", number=step_number(step), name=step_name(step))
        if may_open("setup") and st.button(
            label, icon=":material/arrow_forward:", icon_position="right", key="set_up_next"
        ):
            st.switch_page("pages/setup.py", query_params={"step": step})


def rail(app: Application, here: str) -> None:
    """Draw every step with its state as a link."""
    asked, done = app.setup.questions(), app.setup.done()
    failed = {status.system for status in app.connections.statuses() if status.ok is False}
    with st.container(gap="small"):
        for step in steps():
            with st.container(gap=None):
                name = f"**{step_title(step)}**" if step == here else step_title(step)
                sign = (
                    mark("failed") if step in failed else mark("ok") if done[step] else HERE if step == here else AHEAD
                )
                st.button(f"{sign} {name}", key=f"step-{step}", type="tertiary", on_click=go_to, args=(step,))
                note(_stands(app, step, asked))


def _stands(app: Application, step: str, asked: Mapping[str, Sequence[AskedQuestion]]) -> Markdown:
    """Return the state of a step in a few words."""
    match step:
        case "flows":
            suggested, is_chosen = app.setup.suggested(), bool(app.setup.chosen())
            label = "flows_suggested" if suggested and not is_chosen else "flows_chosen"
            return text(label, number=len(suggested), total=len(app.flows))
        case "questions":
            every = [one for questions in asked.values() for one in questions]
            left = sum(one.state is not State.ANSWERED for one in every)
            done = text("questions_answered") if every else text("questions_none")
            return counted("questions_open", left) if left else done
        case "ready":
            stops = sum(line.weight is PointSeverity.STOPS for line in app.setup.readiness())
            return counted("ready_stops", stops) if stops else text("ready_nothing_stops")
    return connection_stands(app.connections.of(step))


def connection_stands(status: ConnectionCheck) -> Markdown:
    """Return the description of a connected system, or the reason why it is not connected."""
    if not status.connected:
        return text("not_connected")
    wrong = next((one for one in status.findings if one.ok is False), None)
    if wrong is not None:
        return plain(say(wrong.cause, {"system": status.system, **wrong.facts}).what)
    return plain(status.about) or text("connected")


def next_step(step: str, *, primary: bool, waits: Markdown = "", first: Callable[[], object] | None = None) -> None:
    """Draw the button to the next step with its name, or with the reason in `waits` why it is disabled.

    `first` is called before the step changes.
    """
    following = steps()[steps().index(step) + 1]

    def leave() -> None:
        if first is not None:
            first()
        go_to(following)

    with bottom_bar(f":small[:gray[{waits or text('next_step', name=step_title(following))}]]"):
        st.button(
            text("btn_continue"),
            key="continue",
            type="primary" if primary else "secondary",
            on_click=leave,
            icon=":material/arrow_forward:",
            icon_position="right",
            disabled=bool(waits),
        )


# ---- both connections -----------------------------------------------------------------------------------------------


Kind = Literal["primary", "secondary"]

PORTS = 65_536  # port numbers start at 0


@dataclass(frozen=True, slots=True)
class Spot:
    """A connection with the placeholder on the page for the result of its check."""

    status: ConnectionCheck
    check: DeltaGenerator

    @property
    def well(self) -> bool:
        """True if the system is connected and no check has failed."""
        return self.status.connected and self.status.ok is not False

    @property
    def kind(self) -> Kind:
        """Type of the connect button: secondary if the connection works, because the next step then is primary."""
        return "secondary" if self.well else "primary"

    def fill(self, check: Callable[[Tell], object]) -> None:
        """Run a check, show each line as it is known, and rerun the page with the result."""

        def tell(findings: Sequence[Finding]) -> None:
            with self.check.container():
                check_result(self.status.system, findings, under_way=True)

        act(lambda: check(tell))


def _spot(app: Application, system: str) -> tuple[DeltaGenerator, Spot]:
    """Return the container for the form of a system, and its connection with the check below."""
    form, check = st.container(border=True), st.empty()
    return form, Spot(app.connections.of(system), check)


def _asks(app: Application, spot: Spot) -> bool:
    """Return whether to draw the form of a system. A working connection only shows it on request."""
    system, sandboxed = spot.status.system, app.sandbox.is_connected
    if not sandboxed and not spot.well:
        return True
    if sandboxed:
        note(text("setup_sandboxed"))
        label, icon = text("btn_connect_own", system=system_name(system)), "cable"
    else:
        about = plain(spot.status.about)
        st.markdown(f"{mark('ok')} {text('setup_connected', about=about) if about else text('connected')}")
        label, icon = text("btn_change_access"), "key"
    asks = bool(st.session_state.get(f"asks-{system}"))
    if asks and sandboxed:
        note(f":orange[:material/info: {text('setup_leaves_sandbox')}]")
    if not asks and controls.button(label, icon=f":material/{icon}:", key=f"own-{system}"):
        st.session_state[f"asks-{system}"] = True
        st.rerun()
    return asks


def _checked(app: Application, spot: Spot) -> None:
    """Draw the result of the last check, the button for a new one, and the button to the next step."""
    status, failed = spot.status, app.connections.failed(spot.status.system)
    with spot.check.container():
        if failed is not None:
            check_result(failed.system, list(failed.findings))
            note(f":orange[:material/info: {text('access_kept')}]")
        elif status.findings:
            check_result(status.system, list(status.findings))
        elif status.connected:
            note(text("not_checked"))
    if status.connected and controls.button(
        text("btn_check_again"),
        icon=":material/network_check:",
        type="primary" if status.ok is None else "secondary",
        key=f"check-{status.system}",
    ):
        spot.fill(lambda tell: app.connections.check(status.system, tell))
    unsaved = names_unsaved(app) if status.system == BOOKS.system else ""
    next_step(status.system, primary=bool(status.ok), waits=unsaved if spot.well else text("setup_check_first"))


# ---- AccountView ----------------------------------------------------------------------------------------------------


def accountview_step(app: Application) -> None:
    """Draw the AccountView login in three parts: the keys, the login itself, and the company."""
    form, spot = _spot(app, "accountview")
    with form:
        st.header(text("setup_accountview"), anchor=False)
        if is_theirs(Connections.authorize_address) and _asks(app, spot):
            note(text("setup_accountview_about"))
            logged_in = not app.sandbox.is_connected and app.connections.is_logged_in()
            _login_form(app, spot, logged_in=logged_in)
            if logged_in:
                _company_form(app, spot)
    _checked(app, spot)
    if spot.status.connected and may(ObjectNames.look):
        names_section(app)


def _login_form(app: Application, spot: Spot, *, logged_in: bool) -> None:
    with st.form("accountview", border=False):
        with st.container(horizontal=True, gap="small"):
            client_id = controls.text_input(text("field_client_id"), autocomplete="off") or ""
            secret = controls.text_input(text("field_client_secret"), type="password", autocomplete="off") or ""
        address = (
            controls.text_input(text("field_address"), app.connections.address("accountview"), autocomplete="off") or ""
        )
        kind: Kind = "secondary" if logged_in else spot.kind
        pressed = controls.form_submit_button(text("btn_log_in"), icon=":material/login:", type=kind)
    if not pressed:
        return
    if not client_id.strip() or not secret.strip():
        note(f":orange[:material/error: {text('fill_both')}]")
        return
    if address.strip() and parse_address(address) is None:
        note(f":orange[:material/error: {text('address_wrong')}]")
        return
    here = str(st.context.url or "").partition("?")[0]  # address to which AccountView redirects after the login
    page = result_of(lambda: app.connections.authorize_address(here, client_id, secret, person(), address))
    if page is not None:
        at = parse_address(page.partition("?")[0])
        called = "" if at is None else at.host  # in lower case and ASCII (IDNA)
        note(text("log_in_there", host=plain(called)))
        st.link_button(text("btn_go_log_in"), page, icon=":material/open_in_new:", type="primary")
    else:
        st.rerun()


def _company_form(app: Application, spot: Spot) -> None:
    known = ask_live(app, "companies", app.connections.companies)
    if known is None:
        return
    note(f"{mark('ok')} {text('logged_in')}")
    company = controls.selectbox(
        text("field_company"),
        list(known),
        index=None,
        format_func=option_name(known.__getitem__),
        placeholder=text("choose_company"),
        key="company",
    )
    if company and controls.button(text("btn_choose_company"), type="primary", key="choose_company"):
        st.session_state.pop("asks-accountview", None)
        spot.fill(lambda tell: app.connections.choose_company(company, person(), tell))


def finished_login(app: Application) -> None:
    """Process the answer of a login in the address, and remove it from the address."""
    code, state = st.query_params.get("code", ""), st.query_params.get("state", "")
    if not code and not (state and st.query_params.get("error")):
        return
    clear_address("code", "state", "error", "error_description", "scope")
    st.query_params["step"] = "accountview"
    if attempt(lambda: app.connections.authorized(code, state)):
        st.session_state["asks-accountview"] = True  # the company must be chosen next


# ---- MplusKASSA -----------------------------------------------------------------------------------------------------


def mplus_step(app: Application) -> None:
    """Connect the till with address, port, ident and secret. The secret is never shown again, only replaced."""
    form, spot = _spot(app, "mplus")
    with form:
        st.header(text("setup_mplus"), anchor=False)
        if is_theirs(Connections.connect_mplus) and _asks(app, spot):
            note(text("setup_mplus_about"))
            _mplus_form(app, spot)
    _checked(app, spot)


def _mplus_form(app: Application, spot: Spot) -> None:
    with st.form("mplus", border=False):
        with st.container(horizontal=True, gap="small"):
            kept = app.connections.address("mplus")
            at = parse_address(kept)  # an invalid address is shown as typed, to be corrected
            shown, number = (kept, "") if at is None else (at.place, str(at.port or ""))
            address = controls.text_input(text("field_address"), shown, autocomplete="off") or ""
            port = controls.text_input(text("field_port"), number, width=140, autocomplete="off") or ""
        with st.container(horizontal=True, gap="small"):
            ident = controls.text_input(text("field_ident"), autocomplete="off") or ""
            secret = controls.text_input(text("field_secret"), type="password", autocomplete="off") or ""
        pressed = controls.form_submit_button(
            text("btn_check_connection"), icon=":material/network_check:", type=spot.kind
        )
    if not pressed:
        return
    if not all(part.strip() for part in (address, ident, secret)):
        note(f":orange[:material/error: {text('fill_all')}]")
        return
    host = address.strip().rstrip("/")
    url = f"{host}:{port.strip()}/" if port.strip() else f"{host}/"
    if port.strip() and not (port.strip().isascii() and port.strip().isdecimal() and 0 < int(port.strip()[:6]) < PORTS):
        note(f":orange[:material/error: {text('port_wrong')}]")
        return
    if parse_address(url) is None:
        note(f":orange[:material/error: {text('address_wrong')}]")
        return
    st.session_state.pop("asks-mplus", None)
    spot.fill(lambda tell: app.connections.connect_mplus(url, ident, secret, person(), tell))


def check_result(system: str, findings: Sequence[Finding], *, under_way: bool = False) -> None:
    """Draw a check: the first error in three sentences, then every line with its sign.

    With `under_way`, the line that is being checked is marked.
    """
    wrong = next((one for one in findings if one.ok is False), None)
    with st.container(border=True, gap="small"):
        if under_way:
            st.markdown(f"{mark('running')} **{text('checking', system=system_name(system))}**")
        elif wrong is None:
            st.markdown(f"{mark('ok')} **{text('check_good', system=system_name(system))}**")
        else:
            sentences = say(wrong.cause, {"system": system, **wrong.facts})
            st.markdown(f"{mark('failed')} **{plain(sentences.what)}**")
            small(" ".join(plain(part) for part in (sentences.data, sentences.do) if part))
        coming = next((one.name for one in findings if one.ok is None), "") if under_way else ""
        lines: dict[Markdown, list[Markdown]] = {}
        for one in findings:
            lines.setdefault(_name(system, one), []).append(_line(system, one, now=one.name == coming))
        facts_table({name: "  \n".join(told) for name, told in lines.items()})


def _name(system: str, finding: Finding) -> Markdown:
    """Return the caption of a line. Some captions depend on the system."""
    line = finding.name.replace("-", "_").replace(" ", "_")
    keys = (f"check_{system}_{line}", f"check_{line}")
    if line.startswith("flow_"):
        return flow_text("check_flow", line.removeprefix("flow_"))
    return next((text(key) for key in keys if has_term(key)), plain(finding.name))


def _line(system: str, finding: Finding, *, now: bool) -> Markdown:
    if now:
        return f"{mark('running')} {text('check_now')}"
    if finding.ok is None:
        return f":gray[{text('not_checked')}]"
    if finding.ok:
        word = f"found_{finding.name}_{finding.about}"
        return f"{mark('ok')} {text(word) if has_term(word) else plain(finding.about)}"
    return f"{mark('failed')} {plain(say(finding.cause, {'system': system, **finding.facts}).what)}"
