"""Who is at a run: the newest claim alone may keep anything of it, and send anything for it.

A process may be suspended in the middle of a page, for longer than others wait for it, and go on as if nothing had
been. So each page claims its run under the next number, and the number is asked for in every transaction of the page
and before each call that writes: no clock and no sign of life decides, but what the database says at that moment.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from integration.store.database import Claim, Store, claimed
from integration.store.tables import runs


class Claims(Store):
    """The claims on all runs."""

    def take(self, run: str, owner: str) -> Claim:
        """Claim a run, from whoever had it. Raises KeyError for one that does not exist."""
        with self.database.write() as connection:
            mine = {"owner": owner, "claims": runs.c.claims + 1}
            taken = runs.update().where(runs.c.id == run).values(mine).returning(runs.c.claims)
            number = connection.execute(taken).scalar()
        if number is None:
            raise KeyError(f"there is no run {run}")
        return Claim(run, number)

    @contextmanager
    def hold(self, run: str, owner: str) -> Iterator[None]:
        """Claim a run for the block: once another took it over, everything kept in the block raises ClaimLost."""
        token = claimed.set(self.take(run, owner))
        try:
            yield
        finally:
            claimed.reset(token)

    def expect(self) -> None:
        """Raise ClaimLost where another took over the run that this page is at."""
        self.database.expect_claim()
