"""Another key in place of one, while others work and with a kill at any moment: everything opens."""

import stat
from pathlib import Path

import pytest
import sqlalchemy as sa

from integration.core.errors import ConfigurationError
from integration.store.database import Database, open_database
from integration.store.keys import KEY_IDS_SETTING, keys_in
from integration.store.secrets import ConnectionStore
from integration.store.settings import StoredSettings
from integration.store.tables import connections
from tests.clocks import Clock
from tests.forks import start_process
from tests.store.key_changing import change_until, work_on
from tests.timeouts import SECONDS, wait_until

OLD, NEW = "the key of yesterday", "the key of tomorrow"
KEPT = {"mplus": {"secret": "of the till"}, "accountview-tokens": {"access": "a"}}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A key file that does not exist yet."""
    return tmp_path / "console.key"


def fill_store(database: Database, clock: Clock, file: Path, key: str = "", before: str = "") -> ConnectionStore:
    connection_store = ConnectionStore(database, clock, key=key, before=before, key_file=file)
    for name, values in KEPT.items():
        connection_store.put(name, values)
    return connection_store


def sealed_values(database: Database) -> list[bytes]:
    return [bytes(row.sealed) for row in database.rows(sa.select(connections.c.sealed))]


def test_a_key_is_changed_under_those_who_know_the_one_before(database: Database, clock: Clock, file: Path) -> None:
    other = fill_store(database, clock, file)
    before, sealed = keys_in(file, is_required=True), sealed_values(database)

    assert ConnectionStore(database, clock, key_file=file).change_key("anna") == len(KEPT)

    after = keys_in(file, is_required=True)
    assert len(before) == len(after) == 1
    assert before != after
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in file.parent.iterdir() if path.name.startswith("console.key")] == ["console.key"]
    assert not set(sealed) & set(sealed_values(database))
    assert {name: other.get(name) for name in KEPT} == KEPT
    other.renew("mplus", {"secret": "another"})
    assert ConnectionStore(database, clock, key_file=file).get("mplus") == {"secret": "another"}


def test_a_process_that_seals_first_uses_the_key_in_use(database: Database, clock: Clock, file: Path) -> None:
    other = fill_store(database, clock, file)
    ConnectionStore(database, clock, key_file=file).change_key("anna")
    other.renew("mplus", {"secret": "sealed before anything was opened"})
    assert ConnectionStore(database, clock, key_file=file).get("mplus") is not None


def test_the_name_of_the_key_in_use_says_nothing_of_it(database: Database, clock: Clock, file: Path) -> None:
    fill_store(database, clock, file).change_key("anna")
    stored_ids = str(StoredSettings(database, clock).get(KEY_IDS_SETTING))
    assert keys_in(file, is_required=True)[0].decode() not in stored_ids
    assert len(stored_ids) < 100


def test_a_key_of_the_settings_replaces_the_one_before(database: Database, clock: Clock, file: Path) -> None:
    fill_store(database, clock, file, key=OLD)
    connection_store = ConnectionStore(database, clock, key=NEW, before=OLD, key_file=file)
    connection_store.renew("mplus", KEPT["mplus"])
    old = ConnectionStore(database, clock, key=OLD)
    assert old.get("mplus") == KEPT["mplus"]  # until the change, all seal with the one that all have

    connection_store.change_key("anna")

    assert {name: ConnectionStore(database, clock, key=NEW).get(name) for name in KEPT} == KEPT
    assert not file.exists()
    with pytest.raises(ConfigurationError) as caught:
        old.renew("mplus", {"secret": "sealed with a key that was replaced"})
    assert caught.value.code == "secret_key_wrong"
    with pytest.raises(ConfigurationError) as caught:
        ConnectionStore(database, clock, key=NEW).change_key("anna")
    assert caught.value.facts["expected"] == "expected_other_key"


def test_a_key_moves_from_the_file_to_the_settings_and_back(database: Database, clock: Clock, file: Path) -> None:
    fill_store(database, clock, file)
    ConnectionStore(database, clock, key=NEW, key_file=file).change_key("anna")
    assert not file.exists()
    ConnectionStore(database, clock, before=NEW, key_file=file).change_key("anna")
    assert {name: ConnectionStore(database, clock, key_file=file).get(name) for name in KEPT} == KEPT


def test_a_lost_key_is_replaced_by_entering_all_anew(database: Database, clock: Clock, file: Path) -> None:
    fill_store(database, clock, file).change_key("anna")
    lost = file.read_bytes()
    file.unlink()
    fresh = ConnectionStore(database, clock, key_file=file)
    with pytest.raises(ConfigurationError):
        fresh.get("mplus")
    with pytest.raises(ConfigurationError):
        fresh.change_key("anna")
    fresh.put("mplus", {"secret": "entered anew"})
    assert ConnectionStore(database, clock, key_file=file).get("mplus") == {"secret": "entered anew"}
    file.write_bytes(lost)
    connection_store = ConnectionStore(database, clock, key_file=file)
    assert connection_store.get("accountview-tokens") == KEPT["accountview-tokens"]
    connection_store.put("mplus", KEPT["mplus"])


@pytest.mark.parametrize("pace", [pytest.param(8, id="some"), pytest.param(1, marks=pytest.mark.long, id="every")])
def test_killed_at_any_moment_everything_opens(url: str, clock: Clock, file: Path, pace: int) -> None:
    database = open_database(url)
    fill_store(database, clock, file)
    max_moment = 200
    for moment in range(pace, max_moment, pace):
        process = start_process(change_until, url, file, moment)
        process.join(SECONDS)
        connection_store = ConnectionStore(database, clock, key_file=file)
        assert {name: connection_store.get(name) for name in KEPT} == KEPT, moment
        connection_store.renew("mplus", KEPT["mplus"])
        if process.exitcode == 0:
            break
    assert 10 < moment < max_moment
    assert len(keys_in(file, is_required=True)) == 1
    database.close()


@pytest.mark.long
def test_others_work_on_while_it_is_changed_again_and_again(url: str, clock: Clock, file: Path) -> None:
    database = open_database(url)
    connection_store = fill_store(database, clock, file)
    stop, result_files = file.with_name("stop"), [file.with_name(f"told-{number}") for number in range(2)]
    processes = [start_process(work_on, url, file, stop, path) for path in result_files]
    wait_until(
        lambda: (
            sum(row.system.startswith("worker") for row in database.rows(sa.select(connections))) == len(result_files)
        ),
        "two at work",
    )
    for _ in range(25):
        connection_store.change_key("anna")
    stop.touch()
    for process in processes:
        process.join(SECONDS)
    texts = [path.read_text(encoding="utf-8") for path in result_files]
    assert all(text.startswith("well") for text in texts), texts
    database.close()
