"""The log: everything that was read, decided and written, in a DuckDB file that this process alone owns."""

from __future__ import annotations

import json
import re
import shutil
import threading
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import duckdb
import structlog

from integration.core.errors import ConfigurationError, IntegrationError, UnavailableError
from integration.core.records import Kind
from integration.log.harmless import harmless
from integration.log.questions import QuestionError, first_rows, require_select, wrong

if TYPE_CHECKING:  # half a second to import, and most commands of a terminal ask no log
    import pandas as pd
    import pyarrow as pa

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


def naive(moment: datetime) -> datetime:
    """Return a moment as the log keeps it."""
    return moment.astimezone(UTC).replace(tzinfo=None)


def aware(moment: datetime) -> datetime:
    """Return a moment of the log with what it does not say: that it is UTC."""
    return moment.replace(tzinfo=UTC)


# ---- what the file of the log holds --------------------------------------------------------------------------------

MACROS = ("words", "mark_of", "ago", "planned_levels", "proven_levels", "planned_groups")
# What charts of stock are drawn from, taken out of events as they come in: the table, and the macro that fills it.
EXTRACTS = {"stock_plans": "planned_levels", "stock_proofs": "proven_levels", "group_plans": "planned_groups"}

DRAWN = frozenset({Kind.STOCK, Kind.PRODUCT, Kind.GROUP})  # kinds of record that charts of stock are drawn from

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


def _make(connection: duckdb.DuckDBPyConnection, queries: Mapping[str, str]) -> None:
    """Make what a file does not have yet, and fill it from its events."""
    connection.execute(_MAKE)
    for name in (*MACROS, *VIEWS):
        connection.execute(queries[name])
    if connection.execute("SELECT 1 FROM records LIMIT 1").fetchone() is None:
        connection.execute(queries["records"])
    for table in EXTRACTS:
        if connection.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone() is None:  # noqa: S608 - our names
            _extract(connection, table, "events")


def _extract(connection: duckdb.DuckDBPyConnection, table: str, events: str) -> None:
    """Take out of a table of events what one of the extracts holds."""
    connection.execute(f"INSERT INTO {table} FROM {EXTRACTS[table]}('{events}')")


def _moves_levels(event: Mapping[str, object]) -> bool:
    """Tell whether an answer about stock may be another one after an event."""
    return event["event"] in ("planned", "proven") and event["kind"] in DRAWN


def _as_rows(instance: str, events: Sequence[Mapping[str, object]]) -> pa.Table:
    """Return events as the table of the log keeps them."""
    import pyarrow as pa  # noqa: PLC0415 - most processes bring no event in

    text, texts = pa.string(), pa.list_(pa.string())
    columns = [
        ("instance", text), ("id", pa.int64()), ("happened_at", pa.timestamp("us")), ("run", text), ("flow", text),
        ("kind", text), ("key", text), ("sources", texts), ("title", text), ("event", text), ("code", text),
        ("facts", text), ("before", text), ("after", text), ("ms", pa.int64()),
    ]  # fmt: skip

    def shaped(event: Mapping[str, Any]) -> dict[str, object]:
        texts = {name: _json(event[name]) for name in ("facts", "before", "after")}
        return {**event, **texts, "instance": instance, "happened_at": naive(event["happened_at"])}

    return pa.Table.from_pylist([shaped(event) for event in events], schema=pa.schema(columns))


def _json(value: object) -> str | None:
    return None if value is None else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


# ---- the log --------------------------------------------------------------------------------------------------------


log = structlog.get_logger(__name__)

QUERIES = Path(__file__).with_name("queries.sql")
BATCH = 5_000
PAUSE_SECONDS = 0.5
PAUSE_AFTER_TROUBLE_SECONDS = 5.0
EXPORTED_AT_ONCE = 100_000
BYTE_ORDER_MARK = b"\xef\xbb\xbf"  # Excel takes a file without it for one of Windows
_OWNER = re.compile(r"PID (\d+)")
_BROKEN = re.compile(  # from its beginning: a question may hold any of these words
    "^Corrupt database file"
    "|^IO Error: .*(not a valid DuckDB|Could not read enough bytes|file with version number|replaying WAL)"
)
_BROKEN_AT_ONCE = re.compile("^(Serialization|INTERNAL) Error")  # a question may come to these in a file that is well
ASIDE = "broken-"  # how the end of a name begins under which a log is set aside


