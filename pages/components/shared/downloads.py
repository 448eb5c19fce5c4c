"""Downloads of lists: as Excel and CSV files in the language of the reader, and as CSV for programs."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from integration.services.table_export import TableExport
from pages.components.shared.application import application, may
from pages.components.shared.wording import language, text, with_session_locale

if TYPE_CHECKING:  # only a download needs pandas, and its import takes a third of a second
    import pandas as pd

_FOREIGN_IN_NAME = re.compile("[^a-z0-9_-]", re.IGNORECASE)
EXCEL = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
Listed = Callable[[], "pd.DataFrame"]


def downloads(
    name: str, make_frame: Listed, at: DeltaGenerator | None = None, *, index: bool = False, key: str = "", **look: Any
) -> None:
    """Draw the menu that offers a list in three file formats. `make_frame` is called when a person downloads one.

    `index` includes the index of the list as data, and `at` is another container of the page. Codes and captions are
    translated, except in the file for programs. Nothing is drawn for people who may not export lists.
    """
    if not may(TableExport.excel):
        return
    table_export = application().table_export
    file, key = _FOREIGN_IN_NAME.sub("", name), key or name
    cached_frame: dict[str, pd.DataFrame] = {}

    def whole_table() -> "pd.DataFrame":
        if not cached_frame:
            cached_frame["list"] = make_frame()
        return cached_frame["list"]

    def people() -> tuple[list[str], list[list[Any]]]:
        from pages.components.shared.frames import translated_table  # noqa: PLC0415 - as said at the top

        return translated_table(whole_table().reset_index() if index else whole_table())

    def programs() -> str:
        from pages.components.shared.tables import csv_of  # noqa: PLC0415 - as said at the top

        return csv_of(whole_table(), index=index)

    offer = (at or st).popover(text("btn_download"), icon=":material/download:", key=f"download-{key}", **look)
    with offer, st.container(gap=None):
        _button(
            text("btn_excel"), f"{file}.xlsx", EXCEL, f"xlsx-{key}", lambda name: table_export.excel(name, *people())
        )
        _button(
            text("btn_csv"), f"{file}.csv", "text/csv", f"csv-{key}",
            lambda name: table_export.readable(name, *people(), language()),
        )  # fmt: skip
        _button(
            text("btn_csv_programs"), f"{file}-data.csv", "text/csv", f"data-{key}",
            lambda name: table_export.for_programs(name, programs()),
        )  # fmt: skip


def _button(label: str, file: str, mime: str, key: str, data: Callable[[str], bytes | str]) -> None:
    st.download_button(
        label,
        data=with_session_locale(lambda: data(file)),
        file_name=file,
        mime=mime,
        key=key,
        icon=":material/download:",
        on_click="ignore",
        type="tertiary",
    )
