"""The log of everything that was read, decided and written, accessed through its own process."""

from __future__ import annotations

import json
import os
import threading
import time
import weakref
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import structlog

from integration.core.authorization import requires
from integration.core.erasure import DataSubject
from integration.core.errors import ConfigurationError, IntegrationError, UnavailableError
from integration.core.people import Right
from integration.core.records import kinds
from integration.log.answers import frame_of, plain_of
from integration.log.harmless import harmless_rows
from integration.log.process import PART_SECONDS, AnswerPart, LogFileSettings, ProcessEnded
from integration.log.supervisor import ATTEMPTS, Supervisor

if TYPE_CHECKING:  # the import takes half a second, and most terminal commands do not use the log
    import pandas as pd
    import pyarrow as pa

T = TypeVar("T")

log = structlog.get_logger(__name__)

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
BATCH = 5_000
PAUSE_SECONDS = 1.0
PAUSE_AFTER_TROUBLE_SECONDS = 5.0
SHARE = 0.1  # part of the events that must be deleted before the file is compacted
PRUNE_SECONDS = 600.0  # after a shorter period was chosen, much may be deleted at once
LET_GO_SECONDS = 1.0  # a killed console's log process releases the file in this time
BYTE_ORDER_MARK = b"\xef\xbb\xbf"  # without it, Excel decodes the file with the Windows code page
BROKEN_PREFIX = "broken-"  # suffix of the file name of a broken log


def naive(moment: datetime) -> datetime:
    """Return a time as the log stores it: UTC without time zone."""
    return moment.astimezone(UTC).replace(tzinfo=None)


def aware(moment: datetime) -> datetime:
    """Return a time of the log with its time zone, UTC."""
    return moment.replace(tzinfo=UTC)


class Outbox(Protocol):
    """Holds events until they are in the log. Ids are never reused, even if the outbox is empty."""

    @property
    def instance(self) -> str:
        """The id of the database that assigned the ids."""

    def texts_waiting(self, limit: int) -> Sequence[Mapping[str, object]]:
        """Return events by column, the lowest ids first. JSON columns are texts."""

    def forget(self, ids: Collection[int]) -> None:
        """Delete events that are stored in the log."""

    def recreate_events(self, file: str) -> None:
        """Add all events that can be recreated, because the log was set aside in this file."""


