"""Copies the operational database while it is in use, with the SQLite backup or pg_dump, and restores copies."""

import json
import sqlite3
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from integration.core.errors import ConfigurationError
from integration.store.database import parse_url, translated_errors, upsert
from integration.store.files import make_private
from integration.store.installation import forget_inode
from integration.store.keys import KEY_IDS_SETTING, id_in_use
from integration.store.tables import (
    change_requests,
    first_approvals,
    heartbeats,
    instance,
    invitations,
    leases,
    outbox,
    sessions,
    settings,
    stopped_executors,
)

RESTORED = "restored"  # the setting with the time of the last restore
OF_THE_ENGINE = "dbos"  # the schema of the engine, which the engine creates itself
MAX_ERROR_LENGTH = 300  # characters of an error message that are kept


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Metadata of a copy of the database: its revision, its instance, and its events.

    The copy knows no event with an id above `until`. `waiting` are ranges of ids of events that are not in the log yet.
    `key` is the id of the key in use, or empty if the key was never changed.
    """

    revision: str
    instance: str
    until: int
    waiting: tuple[tuple[int, int], ...]
    key: str = ""


def snapshot_of(path: Path) -> Snapshot:
    """Return the metadata of a copy of a SQLite database. Raises sqlite3.Error for any other file."""
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?immutable=1", uri=True)) as connection:
        (revision,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        (instance_id,) = connection.execute("SELECT id FROM instance").fetchone()
        sequence = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'outbox'").fetchone()
        waiting = _ranges(number for (number,) in connection.execute("SELECT id FROM outbox ORDER BY id"))
        key = connection.execute("SELECT value FROM settings WHERE name = ?", (KEY_IDS_SETTING,)).fetchone()
    return Snapshot(
        revision, instance_id, sequence[0] if sequence else 0, waiting, json.loads(key[0])["id"] if key else ""
    )


def _ranges(numbers: Iterable[int]) -> tuple[tuple[int, int], ...]:
    """Return ascending numbers as ranges without gaps."""
    spans: list[tuple[int, int]] = []
    for number in numbers:
        first = spans.pop()[0] if spans and spans[-1][1] == number - 1 else number
        spans.append((first, number))
    return tuple(spans)


# ---- PostgreSQL ------------------------------------------------------------------------------------------------------


def dump(url: str, to: Path, around: Mapping[str, str]) -> Snapshot:
    """Write a PostgreSQL database to a new file with pg_dump, and return the metadata of the copy.

    The copy is of one moment at which no open transaction had added events. The engine's tables are left out. `around`
    is the environment of the program. Raises ConfigurationError `backup_program_missing` or `backup_program_failed`.
    """
    make_private(to)
    with _exported_snapshot(url) as (snapshot, moment):
        leave_out = f"--exclude-schema={OF_THE_ENGINE}"
        _program(
            url, around, "pg_dump", "-Fc", "--no-owner", "--no-acl", leave_out, f"--snapshot={moment}", f"--file={to}"
        )
    return snapshot


@contextmanager
def _exported_snapshot(url: str) -> Iterator[tuple[Snapshot, str]]:
    """Export a snapshot of the database, and yield the metadata of the copy and the id of the snapshot."""
    with _connect(url, isolation_level="REPEATABLE READ") as connection:
        for step in ("SAVEPOINT locked", "LOCK TABLE outbox IN SHARE MODE"):
            connection.execute(sa.text(step))
        until = connection.execute(sa.text("SELECT last_value, is_called FROM outbox_id_seq")).one()
        revision = str(connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar())
        instance_id = str(connection.execute(sa.select(instance.c.id)).scalar())
        for step in (
            "ROLLBACK TO SAVEPOINT locked",
            "RELEASE SAVEPOINT locked",
        ):  # releases the lock
            connection.execute(sa.text(step))
        waiting = _ranges(connection.execute(sa.select(outbox.c.id).order_by(outbox.c.id)).scalars())
        moment = str(connection.execute(sa.select(sa.func.pg_export_snapshot())).scalar())
        last, key = until.last_value if until.is_called else 0, id_in_use(connection)
        yield Snapshot(revision, instance_id, last, waiting, key), moment


def is_empty_database(url: str) -> bool:
    """Return True if a PostgreSQL database has no tables."""
    with _connect(url) as connection:
        return not sa.inspect(connection).get_table_names()


def restore_dump(url: str, file: Path, around: Mapping[str, str]) -> None:
    """Restore a file of `dump` into an empty database in one transaction."""
    whole = ("--single-transaction", "--exit-on-error", "--no-owner", "--no-acl")
    _program(url, around, "pg_restore", *whole, f"--dbname={parse_url(url).database}", str(file))


def dump_fault(file: Path, around: Mapping[str, str]) -> str:
    """Return the fault of a file of `dump`, or an empty string if the file can be read."""
    try:
        _program("", around, "pg_restore", "--list", str(file))
    except ConfigurationError as error:
        if error.code == "backup_program_missing":
            raise
        return str(error.facts["reason"])
    return ""


@contextmanager
def _connect(url: str, **options: Any) -> Iterator[sa.Connection]:
    address = parse_url(url)
    engine = sa.create_engine(address, poolclass=sa.NullPool)
    try:
        with translated_errors(address), engine.connect().execution_options(**options) as connection:
            yield connection
    finally:
        engine.dispose()


def _program(url: str, around: Mapping[str, str], name: str, *arguments: str) -> None:
    """Run a program of PostgreSQL. The password is passed in its environment, which other users cannot read."""
    try:
        ended = subprocess.run(  # noqa: S603 - a fixed program of PostgreSQL
            [name, *arguments],
            env={**around, **_login(url)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
    except FileNotFoundError:
        raise ConfigurationError("backup_program_missing", program=name) from None
    if ended.returncode:
        error_lines = ended.stderr.decode(errors="replace").strip().splitlines() or [str(ended.returncode)]
        raise ConfigurationError("backup_program_failed", program=name, reason=error_lines[0][:MAX_ERROR_LENGTH])


def _login(url: str) -> Mapping[str, str]:
    if not url:
        return {}
    address = parse_url(url)
    login: dict[str, object] = {
        "HOST": address.host, "PORT": address.port, "USER": address.username, "PASSWORD": address.password,
        "DATABASE": address.database,
        **{name.upper(): value for name, value in address.query.items()},
    }  # fmt: skip
    return {f"PG{name}": str(value) for name, value in login.items() if value is not None}


# ---- after a restore -------------------------------------------------------------------------------------------------


def mark_restored(url: str, created_at: str, by: str) -> None:
    """Record that a database was restored from a copy of `created_at`. Deletes heartbeats, leases and lost processes.

    Also deletes what may have been withdrawn since the copy: sessions, invitations, first approvals and requests for
    changes.
    """
    with _connect(url) as connection, connection.begin():
        now = datetime.now(UTC)
        if connection.dialect.name == "postgresql":
            now = connection.execute(sa.select(sa.func.clock_timestamp())).scalar_one().astimezone(UTC)
        value = {"at": now.isoformat(), "created_at": created_at, "by": by}
        upsert(connection, settings, [{"name": RESTORED, "value": value, "by": by, "changed_at": now}])
        forget_inode(connection, now)
        for table in (heartbeats, leases, stopped_executors, sessions, invitations, first_approvals, change_requests):
            connection.execute(table.delete())
