"""The DuckDB file of the log. Only the log process opens it.

The module is longer than others because everything in it uses the one connection that may be open.
"""

from __future__ import annotations

import re
import shutil
import threading
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import duckdb
import pyarrow as pa

from integration.core.errors import ConfigurationError, UnavailableError
from integration.log import erasure, pruning
from integration.log.bounds import MAX_VALUES, count_values
from integration.log.events import COLUMNS, log_row
from integration.log.sql_allowlist import QueryError
from integration.log.statements import queries
from integration.log.user_queries import query_error, require_allowed

if TYPE_CHECKING:
    from integration.core.erasure import DataSubject

T = TypeVar("T")

QUERIES = Path(__file__).with_name("queries.sql")

MACROS = (
    "words", "mark_of", "mark_of_key", "plainly", "names_in", "ago", "planned_levels", "proven_levels",
    "planned_groups",
)  # fmt: skip
# Tables for charts of stock, filled from incoming events, and the macro that fills each.
EXTRACTS = {"stock_plans": "planned_levels", "stock_proofs": "proven_levels", "group_plans": "planned_groups"}
VIEWS = (  # in order of creation
    "view_article_units", "view_levels", "view_movements", "view_paces", "view_article_groups",
)  # fmt: skip

_MAKE = """
CREATE TABLE IF NOT EXISTS events (
    instance VARCHAR NOT NULL, id BIGINT NOT NULL, happened_at TIMESTAMP NOT NULL, run VARCHAR, flow VARCHAR,
    kind VARCHAR, key VARCHAR, sources VARCHAR[], title VARCHAR, event VARCHAR NOT NULL, code VARCHAR,
    facts VARCHAR, before VARCHAR, after VARCHAR, ms BIGINT, mark UBIGINT USING COMPRESSION uncompressed
);
CREATE TABLE IF NOT EXISTS drained (instance VARCHAR NOT NULL, id BIGINT NOT NULL);
CREATE TABLE IF NOT EXISTS records (
    flow VARCHAR, kind VARCHAR, key VARCHAR, title VARCHAR, sources VARCHAR[], words VARCHAR, mark UBIGINT
);
CREATE TABLE IF NOT EXISTS known (
    flow VARCHAR, kind VARCHAR, key VARCHAR, title VARCHAR, type VARCHAR, value VARCHAR, plain VARCHAR, mark UBIGINT
);
CREATE TABLE IF NOT EXISTS naming (place BIGINT NOT NULL);
CREATE TABLE IF NOT EXISTS stock_plans (
    run VARCHAR, article VARCHAR, title VARCHAR, branch VARCHAR, found_at TIMESTAMP, found DECIMAL(18, 3),
    wanted DECIMAL(18, 3), unit VARCHAR
);
CREATE TABLE IF NOT EXISTS stock_proofs (run VARCHAR, article VARCHAR, written_at TIMESTAMP);
CREATE TABLE IF NOT EXISTS group_plans (article VARCHAR, happened_at TIMESTAMP, groups VARCHAR[]);
CREATE TABLE IF NOT EXISTS past (
    day DATE, flow VARCHAR, kind VARCHAR, event VARCHAR, code VARCHAR, events BIGINT
);
CREATE TABLE IF NOT EXISTS gone (events BIGINT);
"""
NAMED_AT_ONCE = 100_000  # events of a backup per step that are searched for names
ROWS_AT_ONCE = 2_048  # per batch of a result, as DuckDB returns them
EXPORTED_AT_ONCE = 100_000
ATTEMPTS = 3
USER_QUERY_SECONDS = 5.0  # time limit of a user query
MAX_BYTES = 100_000_000  # of one result
_OWNER = re.compile(r"PID (\d+)")
_BROKEN = re.compile(  # only at the beginning, because a user query may contain these words
    "^Corrupt database file"
    "|^IO Error: .*(not a valid DuckDB|Could not read enough bytes|file with version number|replaying WAL)"
)
_BROKEN_AT_ONCE = re.compile("^(Serialization|INTERNAL) Error")  # means a broken file only while it is opened
_NO_MEMORY = re.compile("^Out of Memory|^[^:]* Error: Memory allocation failure")
_MID_ANSWER = (OSError, pa.ArrowException)  # errors of Arrow and DuckDB between two batches of a result


