"""Retention classes: length, legal basis and size of each, and the form that changes the lengths."""

import streamlit as st

from integration.application.application import Application
from integration.core.people import Actor
from integration.core.retention import BY_NAME, CLASSES, Country, Retention, Unit
from integration.retention.service import KeptFile, RetentionClassStatus
from integration.words import MISSING
from pages.components.shared.application import person
from pages.components.shared.downloads import downloads, rows_in
from pages.components.shared.layout import attempt, note, section_with_actions, small
from pages.components.shared.tables import CONFIG, table
from pages.components.shared.wording import Markdown, megabytes, moment, number_text, option_name, plain, text

COLUMNS = ("class", "caption", "law", "length", "unit", "rows", "bytes", "oldest", "due")


def retention(app: Application) -> None:
    """Draw every retention class with its current size, the files with the data, and the form."""
    tools = section_with_actions(text("retention_title"), text("retention_about"))
    last = app.retention.last()
    when = text("retention_never") if last is None else moment(last)
    small(text("retention_next", time=moment(app.retention.next()), last=when))
    names = {
        name: text(f"col_retention_{name}") for name in ("class", "length", "rows", "size", "oldest", "due", "law")
    }
    kept = app.retention.kept()
    downloads("retention", lambda: rows_in(COLUMNS, [_line(one) for one in kept]), at=tools)
    rows = [{names[name]: value for name, value in _row(one).items()} for one in kept]
    right = {names[name]: CONFIG.TextColumn(names[name], alignment="right") for name in ("rows", "size", "due")}
    table(rows, text("retention_title"), right, height="content")
    note(text("retention_files", files=", ".join(_file(one) for one in app.retention.files())))
    if app.retention.is_on_a_server:
        note(text("retention_postgres"))
    with st.expander(text("retention_edit")):
        _form(app, app.retention.lengths_in_force())


def _row(one: RetentionClassStatus) -> dict[str, str]:
    return {
        "class": text(f"retention_class_{one.name}"),
        "length": _length(one.unit, one.length),
        "rows": _number(one.rows),
        "size": MISSING if one.size is None else megabytes(one.size),
        "oldest": moment(one.oldest),
        "due": _number(one.due),
        "law": text(f"retention_law_{one.law.name}"),
    }


def _line(one: RetentionClassStatus) -> list[object]:
    names = text(f"retention_class_{one.name}"), text(f"retention_law_{one.law.name}")
    return [one.name, *names, one.length, str(one.unit), one.rows, one.size, one.oldest, one.due]


def _length(unit: Unit, number: int) -> str:
    return text(f"retention_{unit}", number=number)


def _number(value: int | None) -> str:
    return MISSING if value is None else number_text(value)


def _file(one: KeptFile) -> Markdown:
    return f"{plain(one.name)} {megabytes(one.size)} MB"


def _form(app: Application, now: Retention) -> None:
    """Draw the form for the lengths. A length below the legal minimum is refused unless the person confirms it."""
    with st.form("retention", border=False):
        countries = list(Country)
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            st.selectbox(
                text("retention_country"), countries, index=countries.index(now.country),
                format_func=option_name(lambda one: text(f"retention_country_{one}")), width=260,
                key="retention-country",
            )  # fmt: skip
            st.checkbox(text("retention_oss"), now.oss, key="retention-oss")
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            for one in CLASSES:
                _length_of(now, one.name)
        st.checkbox(text("retention_knowing"), key="retention-knowing")
        by, label = person(), text("btn_retention_save")  # the person may be gone in the callback
        st.form_submit_button(label, type="primary", key="retention-save", on_click=lambda: _save(app, now, by))


def _save(app: Application, now: Retention, by: Actor) -> None:
    """Save the form in the callback, before the page counts the stored data again."""
    entered = {one.name: int(st.session_state[f"retention-length-{one.name}"]) for one in CLASSES}
    changed = {name: length for name, length in entered.items() if length != now.length(name)}
    country, oss, knowing = (st.session_state[f"retention-{name}"] for name in ("country", "oss", "knowing"))
    wanted = Retention(country, oss, {**now.lengths, **changed})
    if attempt(lambda: app.retention.change(wanted, by, knowing=knowing)):
        st.session_state["said"] = text("retention_saved")


def _length_of(now: Retention, name: str) -> None:
    one = BY_NAME[name]
    label = f"{text(f'retention_class_{name}')} ({text(f'retention_unit_{one.unit}')})"
    st.number_input(label, one.least, one.most, now.length(name), key=f"retention-length-{name}", width=430)
