"""The log: everything that was read, decided and written, in a DuckDB file that this process alone owns."""

# ruff: noqa: TID251 - the only owner of DuckDB, and its answers are data frames

from __future__ import annotations

import json
import re
import shutil
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

import duckdb
import structlog

from integration.core.errors import ConfigurationError, IntegrationError, UnavailableError

if TYPE_CHECKING:  # pandas and pyarrow take half a second to import, and most commands of a terminal ask no log
    import pandas as pd
    import pyarrow as pa

log = structlog.get_logger(__name__)

QUERIES = Path(__file__).with_name("queries.sql")
BATCH = 5_000
PAUSE_SECONDS = 0.5
PAUSE_AFTER_TROUBLE_SECONDS = 5.0
EXPORTED_AT_ONCE = 100_000
MOST_FOUND = 10_000
FEW_KEYS = 2_000
NEAR = (256, 16)  # what is asked for is looked for in the newest 1/256 of the log first, then in the newest 1/16
MOST_RUNS = 1_000
MOST_KNOWN = 32  # answers about stock that are kept
MOST_ROWS_KEPT = 200  # of each; what is exported is longer, and asked for once
BLOT = "***"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"  # Excel takes a file without it for one of Windows
ROWS_IN_A_VECTOR = 2_048  # DuckDB hands out results in vectors of this many rows
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
MACROS = ("words", "mark_of", "ago", "planned_levels", "proven_levels", "planned_groups")
EXTRACTS = {"stock_plans": "planned_levels", "stock_proofs": "proven_levels", "group_plans": "planned_groups"}
"""What charts of stock are drawn from, taken out of events as they come in: the table, and the macro that fills it."""

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

_OWNER = re.compile(r"PID (\d+)")
_SECRET = re.compile(r"secret|password|token|authori[sz]ation|api_?key|ident$", re.IGNORECASE)
_WHERE = {
    "flow": "flow = $flow", "event": "event = $event", "run": "run = $run", "since": "happened_at >= $since",
    "until": "happened_at < $until",
}  # fmt: skip
_FEW = "key IN (SELECT unnest($keys))"
_MANY = "key IN (SELECT key FROM records WHERE contains(words, lower($text)))"
_CODED = "list_contains($codes, code)"
_PLACE = re.compile(r"\nLINE (?P<line>\d+): (?P<shown>[^\n]*)\n(?P<before> *)\^")

REFUSED = frozenset(
    {
        # a short question could make one value of any size with these, which neither limit would stop in time
        "repeat", "lpad", "rpad", "range", "generate_series", "list_resize", "array_resize", "bar", "bitstring",
        "printf", "format",
        # and these do something
        "checkpoint:", "force_checkpoint:", "truncate_duckdb_logs:", "write_log", "nextval",
    }
)  # fmt: skip
"""Functions that a question may not call; with a colon those that stand where a table does."""


class Outbox(Protocol):
    """Where events wait until they are in the log. An id never comes back, also when all are taken out."""

    @property
    def instance(self) -> str:
        """The database that gave the ids."""

    def waiting(self, limit: int) -> Sequence[Mapping[str, object]]:
        """Return events by column, the lowest ids first."""

    def forget(self, ids: Collection[int]) -> None:
        """Take out events that are safely in the log."""


class QuestionError(IntegrationError):
    """A question to the log that cannot be answered; see `Logbook.ask` for its codes."""

    default = "question_wrong"


def queries(text: str) -> dict[str, str]:
    """Return the statements of a file by the names above them."""
    parts = re.split(r"^-- name: (\w+)\n", text, flags=re.MULTILINE)
    return {name: body.strip().rstrip(";") for name, body in zip(parts[1::2], parts[2::2], strict=True)}


