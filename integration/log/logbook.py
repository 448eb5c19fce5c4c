"""The log: everything that was read, decided and written, as the console has it from the process of its file."""

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

if TYPE_CHECKING:  # half a second to import, and most commands of a terminal ask no log
    import pandas as pd
    import pyarrow as pa

T = TypeVar("T")

log = structlog.get_logger(__name__)

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
BATCH = 5_000
PAUSE_SECONDS = 1.0
PAUSE_AFTER_TROUBLE_SECONDS = 5.0
SHARE = 0.1  # of the log that is gone before its file is written anew
PRUNE_SECONDS = 600.0  # for what of a file of before goes at once
LET_GO_SECONDS = 1.0  # in which the process of a console that was killed has let go of the file
BYTE_ORDER_MARK = b"\xef\xbb\xbf"  # Excel takes a file without it for one of Windows
ASIDE = "broken-"  # how the end of a name begins under which a log is set aside


def naive(moment: datetime) -> datetime:
    """Return a moment as the log keeps it."""
    return moment.astimezone(UTC).replace(tzinfo=None)


def aware(moment: datetime) -> datetime:
    """Return a moment of the log with what it does not say: that it is UTC."""
    return moment.replace(tzinfo=UTC)


class Outbox(Protocol):
    """Where events wait until they are in the log. An id never comes back, also when all are taken out."""

    @property
    def instance(self) -> str:
        """The database that gave the ids."""

    def texts_waiting(self, limit: int) -> Sequence[Mapping[str, object]]:
        """Return events by column, the lowest ids first; what is kept as JSON as its text."""

    def forget(self, ids: Collection[int]) -> None:
        """Take out events that are safely in the log."""

    def tell_again(self, file: str) -> None:
        """Let wait again what is still known, since the log that had it is set aside in this file."""


