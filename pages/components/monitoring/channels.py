"""Alert channels: who receives which alerts when, with a test button and a form."""

from collections.abc import Mapping
from datetime import time
from typing import Any

import streamlit as st

from integration.alerts.incidents import Channel, ProblemType
from integration.application.application import Application
from integration.core.causes import CAUSES, Responsible, Severity
from integration.words import LANGUAGES
from pages.components.shared.application import guarded, person
from pages.components.shared.layout import act, attempt, empty, failures, inline, note, section_with_actions, small
from pages.components.shared.tables import code_block
from pages.components.shared.wording import Markdown, language, moment, number, option_name, plain, say, text

FORMS = {
    "mail": "mailtos://USER:PASSWORD@mail.example.com?to=anneke@example.com",
    "teams": "workflows://HOST/WORKFLOW/SIGNATURE",
    "slack": "slack://TOKEN_A/TOKEN_B/TOKEN_C/#channel",
    "telegram": "tgram://BOT_TOKEN/CHAT_ID",
    "ntfy": "ntfys://TOPIC",
    "webhook": "jsons://hooks.example.com/path",
}
MAX_HOURS = 24 * 30  # hours until a reminder, at most


def channels(app: Application) -> None:
    """Draw every channel, and the button that adds one."""
    channel_list = app.channels.list_channels()
    room = section_with_actions(text("channels_title"), text("channels_about"))
    if room.button(text("btn_channel_add"), icon=":material/add:", type="primary", key="channel_add"):
        _open_form(app, None)
    if not channel_list:
        empty("notifications_off", text("channels_none"), text("channels_none_about"))
    for channel in channel_list:
        _channel(app, channel)


def _channel(app: Application, channel: Channel) -> None:
    failing = app.monitoring.failing().get(channel.id)
    last = app.monitoring.last_delivery(channel)
    with st.container(border=True, horizontal=True, vertical_alignment="center", gap="small"):
        with st.container(width="stretch", gap="xxsmall"):
            state = "off" if not channel.on else "failed" if failing else "ok" if last else "unknown"
            words = {
                "failed": "channel_failing",
                "ok": "channel_works",
                "unknown": "channel_untried",
                "off": "badge_off",
            }
            st.markdown(f"**{plain(channel.name)}** {inline(state, text(words[state]))}")
            note(_channel_summary(channel))
            if failing is not None:
                small(f":red[{plain(_error_text(failing.error))}]")
            elif last is not None:
                small(text("channel_last", moment=moment(last)))
        if st.button(text("btn_channel_test"), icon=":material/send:", key=f"test-{channel.id}"):
            _send_test(app, channel)
        if st.button(text("btn_channel_change"), icon=":material/edit:", key=f"edit-{channel.id}"):
            _open_form(app, channel)
        with st.popover(text("btn_channel_forget"), icon=":material/delete:", key=f"forget-{channel.id}"):
            note(text("channel_forget_about"))
            if st.button(text("btn_channel_forget_now"), key=f"forget-now-{channel.id}"):
                act(lambda: app.channels.forget(channel.id, person()))


def _error_text(error: str) -> str:
    return text(error) if error.startswith("reason_") else error


def _send_test(app: Application, channel: Channel) -> None:
    with st.spinner(text("channel_testing")):
        worked = attempt(lambda: app.alerts.test(channel))
    if worked:
        st.session_state["said"] = text("channel_tested", channel=channel.name)
    st.rerun()


def _channel_summary(channel: Channel) -> Markdown:
    details = [text("channel_from", severity=text(f"severity_{channel.least}"))]
    details += [
        text(f"problem_type_{problem_type}") for problem_type in ProblemType if problem_type in channel.problem_types
    ] or [text("channel_everything")]
    if channel.causes:
        details.append(text("channel_causes", number=number(len(channel.causes))))
    if channel.quiet_from is not None and channel.quiet_until is not None:
        details.append(text("channel_quiet", begin=_clock(channel.quiet_from), end=_clock(channel.quiet_until)))
    if channel.rests:
        details.append(text("channel_rests"))
    if channel.digest is not None:
        details.append(text("channel_digest", time=_clock(channel.digest)))
    if channel.remind_hours:
        details.append(text("channel_reminds", hours=number(channel.remind_hours)))
    details.append(plain(LANGUAGES[channel.language]))
    return " · ".join(details)


