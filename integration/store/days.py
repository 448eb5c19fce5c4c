"""What the last check of each day came to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from integration.store.database import Store, upsert
from integration.store.erasure_register import SoFar, expect_none_since
from integration.store.tables import day_checks


@dataclass(frozen=True, slots=True)
class DayChecked:
    """One day of a branch as it was checked last: its state, and all of it as JSON, which whoever checked can read."""

    date: date
    branch: str
    state: str
    checked_at: datetime
    result: Mapping[str, Any]


class DayChecks(Store):
    """The last check of every day and branch."""

    def keep(self, checked: Sequence[DayChecked], so_far: SoFar | None = None) -> None:
        """Keep checks in the place of those before.

        Raises ErasedMeanwhileError where somebody was erased since they were read, `so_far`.
        """
        rows = [
            {
                "date": one.date, "branch": one.branch, "state": one.state, "checked_at": one.checked_at,
                "result": dict(one.result),
            }
            for one in checked
        ]  # fmt: skip
        with self.database.write() as connection:
            expect_none_since(connection, so_far)
            upsert(connection, day_checks, rows)

    def between(self, first: date, last: date, branch: str = "") -> list[DayChecked]:
        """Return the checks of the days from `first` to `last`, both with them, of one branch or of all."""
        here = [day_checks.c.date.between(first, last), *([day_checks.c.branch == branch] if branch else [])]
        order = (day_checks.c.date, day_checks.c.branch)
        return [
            DayChecked(row.date, row.branch, row.state, row.checked_at, row.result)
            for row in self.database.rows(sa.select(day_checks).where(*here).order_by(*order))
        ]
