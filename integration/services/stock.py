"""Stock as people look at it: levels and movements over time, how long it lasts, and where the two systems differ."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from math import isnan
from typing import TYPE_CHECKING, Any, Literal

from integration.core.authorization import requires
from integration.core.issues import IssueState
from integration.core.people import Right
from integration.core.plan import Action
from integration.core.plan_lines import PlanRow
from integration.core.records import Kind
from integration.core.states import Step
from integration.log.logbook import BEGINNING, Logbook, aware, naive
from integration.services.log.log import HOURLY_DAYS, Log, LogSearch
from integration.services.runs.exceptions import Exceptions
from integration.services.runs.flows import Flows
from integration.store.issues import Issues

if TYPE_CHECKING:  # half a second to import, and most commands of a terminal ask no log
    import pandas as pd

SOON_DAYS = 14
WEEK = 7
YOUNG = timedelta(days=3)  # so long the log tells by the hour, whatever the period
LATE_TURNS = 3  # turns of a schedule without a proof, until levels count as not proven
LATE_AT_LEAST = timedelta(hours=1)
LATE_BY_HAND = timedelta(days=1)  # where nothing runs by itself
FARTHEST_DAYS = 3_650  # a date beyond ten years says nothing
SHORTEST_TRAIL = 3
MOST_KNOWN = 32  # answers that are kept
MOST_ROWS_KEPT = 200  # of each; what is exported is longer, and asked for once
MOST_POINTS = 5_000

Split = Literal["branch", "group"]
Show = Literal["soon", "falling", "steady", "all"]
Sort = Literal["days", "level", "pace", "article"]

_OPEN = frozenset({Step.PLANNED, Step.SENT, Step.IN_DOUBT})


@dataclass(frozen=True, slots=True)
class StockScope:
    """Which levels are asked for: since when, and of which article, branch and group; empty asks for all."""

    since: datetime = BEGINNING
    article: str = ""
    branch: str = ""
    group: str = ""
    unit: Literal["hour", "day"] = "day"
    counted: str | None = None  # the unit of the articles whose levels are added up; None for those of any

    @property
    def where(self) -> dict[str, object]:
        """The scope as the queries take it."""
        return {"since": naive(self.since), "article": self.article, "branch": self.branch, "group": self.group}


@dataclass(frozen=True, slots=True)
class Total:
    """What levels that are counted in one unit come to; an empty unit is one that nobody told."""

    unit: str = ""
    amount: Decimal = Decimal(0)
    fell_a_day: float = 0.0

    @property
    def fell_a_week(self) -> Decimal:
        """What they fall in a week."""
        return Decimal(str(round(self.fell_a_day * WEEK, 1)))

    @property
    def days_left(self) -> float | None:
        """How many days they last at that speed; None for ever."""
        return max(0.0, float(self.amount)) / self.fell_a_day if self.fell_a_day else None


@dataclass(frozen=True, slots=True)
class StockSums:
    """What the last known levels of a scope come to, in each unit; `written_at` is when one was written last.

    `found` of them were found at the till by a plan that has not written them, the last at `found_at`.
    """

    totals: tuple[Total, ...]
    written_at: datetime | None
    found_at: datetime | None
    levels: int
    articles: int
    branches: int
    soon: int
    gone: int
    found: int


@dataclass(frozen=True, slots=True)
class StockListing:
    """Which articles are listed, and in which order.

    `soon` shows what lasts at most `SOON_DAYS`, `falling` what has a date, `steady` what has none.
    """

    show: Show = "all"
    find: str = ""
    sort: Sort = "days"


@dataclass(frozen=True, slots=True)
class Unproven:
    """Since when levels are not proven, and whether that is because their article is parked."""

    since: datetime
    parked: bool


@dataclass(frozen=True, slots=True)
class Purchases:
    """How much of an article is on order at suppliers, and when it is expected, where the books say it."""

    ordered: Decimal
    expected: date | None


@dataclass(frozen=True, slots=True)
class LevelDifference:
    """A level that differs: what the source has, and what the target held when the plan was made."""

    seq: int
    article: str
    title: str
    branch: str
    source: Decimal
    target: Decimal | None  # None where the target told no level
    unit: str = ""  # empty where it is not known

    @property
    def gap(self) -> Decimal | None:
        """How much the target lacks, or has too much."""
        return None if self.target is None else self.source - self.target


def open_differences(rows: Sequence[PlanRow], scope: StockScope) -> Iterator[LevelDifference]:
    """Yield the levels of a scope that the lines of a plan of stock would still change."""
    for row in rows:
        change = row.change
        if change is None or change.kind is not Kind.STOCK or row.action is not Action.UPDATE or row.step not in _OPEN:
            continue
        before = change.before.flat() if change.before else {}
        for path, wanted in change.wanted.flat().items():
            branch, _, field = path.rpartition("/")
            held = before.get(path)
            if scope.article not in ("", row.key) or scope.branch not in ("", branch):
                continue
            if field == "amount" and branch and isinstance(wanted, Decimal) and wanted != held:
                target = held if isinstance(held, Decimal) else None
                yield LevelDifference(row.seq, row.key, row.title, branch, wanted, target, change.unit)


def unproven_since(proof: datetime | None, due: datetime | None, now: datetime) -> datetime | None:
    """Return since when levels are no longer proven, or None while the last proof is recent enough.

    `due` is when the flow last ran by itself but for some turns, None where a person starts it.
    """
    if proof is None:
        return None
    oldest = now - LATE_BY_HAND if due is None else min(due, now - LATE_AT_LEAST)
    return proof if proof < oldest else None


@dataclass(frozen=True, slots=True)
class LevelReason:
    """What moved since a level was written last: by how much at the target, by how much in the source."""

    since: datetime | None  # None where no level was ever written
    target: Decimal = Decimal(0)
    source: Decimal = Decimal(0)


def level_reason(one: LevelDifference, written: Decimal | None, since: datetime | None) -> LevelReason:
    """Return why a level differs, from the one that was written last."""
    if written is None or since is None:
        return LevelReason(None)
    at_target = Decimal(0) if one.target is None else one.target - written
    return LevelReason(since, at_target, one.source - written)


def out_on(days_left: float, now: datetime) -> date | None:
    """Return the day an article runs out, or None where that is too far away to be told."""
    return (now + timedelta(days=days_left)).date() if days_left <= FARTHEST_DAYS else None


def largest_lines(levels: pd.DataFrame, most: int, rest: str) -> pd.DataFrame:
    """Return the largest lines of levels, and the sum of all others as one more where there are too many.

    A sum begins where the first of its levels is known.
    """
    if len(levels.columns) <= most:
        return levels
    kept = list(levels.iloc[-1].sort_values(ascending=False).index[: most - 1])
    return levels[kept].assign(**{rest: levels.drop(columns=kept).sum(axis=1, min_count=1)})


class Stock:
    """What may be asked about stock. The same question has the same answer until levels or groups come in."""

    def __init__(
        self,
        logbook: Logbook,
        log: Log,
        issues: Issues,
        exceptions: Exceptions,
        flow_service: Flows,
        *,
        flow: str,
        products: str,
    ) -> None:
        """`flow` and `products` name the flows that write levels and products."""
        self._flow = flow
        self._products = products
        self._logbook = logbook
        self._log = log
        self._issues = issues
        self._exceptions = exceptions
        self._flow_service = flow_service
        self._known = lru_cache(MOST_KNOWN)(self._asked)

    @property
    @requires(Right.SEE)
    def flow(self) -> str:
        """The flow that writes levels."""
        return self._flow

    def _told(self, query: str, **parameters: object) -> pd.DataFrame:
        return self._known(self._logbook.levels, query, tuple(parameters.items())).copy()

    def _asked(self, _levels: int, query: str, parameters: tuple[tuple[str, object], ...]) -> pd.DataFrame:
        return self._logbook.answer(query, **dict(parameters))

    @requires(Right.SEE)
    def scope(self, days: int, now: datetime, article: str = "", branch: str = "", group: str = "") -> StockScope:
        """Return which levels the last days of an article, a branch and a group are; short periods go by the hour."""
        by_hour = days <= HOURLY_DAYS or now - self._log.span()[0] < YOUNG
        begin = (now - timedelta(days=days)).replace(minute=0, second=0, microsecond=0)
        return StockScope(begin, article, branch, group, "hour" if by_hour else "day")

    @requires(Right.SEE)
    def branches(self) -> list[str]:
        """Return the branches whose levels are known."""
        return [str(branch) for branch in self._told("stock_branches")["branch"]]

    @requires(Right.SEE)
    def groups(self) -> dict[str, str]:
        """Return code and name of the groups of the articles whose levels are known."""
        told = self._told("stock_groups")
        return {str(code): str(name) for code, name in zip(told["code"], told["name"], strict=True)}

    @requires(Right.SEE)
    def title(self, scope: StockScope, now: datetime) -> str:
        """Return what the article of a scope is called, empty where no level of it is known."""
        found = self.forecast(StockScope(scope.since, scope.article), now, limit=1)
        return str(found["title"].iloc[0]) if len(found) else ""

    @requires(Right.SEE)
    def sums(self, scope: StockScope, now: datetime) -> StockSums:
        """Return what the levels of a scope come to; days are counted as in `forecast`."""
        told = self._told("stock_sums", now=_hour(now), within=SOON_DAYS, **scope.where)
        (line,) = told.astype(object).where(told.notna(), None).to_dict("records")
        written, found = (
            None if line[name] is None else aware(line[name].to_pydatetime()) for name in ("written_at", "found_at")
        )
        whole = {name: int(line[name]) for name in ("levels", "articles", "branches", "soon", "gone", "found")}
        lines: Any = self._told("stock_totals", now=_hour(now), **scope.where).itertuples()
        totals = tuple(
            Total(one.unit, Decimal(str(round(float(one.amount), 3))), float(one.fell_a_day)) for one in lines
        )
        return StockSums(totals, written, found, **whole)

    @requires(Right.SEE)
    def charted(self, scope: StockScope, split: Split = "branch") -> pd.DataFrame:
        """Return what a chart of levels shows: of one article every known level, oldest first, else sums over time.

        Those of an article have happened_at, run, branch, origin, amount. The sum of all known levels has happened_at,
        branch or group, amount: one row at the last change in each hour or day.
        """
        if not scope.article:
            told = self._told("stock_over_time", unit=scope.unit, counted=scope.counted, split=split, **scope.where)
            return told.rename(columns={"series": split})
        where = {name: value for name, value in scope.where.items() if name != "group"}
        return self._logbook.answer("stock_points", limit=MOST_POINTS, **where)

    @requires(Right.SEE)
    def levels(self, scope: StockScope, split: Split, now: datetime) -> pd.DataFrame:
        """Return levels with a row for each moment (UTC) and a column for each branch or group, up to now."""
        told = self.charted(scope, split)
        wide = told.pivot_table(index="happened_at", columns=split, values="amount", aggfunc="last").astype(float)
        end = naive(now)
        if end not in wide.index:
            wide.loc[end] = float("nan")
        return wide.ffill()

    @requires(Right.SEE)
    def moved(self, scope: StockScope) -> pd.DataFrame:
        """Return what rose and fell in each period: period, origin (till or books), rose, fell."""
        return self._told("stock_moved", unit=scope.unit, counted=scope.counted, **scope.where)

    @requires(Right.SEE)
    def forecast(
        self, scope: StockScope, now: datetime, listed: StockListing | None = None, offset: int = 0, limit: int = 200
    ) -> pd.DataFrame:
        """Return each article in each branch with its last known level, its fall a day and the days it lasts so.

        `found` is how many there are in all. Days are counted up to the whole hour: a scope begins at one.
        """
        told, listed = self._told if limit <= MOST_ROWS_KEPT else self._logbook.answer, listed or StockListing()
        page = {"within": SOON_DAYS, "offset": offset, "limit": limit}
        asked = {"show": listed.show, "find": listed.find, "sort": listed.sort}
        return told("stock_outlook", now=_hour(now), **asked, **page, **scope.where)

    @requires(Right.SEE)
    def lasting(self, lines: pd.DataFrame, scope: StockScope, now: datetime) -> pd.DataFrame:
        """Return lines of `forecast` as they are shown: article, title, branch, level, unit, pace, days, out, trail.

        The pace is what falls in a week, the trail are the last levels.
        """
        articles = tuple(sorted(set(lines["article"])))
        told = self._told("stock_trails", articles=articles, since=naive(scope.since))
        places = zip(told["article"], told["branch"], told["amounts"], strict=True)
        trails = {
            (article, branch): [float(one) for one in amounts]
            for article, branch, amounts in places
            if len(amounts) >= SHORTEST_TRAIL
        }
        shown: dict[str, Any] = {
            "title": lines["title"].fillna(""),
            "level": lines["amount"].astype(float),
            "unit": lines["unit"],
            "pace": (lines["fell_a_day"] * WEEK).round(1),
            "days": (lines["days_left"] // 1).astype("Int64"),
            "out": [None if isnan(days) else out_on(days, now) for days in lines["days_left"]],
            "trail": [trails.get(place, []) for place in zip(lines["article"], lines["branch"], strict=True)],
        }
        return lines[["article", "title", "branch"]].assign(**shown)

    @requires(Right.SEE)
    def reasons(self, found: Sequence[LevelDifference]) -> list[LevelReason]:
        """Return why levels differ, each from the one that was written last."""
        articles = sorted({one.article for one in found})
        lines: Any = self._logbook.answer("stock_written", articles=articles).itertuples()
        written = {
            (line.article, line.branch): (Decimal(str(line.amount)), aware(line.written_at.to_pydatetime()))
            for line in lines
        }
        return [level_reason(one, *written.get((one.article, one.branch), (None, None))) for one in found]

    def _due_before(self, now: datetime) -> datetime | None:
        """Return when levels were due by themselves `LATE_TURNS` rounds ago; None where they never are."""
        flow = self.flow
        return self._flow_service.round_before(flow, LATE_TURNS, now) if self._flow_service.is_on(flow) else None

    @requires(Right.SEE)
    def unproven(self, article: str, proof: datetime | None, now: datetime) -> Unproven | None:
        """Return since when levels are not proven; those of an article that is parked never are."""
        known = self._issues.of_key(self.flow, article) if article else []
        waits = [one.first_seen for one in known if one.state is not IssueState.CLOSED]
        if waits:
            return Unproven(min(waits), parked=True)
        since = unproven_since(proof, self._due_before(now), now)
        return None if since is None else Unproven(since, parked=False)

    @requires(Right.SEE)
    def reorder_level(self, article: str) -> Decimal | None:
        """Return at which level the books say an article is to be ordered again, or None where they do not say."""
        name = str(self._flow_service.settings(self.flow).model_dump()["reorder"])
        record = self._exceptions.article(article) if name else None
        value = record.flat().get(name) if record else None
        return value if isinstance(value, Decimal) else None

    @requires(Right.SEE)
    def purchases(self, article: str) -> Purchases | None:
        """Return what the books have on order of an article, which is not for sale; None where that is nothing."""
        record = self._exceptions.article(article)
        told = record.flat() if record else {}
        ordered, expected = told.get("stock_ordered"), told.get("stock_expected")
        if not isinstance(ordered, Decimal) or not ordered:
            return None
        return Purchases(ordered, expected if isinstance(expected, date) else None)

    @requires(Right.SEE)
    def articles_named(self, name: str, most: int) -> dict[str, str]:
        """Return codes and names of articles that were planned for the till with this in their name."""
        found = self._log.search(LogSearch(text=name, flow=self._products, event="planned"), limit=10 * most)
        lines = found[found["kind"] == Kind.PRODUCT]
        return dict(list(dict(zip(lines["key"], lines["title"], strict=True)).items())[:most])


def _hour(moment: datetime) -> datetime:
    """Return the hour a moment is in as the log keeps it: what is told in it is told to everybody alike."""
    return naive(moment).replace(minute=0, second=0, microsecond=0)
