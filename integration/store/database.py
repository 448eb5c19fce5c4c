"""Opens, migrates and queries the operational database, which is one SQLite file or a PostgreSQL server."""

import os
import shutil
import sqlite3
import threading
import uuid
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, OperationalError

from integration.core.clocks import boottime_seconds
from integration.core.errors import ConfigurationError, IntegrationError, UnavailableError
from integration.store import tables
from integration.store.lock_owner import suspended_holder
from integration.store.prepared_statements import PreparedStatement, Values, dialect_insert
from integration.store.sealing import Sealer, append, discard_collected

MIGRATIONS = Path(__file__).parent / "migrations"
_migration_lock = threading.Lock()  # Alembic keeps its context in a global of the process
MIGRATION_LOCK = 7_264_518_301  # arbitrary, but the same in every process of ours
BUSY_SECONDS = 30
CLOCK_SECONDS = 5.0  # seconds before the clock of the server is read again
ROOM_NEEDED = "100 MB"
ROOM_BESIDE = 65_536  # bytes of the files that SQLite creates beside a database when it opens it
TEMPORARY_CAUSES = frozenset(
    {"database_locked", "database_held", "database_unreachable"}
)  # temporary causes: wait, then retry
UNUSABLE_STATES = frozenset(
    {"42P01", "42501", "XX001", "XX002"}
)  # PostgreSQL's codes: table missing, permission denied, data damaged, index damaged
IDLE = 4  # open connections of each use that wait for the next transaction or query
AT_ONCE = 500  # values in one IN list; both databases allow many more
MAX_LIST_VALUES = 10_000  # values in one list that is passed as a single parameter

Clock = Callable[[], datetime]  # returns the current time in UTC, with time zone

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class FencingToken:
    """The right of a process to write for a run. Another process that claims the run with a higher number takes it."""

    run: str
    number: int


class FencingTokenLost(Exception):  # noqa: N818 - no failure: another process continues the run
    """Raised if another process has taken over the run. That process continues the work."""


current_token: ContextVar[FencingToken | None] = ContextVar("current_token", default=None)


_TOKENS = sa.select(tables.runs.c.claims).where(tables.runs.c.id == sa.bindparam("run"))
_TOKEN, _TOKEN_LOCKED = PreparedStatement(_TOKENS), PreparedStatement(_TOKENS.with_for_update())


def _require_token(token: FencingToken, row: Any) -> None:
    """Raise FencingTokenLost if another process has claimed the run."""
    if row is None or row.claims != token.number:
        raise FencingTokenLost(token.run)


