"""The operational database: one SQLite file or a PostgreSQL server, opened, migrated and spoken to alike."""

import os
import shutil
import sqlite3
import threading
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, OperationalError

from integration.core.clocks import boottime_seconds
from integration.core.errors import ConfigurationError, IntegrationError, UnavailableError
from integration.store import tables
from integration.store.files import copy_before
from integration.store.lock_owner import suspended_holder
from integration.store.prepared_statements import PreparedStatement, Values
from integration.store.sealing import Sealer, append, forget_noted

MIGRATIONS = Path(__file__).parent / "migrations"
_one_at_a_time = threading.Lock()  # alembic keeps its context for the whole process
MIGRATION_LOCK = 7_264_518_301  # any number, as long as every process of ours uses the same
BUSY_SECONDS = 30
CLOCK_SECONDS = 5.0  # how long the clock of a server is counted on before it is read again
ROOM_NEEDED = "100 MB"
ROOM_BESIDE = 65_536  # bytes that SQLite makes beside a file when it opens that
AWAY = frozenset({"database_locked", "database_held", "database_unreachable"})  # waited for, and then as before
AT_ONCE = 500  # values in one IN list; both databases allow many more
LISTED = 10_000  # values in one list that is handed over whole

Clock = Callable[[], datetime]  # tells the present moment, aware and in UTC

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class FencingToken:
    """A process' right to a run: it ends when another one claims the run under a higher number."""

    run: str
    number: int


class FencingTokenLost(Exception):  # noqa: N818 - nothing went wrong: another process is at the run
    """Another process took the run over; what this one still wanted to do is that one's to do."""


current_token: ContextVar[FencingToken | None] = ContextVar("current_token", default=None)


_TOKENS = sa.select(tables.runs.c.claims).where(tables.runs.c.id == sa.bindparam("run"))
_TOKEN, _TOKEN_LOCKED = PreparedStatement(_TOKENS), PreparedStatement(_TOKENS.with_for_update())


def _expect(token: FencingToken, found: Any) -> None:
    """Raise FencingTokenLost where a page is at a run that another process claimed since."""
    if found is None or found.claims != token.number:
        raise FencingTokenLost(token.run)


class Database:
    """An open operational database.

    `instance` is the id it was given when it was made; events are told apart by it. Every method may raise
    UnavailableError: `database_locked`, `database_held`, `database_unreachable` or `disk_full`.
    """

    def __init__(self, engine: sa.Engine, instance: str) -> None:
        self.engine = engine
        self.instance = instance
        self.sealer: Sealer | None = None  # of the audit; whoever opens the data of a console gives it
        self._writing = engine.execution_options(writing=True)
        postgres = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}  # what SQLite does anyway
        self._reading = engine.execution_options(**(postgres if engine.dialect.name == "postgresql" else {}))

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """Hold one consistent look at the data; nothing can be changed through it."""
        with translated_errors(self.engine.url), self._reading.connect() as connection:
            connection.begin()  # and never kept: closing it undoes what should not have been done
            yield connection

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """Hold one transaction: kept when the block ends, with what it noted for the audit, undone when it raises.

        On a page of a run that another process took over, it raises FencingTokenLost.
        """
        with translated_errors(self.engine.url), self._writing.begin() as connection:
            if (token := current_token.get()) is not None:
                _expect(token, _TOKEN_LOCKED.first(connection, {"run": token.run}))
            forget_noted(connection)
            yield connection
            append(connection, self.sealer)

    def rows(self, statement: sa.Select[Any], values: Mapping[str, object] | None = None) -> Sequence[sa.Row[Any]]:
        """Return what one question finds, `values` being those its statement leaves open."""
        with self.read() as connection:
            return connection.execute(statement, values).all()

    def first(self, statement: sa.Select[Any]) -> sa.Row[Any] | None:
        """Return the first row that one question finds, or None."""
        with self.read() as connection:
            return connection.execute(statement.limit(1)).first()

    def scalar(self, statement: sa.Select[Any]) -> Any:
        """Return the first value that one question finds, or None."""
        with self.read() as connection:
            return connection.execute(statement.limit(1)).scalar()

    def ready(self, question: PreparedStatement, values: Mapping[str, object]) -> list[Any]:
        """Return what a question finds that was made ready once; see `Ready`."""
        with translated_errors(self.engine.url):
            return question.alone(self.engine, values)

    def among(
        self, statement: sa.Select[Any], column: sa.ColumnElement[Any], values: Collection[str]
    ) -> list[sa.Row[Any]]:
        """Return those rows of a question whose column has one of these values."""
        if not values:
            return []
        with self.read() as connection:
            return list(rows_with_keys(connection, statement, column, values))

    def among_ready(self, question: "ReadyAmong", values: Values, looked_for: Collection[str]) -> list[Any]:
        """Return what a question about some of many rows finds that was made ready once."""
        if not looked_for:
            return []
        if len(looked_for) <= LISTED:
            with translated_errors(self.engine.url):
                return question.alone(self.engine, values, looked_for)
        with self.read() as connection:  # one look at the data, for more than one question
            return list(question.rows(connection, values, looked_for))

    def expect_token(self) -> None:
        """Raise FencingTokenLost where another process took over the run that this page is at."""
        if (token := current_token.get()) is not None:
            _expect(token, next(iter(self.ready(_TOKEN, {"run": token.run})), None))

    def held_by(self) -> int | None:
        """Return the id of a process that keeps all others from writing while it is suspended."""
        address = self.engine.url
        return suspended_holder(Path(address.database or "")) if address.get_backend_name() == "sqlite" else None

    def close(self) -> None:
        """Let go of all connections."""
        self.engine.dispose()


