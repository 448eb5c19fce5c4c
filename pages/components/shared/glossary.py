"""The terms of the console with their meaning, used in tooltips and in the list of terms."""

from collections.abc import Mapping

import streamlit as st

from integration.words import capital
from pages.components.shared.layout import facts_table, note
from pages.components.shared.wording import Markdown, term, text

# Text key of the meaning for each term of `data/words/terms.csv`, in the order in which a user meets the terms.
WORDS: Mapping[str, str] = {
    **{name: f"help_{name}" for name in ("flow", "link", "preview", "plan")},
    "btn_read_all": "help_read_all",
    "brake": "brakes_about",
    "four_eyes_title": "four_eyes_about",
    **{name: f"help_{name}" for name in ("commit", "run", "resume", "retire")},
    "undo": "undo_about",
    "badge_waiting": "help_waiting",
    **{name: f"help_{name}" for name in ("proven", "unchanged", "skipped", "parked", "in_doubt")},
    "badge_accepted": "help_accepted",
    "exception": "help_exception",
    "dismissed": "dismissed_about",
    "conflict": "help_conflict",
    "drift_title": "drift_about",
    **{name: f"help_{name}" for name in ("content_part", "offer_part", "mapping", "draft")},
    "value_table": "rule_table_about",
    "field_ownership": "ownership_about",
    "sandbox": "help_sandbox",
}


def meaning(word: str) -> Markdown:
    """Return the meaning of a term."""
    return text(WORDS[word])


def words_button() -> None:
    """Draw the button that opens the list of terms."""
    if st.button(text("words_title"), icon=":material/dictionary:", type="tertiary", key="words"):
        st.dialog(text("words_title"), icon=":material/dictionary:", width="medium")(_words)()


def _words() -> None:
    note(text("words_about"))
    facts_table({capital(term(name)): meaning(name) for name in WORDS})
