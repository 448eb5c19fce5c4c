"""Parts that the views of a period share: tables, remarks, and the buttons of the printed sheets."""

from collections.abc import Callable, Sequence
from datetime import date
from functools import partial
from typing import TypeVar

import streamlit as st

from integration.application.application import Application
from integration.core.days.period import Period
from integration.services.daybooks.report_sheets import ReportSheets
from integration.services.daybooks.text_tables import ShownTable
from pages.components.shared.downloads import EXCEL
from pages.components.shared.layout import icon_button, mark, note, section, small
from pages.components.shared.tables import CONFIG, figures, table
from pages.components.shared.wording import language, plain, table_day, text, zone

Report = TypeVar("Report")


def sheet_buttons(sheets: ReportSheets[Report], report: Report, file: str, key: str) -> None:
    """Draw the buttons that download a report as PDF and as Excel file."""
    for name, make, mime, icon, end in (
        ("pdf", sheets.pdf, "application/pdf", "picture_as_pdf", "pdf"),
        ("excel", sheets.excel, EXCEL, "table_view", "xlsx"),
    ):
        st.download_button(
            text(f"btn_sheet_{name}"),
            data=partial(make, report, language(), zone()),
            file_name=f"{file}.{end}",
            mime=mime,
            icon=f":material/{icon}:",
            on_click="ignore",
            key=f"{key}_{name}",
        )


def ask_day_by_day(ask: Callable[[Callable[[date], None]], object], progress: str) -> None:
    """Call a function that asks the systems, and show the day that it reports in the text `progress` meanwhile."""
    with st.status(text("asking_systems"), expanded=True) as status:
        ask(lambda day: status.update(label=text(progress, day=table_day(day))))


def period_links(app: Application, period: Period, key: str, open_period: Callable[[Period], None]) -> None:
    """Draw the links to the periods before and after a period. The next one is disabled until it has begun."""
    for by, icon, name in ((-1, "chevron_left", "earlier"), (1, "chevron_right", "later")):
        is_to_come = by > 0 and period.last >= app.days.today()
        if icon_button(icon, text(f"btn_{name}_period"), f"{name}_{key}", disabled=is_to_come):
            open_period(app.periods.shift_period(period, by))


def remarks_box(remarks: Sequence[str]) -> None:
    """Draw remarks in a frame, if there are any."""
    if remarks:
        with st.container(border=True, gap="xsmall"):
            for remark in remarks:
                small(f"{mark('brake')} {plain(remark)}")


def text_table_section(text_table: ShownTable) -> None:
    """Draw a table under its title, or that it is empty."""
    section(plain(text_table.title))
    if not text_table.rows:
        note(plain(text_table.empty))
    elif text_table.difference:
        figures(text_table.rows, text_table.difference, plain(text_table.title))
    else:
        table(text_table.rows, plain(text_table.title), right_aligned(text_table))


def right_aligned(text_table: ShownTable) -> dict[str, object]:
    """Return the column settings that align amounts to the right."""
    return {title: CONFIG.TextColumn(title, alignment="right") for title in text_table.amounts}
