"""Backups that are damaged, too new, of another kind or in the way are refused by name, and change nothing."""

import json
import random
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from integration.accounts.store.first_approvals import FirstApproval, FirstApprovalStore
from integration.accounts.store.people import PeopleStore
from integration.application.bootstrap import build
from integration.backup import archive
from integration.backup.archive import DATABASE, LOG, MANIFEST
from integration.backup.create import make
from integration.backup.restore import missing_settings, restore_backup, verify_backup
from integration.core.clocks import now
from integration.core.errors import ConfigurationError
from integration.log.logbook import Logbook
from integration.settings import Settings, load_settings
from integration.store.database import open_database
from integration.store.events import Event
from integration.store.files import leftover_files
from integration.store.outbox_reader import OutboxReader
from integration.store.secrets import ConnectionStore
from tests.backup.conftest import PASSPHRASE
from tests.consoles import open_application
from tests.stores import new_database

WAITING, LOGGED = 3, 5
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def data_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with credentials, events in the log, and others that wait for it."""
    data = tmp_path_factory.mktemp("data")
    database, logbook = new_database(data / DATABASE), Logbook(data / LOG, memory="256MB")
    ConnectionStore(database, now, key_file=data / "console.key").put("mplus", {"secret": "of the till"})
    events = OutboxReader(database, now)
    events.record(*(Event(event="page_opened", key=str(number)) for number in range(LOGGED - 1)))
    logbook.drain(events)
    events.record(*(Event(event="page_opened") for _ in range(WAITING)))
    logbook.close()
    database.close()
    return data


@pytest.fixture(scope="module")
def backup(data_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its backup."""
    file = tmp_path_factory.mktemp("backups") / "backup.zip"
    make(load_settings(data=data_folder), file, PASSPHRASE)
    return file


def refusal_of(work: Callable[[], object]) -> tuple[str, str]:
    with pytest.raises(ConfigurationError) as caught:
        work()
    return caught.value.code, caught.value.facts.get("part", "")


def settings_in(folder: Path) -> Settings:
    return load_settings(data=folder / "new")


def test_what_is_restored_is_what_was_kept_and_its_owner_s_alone(
    backup: Path, data_folder: Path, tmp_path: Path
) -> None:
    settings = settings_in(tmp_path)

    result = restore_backup(settings, backup, PASSPHRASE)

    assert (result.events, result.key, missing_settings(settings, result.manifest)) == (LOGGED, True, [])
    files = {file.name: file.stat().st_mode & 0o777 for file in settings.data.iterdir()}
    assert files == dict.fromkeys((DATABASE, LOG, "console.key"), 0o600)
    old, new = open_database(f"sqlite:///{data_folder / DATABASE}"), open_database(settings.operational_url())
    assert (new.instance, OutboxReader(new, now).count()) == (old.instance, WAITING)
    sealed = ConnectionStore(new, now, key_file=settings.data / "console.key").get("mplus")
    assert sealed == {"secret": "of the till"}
    logbook = Logbook(settings.data / LOG)
    assert logbook.drain(OutboxReader(new, now)) == WAITING
    assert logbook.answer("found", most=100)["events"].sum() == LOGGED + WAITING
    logbook.close()
    old.close()
    new.close()


