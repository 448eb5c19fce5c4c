"""Fencing tokens of runs: only the holder of the newest token may store data of a run or send calls for it.

A process may be suspended in the middle of a page for longer than others wait, and then resume. Therefore each page
takes the next number for its run. Every transaction of the page and every writing call checks that number in the
database, which does not depend on clocks or heartbeats.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from integration.store.database import FencingToken, Store, current_token
from integration.store.tables import runs


class FencingTokens(Store):
    """Hands out the fencing tokens of all runs."""

    def take(self, run: str, owner: str) -> FencingToken:
        """Take the next token of a run. Former tokens become invalid. Raises KeyError for a run that does not exist."""
        with self.database.write() as connection:
            claim = {"owner": owner, "claims": runs.c.claims + 1}
            statement = runs.update().where(runs.c.id == run).values(claim).returning(runs.c.claims)
            number = connection.execute(statement).scalar()
        if number is None:
            raise KeyError(f"there is no run {run}")
        return FencingToken(run, number)

    @contextmanager
    def hold(self, run: str, owner: str) -> Iterator[None]:
        """Hold the next token of a run for the block. Writes in it raise FencingTokenLost once another one is taken."""
        reset = current_token.set(self.take(run, owner))
        try:
            yield
        finally:
            current_token.reset(reset)

    def require_current(self) -> None:
        """Raise FencingTokenLost if another process took over the run of the current page."""
        self.database.require_token()
