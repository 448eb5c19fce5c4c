"""Who is at a run: the newest fencing token alone may keep anything of it, and send anything for it.

A process may be suspended in the middle of a page, for longer than others wait for it, and go on as if nothing had
been. So each page claims its run under the next number, and the number is asked for in every transaction of the page
and before each call that writes: no clock and no sign of life decides, but what the database says at that moment.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from integration.store.database import FencingToken, Store, current_token
from integration.store.tables import runs


class FencingTokens(Store):
    """The fencing tokens of all runs: a run is claimed by taking its next one."""

    def take(self, run: str, owner: str) -> FencingToken:
        """Claim a run, from whoever had it. Raises KeyError for one that does not exist."""
        with self.database.write() as connection:
            mine = {"owner": owner, "claims": runs.c.claims + 1}
            taken = runs.update().where(runs.c.id == run).values(mine).returning(runs.c.claims)
            number = connection.execute(taken).scalar()
        if number is None:
            raise KeyError(f"there is no run {run}")
        return FencingToken(run, number)

    @contextmanager
    def hold(self, run: str, owner: str) -> Iterator[None]:
        """Claim a run for the block: once another took it over, all kept in the block raises FencingTokenLost."""
        reset = current_token.set(self.take(run, owner))
        try:
            yield
        finally:
            current_token.reset(reset)

    def expect(self) -> None:
        """Raise FencingTokenLost where another took over the run that this page is at."""
        self.database.expect_token()