class Logbook:
    """The log in one file. A separate process, started on first use, opens the file.

    Every method may raise ConfigurationError `log_owned_elsewhere` if another console holds the file or `log_broken` if
    it cannot be read, and UnavailableError `disk_full`, or `log_away` while the process does not run. Thread-safe. A
    forked copy of this process starts a log process of its own.
    """

    def __init__(
        self,
        path: Path,
        *,
        memory: str = "512MB",
        threads: int = 2,
        patience: float = LET_GO_SECONDS,
        unix: bool = True,
    ) -> None:
        """`patience` is the number of seconds to wait for another process that still holds the file.

        Without `unix` the log process is reached on a local TCP port, as on platforms without Unix sockets.
        """
        self.path = path
        self.levels = 0  # increases whenever stock levels or article groups arrive
        self._supervisor = Supervisor(LogFileSettings(path, memory, threads, unix), patience)
        self._is_broken = False
        self._is_fully_named = False
        self._drain_lock = threading.Lock()
        self._stop_event = threading.Event()
        self._drainer: threading.Thread | None = None
        self._drained_at = 0.0  # monotonic time
        _logbooks.add(self)
        weakref.finalize(self, self._supervisor.close)  # the log process is useless without this object

    def open(self) -> None:
        """Open the file, and create it if necessary."""
        self._watch_errors(self._supervisor.open)

    def close(self) -> None:
        """Close the file and end the log process."""
        self._supervisor.close()

    @property
    def process(self) -> int | None:
        """The id of the log process, or None if it does not run."""
        return self._supervisor.process

    @property
    def is_away(self) -> bool:
        """Return True if the log process failed and was not restarted yet."""
        return self._supervisor.is_away

    def forked(self) -> None:
        """Reset the state in a forked copy of this process. The log process belongs to the original."""
        self._supervisor.abandon()
        self._drain_lock = threading.Lock()
        self._drainer = None

    def _watch_errors(self, work: Callable[[], T]) -> T:
        """Run `work`, and remember if it finds that the file is broken."""
        try:
            return work()
        except ConfigurationError as error:
            self._is_broken = self._is_broken or error.code == "log_broken"
            raise

    def _call(self, do: str, **arguments: object) -> AnswerPart:
        return self._watch_errors(lambda: self._supervisor.call({"do": do, **arguments}, PART_SECONDS))

    # ---- events ----------------------------------------------------------------------------------------------------

    @requires(Right.SEE)
    def broken_files(self) -> list[str]:
        """Return the names of broken log files that were set aside, the newest first."""
        broken_paths = self.path.parent.glob(f"{self.path.name}.{BROKEN_PREFIX}*")
        return sorted((file.name for file in broken_paths if not file.name.endswith(".wal")), reverse=True)

    def _repair_file(self, outbox: Outbox) -> None:
        """If the file is broken, set it aside and fill a new one with the events that can be recreated."""
        try:
            if not self._is_broken:
                self.open()
                return
        except ConfigurationError as error:
            if error.code != "log_broken":
                raise
        file = self.path.with_name(f"{self.path.name}.{BROKEN_PREFIX}{datetime.now(UTC):%Y%m%d-%H%M%S}")
        log.error("the log could not be read: it is set aside, and a new one is created", file=str(file))
        outbox.recreate_events(file.name)  # before the renaming: after a crash here, the broken file is found again
        with self._supervisor.closed():
            for end in (".wal", ""):
                with suppress(FileNotFoundError):
                    self.path.with_name(self.path.name + end).rename(file.with_name(file.name + end))
            self._is_broken = self._is_fully_named = False
        self.open()

    def start(self, outbox: Outbox) -> None:
        """Open the file and drain events in the background until `stop`. Does not wait if the log is unavailable."""
        with suppress(UnavailableError):  # the drainer tries again, and the console works without the log until then
            self._repair_file(outbox)
        self._stop_event.clear()
        self._drained_at = time.monotonic()
        self._drainer = threading.Thread(target=self._drain_loop, args=(outbox,), name="log-drainer", daemon=True)
        self._drainer.start()

    def stop(self) -> None:
        """Drain the waiting events, stop the drainer, and close the file."""
        self._stop_event.set()
        if self._drainer is not None:
            self._drainer.join()
            self._drainer = None
        self.close()

    def _drain_loop(self, outbox: Outbox) -> None:
        stopping = False
        while not stopping:
            stopping = self._stop_event.is_set()  # one more round after the signal
            try:
                while self.drain(outbox) == BATCH:
                    self._drained_at = time.monotonic()
                self._drained_at = time.monotonic()
                pause = PAUSE_SECONDS
            except IntegrationError as error:
                log.warning("events could not be drained into the log", cause=error.code, exc_info=True)
                pause = PAUSE_AFTER_TROUBLE_SECONDS
            self._stop_event.wait(pause)

    def seconds_since_drain(self) -> float | None:
        """Return for how many seconds events could not be drained, or None if no drainer runs."""
        return None if self._drainer is None else time.monotonic() - self._drained_at

    def drain(self, outbox: Outbox) -> int:
        """Move a batch of events into the log and return their number.

        Each event is stored exactly once, even if a process is killed. The ids of a batch are stored in the same
        transaction as its events, and deleted from the outbox before the next batch is read, again if necessary. The
        order of ids does not matter, because a longer transaction may commit lower ids later.
        """
        with self._drain_lock:
            self._repair_file(outbox)
            events = outbox.texts_waiting(BATCH)
            if events and self._forget_stored(outbox):
                events = outbox.texts_waiting(BATCH)
            self.index_search_keys()
            if not events:
                return 0
            self._call("take", instance=outbox.instance, events=[_encode_event(event) for event in events])
            self.levels += any(map(_moves_levels, events))
            self._forget_stored(outbox)
            return len(events)

    def index_search_keys(self) -> bool:
        """Search a batch of events of a restored log for names of records. Return True if all have been searched."""
        if not self._is_fully_named:
            self._is_fully_named = bool(self._call("name").content["all"])
        return self._is_fully_named

    def _forget_stored(self, outbox: Outbox) -> bool:
        """Delete events that the log has from the outbox, then their ids from the log. Return True if it had any."""
        ids = self._call("taken", instance=outbox.instance).content["ids"]
        if ids:
            outbox.forget(ids)
            self._call("settle", instance=outbox.instance)
        return bool(ids)

    # ---- answers ---------------------------------------------------------------------------------------------------

    def answer(self, query: str, where: str = "true", /, **parameters: object) -> pd.DataFrame:
        """Return the result of a query of `queries.sql`. `where` is the condition of queries with a placeholder."""
        return frame_of(self._answer_table(query, where, parameters))

    def rows(self, query: str, where: str = "true", /, **parameters: object) -> list[dict[str, Any]]:
        """Return the result of `answer` as plain values, each row by column. Does not import pandas."""
        rows: list[dict[str, Any]] = self._answer_table(query, where, parameters).to_pylist()
        return rows

    def _answer_table(self, query: str, where: str, parameters: Mapping[str, object]) -> pa.Table:
        encoded_parameters = {name: _encode_parameter(value) for name, value in parameters.items()}
        return _table_of(self._call("answer", query=query, where=where, parameters=encoded_parameters))

    def ask(self, sql: str, seconds: float = 2, rows: int = 10_000) -> pd.DataFrame:
        """Return the result of one SELECT, at most `rows` rows. `attrs["cut"]` says whether there are more.

        The query cannot change data or access files or the network. Raises QueryError: `query_refused` for
        anything but one SELECT; `query_function`, `query_type` and `query_table` for elements that
        `sql_allowlist` does not list; `query_long`; `query_wrong` with DuckDB's message, or `query_wrong_at`
        if its position is known; `query_slow` after `seconds`; `query_large` for a result that needs more memory
        than the log has; `query_values` for more values than pages and programs can take; `query_stopped` if the
        log process had to be killed.
        """
        answer = self._run_user_query(sql, seconds, rows)
        frame = frame_of(_table_of(answer))
        frame.attrs["cut"] = answer.content["cut"]
        return frame

    def ask_plain(self, sql: str, seconds: float = 2, rows: int = 10_000) -> dict[str, Any]:
        """Return the result of `ask` as plain values for programs: `columns`, `rows`, and `cut` if there are more."""
        answer = self._run_user_query(sql, seconds, rows)
        return plain_of(_table_of(answer), cut=answer.content["cut"])

    def _run_user_query(self, sql: str, seconds: float, rows: int) -> AnswerPart:
        request = {"do": "ask", "sql": sql, "seconds": seconds, "rows": rows}
        return self._watch_errors(lambda: self._supervisor.user_query(request, seconds))

    def export(self, path: Path) -> int:
        """Write the whole log to a .csv or .parquet file and return its number of events."""
        for _ in range(ATTEMPTS):
            with suppress(ProcessEnded):  # another user query ended the process: start again
                return self._watch_errors(lambda: self._write_export(path))
        raise UnavailableError("log_away")

    def copy(self, path: Path, *, instance: str, until: int, waiting: Sequence[tuple[int, int]]) -> int:
        """Write a new log file that matches a copy of the database, and return its number of events.

        Events of that database with an id above `until`, which its copy does not know, are left out. Events whose ids
        are in the ranges `waiting`, which its outbox still holds, are recorded as stored.
        """
        path.touch(0o600, exist_ok=True)
        request = {
            "do": "copy", "path": str(path.absolute()), "instance": instance, "until": until, "waiting": list(waiting),
        }  # fmt: skip
        return int(self._parts_of(request, PART_SECONDS)[-2].content["events"])

    def count_events_before(self, before: datetime) -> int:
        """Return how many events happened before a time."""
        return int(self._call("due", before=naive(before).isoformat()).content["events"])

    def prune(self, before: datetime, share: float = SHARE) -> int:
        """Delete events before a time, keeping counts by day, and return their number.

        The file is compacted once the deleted events are at least `share` of the remaining ones. The log can be used
        meanwhile.
        """
        request = {"do": "prune", "before": naive(before).isoformat(), "share": share}
        return int(self._parts_of(request, PRUNE_SECONDS)[0].content["events"])

    def erase(self, person: DataSubject) -> int:
        """Erase a person from every event, compact the file, and return the number of changed events."""
        request = {"do": "erase", "person": person.to_json()}
        return int(self._parts_of(request, PRUNE_SECONDS)[0].content["events"])

    def _parts_of(self, request: Mapping[str, Any], seconds: float) -> list[AnswerPart]:
        """Return all parts of an answer. The request starts again if another user query ended the process."""
        for _ in range(ATTEMPTS):
            with suppress(ProcessEnded):  # events that were deleted by then are not counted again
                return self._watch_errors(lambda: list(self._supervisor.parts(request, seconds)))
        raise UnavailableError("log_away")

    def events_about(self, person: DataSubject) -> list[dict[str, Any]]:
        """Return every event about a person, with its facts and values as dicts."""
        rows = _table_of(self._call("events_about", person=person.to_json())).to_pylist()
        names = ("facts", "before", "after")
        return [
            {
                **row,
                "happened_at": aware(row["happened_at"]).isoformat(),
                **{name: json.loads(row[name] or "{}") for name in names},
            }
            for row in rows
        ]

    def numbers(self) -> set[tuple[str, str]]:
        """Return every customer number in the log, each with its type."""
        return {(str(row["type"]), str(row["number"])) for row in self.rows("customers")}

    def _write_export(self, path: Path) -> int:
        import pyarrow.csv as pc  # noqa: PLC0415 - as said at the top
        import pyarrow.parquet as pq  # noqa: PLC0415 - likewise

        as_csv, row_count = path.suffix.lower() != ".parquet", 0
        parts = self._supervisor.parts({"do": "export"}, PART_SECONDS)
        columns = _table_of(next(parts)).schema
        with path.open("wb") as file:
            if as_csv:
                file.write(BYTE_ORDER_MARK)
            with pc.CSVWriter(file, columns) if as_csv else pq.ParquetWriter(file, columns) as writer:
                for part in parts:
                    if part.table is not None:
                        table = _table_of(part)
                        writer.write_table(harmless_rows(table) if as_csv else table)
                        row_count += table.num_rows
        return row_count


_logbooks: weakref.WeakSet[Logbook] = weakref.WeakSet()


def _reset_after_fork() -> None:
    for logbook in list(_logbooks):
        logbook.forked()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reset_after_fork)


def _table_of(part: AnswerPart) -> pa.Table:
    import pyarrow as pa  # noqa: PLC0415 - as said at the top

    return pa.ipc.open_stream(pa.py_buffer(part.table)).read_all()


def _encode_parameter(value: object) -> object:
    """Return a query parameter as JSON values."""
    if isinstance(value, datetime):
        return {"moment": value.isoformat()}
    return value


def _encode_event(event: Mapping[str, Any]) -> dict[str, object]:
    """Return an event as JSON values."""
    return {**event, "happened_at": naive(event["happened_at"]).isoformat()}


def _moves_levels(event: Mapping[str, object]) -> bool:
    """Return True if an event may change the results of queries about stock."""
    drawn = {kind for kind in kinds() if kind.drawn}
    return event["event"] in ("planned", "proven") and event["kind"] in drawn
