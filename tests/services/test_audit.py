"""The audit log for pages and terminal: its entries, nightly verification, time stamps, and export."""

import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from inspect import signature
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from integration.alerts.incidents import Incident, ProblemType
from integration.alerts.messages import Messages
from integration.application.application import Application
from integration.core.chain import Break, Head
from integration.core.erasure import Customer
from integration.core.errors import NotAllowedError
from integration.core.people import OWNER, Right, Role
from integration.core.retention import Retention
from integration.services.audit import FILE_ROW_CALLS, UNSIGNED, AuditSearch, numbered_hash, without_values
from integration.settings import TimeStamps
from integration.store.tables import audit as table
from tests.authorization import rights_of
from tests.consoles import open_application
from tests.people import make_actor
from tests.stores import stores_in
from tests.timestamps import OPENSSL, Authority, time_authority

ANNA = make_actor("anna")


@pytest.fixture
def application(tmp_path: Path) -> Iterator[Application]:
    """A console to which nothing is connected."""
    with open_application(tmp_path, start=False) as application:
        yield application


def night(application: Application) -> None:
    """Run all pages of the nightly work."""
    position = application.audit.page("")
    while position:
        position = application.audit.page(position)


def change_entry(application: Application, seq: int) -> None:
    with stores_in(application).database.write() as connection:
        connection.execute(sa.text("DROP TRIGGER IF EXISTS audit_no_update"))
        connection.execute(table.update().where(table.c.seq == seq).values(actor="nobody"))


# ---- what is heard


def test_an_audit_is_never_empty(application: Application) -> None:
    first = application.audit.entries()[-1]
    assert (first.seq, first.action, first.actor) == (1, "audit_begun", "shipped")
    assert application.audit.verify().broken is None


def test_an_audit_entry_has_actor_session_and_channel(application: Application) -> None:
    key = application.people.accept(
        application.people.invite("anna", "Anna", [Role.ADMINISTRATOR], ANNA), "a long word, yes"
    )
    actor = application.people.actor_of_session(key)
    application.authorized_for(actor).retention.change(Retention(lengths={"plans": 3}), actor)
    entry = application.audit.entries()[0]
    assert (entry.actor, entry.session, entry.channel, entry.subjects) == ("anna", actor.session, "", ("retention",))
    assert entry.after["lengths.plans"] == "3"
    begun, first_login, invited = application.audit.entries(limit=4)[1:]
    assert first_login.facts["invited_by"] == invited.actor
    actions = [(entry.action, entry.actor) for entry in (begun, first_login, invited)]
    assert actions == [("session_begun", "anna"), ("person_came", "anna"), ("person_invited", "anna")]


def test_a_brake_that_is_switched_off_is_kept_with_its_reason(application: Application) -> None:
    application.flows.change("products", {"on": True}, ANNA, {"price": "a sale"})
    entry = application.audit.entries()[0]
    assert (entry.action, entry.reason, entry.facts) == ("brake_switched_off", "a sale", {"brake": "price"})


def test_questions_in_sql_are_heard_before_they_are_answered(application: Application) -> None:
    asking = application.authorized_for(OWNER)
    asking.log.ask("SELECT count(*) AS n FROM events WHERE title = 'Mr Jansen' -- of Jansen")
    asking.log_access.answer(json.dumps({"sql": "SELECT 'Jansen'", "rows": 1}).encode(), "no token")
    entries = [
        (entry.action, entry.actor, entry.channel, entry.facts["sql"]) for entry in application.audit.entries(limit=2)
    ]
    assert entries == [
        ("log_asked", "terminal", "api", "SELECT '…'"),
        ("log_asked", "terminal", "api", "SELECT count(*) AS n FROM events WHERE title = '…'"),
    ]
    with pytest.raises(NotAllowedError):
        application.authorized_for(make_actor("ben", Role.VIEWER)).log.ask("SELECT 1")
    assert application.audit.entries()[0].actor == "terminal"


