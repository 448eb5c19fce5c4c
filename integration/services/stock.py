"""Stock levels: movements over time, days until they run out, and differences between both systems."""

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

if TYPE_CHECKING:  # the import takes half a second, and most terminal commands do not query the log
    import pandas as pd

SOON_DAYS = 14
WEEK = 7
YOUNG_LOG = timedelta(days=3)  # a log younger than this is shown by the hour
LATE_TURNS = 3  # scheduled rounds without a proof after which levels count as not proven
MIN_LATENESS = timedelta(hours=1)
LATE_BY_HAND = timedelta(days=1)  # for a flow that does not run by itself
FARTHEST_DAYS = 3_650  # a forecast beyond ten years is meaningless
SHORTEST_TRAIL = 3
MAX_KNOWN = 32  # results in the cache
MAX_CACHED_ROWS = 200  # in each cached result; exports are longer and queried only once
MAX_POINTS = 5_000

Split = Literal["branch", "group"]
Show = Literal["soon", "falling", "steady", "all"]
Sort = Literal["days", "level", "pace", "article"]

_OPEN = frozenset({Step.PLANNED, Step.SENT, Step.IN_DOUBT})


@dataclass(frozen=True, slots=True)
class StockScope:
    """Filter for levels: from a moment on, and by article, branch and group; empty fields match everything."""

    since: datetime = BEGINNING
    article: str = ""
    branch: str = ""
    group: str = ""
    unit: Literal["hour", "day"] = "day"
    summed_unit: str | None = None  # the unit of the levels that are added up; None for all units

    @property
    def query_parameters(self) -> dict[str, object]:
        """The filter as parameters of the queries."""
        return {"since": naive(self.since), "article": self.article, "branch": self.branch, "group": self.group}


@dataclass(frozen=True, slots=True)
class Total:
    """The sum of levels with the same unit. An empty unit is unknown."""

    unit: str = ""
    amount: Decimal = Decimal(0)
    fell_a_day: float = 0.0

    @property
    def fell_a_week(self) -> Decimal:
        """The decrease per week."""
        return Decimal(str(round(self.fell_a_day * WEEK, 1)))

    @property
    def days_left(self) -> float | None:
        """The number of days until the stock runs out at this speed; None if it does not fall."""
        return max(0.0, float(self.amount)) / self.fell_a_day if self.fell_a_day else None


@dataclass(frozen=True, slots=True)
class StockSums:
    """Sums of the last known levels of a scope, by unit. `written_at` is the time of the last written level.

    `unwritten_count` levels were read from the till by a plan that has not written them, the last one at `found_at`.
    """

    totals: tuple[Total, ...]
    written_at: datetime | None
    found_at: datetime | None
    levels: int
    articles: int
    branches: int
    running_out_count: int
    sold_out_count: int
    unwritten_count: int


@dataclass(frozen=True, slots=True)
class StockListing:
    """Filter and order of a list of articles.

    `soon` shows articles that last at most `SOON_DAYS`, `falling` those with a run-out date, `steady` those without.
    """

    show: Show = "all"
    find: str = ""
    sort: Sort = "days"


@dataclass(frozen=True, slots=True)
class Unproven:
    """Since when levels are not proven, and whether the reason is a parked article."""

    since: datetime
    parked: bool


@dataclass(frozen=True, slots=True)
class Purchases:
    """The quantity of an article on order at suppliers, and the expected date if the books have it."""

    ordered: Decimal
    expected: date | None


@dataclass(frozen=True, slots=True)
class LevelDifference:
    """A level that differs: the value in the source, and the value in the target when the plan was made."""

    seq: int
    article: str
    title: str
    branch: str
    source: Decimal
    target: Decimal | None  # None if the target returned no level
    unit: str = ""  # empty if unknown

    @property
    def gap(self) -> Decimal | None:
        """The level of the source minus that of the target, or None if the target returned no level."""
        return None if self.target is None else self.source - self.target


