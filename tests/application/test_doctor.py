"""The check of an installation reports each problem by its cause, and changes nothing."""

import hashlib
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from integration.application.doctor import examine, examine_connections
from integration.backup.archive import DATABASE, LOG
from integration.core.clocks import now
from integration.core.run import Mode
from integration.log.logbook import Logbook
from integration.sandbox.server import running
from integration.store.database import Database
from integration.store.events import Event
from integration.store.heartbeats import Heartbeats
from integration.store.outbox_reader import OutboxReader
from integration.store.runs import RunStore
from integration.store.secrets import ConnectionStore
from integration.store.settings import StoredSettings
from integration.words import say
from tests.programs import access
from tests.stores import new_database
from tests.timeouts import SECONDS


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The data folder that the environment names."""
    folder = tmp_path / "data"
    folder.mkdir()
    monkeypatch.setenv("CONSOLE_DATA", str(folder))
    monkeypatch.chdir(tmp_path)
    return folder


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of an installation with credentials and a log, to be copied."""
    folder = tmp_path_factory.mktemp("installed")
    database, logbook = new_database(folder / DATABASE), Logbook(folder / LOG, memory="256MB")
    ConnectionStore(database, now, key_file=folder / "console.key").put("mplus", {"secret": "of the till"})
    logbook.drain(OutboxReader(database, now))
    logbook.close()
    database.close()
    for file in folder.iterdir():
        file.chmod(0o600)
    return folder


@pytest.fixture
def database(data: Path, installation: Path) -> Iterator[Database]:
    """An installation with credentials and a log, on a copy of one's own."""
    for file in installation.iterdir():
        shutil.copy(file, data)
    database = new_database(data / DATABASE)
    yield database
    database.close()


def wrong() -> list[str]:
    return [check.code for check in examine() if check.code]


def file_hashes(data: Path) -> dict[str, str]:
    """Return the contents of a folder, without the files in which SQLite marks readers."""
    files = [file for file in data.iterdir() if not file.name.endswith("-shm")]
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def test_an_installation_that_is_well_is_told_so_and_stays_as_it_is(data: Path, database: Database) -> None:
    for _ in range(2):  # while somebody has it open, and afterwards
        before = file_hashes(data)
        looks = list(examine())
        assert [check.name for check in looks] == ["settings", "folder", "log", "database", "key", "server"]
        assert [check.code for check in looks if check.code] == []
        assert file_hashes(data) == before
        database.close()


def test_a_folder_in_which_nothing_is_yet_is_well(data: Path) -> None:
    assert (wrong(), list(data.iterdir())) == ([], [])


