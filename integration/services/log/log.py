"""What may be asked of the log: events, the history of a record, volumes and times, questions in SQL, all of it."""

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
from integration.log.logbook import BATCH, BEGINNING, Logbook, Outbox, aware, naive

if TYPE_CHECKING:  # half a second to import, and most commands of a terminal ask no log
    import pandas as pd


MOST_FOUND = 10_000
FEW_KEYS = 2_000
MOST_FOUND_WORDS = 6
MOST_NAMES = 5_000  # that are weighed against each other
NEAR = (256, 16)  # what is asked for is looked for in the newest 1/256 of the log first, then in the newest 1/16
MOST_RUNS = 1_000
HOURLY_DAYS = 7  # up to here results are counted by the hour
BLOT = "***"

_SECRET = re.compile(r"secret|password|token|authori[sz]ation|api_?key|ident$", re.IGNORECASE)
_WHERE = {
    "flow": "flow = $flow",
    "event": "event = $event",
    "run": "run = $run",
    "since": "happened_at >= $since",
    "until": "happened_at < $until",
}
_FEW = "mark IN (SELECT mark_of_key(unnest($keys)))"
_MANY = "key IN (SELECT key FROM records WHERE contains(words, lower($text)))"
_CODED = "list_contains($codes, code)"


@dataclass(frozen=True, slots=True)
class LogSearch:
    """Which events are asked for; what is empty asks for all. A text is looked for in keys, titles, facts and codes."""

    text: str = ""
    flow: str = ""
    event: str = ""
    run: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class LogPeriod:
    """A time up to now that is counted by hour of UTC, or by day as a clock shows it that is `shift` ahead of UTC."""

    since: datetime | None = None
    flow: str = ""
    unit: Literal["hour", "day"] = "hour"
    shift: timedelta = timedelta()

    @property
    def sought(self) -> LogSearch:
        """The events of this time."""
        return LogSearch(flow=self.flow, since=self.since)

    def bounds(self, here: datetime) -> tuple[datetime, datetime]:
        """Return from when to when a chart goes, as somebody's clock shows it; half a unit more at each end."""
        half = timedelta(hours=0.5 if self.unit == "hour" else 12)
        begin = (self.since or here).astimezone(here.tzinfo)
        return begin.replace(tzinfo=None) - half, here.replace(tzinfo=None) + half


def days_until(days: int, here: datetime, flow: str = "") -> LogPeriod:
    """Return the last days of a flow up to a moment of somebody's clock: a few by the hour, more by whole days."""
    hour = here.replace(minute=0, second=0, microsecond=0)
    shift = here.utcoffset() or timedelta()
    if days <= HOURLY_DAYS:
        return LogPeriod((hour - timedelta(days=days)).astimezone(UTC), flow, "hour", shift)
    return LogPeriod((hour.replace(hour=0) - timedelta(days=days - 1)).astimezone(UTC), flow, "day", shift)


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


