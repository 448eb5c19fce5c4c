"""The whole application on the sandbox, used as an operator uses it."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from integration.application.application import Application
from integration.application.bootstrap import build
from integration.connectors.accountview.settings import AccountViewAccess
from integration.connectors.mplus.settings import MplusAccess
from integration.core.plan import Approval
from integration.core.plan_lines import PlanRow
from integration.core.run import Mode, PreviewRequest, Run
from integration.core.states import ACTIVE, RunState
from integration.sandbox.server import opening_day
from integration.settings import load_settings
from integration.store.database import Clock
from tests.clocks import now
from tests.people import make_actor
from tests.stores import prepare, prepare_engine, sandbox_of, stores_in
from tests.till_client import TillClient
from tests.timeouts import wait_until

ARTICLES = 60
FAST = 100_000.0  # calls a second: nobody is to be spared
WHO = "operator"
OF_A_COPY = {"sandbox", "sandbox_articles"}  # settings with which a console may begin as a copy of one that has joined


@contextmanager
def open_application(
    data: Path, *, start: bool = True, owner: str = "", machine: Clock = now, fresh: bool = False, serves: bool = False,
    **settings: Any,
) -> Iterator[Application]:  # fmt: skip
    """An application with its data in a folder, without settings of the environment; `machine` is its clock.

    Only one that `serves` writes the log all the time, in a process of its own. Another one begins that process when it
    is asked about the log, and brings all events in before it answers.

    One on the sandbox has joined that before, unless it is to be `fresh`, with all that a first start asks and tells.
    """
    values = {
        "accountview": AccountViewAccess(per_second=FAST),
        "mplus": MplusAccess(),
        "sandbox_articles": ARTICLES,
        **settings,
    }
    if settings.get("sandbox") and settings.keys() <= OF_A_COPY and machine is now and not fresh:
        prepare_joined(data, values["sandbox_articles"])
    if "database_url" not in settings:
        prepare(data / "console.sqlite")
        if start:
            prepare_engine(data / "engine.sqlite")
    application = build(load_settings(data=data, **values), owner=owner, serves=serves, machine=machine)
    try:
        yield application.start() if start else application
    finally:
        application.close()


def prepare_joined(data: Path, articles: int) -> None:
    """Make the files of a console that joined the sandbox and has no runs, in a folder without a console.

    One joins in a process, which takes as long as all the rest of a start. Its copies are one instance, with one key.
    """
    if not (data / "console.sqlite").exists():
        data.mkdir(parents=True, exist_ok=True)
        for name, content in _joined_files(articles, opening_day(now())).items():
            (data / name).write_bytes(content)


@cache
def _joined_files(articles: int, _today: date) -> Mapping[str, bytes]:
    """Return the files of such a console by name, without the log, because each copy fills its own log."""
    with tempfile.TemporaryDirectory() as folder:
        with open_application(
            Path(folder), start=False, fresh=True, sandbox=True, sandbox_articles=articles
        ) as application:
            application.connections.join_sandbox()
        return {file.name: file.read_bytes() for file in Path(folder).iterdir()}


def wait_for_run(application: Application, run_id: str) -> Run:
    """Wait until a run is no longer active and return it."""
    wait_until(lambda: application.runs.get(run_id).state not in ACTIVE, "the end of the run")
    return application.runs.get(run_id)


class Console:
    """An operator at a console on the sandbox."""

    def __init__(self, application: Application) -> None:
        self.application = application
        self.sandbox = sandbox_of(application)
        self.till_client = TillClient(self.sandbox)

    def preview(self, flow: str, *keys: str, mode: Mode = Mode.COMPLETE) -> Run:
        """Preview all records, or only those with some keys, and return the run."""
        mode = Mode.CHOSEN if keys else mode
        return wait_for_run(
            self.application, self.application.runs.preview(PreviewRequest(flow, make_actor(WHO), mode, keys))
        )

    def commit(self, run: Run) -> Run:
        """Commit a plan with changes, with every brake confirmed."""
        if run.state is not RunState.READY:
            return run
        confirmed = {brake.code: brake.count for brake in run.brakes}
        self.application.runs.commit(run.id, Approval(run.mark, WHO, confirmed=confirmed))
        result = wait_for_run(self.application, run.id)
        assert result.state is RunState.DONE, (result.state, result.error, result.facts)
        assert (result.counts.difference, result.counts.in_doubt) == (0, 0)
        return result

    def run(self, flow: str, *keys: str, mode: Mode = Mode.COMPLETE) -> Run:
        """Preview and commit."""
        return self.commit(self.preview(flow, *keys, mode=mode))

    def retry(self, flow: str, cause: str) -> Run:
        """Retry the parked records of a cause and commit them."""
        return self.commit(
            wait_for_run(self.application, self.application.runs.try_again(flow, cause, make_actor(WHO)))
        )

    def undo(self, run: Run) -> Run:
        """Return the undo plan of a run."""
        return wait_for_run(self.application, self.application.runs.undo(run.id, make_actor(WHO)))

    def lines(self, run: Run) -> dict[str, PlanRow]:
        """Return the lines of a plan by their keys."""
        return {row.key: row for row in self.application.plans.rows(run.id, limit=10_000)}

    def waits(self, flow: str, cause: str) -> set[str]:
        """Return the keys of the parked records of a cause."""
        return {open_issue.issue.key for open_issue in stores_in(self.application).issues.list(flow, cause, limit=1000)}

    def rows(self, table: str, **values: str) -> list[dict[str, Any]]:
        """Return the rows of a table of the books with these values."""
        rows = self.sandbox.state(table)
        return [row for row in rows if all(str(row.get(name)) == value for name, value in values.items())]

    def writes(self) -> int:
        """Return the number of write calls so far."""
        return self.sandbox.ledger.counts()["writes"]


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """A shop whose articles are at the till, so that orders can be booked."""
    with open_application(tmp_path_factory.mktemp("data"), sandbox=True) as application:
        new_console = Console(application)
        assert new_console.run("products").counts.proven > 20
        yield new_console


@pytest.fixture(scope="module")
def article(console: Console) -> str:
    """An article at the full rate that both systems have."""
    return next(
        str(row["articleNumber"]) for row in console.sandbox.state("articles", "mplus")
        if row.get("extArticleId") and row["vatCode"] == 2 and row["priceIncl"] > 1000
    )  # fmt: skip


def causes(findings: list[Any]) -> list[str]:
    return [finding.cause for finding in findings if finding.ok is False]
