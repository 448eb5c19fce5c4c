"""Every list as a file: for Excel and as CSV in the words of whoever reads it, and as CSV for programs."""

import re
from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pandas as pd
import streamlit as st
from pandas.api.types import is_datetime64_dtype
from streamlit.delta_generator import DeltaGenerator

from integration.flows.settings import BOOKS, TILL
from integration.services.table_export import Listings
from integration.words import has_term, known
from pages.components.shared.application import application, may
from pages.components.shared.tables import csv_of
from pages.components.shared.wording import (
    field_name,
    flow_name,
    in_cause,
    language,
    later,
    system_name,
    text,
    who,
    zone,
)

_FOREIGN_IN_NAME = re.compile("[^a-z0-9_-]", re.IGNORECASE)
EXCEL = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MOMENTS = (
    "at", "started_at", "ended_at", "checked_at", "first_seen", "last_seen", "period", "published_at", "happened_at",
)  # fmt: skip
DAYS = ("date", "day")
# What stands before the key of the text of a column's codes.
CODES = {
    "state": ("badge_", "day_state_"), "action": ("badge_", "event_"), "event": ("event_", "badge_"),
    "mode": ("mode_short_",), "kind": ("kind_",), "ownership": ("owner_",), "unmapped": ("unmapped_",),
    "result": ("badge_",), "severity": ("severity_",), "message": ("message_",), "stands": ("state_", "badge_"),
    "grants": ("role_", "right_"), "unit": ("retention_unit_",), "there": ("names_there_",),
}  # fmt: skip

Listed = Callable[[], pd.DataFrame]


def downloads(
    name: str, listed: Listed, at: DeltaGenerator | None = None, *, index: bool = False, key: str = "", **look: Any
) -> None:
    """Draw what offers a list as a file, named in words of ours; the list is asked for when somebody takes one.

    `index` says that its index is data too, and `at` is another place of the page. Codes and captions become words
    but in the file for programs. Nothing is drawn for whoever may take no lists along.
    """
    if not may(Listings.excel):
        return
    given = application().listings
    file, key = _FOREIGN_IN_NAME.sub("", name), key or name
    kept: dict[str, pd.DataFrame] = {}

    def whole() -> pd.DataFrame:
        if not kept:
            kept["list"] = listed()
        return kept["list"]

    def people() -> tuple[list[str], list[list[Any]]]:
        return in_words(whole().reset_index() if index else whole())

    offer = (at or st).popover(text("btn_download"), icon=":material/download:", key=f"download-{key}", **look)
    with offer, st.container(gap=None):
        _button(text("btn_excel"), f"{file}.xlsx", EXCEL, f"xlsx-{key}", lambda name: given.excel(name, *people()))
        _button(
            text("btn_csv"), f"{file}.csv", "text/csv", f"csv-{key}",
            lambda name: given.readable(name, *people(), language()),
        )  # fmt: skip
        _button(
            text("btn_csv_programs"), f"{file}-data.csv", "text/csv", f"data-{key}",
            lambda name: given.for_programs(name, csv_of(whole(), index=index)),
        )  # fmt: skip


def _button(label: str, file: str, mime: str, key: str, data: Callable[[str], bytes | str]) -> None:
    st.download_button(
        label,
        data=later(lambda: data(file)),
        file_name=file,
        mime=mime,
        key=key,
        icon=":material/download:",
        on_click="ignore",
        type="tertiary",
    )


def in_words(frame: pd.DataFrame) -> tuple[list[str], list[list[Any]]]:
    """Return captions and rows of a list as whoever reads it says them: codes in words, moments as real ones."""
    columns = [_cells(str(name), frame[name]) for name in frame.columns]
    return [caption(str(name)) for name in frame.columns], [list(row) for row in zip(*columns, strict=True)]


def _cells(name: str, values: "pd.Series[Any]") -> list[Any]:
    """Return the cells of a column; moments that are all of a midnight are days."""
    if is_datetime64_dtype(values.dtype) and _are_days(values):
        return [None if pd.isna(value) else value.date() for value in values]
    return [_cell(name, value) for value in values]


def caption(name: str) -> str:
    """Return what a column of a file is called: what one of the systems has by that system's name."""
    if name in (BOOKS, TILL):
        return system_name(name)
    for key in (f"file_{name}", f"col_{name}", f"badge_{name}", f"field_{name}", f"fact_{name}"):
        if has_term(key) and "{" not in text(key):
            return text(key)
    return name.replace("_", " ").capitalize()


def _cell(name: str, value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return ", ".join(str(_cell(name, one)) for one in value)
    if value is None or value is pd.NaT or (isinstance(value, float) and pd.isna(value)):
        return None
    if isinstance(value, datetime):
        return _here(value)
    if isinstance(value, (bool, int, float, Decimal, date)):
        return value
    if hasattr(value, "item"):
        return value.item()  # a number of numpy
    return _said(name, str(value)) if name not in MOMENTS + DAYS else _moment(str(value))


def _here(at: datetime) -> datetime:
    """Return a moment on the clock of whoever reads it; one that says no zone is on that clock already."""
    at = at.to_pydatetime() if isinstance(at, pd.Timestamp) else at
    return at.astimezone(zone()).replace(tzinfo=None) if at.tzinfo else at


def _moment(said: str) -> Any:
    try:
        return date.fromisoformat(said) if len(said) == len("2026-11-26") else _here(datetime.fromisoformat(said))
    except ValueError:
        return said


def _said(name: str, code: str) -> str:
    """Return a code in words; what is none stays as it is."""
    if not code:
        return code
    match name:
        case "flow" | "about" if has_term(f"flow_{code}"):
            return flow_name(code)
        case "cause" if known(code):
            return in_cause(code, {})
        case "field" | "target" | "path":
            return field_name(code) if code.islower() else code
        case "by" | "approved_by":
            return who(code)
        case "system" | "source" | "origin":
            return system_name(code)
    return next((text(f"{stem}{code}") for stem in CODES.get(name, ()) if has_term(f"{stem}{code}")), code)


def of_log(told: pd.DataFrame) -> pd.DataFrame:
    """Return a table of the log whose moments say what they are in: the log writes them without, in UTC."""
    named = [name for name, kind in told.dtypes.items() if is_datetime64_dtype(kind) and not _are_days(told[name])]
    return told.assign(**{str(name): told[name].dt.tz_localize("UTC") for name in named})


def _are_days(moments: "pd.Series[Any]") -> bool:
    return bool((moments.dt.normalize() == moments).all())


def rows_in(columns: Sequence[str], lines: Sequence[Sequence[object]]) -> pd.DataFrame:
    """Return lines as a table of which every value stays what it is."""
    return pd.DataFrame([list(line) for line in lines], columns=list(columns), dtype=object)
