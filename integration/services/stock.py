"""Stock as people look at it: how long it lasts, and where the two systems differ."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Literal

from integration.core.plan import Action
from integration.core.records import Kind
from integration.core.run import PlanRow, Step
from integration.log.logbook import StockScope

SOON_DAYS = 14
LATE_TURNS = 3  # turns of a schedule without a proof, until levels count as not proven
LATE_AT_LEAST = timedelta(hours=1)
LATE_BY_HAND = timedelta(days=1)  # where nothing runs by itself
HOURLY_DAYS = 7  # up to here a period is looked at by the hour
FARTHEST_DAYS = 3_650  # a date beyond ten years says nothing

_OPEN = frozenset({Step.PLANNED, Step.SENT, Step.IN_DOUBT})


@dataclass(frozen=True, slots=True)
class Difference:
    """A level that differs: what the source has, and what the target held when the plan was made."""

    seq: int
    article: str
    title: str
    branch: str
    source: Decimal
    target: Decimal | None  # None where the target told no level

    @property
    def gap(self) -> Decimal | None:
        """How much the target lacks, or has too much."""
        return None if self.target is None else self.source - self.target


def differences(rows: Sequence[PlanRow]) -> Iterator[Difference]:
    """Yield the levels that the lines of a plan of stock would still change."""
    for row in rows:
        change = row.change
        if change is None or change.kind is not Kind.STOCK or row.action is not Action.UPDATE or row.step not in _OPEN:
            continue
        before = change.before.flat() if change.before else {}
        for path, wanted in change.wanted.flat().items():
            branch, _, field = path.rpartition("/")
            held = before.get(path)
            if field == "amount" and branch and isinstance(wanted, Decimal) and wanted != held:
                target = held if isinstance(held, Decimal) else None
                yield Difference(row.seq, row.key, row.title, branch, wanted, target)


def unproven_since(proof: datetime | None, minutes: int | None, now: datetime) -> datetime | None:
    """Return since when levels are no longer proven, or None while the last proof is recent enough.

    `minutes` is how often the flow runs by itself, None where a person starts it.
    """
    if proof is None:
        return None
    turns = LATE_BY_HAND if minutes is None else max(LATE_TURNS * timedelta(minutes=minutes), LATE_AT_LEAST)
    return proof if now - proof > turns else None


@dataclass(frozen=True, slots=True)
class Reason:
    """What moved since a level was written last: by how much at the target, by how much in the source."""

    since: datetime | None  # None where no level was ever written
    target: Decimal = Decimal(0)
    source: Decimal = Decimal(0)


def reason(one: Difference, written: Decimal | None, since: datetime | None) -> Reason:
    """Return why a level differs, from the one that was written last."""
    if written is None or since is None:
        return Reason(None)
    at_target = Decimal(0) if one.target is None else one.target - written
    return Reason(since, at_target, one.source - written)


def period(days: int, now: datetime, article: str = "", branch: str = "", group: str = "") -> StockScope:
    """Return which levels the last days of an article, a branch and a group are; short periods go by the hour."""
    unit: Literal["hour", "day"] = "hour" if days <= HOURLY_DAYS else "day"
    begin = (now - timedelta(days=days)).replace(minute=0, second=0, microsecond=0)
    return StockScope(begin, article, branch, group, unit)


def out_on(days_left: float, now: datetime) -> date | None:
    """Return the day an article runs out, or None where that is too far away to be told."""
    return (now + timedelta(days=days_left)).date() if days_left <= FARTHEST_DAYS else None
