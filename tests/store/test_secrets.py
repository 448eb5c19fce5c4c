import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from integration.core.connections import Token
from integration.core.errors import ConfigurationError
from integration.store.database import Database
from integration.store.leases import Leases
from integration.store.outbox_reader import OutboxReader
from integration.store.secrets import ConnectionStore, StoredTokens
from integration.store.tables import connections
from tests.clocks import Clock

KEY = "a key of the administrator"
SECRET = "planted-secret"


def test_a_connection_comes_back_and_is_unreadable_in_the_database(database: Database, clock: Clock) -> None:
    connection_store = ConnectionStore(database, clock, key=KEY)
    connection_store.put("mplus", {"url": "http://till", "secret": SECRET}, "anna")
    assert connection_store.get("mplus") == {"url": "http://till", "secret": SECRET}
    assert connection_store.get("accountview") is None
    with database.read() as connection:
        sealed = connection.execute(sa.select(connections.c.sealed)).scalar_one()
    assert SECRET.encode() not in sealed
    assert SECRET not in str(OutboxReader(database, clock).waiting(10))


def test_another_key_opens_nothing_and_shows_nothing(database: Database, clock: Clock) -> None:
    ConnectionStore(database, clock, key=KEY).put("mplus", {"secret": SECRET})
    with pytest.raises(ConfigurationError) as caught:
        ConnectionStore(database, clock, key="the key of somebody else").get("mplus")
    assert caught.value.code == "secret_key_wrong"


def test_a_key_is_made_once_and_only_its_owner_may_read_it(database: Database, clock: Clock, tmp_path: Path) -> None:
    file = tmp_path / "data" / "console.key"
    ConnectionStore(database, clock, key_file=file).put("mplus", {"secret": SECRET})
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert ConnectionStore(database, clock, key_file=file).get("mplus") == {"secret": SECRET}
    assert [path.name for path in file.parent.iterdir() if "key" in path.name] == ["console.key"]


@pytest.mark.parametrize("content", ["", "no key"])
def test_a_key_file_that_holds_no_key_is_reported_by_its_name(
    database: Database, clock: Clock, tmp_path: Path, content: str
) -> None:
    file = tmp_path / "console.key"
    file.write_text(content)
    with pytest.raises(ConfigurationError) as caught:
        ConnectionStore(database, clock, key_file=file)
    assert (caught.value.code, caught.value.facts["file"]) == ("key_file_unusable", str(file))


def test_a_key_that_is_too_short_or_missing_is_a_setting(database: Database, clock: Clock) -> None:
    with pytest.raises(ConfigurationError):
        ConnectionStore(database, clock, key="short")
    with pytest.raises(ConfigurationError):
        ConnectionStore(database, clock)


def test_a_forgotten_connection_is_gone(database: Database, clock: Clock) -> None:
    connection_store = ConnectionStore(database, clock, key=KEY)
    connection_store.put("mplus", {"secret": SECRET})
    connection_store.forget("mplus", "anna")
    assert connection_store.get("mplus") is None


def test_tokens_are_kept_for_all_processes(database: Database, clock: Clock) -> None:
    connection_store = ConnectionStore(database, clock, key=KEY)
    own_tokens, other, stranger = (
        StoredTokens(
            connection_store,
            Leases(database, clock),
            "accountview-tokens",
            given_for=given_for,
            clock=clock,
        )
        for given_for in ("client at A", "client at A", "client at B")
    )
    assert own_tokens.load() is None
    token = Token("access", "refresh", datetime(2026, 11, 25, 10, tzinfo=UTC))
    with own_tokens.refresh_lock():
        own_tokens.save(token)
    assert other.load() == token
    assert stranger.load() is None
