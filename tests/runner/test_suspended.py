"""A process that is stopped in the middle of a page, and goes on when another one has finished its run.

As a machine does whose lid is closed, or that is moved: nothing tells the process that time has passed.
"""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from integration.core.states import RunState
from integration.sandbox.faults import Fault
from integration.sandbox.server import Sandbox
from tests.process_suspension import suspend_between_writes
from tests.runner.crash_matrix import a_case, approve, assert_all_booked_once, plan, until_rest
from tests.runner.processes import CommandedConsole, Ledger
from tests.timeouts import wait_until

pytestmark = [pytest.mark.long, pytest.mark.processes]

DAYS = 25
SOME = 4  # orders that are accepted when the process is suspended
SLOW_SECONDS = 0.4

Database = Callable[[], str | None]


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest) -> str | None:
    """The address of a database, or None for a file in the folder of the case."""
    return str(request.getfixturevalue("postgres_url")) if request.param == "postgres" else None


@contextmanager
def suspend_console(console: CommandedConsole) -> Iterator[None]:
    """Suspend a process inside the block."""
    assert console.process is not None
    pid = console.process.pid
    assert pid is not None
    suspend_between_writes(pid, console.folder)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def orders_accepted(sandbox: Sandbox) -> int:
    """Return how many orders the books accepted."""
    return sum(call.accepted and call.operation == "SO1 POST" for call in sandbox.ledger.writes())


def test_what_another_process_took_over_is_not_sent_by_the_one_that_wakes(
    tmp_path: Path, till_journal: Path, database: str | None
) -> None:
    with a_case(till_journal, tmp_path / "case", "order", database_url=database, patience_seconds=None) as case:
        console, ledger = case
        plan(console, ledger, "order", DAYS)
        with console.sandbox.switches.armed(
            Fault.DELAY, system="accountview", operation="SO1 POST", times=None, seconds=SLOW_SECONDS
        ):
            approve(console, ledger)
            wait_until(lambda: orders_accepted(console.sandbox) >= SOME, "some orders accepted")
            with suspend_console(console):
                console.sandbox.switches.disarm()
                finish_elsewhere(console, ledger)
                booked = orders_accepted(console.sandbox)
        time.sleep(5)  # it would have sent the rest of its page by now
        assert console.ask("runs.latest", "orders")[0].state is RunState.DONE  # it is awake
        assert orders_accepted(console.sandbox) == booked
        assert_all_booked_once(console.sandbox, ledger, "order", DAYS)


def finish_elsewhere(console: CommandedConsole, ledger: Ledger) -> None:
    """Let another process take over the run and finish it."""
    other = CommandedConsole(console.sandbox, console.folder, executor="worker", **console.settings)
    other.start()
    try:
        until_rest(ledger)
    finally:
        other.kill()
