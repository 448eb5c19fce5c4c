"""Export of the configuration as a file, and import of such a file after a review of its differences."""

import json
from typing import Any

import streamlit as st

from integration.application.application import Application
from integration.services.configuration_file import ParsedFile
from integration.words import MISSING
from pages.components.shared.application import person
from pages.components.shared.layout import answer_or_error, attempt, note, section
from pages.components.shared.tables import table
from pages.components.shared.wording import number, text

SHOWN = 300  # differences that are listed; the others are counted
LONGEST = 500  # characters of a value
FILES = "configuration-files"  # number of imports so far; each one gets a new, empty file field


def draw_configuration_file(app: Application) -> None:
    """Draw the download of the configuration and the field for a file to import."""
    section(text("configuration_title"), text("configuration_about"))
    st.download_button(
        text("configuration_save"),
        data=app.configuration_file.text,
        file_name="settings.json",
        mime="application/json",
        on_click="ignore",
        icon=":material/download:",
        key="configuration-save",
    )
    st.space("small")
    section(text("configuration_take"), text("configuration_take_about"))
    key = f"configuration-file-{st.session_state.get(FILES, 0)}"
    upload = st.file_uploader(text("configuration_choose"), key=key)
    if upload is not None:
        content, name = upload.getvalue(), upload.name
        parsed_file = answer_or_error(lambda: app.configuration_file.of_file(content))
        if parsed_file is not None:
            _draw_differences(app, parsed_file, content, name)


def _draw_differences(app: Application, parsed_file: ParsedFile, content: bytes, name: str) -> None:
    """Draw the differences between a file and the current configuration, with the button that imports the file."""
    if not parsed_file.differences:
        note(text("configuration_same"))
        return
    place, current_column, file_column = (text(f"col_configuration_{column}") for column in ("place", "here", "file"))
    rows = [
        {
            place: difference.place,
            current_column: _value_text(difference.current),
            file_column: _value_text(difference.file),
        }
        for difference in parsed_file.differences[:SHOWN]
    ]
    table(rows, text("configuration_take"))
    every = len(parsed_file.differences)
    if every > SHOWN:
        note(text("configuration_more", shown=number(SHOWN), number=number(every)))
    mark, by = parsed_file.mark, person()
    with (
        st.form("configuration", border=False),
        st.container(horizontal=True, vertical_alignment="bottom", gap="small"),
    ):
        entered_note = st.text_input(
            text("configuration_note"), name, key="configuration-note", max_chars=200, width=420
        )
        if st.form_submit_button(text("btn_configuration_take"), type="primary", key="configuration-take"):
            if attempt(lambda: app.configuration_file.take(content, mark, by, entered_note or "")):
                st.session_state["said"] = text("configuration_taken", number=number(every))
                st.session_state[FILES] = st.session_state.get(FILES, 0) + 1
            st.rerun()


def _value_text(value: Any) -> str:
    """Return a value as JSON, or a dash for None."""
    return MISSING if value is None else json.dumps(value, ensure_ascii=False)[:LONGEST]
