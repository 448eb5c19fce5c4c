"""Connections on screen: how both systems answer, and the check line by line."""

from collections.abc import Sequence

import streamlit as st

from integration.core.findings import Finding
from integration.services import Application
from integration.services.connections import ConnectionStatus
from integration.words import has_term
from pages.components.shared.layout import facts_table, note, small
from pages.components.shared.states import LOOKS, mark
from pages.components.shared.wording import flow_text, moment, plain, say, system_name, text


def connection_rows(app: Application) -> None:
    """Draw both connections with what they are connected to and how fast they answer."""
    with st.container(border=True, gap="xsmall", key="rows_connections"):
        for place, status in enumerate(app.connections.statuses()):
            if place:
                st.divider()
            with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
                with st.container(width="stretch", gap=None):
                    small(f"**{system_name(status.system)}**")
                    note(_about(status))
                _answer(status)


def _about(status: ConnectionStatus) -> str:
    if not status.connected:
        return text("not_connected")
    checked = text("checked_at", moment=moment(status.checked_at)) if status.checked_at else text("not_checked")
    return " · ".join(part for part in (plain(status.about), checked) if part)


def _answer(status: ConnectionStatus) -> None:
    if not status.connected or status.ok is None:
        st.badge(text("badge_unknown"), icon=":material/remove:", color="gray")
    elif status.ok:
        label = text("milliseconds", number=status.milliseconds or 0)
        st.badge(label, icon=f":material/{LOOKS['ok'].icon}:", color="green")
    else:
        st.badge(text("badge_no_answer"), icon=f":material/{LOOKS['failed'].icon}:", color="red")


def check_result(system: str, findings: Sequence[Finding], *, under_way: bool = False) -> None:
    """Draw a check: what is wrong in three sentences, then every line with its tick, cross or dash.

    One that is still `under_way` says where it is.
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
        lines: dict[str, list[str]] = {}
        for one in findings:
            lines.setdefault(_name(system, one), []).append(_line(system, one, now=one.name == coming))
        facts_table({name: "  \n".join(told) for name, told in lines.items()})


def _name(system: str, finding: Finding) -> str:
    """Return the caption of a line; the systems have different words for some of them."""
    line = finding.name.replace("-", "_").replace(" ", "_")
    keys = (f"check_{system}_{line}", f"check_{line}")
    if line.startswith("flow_"):
        return flow_text("check_flow", line.removeprefix("flow_"))
    return next((text(key) for key in keys if has_term(key)), plain(finding.name))


def _line(system: str, finding: Finding, *, now: bool) -> str:
    if now:
        return f"{mark('running')} {text('check_now')}"
    if finding.ok is None:
        return f":gray[{text('not_checked')}]"
    if finding.ok:
        return f"{mark('ok')} {plain(finding.about)}"
    return f"{mark('failed')} {plain(say(finding.cause, {'system': system, **finding.facts}).what)}"