def test_a_folder_whose_parent_is_not_there_yet_is_well(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONSOLE_DATA", str(data / "share" / "sluis"))
    assert (wrong(), list(data.iterdir())) == ([], [])


def test_settings_that_are_wrong_or_unknown_are_reported(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert data.exists()
    monkeypatch.setenv("CONSOLE_KYE", "1")
    assert wrong() == ["setting_unknown"]
    monkeypatch.setenv("CONSOLE_SANDBOX", "perhaps")
    assert wrong() == ["setting_invalid"]


def test_a_data_folder_that_is_a_file_is_reported(data: Path) -> None:
    data.rmdir()
    data.write_text("no folder", encoding="utf-8")
    assert wrong()[0] == "folder_not_writable"


def test_files_that_others_may_read_are_reported(data: Path, database: Database) -> None:
    assert database.instance
    (data / LOG).chmod(0o644)
    assert wrong() == ["files_open_to_others"]


def test_a_key_of_another_installation_is_reported(data: Path, database: Database) -> None:
    assert database.instance
    (data / "console.key").write_bytes(b"A" * 43 + b"=")
    assert wrong() == ["secret_key_wrong"]
    (data / "console.key").unlink()
    assert wrong() == ["key_file_missing"]


def test_a_database_that_is_damaged_or_of_a_newer_version_is_reported(data: Path, database: Database) -> None:
    with database.write() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    assert wrong() == ["database_too_new"]
    database.close()
    whole = (data / DATABASE).read_bytes()
    (data / DATABASE).write_bytes(whole[:8192] + b"\xff" * (len(whole) - 8192))
    assert wrong() == ["database_file_unusable"]
    (data / DATABASE).unlink()
    assert wrong() == ["database_file_missing"]  # the log is made after the database
    (data / LOG).unlink()
    assert wrong() == []


def test_a_damaged_file_of_active_runs_is_reported(data: Path, database: Database) -> None:
    assert database.instance
    (data / "engine.sqlite").write_bytes(b"nonsense" * 1_000)
    (data / "engine.sqlite").chmod(0o600)
    assert wrong() == ["engine_file_unusable"]


def test_a_log_that_is_none_is_reported(data: Path, database: Database) -> None:
    assert database.instance
    (data / LOG).write_bytes(b"something else" * 100)
    assert wrong() == ["log_broken"]


def test_a_server_without_a_sign_of_life_and_events_that_wait_are_reported(data: Path, database: Database) -> None:
    (data / "server.json").touch(0o600)
    OutboxReader(database, lambda: now() - timedelta(hours=1)).record(Event(event="page_opened"))
    assert wrong() == ["no_heartbeat", "log_behind"]
    Heartbeats(database, now).beat("terminal-1")
    assert wrong() == ["no_heartbeat", "log_behind"]
    Heartbeats(database, now).beat("server-1")
    assert wrong() == ["log_behind"]


def test_a_flow_that_is_on_and_did_not_run_is_late(data: Path, database: Database) -> None:
    assert data.exists()
    StoredSettings(database, now).put("flow:products", {"on": True, "schedule_minutes": 5}, "")
    RunStore(database, lambda: now() - timedelta(minutes=26)).begin("products", Mode.CHANGES, "", 1)
    assert wrong() == ["flow_late"]
    StoredSettings(database, now).put("flow:products", {"on": True, "schedule_minutes": 10}, "")
    assert wrong() == []


def test_what_a_killed_process_left_is_reported(data: Path) -> None:
    ended = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    (data / f".restore.{ended.stdout.decode().strip()}").mkdir()

    assert wrong() == ["files_left_behind"]


# ---- both connections


def test_where_nothing_is_connected_nothing_is_looked_for(data: Path, database: Database) -> None:
    ConnectionStore(database, now, key_file=data / "console.key").forget("mplus", "")

    assert [(check.description, check.code) for check in examine_connections()] == [("not connected", "")] * 2
    database.close()
    assert wrong() == []


def test_without_a_database_none_is_made(data: Path) -> None:
    assert (list(examine_connections()), list(data.iterdir())) == ([], [])


def test_each_line_of_the_checks_is_reported_with_what_is_wrong(
    data: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert data.exists()
    database.close()
    with running(articles=60, orders=0) as sandbox:
        for name, value in {**access(sandbox), "MPLUS__SECRET": "no-secret-of-this-till"}.items():
            monkeypatch.setenv(f"CONSOLE_{name}", value)
        looks = list(examine_connections())

    books, till = ([check for check in looks if check.name == name] for name in ("AccountView", "MplusKASSA"))
    assert [check.description for check in books if check.code] == []
    assert len(books) > 4
    (wrong_one,) = [check for check in till if check.code]
    assert wrong_one.description.startswith("credentials")
    assert say(wrong_one.code, wrong_one.facts).do


def test_a_system_that_says_nothing_is_waited_for_no_longer_than_said(
    data: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert data.exists()
    database.close()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        values = {"MPLUS__URL": address, "MPLUS__IDENT": "sandbox", "MPLUS__SECRET": "sandbox-secret"}
        for name, value in values.items():
            monkeypatch.setenv(f"CONSOLE_{name}", value)
        begun = time.monotonic()
        looks = [check for check in examine_connections(0.5) if check.name == "MplusKASSA"]

    assert [(check.code, check.facts["seconds"]) for check in looks] == [("connection_check_slow", "0")]
    assert time.monotonic() - begun < SECONDS
