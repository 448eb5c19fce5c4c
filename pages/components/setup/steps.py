"""The steps of the set-up, and the first two: the books and the till, each with a check in lines."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from integration.application.application import Application
from integration.core.connections import EntryField, Finding, FindingsCallback, parse_address
from integration.core.system_roles import SystemRole, assigned_systems
from integration.flows.settings import BOOKS
from integration.services.connections.connections import ConnectionCheck, Connections
from integration.services.setup import PointSeverity, QuestionState, State, steps
from integration.services.systems.object_names import ObjectNames
from integration.words import has_term
from pages.components.shared import controls
from pages.components.shared.application import may, may_open, may_or_explain, person
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
from pages.components.shared.wording import (
    Markdown,
    flow_text,
    listed,
    option_name,
    plain,
    quantity_text,
    say,
    system_name,
    text,
)

HERE, AHEAD = ":blue[:material/radio_button_checked:]", ":gray[:material/radio_button_unchecked:]"


def step_here(app: Application) -> str:
    """Return the step in the address. If it has none, add and return the step where the set-up continues."""
    step = st.query_params.get("step", "")
    if step not in steps():
        st.query_params["step"] = step = app.setup.step()
    return step


def step_number(step: str) -> Markdown:
    return str(steps().index(step) + 1)


def step_name(step: str) -> Markdown:
    return system_name(step) if step in assigned_systems() else text(f"step_{step}")


def step_title(step: str) -> Markdown:
    """Return the number and name of a step."""
    return f"{step_number(step)}\\. {step_name(step)}"


def go_to(step: str, question: str = "", flow: str = "") -> None:
    """Set the step, question and flow in the address for the next run of the page. Questions of `flow` come first."""
    parameters = st.query_params
    kept_flow = flow or (parameters.get("flow", "") if parameters.get("step") == step else "")
    for name, value in {"step": step, "question": question, "flow": kept_flow}.items():
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


def rail(app: Application, current_step: str) -> None:
    """Draw every step with its state as a link."""
    questions, completed = app.setup.questions(), app.setup.completed_steps()
    failed = {status.system for status in app.connections.statuses() if status.ok is False}
    with st.container(gap="small"):
        for step in steps():
            with st.container(gap=None):
                name = f"**{step_title(step)}**" if step == current_step else step_title(step)
                sign = (
                    mark("failed")
                    if step in failed
                    else mark("ok")
                    if completed[step]
                    else HERE
                    if step == current_step
                    else AHEAD
                )
                st.button(f"{sign} {name}", key=f"step-{step}", type="tertiary", on_click=go_to, args=(step,))
                note(_step_state(app, step, questions))


def _step_state(app: Application, step: str, questions_by_flow: Mapping[str, Sequence[QuestionState]]) -> Markdown:
    """Return the state of a step in a few words."""
    match step:
        case "flows":
            suggested, is_chosen = app.setup.suggested(), bool(app.setup.chosen())
            label = "flows_suggested" if suggested and not is_chosen else "flows_chosen"
            return text(label, number=len(suggested), total=len(app.flows))
        case "questions":
            every = [asked_question for questions in questions_by_flow.values() for asked_question in questions]
            open_count = sum(asked_question.state is not State.ANSWERED for asked_question in every)
            answered_text = text("questions_answered") if every else text("questions_none")
            return quantity_text("questions_open", open_count) if open_count else answered_text
        case "ready":
            stops = sum(line.weight is PointSeverity.STOPS for line in app.setup.readiness())
            return quantity_text("ready_stops", stops) if stops else text("ready_nothing_stops")
    return connection_text(app.connections.last_check(step))


def connection_text(status: ConnectionCheck) -> Markdown:
    """Return the description of a connected system, or the reason why it is not connected."""
    if not status.connected:
        return text("not_connected")
    wrong = next((finding for finding in status.findings if finding.ok is False), None)
    if wrong is not None:
        return plain(say(wrong.cause, {"system": status.system, **wrong.facts}).problem)
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
class ConnectionForm:
    """A connection with the placeholder on the page for the result of its check."""

    status: ConnectionCheck
    check: DeltaGenerator

    @property
    def is_working(self) -> bool:
        """True if the system is connected and no check has failed."""
        return self.status.connected and self.status.ok is not False

    @property
    def kind(self) -> Kind:
        """Type of the connect button: secondary if the connection works, because the next step then is primary."""
        return "secondary" if self.is_working else "primary"

    def fill(self, check: Callable[[FindingsCallback], object]) -> None:
        """Run a check, show each line as it is known, and rerun the page with the result."""

        def on_progress(findings: Sequence[Finding]) -> None:
            with self.check.container():
                check_result(self.status.system, findings, under_way=True)

        act(lambda: check(on_progress))


def _form_container(app: Application, system: str) -> tuple[DeltaGenerator, ConnectionForm]:
    """Return the container for the form of a system, and its connection with the check below."""
    form, check = st.container(border=True), st.empty()
    return form, ConnectionForm(app.connections.last_check(system), check)


def _shows_form(app: Application, spot: ConnectionForm) -> bool:
    """Return True if the form of a system is drawn. For a working connection it is drawn only on request."""
    system, sandboxed = spot.status.system, app.sandbox.is_connected
    if not sandboxed and not spot.is_working:
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


def _draw_check(app: Application, spot: ConnectionForm) -> None:
    """Draw the result of the last check, the button for a new one, and the button to the next step."""
    from pages.components.setup.names import names_unsaved  # noqa: PLC0415 - it imports pandas, and Overview this module

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
        spot.fill(lambda on_progress: app.connections.check(status.system, on_progress))
    unsaved = names_unsaved(app) if status.system == BOOKS.system else ""
    next_step(status.system, primary=bool(status.ok), waits=unsaved if spot.is_working else text("setup_check_first"))


# ---- the form of a system -------------------------------------------------------------------------------------------


def system_step(app: Application) -> None:
    """Draw the step of a system: the choice of the system, its form or log-in, and its check in lines."""
    role = next(role for role in SystemRole if role.system == step_here(app))
    if may_or_explain(Connections.choose_system):
        _system_choice(app, role)
    form, spot = _form_container(app, role.system)
    registration = app.connections.registration(role.system)
    with form:
        name = system_name(role.system)
        st.header(text("setup_system", system=name), anchor=False)
        if may_or_explain(Connections.connect) and _shows_form(app, spot):
            own = f"setup_{role.system}_about"
            note(text(own) if has_term(own) else text("setup_system_about", system=name))
            if registration.has_log_in:
                _log_in(app, spot)
            else:
                _access_form(app, spot, registration.entry_fields(), asks_port=registration.asks_port)
    _draw_check(app, spot)
    if role is SystemRole.BOOKS and spot.status.connected and may(ObjectNames.read):
        from pages.components.setup.names import names_section  # noqa: PLC0415 - as said above

        names_section(app)


def _system_choice(app: Application, role: SystemRole) -> None:
    """Draw the choice of the system for a role if there are several."""
    system_names = app.connections.choices(role)
    if len(system_names) == 1:
        return
    chosen = controls.selectbox(
        text(f"choose_{role}"),
        list(system_names),
        index=list(system_names).index(role.system),
        format_func=system_name,
        key=f"system-{role}",
    )
    if chosen and chosen != role.system and attempt(lambda: app.connections.choose_system(role, chosen, person())):
        go_to(chosen)
        st.rerun()


def _access_form(
    app: Application, spot: ConnectionForm, rows: Sequence[Sequence[EntryField]], *, asks_port: bool
) -> None:
    """Draw the fields of a system. A secret is never shown again, only replaced."""
    system, entered, port = spot.status.system, dict[str, str](), ""
    with st.form(system, border=False):
        for row in rows:
            with st.container(horizontal=True, gap="small"):
                for field in row:
                    if field.name == "url":
                        entered["url"], port = _address_entry(app.connections.address(system), asks_port=asks_port)
                    else:
                        kind: Literal["password", "default"] = "password" if field.secret else "default"
                        label = entry_label(system, field.name)
                        entered[field.name] = controls.text_input(label, type=kind, autocomplete="off") or ""
        pressed = controls.form_submit_button(
            text("btn_check_connection"), icon=":material/network_check:", type=spot.kind
        )
    if not pressed:
        return
    required = [field.name for row in rows for field in row if field.required]
    if not all(entered[name].strip() for name in required):
        labels = listed([entry_label(system, name) for name in required])
        note(f":orange[:material/error: {text('fill_in', fields=plain(labels))}]")
        return
    if asks_port:
        host = entered["url"].strip().rstrip("/")
        entered["url"] = f"{host}:{port}/" if port else f"{host}/"
    if port and not (port.isascii() and port.isdecimal() and 0 < int(port[:6]) < PORTS):
        note(f":orange[:material/error: {text('port_wrong')}]")
        return
    if entered.get("url") and parse_address(entered["url"]) is None:
        note(f":orange[:material/error: {text('address_wrong')}]")
        return
    st.session_state.pop(f"asks-{system}", None)
    spot.fill(lambda on_progress: app.connections.connect(system, entered, person(), on_progress))


def entry_label(system: str, name: str) -> Markdown:
    """Return the label of a setting of a system: a text of the system, a common one, or the name of the setting."""
    keys = (f"field_{system}_{name}", "field_address" if name == "url" else f"field_{name}")
    return next((text(key) for key in keys if has_term(key)), plain(name.replace("_", " ").capitalize()))


def _address_entry(saved_address: str, *, asks_port: bool) -> tuple[str, str]:
    """Draw the address of a system, and its port if that has a field of its own. Returns both as entered."""
    if not asks_port:
        return controls.text_input(text("field_address"), saved_address, autocomplete="off") or "", ""
    at = parse_address(saved_address)  # an invalid address is shown as typed, to be corrected
    shown_address, number = (saved_address, "") if at is None else (at.place, str(at.port or ""))
    address = controls.text_input(text("field_address"), shown_address, autocomplete="off") or ""
    return address, (controls.text_input(text("field_port"), number, width=140, autocomplete="off") or "").strip()


# ---- the log-in of the books ----------------------------------------------------------------------------------------


def _log_in(app: Application, spot: ConnectionForm) -> None:
    """Draw the log-in at the books in three parts: the keys, the log-in itself, and the company."""
    logged_in = not app.sandbox.is_connected and app.connections.is_logged_in()
    _login_form(app, spot, logged_in=logged_in)
    if logged_in:
        _company_form(app, spot)


def _login_form(app: Application, spot: ConnectionForm, *, logged_in: bool) -> None:
    with st.form(spot.status.system, border=False):
        with st.container(horizontal=True, gap="small"):
            client_id = controls.text_input(text("field_client_id"), autocomplete="off") or ""
            secret = controls.text_input(text("field_client_secret"), type="password", autocomplete="off") or ""
        address = (
            controls.text_input(text("field_address"), app.connections.address(spot.status.system), autocomplete="off")
            or ""
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
    redirect_url = str(st.context.url or "").partition("?")[0]  # address to which the books redirect after the log-in
    page = result_of(lambda: app.connections.authorize_address(redirect_url, client_id, secret, person(), address))
    if page is not None:
        at = parse_address(page.partition("?")[0])
        host_name = "" if at is None else at.host  # in lower case and ASCII (IDNA)
        note(text("log_in_there", host=plain(host_name)))
        st.link_button(text("btn_go_log_in"), page, icon=":material/open_in_new:", type="primary")
    else:
        st.rerun()


def _company_form(app: Application, spot: ConnectionForm) -> None:
    company_names = ask_live(app, "companies", app.connections.companies)
    if company_names is None:
        return
    note(f"{mark('ok')} {text('logged_in')}")
    company = controls.selectbox(
        text("field_company"),
        list(company_names),
        index=None,
        format_func=option_name(company_names.__getitem__),
        placeholder=text("choose_company"),
        key="company",
    )
    if company and controls.button(text("btn_choose_company"), type="primary", key="choose_company"):
        st.session_state.pop(f"asks-{spot.status.system}", None)
        spot.fill(lambda on_progress: app.connections.choose_company(company, person(), on_progress))


def finished_login(app: Application) -> None:
    """Process the answer of a log-in, which is in the address, and remove it from there."""
    code, state = st.query_params.get("code", ""), st.query_params.get("state", "")
    if not code and not (state and st.query_params.get("error")):
        return
    clear_address("code", "state", "error", "error_description", "scope")
    st.query_params["step"] = BOOKS.system
    if attempt(lambda: app.connections.authorized(code, state)):
        st.session_state[f"asks-{BOOKS.system}"] = True  # the company must be chosen next


# ---- the result of a check ------------------------------------------------------------------------------------------


def check_result(system: str, findings: Sequence[Finding], *, under_way: bool = False) -> None:
    """Draw a check: the first error in three sentences, then every line with its sign.

    With `under_way`, the line that is being checked is marked.
    """
    wrong = next((finding for finding in findings if finding.ok is False), None)
    with st.container(border=True, gap="small"):
        if under_way:
            st.markdown(f"{mark('running')} **{text('checking', system=system_name(system))}**")
        elif wrong is None:
            st.markdown(f"{mark('ok')} **{text('check_good', system=system_name(system))}**")
        else:
            sentences = say(wrong.cause, {"system": system, **wrong.facts})
            st.markdown(f"{mark('failed')} **{plain(sentences.problem)}**")
            small(" ".join(plain(part) for part in (sentences.data, sentences.do) if part))
        coming = next((finding.name for finding in findings if finding.ok is None), "") if under_way else ""
        lines: dict[Markdown, list[Markdown]] = {}
        for finding in findings:
            lines.setdefault(_finding_caption(system, finding), []).append(
                _line(system, finding, now=finding.name == coming)
            )
        facts_table({name: "  \n".join(result_lines) for name, result_lines in lines.items()})


def _finding_caption(system: str, finding: Finding) -> Markdown:
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
    return f"{mark('failed')} {plain(say(finding.cause, {'system': system, **finding.facts}).problem)}"