def open_differences(rows: Sequence[PlanRow], scope: StockScope) -> Iterator[LevelDifference]:
    """Yield the levels of a scope that the lines of a stock plan have not changed yet."""
    for row in rows:
        change = row.change
        if change is None or change.kind is not Kind.STOCK or row.action is not Action.UPDATE or row.step not in _OPEN:
            continue
        before = change.before.flat() if change.before else {}
        for path, value in change.desired.flat().items():
            branch, _, field = path.rpartition("/")
            current = before.get(path)
            if scope.article not in ("", row.key) or scope.branch not in ("", branch):
                continue
            if field == "amount" and branch and isinstance(value, Decimal) and value != current:
                target = current if isinstance(current, Decimal) else None
                yield LevelDifference(row.seq, row.key, row.title, branch, value, target, change.unit)


def unproven_since(proof: datetime | None, due: datetime | None, now: datetime) -> datetime | None:
    """Return since when levels are not proven, or None while the last proof is recent enough.

    `due` is when the flow was due a few rounds ago, or None for a flow that a person starts.
    """
    if proof is None:
        return None
    oldest = now - LATE_BY_HAND if due is None else min(due, now - MIN_LATENESS)
    return proof if proof < oldest else None


@dataclass(frozen=True, slots=True)
class LevelReason:
    """The movements since a level was last written: the change in the target, and the change in the source."""

    since: datetime | None  # None if no level was ever written
    target: Decimal = Decimal(0)
    source: Decimal = Decimal(0)


def level_reason(difference: LevelDifference, written_level: Decimal | None, since: datetime | None) -> LevelReason:
    """Return why a level differs, compared with the last written level."""
    if written_level is None or since is None:
        return LevelReason(None)
    at_target = Decimal(0) if difference.target is None else difference.target - written_level
    return LevelReason(since, at_target, difference.source - written_level)


def run_out_date(days_left: float, now: datetime) -> date | None:
    """Return the day on which an article runs out, or None if that is too far away to be meaningful."""
    return (now + timedelta(days=days_left)).date() if days_left <= FARTHEST_DAYS else None


def largest_lines(levels: pd.DataFrame, max_lines: int, rest: str) -> pd.DataFrame:
    """Return the largest lines of levels, with the sum of all others as one more line if there are too many.

    The sum begins where the first of its levels is known.
    """
    if len(levels.columns) <= max_lines:
        return levels
    columns = list(levels.iloc[-1].sort_values(ascending=False).index[: max_lines - 1])
    return levels[columns].assign(**{rest: levels.drop(columns=columns).sum(axis=1, min_count=1)})