class Outbox(Protocol):
    """Where events wait until they are in the log. An id never comes back, also when all are taken out."""

    @property
    def instance(self) -> str:
        """The database that gave the ids."""

    def waiting(self, limit: int) -> Sequence[Mapping[str, object]]:
        """Return events by column, the lowest ids first."""

    def forget(self, ids: Collection[int]) -> None:
        """Take out events that are safely in the log."""

    def tell_again(self, file: str) -> None:
        """Let wait again what is still known, since the log that had it is set aside in this file."""


def queries(text: str) -> dict[str, str]:
    """Return the statements of a file by the names above them."""
    parts = re.split(r"^-- name: (\w+)\n", text, flags=re.MULTILINE)
    return {name: body.strip().rstrip(";") for name, body in zip(parts[1::2], parts[2::2], strict=True)}


class Logbook:
    """The log in one file, opened when it is first needed.

    Every method may raise ConfigurationError `log_owned_elsewhere` when another process holds the file or `log_broken`
    when it cannot be read, and UnavailableError `disk_full`. Safe to use from several threads.
    """

    def __init__(self, path: Path, *, memory: str = "512MB", threads: int = 2) -> None:
        self.path = path
        self.levels = 0  # grows whenever stock levels or groups of articles come in
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
        self._is_broken = False
        self._lock = threading.Lock()
        self._draining = threading.Lock()
        self._stop = threading.Event()
        self._drainer: threading.Thread | None = None
        self._drained_at = 0.0  # on the clock of this process

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
            _make(made, self._queries)
        except BaseException:
            made.close()
            raise
        return made

    @contextmanager
    def _in_our_words(self) -> Iterator[None]:
        """Turn what DuckDB complains about into one of our errors where a person can do something about it."""
        try:
            yield
        except duckdb.Error as error:
            text = str(error)
            if "Could not set lock" in text:
                owner = _OWNER.search(text)
                raise ConfigurationError("log_owned_elsewhere", process=owner[1] if owner else "?") from None
            if "No space left" in text:
                free = f"{shutil.disk_usage(self.path.parent).free // 1_000_000} MB"
                raise UnavailableError("disk_full", free=free, needed="100 MB") from error
            if _BROKEN.search(text) or (self._connection is None and _BROKEN_AT_ONCE.search(text)):
                self._is_broken = True
                raise ConfigurationError("log_broken", file=str(self.path)) from error
            if isinstance(error, duckdb.IOException) and self._connection is None:
                raise ConfigurationError(
                    "setting_invalid", setting=str(self.path), expected="expected_duckdb"
                ) from None
            raise

    def aside(self) -> list[str]:
        """Return the names of the files in which broken logs are set aside, the newest first."""
        found = self.path.parent.glob(f"{self.path.name}.{ASIDE}*")
        return sorted((file.name for file in found if not file.name.endswith(".wal")), reverse=True)

    def _mended(self, outbox: Outbox) -> None:
        """Where the file is broken, set it aside and begin anew with what the outbox can still tell."""
        try:
            if not self._is_broken:
                self.open()
                return
        except ConfigurationError as error:
            if error.code != "log_broken":
                raise
        file = self.path.with_name(f"{self.path.name}.{ASIDE}{datetime.now(UTC):%Y%m%d-%H%M%S}")
        log.error("the log could not be read: it is set aside, and a new one is begun", file=str(file))
        outbox.tell_again(file.name)  # first: whoever is killed here finds the broken file again
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None
            for end in (".wal", ""):
                with suppress(FileNotFoundError):
                    self.path.with_name(self.path.name + end).rename(file.with_name(file.name + end))
            self._is_broken = False
        self.open()

    def start(self, outbox: Outbox) -> None:
        """Take the file and drain events in the background until `stop`."""
        self._mended(outbox)
        self._stop.clear()
        self._drained_at = time.monotonic()
        self._drainer = threading.Thread(target=self._drain_on, args=(outbox,), name="log-drainer", daemon=True)
        self._drainer.start()

    def stop(self) -> None:
        """Drain what waits, stop, and let go of the file."""
        self._stop.set()
        if self._drainer is not None:
            self._drainer.join()
            self._drainer = None
        self.close()

    def _drain_on(self, outbox: Outbox) -> None:
        stopping = False
        while not stopping:
            stopping = self._stop.is_set()  # one more round after the signal
            try:
                while self.drain(outbox) == BATCH:
                    self._drained_at = time.monotonic()
                self._drained_at = time.monotonic()
                pause = PAUSE_SECONDS
            except (IntegrationError, duckdb.Error) as error:
                trouble = error.code if isinstance(error, IntegrationError) else "unexpected_error"
                log.warning("the log could not be brought up to date", trouble=trouble, exc_info=True)
                pause = PAUSE_AFTER_TROUBLE_SECONDS
            self._stop.wait(pause)

    def undrained(self) -> float | None:
        """Return for how many seconds no events could be brought in, or None where nobody does that all the time."""
        return None if self._drainer is None else time.monotonic() - self._drained_at

    def drain(self, outbox: Outbox) -> int:
        """Move a batch of events into the log and return how many there were.

        Each comes in exactly once, whatever is killed: the ids of a batch are kept in the transaction that brings it
        in, and taken out of the outbox, again if need be, before the next batch is looked at. No order of ids is
        relied on, because a longer transaction may show lower ones later.
        """
        with self._draining:
            self._mended(outbox)
            return self._drain(outbox)

    def _drain(self, outbox: Outbox) -> int:
        with self._cursor() as cursor:
            self._forget_drained(cursor, outbox)
            events = outbox.waiting(BATCH)
            if not events:
                return 0
            cursor.register("batch", _as_rows(outbox.instance, events))
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
            self.levels += any(map(_moves_levels, events))
            self._forget_drained(cursor, outbox)
            return len(events)

    @staticmethod
    def _forget_drained(cursor: duckdb.DuckDBPyConnection, outbox: Outbox) -> None:
        """Take out of the outbox what the log has, and only then forget that it was taken."""
        ids = cursor.execute("SELECT id FROM drained WHERE instance = ?", [outbox.instance]).fetchall()
        if ids:
            outbox.forget([number for (number,) in ids])
            cursor.execute("DELETE FROM drained WHERE instance = ?", [outbox.instance])

    def answer(self, query: str, where: str = "true", /, **parameters: object) -> pd.DataFrame:
        """Return the answer to a query of `queries.sql`; `where` is the condition in those that leave one open."""
        with self._cursor() as cursor:
            return cursor.execute(self._queries[query].replace("{where}", where), parameters).df()

    def ask(self, sql: str, seconds: float = 2, rows: int = 10_000) -> pd.DataFrame:
        """Return the answer to one SELECT of an analyst, at most `rows` rows; `attrs["cut"]` tells whether more exist.

        Nothing can be changed, and neither files nor the network can be reached. Raises QuestionError:
        `question_refused` for anything but one SELECT, `question_function` for a function that would make values of
        any size, `question_wrong` or, where the place is known, `question_wrong_at` with DuckDB's reason,
        `question_slow` when it took longer than `seconds`, `question_large` when it took more memory than the log has.
        """
        with self._cursor() as cursor:
            timer = threading.Timer(seconds, cursor.interrupt)
            timer.start()
            try:
                require_select(cursor, sql)
                cursor.execute("BEGIN TRANSACTION READ ONLY")
                answer = first_rows(cursor.execute(sql), rows + 1)
            except duckdb.InterruptException:
                raise QuestionError("question_slow", seconds=f"{seconds:g}") from None
            except (duckdb.OutOfMemoryException, MemoryError):
                raise QuestionError("question_large", memory=str(self._settings["memory_limit"])) from None
            except duckdb.Error as error:
                if _BROKEN.search(str(error)):
                    raise
                raise wrong(sql, error) from None
            finally:
                timer.cancel()
                timer.join()
        shown: pd.DataFrame = answer.head(rows)
        shown.attrs["cut"] = len(answer) > rows
        return shown

    def export(self, path: Path) -> int:
        """Write the whole log to a .csv or .parquet file and return its number of events."""
        import pyarrow.csv as pc  # noqa: PLC0415 - as said at the top
        import pyarrow.parquet as pq  # noqa: PLC0415 - likewise

        as_csv = path.suffix.lower() != ".parquet"
        with self._cursor() as cursor, path.open("wb") as file:
            batches = cursor.sql(self._queries["all"]).to_arrow_reader(EXPORTED_AT_ONCE)
            if as_csv:
                file.write(BYTE_ORDER_MARK)
            written = 0
            with pc.CSVWriter(file, batches.schema) if as_csv else pq.ParquetWriter(file, batches.schema) as writer:
                for batch in batches:
                    writer.write_batch(harmless(batch) if as_csv else batch)
                    written += batch.num_rows
            return written