def _clock(at: time) -> Markdown:
    return plain(at.strftime("%H:%M"))


# ---- the form


def _open_form(app: Application, channel: Channel | None) -> None:
    title = text("channel_new" if channel is None else "channel_change")
    st.dialog(title, width="large", icon=":material/notifications:")(guarded(_form))(app, channel)


def _form(app: Application, channel: Channel | None) -> None:
    now = channel or Channel("", "", language=language())
    failures()
    with st.form("channel", border=False):
        name = st.text_input(text("channel_name"), now.name, key="channel-name")
        address = st.text_input(
            text("channel_address"), type="password", key="channel-address",
            placeholder=text("channel_address_kept") if channel else FORMS["mail"],
        )  # fmt: skip
        with st.expander(text("channel_forms")):
            note(text("channel_forms_about"))
            code_block("\n".join(FORMS.values()))
        values = {"name": name, "address": address, **_content_form(now), **_schedule_form(now)}
        pressed = st.form_submit_button(text("btn_channel_save"), type="primary", key="channel-save")
    if pressed:
        with st.spinner(text("channel_looking")):
            worked = attempt(lambda: _save_channel(app, channel, values))
        if worked:
            st.session_state["said"] = text("channel_saved", channel=name)
            st.rerun()
        st.rerun(scope="fragment")


def _save_channel(app: Application, channel: Channel | None, values: Mapping[str, Any]) -> None:
    settings = {name: value for name, value in values.items() if name != "address"}
    app.channels.save(settings, person(), channel=channel.id if channel else "", address=values["address"])


def _content_form(now: Channel) -> dict[str, Any]:
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        least = st.selectbox(
            text("channel_least"), list(Severity), list(Severity).index(now.least), key="channel-least",
            format_func=option_name(lambda severity: text(f"severity_{severity}")),
        )  # fmt: skip
        spoken = st.selectbox(
            text("language"), list(LANGUAGES), list(LANGUAGES).index(now.language), key="channel-language",
            format_func=option_name(LANGUAGES.__getitem__),
        )  # fmt: skip
    problem_types = st.multiselect(
        text("channel_problem_types"),
        list(ProblemType),
        [problem_type for problem_type in ProblemType if problem_type in now.problem_types],
        key="channel-problem-types",
        format_func=option_name(lambda problem_type: text(f"problem_type_{problem_type}")),
        placeholder=text("channel_everything"),
    )
    codes = [code for code, cause in CAUSES.items() if cause.who is not Responsible.NOBODY]
    causes = st.multiselect(
        text("channel_only"), codes, [code for code in codes if code in now.causes], key="channel-causes",
        format_func=option_name(lambda code: say(code, {}).problem), placeholder=text("channel_everything"),
    )  # fmt: skip
    on = st.toggle(text("channel_on"), now.on, key="channel-on")
    return {"least": least, "language": spoken, "problem_types": problem_types, "causes": causes, "on": on}


def _schedule_form(now: Channel) -> dict[str, Any]:
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        begin: time | None = st.time_input(text("channel_quiet_from"), now.quiet_from, key="channel-from")
        end: time | None = st.time_input(text("channel_quiet_until"), now.quiet_until, key="channel-until")
        digest: time | None = st.time_input(text("channel_digest_at"), now.digest, key="channel-digest")
    remind = st.number_input(
        text("channel_remind_hours"), 0, MAX_HOURS, now.remind_hours, key="channel-remind", width=300
    )
    rests = st.toggle(text("channel_rests_on"), now.rests, key="channel-rests")
    wakes = st.toggle(text("channel_wakes"), now.wakes, key="channel-wakes")
    return {
        "quiet_from": begin, "quiet_until": end, "digest": digest, "remind_hours": int(remind), "rests": rests,
        "wakes": wakes,
    }  # fmt: skip