@pytest.mark.parametrize(
    ("sql", "redacted_sql"),
    [
        ("SELECT 1 /* Jansen */ + 2", "SELECT 1 + 2"),
        ("SELECT 'it''s Jansen', key FROM events", "SELECT '…', key FROM events"),
        ('SELECT key AS "Mr Jansen" FROM "events"', "SELECT key AS '…' FROM \"events\""),
        ("SELECT $$Jansen$$, $a$it's Jansen$a$, 'x'", "SELECT '…', '…', '…'"),
        ("SELECT 'Jansen", "SELECT '…'"),
        ("SELECT 1 -- Jansen\n, 2", "SELECT 1 , 2"),
    ],
)
def test_no_value_of_a_query_is_stored(sql: str, redacted_sql: str) -> None:
    assert without_values(sql) == redacted_sql


def test_files_that_are_taken_away_are_heard(application: Application, tmp_path: Path) -> None:
    asking = application.authorized_for(OWNER)
    asking.log.export(tmp_path / "log.csv")
    asking.configuration_file.text()
    asking.audit.csv(AuditSearch(), OWNER)
    entries = [(entry.action, entry.facts["file"]) for entry in application.audit.entries(limit=3)]
    assert entries == [
        ("audit_exported", "audit.csv"),
        ("exported", "configuration_file.text"),
        ("log_exported", "log.csv"),
    ]


def test_lists_are_heard_by_the_name_of_their_file_and_a_backup_too(application: Application) -> None:
    asking = application.authorized_for(make_actor("cas", Role.ACCOUNTANT))
    asking.table_export.excel("runs.xlsx", ["a"], [["b"]])
    asking.table_export.readable("runs.csv", ["a"], [["b"]], "en")
    asking.table_export.for_programs("runs-data.csv", "a")
    application.authorized_for(OWNER).backups.record_download("monday.zip")
    entries = [(entry.action, entry.actor, entry.facts["file"]) for entry in application.audit.entries(limit=4)]
    assert entries == [
        ("exported", "terminal", "monday.zip"),
        ("exported", "cas", "runs-data.csv"),
        ("exported", "cas", "runs.csv"),
        ("exported", "cas", "runs.xlsx"),
    ]
    with pytest.raises(NotAllowedError):
        application.authorized_for(make_actor("ben", Role.VIEWER)).table_export.excel("runs.xlsx", ["a"], [["b"]])
    assert application.audit.entries()[0].facts["file"] == "monday.zip"


LOOKS = {
    "configuration_file.of_file", "configuration_file.read", "audit.anchors", "audit.checked", "audit.count",
    "audit.entries",
    "audit.actors_and_actions", "audit.verify", "backups.commands", "backups.file_name", "backups.is_running",
    "backups.result", "channels.address", "connections.address", "connections.authorized", "connections.companies",
    "connections.join_sandbox", "log.tables",
    "names.read", "names.merged_names", "people.list_people", "people.sessions", "data_subjects.customer",
    "data_subjects.list_erasures", "data_subjects.unfinished", "sandbox.running",
}  # fmt: skip
"""Methods that need a right to change or export data, and that only read or leave everything as before.

Or what goes on with what was told under a name where it began: an answer to a log-in comes in an address, which anybody
may open, and is refused to a log-in that nobody began.
"""


def test_whatever_changes_something_or_takes_it_along_is_reported_under_a_name_or_heard(
    application: Application,
) -> None:
    quiet = (Right.SEE, Right.READ_LOG, Right.COMPARE)
    unheard = []
    for whole, right in rights_of(application).items():
        target: Any = application
        for name in () if right in quiet or whole in LOOKS | UNSIGNED | set(FILE_ROW_CALLS) else whole.split("."):
            target = getattr(target, name)
        signature_text = str(signature(target)) if target is not application else "Actor"
        signed = any(type_name in signature_text for type_name in ("Actor", "by:", "PreviewRequest", "Approval"))
        is_export = right is Right.EXPORT or whole in (
            "configuration_file.text",
            "backups.record_download",
            "backups.start",
        )
        logged = whole in ("log.ask", "log.answer", "log.export", "log_access.answer", "log_access.exported")
        if not (signed or is_export or logged):
            unheard.append(whole)
    assert unheard == []
    application.authorized_for(OWNER).monitoring.forget_process("worker-1")
    entry = application.audit.entries()[0]
    assert (entry.action, entry.actor, entry.facts) == ("acted", "terminal", {"what": "monitoring.forget_process"})


