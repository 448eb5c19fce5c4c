"""Administration: who may use the console, what is kept and for how long, backups, and what somebody did."""

import streamlit as st

from integration.services.backups import COMMANDS
from pages.components.administration.arrangement import arrangement
from pages.components.administration.audit import audit
from pages.components.administration.four_eyes import four_eyes
from pages.components.administration.people import people
from pages.components.administration.persons import persons
from pages.components.administration.retention import retention
from pages.components.shared.application import application
from pages.components.shared.layout import answer_or_error, choice, failures, head, note, section, show_toast, small
from pages.components.shared.tables import code_block
from pages.components.shared.wording import megabytes, moment, sandbox_badges, text

app = application()


def backups() -> None:
    """Say when the last backup was made, and with which commands."""
    section(text("backups_title"), text("backups_about"))
    last = app.backups.last()
    if last is None:
        note(text("backups_none"))
    else:
        small(text("backups_last", time=moment(last.made_at), size=megabytes(last.size)))
    code_block("\n".join(COMMANDS))


head(text("nav_administration"), text("administration_about"), sandbox_badges(app.sandbox.is_connected))
failures()
show_toast()
tab = choice(
    "tab", ["general", "file", "audit"], "general", lambda name: text(f"administration_{name}"), ("page", "find")
)
if tab == "audit":
    answer_or_error(lambda: audit(app))
elif tab == "file":
    answer_or_error(lambda: arrangement(app))
else:
    answer_or_error(lambda: people(app))
    st.space("small")
    answer_or_error(lambda: four_eyes(app))
    st.space("small")
    answer_or_error(lambda: retention(app))
    st.space("small")
    answer_or_error(lambda: persons(app))
    st.space("small")
    backups()
