"""Heads of sections of the page of stock, with what they show as a file."""

from collections.abc import Callable

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.components.shared.layout import section
from pages.components.shared.wording import system_name, text

BOOKS, TILL = "accountview", "mplus"


def titled(title: str, about: str = "") -> DeltaGenerator:
    """Draw the head of a section and return the room at its right, for what acts on it."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        with st.container(width="stretch", gap=None):
            section(title, about)
        return st.container(horizontal=True, width="content", gap="xsmall", vertical_alignment="center")


def about(key: str, **facts: object) -> str:
    """Return a sentence that names the two systems."""
    return text(key, source=system_name(BOOKS), target=system_name(TILL), **facts)


def download(name: str, data: Callable[[], str]) -> None:
    """Draw the button that gives data as a CSV file."""
    st.download_button(
        text("btn_csv"),
        data=data,
        file_name=f"stock-{name}.csv",
        icon=":material/download:",
        on_click="ignore",
        mime="text/csv",
        key=f"csv-{name}",
    )
