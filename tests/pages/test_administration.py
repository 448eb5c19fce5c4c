"""The page of retention classes and their periods."""

from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from integration.application.application import Application
from integration.backup.service import LastBackup, keep_last
from integration.core.links import Link
from integration.core.records import Kind, Record
from integration.core.retention import Country, Retention
from integration.store.links import keep_links
from pages.components.shared.wording import text
from tests.pages.conftest import Open, press, texts
from tests.people import make_actor
from tests.stores import stores_in
from tests.timeouts import wait_until


@pytest.mark.usefixtures("unconnected_application")
def test_each_class_is_reported_with_the_law_behind_it(open_page: Open) -> None:
    page = open_page("administration")
    assert not page.exception
    (table,) = [element.value for element in page.dataframe]
    table_text = table.to_string()
    for expected in ("7 calendar years", "AWR", "13 months", "GDPR", "Evidence of postings"):
        assert expected in table_text or expected in table.to_csv()
    assert "console.sqlite" in texts(page)


def test_lengths_are_saved_and_one_shorter_than_the_law_only_by_who_knows(
    unconnected_application: Application, open_page: Open
) -> None:
    page = open_page("administration")
    page.number_input(key="retention-length-plans").set_value(9)
    page.number_input(key="retention-length-books").set_value(5)
    press(page, "retention-save")
    assert "5 years" in texts(page)
    assert unconnected_application.retention.lengths_in_force().lengths == {}

    page.number_input(key="retention-length-plans").set_value(9)
    page.number_input(key="retention-length-books").set_value(5)
    page.checkbox(key="retention-knowing").check()
    press(page, "retention-save")
    assert unconnected_application.retention.lengths_in_force().lengths == {"plans": 9, "books": 5}
    assert unconnected_application.retention.lengths_in_force().country is Country.NL


def test_the_last_backup_and_the_commands_are_reported(unconnected_application: Application, open_page: Open) -> None:
    assert text("backups_none") in texts(open_page("administration"))
    keep_last(
        unconnected_application.settings.data, LastBackup("b.zip", 12_300_000, datetime(2026, 11, 26, 3, 0, tzinfo=UTC))
    )
    page = open_page("administration")
    assert "12.3 MB" in texts(page)
    assert f"CONSOLE_DATA={unconnected_application.settings.data}" in page.code[0].value
    assert "-m integration backup FILE" in page.code[0].value
    page.text_input(key="backup-passphrase").set_value("short")
    press(page, "backup-take")
    wait_until(lambda: not unconnected_application.backups.is_running, "the backup")
    assert "CONSOLE_BACKUP_PASSPHRASE" in texts(open_page("administration"))


def test_a_person_is_found_by_number_and_erased_by_typing_it_again(
    unconnected_application: Application, open_page: Open
) -> None:
    link = Link(Kind.RELATION, "39001", "62", Record(Kind.RELATION, "39001", {"name": "Zwiebelquast"}))
    stores = stores_in(unconnected_application)
    with stores.database.write() as connection:
        keep_links(connection, datetime(2026, 11, 26, 3, 0, tzinfo=UTC), "customers", [link])
    page = open_page("administration")
    page.text_input(key="person-number").set_value("39001")
    press(page, "person-find")
    assert not page.exception
    assert text("person_in_links") in page.dataframe[1].value.to_string()
    page.text_input(key="person-confirm").set_value("1")
    press(page, "person-erase-now")
    assert "39001" in texts(page)
    assert unconnected_application.data_subjects.list_erasures() == []
    page.text_input(key="person-confirm").set_value("62")
    press(page, "person-erase-now")
    assert not page.exception
    assert text("person_excluded") in texts(page)
    assert stores.links.get("customers", Kind.RELATION, ["39001"])["39001"].agreed is None
    press(page, "person-lift")
    assert text("person_excluded") not in texts(page)


def test_the_audit_is_shown_found_and_verified(fresh: Application, open_page: Open) -> None:
    fresh.retention.change(Retention(lengths={"plans": 3}), make_actor("anna"))
    page = open_page("administration", tab="audit")
    assert not page.exception
    assert text("audit_unchecked") in texts(page)
    press(page, "audit-verify")
    assert not page.exception
    assert any("intact" in message.value for message in page.success)
    table_text = page.dataframe[0].value.to_string()
    assert "anna" in table_text
    assert "shipped" in table_text
    anna_page = open_page("administration", tab="audit", actor="anna")
    assert "shipped" not in anna_page.dataframe[0].value.to_string()
    none = open_page("administration", tab="audit", find="nothing like it")
    assert text("audit_no_match") in texts(none)


@pytest.mark.long
def test_an_audit_that_was_changed_says_from_which_entry_on(fresh: Application, open_page: Open) -> None:
    with stores_in(fresh).database.write() as connection:
        connection.execute(sa.text("DROP TRIGGER audit_no_update"))
        connection.execute(sa.text("UPDATE audit SET actor = 'nobody' WHERE seq = 3"))
    page = open_page("administration", tab="audit")
    press(page, "audit-verify")
    assert any("from entry 3 on" in message.value for message in page.error)
