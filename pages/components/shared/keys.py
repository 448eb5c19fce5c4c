"""The list of keyboard shortcuts, opened with a question mark or with the button in the sidebar."""

import streamlit as st

from pages.components.shared.layout import note
from pages.components.shared.wording import Markdown, text

# Keys by the text that says what they do. Key names are those printed on keyboards.
KEYS: dict[str, Markdown] = {
    "key_ask": "`?`",
    "key_search": "`Ctrl + K`",
    "key_walk": "`Tab` `Shift + Tab`",
    "key_press": "`Enter` `Space`",
    "key_close": "`Esc`",
    "key_first": "`O`",
    "key_causes": "`N` `P`",
    "key_rows": "`↑` `↓`",
    "key_tick": "`Shift + Space`",
    "key_run_question": "`Ctrl + Enter`",
    "key_commit": "`Ctrl + Enter`",
}


def keys_button() -> None:
    """Draw the button that opens the list of shortcuts. `static/frame.js` presses it on a question mark."""
    if st.button(text("keys_title"), icon=":material/keyboard:", type="tertiary", key="keys"):
        st.dialog(text("keys_title"), icon=":material/keyboard:", width="medium")(_keys)()


def _keys() -> None:
    note(text("keys_about"))
    pressed, does = text("col_key"), text("col_does")
    st.table([{pressed: keys, does: text(key)} for key, keys in KEYS.items()], border="horizontal", hide_index=True)
