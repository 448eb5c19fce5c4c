"""The whole application on both systems in a box, driven as an operator drives it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from integration.bootstrap import build
from integration.core.plan import Approval
from integration.core.run import ACTIVE, Mode, PlanRow, PreviewRequest, Run, RunState
from integration.services import Application
from integration.settings import AccountViewAccess, MplusAccess, load_settings
from tests.counter import Counter
from tests.patience import until
from tests.stores import built_in, stores_in

ARTICLES = 60
FAST = 100_000.0  # calls a second: nobody is to be spared
WHO = "operator"


@contextmanager
def opened(data: Path, *, start: bool = True, owner: str = "", **settings: Any) -> Iterator[Application]:
    """An application with its data in a folder, and nothing of the environment."""
    given = {
        "accountview": AccountViewAccess(per_second=FAST),
        "mplus": MplusAccess(),
        "sandbox_articles": ARTICLES,
        **settings,
    }
    application = build(load_settings(data=data, **given), owner=owner)
    try:
        yield application.start() if start else application
    finally:
        application.close()


def settled(application: Application, run_id: str) -> Run:
    """Return a run that has come to rest."""
    until(lambda: application.runs.get(run_id).state not in ACTIVE, "the end of the run")
    return application.runs.get(run_id)


class Console:
    """One operator at one console, on the sandbox."""

    def __init__(self, application: Application) -> None:
        self.application = application
        self.sandbox = built_in(application)
        self.counter = Counter(self.sandbox)

    def preview(self, flow: str, *keys: str, mode: Mode = Mode.COMPLETE) -> Run:
        """Return the plan of everything, or of the records under some keys alone."""
        mode = Mode.CHOSEN if keys else mode
        return settled(self.application, self.application.runs.preview(PreviewRequest(flow, WHO, mode, keys)))

    def commit(self, run: Run) -> Run:
        """Write a plan where there is something to write, with every brake confirmed."""
        if run.state is not RunState.READY:
            return run
        confirmed = {brake.code: brake.count for brake in run.brakes}
        self.application.runs.commit(run.id, Approval(run.fingerprint, WHO, confirmed=confirmed))
        done = settled(self.application, run.id)
        assert done.state is RunState.DONE, (done.state, done.error, done.facts)
        assert (done.counts.difference, done.counts.in_doubt) == (0, 0)
        return done

    def run(self, flow: str, *keys: str, mode: Mode = Mode.COMPLETE) -> Run:
        """Preview and commit."""
        return self.commit(self.preview(flow, *keys, mode=mode))

    def retry(self, flow: str, cause: str) -> Run:
        """Try again what is parked for a cause, and commit it."""
        return self.commit(settled(self.application, self.application.runs.try_again(flow, cause, WHO)))

    def undo(self, run: Run) -> Run:
        """Return the plan that puts back what a run wrote."""
        return settled(self.application, self.application.runs.undo(run.id, WHO))

    def lines(self, run: Run) -> dict[str, PlanRow]:
        """Return the lines of a plan by their keys."""
        return {row.key: row for row in self.application.plans.rows(run.id, limit=10_000)}

    def waits(self, flow: str, cause: str) -> set[str]:
        """Return the keys of what waits for a person for one cause."""
        return {one.issue.key for one in stores_in(self.application).issues.list(flow, cause, limit=1000)}

    def rows(self, table: str, **values: str) -> list[dict[str, Any]]:
        """Return the rows of a table of the books in which these columns hold these values."""
        found = self.sandbox.state(table)
        return [row for row in found if all(str(row.get(name)) == value for name, value in values.items())]

    def writes(self) -> int:
        """Return how many calls so far were meant to change something."""
        return self.sandbox.ledger.counts()["writes"]


def causes(findings: list[Any]) -> list[str]:
    return [one.cause for one in findings if one.ok is False]