class LogFile:
    """The log file, opened on first use.

    Every method may raise ConfigurationError `log_owned_elsewhere` if another process holds the file or `log_broken` if
    it cannot be read, and UnavailableError `disk_full`. Thread-safe.
    """

    def __init__(self, path: Path, *, memory: str, threads: int) -> None:
        self.path = path
        self._memory = memory
        self._settings: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": memory,
            "max_temp_directory_size": "1GB",
            "threads": str(threads),
            "enable_external_access": "false",
            "python_enable_replacements": "false",
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "lock_configuration": "true",
        }
        self._queries = queries(QUERIES.read_text(encoding="utf-8"))
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._lock = threading.Condition()  # notified when a cursor is closed
        self._cursors = 0
        self._store_lock = threading.Lock()
        self._arrived_batches: list[pa.Table] | None = None  # batches received since compaction of the file began
        self._user_query_count = 0
        self._user_queries_idle = threading.Condition()

    def open(self) -> None:
        """Open the file, and create it if necessary."""
        with self._cursor():
            pass

    def close(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    @contextmanager
    def _cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Return a cursor for this thread, because two threads must not share a connection."""
        with self._translated_errors():
            with self._lock:
                if self._connection is None:
                    self._connection = self._connected()
                cursor = self._connection.cursor()
                self._cursors += 1
            try:
                yield cursor
            finally:
                cursor.close()
                with self._lock:
                    self._cursors -= 1
                    self._lock.notify_all()

    def has_fatal_error(self) -> bool:
        """Return True if DuckDB refuses further work on the open file, as it does after a fatal error."""
        with self._lock:
            if self._connection is None:
                return False
            try:
                self._connection.cursor().execute("SELECT 1").close()
            except duckdb.FatalException:
                return True
            except duckdb.Error:
                return False  # some other error, which the next request will report
            return False

    def _connected(self) -> duckdb.DuckDBPyConnection:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        connection = duckdb.connect(str(self.path), config=self._settings)
        try:
            self._create_schema(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _create_schema(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Create missing tables, macros and views, and fill tables derived from events if they are empty."""
        connection.execute(_MAKE)
        for name in (*MACROS, *VIEWS):
            connection.execute(self._queries[name])
        if not connection.execute("SELECT 1 FROM records LIMIT 1").fetchall():
            connection.execute(self._queries["records"])
        connection.execute(self._queries["naming_begun"])
        for table in EXTRACTS:
            if not connection.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchall():  # noqa: S608 - our names
                _fill_table(connection, table, "events")

    @contextmanager
    def _translated_errors(self) -> Iterator[None]:
        """Translate errors of DuckDB into errors of this project if a person can act on them."""
        try:
            yield
        except (duckdb.Error, *_MID_ANSWER) as error:
            text = str(error)
            if "Could not set lock" in text:
                owner = _OWNER.search(text)
                process = _console_of(int(owner[1])) if owner else "?"
                raise ConfigurationError("log_owned_elsewhere", process=process) from None
            if "No space left" in text:
                free = f"{shutil.disk_usage(self.path.parent).free // 1_000_000} MB"
                raise UnavailableError("disk_full", free=free, needed="100 MB") from error
            if _BROKEN.search(text) or (self._connection is None and _BROKEN_AT_ONCE.search(text)):
                raise ConfigurationError("log_broken", file=str(self.path)) from error
            if isinstance(error, duckdb.IOException) and self._connection is None:
                raise ConfigurationError(
                    "setting_invalid", setting=str(self.path), expected="expected_duckdb"
                ) from None
            raise

    @contextmanager
    def _counted_user_query(self) -> Iterator[None]:
        """Count a user query as running during the block, so that internal work can wait for its end."""
        with self._user_queries_idle:
            self._user_query_count += 1
        try:
            yield
        finally:
            with self._user_queries_idle:
                self._user_query_count -= 1
                self._user_queries_idle.notify_all()

    def _retry_without_user_queries(self, work: Callable[[], T]) -> T:
        """Run internal work. If memory runs out, wait until no user query is running, and retry."""
        for _ in range(ATTEMPTS):
            try:
                return work()
            except (duckdb.OutOfMemoryException, MemoryError):
                with self._user_queries_idle:
                    self._user_queries_idle.wait_for(lambda: not self._user_query_count, USER_QUERY_SECONDS)
        return work()

    # ---- events ----------------------------------------------------------------------------------------------------

    def take(self, instance: str, events: Sequence[Mapping[str, Any]]) -> None:
        """Store events of a database with their ids. Events whose ids are stored already are skipped."""
        self._retry_without_user_queries(lambda: self._store_events(instance, events))

    def _store_events(self, instance: str, events: Sequence[Mapping[str, Any]]) -> None:
        with self._store_lock, self._cursor() as cursor:
            taken_ids = self._stored_ids(cursor, instance)
            fresh = [log_row(event, instance) for event in events if event["id"] not in taken_ids]
            if not fresh:
                return
            batch = pa.Table.from_pylist(fresh, schema=COLUMNS)
            cursor.register("batch", batch)
            cursor.execute("BEGIN TRANSACTION")
            try:
                cursor.execute(self._queries["new_events"])
                cursor.execute(self._queries["new_records"])
                cursor.execute("INSERT INTO known FROM names_in('batch')")
                for table in EXTRACTS:
                    _fill_table(cursor, table, "batch")
                cursor.execute("INSERT INTO drained SELECT instance, id FROM batch")
                cursor.execute("COMMIT")
                if self._arrived_batches is not None:
                    self._arrived_batches.append(batch)
            except duckdb.Error:
                with suppress(duckdb.Error):  # a failed commit has already ended the transaction
                    cursor.execute("ROLLBACK")
                raise
            finally:
                cursor.unregister("batch")

    def index_search_keys(self) -> bool:
        """Search a batch of events of a backup for names of records, and return whether all have been searched.

        Incoming events are searched at once. A restored log catches up with this method, the newest events first.
        """
        with self._store_lock, self._cursor() as cursor:
            return self._retry_without_user_queries(lambda: self._is_fully_named(cursor))

    @staticmethod
    def _is_fully_named(cursor: duckdb.DuckDBPyConnection) -> bool:
        ((place,),) = cursor.execute("SELECT min(place) FROM naming").fetchall()
        if place <= 0:
            return True
        begin = place - NAMED_AT_ONCE
        part = cursor.sql("FROM events WHERE rowid >= ? AND rowid < ?", params=[begin, place]).to_arrow_table()
        cursor.register("part", part)
        cursor.execute("BEGIN TRANSACTION")
        try:
            cursor.execute("INSERT INTO known FROM names_in('part')")
            cursor.execute("UPDATE naming SET place = ?", [max(0, begin)])
            cursor.execute("COMMIT")
        except duckdb.Error:
            with suppress(duckdb.Error):
                cursor.execute("ROLLBACK")
            raise
        finally:
            cursor.unregister("part")
        return bool(begin <= 0)

    def stored_event_ids(self, instance: str) -> list[int]:
        """Return the stored ids of a database."""
        with self._cursor() as cursor:
            return sorted(self._retry_without_user_queries(lambda: self._stored_ids(cursor, instance)))

    def settle(self, instance: str) -> None:
        """Delete the stored ids of a database, because its outbox no longer has these events."""
        with self._cursor() as cursor:
            self._retry_without_user_queries(
                lambda: cursor.execute("DELETE FROM drained WHERE instance = ?", [instance])
            )

    @staticmethod
    def _stored_ids(cursor: duckdb.DuckDBPyConnection, instance: str) -> set[int]:
        rows = cursor.execute("SELECT id FROM drained WHERE instance = ?", [instance]).fetchall()
        return {int(number) for (number,) in rows}

    # ---- answers ---------------------------------------------------------------------------------------------------

    def answer(self, query: str, where: str, parameters: Mapping[str, object]) -> pa.Table:
        """Return the result of a query of `queries.sql`. `where` is the condition of queries with a placeholder."""
        sql = self._queries[query].replace("{where}", where)
        with self._cursor() as cursor:
            return self._retry_without_user_queries(lambda: cursor.sql(sql, params=dict(parameters)).to_arrow_table())

    def ask(self, sql: str, seconds: float, rows: int) -> tuple[pa.Table, bool]:
        """Return the result of an analyst's SELECT, and whether there were more rows; see `Logbook.ask`."""
        with self._counted_user_query(), self._cursor() as cursor:
            timer = threading.Timer(seconds, cursor.interrupt)
            try:
                timer.start()
                require_allowed(cursor, sql)
                result = self._first_rows(_read_only_query(cursor, sql).to_arrow_reader(ROWS_AT_ONCE), rows + 1)
            except duckdb.InterruptException:
                raise QueryError("query_slow", seconds=f"{seconds:g}") from None
            except (duckdb.OutOfMemoryException, MemoryError, RuntimeError):  # RuntimeError: no thread could be started
                raise QueryError("query_large", memory=self._memory) from None
            except (duckdb.Error, *_MID_ANSWER) as error:
                raise self._user_query_failure(sql, error, seconds) from None
            finally:
                timer.cancel()
                if timer.ident is not None:
                    timer.join()
        return result.slice(0, rows), result.num_rows > rows

    def _first_rows(self, parts: pa.RecordBatchReader, rows: int) -> pa.Table:
        """Return the first rows of a result. Raises QueryError if the result is too large."""
        batches: list[pa.RecordBatch] = []
        row_count, size, values = 0, 0, 0
        for part in parts:
            batches.append(part)
            row_count, size, values = row_count + part.num_rows, size + part.nbytes, values + count_values(part)
            if size > MAX_BYTES:
                raise QueryError("query_large", memory=f"{MAX_BYTES // 1_000_000} MB")
            if values > MAX_VALUES:
                raise QueryError("query_values", limit=str(MAX_VALUES))
            if row_count >= rows:
                break
        return pa.Table.from_batches(batches, parts.schema)

    def _user_query_failure(self, sql: str, error: Exception, seconds: float) -> Exception:
        """Return the error of a user query as a QueryError, or unchanged if the file is broken."""
        text = str(error)
        if _BROKEN.search(text):
            return error
        if text.startswith("INTERRUPT"):
            return QueryError("query_slow", seconds=f"{seconds:g}")
        if _NO_MEMORY.search(text):
            return QueryError("query_large", memory=self._memory)
        return query_error(sql, error)

    def export(self) -> Iterator[pa.Table]:
        """Yield the whole log in batches. The first may be empty; it has the columns."""
        with self._cursor() as cursor:
            parts = cursor.sql(self._queries["all"]).to_arrow_reader(EXPORTED_AT_ONCE)
            yield parts.schema.empty_table()
            for part in parts:
                yield pa.Table.from_batches([part])

    def copy(self, path: Path, instance: str, until: int, waiting: Sequence[tuple[int, int]]) -> Iterator[int]:
        """Write a new log file that matches a copy of the database, and yield the number of events copied so far.

        See `Logbook.copy`. Tables derived from events are filled when the new file is first opened.
        """
        path.unlink(missing_ok=True)
        with self._cursor() as cursor, closing(duckdb.connect(str(path), config=self._settings)) as to:
            to.execute(_MAKE)
            cursor.execute("BEGIN TRANSACTION READ ONLY")
            exported = cursor.sql("SELECT * FROM events WHERE instance <> ? OR id <= ?", params=[instance, until])
            copied = 0
            for part in exported.to_arrow_reader(EXPORTED_AT_ONCE):
                to.register("batch", pa.Table.from_batches([part]))
                to.execute("INSERT INTO events SELECT * FROM batch")
                copied += part.num_rows
                yield copied
            _copy_daily_counts(cursor, to)
            for first, last in waiting:
                drained_query = "SELECT instance, id FROM events WHERE instance = ? AND id BETWEEN ? AND ?"
                to.execute(f"INSERT INTO drained {drained_query}", [instance, first, last])
            yield copied

    def prune(self, before: datetime, share: float) -> Iterator[int]:
        """Delete events before a time, keeping counts by day. Yields their number. Compacts the file if worthwhile.

        The file is compacted if the deleted events are at least `share` of the remaining ones. Other calls wait only
        for the end of the compaction.
        """
        with self._store_lock, self._cursor() as cursor:
            deleted = self._retry_without_user_queries(lambda: pruning.prune(cursor, before, self._queries))
            pays = pruning.is_worth_compacting(cursor, share)
        yield deleted
        if pays:
            for _ in self._compact():
                yield deleted

    def count_events_before(self, before: datetime) -> int:
        """Return how many events happened before a time."""
        with self._cursor() as cursor:
            result = cursor.execute("SELECT count(*) FROM events WHERE happened_at < ?", [before]).fetchall()
        return int(result[0][0])

    def erase(self, person: DataSubject) -> Iterator[int]:
        """Erase a person from the events, compact the file, and yield the number of changed events.

        Raises UnavailableError `log_away` if running user queries prevent the compaction.
        """
        with self._store_lock, self._cursor() as cursor:
            erased_count = self._retry_without_user_queries(lambda: erasure.erase_person(cursor, person, self._queries))
        for _ in range(ATTEMPTS):
            rewrite = self._compact()
            while True:
                try:
                    next(rewrite)
                except StopIteration as end:
                    if end.value:
                        yield erased_count
                        return
                    break
                yield erased_count
        raise UnavailableError("log_away")

    def events_about(self, person: DataSubject) -> pa.Table:

        with self._cursor() as cursor:
            events = [
                event for _, event in self._retry_without_user_queries(lambda: erasure.events_about(cursor, person))
            ]
        return pa.Table.from_pylist(events, schema=COLUMNS)

    def _compact(self) -> Generator[None, None, bool]:
        """Write a compacted copy of the file and replace the original with it. Yields from time to time.

        Returns False if running user queries prevent the replacement.
        """
        fresh = self.path.with_name(f"{self.path.name}.fresh")
        pruning.remove(fresh)
        try:
            with closing(duckdb.connect(str(fresh), config=self._settings)) as to:
                to.execute(_MAKE)
                with self._cursor() as cursor:
                    with self._store_lock:
                        parts = pruning.snapshot(cursor)
                        self._arrived_batches = []
                    for part in parts:
                        pruning.add_rows(to, "events", pa.Table.from_batches([part]))
                        yield
                with self._lock:
                    if not self._lock.wait_for(lambda: self._cursors == 0, USER_QUERY_SECONDS) or not self._connection:
                        return False
                    to.execute(self._queries["mark_of_key"])
                    for batch in self._arrived_batches:
                        to.register("batch", batch)
                        to.execute(self._queries["new_events"])
                    pruning.copy_others(self._connection, to)
                    to.close()
                    self._connection.close()
                    self._connection = None
                    is_whole = not self.path.with_name(
                        f"{self.path.name}.wal"
                    ).exists()  # otherwise the old file has newer data
                    if is_whole:
                        fresh.replace(self.path)
                    return is_whole
        finally:
            self._arrived_batches = None
            pruning.remove(fresh)


def _copy_daily_counts(cursor: duckdb.DuckDBPyConnection, to: duckdb.DuckDBPyConnection) -> None:
    """Copy the daily counts of deleted events."""
    pruning.add_rows(to, "past", cursor.sql("SELECT * FROM past").to_arrow_table())


def _read_only_query(cursor: duckdb.DuckDBPyConnection, sql: str) -> duckdb.DuckDBPyRelation:
    """Return the query of a user query, which is not executed yet."""
    cursor.execute("BEGIN TRANSACTION READ ONLY")
    try:
        return cursor.sql(sql)
    except duckdb.ProgrammingError:  # executed as a statement, it fails with the position of the error
        cursor.execute("ROLLBACK")
        cursor.execute("BEGIN TRANSACTION READ ONLY")
        cursor.execute(sql)
        raise


def _fill_table(connection: duckdb.DuckDBPyConnection, table: str, events: str) -> None:
    """Fill one of the derived tables from a table of events."""
    connection.execute(f"INSERT INTO {table} FROM {EXTRACTS[table]}('{events}')")


def _console_of(process: int) -> str:
    """Return the process id of the console that owns a log process, or `process` itself if it is no log process."""
    with suppress(OSError, IndexError, ValueError):  # not Linux, or the process has ended
        place = Path("/proc") / str(process)
        if b"integration.log" in (place / "cmdline").read_bytes():
            return (place / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()[1]
    return str(process)