def open_database(url: str, *, patience: float = BUSY_SECONDS) -> Database:
    """Open the database under this address, make it if need be, and bring its tables up to date.

    Takes `sqlite:///path/to/file` or `postgresql://user:password@host/name`. Several processes may do this at once;
    `patience` is how many seconds one waits for another's write to a SQLite file. A file of an earlier version is
    copied beside it first.
    Raises ConfigurationError for an address that cannot be used (`setting_invalid`), a file that cannot be
    (`database_file_unusable`, `folder_not_writable`) and for tables that a newer version made (`database_too_new`), and
    UnavailableError when the database cannot be reached or written.
    """
    address = parse_url(url)
    engine = _engine(address, patience)
    try:
        with translated_errors(address), engine.execution_options(writing=True).begin() as connection:
            _migrate(connection)
            instance = _instance(connection)
    except BaseException:
        engine.dispose()
        raise
    return Database(engine, instance)


def parse_url(url: str) -> sa.URL:
    """Return the parsed address. Its password never shows in an error, nor what is taken for another part of it."""
    try:
        address = sa.make_url(url)
        (address.host or "").encode("idna")  # as it will be looked up
    except (ArgumentError, ValueError):
        raise _unusable("expected_database_address") from None
    backend = address.get_backend_name()
    if backend == "postgresql" and url.count("@") <= 1:  # behind a second one is the end of a password, not a host
        return address.set(drivername="postgresql+psycopg")
    if backend != "sqlite" or address.database in (None, "", ":memory:") or address.query:
        raise _unusable("expected_database_address")
    try:
        Path(address.database).parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        folder = Path(address.database).parent
        raise ConfigurationError("folder_not_writable", folder=str(folder)) from error
    return address.set(drivername="sqlite+pysqlite")


def _unusable(expected: str, **facts: str) -> ConfigurationError:
    return ConfigurationError("setting_invalid", setting="CONSOLE_DATABASE_URL", expected=expected, **facts)


def file_unusable(path: str, said: str) -> ConfigurationError:
    """Return the error of a database file that cannot be read, written or made, with what SQLite said."""
    folder = Path(path).parent
    if not Path(path).exists() and not os.access(folder, os.W_OK | os.X_OK):
        return ConfigurationError("folder_not_writable", folder=str(folder))
    return ConfigurationError("database_file_unusable", file=path, message=said)


def _engine(address: sa.URL, patience: float) -> sa.Engine:
    if address.get_backend_name() == "postgresql":
        return sa.create_engine(address, pool_pre_ping=True, pool_size=10, max_overflow=20)
    engine = sa.create_engine(
        address, connect_args={"timeout": patience, "isolation_level": None}, pool_size=10, max_overflow=20
    )
    sa.event.listen(engine, "connect", _prepare_sqlite)
    sa.event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _: object) -> None:
    for pragma in (
        "auto_vacuum = INCREMENTAL",  # of a new file alone: what is free is given back a little at a time
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
        "temp_store = MEMORY",
        "journal_size_limit = 67108864",  # bytes: what the end of a large plan took beside the file is given back
    ):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin_sqlite(connection: sa.Connection) -> None:
    """Take the write lock at once where something will be written: asking for it half-way can only fail."""
    writing = connection.get_execution_options().get("writing", False)
    connection.connection.cursor().execute("BEGIN IMMEDIATE" if writing else "BEGIN").close()