def test_a_look_at_what_is_kept_of_a_customer_is_reported_once_however_often_its_page_is_drawn(
    application: Application,
) -> None:
    persons = application.authorized_for(ANNA).data_subjects
    for debtor in ("20001", "20001", "20002", "20002", "20001"):
        persons.stored_data(Customer(debtor))
    application.authorized_for(make_actor("ben")).data_subjects.stored_data(Customer("20001"))
    looks = [
        entry.actor for entry in application.audit.entries() if entry.facts == {"what": "data_subjects.stored_data"}
    ]
    assert looks == ["ben", "anna", "anna", "anna"]


# ---- verified


def test_the_night_closes_the_day_and_follows_the_chain(application: Application) -> None:
    assert application.audit.checked() is None
    night(application)
    checked = application.audit.checked()
    assert checked is not None
    assert (checked.broken, checked.head.seq) == (None, application.audit.count())
    anchor = application.audit.newest_anchor()
    assert anchor is not None
    assert anchor.head == checked.head
    night(application)
    assert application.audit.newest_anchor() == anchor


def test_what_was_changed_is_reported_as_an_alert(application: Application) -> None:
    change_entry(application, 3)
    night(application)
    checked = application.audit.checked()
    assert checked is not None
    assert checked.broken == Break("altered", 3)
    (problem,) = [
        problem
        for problem in application.alerts._problem_detection.detect_problems()
        if problem.type is ProblemType.AUDIT
    ]
    title, body = Messages("https://console.example").begin_message(
        Incident(1, problem, checked.at, checked.at), "en", checked.at
    )
    assert "entry 3 was changed" in body
    assert "https://console.example/administration?tab=audit" in body
    assert title.startswith("Critical") or "audit log" in title.casefold()


def test_a_head_that_was_sent_tells_another_history(application: Application) -> None:
    head = application.audit.verify().head
    assert application.audit.verify([head]).broken is None
    assert application.audit.verify([Head(head.seq, "a" * 64)]).broken == Break("rewritten", head.seq)
    assert application.audit.verify([Head(head.seq + 9, "a" * 64)]).broken == Break("cut", head.seq + 1)


def test_an_audit_that_was_begun_anew_is_found_by_what_was_verified_before(application: Application) -> None:
    application.audit.verify()
    with stores_in(application).database.write() as connection:
        connection.execute(sa.text("DROP TRIGGER audit_no_delete"))
        connection.execute(table.delete())
        connection.execute(
            sa.text("UPDATE audit_head SET seq = 0, hash = :start, key = '', seal = ''"), {"start": "0" * 64}
        )
    assert application.audit.verify().broken == Break("cut", 1)
    application.audit._store.begin("shipped")
    assert application.audit.verify().broken == Break("cut", 2)


def test_a_key_of_before_is_known_after_the_console_got_another(tmp_path: Path) -> None:
    from integration.store.sealing import sealer_of  # noqa: PLC0415 - used here alone

    with open_application(tmp_path, start=False) as application:
        application.audit.keep_key()  # as at every start
        database = application._stores.database
        database.sealer = sealer_of(b"another key")
        application.audit._sealer = database.sealer
        application.retention.change(Retention(lengths={"plans": 3}), ANNA)
        assert application.audit.verify().broken is None


