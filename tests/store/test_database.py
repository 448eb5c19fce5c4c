import subprocess
import sys
import traceback
from contextlib import closing, suppress
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.exc import DBAPIError

from integration.core.errors import ConfigurationError, UnavailableError
from integration.store.database import MIGRATIONS, Database, known_revisions, open_database
from integration.store.settings import StoredSettings
from integration.store.tables import cursors, metadata, outbox
from tests.clocks import Clock
from tests.timeouts import SECONDS


def test_migrations_lead_to_the_tables_as_they_are_declared(database: Database) -> None:
    with database.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_a_database_keeps_the_id_it_was_made_with(url: str) -> None:
    first, second = open_database(url), open_database(url)
    assert first.instance == second.instance
    first.close()
    second.close()


def test_tables_of_a_newer_version_are_refused(url: str) -> None:
    newer = open_database(url)
    with newer.write() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    newer.close()
    with pytest.raises(ConfigurationError) as caught:
        open_database(url)
    assert caught.value.code == "database_too_new"
    assert caught.value.facts["found"] == "9999"


def test_the_files_of_the_migrations_are_named_after_their_revisions() -> None:
    revisions = [revision.revision for revision in ScriptDirectory(str(MIGRATIONS)).walk_revisions()]

    assert known_revisions() == revisions


@pytest.mark.long
@pytest.mark.processes
def test_several_processes_may_open_a_new_database_at_once(url: str) -> None:
    code = (
        "import sys; from integration.store.database import open_database\nprint(open_database(sys.argv[1]).instance)"
    )
    started = [subprocess.Popen([sys.executable, "-c", code, url], stdout=subprocess.PIPE, text=True) for _ in range(4)]
    answers = [process.communicate(timeout=SECONDS)[0] for process in started]
    assert [process.returncode for process in started] == [0] * 4
    assert len(set(answers)) == 1


def test_a_connection_that_is_used_again_keeps_nothing_of_an_accidental_write(database: Database, clock: Clock) -> None:
    row = {"flow": "products", "side": "source", "value": "1", "changed_at": clock()}
    for _ in range(2):
        with suppress(DBAPIError), database.read() as connection:
            connection.execute(cursors.insert().values(row))
        assert database.rows(sa.select(cursors)) == []
    with database.write() as connection:
        connection.execute(cursors.insert().values(row))
    assert len(database.rows(sa.select(cursors))) == 1


def test_what_raises_inside_a_transaction_undoes_it(database: Database, clock: Clock) -> None:
    settings_store = StoredSettings(database, clock)

    def fail() -> None:
        with database.write() as connection:
            connection.execute(outbox.delete())
            raise RuntimeError("stop")

    settings_store.put("one", {}, "anna")
    with pytest.raises(RuntimeError):
        fail()
    with database.read() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(outbox)).scalar() == 1


@pytest.mark.parametrize(
    "url",
    [
        "", "nonsense", "sqlite://", "sqlite:///:memory:", "sqlite:///x.sqlite?timeout=soon", "mysql://host/name",
        "postgresql://127.0.0.1:port/console", "postgresql://127.0.0.1:99999/console", "postgresql://[::1/console",
        "postgresql://a..b/console", "postgresql://127.0.0.1:1/console?nosuch=1",
        "postgresql://127.0.0.1:1/console?sslmode=odd", "postgresql://127.0.0.1:1/console?connect_timeout=soon",
    ],
)  # fmt: skip
def test_an_address_that_cannot_be_used_is_a_setting(url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        open_database(url)
    assert (caught.value.code, caught.value.facts["setting"]) == ("setting_invalid", "CONSOLE_DATABASE_URL")


@pytest.mark.parametrize("password", ["be@planted", "be@x:planted", "be@planted/1", "be@x/planted", "be@x?planted=1"])
def test_a_password_that_looks_like_the_end_of_itself_is_refused_without_being_shown(password: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        open_database(f"postgresql://anna:{password}@127.0.0.1:1/console")
    assert caught.value.facts["expected"] == "expected_database_address"
    assert "planted" not in "".join(traceback.format_exception(caught.value))


def test_a_file_that_is_no_database_is_reported_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "x.sqlite").write_bytes(b"no database at all" * 100)
    with pytest.raises(ConfigurationError) as caught:
        open_database(f"sqlite:///{tmp_path / 'x.sqlite'}")
    assert caught.value.code == "database_file_unusable"
    assert caught.value.facts == {"file": str(tmp_path / "x.sqlite"), "message": "file is not a database"}


def test_an_unreachable_server_is_named_without_its_password() -> None:
    with pytest.raises(UnavailableError) as caught:
        open_database("postgresql://anna:planted-secret@127.0.0.1:1/console")
    assert caught.value.code == "database_unreachable"
    error_text = f"{caught.value!r} {caught.value} {caught.value.facts} {caught.value.__cause__}"
    assert "127.0.0.1" in error_text
    assert "planted-secret" not in error_text


@pytest.mark.postgres
def test_a_database_the_server_does_not_have_is_a_setting(postgres_server: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        open_database(f"{postgres_server}/not_there")
    assert caught.value.code == "setting_invalid"


@pytest.mark.postgres
@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ("DROP TABLE outbox", 'relation "outbox" does not exist'),
        ("ALTER DATABASE {database} SET role = pg_monitor", "permission denied for table alembic_version"),
    ],
)
def test_a_postgresql_database_that_cannot_be_used_is_named_with_its_fault(
    postgres_url: str, damage: str, message: str
) -> None:
    address = sa.make_url(postgres_url)
    database = open_database(postgres_url)
    with database.write() as connection:
        connection.execute(sa.text(damage.format(database=f'"{address.database}"')))
    database.close()
    with pytest.raises(ConfigurationError) as caught, closing(open_database(postgres_url)) as opened:
        StoredSettings(opened, Clock()).put("one", {}, "anna")
    assert caught.value.code == "database_unusable"
    assert (caught.value.facts["database"], caught.value.facts["host"]) == (address.database, address.host)
    assert message in caught.value.facts["message"]


def test_a_locked_file_is_waited_for_and_then_named(tmp_path: Path, clock: Clock) -> None:
    url = f"sqlite:///{tmp_path / 'console.sqlite'}"
    holder, other = open_database(url), open_database(url, patience=0.1)
    with holder.write(), pytest.raises(UnavailableError) as caught:
        StoredSettings(other, clock).put("one", {}, "anna")
    assert caught.value.code == "database_locked"
    holder.close()
    other.close()


def test_a_full_disk_is_named_and_no_write_is_half_stored(tmp_path: Path, clock: Clock) -> None:
    database = open_database(f"sqlite:///{tmp_path / 'console.sqlite'}")
    sa.event.listen(database.engine, "begin", lambda connection: connection.exec_driver_sql("PRAGMA max_page_count=1"))
    settings_store = StoredSettings(database, clock)
    with pytest.raises(UnavailableError) as caught:
        settings_store.put("large", {"text": "x" * 1_000_000}, "anna")
    assert caught.value.code == "disk_full"
    assert "MB" in caught.value.facts["free"]
    assert settings_store.get("large") is None
    database.close()