class Logbook:
    """The log in one file, opened when it is first needed.

    Every method may raise ConfigurationError `log_owned_elsewhere` when another process holds the file, and
    UnavailableError `disk_full`. Safe to use from several threads.
    """

    def __init__(self, path: Path, *, memory: str = "512MB", threads: int = 2) -> None:
        self.path = path
        self.trouble = ""  # code of what keeps the drainer from its work, for monitoring
        self._settings: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": memory, "max_temp_directory_size": "1GB", "threads": str(threads),
            "enable_external_access": "false", "python_enable_replacements": "false",
            "autoinstall_known_extensions": "false", "autoload_known_extensions": "false", "lock_configuration": "true",
        }  # fmt: skip
        self._queries = queries(QUERIES.read_text(encoding="utf-8"))
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._lock = threading.Lock()
        self._draining = threading.Lock()
        self._known: dict[tuple[object, ...], pd.DataFrame] = {}
        self._levels = 0  # grows whenever levels or groups come in
        self._stop = threading.Event()
        self._drainer: threading.Thread | None = None

    # ---- life -----------------------------------------------------------------------------------------------------

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
                    self.path.parent.mkdir(parents=True, exist_ok=True)
                    made = duckdb.connect(str(self.path), config=self._settings)
                    made.execute(_MAKE)
                    for view in (*MACROS, *VIEWS):
                        made.execute(self._queries[view])
                    if made.execute("SELECT 1 FROM records LIMIT 1").fetchone() is None:
                        made.execute(self._queries["records"])
                    for table, macro in EXTRACTS.items():
                        if made.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone() is None:  # noqa: S608 - our names
                            made.execute(f"INSERT INTO {table} FROM {macro}('events')")
                    self._connection = made
                cursor = self._connection.cursor()
            try:
                yield cursor
            finally:
                cursor.close()

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
            if "not a valid DuckDB" in text:
                raise ConfigurationError(
                    "setting_invalid", setting=str(self.path), expected="expected_duckdb"
                ) from None
            if "No space left" in text:
                free = f"{shutil.disk_usage(self.path.parent).free // 1_000_000} MB"
                raise UnavailableError("disk_full", free=free, needed="100 MB") from error
            raise

    # ---- draining -------------------------------------------------------------------------------------------------

    def start(self, outbox: Outbox) -> None:
        """Take the file and drain events in the background until `stop`."""
        self.open()
        self._stop.clear()
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
                    pass
                self.trouble = ""
            except (IntegrationError, duckdb.Error) as error:
                self.trouble = error.code if isinstance(error, IntegrationError) else "unexpected_error"
                log.warning("the log could not be brought up to date", trouble=self.trouble, exc_info=True)
            self._stop.wait(PAUSE_AFTER_TROUBLE_SECONDS if self.trouble else PAUSE_SECONDS)

    def drain(self, outbox: Outbox) -> int:
        """Move a batch of events into the log and return how many there were.

        Each comes in exactly once, whatever is killed: the ids of a batch are kept in the transaction that brings it
        in, and taken out of the outbox, again if need be, before the next batch is looked at. No order of ids is
        relied on, because a longer transaction may show lower ones later.
        """
        with self._draining, self._cursor() as cursor:
            self._forget_drained(cursor, outbox)
            events = outbox.waiting(BATCH)
            if not events:
                return 0
            table = _arrow(outbox.instance, events)
            cursor.register("batch", table)
            cursor.execute("BEGIN TRANSACTION")
            try:
                cursor.execute("INSERT INTO events SELECT * FROM batch")
                cursor.execute(self._queries["new_records"])
                for table, macro in EXTRACTS.items():
                    cursor.execute(f"INSERT INTO {table} FROM {macro}('batch')")
                cursor.execute("INSERT INTO drained SELECT instance, id FROM batch")
                cursor.execute("COMMIT")
            except duckdb.Error:
                with suppress(duckdb.Error):  # a commit that failed has ended the transaction itself
                    cursor.execute("ROLLBACK")
                raise
            finally:
                cursor.unregister("batch")
            self._forget_told(events)
            self._forget_drained(cursor, outbox)
            return len(events)

    @staticmethod
    def _forget_drained(cursor: duckdb.DuckDBPyConnection, outbox: Outbox) -> None:
        """Take out of the outbox what the log has, and only then forget that it was taken."""
        ids = cursor.execute("SELECT id FROM drained WHERE instance = ?", [outbox.instance]).fetchall()
        if ids:
            outbox.forget([number for (number,) in ids])
            cursor.execute("DELETE FROM drained WHERE instance = ?", [outbox.instance])

    # ---- questions ------------------------------------------------------------------------------------------------

    def _answer(self, query: str, where: str = "true", /, **parameters: object) -> pd.DataFrame:
        with self._cursor() as cursor:
            return cursor.execute(self._queries[query].replace("{where}", where), parameters).df()

    def _told(self, query: str, **parameters: object) -> pd.DataFrame:
        """Return an answer of stock, and the same one to whoever asks the same until levels or groups come in."""
        asked, levels = (query, tuple(sorted(parameters.items()))), self._levels
        with self._lock:
            known = self._known.get(asked)
        if known is None:
            known = self._answer(query, **parameters)
            with self._lock:
                if levels == self._levels:
                    self._known = {**dict(list(self._known.items())[1 - MOST_KNOWN :]), asked: known}
        return known.copy()

    def _forget_told(self, events: Sequence[Mapping[str, object]]) -> None:
        if any(event["event"] in ("planned", "proven") and event["flow"] in ("stock", "products") for event in events):
            with self._lock:
                self._levels += 1
                self._known = {}

    def life(self, flow: str, key: str, limit: int = 1_000) -> pd.DataFrame:
        """Return the newest events of one record, oldest first. The key of a source record finds it too."""
        return self._answer("life", flow=flow, key=key, limit=limit)

    def search(
        self, sought: Sought | None = None, offset: int = 0, limit: int = 100, most: int = MOST_FOUND
    ) -> pd.DataFrame:
        """Return the events sought, newest first.

        `attrs["found"]` is how many there are, counted up to `most`; `attrs["more"]` tells whether there are more.
        """
        sought = sought or Sought()
        where, given = self._conditions(sought)
        *near, whole = self._windows(sought)
        for begin in near:
            page = self._page(where, begin, offset, limit, given)
            if len(page) == limit:
                break
        else:
            page = self._page(where, whole, offset, limit, given)
        counted = len(page) < limit and (len(page) or not offset)
        found = offset + len(page) if counted else self._count(where, given, most)
        page.attrs |= {"found": min(found, most), "more": found > most}
        return page

    def _page(self, where: str, begin: datetime, offset: int, limit: int, given: Mapping[str, object]) -> pd.DataFrame:
        since = f"{where} AND happened_at >= $begin"
        return self._answer("search", since, offset=offset, limit=limit, begin=_naive(begin), **given)

    def found(self, sought: Sought | None = None, most: int = MOST_FOUND) -> int:
        """Return how many events are sought, counted up to `most`."""
        where, given = self._conditions(sought or Sought())
        return min(self._count(where, given, most), most)

    def _count(self, where: str, given: Mapping[str, object], most: int) -> int:
        return int(self._answer("found", where, most=most + 1, **given)["events"].sum())

    def _conditions(self, sought: Sought) -> tuple[str, dict[str, object]]:
        """Return conditions that leave out what is not asked for, since the engine could skip nothing otherwise."""
        asked = {
            "flow": sought.flow, "event": sought.event, "run": sought.run,
            "since": None if sought.since == BEGINNING else _naive(sought.since),
            "until": None if sought.until is None else _naive(sought.until),
        }  # fmt: skip
        given: dict[str, object] = {name: value for name, value in asked.items() if value}
        where = [_WHERE[name] for name in given]
        if sought.text:
            named, words = self._named(sought.text)
            where.append(named)
            given |= words
        return " AND ".join(where or ["true"]), given

    def _named(self, text: str) -> tuple[str, dict[str, object]]:
        """Return the condition that a text is in the key, title or facts of a record, or in a code."""
        code = text.lower().replace(" ", "_")
        asked = re.fullmatch("[a-z_]+", code) is not None
        codes = [str(one) for one in self._answer("codes", text=code)["code"]] if asked else []
        with self._cursor() as cursor:
            told = cursor.execute(self._queries["keys"], {"text": text, "limit": FEW_KEYS + 1}).fetchall()
        given: dict[str, object] = {"text": text} if len(told) > FEW_KEYS else {"keys": [key for (key,) in told]}
        named = _MANY if "text" in given else _FEW
        return (f"({named} OR {_CODED})", {**given, "codes": codes}) if codes else (named, given)

    def _windows(self, sought: Sought) -> Iterator[datetime]:
        """Yield from when on to look, nearest first: what is asked for is mostly new."""
        first, last = self.span()
        until = min(sought.until or last, last)
        begin = max(sought.since, first)
        for part in NEAR:
            if until - (until - begin) / part > begin:
                yield until - (until - begin) / part
        yield sought.since

    def span(self) -> tuple[datetime, datetime]:
        """Return from when to when the log tells; an empty one tells of no time at all."""
        with self._cursor() as cursor:
            ((first, last),) = cursor.execute(self._queries["span"]).fetchall()
        return (BEGINNING, BEGINNING) if first is None else (_aware(first), _aware(last))

    def flows_of(self, key: str) -> list[str]:
        """Return the flows that know a record under this key."""
        return [str(flow) for flow in self._answer("flows_of", key=key)["flow"]]

    def run_events(self, run: str, offset: int = 0, limit: int = 1_000) -> pd.DataFrame:
        """Return what happened in one run, oldest first."""
        return self._answer("run_events", run=run, offset=offset, limit=limit)

    def volume(
        self, unit: Literal["hour", "day"] = "hour", since: datetime = BEGINNING, flow: str = "",
        until: datetime | None = None, shift: timedelta = timedelta(),
    ) -> pd.DataFrame:  # fmt: skip
        """Return how many records had each result: period, flow, event, events.

        By hour of UTC, or by day as a clock shows it that is `shift` ahead of UTC.
        """
        where, given = self._conditions(Sought(flow=flow, since=since, until=until))
        if unit == "hour":
            return self._answer("volume_hour", where, **given)
        return self._answer("volume_day", where, shift=shift.total_seconds(), **given)

    def errors(self, since: datetime = BEGINNING, flow: str = "", until: datetime | None = None) -> pd.DataFrame:
        """Return what was parked or stopped a run, by cause, the most frequent first."""
        where, given = self._conditions(Sought(flow=flow, since=since, until=until))
        return self._answer("errors", where, **given)

    def durations(
        self, since: datetime = BEGINNING, flow: str = "", until: datetime | None = None, most: int = MOST_RUNS
    ) -> pd.DataFrame:
        """Return how long runs were at work, newest first: run, flow, started_at, preview_ms, commit_ms, run_ms.

        Where there are more than `most`, only the longest of each flow and day.
        """
        where, given = self._conditions(Sought(flow=flow, since=since, until=until))
        return self._answer("durations", where, most=most, **given)

    def change_paces(
        self, since: datetime = BEGINNING, flow: str = "", until: datetime | None = None,
        shift: timedelta = timedelta(),
    ) -> pd.DataFrame:  # fmt: skip
        """Return how long a change took from sending to its proof: period (a day), flow, changes, half_ms, most_ms."""
        where, given = self._conditions(Sought(flow=flow, since=since, until=until))
        return self._answer("change_paces", where, shift=shift.total_seconds(), **given)

    def stock_levels(self, article: str = "", since: datetime = BEGINNING, limit: int = 100_000) -> pd.DataFrame:
        """Return the stock levels that were written and proven: happened_at, run, article, title, branch, amount."""
        return self._answer("stock_levels", article=article, since=_naive(since), limit=limit)

    # ---- stock ----------------------------------------------------------------------------------------------------

    def stock_over_time(self, scope: StockScope, split: Literal["branch", "group"] = "branch") -> pd.DataFrame:
        """Return the sum of all known levels at the end of each period: period, series, amount."""
        asked = {"unit": scope.unit, "split": split, **scope.where}
        return self._told("stock_over_time", **asked)

    def stock_moved(self, scope: StockScope) -> pd.DataFrame:
        """Return what rose and fell in each period: period, origin (till or books), rose, fell."""
        return self._told("stock_moved", unit=scope.unit, **scope.where)

    def stock_points(self, scope: StockScope, limit: int = 5_000) -> pd.DataFrame:
        """Return every known level of one article, oldest first: happened_at, run, branch, origin, amount."""
        where = {name: value for name, value in scope.where.items() if name != "group"}
        return self._answer("stock_points", limit=limit, **where)

    def stock_outlook(
        self,
        scope: StockScope,
        now: datetime,
        show: Literal["soon", "falling", "steady", "all"] = "all",
        find: str = "",
        sort: Literal["days", "level", "pace", "article"] = "days",
        within: int = 14,
        offset: int = 0,
        limit: int = 200,
    ) -> pd.DataFrame:
        """Return each article in each branch with its last known level, its fall a day and the days it lasts so.

        `soon` shows what lasts at most `within` days, `falling` what has a date, `steady` what has none. `found` is
        how many there are in all. Days are counted up to the whole hour: a scope begins at one.
        """
        told = self._told if limit <= MOST_ROWS_KEPT else self._answer
        return told(
            "stock_outlook", now=_hour(now), show=show, find=find, sort=sort, within=within, offset=offset,
            limit=limit, **scope.where,
        )  # fmt: skip

    def stock_sums(self, scope: StockScope, now: datetime, within: int = 14) -> StockSums:
        """Return what the levels of a scope come to; days are counted as in `stock_outlook`."""
        told = self._told("stock_sums", now=_hour(now), within=within, **scope.where)
        (line,) = told.astype(object).where(told.notna(), None).to_dict("records")
        written, found = (
            None if line[name] is None else _aware(line[name].to_pydatetime()) for name in ("written_at", "found_at")
        )
        whole = {name: int(line[name]) for name in ("levels", "articles", "branches", "soon", "gone", "found")}
        return StockSums(float(line["amount"]), float(line["fell_a_day"]), written, found, **whole)

    def stock_trails(self, articles: Collection[str], since: datetime = BEGINNING) -> pd.DataFrame:
        """Return the last levels of some articles, oldest first: article, branch, amounts."""
        return self._told("stock_trails", articles=tuple(articles), since=_naive(since))

    def stock_written(self, articles: Collection[str]) -> pd.DataFrame:
        """Return the level of some articles that was written last: article, branch, amount, written_at."""
        return self._answer("stock_written", articles=list(articles))

    def stock_groups(self) -> pd.DataFrame:
        """Return the groups of the articles whose levels are known: code, name, articles."""
        return self._told("stock_groups")

    def stock_branches(self) -> list[str]:
        """Return the branches whose levels are known."""
        return [str(branch) for branch in self._told("stock_branches")["branch"]]

    # ---- questions of an analyst ----------------------------------------------------------------------------------

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
                _require_select(cursor, sql)
                cursor.execute("BEGIN TRANSACTION READ ONLY")
                answer = cursor.execute(sql).fetch_df_chunk(rows // ROWS_IN_A_VECTOR + 1)  # at least one row more
            except duckdb.InterruptException:
                raise QuestionError("question_slow", seconds=f"{seconds:g}") from None
            except (duckdb.OutOfMemoryException, MemoryError):
                raise QuestionError("question_large", memory=str(self._settings["memory_limit"])) from None
            except duckdb.Error as error:
                raise _wrong(sql, error) from None
            finally:
                timer.cancel()
                timer.join()
        shown: pd.DataFrame = answer.head(rows)
        shown.attrs["cut"] = len(answer) > rows
        return shown

    def tables(self) -> dict[str, list[str]]:
        """Return the tables and views that a question may name, with their columns."""
        told = self._answer("tables")
        return {str(name): list(part["column"]) for name, part in told.groupby("table", sort=False)}

    def export(self, path: Path, format: Literal["csv", "parquet"] | None = None) -> int:  # noqa: A002 - its usual name
        """Write the whole log to a file and return its number of events; without a format its name decides."""
        import pyarrow.csv as pc  # noqa: PLC0415 - as said at the top
        import pyarrow.parquet as pq  # noqa: PLC0415 - likewise

        as_csv = (format or path.suffix.lower().removeprefix(".")) != "parquet"
        with self._cursor() as cursor, path.open("wb") as file:
            batches = cursor.sql(self._queries["all"]).to_arrow_reader(EXPORTED_AT_ONCE)
            if as_csv:
                file.write(BYTE_ORDER_MARK)
            written = 0
            with pc.CSVWriter(file, batches.schema) if as_csv else pq.ParquetWriter(file, batches.schema) as writer:
                for batch in batches:
                    writer.write_batch(batch)
                    written += batch.num_rows
            return written


@dataclass(frozen=True, slots=True)
class Payload:
    """What an event holds: the values before and after, and its facts, by name."""

    before: Mapping[str, str]
    after: Mapping[str, str]
    facts: Mapping[str, str]


def payload_of(event: Mapping[str, Any]) -> Payload:
    """Return what an event holds. Events are told no secrets; what is named like one is blotted out all the same."""
    return Payload(*(_blotted(event.get(name)) for name in ("before", "after", "facts")))


def _blotted(told: object) -> dict[str, str]:
    values = json.loads(told) if isinstance(told, str) and told else {}
    return {str(name): BLOT if _SECRET.search(str(name)) else str(value) for name, value in values.items()}


def table_of(answer: pd.DataFrame) -> dict[str, Any]:
    """Return an answer as programs are told it: `columns`, `rows` of plain values, and `cut` when there are more."""
    plain = answer.astype(object).where(answer.notna(), None)
    rows = [[list(one) if hasattr(one, "tolist") else one for one in line] for line in plain.to_numpy().tolist()]
    return {"columns": list(answer.columns), "rows": rows, "cut": bool(answer.attrs.get("cut"))}


@dataclass(frozen=True, slots=True)
class Sought:
    """Which events are asked for; what is empty asks for all. A text is looked for in keys, titles, facts and codes."""

    text: str = ""
    flow: str = ""
    event: str = ""
    run: str = ""
    since: datetime = BEGINNING
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class StockScope:
    """Which levels are asked for: since when, and of which article, branch and group; empty asks for all."""

    since: datetime = BEGINNING
    article: str = ""
    branch: str = ""
    group: str = ""
    unit: Literal["hour", "day"] = "day"

    @property
    def where(self) -> dict[str, object]:
        """The scope as the queries take it."""
        return {"since": _naive(self.since), "article": self.article, "branch": self.branch, "group": self.group}


@dataclass(frozen=True, slots=True)
class StockSums:
    """What the last known levels of a scope come to; `written_at` is when one was written last.

    `found` of them were found at the till by a plan that has not written them, the last at `found_at`.
    """

    amount: float
    fell_a_day: float
    written_at: datetime | None
    found_at: datetime | None
    levels: int
    articles: int
    branches: int
    soon: int
    gone: int
    found: int


def _arrow(instance: str, events: Sequence[Mapping[str, object]]) -> pa.Table:
    """Return events as the table of the log keeps them."""
    import pyarrow as pa  # noqa: PLC0415 - as said at the top

    text, texts = pa.string(), pa.list_(pa.string())
    columns = [
        ("instance", text), ("id", pa.int64()), ("happened_at", pa.timestamp("us")), ("run", text), ("flow", text),
        ("kind", text), ("key", text), ("sources", texts), ("title", text), ("event", text), ("code", text),
        ("facts", text), ("before", text), ("after", text), ("ms", pa.int64()),
    ]  # fmt: skip

    def shaped(event: Mapping[str, Any]) -> dict[str, object]:
        texts = {name: _json(event[name]) for name in ("facts", "before", "after")}
        return {**event, **texts, "instance": instance, "happened_at": _naive(event["happened_at"])}

    return pa.Table.from_pylist([shaped(event) for event in events], schema=pa.schema(columns))


def _json(value: object) -> str | None:
    return None if value is None else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _naive(moment: datetime) -> datetime:
    """Return a moment as the log keeps it: UTC, without saying so."""
    return moment.astimezone(UTC).replace(tzinfo=None)


def _hour(moment: datetime) -> datetime:
    """Return the hour a moment is in as the log keeps it: what is told in it is told to everybody alike."""
    return _naive(moment).replace(minute=0, second=0, microsecond=0)


def _aware(moment: datetime) -> datetime:
    """Return a moment of the log with what it does not say: that it is UTC."""
    return moment.replace(tzinfo=UTC)


def _require_select(cursor: duckdb.DuckDBPyConnection, sql: str) -> None:
    statements = cursor.extract_statements(sql)
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise QuestionError("question_refused")
    (parsed,) = cursor.execute("SELECT CAST(json_serialize_sql($sql) AS VARCHAR)", {"sql": sql}).fetchone() or ("",)
    refused = next((name for name in _called(json.loads(parsed)) if name in REFUSED), "")
    if refused:
        raise QuestionError("question_function", function=refused.removesuffix(":"))


def _called(parsed: object, parent: str = "") -> Iterator[str]:
    """Yield the functions that a parsed question calls; one that is read from like a table ends in a colon."""
    if isinstance(parsed, list):
        for one in parsed:
            yield from _called(one, parent)
    elif isinstance(parsed, dict):
        if name := parsed.get("function_name"):
            yield f"{name}:" if parent == "function" else str(name)
        for place, one in parsed.items():
            yield from _called(one, place)


def _wrong(sql: str, error: duckdb.Error) -> QuestionError:
    """Return what is wrong with a question in one line, with its place where that is known."""
    told = str(error)
    reason = told.partition("\n")[0].partition("Error: ")[2] or told.partition("\n")[0]
    found = _PLACE.search(told)
    if found is None:
        return QuestionError("question_wrong", reason=reason)
    line, shown = int(found["line"]), found["shown"]
    before = len(found["before"]) - len(f"LINE {line}: ")
    given = sql.splitlines()[line - 1] if line <= len(sql.splitlines()) else ""
    if shown.startswith("..."):  # a long line is shown in part
        before += given.find(shown.strip(".")) - len("...")
    return QuestionError("question_wrong_at", reason=reason, line=str(line), column=str(max(0, before) + 1))