def test_the_head_of_a_day_goes_out_with_the_digest(application: Application) -> None:
    night(application)
    anchor = application.audit.newest_anchor()
    now = datetime.now(UTC)
    for language in ("en", "nl", "de"):
        _, body = Messages("").digest([], [], {}, language, now, audit=anchor)
        assert anchor is not None
        assert numbered_hash(anchor.head) in body


# ---- stamped


@pytest.fixture(scope="module")
def authority() -> Iterator[Authority]:
    """A time authority on loopback."""
    with time_authority() as running:
        yield running


def test_a_time_authority_stamps_the_head_of_a_day_once_it_answers(tmp_path: Path, authority: Authority) -> None:
    stamps = TimeStamps(address=authority.address, certificates=authority.certificates)
    authority.status = 503
    with open_application(tmp_path, start=False, timestamps=stamps) as application:
        night(application)
        anchor = application.audit.newest_anchor()
        assert anchor is not None
        assert anchor.stamps == 0
        authority.status = 200
        night(application)
        request_count = authority.request_count
        night(application)
        assert authority.request_count == request_count
        (stamped,) = application.audit.anchors()
        assert (stamped.head, stamped.stamps) == (anchor.head, 1)
        checked = application.audit.verify()
        assert (checked.broken, checked.stamps) == (None, 1)
        _verified_by_openssl(application, authority, tmp_path)
    with time_authority() as other:
        other_time_stamps = TimeStamps(address=other.address, certificates=other.certificates)
        with open_application(tmp_path, start=False, timestamps=other_time_stamps) as application:
            assert application.audit.verify().broken == Break("stamp_wrong", anchor.head.seq)


def _verified_by_openssl(application: Application, authority: Authority, folder: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(application.audit.file(ANNA))) as packed:
        of_stamps = [name for name in packed.namelist() if name.startswith("stamps/")]
        (stamp,) = [name for name in of_stamps if name.endswith(".tsr")]
        (text,) = set(of_stamps) - {stamp}
        packed.extractall(folder / "out")
    how = ("-data", folder / "out" / text, "-in", folder / "out" / stamp, "-CAfile", authority.certificates)
    process = subprocess.run([OPENSSL, "ts", "-verify", *how], capture_output=True, text=True, check=False)
    assert "Verification: OK" in process.stdout + process.stderr, process.stderr


# ---- taken away


def test_the_file_is_verified_by_the_program_in_it(application: Application, tmp_path: Path) -> None:
    application.retention.change(Retention(lengths={"plans": 3}), ANNA)
    head = application.audit.verify().head
    with zipfile.ZipFile(io.BytesIO(application.audit.file(ANNA))) as packed:
        packed.extractall(tmp_path / "out")
    program, lines = tmp_path / "out" / "verify_audit.py", tmp_path / "out" / "audit.jsonl"

    def run_program(*more: str) -> tuple[int, str]:
        command = [sys.executable, "-I", str(program), str(lines), *more]
        process = subprocess.run(command, capture_output=True, text=True, check=False)
        return process.returncode, process.stdout

    assert run_program("--head", numbered_hash(head))[0] == 0
    assert run_program("--head", f"{head.seq}:{'a' * 64}")[1].startswith(f"BROKEN. Entry {head.seq} or an earlier one")
    whole = lines.read_bytes().splitlines(keepends=True)
    assert len(whole) == head.seq + 2  # that it was taken, and its head
    lines.write_bytes(b"".join(whole).replace(b'"actor":"anna"', b'"actor":"ann4"', 1))
    assert run_program()[0] == 1
    lines.write_bytes(b"".join(whole[:-2]))
    assert run_program()[1].startswith("BROKEN. The end is missing")


def test_a_csv_has_what_was_sought(application: Application) -> None:
    application.retention.change(Retention(lengths={"plans": 3}), ANNA)
    lines = application.audit.csv(AuditSearch(actor="anna", action="setting_changed"), ANNA).splitlines()
    assert lines[0].startswith("seq,at,actor,session,action")
    assert len(lines) == 2
    assert '""lengths.plans"": ""3""' in lines[1]
