"""Changes of settings that wait for a second person, with the buttons that approve and reject them."""

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import Any

import streamlit as st

from integration.accounts.four_eyes import PERSON
from integration.accounts.loosening import BRAKES, SWITCHES, TIMETABLE
from integration.application.application import Application
from integration.core.change_request import ChangeRequest
from integration.core.guards import Guard, Measure
from integration.core.people import APART
from integration.flows.settings import ScheduleWindow
from integration.services.runs.change_requests import ChangeRequests
from integration.words import MISSING, setting_name
from pages.components.shared.application import may, person
from pages.components.shared.layout import attempt
from pages.components.shared.timetables import schedule_text
from pages.components.shared.wording import (
    Markdown,
    author_name,
    capital,
    flow_name,
    guard_name,
    language,
    moment,
    plain,
    term,
    text,
    typed_text,
)


def change_requests(app: Application, requests: Sequence[ChangeRequest]) -> None:
    """Draw each request with the old and the new value of every setting."""
    for request in requests:
        with st.container(border=True, gap="xsmall", key=f"change-{request.setting.replace(':', '-')}"):
            name, until = plain(author_name(request.by)), moment(request.until)
            sentence = text("change_asked", name=name, time=moment(request.at), until=until)
            subject = flow_name(request.flow) if request.flow else plain(request.setting.removeprefix(PERSON))
            title = f"{subject}: {text('change_waits' if request.flow else 'person_change_waits')}"
            about = text("change_about" if request.flow else "person_change_about")
            st.markdown(f":orange[:material/group:] **{title}** :small[:gray[{sentence}]]", help=about)
            setting, now, then = text("col_setting"), text("col_now"), text("col_afterwards")
            rows = [{setting: name, now: before, then: after} for name, before, after in _rows(app, request)]
            st.table(rows, border="horizontal", hide_index=True)
            _buttons(app, request)


def _buttons(app: Application, request: ChangeRequest) -> None:
    by, mark = person(), request.mark
    is_own = by.ref == request.by
    with st.container(horizontal=True, gap="small"):
        if not is_own and may(ChangeRequests.approve):
            _button(
                "btn_change_approve",
                "change_approved",
                request,
                lambda: app.change_requests.approve(request.setting, mark, by),
                type="primary",
            )
        if may(ChangeRequests.reject):
            _button(
                "btn_change_withdraw" if is_own else "btn_change_reject",
                "change_rejected",
                request,
                lambda: app.change_requests.reject(request.setting, mark, by),
            )


def _button(name: str, message_key: str, request: ChangeRequest, do: Callable[[], object], **look: Any) -> None:
    if st.button(text(name), key=f"{name}-{request.setting}", **look):
        if attempt(do):
            st.session_state["said"] = text(message_key)
        st.rerun()


def _rows(app: Application, request: ChangeRequest) -> Iterator[tuple[Markdown, Markdown, Markdown]]:
    """Yield the caption, the old value and the new value of each setting in a request."""
    if not request.flow:
        yield from _person_rows(request)
        return
    if any(name in request.after for name in TIMETABLE):
        before_and_after = [_timetable(app, request.flow, values) for values in (request.before, request.after)]
        yield text("setting_schedule"), before_and_after[0], before_and_after[1]
    guards = {guard.name: guard for guard in app.flows.spec(request.flow).settings.guards}
    codes = app.four_eyes.brakes(request.flow)
    for name, after in request.after.items():
        before, guard = request.before[name], guards.get(name.removeprefix(BRAKES)) or codes.get(name)
        if name in SWITCHES:
            yield plain(setting_name(request.flow, name, language())), _flag(before), _flag(after)
        elif guard is not None:
            yield guard_name(guard), _limit(guard, before), _limit(guard, after)


def _person_rows(request: ChangeRequest) -> Iterator[tuple[Markdown, Markdown, Markdown]]:
    if "on" in request.after:
        yield text("person_access"), text("person_is_on"), text("person_is_off")
    else:
        yield text("col_grants"), _grants(request.before["grants"]), _grants(request.after["grants"])


def _grants(names: Sequence[str]) -> Markdown:
    return ", ".join(text(f"right_{name}" if name in APART else f"role_{name}") for name in names) or MISSING


def _timetable(app: Application, flow: str, values: Any) -> Markdown:
    now = app.flows.settings(flow)
    calendar = ScheduleWindow(**values["calendar"]) if "calendar" in values else now.calendar
    return capital(schedule_text(values.get("schedule_minutes", now.schedule_minutes), calendar.model_dump()))


def _flag(on: object) -> Markdown:
    return term("yes" if on else "no")


def _limit(guard: Guard, limit: Any) -> Markdown:
    if limit is None:
        return text("brake_is_off")
    number = plain(typed_text(Decimal(str(limit))))
    return number if guard.measure is Measure.NUMBER else f"{number} %"