class Stock:
    """Queries about stock. Results are cached until new levels or groups arrive."""

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
        """Store the dependencies. `flow` and `products` are the names of the flows that write levels and products."""
        self._flow = flow
        self._products = products
        self._logbook = logbook
        self._log = log
        self._issues = issues
        self._exceptions = exceptions
        self._flow_service = flow_service
        self._frame_cache = lru_cache(MAX_KNOWN)(self._query_frame)

    @property
    @requires(Right.SEE)
    def flow(self) -> str:
        """The flow that writes levels."""
        return self._flow

    def _cached_frame(self, query: str, **parameters: object) -> pd.DataFrame:
        return self._frame_cache(self._logbook.levels, query, tuple(parameters.items())).copy()

    def _query_frame(self, _levels: int, query: str, parameters: tuple[tuple[str, object], ...]) -> pd.DataFrame:
        return self._logbook.answer(query, **dict(parameters))

    @requires(Right.SEE)
    def scope(self, days: int, now: datetime, article: str = "", branch: str = "", group: str = "") -> StockScope:
        """Return the scope for the last days of an article, branch and group. Short periods are counted by the hour."""
        by_hour = days <= HOURLY_DAYS or now - self._log.span()[0] < YOUNG_LOG
        begin = (now - timedelta(days=days)).replace(minute=0, second=0, microsecond=0)
        return StockScope(begin, article, branch, group, "hour" if by_hour else "day")

    @requires(Right.SEE)
    def branches(self) -> list[str]:
        """Return the branches with known levels."""
        return [str(branch) for branch in self._cached_frame("stock_branches")["branch"]]

    @requires(Right.SEE)
    def groups(self) -> dict[str, str]:
        """Return code and name of the article groups with known levels."""
        frame = self._cached_frame("stock_groups")
        return {str(code): str(name) for code, name in zip(frame["code"], frame["name"], strict=True)}

    @requires(Right.SEE)
    def title(self, scope: StockScope, now: datetime) -> str:
        """Return the title of the article of a scope, or an empty text if none of its levels is known."""
        frame = self.forecast(StockScope(scope.since, scope.article), now, limit=1)
        return str(frame["title"].iloc[0]) if len(frame) else ""

    @requires(Right.SEE)
    def sums(self, scope: StockScope, now: datetime) -> StockSums:
        """Return the sums of the levels of a scope. Days are counted as in `forecast`."""
        frame = self._cached_frame("stock_sums", now=_hour(now), within=SOON_DAYS, **scope.query_parameters)
        (line,) = frame.astype(object).where(frame.notna(), None).to_dict("records")
        written_at, found_at = (
            None if line[name] is None else aware(line[name].to_pydatetime()) for name in ("written_at", "found_at")
        )
        whole = {
            name: int(line[name])
            for name in ("levels", "articles", "branches", "running_out_count", "sold_out_count", "unwritten_count")
        }
        lines: Any = self._cached_frame("stock_totals", now=_hour(now), **scope.query_parameters).itertuples()
        totals = tuple(
            Total(row.unit, Decimal(str(round(float(row.amount), 3))), float(row.fell_a_day)) for row in lines
        )
        return StockSums(totals, written_at, found_at, **whole)

    @requires(Right.SEE)
    def charted(self, scope: StockScope, split: Split = "branch") -> pd.DataFrame:
        """Return the data of a chart: all known levels of one article, oldest first, or sums over time.

        Rows of an article have happened_at, run, branch, origin, amount. Rows of sums have happened_at, branch or
        group, amount: one row at the last change in each hour or day.
        """
        if not scope.article:
            frame = self._cached_frame(
                "stock_over_time", unit=scope.unit, counted=scope.summed_unit, split=split, **scope.query_parameters
            )
            return frame.rename(columns={"series": split})
        where = {name: value for name, value in scope.query_parameters.items() if name != "group"}
        return self._logbook.answer("stock_points", limit=MAX_POINTS, **where)

    @requires(Right.SEE)
    def levels(self, scope: StockScope, split: Split, now: datetime) -> pd.DataFrame:
        """Return levels with one row per moment (UTC) and one column per branch or group, up to now."""
        frame = self.charted(scope, split)
        wide = frame.pivot_table(index="happened_at", columns=split, values="amount", aggfunc="last").astype(float)
        end = naive(now)
        if end not in wide.index:
            wide.loc[end] = float("nan")
        return wide.ffill()

    @requires(Right.SEE)
    def moved(self, scope: StockScope) -> pd.DataFrame:
        """Return increases and decreases per period: period, origin (till or books), rose, fell."""
        return self._cached_frame("stock_moved", unit=scope.unit, counted=scope.summed_unit, **scope.query_parameters)

    @requires(Right.SEE)
    def forecast(
        self, scope: StockScope, now: datetime, listing: StockListing | None = None, offset: int = 0, limit: int = 200
    ) -> pd.DataFrame:
        """Return each article in each branch with its last known level, decrease per day, and days it will last.

        The column `found` has their total number. Days are counted up to the full hour, at which a scope begins.
        """
        query, listing = (
            self._cached_frame if limit <= MAX_CACHED_ROWS else self._logbook.answer,
            listing or StockListing(),
        )
        page = {"within": SOON_DAYS, "offset": offset, "limit": limit}
        parameters = {"show": listing.show, "find": listing.find, "sort": listing.sort}
        return query("stock_outlook", now=_hour(now), **parameters, **page, **scope.query_parameters)

    @requires(Right.SEE)
    def lasting(self, lines: pd.DataFrame, scope: StockScope, now: datetime) -> pd.DataFrame:
        """Return lines of `forecast` for display: article, title, branch, level, unit, pace, days, out, trail.

        `pace` is the decrease per week, `trail` are the last levels.
        """
        articles = tuple(sorted(set(lines["article"])))
        frame = self._cached_frame("stock_trails", articles=articles, since=naive(scope.since))
        places = zip(frame["article"], frame["branch"], frame["amounts"], strict=True)
        trails = {
            (article, branch): [float(amount) for amount in amounts]
            for article, branch, amounts in places
            if len(amounts) >= SHORTEST_TRAIL
        }
        columns: dict[str, Any] = {
            "title": lines["title"].fillna(""),
            "level": lines["amount"].astype(float),
            "unit": lines["unit"],
            "pace": (lines["fell_a_day"] * WEEK).round(1),
            "days": (lines["days_left"] // 1).astype("Int64"),
            "out": [None if isnan(days) else run_out_date(days, now) for days in lines["days_left"]],
            "trail": [trails.get(place, []) for place in zip(lines["article"], lines["branch"], strict=True)],
        }
        return lines[["article", "title", "branch"]].assign(**columns)

    @requires(Right.SEE)
    def reasons(self, differences: Sequence[LevelDifference]) -> list[LevelReason]:
        """Return why each level differs, compared with the last written level."""
        articles = sorted({difference.article for difference in differences})
        lines: Any = self._logbook.answer("stock_written", articles=articles).itertuples()
        written_levels = {
            (line.article, line.branch): (Decimal(str(line.amount)), aware(line.written_at.to_pydatetime()))
            for line in lines
        }
        return [
            level_reason(difference, *written_levels.get((difference.article, difference.branch), (None, None)))
            for difference in differences
        ]

    def _due_before(self, now: datetime) -> datetime | None:
        """Return when the flow was due `LATE_TURNS` rounds ago; None if it does not run on a timetable."""
        flow = self.flow
        return self._flow_service.round_before(flow, LATE_TURNS, now) if self._flow_service.is_on(flow) else None

    @requires(Right.SEE)
    def unproven(self, article: str, proof: datetime | None, now: datetime) -> Unproven | None:
        """Return since when levels are not proven. The levels of a parked article are never proven."""
        issues = self._issues.of_key(self.flow, article) if article else []
        open_since = [open_issue.first_seen for open_issue in issues if open_issue.state is not IssueState.CLOSED]
        if open_since:
            return Unproven(min(open_since), parked=True)
        since = unproven_since(proof, self._due_before(now), now)
        return None if since is None else Unproven(since, parked=False)

    @requires(Right.SEE)
    def reorder_level(self, article: str) -> Decimal | None:
        """Return the reorder level of an article in the books, or None if they have none."""
        name = str(self._flow_service.settings(self.flow).model_dump()["reorder"])
        record = self._exceptions.article(article) if name else None
        value = record.flat().get(name) if record else None
        return value if isinstance(value, Decimal) else None

    @requires(Right.SEE)
    def purchases(self, article: str) -> Purchases | None:
        """Return the quantity of an article on order, which is not for sale yet; None if nothing is on order."""
        record = self._exceptions.article(article)
        values = record.flat() if record else {}
        ordered, expected = values.get("stock_ordered"), values.get("stock_expected")
        if not isinstance(ordered, Decimal) or not ordered:
            return None
        return Purchases(ordered, expected if isinstance(expected, date) else None)

    @requires(Right.SEE)
    def articles_named(self, name: str, limit: int) -> dict[str, str]:
        """Return codes and names of articles that were planned for the till, with this text in their name."""
        frame = self._log.search(LogSearch(text=name, flow=self._products, event="planned"), limit=10 * limit)
        lines = frame[frame["kind"] == Kind.PRODUCT]
        return dict(list(dict(zip(lines["key"], lines["title"], strict=True)).items())[:limit])


def _hour(moment: datetime) -> datetime:
    """Return a moment rounded down to the hour, as the log stores it.

    All queries within an hour share one cached result.
    """
    return naive(moment).replace(minute=0, second=0, microsecond=0)
