"""Queries of the log: events, the history of a record, volumes, durations, SQL and export."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from integration.core.authorization import requires
from integration.core.erasure import DataSubject
from integration.core.people import Right
from integration.core.records import RecordType, kinds
from integration.log.logbook import BATCH, BEGINNING, Logbook, Outbox, aware, naive

if TYPE_CHECKING:  # the import takes half a second, and most terminal commands do not query the log
    import pandas as pd


MAX_RESULTS = 10_000
FEW_KEYS = 2_000
MAX_FOUND_WORDS = 6
MAX_NAMES = 5_000  # search keys that are ranked
NEWEST_PARTS = (256, 16)  # a search covers the newest 1/256 of the log first, then the newest 1/16
MAX_RUNS = 1_000
HOURLY_DAYS = 7  # periods up to this length are counted by the hour
BLOT = "***"

_SECRET = re.compile(r"secret|password|token|authori[sz]ation|api_?key|ident$", re.IGNORECASE)
_WHERE = {
    "flow": "flow = $flow",
    "event": "event = $event",
    "run": "run = $run",
    "since": "happened_at >= $since",
    "until": "happened_at < $until",
}
_MATCHES_KEYS = "mark IN (SELECT mark_of_key(unnest($keys)))"
_MATCHES_WORDS = "key IN (SELECT key FROM records WHERE contains(words, lower($text)))"
_MATCHES_CODES = "list_contains($codes, code)"


@dataclass(frozen=True, slots=True)
class LogSearch:
    """Filter for events. Empty fields match everything; `text` is searched in keys, titles, facts and codes."""

    text: str = ""
    flow: str = ""
    event: str = ""
    run: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class LogPeriod:
    """A period up to now, counted by hour in UTC, or by day in a time zone that is `shift` ahead of UTC."""

    since: datetime | None = None
    flow: str = ""
    unit: Literal["hour", "day"] = "hour"
    shift: timedelta = timedelta()

    @property
    def criteria(self) -> LogSearch:
        """The events of this period."""
        return LogSearch(flow=self.flow, since=self.since)

    def bounds(self, local_now: datetime) -> tuple[datetime, datetime]:
        """Return the ends of a chart in local time, extended by half a unit at each end."""
        half = timedelta(hours=0.5 if self.unit == "hour" else 12)
        begin = (self.since or local_now).astimezone(local_now.tzinfo)
        return begin.replace(tzinfo=None) - half, local_now.replace(tzinfo=None) + half


@dataclass(frozen=True, slots=True)
class HourlyCount:
    """The number of records of a flow with one result, in the hour that begins at `hour` (UTC)."""

    hour: datetime
    flow: str
    event: str
    records: int


def days_until(days: int, local_now: datetime, flow: str = "") -> LogPeriod:
    """Return the last days of a flow up to a local time: up to 7 days by the hour, more by whole days."""
    hour = local_now.replace(minute=0, second=0, microsecond=0)
    shift = local_now.utcoffset() or timedelta()
    if days <= HOURLY_DAYS:
        return LogPeriod((hour - timedelta(days=days)).astimezone(UTC), flow, "hour", shift)
    return LogPeriod((hour.replace(hour=0) - timedelta(days=days - 1)).astimezone(UTC), flow, "day", shift)


@dataclass(frozen=True, slots=True)
class Payload:
    """The payload of an event: the values before and after, and its facts, by name."""

    before: Mapping[str, str]
    after: Mapping[str, str]
    facts: Mapping[str, str]


def payload_of(event: Mapping[str, Any]) -> Payload:
    """Return the payload of an event. Events contain no secrets; values with the name of a secret are masked anyway."""
    return Payload(*(_redacted_facts(event.get(name)) for name in ("before", "after", "facts")))


def _redacted_facts(facts_json: object) -> dict[str, str]:
    values = json.loads(facts_json) if isinstance(facts_json, str) and facts_json else {}
    return {str(name): BLOT if _SECRET.search(str(name)) else str(value) for name, value in values.items()}


class Log:
    """Queries of the log. A server process moves events into it continuously.

    In another process, SQL queries, exports and erasure move waiting events into it first; the others do not.

    Every method may raise ConfigurationError `log_owned_elsewhere` or `log_broken`, UnavailableError `disk_full`, and,
    while the process that owns the file cannot be reached, `log_away`.
    """

    def __init__(self, logbook: Logbook, outbox: Outbox, *, is_drained: bool) -> None:
        self._logbook = logbook
        self._outbox = outbox
        self._is_drained = is_drained

    @requires(Right.SEE)
    def broken_files(self) -> list[str]:
        """Return the names of the files of broken logs that were set aside, newest first."""
        return self._logbook.broken_files()

    def start(self) -> None:
        """Begin to move waiting events into the log continuously, if this process moves them."""
        if self._is_drained:
            self._logbook.start(self._outbox)

    def stop(self) -> None:
        """Stop moving events. Waiting events are moved at the next start."""
        if self._is_drained:
            self._logbook.stop()

    @property
    @requires(Right.SEE)
    def process(self) -> int | None:
        """The id of the process that owns the log, or None if there is none."""
        return self._logbook.process

    def catch_up(self) -> None:
        """Move all waiting events into the log."""
        while self._logbook.drain(self._outbox) == BATCH:
            pass

    def index_search_keys(self) -> bool:
        """Index the search keys of some events of a restored log, and return True once all are indexed."""
        return self._logbook.index_search_keys()

    @requires(Right.READ_LOG)
    def span(self) -> tuple[datetime, datetime]:
        """Return the times of the first and the last event. For an empty log both are the beginning of time."""
        frame = self._logbook.answer("span")
        if frame["first"].isna().all():
            return BEGINNING, BEGINNING
        first, last = (aware(frame[name].iloc[0].to_pydatetime()) for name in ("first", "last"))
        return first, last

    @requires(Right.READ_LOG)
    def search(
        self, criteria: LogSearch | None = None, offset: int = 0, limit: int = 100, max_count: int = MAX_RESULTS
    ) -> pd.DataFrame:
        """Return the matching events, newest first.

        `attrs["found"]` is their number, counted up to `max_count`; `attrs["more"]` is True if there are more.
        """
        criteria = criteria or LogSearch()
        where, parameters = self._conditions(criteria)
        *near, whole = self._windows(criteria)
        for begin in near:
            page = self._page(where, begin, offset, limit, parameters)
            if len(page) == limit:
                break
        else:
            page = self._page(where, whole, offset, limit, parameters)
        page = self._with_planned_facts(page)
        is_counted = len(page) < limit and (len(page) or not offset)
        total = offset + len(page) if is_counted else self._count(where, parameters, max_count)
        page.attrs |= {"found": min(total, max_count), "more": total > max_count}
        return page

    def _page(
        self, where: str, begin: datetime, offset: int, limit: int, parameters: Mapping[str, object]
    ) -> pd.DataFrame:
        since = f"{where} AND happened_at >= $begin"
        return self._logbook.answer("search", since, offset=offset, limit=limit, begin=naive(begin), **parameters)

    def _with_planned_facts(self, page: pd.DataFrame) -> pd.DataFrame:
        """Return events, with the customer and the total of each document, page and payment as its run planned it."""
        booked = kinds(RecordType.DOCUMENT, RecordType.PAGE, RecordType.PAYMENT)
        is_document = page["kind"].isin([str(kind) for kind in booked])
        documents = page[is_document & (page["run"] != "") & (page["event"] != "planned")]
        if documents.empty:
            return page
        planned = self._logbook.answer(
            "planned_documents", first=documents["run"].min(), last=documents["run"].max(),
            keys=sorted(set(documents["key"])),
        )  # fmt: skip
        facts = {
            (run, kind, key): {"customer": customer, "total": total}
            for run, kind, key, customer, total in planned.itertuples(index=False)
        }
        page["facts"] = [
            json.dumps({**facts.get((run, kind, key), {}), **json.loads(own_facts or "{}")})
            for run, kind, key, own_facts in page[["run", "kind", "key", "facts"]].itertuples(index=False)
        ]
        return page

    def _count(self, where: str, parameters: Mapping[str, object], max_count: int) -> int:
        return int(self._logbook.answer("found", where, most=max_count + 1, **parameters)["events"].sum())

    def _conditions(self, criteria: LogSearch) -> tuple[str, dict[str, object]]:
        """Return only the needed conditions. A condition that matches everything keeps DuckDB from skipping data."""
        filters = {
            "flow": criteria.flow,
            "event": criteria.event,
            "run": criteria.run,
            "since": criteria.since and naive(criteria.since),
            "until": criteria.until and naive(criteria.until),
        }
        parameters: dict[str, object] = {name: value for name, value in filters.items() if value}
        where = [_WHERE[name] for name in parameters]
        if criteria.text:
            text_condition, words = self._text_condition(criteria.text)
            where.append(text_condition)
            parameters |= words
        return " AND ".join(where or ["true"]), parameters

    def _text_condition(self, text: str) -> tuple[str, dict[str, object]]:
        """Return the condition that a text is in the key, title or facts of a record, or in a code."""
        code = text.lower().replace(" ", "_")
        is_code = re.fullmatch("[a-z_]+", code) is not None
        codes = [str(value) for value in self._logbook.answer("codes", text=code)["code"]] if is_code else []
        keys = list(self._logbook.answer("keys", text=text, limit=FEW_KEYS + 1)["key"])
        parameters: dict[str, object] = {"text": text} if len(keys) > FEW_KEYS else {"keys": keys}
        condition = _MATCHES_WORDS if "text" in parameters else _MATCHES_KEYS
        return (
            (f"({condition} OR {_MATCHES_CODES})", {**parameters, "codes": codes}) if codes else (condition, parameters)
        )

    def _windows(self, criteria: LogSearch) -> Iterator[datetime]:
        """Yield the begin of each time window to search, latest first, because most searches are for new events."""
        first, last = self.span()
        until = min(criteria.until or last, last)
        begin = max(criteria.since or first, first)
        for part in NEWEST_PARTS:
            if until - (until - begin) / part > begin:
                yield until - (until - begin) / part
        yield criteria.since or BEGINNING

    @requires(Right.READ_LOG)
    def history(self, flow: str, key: str, limit: int = 1_000) -> pd.DataFrame:
        """Return the newest events of one record, oldest first. The key of a source record finds it too."""
        return self._logbook.answer("history", flow=flow, key=key, limit=limit)

    @requires(Right.READ_LOG)
    def around_history(self, history: pd.DataFrame, flow: str, tables: Sequence[str], limit: int = 200) -> pd.DataFrame:
        """Return the events around the `history` of a record in a flow with these value tables, oldest first.

        These are outages, stops and approvals of its runs, and changes of settings, value tables and mappings by
        people, from its first event to one day after its last.
        """
        if history.empty:
            return history
        first, last = (
            aware(bound.to_pydatetime()) for bound in (history["happened_at"].min(), history["happened_at"].max())
        )
        parameters = {"runs": sorted(set(history["run"]) - {""}), "keys": [f"flow:{flow}", *tables], "flow": flow}
        until = naive(last + timedelta(days=1))
        return self._logbook.answer("around_history", since=naive(first), until=until, limit=limit, **parameters)

    def find_records(self, text: str, amount: str = "", limit: int = 20) -> list[tuple[str, ...]]:
        """Return the records with this text or amount as a search key: flow, kind, key, title, type and value.

        Exact matches come first, then keys that begin with the text; among equals the newest come first.
        """
        import pandas as pd  # noqa: PLC0415 - as said at the top

        exactly = "plain IN (plainly($text), $amount)"
        matches = self._logbook.answer("found_by", exactly, text=text, amount=amount, limit=MAX_NAMES)
        is_number = not matches.empty and any(map(str.isdecimal, text))  # parts of numbers match by accident
        if matches["key"].nunique() < limit and not is_number:
            words = text.split()[:MAX_FOUND_WORDS]
            parts = [f"contains(plain, plainly($word{place}))" for place in range(len(words))]
            parameters = {f"word{place}": word for place, word in enumerate(words)}
            where = " AND ".join(["type <> 'amount'", *parts])
            others = self._logbook.answer("found_by", where, limit=MAX_NAMES, **parameters)
            begins = others["plain"].str.startswith(text.lower())
            parts_of = [matches.assign(far=0), others[begins].assign(far=1), others[~begins].assign(far=2)]
            matches = pd.concat(parts_of, ignore_index=True)
        else:
            matches = matches.assign(far=0)
        nearest = matches.sort_values(["far", "place"], ascending=[True, False]).drop_duplicates(
            ["flow", "kind", "key"]
        )
        names = ["flow", "kind", "key", "title", "type", "value"]
        return [tuple(map(str, row)) for row in nearest[names].head(limit).to_numpy()]

    def names_of(self, flow: str, key: str) -> list[tuple[str, ...]]:
        """Return all search keys of a record in the order of their events: kind, key, type and value."""
        matches = self._logbook.answer("names_of", flow=flow, key=key)
        return [tuple(map(str, row)) for row in matches[["kind", "key", "type", "value"]].to_numpy()]

    @requires(Right.READ_LOG)
    def flows_of(self, key: str) -> list[str]:
        """Return the flows that know a record under this key."""
        return [str(flow) for flow in self._logbook.answer("flows_of", key=key)["flow"]]

    @requires(Right.READ_LOG)
    def of_run(self, run: str) -> pd.DataFrame:
        """Return the events of a run as a whole, newest first, without the events of its records."""
        return self._logbook.answer("run_events", run=run)

    @requires(Right.SEE)
    def hourly_counts(self, since: datetime) -> list[HourlyCount]:
        """Return the number of records per hour, flow and result since a moment. Does not import pandas."""
        where, parameters = self._conditions(LogSearch(since=since))
        return [
            HourlyCount(aware(row["period"]), row["flow"], row["event"], row["events"])
            for row in self._logbook.rows("volume_hour", where, **parameters)
        ]

    @requires(Right.SEE)
    def volume(self, period: LogPeriod) -> pd.DataFrame:
        """Return the number of records per result: period, flow, event, events."""
        where, parameters = self._conditions(period.criteria)
        if period.unit == "hour":
            return self._logbook.answer("volume_hour", where, **parameters)
        return self._logbook.answer("volume_day", where, shift=period.shift.total_seconds(), **parameters)

    @requires(Right.READ_LOG)
    def errors(self, period: LogPeriod) -> pd.DataFrame:
        """Return the errors that parked records or stopped runs, by cause, most frequent first."""
        where, parameters = self._conditions(period.criteria)
        return self._logbook.answer("errors", where, **parameters)

    @requires(Right.SEE)
    def durations(self, period: LogPeriod, max_runs: int = MAX_RUNS) -> pd.DataFrame:
        """Return the durations of runs, newest first: run, flow, started_at, preview_ms, commit_ms, run_ms.

        If there are more than `max_runs`, only the longest run of each flow and day is returned.
        """
        where, parameters = self._conditions(period.criteria)
        return self._logbook.answer("durations", where, most=max_runs, **parameters)

    @requires(Right.SEE)
    def change_paces(self, period: LogPeriod) -> pd.DataFrame:
        """Return the times from sending a change to its proof: period (a day), flow, changes, half_ms, most_ms."""
        where, parameters = self._conditions(period.criteria)
        return self._logbook.answer("change_paces", where, shift=period.shift.total_seconds(), **parameters)

    @requires(Right.ASK_SQL)
    def tables(self) -> dict[str, list[str]]:
        """Return the tables and views for SQL queries, with their columns."""
        frame = self._logbook.answer("tables")
        return {str(name): list(part["column"]) for name, part in frame.groupby("table", sort=False)}

    @requires(Right.ASK_SQL)
    def ask(self, sql: str, seconds: float = 2, rows: int = 10_000) -> pd.DataFrame:
        """Return the result of one SELECT of an analyst; see `Logbook.ask`."""
        self._ensure_current()
        return self._logbook.ask(sql, seconds, rows)

    @requires(Right.ASK_SQL)
    def answer(self, sql: str, rows: int = 10_000) -> dict[str, Any]:
        """Return the result of one SELECT for programs: `columns`, `rows`, and `cut` if there are more rows."""
        self._ensure_current()
        return self._logbook.ask_plain(sql, rows=rows)

    @requires(Right.EXPORT_LOG)
    def export(self, path: Path) -> int:
        """Write the whole log to a .csv or .parquet file, and return the number of events."""
        self._ensure_current()
        return self._logbook.export(path)

    def erase(self, person: DataSubject) -> int:
        """Erase a data subject from all events, and return the number of changed events. The file is rewritten."""
        self._ensure_current()
        return self._logbook.erase(person)

    def events_about(self, person: DataSubject) -> list[dict[str, Any]]:
        """Return every event about a data subject, with its facts and values by name."""
        self._ensure_current()
        return self._logbook.events_about(person)

    def copy(self, path: Path, *, instance: str, until: int, waiting: Sequence[tuple[int, int]]) -> int:
        """Write a log for a copy of the database to a new file, and return the number of events; see `Logbook.copy`."""
        return self._logbook.copy(path, instance=instance, until=until, waiting=waiting)

    def count_events_before(self, before: datetime) -> int:
        """Return the number of events before a moment."""
        return self._logbook.count_events_before(before)

    def prune(self, before: datetime) -> int:
        """Delete events before a moment, and return their number; see `Logbook.prune`."""
        return self._logbook.prune(before)

    def _ensure_current(self) -> None:
        if not self._is_drained:
            self.catch_up()
