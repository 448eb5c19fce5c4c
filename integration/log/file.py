"""The file of the log, as the one process that opens it reads and writes it."""

from __future__ import annotations

import json
import re
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import duckdb
import pyarrow as pa

from integration.core.errors import ConfigurationError, UnavailableError
from integration.log.allowed import QuestionError
from integration.log.questions import require_allowed, wrong
from integration.log.statements import queries

T = TypeVar("T")

QUERIES = Path(__file__).with_name("queries.sql")

MACROS = ("words", "mark_of", "ago", "planned_levels", "proven_levels", "planned_groups")
# What charts of stock are drawn from, taken out of events as they come in: the table, and the macro that fills it.
EXTRACTS = {"stock_plans": "planned_levels", "stock_proofs": "proven_levels", "group_plans": "planned_groups"}
VIEWS = ("view_levels", "view_movements", "view_paces", "view_article_groups")  # made in this order

_MAKE = """
CREATE TABLE IF NOT EXISTS events (
    instance VARCHAR NOT NULL, id BIGINT NOT NULL, happened_at TIMESTAMP NOT NULL, run VARCHAR, flow VARCHAR,
    kind VARCHAR, key VARCHAR, sources VARCHAR[], title VARCHAR, event VARCHAR NOT NULL, code VARCHAR,
    facts VARCHAR, before VARCHAR, after VARCHAR, ms BIGINT
);
CREATE TABLE IF NOT EXISTS drained (instance VARCHAR NOT NULL, id BIGINT NOT NULL);
CREATE TABLE IF NOT EXISTS records (
    flow VARCHAR, kind VARCHAR, key VARCHAR, title VARCHAR, sources VARCHAR[], words VARCHAR, mark UBIGINT
);
CREATE TABLE IF NOT EXISTS stock_plans (
    run VARCHAR, article VARCHAR, title VARCHAR, branch VARCHAR, found_at TIMESTAMP, found DECIMAL(18, 3),
    wanted DECIMAL(18, 3)
);
CREATE TABLE IF NOT EXISTS stock_proofs (run VARCHAR, article VARCHAR, written_at TIMESTAMP);
CREATE TABLE IF NOT EXISTS group_plans (article VARCHAR, happened_at TIMESTAMP, groups VARCHAR[]);
"""
_COLUMNS = pa.schema(
    [
        ("instance", pa.string()), ("id", pa.int64()), ("happened_at", pa.timestamp("us")), ("run", pa.string()),
        ("flow", pa.string()), ("kind", pa.string()), ("key", pa.string()), ("sources", pa.list_(pa.string())),
        ("title", pa.string()), ("event", pa.string()), ("code", pa.string()), ("facts", pa.string()),
        ("before", pa.string()), ("after", pa.string()), ("ms", pa.int64()),
    ]
)  # fmt: skip

ROWS_AT_ONCE = 2_048  # of an answer, as DuckDB hands them out
EXPORTED_AT_ONCE = 100_000
ATTEMPTS = 3
QUESTION_SECONDS = 5.0  # a question is over by then
MOST_BYTES = 100_000_000  # of one answer
_OWNER = re.compile(r"PID (\d+)")
_BROKEN = re.compile(  # from its beginning: a question may hold any of these words
    "^Corrupt database file"
    "|^IO Error: .*(not a valid DuckDB|Could not read enough bytes|file with version number|replaying WAL)"
)
_BROKEN_AT_ONCE = re.compile("^(Serialization|INTERNAL) Error")  # a question may come to these in a file that is well
_MID_ANSWER = (OSError, pa.ArrowException)  # how Arrow tells of what DuckDB met between two parts of an answer