class Database:
    """An open operational database.

    `instance` is the id that the database got when it was created. It distinguishes its events from those of other
    databases. Every method may raise UnavailableError `database_locked`, `database_held`, `database_unreachable` or
    `disk_full`.
    """

    def __init__(self, engine: sa.Engine, instance: str) -> None:
        self.engine = engine
        self.instance = instance
        self.sealer: Sealer | None = None  # seals the audit log; set by the code that opens a console
        self._writing = engine.execution_options(writing=True)
        postgres = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}  # SQLite reads like this anyway
        self._reading = engine.execution_options(**(postgres if engine.dialect.name == "postgresql" else {}))
        self._idle: dict[sa.Engine, deque[sa.Connection]] = {
            engine: deque(),  # without a transaction
            self._reading: deque(),
            self._writing: deque(),
        }
        self._idle_limit = IDLE if engine.dialect.name == "sqlite" else 0

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """Open a read-only transaction with a consistent view of the data."""
        with translated_errors(self.engine.url), self._lend_connection(self._reading) as connection:
            transaction = connection.begin()
            yield connection
            transaction.rollback()  # never committed: this rolls back any accidental write

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """Open a transaction. It commits with its audit entries when the block ends, and rolls back on an exception.

        Raises FencingTokenLost within a page of a run that another process took over.
        """
        with translated_errors(self.engine.url), self._lend_connection(self._writing) as connection, connection.begin():
            if (token := current_token.get()) is not None:
                _require_token(token, _TOKEN_LOCKED.first(connection, {"run": token.run}))
            discard_collected(connection)
            yield connection
            append(connection, self.sealer)

    @contextmanager
    def _lend_connection(self, engine: sa.Engine) -> Iterator[sa.Connection]:
        """Lend a connection without a transaction.

        A connection to SQLite is reused, because opening one costs more than a small transaction. A connection to
        PostgreSQL goes back to the pool, which replaces connections that the server has closed.
        """
        idle = self._idle[engine]
        try:
            connection = idle.pop()
        except IndexError:
            connection = engine.connect()
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        if len(idle) < self._idle_limit:
            idle.append(connection)
        else:
            connection.close()

    def rows(self, statement: sa.Select[Any], values: Mapping[str, object] | None = None) -> Sequence[sa.Row[Any]]:
        """Return all rows of a query. `values` are its bound parameters."""
        with self.read() as connection:
            return connection.execute(statement, values).all()

    def first(self, statement: sa.Select[Any]) -> sa.Row[Any] | None:
        """Return the first row of a query, or None."""
        with self.read() as connection:
            return connection.execute(statement.limit(1)).first()

    def scalar(self, statement: sa.Select[Any]) -> Any:
        """Return the first column of the first row of a query, or None."""
        with self.read() as connection:
            return connection.execute(statement.limit(1)).scalar()

    def prepared_rows(self, question: PreparedStatement, values: Mapping[str, object]) -> list[Any]:
        """Return all rows of a prepared query, without a transaction."""
        with translated_errors(self.engine.url), self._lend_connection(self.engine) as connection:
            return question.rows_without_transaction(connection, values)

    def rows_with_values(
        self, statement: sa.Select[Any], column: sa.ColumnElement[Any], values: Collection[str]
    ) -> list[sa.Row[Any]]:
        """Return the rows of a query whose column has one of these values."""
        if not values:
            return []
        with self.read() as connection:
            return list(rows_with_keys(connection, statement, column, values))

    def prepared_rows_with_values(
        self, question: "PreparedKeyQuery", values: Values, wanted_values: Collection[str]
    ) -> list[Any]:
        """Return the rows of a prepared query whose column has one of the values in `wanted_values`."""
        if not wanted_values:
            return []
        if len(wanted_values) <= MAX_LIST_VALUES:
            with translated_errors(self.engine.url), self._lend_connection(self.engine) as connection:
                return question.rows_without_transaction(connection, values, wanted_values)
        with self.read() as connection:  # several queries need one consistent view
            return list(question.rows(connection, values, wanted_values))

    def require_token(self) -> None:
        """Raise FencingTokenLost if another process took over the run of the current page."""
        if (token := current_token.get()) is not None:
            _require_token(token, next(iter(self.prepared_rows(_TOKEN, {"run": token.run})), None))

    def suspended_lock_holder(self) -> int | None:
        """Return the id of a suspended process that holds the write lock of the SQLite file, or None."""
        address = self.engine.url
        return suspended_holder(Path(address.database or "")) if address.get_backend_name() == "sqlite" else None

    def close(self) -> None:
        self._idle_limit = 0
        for idle in self._idle.values():
            while idle:
                idle.pop().close()
        self.engine.dispose()


