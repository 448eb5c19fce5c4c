"""Administration: people, retention, data subjects, backups, configuration files, and the audit log."""

import streamlit as st

from integration.backup.service import Backups
from pages.components.administration.audit import audit
from pages.components.administration.configuration_file import draw_configuration_file
from pages.components.administration.data_subjects import persons
from pages.components.administration.four_eyes import four_eyes
from pages.components.administration.people import people
from pages.components.administration.retention import retention
from pages.components.shared.application import application, may, person, refreshing
from pages.components.shared.layout import (
    answer_or_error,
    attempt,
    choice,
    failures,
    head,
    note,
    section,
    show_error,
    show_toast,
    small,
)
from pages.components.shared.tables import code_block
from pages.components.shared.wording import megabytes, moment, plain, sandbox_badges, text

SECONDS = 3  # refresh interval of the backup status

app = application()


def backups() -> None:
    """Draw the backup form, the last backup, and the commands that restore one."""
    section(text("backups_title"), text("backups_about"))
    made_backup()
    if may(Backups.start):
        with st.form("backup", border=False), st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            passphrase = st.text_input(text("backups_passphrase"), type="password", key="backup-passphrase", width=420)
            if st.form_submit_button(text("btn_backup"), key="backup-take"):
                attempt(lambda: app.backups.start(app.backups.file_name(), passphrase or "", person()))
                st.rerun()
    else:
        note(text("backups_right"))
    note(text("backups_restore"))
    code_block("\n".join(app.backups.commands))


@refreshing(SECONDS)
def made_backup() -> None:
    """Draw the last backup, and the result of the one that this process started."""
    last, result = app.backups.last_backup(), app.backups.result
    if last is None:
        note(text("backups_none"))
    else:
        small(text("backups_last", time=moment(last.created_at), size=megabytes(last.size)))
    if app.backups.is_running:
        note(text("backups_at_work"))
    elif result is not None and result.code:
        show_error(result.code, result.facts)
    elif result is not None:
        small(text("backups_made", file=plain(str(result.file))))
        if not result.has_key:
            note(text("backups_no_key"))


head(text("nav_administration"), text("administration_about"), sandbox_badges(app.sandbox.is_connected))
failures()
show_toast()
tab = choice(
    "tab", ["general", "file", "audit"], "general", lambda name: text(f"administration_{name}"), ("page", "find")
)
if tab == "audit":
    answer_or_error(lambda: audit(app))
elif tab == "file":
    answer_or_error(lambda: draw_configuration_file(app))
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
