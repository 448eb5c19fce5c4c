"""Retention classes: length, legal basis and size of each, and the form that changes the lengths."""

import streamlit as st

from integration.application.application import Application
from integration.core.people import Actor
from integration.core.retention import BY_NAME, CLASSES, Country, Retention
from integration.retention.service import ConsoleFile, RetentionClassStatus
from integration.words import MISSING
from pages.components.shared.application import person
from pages.components.shared.downloads import downloads
from pages.components.shared.frames import rows_in
from pages.components.shared.layout import attempt, note, section_with_actions, small
from pages.components.shared.tables import CONFIG, table
from pages.components.shared.wording import Markdown, megabytes, moment, number_text, option_name, plain, text

COLUMNS = ("class", "caption", "law", "length", "unit", "rows", "bytes", "oldest", "due")


def retention(app: Application) -> None:
    """Draw every retention class with its current size, the files with the data, and the form."""
    tools = section_with_actions(text("retention_title"), text("retention_about"))
    last = app.retention.last_pruning()
    when = text("retention_never") if last is None else moment(last)
    small(text("retention_next", time=moment(app.retention.next_pruning()), last=when))
    names = {
        name: text(f"col_retention_{name}") for name in ("class", "length", "rows", "size", "oldest", "due", "law")
    }
    statuses = app.retention.class_statuses()
    downloads("retention", lambda: rows_in(COLUMNS, [_line(status) for status in statuses]), at=tools)
    rows = [{names[name]: value for name, value in _row(status).items()} for status in statuses]
    right = {names[name]: CONFIG.TextColumn(names[name], alignment="right") for name in ("rows", "size", "due")}
    table(rows, text("retention_title"), right, height="content")
    note(text("retention_files", files=", ".join(_file(stored_file) for stored_file in app.retention.files())))
    if app.retention.is_on_a_server:
        note(text("retention_postgres"))
    with st.expander(text("retention_edit")):
        _form(app, app.retention.lengths_in_force())


def _row(status: RetentionClassStatus) -> dict[str, str]:
    return {
        "class": text(f"retention_class_{status.name}"),
        "length": text(f"retention_{status.unit}", number=status.length),
        "rows": _number(status.rows),
        "size": MISSING if status.size is None else megabytes(status.size),
        "oldest": moment(status.oldest),
        "due": _number(status.due),
        "law": text(f"retention_law_{status.law.name}"),
    }


def _line(status: RetentionClassStatus) -> list[object]:
    names = text(f"retention_class_{status.name}"), text(f"retention_law_{status.law.name}")
    return [status.name, *names, status.length, str(status.unit), status.rows, status.size, status.oldest, status.due]


def _number(value: int | None) -> str:
    return MISSING if value is None else number_text(value)


def _file(stored_file: ConsoleFile) -> Markdown:
    return f"{plain(stored_file.name)} {megabytes(stored_file.size)} MB"


def _form(app: Application, now: Retention) -> None:
    """Draw the form for the lengths. A length below the legal minimum is refused unless the person confirms it."""
    with st.form("retention", border=False):
        countries = list(Country)
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            st.selectbox(
                text("retention_country"), countries, index=countries.index(now.country),
                format_func=option_name(lambda country: text(f"retention_country_{country}")), width=260,
                key="retention-country",
            )  # fmt: skip
            st.checkbox(text("retention_oss"), now.oss, key="retention-oss")
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            for retention_class in CLASSES:
                _length_input(now, retention_class.name)
        st.checkbox(text("retention_knowing"), key="retention-knowing")
        by, label = person(), text("btn_retention_save")  # the person may be gone in the callback
        st.form_submit_button(label, type="primary", key="retention-save", on_click=lambda: _save(app, now, by))


def _save(app: Application, now: Retention, by: Actor) -> None:
    """Save the form in the callback, before the page counts the stored data again."""
    entered = {
        retention_class.name: int(st.session_state[f"retention-length-{retention_class.name}"])
        for retention_class in CLASSES
    }
    changed = {name: length for name, length in entered.items() if length != now.length(name)}
    country, oss, knowing = (st.session_state[f"retention-{name}"] for name in ("country", "oss", "knowing"))
    new_retention = Retention(country, oss, {**now.lengths, **changed})
    if attempt(lambda: app.retention.change(new_retention, by, knowing=knowing)):
        st.session_state["said"] = text("retention_saved")


def _length_input(now: Retention, name: str) -> None:
    retention_class = BY_NAME[name]
    label = f"{text(f'retention_class_{name}')} ({text(f'retention_unit_{retention_class.unit}')})"
    st.number_input(
        label,
        retention_class.minimum,
        retention_class.most,
        now.length(name),
        key=f"retention-length-{name}",
        width=430,
    )
