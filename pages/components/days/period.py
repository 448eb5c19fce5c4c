"""A period of closed days: VAT on both sides, the VAT return, and turnover beside another period."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import partial

import pandas as pd
import streamlit as st

from integration.application.application import Application
from integration.core.days.period import (
    Period,
    PeriodDay,
    PeriodFigure,
    calendar_month,
    calendar_quarter,
    calendar_year,
    date_range,
)
from integration.services.daybooks.days import Days
from integration.services.daybooks.period_sheets import PeriodSheets, PeriodTables, period_title
from integration.services.daybooks.periods import PeriodReport, Periods
from integration.services.daybooks.text_tables import ShownTable
from integration.words import difference_amount
from pages.components.days.month import branch_filter, open_day
from pages.components.days.sheet_tables import (
    ask_day_by_day,
    period_links,
    remarks_box,
    right_aligned,
    sheet_buttons,
    text_table_section,
)
from pages.components.shared.application import may
from pages.components.shared.layout import (
    act,
    clear_address,
    empty,
    inline,
    keep_in_address,
    note,
    section,
    select_input,
)
from pages.components.shared.tables import browse
from pages.components.shared.wording import (
    Markdown,
    field_date,
    language,
    plain,
    text,
)

KINDS: Mapping[str, Callable[[date], Period]] = {
    "month": calendar_month,
    "quarter": calendar_quarter,
    "year": calendar_year,
}
MONTHS = {1: "month", 3: "quarter", 12: "year", 0: "range"}
PARAMETERS = ("period", "against", "code")


def period_shown(app: Application) -> PeriodReport:
    """Return the report of the period, branch and comparison in the address."""
    branch = st.query_params.get("branch", "")
    period = app.periods.period(st.query_params.get("period", ""))
    is_known = branch in app.days.branches()
    is_against_year = st.query_params.get("against", "") == "year"
    return app.periods.report(period, branch if is_known else "", a_year_before=is_against_year)


def period_badge(report: PeriodReport, tables: PeriodTables) -> Markdown:
    """Return the badge that says whether both sides are equal; a difference has its amount."""
    state = "day_equal" if report.is_equal else "day_different" if report.different else "day_waiting"
    return inline(state, plain(tables.verdict()))


def period_actions(app: Application, report: PeriodReport) -> None:
    """Draw the links to other periods, the files, and the buttons that ask the systems."""
    period_links(app, report.period, "period", _open_period)
    if may(PeriodSheets.pdf):
        _sheets(app, report)
    if may(Periods.read_books) and not report.branch:
        label = text("btn_read_books")
        if st.button(label, icon=":material/menu_book:", key="read_books"):
            act(lambda: ask_day_by_day(partial(app.periods.read_books, report.period), "period_reading"))
    if may(Days.check_span):
        label = text("btn_check_period")
        if st.button(label, icon=":material/fact_check:", type="primary", key="check_period"):
            act(lambda: _check(app, report))


def _open_period(period: Period) -> None:
    keep_in_address("period", period.name)
    clear_address("code")
    st.rerun()


def _sheets(app: Application, report: PeriodReport) -> None:
    branch = f"-{report.branch}" if report.branch.isalnum() else ""
    file = f"period-{report.period.name.replace('..', '-to-')}{branch}"
    sheet_buttons(app.period_sheets, report, file, "period")


def _check(app: Application, report: PeriodReport) -> None:
    last = min(report.period.last, app.days.today())
    ask_day_by_day(partial(app.days.check_span, report.period.first, last, report.branch), "days_checking")


def period_filters(app: Application, report: PeriodReport) -> None:
    """Draw the controls for the period, the branch, and the period beside it."""
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        _kind(report.period)
        if not report.period.months:
            _range(report.period)
        branch_filter(app)
        against = {"": text("period_against_before"), "year": text("period_against_year")}
        select_input("against", against, text("period_against"))
    section(plain(period_title(report.period, language())))


def _kind(period: Period) -> None:
    kind = MONTHS[period.months]

    def moved() -> None:
        chosen = str(st.session_state.get("_period_kind") or kind)
        other = KINDS[chosen](period.first) if chosen in KINDS else date_range(period.first, period.last)
        keep_in_address("period", other.name)
        clear_address("code")

    st.session_state["_period_kind"] = kind
    st.segmented_control(
        text("choice_view"),
        [*KINDS, "range"],
        required=True,
        key="_period_kind",
        on_change=moved,
        format_func=lambda name: text(f"period_kind_{name}"),
        label_visibility="collapsed",
        wrap=True,
    )


def _range(period: Period) -> None:
    def moved() -> None:
        first, last = (st.session_state[f"_period_{name}"] for name in ("from", "until"))
        try:
            keep_in_address("period", date_range(first, last).name)
        except ValueError:  # the last day is before the first, or more than a year after it: both move together
            keep_in_address("period", date_range(first, first).name)

    for name, day in (("from", period.first), ("until", period.last)):
        st.session_state[f"_period_{name}"] = day
        st.date_input(
            text(f"period_{name}"), key=f"_period_{name}", on_change=moved, format=field_date(), width=150,
            label_visibility="collapsed",
        )  # fmt: skip


def the_period(app: Application, report: PeriodReport, tables: PeriodTables) -> None:
    """Draw all tables of a period."""
    if not report.days:
        check = text("btn_check_period") if may(Days.check_span) else ""
        if empty("calendar_month", text("period_none"), text("days_none_about"), check):
            act(lambda: _check(app, report))
        return
    note(
        f"{text('col_checked')}: {plain(tables.checked())} · {text('period_books_read')}: {plain(tables.books_read())}"
    )
    remarks_box(tables.remarks())
    _vat(report, tables)
    _days_of_code(report, tables)
    with st.grid(2, min_column_width=380) as grid:
        with grid.cell():
            _accounts(report, tables)
        with grid.cell():
            text_table_section(tables.text_table(tables.branches()))
    text_table_section(tables.text_table(tables.vat_return()))
    if st.button(text("btn_vat_boxes"), icon=":material/settings:", type="tertiary", key="vat_boxes"):
        parameters = {"flow": app.days.flow, "tab": "settings", "field": "vat_boxes"}
        st.switch_page("pages/flows.py", query_params=parameters)
    if report.oss():
        text_table_section(tables.text_table(tables.oss()))
    if report.books is not None:
        text_table_section(tables.text_table(tables.origins()))
        if report.books.foreign:
            text_table_section(tables.text_table(tables.foreign()))
    text_table_section(tables.text_table(tables.turnover()))
    _list_of_days(tables.text_table(tables.days()), report.days, "days")


def _vat(report: PeriodReport, tables: PeriodTables) -> None:
    vat = tables.text_table(tables.vat())
    section(plain(vat.title))
    if not vat.rows:
        note(plain(vat.empty))
        return
    clicked = browse(
        pd.DataFrame(_with_larger_side(vat, report.vat)), right_aligned(vat), "period_vat", plain(vat.title)
    )
    if clicked is not None:
        keep_in_address("code", report.vat[clicked].key)
    note(text("period_pick_figure"))


def _accounts(report: PeriodReport, tables: PeriodTables) -> None:
    accounts = tables.text_table(tables.accounts())
    text_table_section(replace(accounts, rows=_with_larger_side(accounts, report.accounts)))


def _with_larger_side(text_table: ShownTable, of: Sequence[PeriodFigure]) -> list[dict[str, str]]:
    """Return the rows of a table with the side that has more beside each difference."""
    return [
        {
            **row,
            text("col_difference"): ""
            if figure.books is None
            else difference_amount(figure.difference, figure.compared.larger_side, language()),
        }
        for row, figure in zip(text_table.rows, of, strict=True)
    ]


def _days_of_code(report: PeriodReport, tables: PeriodTables) -> None:
    """Draw the days behind the figures of the VAT code in the address; a click opens the day."""
    code = st.query_params.get("code", "")
    if code not in {comparison.key for comparison in report.vat}:
        return
    _list_of_days(
        tables.text_table(tables.behind(code)), [day for _, day, _ in tables.day_figures(code)], f"behind_{code}"
    )


def _list_of_days(days_table: ShownTable, days: Sequence[PeriodDay], name: str) -> None:
    """Draw a table with a day in each row; a click opens the day."""
    section(plain(days_table.title))
    frame, title = pd.DataFrame(days_table.rows), plain(days_table.title)
    clicked = browse(frame, right_aligned(days_table), f"period_{name}", title)
    if clicked is not None:
        clear_address("view", *PARAMETERS)
        open_day(days[clicked].date, days[clicked].branch)
