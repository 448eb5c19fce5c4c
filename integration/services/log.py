"""What may be asked of the log: events, the life of a record, volumes and times, questions in SQL, the whole of it."""

from __future__ import annotations

import hmac
import json
import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from integration.core.errors import IntegrationError
from integration.log.client import ANNOUNCED
from integration.log.logbook import BATCH, BEGINNING, Logbook, Outbox, aware, naive
from integration.services.tickets import Tickets

if TYPE_CHECKING:  # half a second to import, and most commands of a terminal ask no log
    import pandas as pd


MOST_FOUND = 10_000
FEW_KEYS = 2_000
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
_FEW = "key IN (SELECT unnest($keys))"
_MANY = "key IN (SELECT key FROM records WHERE contains(words, lower($text)))"
_CODED = "list_contains($codes, code)"


@dataclass(frozen=True, slots=True)
class Sought:
    """Which events are asked for; what is empty asks for all. A text is looked for in keys, titles, facts and codes."""

    text: str = ""
    flow: str = ""
    event: str = ""
    run: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Period:
    """A time up to now that is counted by hour of UTC, or by day as a clock shows it that is `shift` ahead of UTC."""

    since: datetime | None = None
    flow: str = ""
    unit: Literal["hour", "day"] = "hour"
    shift: timedelta = timedelta()

    @property
    def sought(self) -> Sought:
        """The events of this time."""
        return Sought(flow=self.flow, since=self.since)

    def bounds(self, here: datetime) -> tuple[datetime, datetime]:
        """Return from when to when a chart goes, as somebody's clock shows it; half a unit more at each end."""
        half = timedelta(hours=0.5 if self.unit == "hour" else 12)
        begin = (self.since or here).astimezone(here.tzinfo)
        return begin.replace(tzinfo=None) - half, here.replace(tzinfo=None) + half


def last_days(days: int, here: datetime, flow: str = "") -> Period:
    """Return the last days of a flow up to a moment of somebody's clock: a few by the hour, more by whole days."""
    hour = here.replace(minute=0, second=0, microsecond=0)
    shift = here.utcoffset() or timedelta()
    if days <= HOURLY_DAYS:
        return Period((hour - timedelta(days=days)).astimezone(UTC), flow, "hour", shift)
    return Period((hour.replace(hour=0) - timedelta(days=days - 1)).astimezone(UTC), flow, "day", shift)


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
        self.aside = logbook.aside  # files of logs that could not be read

    def start(self) -> None:
        """Begin to move into the log what waits, all the time, where this process is the one to do so."""
        if self._is_drained:
            self._logbook.start(self._outbox)

    def stop(self) -> None:
        """End that; what waits then is moved at the next start."""
        if self._is_drained:
            self._logbook.stop()

    @property
    def process(self) -> int | None:
        """The number of the process that keeps the log, or None while there is none."""
        return self._logbook.process

    def catch_up(self) -> None:
        """Move into the log what waits."""
        while self._logbook.drain(self._outbox) == BATCH:
            pass

    def span(self) -> tuple[datetime, datetime]:
        """Return from when to when the log tells; an empty one tells of no time at all."""
        told = self._logbook.answer("span")
        if told["first"].isna().all():
            return BEGINNING, BEGINNING
        first, last = (aware(told[name].iloc[0].to_pydatetime()) for name in ("first", "last"))
        return first, last

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
        return self._logbook.answer("search", since, offset=offset, limit=limit, begin=naive(begin), **given)

    def _count(self, where: str, given: Mapping[str, object], most: int) -> int:
        return int(self._logbook.answer("found", where, most=most + 1, **given)["events"].sum())

    def _conditions(self, sought: Sought) -> tuple[str, dict[str, object]]:
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

    def _windows(self, sought: Sought) -> Iterator[datetime]:
        """Yield from when on to look, nearest first: what is asked for is mostly new."""
        first, last = self.span()
        until = min(sought.until or last, last)
        begin = max(sought.since or first, first)
        for part in NEAR:
            if until - (until - begin) / part > begin:
                yield until - (until - begin) / part
        yield sought.since or BEGINNING

    def life(self, flow: str, key: str, limit: int = 1_000) -> pd.DataFrame:
        """Return the newest events of one record, oldest first. The key of a source record finds it too."""
        return self._logbook.answer("life", flow=flow, key=key, limit=limit)

    def flows_of(self, key: str) -> list[str]:
        """Return the flows that know a record under this key."""
        return [str(flow) for flow in self._logbook.answer("flows_of", key=key)["flow"]]

    def of_run(self, run: str) -> pd.DataFrame:
        """Return what happened in one run as a whole, newest first; what happened to its records is not told."""
        return self._logbook.answer("run_events", run=run)

    def volume(self, period: Period) -> pd.DataFrame:
        """Return how many records had each result: period, flow, event, events."""
        where, given = self._conditions(period.sought)
        if period.unit == "hour":
            return self._logbook.answer("volume_hour", where, **given)
        return self._logbook.answer("volume_day", where, shift=period.shift.total_seconds(), **given)

    def errors(self, period: Period) -> pd.DataFrame:
        """Return what was parked or stopped a run, by cause, the most frequent first."""
        where, given = self._conditions(period.sought)
        return self._logbook.answer("errors", where, **given)

    def durations(self, period: Period, most: int = MOST_RUNS) -> pd.DataFrame:
        """Return how long runs were at work, newest first: run, flow, started_at, preview_ms, commit_ms, run_ms.

        Where there are more than `most`, only the longest of each flow and day.
        """
        where, given = self._conditions(period.sought)
        return self._logbook.answer("durations", where, most=most, **given)

    def change_paces(self, period: Period) -> pd.DataFrame:
        """Return how long a change took from sending to its proof: period (a day), flow, changes, half_ms, most_ms."""
        where, given = self._conditions(period.sought)
        return self._logbook.answer("change_paces", where, shift=period.shift.total_seconds(), **given)

    def tables(self) -> dict[str, list[str]]:
        """Return the tables and views that a question may name, with their columns."""
        told = self._logbook.answer("tables")
        return {str(name): list(part["column"]) for name, part in told.groupby("table", sort=False)}

    def ask(self, sql: str, seconds: float = 2, rows: int = 10_000) -> pd.DataFrame:
        """Return the answer to one SELECT of an analyst; see `Logbook.ask`."""
        self._bring_up()
        return self._logbook.ask(sql, seconds, rows)

    def answer(self, sql: str, rows: int = 10_000) -> dict[str, Any]:
        """Return the answer to one SELECT as programs are told it: `columns`, `rows`, and `cut` when there are more."""
        self._bring_up()
        return self._logbook.ask_plain(sql, rows=rows)

    def export(self, path: Path) -> int:
        """Write the whole log to a .csv or .parquet file and return its number of events."""
        self._bring_up()
        return self._logbook.export(path)

    def _bring_up(self) -> None:
        if not self._is_drained:
            self.catch_up()