class Log:
    """The log as it may be asked; what waits is brought in first where no server process does that all the time.

    Every method may raise ConfigurationError `log_owned_elsewhere` or `log_broken`, and UnavailableError `disk_full`
    or, while the process that keeps the file cannot be had, `log_away`.
    """

    def __init__(self, logbook: Logbook, outbox: Outbox, *, is_drained: bool) -> None:
        self._logbook = logbook
        self._outbox = outbox
        self._is_drained = is_drained

    @requires(Right.SEE)
    def aside(self) -> list[str]:
        """Return the names of the files in which broken logs are set aside, the newest first."""
        return self._logbook.aside()

    def start(self) -> None:
        """Begin to move into the log what waits, all the time, where this process is the one to do so."""
        if self._is_drained:
            self._logbook.start(self._outbox)

    def stop(self) -> None:
        """End that; what waits then is moved at the next start."""
        if self._is_drained:
            self._logbook.stop()

    @property
    @requires(Right.SEE)
    def process(self) -> int | None:
        """The number of the process that keeps the log, or None while there is none."""
        return self._logbook.process

    def catch_up(self) -> None:
        """Move into the log what waits."""
        while self._logbook.drain(self._outbox) == BATCH:
            pass

    def name(self) -> bool:
        """Look through some events of a log of before for what records are known by; return whether all have been."""
        return self._logbook.name()

    @requires(Right.READ_LOG)
    def span(self) -> tuple[datetime, datetime]:
        """Return from when to when the log tells; an empty one tells of no time at all."""
        told = self._logbook.answer("span")
        if told["first"].isna().all():
            return BEGINNING, BEGINNING
        first, last = (aware(told[name].iloc[0].to_pydatetime()) for name in ("first", "last"))
        return first, last

    @requires(Right.READ_LOG)
    def search(
        self, sought: LogSearch | None = None, offset: int = 0, limit: int = 100, most: int = MOST_FOUND
    ) -> pd.DataFrame:
        """Return the events sought, newest first.

        `attrs["found"]` is how many there are, counted up to `most`; `attrs["more"]` tells whether there are more.
        """
        sought = sought or LogSearch()
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
        return self._logbook.answer("search", since, offset=offset, limit=limit, begin=naive(begin), **given)

    def _count(self, where: str, given: Mapping[str, object], most: int) -> int:
        return int(self._logbook.answer("found", where, most=most + 1, **given)["events"].sum())

    def _conditions(self, sought: LogSearch) -> tuple[str, dict[str, object]]:
        """Return conditions that leave out what is not asked for, since the engine could skip nothing otherwise."""
        asked = {
            "flow": sought.flow,
            "event": sought.event,
            "run": sought.run,
            "since": sought.since and naive(sought.since),
            "until": sought.until and naive(sought.until),
        }
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
        codes = [str(one) for one in self._logbook.answer("codes", text=code)["code"]] if asked else []
        keys = list(self._logbook.answer("keys", text=text, limit=FEW_KEYS + 1)["key"])
        given: dict[str, object] = {"text": text} if len(keys) > FEW_KEYS else {"keys": keys}
        named = _MANY if "text" in given else _FEW
        return (f"({named} OR {_CODED})", {**given, "codes": codes}) if codes else (named, given)

    def _windows(self, sought: LogSearch) -> Iterator[datetime]:
        """Yield from when on to look, nearest first: what is asked for is mostly new."""
        first, last = self.span()
        until = min(sought.until or last, last)
        begin = max(sought.since or first, first)
        for part in NEAR:
            if until - (until - begin) / part > begin:
                yield until - (until - begin) / part
        yield sought.since or BEGINNING

    @requires(Right.READ_LOG)
    def history(self, flow: str, key: str, limit: int = 1_000) -> pd.DataFrame:
        """Return the newest events of one record, oldest first. The key of a source record finds it too."""
        return self._logbook.answer("history", flow=flow, key=key, limit=limit)

    @requires(Right.READ_LOG)
    def around_history(self, history: pd.DataFrame, flow: str, tables: Sequence[str], limit: int = 200) -> pd.DataFrame:
        """Return what happened around a record, oldest first: of its `history` in a flow with these value tables.

        Outages, stops and approvals of its runs, and settings, value tables and mappings that people changed from its
        first event to a day after its last one.
        """
        if history.empty:
            return history
        first, last = (
            aware(one.to_pydatetime()) for one in (history["happened_at"].min(), history["happened_at"].max())
        )
        asked = {"runs": sorted(set(history["run"]) - {""}), "keys": [f"flow:{flow}", *tables], "flow": flow}
        until = naive(last + timedelta(days=1))
        return self._logbook.answer("around_history", since=naive(first), until=until, limit=limit, **asked)

    def found_by(self, text: str, amount: str = "", limit: int = 20) -> list[tuple[str, ...]]:
        """Return the records that are known by a text or an amount: flow, kind, key, title, and sort and value found.

        Those that are called exactly so come first, then those whose name begins so; of these the newest first.
        """
        import pandas as pd  # noqa: PLC0415 - as said at the top

        exactly = "plain IN (plainly($text), $amount)"
        found = self._logbook.answer("found_by", exactly, text=text, amount=amount, limit=MOST_NAMES)
        is_number = not found.empty and any(map(str.isdecimal, text))  # of which no other has a part by chance
        if found["key"].nunique() < limit and not is_number:
            words = text.split()[:MOST_FOUND_WORDS]
            parts = [f"contains(plain, plainly($word{place}))" for place in range(len(words))]
            given = {f"word{place}": word for place, word in enumerate(words)}
            where = " AND ".join(["sort <> 'amount'", *parts])
            others = self._logbook.answer("found_by", where, limit=MOST_NAMES, **given)
            begins = others["plain"].str.startswith(text.lower())
            parts_of = [found.assign(far=0), others[begins].assign(far=1), others[~begins].assign(far=2)]
            found = pd.concat(parts_of, ignore_index=True)
        else:
            found = found.assign(far=0)
        nearest = found.sort_values(["far", "place"], ascending=[True, False]).drop_duplicates(["flow", "kind", "key"])
        names = ["flow", "kind", "key", "title", "sort", "value"]
        return [tuple(map(str, row)) for row in nearest[names].head(limit).to_numpy()]

    def names_of(self, flow: str, key: str) -> list[tuple[str, ...]]:
        """Return everything a record is known by, in the order in which it was told: kind, key, sort and value."""
        found = self._logbook.answer("names_of", flow=flow, key=key)
        return [tuple(map(str, row)) for row in found[["kind", "key", "sort", "value"]].to_numpy()]

    @requires(Right.READ_LOG)
    def flows_of(self, key: str) -> list[str]:
        """Return the flows that know a record under this key."""
        return [str(flow) for flow in self._logbook.answer("flows_of", key=key)["flow"]]

    @requires(Right.READ_LOG)
    def of_run(self, run: str) -> pd.DataFrame:
        """Return what happened in one run as a whole, newest first; what happened to its records is not told."""
        return self._logbook.answer("run_events", run=run)

    @requires(Right.SEE)
    def volume(self, period: LogPeriod) -> pd.DataFrame:
        """Return how many records had each result: period, flow, event, events."""
        where, given = self._conditions(period.sought)
        if period.unit == "hour":
            return self._logbook.answer("volume_hour", where, **given)
        return self._logbook.answer("volume_day", where, shift=period.shift.total_seconds(), **given)

    @requires(Right.READ_LOG)
    def errors(self, period: LogPeriod) -> pd.DataFrame:
        """Return what was parked or stopped a run, by cause, the most frequent first."""
        where, given = self._conditions(period.sought)
        return self._logbook.answer("errors", where, **given)

    @requires(Right.SEE)
    def durations(self, period: LogPeriod, most: int = MOST_RUNS) -> pd.DataFrame:
        """Return how long runs were at work, newest first: run, flow, started_at, preview_ms, commit_ms, run_ms.

        Where there are more than `most`, only the longest of each flow and day.
        """
        where, given = self._conditions(period.sought)
        return self._logbook.answer("durations", where, most=most, **given)

    @requires(Right.SEE)
    def change_paces(self, period: LogPeriod) -> pd.DataFrame:
        """Return how long a change took from sending to its proof: period (a day), flow, changes, half_ms, most_ms."""
        where, given = self._conditions(period.sought)
        return self._logbook.answer("change_paces", where, shift=period.shift.total_seconds(), **given)

    @requires(Right.ASK_SQL)
    def tables(self) -> dict[str, list[str]]:
        """Return the tables and views that a question may name, with their columns."""
        told = self._logbook.answer("tables")
        return {str(name): list(part["column"]) for name, part in told.groupby("table", sort=False)}

    @requires(Right.ASK_SQL)
    def ask(self, sql: str, seconds: float = 2, rows: int = 10_000) -> pd.DataFrame:
        """Return the answer to one SELECT of an analyst; see `Logbook.ask`."""
        self._bring_up()
        return self._logbook.ask(sql, seconds, rows)

    @requires(Right.ASK_SQL)
    def answer(self, sql: str, rows: int = 10_000) -> dict[str, Any]:
        """Return the answer to one SELECT as programs are told it: `columns`, `rows`, and `cut` when there are more."""
        self._bring_up()
        return self._logbook.ask_plain(sql, rows=rows)

    @requires(Right.EXPORT_LOG)
    def export(self, path: Path) -> int:
        """Write the whole log to a .csv or .parquet file and return its number of events."""
        self._bring_up()
        return self._logbook.export(path)

    def erase(self, person: DataSubject) -> int:
        """Blot a person out of every event, and return of how many; the file is written anew without them."""
        self._bring_up()
        return self._logbook.erase(person)

    def told_of(self, person: DataSubject) -> list[dict[str, Any]]:
        """Return every event that tells of a person, with its facts and values by name."""
        self._bring_up()
        return self._logbook.told_of(person)

    def copy(self, path: Path, *, instance: str, until: int, waiting: Sequence[tuple[int, int]]) -> int:
        """Write a log for a copy of the database to a new file and return its number of events; see `Logbook.copy`."""
        return self._logbook.copy(path, instance=instance, until=until, waiting=waiting)

    def due(self, before: datetime) -> int:
        """Return how many events happened before a moment."""
        return self._logbook.due(before)

    def prune(self, before: datetime) -> int:
        """Let events before a moment go and return how many; see `Logbook.prune`."""
        return self._logbook.prune(before)

    def _bring_up(self) -> None:
        if not self._is_drained:
            self.catch_up()
