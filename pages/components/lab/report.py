"""What came of a series of trials: how far it is, fault by fault, and what went wrong."""

import pandas as pd
import streamlit as st

from integration.services import Application
from integration.services.lab import Line, Report
from pages.components.shared.application import refreshing
from pages.components.shared.downloads import downloads, rows_in
from pages.components.shared.layout import act, note, section, small, titled, trouble
from pages.components.shared.tables import CONFIG, browse, code
from pages.components.shared.wording import flow_name, money_text, number, plain, span, term, text

REFRESH_SECONDS = 1
HARM = ("doubled", "lost", "cents", "altered", "unaccounted", "stuck", "parked")


@refreshing(REFRESH_SECONDS)
def at_work(app: Application) -> None:
    """Draw how far the series at work is; the page is drawn anew once it is over."""
    report = app.lab.report()
    if report is None or report.state != "running":
        st.rerun()
        return
    trials = report.series.trials
    with st.container(border=True, gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            done = text("lab_progress", done=number(report.done), trials=number(trials))
            left = term("lab_left", span=span(_seconds_left(report))) if report.done else ""
            told = " · ".join(filter(None, (done, left)))
            st.markdown(f"**{told if report.done else text('lab_calm')}**", width="content")
            if app.lab.is_ours() and st.button(
                text("btn_lab_stop"), icon=":material/stop:", type="tertiary", key="lab-stop"
            ):
                act(app.lab.stop)
        st.progress(min(1.0, report.done / trials))
    by_hazard(report)


def _seconds_left(report: Report) -> float:
    return (report.series.trials - report.done) * report.seconds / report.series.at_once


def result(report: Report) -> None:
    """Draw what came of a series that is over."""
    if report.error:
        trouble(report.error, report.facts)
    elif report.state == "stopped":
        st.markdown(f":orange[:material/pause_circle:] **{text('lab_stopped')}**")
    elif report.violations:
        bad = text("lab_bad", bad=number(len(report.violations)), done=number(report.done))
        st.markdown(f":red[:material/error:] **{bad}**")
    else:
        st.markdown(f":green[:material/check_circle:] **{text('lab_good')}**")
    for flow in report.idle:
        note(text("lab_idle", flow=flow_name(flow)))
    by_hazard(report)
    violations(report)


def by_hazard(report: Report) -> None:
    """Draw the table by fault."""
    if not report.lines:
        return
    tools = titled(text("lab_by_hazard"), text("lab_by_hazard_about"))
    downloads("fault-lab", lambda: _listed(report), at=tools)
    frame = pd.DataFrame([_row(line) for line in report.lines])
    names = {name: text(f"lab_col_{name}") for name in frame.columns}
    columns = {name: CONFIG.Column(caption) for name, caption in names.items()}
    browse(frame, columns, f"lab-{report.done}", text("lab_by_hazard"), {"cents": money_text})


def _listed(report: Report) -> pd.DataFrame:
    """Return the table by fault as a file has it."""
    counted = [[getattr(line.harm, name) for name in (*HARM, "cents")] for line in report.lines]
    lines = [
        (line.hazard, text(f"hazard_{line.hazard}"), line.trials, line.bit, *harm)
        for line, harm in zip(report.lines, counted, strict=True)
    ]
    return rows_in(["hazard", "caption", "trials", "bit", *HARM, "cents"], lines)


def _row(line: Line) -> dict[str, object]:
    harm = {name: getattr(line.harm, name) for name in HARM} | {"cents": float(line.harm.cents)}
    told = {"hazard": text(f"hazard_{line.hazard}"), "trials": line.trials, "bit": line.bit}
    return {**told, **harm, "note": term(line.unable) if line.unable else ""}


def violations(report: Report) -> None:
    """Draw what went wrong, each with the command that repeats it."""
    if not report.violations:
        return
    section(text("lab_violations"), text("lab_violations_about"))
    for one in report.violations:
        with st.container(border=True, gap="xsmall"):
            hazards = ", ".join(term(f"hazard_{name}") for name in one.hazards)
            st.markdown(f":red[:material/error:] **{flow_name(one.flow)} · {hazards}**")
            for told in one.told:
                small(plain(told))
            code(one.command)
