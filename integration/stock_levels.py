"""Stock as people look at it: how long it lasts, and where the two systems differ."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Literal

from integration.core.plan import Action
from integration.core.records import Kind
from integration.core.run import PlanRow, Step
from integration.logbook import StockScope

SOON_DAYS = 14
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


def period(days: int, now: datetime, article: str = "", branch: str = "", group: str = "") -> StockScope:
    """Return which levels the last days of an article, a branch and a group are; short periods go by the hour."""
    unit: Literal["hour", "day"] = "hour" if days <= HOURLY_DAYS else "day"
    begin = (now - timedelta(days=days)).replace(minute=0, second=0, microsecond=0)
    return StockScope(begin, article, branch, group, unit)


def out_on(days_left: float, now: datetime) -> date | None:
    """Return the day an article runs out, or None where that is too far away to be told."""
    return (now + timedelta(days=days_left)).date() if days_left <= FARTHEST_DAYS else None