class LogFile:
    """The log in one file, opened when it is first needed.

    Every method may raise ConfigurationError `log_owned_elsewhere` when another process holds the file or `log_broken`
    when it cannot be read, and UnavailableError `disk_full`. Safe to use from several threads.
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
        self._lock = threading.Lock()
        self._asked = 0
        self._none_asked = threading.Condition()

    def open(self) -> None:
        """Take the file, making it if need be."""
        with self._cursor():
            pass

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    @contextmanager
    def _cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A cursor for this thread; one connection must not be used by two."""
        with self._in_our_words():
            with self._lock:
                if self._connection is None:
                    self._connection = self._connected()
                cursor = self._connection.cursor()
            try:
                yield cursor
            finally:
                cursor.close()

    def _connected(self) -> duckdb.DuckDBPyConnection:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        made = duckdb.connect(str(self.path), config=self._settings)
        try:
            self._make(made)
        except BaseException:
            made.close()
            raise
        return made

    def _make(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Make what a file does not have yet, and fill it from its events."""
        connection.execute(_MAKE)
        for name in (*MACROS, *VIEWS):
            connection.execute(self._queries[name])
        if connection.execute("SELECT 1 FROM records LIMIT 1").fetchone() is None:
            connection.execute(self._queries["records"])
        for table in EXTRACTS:
            if connection.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone() is None:  # noqa: S608 - our names
                _extract(connection, table, "events")

    @contextmanager
    def _in_our_words(self) -> Iterator[None]:
        """Turn what DuckDB complains about into one of our errors where a person can do something about it."""
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
    def _asking(self) -> Iterator[None]:
        """Count a question of a person for the block."""
        with self._none_asked:
            self._asked += 1
        try:
            yield
        finally:
            with self._none_asked:
                self._asked -= 1
                self._none_asked.notify_all()

    def _with_room(self, work: Callable[[], T]) -> T:
        """Do what the console needs, again after the questions that left no memory for it."""
        for _ in range(ATTEMPTS):
            try:
                return work()
            except (duckdb.OutOfMemoryException, MemoryError):
                with self._none_asked:
                    self._none_asked.wait_for(lambda: not self._asked, QUESTION_SECONDS)
        return work()

    # ---- events ----------------------------------------------------------------------------------------------------

    def take(self, instance: str, events: Sequence[Mapping[str, Any]]) -> None:
        """Bring in events of a database, and remember their ids; those remembered already are not brought in again."""
        self._with_room(lambda: self._take(instance, events))

    def _take(self, instance: str, events: Sequence[Mapping[str, Any]]) -> None:
        with self._cursor() as cursor:
            known = self._taken(cursor, instance)
            fresh = [_shaped(event, instance) for event in events if event["id"] not in known]
            if not fresh:
                return
            cursor.register("batch", pa.Table.from_pylist(fresh, schema=_COLUMNS))
            cursor.execute("BEGIN TRANSACTION")
            try:
                cursor.execute("INSERT INTO events SELECT * FROM batch")
                cursor.execute(self._queries["new_records"])
                for table in EXTRACTS:
                    _extract(cursor, table, "batch")
                cursor.execute("INSERT INTO drained SELECT instance, id FROM batch")
                cursor.execute("COMMIT")
            except duckdb.Error:
                with suppress(duckdb.Error):  # a commit that failed has ended the transaction itself
                    cursor.execute("ROLLBACK")
                raise
            finally:
                cursor.unregister("batch")

    def taken(self, instance: str) -> list[int]:
        """Return the ids that are remembered of a database."""
        with self._cursor() as cursor:
            return sorted(self._with_room(lambda: self._taken(cursor, instance)))

    def settle(self, instance: str) -> None:
        """Remember no ids of a database any more: its outbox has them no longer."""
        with self._cursor() as cursor:
            self._with_room(lambda: cursor.execute("DELETE FROM drained WHERE instance = ?", [instance]))

    @staticmethod
    def _taken(cursor: duckdb.DuckDBPyConnection, instance: str) -> set[int]:
        rows = cursor.execute("SELECT id FROM drained WHERE instance = ?", [instance]).fetchall()
        return {int(number) for (number,) in rows}

    # ---- answers ---------------------------------------------------------------------------------------------------

    def answer(self, query: str, where: str, parameters: Mapping[str, object]) -> pa.Table:
        """Return the answer to a query of `queries.sql`; `where` is the condition in those that leave one open."""
        sql = self._queries[query].replace("{where}", where)
        with self._cursor() as cursor:
            return self._with_room(lambda: cursor.sql(sql, params=dict(parameters)).to_arrow_table())

    def ask(self, sql: str, seconds: float, rows: int) -> tuple[pa.Table, bool]:
        """Return the answer to one SELECT of an analyst, and whether there was more; see `Logbook.ask`."""
        with self._asking(), self._cursor() as cursor:
            timer = threading.Timer(seconds, cursor.interrupt)
            try:
                timer.start()
                require_allowed(cursor, sql)
                found = self._first(_only_read(cursor, sql).to_arrow_reader(ROWS_AT_ONCE), rows + 1)
            except duckdb.InterruptException:
                raise QuestionError("question_slow", seconds=f"{seconds:g}") from None
            except (duckdb.OutOfMemoryException, MemoryError, RuntimeError):  # no room for another thread is the last
                raise QuestionError("question_large", memory=self._memory) from None
            except (duckdb.Error, *_MID_ANSWER) as error:
                raise self._complaint(sql, error, seconds) from None
            finally:
                timer.cancel()
                if timer.ident is not None:
                    timer.join()
        return found.slice(0, rows), found.num_rows > rows

    def _first(self, parts: pa.RecordBatchReader, rows: int) -> pa.Table:
        """Return at least so many rows of an answer, or all it has. Raises QuestionError for one that is too large."""
        kept: list[pa.RecordBatch] = []
        found, size = 0, 0
        for part in parts:
            kept.append(part)
            found, size = found + part.num_rows, size + part.nbytes
            if size > MOST_BYTES:
                raise QuestionError("question_large", memory=f"{MOST_BYTES // 1_000_000} MB")
            if found >= rows:
                break
        return pa.Table.from_batches(kept, parts.schema)

    def _complaint(self, sql: str, error: Exception, seconds: float) -> Exception:
        """Return what DuckDB says of a question as one of our errors, or as it is where that is about the file."""
        text = str(error)
        if _BROKEN.search(text):
            return error
        if text.startswith("INTERRUPT"):
            return QuestionError("question_slow", seconds=f"{seconds:g}")
        if text.startswith("Out of Memory"):
            return QuestionError("question_large", memory=self._memory)
        return wrong(sql, error)

    def export(self) -> Iterator[pa.Table]:
        """Yield the whole log in parts; the first may be empty, and tells the columns."""
        with self._cursor() as cursor:
            parts = cursor.sql(self._queries["all"]).to_arrow_reader(EXPORTED_AT_ONCE)
            yield parts.schema.empty_table()
            for part in parts:
                yield pa.Table.from_batches([part])


def _only_read(cursor: duckdb.DuckDBPyConnection, sql: str) -> duckdb.DuckDBPyRelation:
    """Return what a question asks for, not computed yet."""
    cursor.execute("BEGIN TRANSACTION READ ONLY")
    try:
        return cursor.sql(sql)
    except duckdb.ProgrammingError:  # run as a statement, which comes no further either, it is told with its place
        cursor.execute("ROLLBACK")
        cursor.execute("BEGIN TRANSACTION READ ONLY")
        cursor.execute(sql)
        raise


def _extract(connection: duckdb.DuckDBPyConnection, table: str, events: str) -> None:
    """Take out of a table of events what one of the extracts holds."""
    connection.execute(f"INSERT INTO {table} FROM {EXTRACTS[table]}('{events}')")


def _shaped(event: Mapping[str, Any], instance: str) -> dict[str, object]:
    """Return an event as the log keeps it."""
    texts = {name: _json(event[name]) for name in ("facts", "before", "after")}
    return {**event, **texts, "instance": instance, "happened_at": datetime.fromisoformat(event["happened_at"])}


def _json(value: object) -> str | None:
    return None if value is None else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _console_of(process: int) -> str:
    """Return the number of the console whose log a process keeps, or that of the process where it keeps none."""
    with suppress(OSError, IndexError, ValueError):  # no Linux, or gone meanwhile
        place = Path("/proc") / str(process)
        if b"integration.log" in (place / "cmdline").read_bytes():
            return (place / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()[1]
    return str(process)