def open_database(url: str, *, patience: float = BUSY_SECONDS) -> Database:
    """Open the database at this address. Creates and migrates it if necessary.

    Takes `sqlite:///path/to/file` or `postgresql://user:password@host/name`. Several processes may call this at once;
    `patience` is how many seconds a process waits for another's write to a SQLite file. Raises ConfigurationError for
    an invalid address (`setting_invalid`), an unusable file (`database_file_unusable`, `folder_not_writable`), an
    unusable PostgreSQL database (`database_unusable`) or tables of a newer version (`database_too_new`), and
    UnavailableError if the database cannot be reached or written.
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
    """Return the parsed address. Errors never contain its password, nor parts that may belong to the password."""
    try:
        address = sa.make_url(url)
        (address.host or "").encode("idna")  # the encoding that name resolution uses
    except (ArgumentError, ValueError):
        raise _invalid_url_error("expected_database_address") from None
    backend = address.get_backend_name()
    if backend == "postgresql" and url.count("@") <= 1:  # a second one belongs to the password, not to a host
        return address.set(drivername="postgresql+psycopg")
    if backend != "sqlite" or address.database in (None, "", ":memory:") or address.query:
        raise _invalid_url_error("expected_database_address")
    try:
        Path(address.database).parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        folder = Path(address.database).parent
        raise ConfigurationError("folder_not_writable", folder=str(folder)) from error
    return address.set(drivername="sqlite+pysqlite")


def _invalid_url_error(expected: str, **facts: str) -> ConfigurationError:
    return ConfigurationError("setting_invalid", setting="CONSOLE_DATABASE_URL", expected=expected, **facts)


def file_unusable(path: str, message: str) -> ConfigurationError:
    """Return the error for a database file that cannot be read, written or created, with the message of SQLite."""
    folder = Path(path).parent
    if not Path(path).exists() and not os.access(folder, os.W_OK | os.X_OK):
        return ConfigurationError("folder_not_writable", folder=str(folder))
    return ConfigurationError("database_file_unusable", file=path, message=message)


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
        "auto_vacuum = INCREMENTAL",  # effective only in a new file: free pages can be returned in small steps
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
        "temp_store = MEMORY",
        "journal_size_limit = 67108864",  # bytes: shrinks the WAL file after a large plan
    ):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin_sqlite(connection: sa.Connection) -> None:
    """Take the write lock at the start of a writing transaction. SQLite may refuse to upgrade a read lock later."""
    writing = connection.get_execution_options().get("writing", False)
    connection.connection.cursor().execute("BEGIN IMMEDIATE" if writing else "BEGIN").close()


def _migrate(connection: sa.Connection) -> None:
    if connection.dialect.name == "postgresql":  # SQLite already holds its only write lock
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(MIGRATION_LOCK)))
    revision, revisions = _revision(connection), known_revisions()
    if revision == revisions[0]:
        return
    if revision is not None and revision not in revisions:
        raise ConfigurationError("database_too_new", found=revision, known=revisions[0])
    from alembic import command  # noqa: PLC0415 - imported only to migrate: it takes as long as the rest of a command
    from alembic.config import Config  # noqa: PLC0415 - likewise

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    with _migration_lock:
        command.upgrade(config, "head")


def known_revisions() -> list[str]:
    """Return the revisions of the schema that this version knows, the newest first.

    A file of a migration begins with the number of its revision.
    """
    numbers = (file.name.partition("_")[0] for file in (MIGRATIONS / "versions").glob("[0-9]*.py"))
    return sorted(numbers, reverse=True)


def _revision(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()


def _instance(connection: sa.Connection) -> str:
    existing_id = connection.execute(sa.select(tables.instance.c.id)).scalar()
    if existing_id is not None:
        return str(existing_id)
    new_id = str(uuid.uuid4())
    connection.execute(tables.instance.insert().values(id=new_id))
    return new_id


@contextmanager
def translated_errors(address: sa.URL) -> Iterator[None]:
    """Translate database errors into errors of this project. Violations of constraints pass unchanged."""
    try:
        yield
    except (DBAPIError, sqlite3.Error) as error:
        translated = _translate_error(error, address)
        if translated is None:
            raise
        raise translated from None  # the original error shows statements with values
    except NoSuchModuleError:
        raise _invalid_url_error("expected_driver") from None


def _translate_error(error: Exception, address: sa.URL) -> IntegrationError | None:
    origin: Any = getattr(error, "orig", None) or error
    text = str(origin).lower()
    if "is locked" in text or "is busy" in text:
        return _lock_error(address)
    if "is full" in text or "no space left" in text or ("disk i/o" in text and _is_full(address)):
        return UnavailableError("disk_full", free=f"{_free_bytes(address) // 1000000} MB", needed=ROOM_NEEDED)
    if address.get_backend_name() == "sqlite":
        return file_unusable(address.database or "", str(origin)) if _is_unreadable(text) else None
    if any(sign in text for sign in ("invalid connection option", "bad value for", "invalid port", "invalid sslmode")):
        return _invalid_url_error("expected_port")
    is_user_unknown = "password authentication" in text or (
        "does not exist" in text and isinstance(error, OperationalError)
    )
    if is_user_unknown:
        return _invalid_url_error("expected_user")
    if getattr(origin, "sqlstate", None) in UNUSABLE_STATES:
        facts = {"database": address.database or "", "host": address.host or ""}
        return ConfigurationError("database_unusable", **facts, message=origin.diag.message_primary or "")
    if isinstance(error, OperationalError) or (isinstance(error, DBAPIError) and error.connection_invalidated):
        return UnavailableError("database_unreachable", host=address.host or "")
    return None


def _lock_error(address: sa.URL) -> IntegrationError:
    holder = suspended_holder(Path(address.database or "")) if address.get_backend_name() == "sqlite" else None
    if holder is None:
        return UnavailableError("database_locked")
    return UnavailableError("database_held", process=str(holder))


def _is_unreadable(text: str) -> bool:
    signs = ("not a database", "malformed", "unable to open", "readonly", "disk i/o", "no such table")
    return any(sign in text for sign in signs)


def _is_full(address: sa.URL) -> bool:
    """Return True if the disk is too full for the files SQLite creates on opening. SQLite reports only an I/O error."""
    return _free_bytes(address) < ROOM_BESIDE


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
    """Insert rows, or update existing rows with the same primary key.

    All rows must have the same columns. `keep` names columns that are not changed in an existing row.
    """
    if rows:
        _upsert(table, connection.dialect.name, tuple(rows[0]), frozenset(keep)).execute_many(connection, rows)


@cache
def _upsert(table: sa.Table, dialect_name: str, columns: tuple[str, ...], keep: frozenset[str]) -> PreparedStatement:
    """Return the cached statement for rows of these columns. Building it takes longer than executing it once."""
    statement = dialect_insert(dialect_name, table)
    keys = [column.name for column in table.primary_key]
    replaced = {name: statement.excluded[name] for name in columns if name not in keys and name not in keep}
    if replaced:
        return PreparedStatement(statement.on_conflict_do_update(index_elements=keys, set_=replaced).inline(), *columns)
    return PreparedStatement(statement.on_conflict_do_nothing(index_elements=keys).inline(), *columns)


def batches(values: Collection[T], size: int = AT_ONCE) -> Iterator[list[T]]:
    """Yield the distinct values in batches that fit into one statement."""
    distinct = list(dict.fromkeys(values))
    for start in range(0, len(distinct), size):
        yield distinct[start : start + size]


def rows_with_keys(
    connection: sa.Connection, statement: sa.Select[Any], column: sa.ColumnElement[Any], values: Collection[Any]
) -> Iterator[sa.Row[Any]]:
    """Yield the rows of a query whose column has one of these values, in the current transaction."""
    query = statement.where(_is_one_of(column, connection.dialect.name))
    for batch in batches(values, MAX_LIST_VALUES):
        yield from connection.execute(query, {"listed": batch})


class PreparedKeyQuery:
    """A prepared query for the rows whose column has one of many values.

    Like `rows_with_keys`, but prepared once, with further bound parameters. Use `in_clause` for fixed lists of values
    within the query.
    """

    def __init__(self, statement: sa.Select[Any], column: sa.ColumnElement[Any]) -> None:
        self._statement, self._column = statement, column
        self._statements: dict[str, PreparedStatement] = {}

    def rows(self, connection: sa.Connection, values: Values, wanted_values: Collection[Any]) -> Iterator[Any]:
        """Yield the rows whose column has one of the values in `wanted_values`, in the current transaction."""
        ready = self._statement_for(connection.dialect)
        for batch in batches(wanted_values, MAX_LIST_VALUES):
            yield from ready.rows(connection, {**values, "listed": batch})

    def rows_without_transaction(
        self, connection: sa.Connection, values: Values, wanted_values: Collection[Any]
    ) -> list[Any]:
        """Return the rows without a transaction. `wanted_values` may have at most MAX_LIST_VALUES values."""
        return self._statement_for(connection.dialect).rows_without_transaction(
            connection, {**values, "listed": list(dict.fromkeys(wanted_values))}
        )

    def _statement_for(self, dialect: sa.Dialect) -> PreparedStatement:
        if dialect.name not in self._statements:
            self._statements[dialect.name] = PreparedStatement(
                self._statement.where(_is_one_of(self._column, dialect.name))
            )
        return self._statements[dialect.name]


def in_clause(column: sa.ColumnElement[Any], values: Collection[Any]) -> sa.ColumnElement[bool]:
    """Return an IN condition with one parameter for each value, so that the query can be prepared."""
    return column.in_([sa.literal(value, column.type) for value in values])


def _is_one_of(column: sa.ColumnElement[Any], dialect_name: str) -> sa.ColumnElement[bool]:
    """Return the condition that a column has one of the values in the parameter `listed`.

    One list parameter takes a third of the time of one parameter for each value.
    """
    if dialect_name == "postgresql":
        return column == sa.any_(sa.bindparam("listed", type_=sa.ARRAY(column.type)))
    json_values = sa.func.json_each(sa.bindparam("listed", type_=sa.JSON)).table_valued("value")
    return column.in_(sa.select(json_values.c.value))


class SharedClock:
    """The clock of the database server, shared by all processes, because clocks of two machines always differ slightly.

    The clock is read every few seconds and extrapolated in between, including time that the machine was asleep.
    `machine` is the clock of this machine. It is used for SQLite.
    """

    def __init__(self, database: Database, machine: Clock) -> None:
        self._database = database
        self._machine = machine
        self._lock = threading.Lock()
        self._read_at: float | None = None
        self._database_time = machine()

    def __call__(self) -> datetime:
        """Return the current time."""
        if self._database.engine.dialect.name != "postgresql":
            return self._machine()
        with self._lock:
            passed = None if self._read_at is None else boottime_seconds() - self._read_at
            if passed is None or passed > CLOCK_SECONDS:
                self._read_at = boottime_seconds()
                self._database_time = self._database.scalar(sa.select(sa.func.clock_timestamp())).astimezone(UTC)
                passed = 0.0
            return self._database_time + timedelta(seconds=passed)


ConnectionWrite = Callable[[sa.Connection, str], None]
"""Stores or deletes additional data under a name, in the current transaction."""


class Store:
    """Base class of stores, with a database and a clock for times of changes."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self.database = database
        self.clock = clock