FILES = ("log.csv", "log.parquet")


class LogAccess:
    """What the server answers about the log it owns, for the token of this start or for a ticket of a page."""

    def __init__(self, log: Log, data: Path) -> None:
        self._log = log
        self._file = data / ANNOUNCED
        self._token = ""
        self._tickets = Tickets()
        self._exports = data / "exports"

    def announce(self, address: str) -> None:
        """Tell programs of this user on this machine where this server answers questions to the log it owns.

        Written to `server.json` beside the databases, with a token of this start, readable by its owner alone, and
        removed at the end.
        """
        shutil.rmtree(self._exports, ignore_errors=True)  # what a server that was killed left behind
        self._token = secrets.token_urlsafe(32)
        fresh = self._file.with_name(f"{self._file.name}.{os.getpid()}")
        fresh.unlink(missing_ok=True)
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:  # noqa: PTH123 - mode at birth
            json.dump({"address": address, "token": self._token}, out)
        fresh.replace(self._file)

    def close(self) -> None:
        """Answer nobody any more."""
        if self._token:
            self._token = ""
            self._file.unlink(missing_ok=True)
            shutil.rmtree(self._exports, ignore_errors=True)

    def knows(self, token: str) -> bool:
        """Return whether this is the token of this start."""
        return bool(self._token) and hmac.compare_digest(token.encode(), self._token.encode())

    def answer(self, body: bytes, token: str) -> tuple[int, bytes]:
        """Answer a program's question to the log: HTTP status and JSON.

        `body` is `{"sql": ..., "rows": ...}` for a question, `{"export": path}` to write the log to a file of this
        machine. 200 with `columns`, `rows` and `cut`, or with `events`; 403 without the token of this start; 400 for
        what is no question; 422 with `error` and `facts` for one that cannot be answered.
        """
        if not self.knows(token):
            return 403, b'{"error": "token"}'
        try:
            asked = json.loads(body)
            if "export" in asked:
                answer: dict[str, Any] = {"events": self._log.export(Path(asked["export"]))}
            else:
                answer = self._log.answer(str(asked["sql"]), rows=int(asked["rows"]))
        except IntegrationError as error:
            return 422, json.dumps({"error": error.code, "facts": dict(error.facts)}).encode()
        except OSError as error:
            return 422, json.dumps({"error": "file", "facts": {"reason": error.strerror or ""}}).encode()
        except (ValueError, TypeError, KeyError):
            return 400, b'{"error": "question"}'
        return 200, json.dumps(answer, default=str, ensure_ascii=False).encode()

    def ticket(self) -> str:
        """Return what a browser shows to be given the whole log as a file, once and within minutes."""
        return self._tickets.issue()

    def exported(self, name: str, ticket: str) -> Path | None:
        """Return the whole log as a new file of its own for `log.csv` or `log.parquet`; None without a valid ticket.

        Whoever asks removes the file.
        """
        if name not in FILES or not self._tickets.spend(ticket):
            return None
        self._exports.mkdir(mode=0o700, exist_ok=True)
        handle, place = tempfile.mkstemp(suffix=f"-{name}", dir=self._exports)
        os.close(handle)
        try:
            self._log.export(Path(place))
        except BaseException:
            Path(place).unlink()
            raise
        return Path(place)