def test_a_console_that_was_restored_says_so_in_its_audit_once(backup: Path, tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    restore_backup(settings, backup, PASSPHRASE, by="anna")
    for _ in range(2):
        with open_application(settings.data, start=False) as application:
            entries = [entry for entry in application.audit.entries() if entry.action == "restored"]
            assert application.audit.verify().broken is None
    assert [(entry.actor, set(entry.facts)) for entry in entries] == [("anna", {"created_at", "restored_at"})]


def test_what_may_have_been_withdrawn_since_a_backup_holds_no_more_once_it_is_restored(tmp_path: Path) -> None:
    database = new_database(tmp_path / DATABASE)
    until = now() + timedelta(days=1)
    people, approvals = PeopleStore(database, now), FirstApprovalStore(database, now)
    people.add("ann", "", ["operator"], "admin")
    people.invite("ann", "key of an invitation", until, "admin")
    people.begin("s-ann", "key of a session", "ann", until)
    approvals.keep("r-1", "products", FirstApproval("ann", "f-1", now(), until, "s-ann"), {})
    before = people.in_session(key="key of a session"), people.invited("key of an invitation")
    database.close()
    make(load_settings(data=tmp_path), tmp_path / "backup.zip", PASSPHRASE)
    settings = settings_in(tmp_path)

    restore_backup(settings, tmp_path / "backup.zip", PASSPHRASE)

    restored = open_database(settings.operational_url())
    people, approvals = PeopleStore(restored, now), FirstApprovalStore(restored, now)
    assert None not in before
    assert people.get("ann") is not None
    assert (people.in_session(key="key of a session"), people.invited("key of an invitation")) == (None, None)
    assert approvals.current_approval("r-1", "f-1") is None
    restored.close()


def test_a_backup_says_nothing_of_what_is_sealed(backup: Path, data_folder: Path) -> None:
    key = (data_folder / "console.key").read_bytes()
    with zipfile.ZipFile(backup) as inside:
        content = b"".join(inside.read(name) for name in inside.namelist())
    assert [secret for secret in (key, b"of the till", PASSPHRASE.encode()) if secret in content] == []


def test_a_backup_without_a_passphrase_has_no_key_and_is_restored_with_another(
    data_folder: Path, tmp_path: Path
) -> None:
    file = tmp_path / "backup.zip"
    assert make(load_settings(data=data_folder), file, "").key == {}
    assert restore_backup(settings_in(tmp_path), file, PASSPHRASE).key is None
    build(load_settings(data=tmp_path / "new")).close()  # it starts
    assert (tmp_path / "new" / "console.key").read_bytes() != (data_folder / "console.key").read_bytes()


def test_a_key_of_the_settings_opens_what_is_restored_without_them(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    old_settings = load_settings(data=tmp_path / "old", key="a key of the settings")
    database = new_database(tmp_path / "old" / DATABASE)
    ConnectionStore(database, now, key=old_settings.key.get_secret_value()).put("mplus", {"secret": "of the till"})
    database.close()
    make(old_settings, tmp_path / "backup.zip", PASSPHRASE)
    settings = settings_in(tmp_path)

    result = restore_backup(settings, tmp_path / "backup.zip", PASSPHRASE)

    assert missing_settings(settings, result.manifest) == ["CONSOLE_KEY"]
    restored = open_database(settings.operational_url())
    assert ConnectionStore(restored, now, key_file=settings.data / "console.key").get("mplus") == {
        "secret": "of the till"
    }
    restored.close()


def test_a_backup_from_before_the_key_was_changed_is_restored(data_folder: Path, tmp_path: Path) -> None:
    def change_key() -> None:
        database = open_database(load_settings(data=data_folder).operational_url())
        ConnectionStore(database, now, key_file=data_folder / "console.key").change_key("anna")
        database.close()

    change_key()
    make(load_settings(data=data_folder), tmp_path / "backup.zip", PASSPHRASE)
    change_key()
    settings = settings_in(tmp_path)
    assert restore_backup(settings, tmp_path / "backup.zip", PASSPHRASE).key
    restored = open_database(settings.operational_url())
    store = ConnectionStore(restored, now, key_file=settings.data / "console.key")
    assert store.get("mplus") is not None
    assert store.change_key("anna") > 0
    restored.close()


def test_every_flipped_byte_is_detected(backup: Path, tmp_path: Path) -> None:
    whole, seed = backup.read_bytes(), random.Random(14)  # noqa: S311 - which bytes, not a secret
    places = {0, len(whole) - 1, len(whole) - 70, *(seed.randrange(len(whole)) for _ in range(120))}
    for place in sorted(places):
        changed = bytearray(whole)
        changed[place] ^= 1 << seed.randrange(8)
        file = tmp_path / "flipped.zip"
        file.write_bytes(changed)
        code, part = refusal_of(partial(verify_backup, file, ""))
        assert (code, bool(part)) == ("backup_broken", True), place


@pytest.mark.parametrize("name", [DATABASE, MANIFEST])
def test_an_entry_that_says_it_is_encrypted_is_damaged(backup: Path, tmp_path: Path, name: str) -> None:
    changed = bytearray(backup.read_bytes())
    entry = changed.rindex(b"PK\x01\x02", 0, changed.rindex(name.encode()))
    changed[entry + 8] ^= 1  # the flag of encryption
    (tmp_path / "flipped.zip").write_bytes(changed)

    assert refusal_of(partial(verify_backup, tmp_path / "flipped.zip", ""))[0] == "backup_broken"


@pytest.mark.parametrize("name", [DATABASE, LOG, MANIFEST])
def test_a_flipped_byte_is_reported_by_the_part_it_is_in(backup: Path, tmp_path: Path, name: str) -> None:
    with zipfile.ZipFile(backup) as inside:
        entry = inside.getinfo(name)
    changed = bytearray(backup.read_bytes())
    changed[entry.header_offset + 30 + len(name) + 40] ^= 1
    (tmp_path / "flipped.zip").write_bytes(changed)

    assert refusal_of(partial(verify_backup, tmp_path / "flipped.zip", "")) == ("backup_broken", name)
    assert refusal_of(partial(restore_backup, settings_in(tmp_path), tmp_path / "flipped.zip", "")) == (
        "backup_broken",
        name,
    )
    assert [file.name for file in tmp_path.rglob("*") if file.is_file()] == ["flipped.zip"]


@pytest.mark.parametrize("size", [0, 10, 1_000, -100, -1])
def test_a_truncated_file_is_detected(backup: Path, tmp_path: Path, size: int) -> None:
    (tmp_path / "cut.zip").write_bytes(backup.read_bytes()[:size])
    assert refusal_of(partial(verify_backup, tmp_path / "cut.zip", ""))[0] == "backup_broken"


def write_again(
    backup: Path,
    to: Path,
    *,
    without: str = "",
    manifest: Mapping[str, object] | None = None,
    more: Mapping[str, bytes] | None = None,
) -> Path:
    """Write a backup again as a person with the same tools would, with a correct checksum of the whole file."""
    with zipfile.ZipFile(backup) as old, zipfile.ZipFile(to, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == MANIFEST:
                content = json.dumps({**json.loads(content), **(manifest or {})}).encode()
            if name != without:
                new.writestr(name, content)
        for name, content in (more or {}).items():
            new.writestr(name, content)
        new.comment = b"0" * archive.SEAL
    with to.open("r+b") as out:
        seal = archive._digest_of(out, to.stat().st_size - archive.SEAL)
        out.write(seal.encode())
    return to


def test_a_missing_member_is_named(backup: Path, tmp_path: Path) -> None:
    file = write_again(backup, tmp_path / "less.zip", without=LOG)
    assert refusal_of(partial(verify_backup, file, "")) == ("backup_broken", LOG)


def test_nothing_is_written_outside_of_the_data_folder(backup: Path, tmp_path: Path) -> None:
    file = write_again(backup, tmp_path / "more.zip", more={"../../evil": b"x"})
    assert refusal_of(partial(restore_backup, settings_in(tmp_path / "a" / "b"), file, "")) == (
        "backup_broken",
        "../../evil",
    )
    assert list(tmp_path.rglob("evil")) == []


@pytest.mark.parametrize("newer", [{"revision": "9999"}, {"format": 2}])
def test_a_backup_of_a_newer_version_is_refused(backup: Path, tmp_path: Path, newer: dict[str, object]) -> None:
    file = write_again(backup, tmp_path / "newer.zip", manifest=newer)
    assert refusal_of(partial(restore_backup, settings_in(tmp_path), file, ""))[0] == "backup_too_new"


def test_another_passphrase_opens_nothing(backup: Path, tmp_path: Path) -> None:
    assert refusal_of(partial(verify_backup, backup, "wrong horse battery"))[0] == "backup_passphrase_wrong"
    assert (
        refusal_of(partial(restore_backup, settings_in(tmp_path), backup, "wrong horse battery"))[0]
        == "backup_passphrase_wrong"
    )
    assert list((tmp_path / "new").iterdir()) == []


@pytest.mark.parametrize("name", [DATABASE, "console.key", "log.duckdb", "engine.sqlite", "server.json"])
def test_a_folder_in_which_a_console_has_something_stays_as_it_is(backup: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / name).write_text("mine", encoding="utf-8")

    assert refusal_of(partial(restore_backup, settings_in(tmp_path), backup, PASSPHRASE))[0] == "restore_not_empty"
    assert [(file.name, file.read_text()) for file in (tmp_path / "new").iterdir()] == [(name, "mine")]


def test_a_backup_of_a_file_is_not_restored_into_postgresql(backup: Path, tmp_path: Path) -> None:
    settings = load_settings(data=tmp_path / "new", database_url="postgresql://nobody@127.0.0.1:1/none")
    assert refusal_of(partial(restore_backup, settings, backup, PASSPHRASE))[0] == "backup_other_database"


def test_a_backup_takes_the_place_of_no_file_and_leaves_nothing_when_it_fails(
    data_folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "there.zip").write_text("mine", encoding="utf-8")
    with pytest.raises(FileExistsError):
        make(load_settings(data=data_folder), tmp_path / "there.zip", PASSPHRASE)
    assert refusal_of(partial(make, settings_in(tmp_path), tmp_path / "none.zip", ""))[0] == "backup_nothing_there"
    with pytest.raises(ConfigurationError, match="setting_invalid"):
        make(load_settings(data=data_folder), tmp_path / "short.zip", "too short")
    assert [file.name for file in tmp_path.iterdir()] == ["there.zip"]


KILLED = """
import os, signal, sys
from pathlib import Path
from integration.backup.restore import restore_backup
from integration.settings import load_settings
sys.addaudithook(lambda event, _: os.kill(os.getpid(), signal.SIGKILL) if event == "os.link" else None)
restore_backup(load_settings(data=Path(sys.argv[1])), Path(sys.argv[2]), sys.argv[3])
"""


@pytest.mark.long
def test_what_a_killed_restore_left_is_gone_with_the_key_in_it_before_the_next(backup: Path, tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    process = subprocess.run(
        [sys.executable, "-c", KILLED, str(settings.data), str(backup), PASSPHRASE], cwd=ROOT, check=False
    )
    assert process.returncode == -signal.SIGKILL
    assert [path.name for path in settings.data.rglob("console.key*")] == ["console.key"]
    assert leftover_files(settings.data)

    restore_backup(settings, backup, PASSPHRASE)

    assert {path.name for path in settings.data.iterdir()} == {DATABASE, LOG, "console.key"}