class Logbook:
    """The log in one file, kept by a process of its own that is begun when it is first needed.

    Every method may raise ConfigurationError `log_owned_elsewhere` when another console holds the file or `log_broken`
    when it cannot be read, and UnavailableError `disk_full` or, while the process cannot be had, `log_away`. Safe to
    use from several threads; a copy of this process that is forked begins a process of its own.
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
        """`patience` is for how many seconds to wait for a process that still holds the file.

        Without `unix` the process is spoken to on a port of this machine, as where there are no Unix sockets.
        """
        self.path = path
        self.levels = 0  # grows whenever stock levels or groups of articles come in
        self._supervisor = Supervisor(LogFileSettings(path, memory, threads, unix), patience)
        self._is_broken = False
        self._is_named = False
        self._draining = threading.Lock()
        self._stop = threading.Event()
        self._drainer: threading.Thread | None = None
        self._drained_at = 0.0  # on the clock of this process
        _logbooks.add(self)
        weakref.finalize(self, self._supervisor.close)  # nobody can ask it any more

    def open(self) -> None:
        """Take the file, making it if need be."""
        self._noticed(self._supervisor.open)

    def close(self) -> None:
        """Let go of the file, and end the process that keeps it."""
        self._supervisor.close()

    @property
    def process(self) -> int | None:
        """The number of the process that keeps the file, or None while there is none."""
        return self._supervisor.process

    @property
    def is_away(self) -> bool:
        """Tell whether the process that keeps the file cannot be had at the moment."""
        return self._supervisor.is_away

    def forked(self) -> None:
        """Begin anew in a copy of this process: the process that keeps the file belongs to the original."""
        self._supervisor.abandon()
        self._draining = threading.Lock()
        self._drainer = None

    def _noticed(self, work: Callable[[], T]) -> T:
        """Do what may find that the file is broken, and keep that in mind."""
        try:
            return work()
        except ConfigurationError as error:
            self._is_broken = self._is_broken or error.code == "log_broken"
            raise

    def _call(self, do: str, **asked: object) -> AnswerPart:
        return self._noticed(lambda: self._supervisor.call({"do": do, **asked}, PART_SECONDS))

    # ---- events ----------------------------------------------------------------------------------------------------

    @requires(Right.SEE)
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
        with self._supervisor.closed():
            for end in (".wal", ""):
                with suppress(FileNotFoundError):
                    self.path.with_name(self.path.name + end).rename(file.with_name(file.name + end))
            self._is_broken = self._is_named = False
        self.open()

    def start(self, outbox: Outbox) -> None:
        """Take the file and drain events in the background until `stop`; a log that is away keeps nobody waiting."""
        with suppress(UnavailableError):  # the drainer tries again, and the console works without it meanwhile
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
            except IntegrationError as error:
                log.warning("the log could not be brought up to date", trouble=error.code, exc_info=True)
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
            events = outbox.texts_waiting(BATCH)
            if events and self._forget_taken(outbox):
                events = outbox.texts_waiting(BATCH)
            self.name()
            if not events:
                return 0
            self._call("take", instance=outbox.instance, events=[_sent(event) for event in events])
            self.levels += any(map(_moves_levels, events))
            self._forget_taken(outbox)
            return len(events)

    def name(self) -> bool:
        """Look through some events of before for what records are known by; return whether all have been."""
        if not self._is_named:
            self._is_named = bool(self._call("name").told["all"])
        return self._is_named

    def _forget_taken(self, outbox: Outbox) -> bool:
        """Take out of the outbox what the log has, and only then let it forget that it has; tell whether it had any."""
        ids = self._call("taken", instance=outbox.instance).told["ids"]
        if ids:
            outbox.forget(ids)
            self._call("settle", instance=outbox.instance)
        return bool(ids)

    # ---- answers ---------------------------------------------------------------------------------------------------

    def answer(self, query: str, where: str = "true", /, **parameters: object) -> pd.DataFrame:
        """Return the answer to a query of `queries.sql`; `where` is the condition in those that leave one open."""
        given = {name: _given(value) for name, value in parameters.items()}
        return frame_of(_table_of(self._call("answer", query=query, where=where, parameters=given)))

    def ask(self, sql: str, seconds: float = 2, rows: int = 10_000) -> pd.DataFrame:
        """Return the answer to one SELECT of an analyst, at most `rows` rows; `attrs["cut"]` tells whether more exist.

        Nothing can be changed, and neither files nor the network can be reached. Raises QuestionError:
        `question_refused` for anything but one SELECT; `question_function`, `question_type` and `question_table` for
        what `sql_allowlist` does not list; `question_long`; `question_wrong` or, where the place is known,
        `question_wrong_at` with DuckDB's reason; `question_slow` when it took longer than `seconds`, `question_large`
        when it took more memory than the log has, `question_values` for more values than pages and programs can take,
        `question_stopped` when the process had to be ended for it.
        """
        answer = self._asked(sql, seconds, rows)
        frame = frame_of(_table_of(answer))
        frame.attrs["cut"] = answer.told["cut"]
        return frame

    def ask_plain(self, sql: str, seconds: float = 2, rows: int = 10_000) -> dict[str, Any]:
        """Return the same as programs are told it: `columns`, `rows`, and `cut` when there are more."""
        answer = self._asked(sql, seconds, rows)
        return plain_of(_table_of(answer), cut=answer.told["cut"])

    def _asked(self, sql: str, seconds: float, rows: int) -> AnswerPart:
        asked = {"do": "ask", "sql": sql, "seconds": seconds, "rows": rows}
        return self._noticed(lambda: self._supervisor.question(asked, seconds))

    def export(self, path: Path) -> int:
        """Write the whole log to a .csv or .parquet file and return its number of events."""
        for _ in range(ATTEMPTS):
            with suppress(ProcessEnded):  # because of a question meanwhile: from the beginning
                return self._noticed(lambda: self._exported(path))
        raise UnavailableError("log_away")

    def copy(self, path: Path, *, instance: str, until: int, waiting: Sequence[tuple[int, int]]) -> int:
        """Write a log of its own to a new file, for a copy of the database, and return its number of events.

        Left out are events of that database with an id above `until`, which its copy does not know of; those whose
        ids are `waiting` in its outbox, from one to another, are remembered as brought in.
        """
        path.touch(0o600, exist_ok=True)
        asked = {
            "do": "copy", "path": str(path.absolute()), "instance": instance, "until": until, "waiting": list(waiting),
        }  # fmt: skip
        for _ in range(ATTEMPTS):
            with suppress(ProcessEnded):  # as in an export
                told = self._noticed(lambda: list(self._supervisor.parts(asked, PART_SECONDS)))
                return int(told[-2].told["events"])
        raise UnavailableError("log_away")

    def due(self, before: datetime) -> int:
        """Return how many events happened before a moment."""
        return int(self._call("due", before=naive(before).isoformat()).told["events"])

    def prune(self, before: datetime, share: float = SHARE) -> int:
        """Let events before a moment go and return how many: numbers by day stay. The room they took is given back.

        For that the file is written anew once such a `share` of what it still has is gone; meanwhile it can be asked,
        and takes events.
        """
        asked = {"do": "prune", "before": naive(before).isoformat(), "share": share}
        for _ in range(ATTEMPTS):
            with suppress(ProcessEnded):  # as in an export; what is gone by then is not counted twice
                told = self._noticed(lambda: list(self._supervisor.parts(asked, PRUNE_SECONDS)))
                return int(told[0].told["events"])
        raise UnavailableError("log_away")

    def erase(self, person: DataSubject) -> int:
        """Blot a person out of every event, and return of how many; the file is written anew without them."""
        asked = {"do": "erase", "person": person.to_json()}
        for _ in range(ATTEMPTS):
            with suppress(ProcessEnded):
                told = self._noticed(lambda: list(self._supervisor.parts(asked, PRUNE_SECONDS)))
                return int(told[0].told["events"])
        raise UnavailableError("log_away")

    def told_of(self, person: DataSubject) -> list[dict[str, Any]]:
        """Return every event that tells of a person, with its facts and values by name."""
        rows = _table_of(self._call("told_of", person=person.to_json())).to_pylist()
        names = ("facts", "before", "after")
        return [
            {
                **row,
                "happened_at": aware(row["happened_at"]).isoformat(),
                **{one: json.loads(row[one] or "{}") for one in names},
            }
            for row in rows
        ]

    def numbers(self) -> set[tuple[str, str]]:
        """Return every number of a customer that the log tells of, with whose number it is."""
        rows = _table_of(self._call("answer", query="customers", where="true", parameters={})).to_pylist()
        return {(str(row["sort"]), str(row["number"])) for row in rows}

    def _exported(self, path: Path) -> int:
        import pyarrow.csv as pc  # noqa: PLC0415 - as said at the top
        import pyarrow.parquet as pq  # noqa: PLC0415 - likewise

        as_csv, written = path.suffix.lower() != ".parquet", 0
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
                        written += table.num_rows
        return written


_logbooks: weakref.WeakSet[Logbook] = weakref.WeakSet()


def _forked() -> None:
    for logbook in list(_logbooks):
        logbook.forked()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)


def _table_of(part: AnswerPart) -> pa.Table:
    import pyarrow as pa  # noqa: PLC0415 - as said at the top

    return pa.ipc.open_stream(pa.py_buffer(part.table)).read_all()


def _given(value: object) -> object:
    """Return a parameter as it travels."""
    if isinstance(value, datetime):
        return {"moment": value.isoformat()}
    return value


def _sent(event: Mapping[str, Any]) -> dict[str, object]:
    """Return an event as it travels."""
    return {**event, "happened_at": naive(event["happened_at"]).isoformat()}


def _moves_levels(event: Mapping[str, object]) -> bool:
    """Tell whether an answer about stock may be another one after an event."""
    drawn = {kind for kind in kinds() if kind.drawn}
    return event["event"] in ("planned", "proven") and event["kind"] in drawn
