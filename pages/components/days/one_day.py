"""One closed day in both systems: every figure of till and books, every difference, and the day page."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from functools import partial

import streamlit as st

from integration.application.application import Application
from integration.core.days.check import DayComparison
from integration.core.days.report import DayReport, DayState
from integration.flows.settings import BOOKS, TILL
from integration.services.daybooks.day_sheets import DaySheets, finding_text
from integration.services.daybooks.days import DayListed, Days
from integration.services.runs.exceptions import cause_of, group_address
from integration.words import vat_figure
from pages.components.days.month import back_to_month, open_day
from pages.components.days.sheet_tables import sheet_buttons
from pages.components.shared.application import may
from pages.components.shared.day_page import day_page
from pages.components.shared.layout import act, empty, icon_button, mark, note, section, show_error, small
from pages.components.shared.missing_rows import rows_at_days
from pages.components.shared.tables import figures
from pages.components.shared.wording import (
    amount_text,
    difference_text,
    language,
    ledger_text,
    plain,
    term,
    text,
)


def day_actions(app: Application, day: date, branch: str, report: DayReport | None) -> None:
    """Draw the links back and to other days, and the buttons for this day."""
    if st.button(text("btn_all_days"), icon=":material/arrow_back:", type="tertiary", key="all_days"):
        back_to_month(day)
    if icon_button("chevron_left", text("btn_earlier_day"), "earlier_day"):
        open_day(day - timedelta(days=1), branch)
    if icon_button("chevron_right", text("btn_later_day"), "later_day", disabled=day >= app.days.today()):
        open_day(day + timedelta(days=1), branch)
    if report is not None and may(DaySheets.pdf):
        branch_name = report.branch if report.branch.isalnum() else "branch"
        sheet_buttons(app.day_sheets, report, f"day-{report.date.isoformat()}-{branch_name}", "sheet")
    if may(Days.check) and st.button(
        text("btn_check_day"), icon=":material/fact_check:", type="primary", key="check_day"
    ):
        act(lambda: app.days.check(day, branch))


def the_day(app: Application, day: date, branch: str, listed_day: DayListed | None) -> None:
    """Draw the state and the last check of a day, or the button for the first check."""
    if listed_day is not None:
        _draw_reason(app, listed_day)
    report = listed_day.report if listed_day else None
    if report is None:
        title, about = text("day_never_checked"), text("day_never_checked_about")
        check = text("btn_check_day") if may(Days.check) else ""
        if empty("fact_check", title, about, check, key="first_check"):
            act(lambda: app.days.check(day, branch))
        return
    _differences(app, report)
    if report.rows:
        with st.grid(2, min_column_width=380) as grid:
            with grid.cell():
                _draw_comparison("day_by_vat", report.comparisons("base", "vat"), partial(_vat, app))
                _draw_comparison(
                    "day_by_method",
                    report.comparisons("method"),
                    _caption_function(app, TILL.system, "payment_methods"),
                )
            with grid.cell():
                _draw_comparison(
                    "day_by_account",
                    report.comparisons("account"),
                    _caption_function(app, BOOKS.system, "ledgers"),
                    ledger_text,
                )
    for place, page in enumerate(report.pages):
        key = "day_page" if page.is_there else "day_page_gone"
        section(text(key, page=plain(page.number), reference=plain(page.reference)))
        day_page(app, BOOKS.system, page.lines, gross=page.gross, place=place)
    if report.expected and not report.pages:
        section(text("day_page_expected"))
        day_page(app, BOOKS.system, report.expected)
    _notes(app, report)
    _counts(report)


def _notes(app: Application, report: DayReport) -> None:
    """Show remarks on the day page that are not differences."""
    if report.notes:
        section(text("day_notes"))
        rates = app.lists.captions(BOOKS.system, "vat_rates")
        for finding in report.notes:
            note(plain(finding_text(finding, language(), rates)))


def _draw_reason(app: Application, listed_day: DayListed) -> None:
    """Show why a day waits or is parked, and link to the repair."""
    has_figures = listed_day.report is not None and bool(listed_day.report.rows)
    if listed_day.cause and not has_figures:
        state = "waiting" if listed_day.state is not DayState.UNKNOWN else "failed"
        show_error(listed_day.cause, listed_day.facts or {}, state)
    if listed_day.state is DayState.PARKED:
        rows_at_days(app, app.days.flow)
    issue = app.exceptions.open_issue(app.days.flow, listed_day.key)
    with st.container(horizontal=True, gap="small"):
        if issue is not None and st.button(text("btn_open_exception"), icon=":material/rule:", key="open_exception"):
            cause = group_address(cause_of(app.days.flow, issue.cause, issue.field, issue.facts))
            st.switch_page("pages/exceptions.py", query_params={"cause": cause})
        is_to_book = listed_day.state in (DayState.CLOSED, DayState.PARKED)
        if is_to_book and st.button(text("btn_open_preview"), icon=":material/difference:", key="open_preview"):
            st.switch_page("pages/preview.py", query_params={"flow": app.days.flow})


def _differences(app: Application, report: DayReport) -> None:
    if report.findings:
        section(text("day_differences"))
        state = "failed" if report.state is DayState.DIFFERENT else "waiting"
        with st.container(border=True, gap="xsmall"):
            for finding in report.findings:
                rates = app.lists.captions(BOOKS.system, "vat_rates")
                st.markdown(f"{mark(state)} {plain(finding_text(finding, language(), rates))}")
    elif report.state is DayState.EQUAL:
        small(f"{mark('ok')} {text('day_no_differences')}")


def _draw_comparison(
    title: str,
    rows: Sequence[DayComparison],
    name: Callable[[DayComparison], str],
    formatter: Callable[[Decimal], str] = amount_text,
) -> None:
    section(text(title))
    if rows:
        figures([_row(comparison, name, formatter) for comparison in rows], text("col_difference"), text(title))


def _row(
    comparison: DayComparison, name: Callable[[DayComparison], str], formatter: Callable[[Decimal], str]
) -> Mapping[str, str]:
    unknown = term("day_not_known")
    is_told = comparison.till is not None and comparison.books is not None
    return {
        text("col_figure"): name(comparison),
        text("col_till"): unknown if comparison.till is None else formatter(comparison.till),
        text("col_books"): unknown if comparison.books is None else formatter(comparison.books),
        text("col_difference"): difference_text(comparison) if is_told else unknown,
    }


def _vat(app: Application, comparison: DayComparison) -> str:
    rate = app.lists.captions(BOOKS.system, "vat_rates").get(comparison.key, "")
    return vat_figure(comparison.about, comparison.key, rate, language())


def _caption_function(app: Application, system: str, name: str) -> Callable[[DayComparison], str]:
    captions = app.lists.captions(system, name)
    return lambda comparison: f"{comparison.key} {captions.get(comparison.key, '')}".strip()


def _counts(report: DayReport) -> None:
    if not report.counts:
        return
    section(text("day_counts"))
    rows = [
        {
            text("col_drawer"): f"{drawer_count.workplace} · {drawer_count.number}",
            text("col_counted"): amount_text(drawer_count.counted_amount),
            text("col_banked"): amount_text(drawer_count.deposited),
            text("col_difference"): amount_text(drawer_count.difference),
        }
        for drawer_count in report.counts
    ]
    figures(rows, text("col_difference"), text("day_counts"))
    if not all(drawer_count.finalized for drawer_count in report.counts):
        note(text("day_counts_open"))
