"""Stores the result of the last check of each closed day."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from integration.store.database import Store, upsert
from integration.store.erasure_register import SoFar, require_no_erasure_since
from integration.store.tables import day_checks


@dataclass(frozen=True, slots=True)
class DayCheckResult:
    """The last check of one day of a branch: its state, and the full result as JSON."""

    date: date
    branch: str
    state: str
    checked_at: datetime
    result: Mapping[str, Any]


class DayChecks(Store):
    """Stores the last check of every day and branch."""

    def keep(self, checks: Sequence[DayCheckResult], so_far: SoFar | None = None) -> None:
        """Store checks, replacing earlier checks of the same days and branches.

        Raises ErasedSinceReadError if a person was erased since `so_far`, when the data was read.
        """
        rows = [
            {
                "date": check.date, "branch": check.branch, "state": check.state, "checked_at": check.checked_at,
                "result": dict(check.result),
            }
            for check in checks
        ]  # fmt: skip
        with self.database.write() as connection:
            require_no_erasure_since(connection, so_far)
            upsert(connection, day_checks, rows)

    def newest_day(self, states: Collection[str]) -> date | None:
        """Return the latest day whose last check found one of these states, or None."""
        day: date | None = self.database.scalar(
            sa.select(sa.func.max(day_checks.c.date)).where(day_checks.c.state.in_(sorted(states)))
        )
        return day

    def newest_of_branches(self) -> dict[str, DayCheckResult]:
        """Return the check of the last day of each branch, sorted by branch."""
        newest = sa.select(day_checks.c.branch, sa.func.max(day_checks.c.date)).group_by(day_checks.c.branch)
        condition = sa.tuple_(day_checks.c.branch, day_checks.c.date).in_(newest)
        return {check.branch: check for check in self._checks(condition, order=(day_checks.c.branch,))}

    def in_period(self, first: date, last: date, branch: str = "") -> list[DayCheckResult]:
        """Return the checks from `first` to `last`, inclusive, of one branch or of all."""
        conditions = [day_checks.c.date.between(first, last), *([day_checks.c.branch == branch] if branch else [])]
        return self._checks(*conditions, order=(day_checks.c.date, day_checks.c.branch))

    def _checks(
        self, *conditions: sa.ColumnElement[bool], order: Sequence[sa.ColumnElement[Any]]
    ) -> list[DayCheckResult]:
        return [
            DayCheckResult(row.date, row.branch, row.state, row.checked_at, row.result)
            for row in self.database.rows(sa.select(day_checks).where(*conditions).order_by(*order))
        ]
