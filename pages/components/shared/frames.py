"""Tables of a page as frames of pandas, and their cells in the language of the reader."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pandas as pd
from pandas.api.types import is_datetime64_dtype

from integration.flows.settings import BOOKS, TILL
from integration.words import has_sentences, has_term
from pages.components.shared.wording import author_name, field_name, flow_name, in_cause, system_name, text, zone

MOMENTS = (
    "at", "started_at", "ended_at", "checked_at", "first_seen", "last_seen", "period", "published_at", "happened_at",
)  # fmt: skip
DAYS = ("date", "day")
# Prefixes of the text keys that translate the codes of a column.
CODES = {
    "state": ("badge_", "day_state_"), "action": ("badge_", "event_"), "event": ("event_", "badge_"),
    "mode": ("mode_short_",), "kind": ("kind_",), "ownership": ("owner_",), "unmapped": ("unmapped_",),
    "result": ("badge_",), "severity": ("severity_",), "message": ("message_",), "stands": ("state_", "badge_"),
    "grants": ("role_", "right_"), "unit": ("retention_unit_",), "there": ("names_there_",),
}  # fmt: skip


def translated_table(frame: pd.DataFrame) -> tuple[list[str], list[list[Any]]]:
    """Return captions and rows of a list in the language of the reader, with codes translated and moments parsed."""
    columns = [_cells(str(name), frame[name]) for name in frame.columns]
    return [caption(str(name)) for name in frame.columns], [list(row) for row in zip(*columns, strict=True)]


def _cells(name: str, values: "pd.Series[Any]") -> list[Any]:
    """Return the cells of a column. A column whose moments are all at midnight becomes a column of dates."""
    if is_datetime64_dtype(values.dtype) and _are_days(values):
        return [None if pd.isna(value) else value.date() for value in values]
    return [_cell(name, value) for value in values]


def caption(name: str) -> str:
    """Return the caption of a column of a file. A column of one system has the name of that system."""
    if name in (BOOKS.system, TILL.system):
        return system_name(name)
    for key in (f"file_{name}", f"col_{name}", f"badge_{name}", f"field_{name}", f"fact_{name}"):
        if has_term(key) and "{" not in text(key):
            return text(key)
    return name.replace("_", " ").capitalize()


def _cell(name: str, value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return ", ".join(str(_cell(name, item)) for item in value)
    if value is None or value is pd.NaT or (isinstance(value, float) and pd.isna(value)):
        return None
    if isinstance(value, datetime):
        return _local_time(value)
    if isinstance(value, (bool, int, float, Decimal, date)):
        return value
    if hasattr(value, "item"):
        return value.item()  # a scalar of numpy
    return _code_caption(name, str(value)) if name not in MOMENTS + DAYS else _moment(str(value))


def _local_time(at: datetime) -> datetime:
    """Return a moment in the time zone of the reader, without a zone. A moment without a zone is unchanged."""
    at = at.to_pydatetime() if isinstance(at, pd.Timestamp) else at
    return at.astimezone(zone()).replace(tzinfo=None) if at.tzinfo else at


def _moment(iso_text: str) -> Any:
    try:
        return (
            date.fromisoformat(iso_text)
            if len(iso_text) == len("2026-11-26")
            else _local_time(datetime.fromisoformat(iso_text))
        )
    except ValueError:
        return iso_text


def _code_caption(name: str, code: str) -> str:
    """Return the translation of a code, or the value itself if it is no known code."""
    if not code:
        return code
    match name:
        case "flow" | "about" if has_term(f"flow_{code}"):
            return flow_name(code)
        case "cause" if has_sentences(code):
            return in_cause(code, {})
        case "field" | "target" | "path":
            return field_name(code) if code.islower() else code
        case "by" | "approved_by":
            return author_name(code)
        case "system" | "source" | "origin":
            return system_name(code)
    return next((text(f"{stem}{code}") for stem in CODES.get(name, ()) if has_term(f"{stem}{code}")), code)


def with_utc(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table of the log with the UTC zone on its moments; the log stores moments without a zone, in UTC."""
    time_columns = [
        name for name, kind in frame.dtypes.items() if is_datetime64_dtype(kind) and not _are_days(frame[name])
    ]
    return frame.assign(**{str(name): frame[name].dt.tz_localize("UTC") for name in time_columns})


def _are_days(moments: "pd.Series[Any]") -> bool:
    return bool((moments.dt.normalize() == moments).all())


def rows_in(columns: Sequence[str], lines: Sequence[Sequence[object]]) -> pd.DataFrame:
    """Return rows as a table of type `object`, so that no value is converted."""
    return pd.DataFrame([list(line) for line in lines], columns=list(columns), dtype=object)