def _migrate(connection: sa.Connection) -> None:
    if connection.dialect.name == "postgresql":  # SQLite already holds the one write lock there is
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(MIGRATION_LOCK)))
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    found = _revision(connection)
    scripts = ScriptDirectory.from_config(config)
    if found == scripts.get_current_head():
        return
    if found is not None and connection.dialect.name == "sqlite" and found in known_revisions():
        copy_before(Path(connection.engine.url.database or ""), found)
    try:
        with _one_at_a_time:
            command.upgrade(config, "head")
    except CommandError as error:
        raise ConfigurationError("database_too_new", found=found or "", known=scripts.get_current_head()) from error


def known_revisions() -> list[str]:
    """Return the revisions of the tables that this version knows, the newest first."""
    return [one.revision for one in ScriptDirectory(str(MIGRATIONS)).walk_revisions()]


def _revision(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()


def _instance(connection: sa.Connection) -> str:
    known = connection.execute(sa.select(tables.instance.c.id)).scalar()
    if known is not None:
        return str(known)
    made = str(uuid.uuid4())
    connection.execute(tables.instance.insert().values(id=made))
    return made


@contextmanager
def translated_errors(address: sa.URL) -> Iterator[None]:
    """Turn what the database complains about into one of our errors; a broken rule of the tables passes as it is."""
    try:
        yield
    except (DBAPIError, sqlite3.Error) as error:
        translated = _translated(error, address)
        if translated is None:
            raise
        raise translated from None  # the foreign error shows statements with values
    except NoSuchModuleError:
        raise _unusable("expected_driver") from None


def _translated(error: Exception, address: sa.URL) -> IntegrationError | None:
    origin = getattr(error, "orig", None) or error
    text = str(origin).lower()
    if "is locked" in text or "is busy" in text:
        return _locked(address)
    if "is full" in text or "no space left" in text or ("disk i/o" in text and _is_full(address)):
        return UnavailableError("disk_full", free=_free(address), needed=ROOM_NEEDED)
    if address.get_backend_name() == "sqlite":
        return file_unusable(address.database or "", str(origin)) if _unreadable(text) else None
    if any(sign in text for sign in ("invalid connection option", "bad value for", "invalid port", "invalid sslmode")):
        return _unusable("expected_port")
    strangers = "password authentication" in text or ("does not exist" in text and isinstance(error, OperationalError))
    if strangers:
        return _unusable("expected_user")
    if isinstance(error, OperationalError) or (isinstance(error, DBAPIError) and error.connection_invalidated):
        return UnavailableError("database_unreachable", host=address.host or "")
    return None


def _locked(address: sa.URL) -> IntegrationError:
    holder = suspended_holder(Path(address.database or "")) if address.get_backend_name() == "sqlite" else None
    if holder is None:
        return UnavailableError("database_locked")
    return UnavailableError("database_held", process=str(holder))


def _unreadable(text: str) -> bool:
    return any(sign in text for sign in ("not a database", "malformed", "unable to open", "readonly", "disk i/o"))


def _is_full(address: sa.URL) -> bool:
    """Tell whether SQLite lacks room for what it makes beside a file when it opens that, of which it says no more."""
    return _free_bytes(address) < ROOM_BESIDE


def _free(address: sa.URL) -> str:
    return f"{_free_bytes(address) // 1_000_000} MB"


def _free_bytes(address: sa.URL) -> int:
    folder = Path(address.database or ".").parent if address.get_backend_name() == "sqlite" else Path()
    return shutil.disk_usage(folder).free


def upsert(
    connection: sa.Connection,
    table: sa.Table,
    rows: Sequence[Mapping[str, object]],
    *,
    keep: Collection[str] = (),
) -> None:
    """Insert rows, or replace those that are there under the same primary key.

    All rows must fill the same columns. `keep` names columns that an existing row does not give up.
    """
    if rows:
        _upsert(table, connection.dialect.name, tuple(rows[0]), frozenset(keep)).each(connection, rows)


@cache
def _upsert(table: sa.Table, dialect_name: str, columns: tuple[str, ...], keep: frozenset[str]) -> PreparedStatement:
    """Return the statement for rows of these columns; making it takes longer than carrying it out for a few."""
    statement = (postgresql if dialect_name == "postgresql" else sqlite).insert(table)
    keys = [column.name for column in table.primary_key]
    replaced = {name: statement.excluded[name] for name in columns if name not in keys and name not in keep}
    if replaced:
        return PreparedStatement(statement.on_conflict_do_update(index_elements=keys, set_=replaced).inline(), *columns)
    return PreparedStatement(statement.on_conflict_do_nothing(index_elements=keys).inline(), *columns)


def batches(values: Collection[T], size: int = AT_ONCE) -> Iterator[list[T]]:
    """Yield the values without repetition, a statement's worth at a time."""
    distinct = list(dict.fromkeys(values))
    for start in range(0, len(distinct), size):
        yield distinct[start : start + size]


def rows_with_keys(
    connection: sa.Connection, statement: sa.Select[Any], column: sa.ColumnElement[Any], values: Collection[Any]
) -> Iterator[sa.Row[Any]]:
    """Yield those rows of a question whose column has one of these values, as part of the transaction under way."""
    asked = statement.where(_is_one_of(column, connection.dialect.name))
    for some in batches(values, LISTED):
        yield from connection.execute(asked, {"listed": some})


class ReadyAmong:
    """What `rows_among` finds, by a question that is made ready once and leaves its other values open.

    A list of values that the question itself holds is made of `spelled_out`.
    """

    def __init__(self, statement: sa.Select[Any], column: sa.ColumnElement[Any]) -> None:
        self._statement, self._column = statement, column
        self._ready: dict[str, PreparedStatement] = {}

    def rows(self, connection: sa.Connection, values: Values, looked_for: Collection[Any]) -> Iterator[Any]:
        """Yield the rows whose column has one of the values looked for, as part of the transaction under way."""
        ready = self._of(connection.dialect)
        for some in batches(looked_for, LISTED):
            yield from ready.rows(connection, {**values, "listed": some})

    def alone(self, engine: sa.Engine, values: Values, looked_for: Collection[Any]) -> list[Any]:
        """Return them with no transaction round it; there are no more than LISTED values looked for."""
        return self._of(engine.dialect).alone(engine, {**values, "listed": list(dict.fromkeys(looked_for))})

    def _of(self, dialect: sa.Dialect) -> PreparedStatement:
        if dialect.name not in self._ready:
            self._ready[dialect.name] = PreparedStatement(self._statement.where(_is_one_of(self._column, dialect.name)))
        return self._ready[dialect.name]


def in_clause(column: sa.ColumnElement[Any], values: Collection[Any]) -> sa.ColumnElement[bool]:
    """Return that a column has one of a few values, each a value of the statement: it can be made ready."""
    return column.in_([sa.literal(value, column.type) for value in values])


def _is_one_of(column: sa.ColumnElement[Any], dialect_name: str) -> sa.ColumnElement[bool]:
    """Return that a column has one of the values `listed`: one list takes a third of handing over each value."""
    if dialect_name == "postgresql":
        return column == sa.any_(sa.bindparam("listed", type_=postgresql.ARRAY(column.type)))
    each = sa.func.json_each(sa.bindparam("listed", type_=sa.JSON)).table_valued("value")
    return column.in_(sa.select(each.c.value))


class SharedClock:
    """The database server's clock, for all processes on it: those of two machines are never quite the same.

    It is read every few seconds and counted on between, also while a machine sleeps. `machine` is the clock of this
    machine, which is that of a file too.
    """

    def __init__(self, database: Database, machine: Clock) -> None:
        self._database = database
        self._machine = machine
        self._lock = threading.Lock()
        self._read_at: float | None = None
        self._read = machine()

    def __call__(self) -> datetime:
        """Return the present moment."""
        if self._database.engine.dialect.name != "postgresql":
            return self._machine()
        with self._lock:
            passed = None if self._read_at is None else boottime_seconds() - self._read_at
            if passed is None or passed > CLOCK_SECONDS:
                self._read_at = boottime_seconds()
                self._read = self._database.scalar(sa.select(sa.func.clock_timestamp())).astimezone(UTC)
                passed = 0.0
            return self._read + timedelta(seconds=passed)


Beside = Callable[[sa.Connection, str], None]
"""Keeps something under a name in the transaction under way, beside what that is about."""


class Store:
    """What every store has: the database it is kept in, and a clock that tells the moment of a change."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self.database = database
        self.clock = clock
