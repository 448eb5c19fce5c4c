"""Killed at the worst moments, with every kind of lost answer: no article doubled, none lost, no hand work.

A real process is killed with SIGKILL and started again; the sandboxes live on in this one. Moments are reached by
making the till slow to answer the call that follows them, and by asking its ledger what has arrived.
"""

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from integration.core.run import RunState
from integration.sandbox.faults import Fault
from integration.sandbox.server import Sandbox, running
from integration.store.database import open_database
from integration.store.runs import Runs
from tests.clocks import now

pytestmark = [pytest.mark.processes, pytest.mark.timeout(300)]

ROOT = Path(__file__).parent.parent.parent
ARTICLES = 60
LOST_ANSWERS = (
    Fault.CUT_BEFORE, Fault.CUT_AFTER, Fault.HALF, Fault.GARBAGE, Fault.HTML, Fault.UNAVAILABLE, Fault.FAULT, Fault.LATE,
)  # fmt: skip


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with running(articles=ARTICLES) as sandbox:
        yield sandbox


class Console:
    """A console process on its own folder, talking to the sandbox."""

    def __init__(self, sandbox: Sandbox, folder: Path) -> None:
        self.sandbox = sandbox
        self.folder = folder
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        environment = {
            **os.environ,
            "CONSOLE_ACCOUNTVIEW__URL": self.sandbox.accountview_url,
            "CONSOLE_ACCOUNTVIEW__CLIENT_ID": "sandbox-client",
            "CONSOLE_ACCOUNTVIEW__CLIENT_SECRET": "sandbox-secret",
            "CONSOLE_ACCOUNTVIEW__REFRESH_TOKEN": "sandbox-refresh",
            "CONSOLE_ACCOUNTVIEW__COMPANY": "7f3c",
            "CONSOLE_MPLUS__URL": self.sandbox.mplus_url,
            "CONSOLE_MPLUS__IDENT": "sandbox",
            "CONSOLE_MPLUS__SECRET": "sandbox-secret",
            "CONSOLE_MPLUS__PER_SECOND": "1000",
            "CONSOLE_ACCOUNTVIEW__PER_SECOND": "1000",
            "PYTHONPATH": str(ROOT),
        }
        command = [sys.executable, str(Path(__file__).with_name("child.py")), str(self.folder)]
        with (self.folder / "stderr").open("ab") as stderr:
            self.process = subprocess.Popen(
                command, env=environment, cwd=self.folder, stdout=subprocess.DEVNULL, stderr=stderr
            )

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def ends(self, seconds: float = 90) -> None:
        assert self.process is not None
        try:
            status = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            status = None
        assert status == 0, (self.folder / "stderr").read_text()[-4000:]


@pytest.fixture
def console(sandbox: Sandbox, tmp_path: Path) -> Iterator[Console]:
    console = Console(sandbox, tmp_path)
    yield console
    if console.process is not None and console.process.poll() is None:
        console.kill()


def until(reached: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < end, "the moment was never reached"
        time.sleep(0.005)


def written(sandbox: Sandbox) -> int:
    return sum(call.operation == "createProduct" for call in sandbox.ledger.calls("mplus", write=True))


def articles_at_the_till(sandbox: Sandbox) -> Counter[str]:
    found: Counter[str] = Counter()
    for article in sandbox.state("articles", "mplus"):
        if article.get("extArticleId"):
            found[str(article["extArticleId"])] += 1
    return found


def assert_nothing_lost_or_doubled(console: Console) -> None:
    database = open_database(f"sqlite:///{console.folder / 'console.sqlite'}")
    try:
        runs = Runs(database, now)
        (run,) = runs.latest("products")
        assert run.state is RunState.DONE, (run.error, run.facts)
        assert run.counts.difference == 0
        assert run.counts.in_doubt == 0
        proven = {
            source
            for row in runs.rows(run.id, "proven", limit=10_000)
            if row.change is not None and row.kind == "product"
            for source in row.change.sources
        }
    finally:
        database.close()
    found = articles_at_the_till(console.sandbox)
    assert proven
    assert [code for code, count in found.items() if count > 1] == []
    assert proven - set(found) == set()
    parked = run.counts.parked + run.counts.skipped
    assert run.counts.proven == run.counts.read - parked - run.counts.unchanged


def lose_answers(sandbox: Sandbox, fault: Fault) -> None:
    sandbox.switches.arm(fault, system="mplus", operation="createProduct", times=3, seconds=0.5)
    sandbox.switches.arm(fault, system="mplus", operation="newArticleGroup", times=1, seconds=0.5)


@pytest.mark.parametrize("fault", LOST_ANSWERS)
def test_killed_before_anything_was_sent(console: Console, sandbox: Sandbox, fault: Fault) -> None:
    lose_answers(sandbox, fault)
    slow = sandbox.switches.arm(Fault.DELAY, system="mplus", operation="getArticleGroups", times=None, seconds=1)
    console.start()
    until(lambda: any(call.operation == "getArticleGroups" for call in sandbox.ledger.calls("mplus")))
    console.kill()
    sandbox.switches.disarm(slow)
    console.start()
    console.ends()
    assert_nothing_lost_or_doubled(console)


@pytest.mark.parametrize("fault", LOST_ANSWERS)
def test_killed_after_sent_was_kept(console: Console, sandbox: Sandbox, fault: Fault) -> None:
    lose_answers(sandbox, fault)
    slow = sandbox.switches.arm(Fault.DELAY, system="mplus", operation="newArticleGroup", times=None, seconds=0.5)
    console.start()
    until(lambda: steps(console).get("sent", 0) > 0)
    console.kill()
    sandbox.switches.disarm(slow)
    console.start()
    console.ends()
    assert_nothing_lost_or_doubled(console)


@pytest.mark.parametrize("fault", LOST_ANSWERS)
def test_killed_after_the_till_accepted(console: Console, sandbox: Sandbox, fault: Fault) -> None:
    lose_answers(sandbox, fault)
    console.start()
    until(lambda: written(sandbox) > 4)
    console.kill()
    console.start()
    console.ends()
    assert_nothing_lost_or_doubled(console)


@pytest.mark.parametrize("fault", LOST_ANSWERS)
def test_killed_after_the_read_back(console: Console, sandbox: Sandbox, fault: Fault) -> None:
    lose_answers(sandbox, fault)
    console.start()
    until(lambda: steps(console).get("proven", 0) > 0)
    console.kill()
    console.start()
    console.ends()
    assert_nothing_lost_or_doubled(console)


@pytest.mark.parametrize("fault", LOST_ANSWERS)
def test_killed_before_the_cursor_moves(console: Console, sandbox: Sandbox, fault: Fault) -> None:
    lose_answers(sandbox, fault)
    console.start()
    until(lambda: bool(found := steps(console)) and not set(found) & {"planned", "sent", "in_doubt"})
    console.kill()
    console.start()
    console.ends()
    assert_nothing_lost_or_doubled(console)


def steps(console: Console) -> dict[str, int]:
    """How many changes of the run stand where, as the console's own database says."""
    if not (console.folder / "console.sqlite").exists():
        return {}
    database = open_database(f"sqlite:///{console.folder / 'console.sqlite'}")
    try:
        runs = Runs(database, now)
        known = runs.latest("products")
        if not known or known[0].state is not RunState.COMMITTING:
            return {}
        return dict(Counter(str(row.step) for row in runs.rows(known[0].id, limit=10_000) if row.change is not None))
    finally:
        database.close()
