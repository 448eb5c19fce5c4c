"""Books that do not show the documents they accept: each is sent once, in however many runs, and a person is asked."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from integration.core.states import RunState, Step
from integration.sandbox.accountview.conventions import Conventions, EmptyAnswerForm
from integration.sandbox.faults import Fault
from integration.sandbox.server import Sandbox
from tests.people import make_actor
from tests.runner.crash_matrix import DAYS, a_case, approve, order_plan, until_rest
from tests.runner.processes import CommandedConsole, Ledger
from tests.timeouts import wait_until

pytestmark = [pytest.mark.long, pytest.mark.processes]

ORDERS = "SO1"
RUNS = 3
PATIENCE = 5.0
LATE = 20.0
NEVER = 100_000.0
IN_FLIGHT = 1  # calls at once, as AccountView is spoken to
QUESTIONS = ("read_back_missing", "never_answered")

FORMS: tuple[EmptyAnswerForm, ...] = ("empty", "absent", "no_body", "no_content", "not_found", "not_found_bare")
BLIND: dict[str, Conventions] = {
    **{f"unreadable, {form}": Conventions(no_hit=form, unreadable={ORDERS: form}) for form in FORMS},
    "filters ignored": Conventions(filters={ORDERS: "ignored"}),
    "filters refused and empty": Conventions(filters={ORDERS: "refused"}, unreadable={ORDERS: "empty"}),
}


def sendings(sandbox: Sandbox) -> Counter[str]:
    """Return how often each document of ours was sent to the books, by its reference."""
    return Counter(call.keys[0] for call in sandbox.ledger.writes() if call.operation == f"{ORDERS} POST")


def carry_out(console: CommandedConsole, ledger: Ledger) -> None:
    """Make a plan and commit it as far as the books allow; a run that waits for them is cancelled."""
    order_plan(console, "order", DAYS)
    if not wait_for_rest(ledger):
        console.ask("runs.cancel", ledger_run(ledger), make_actor("test"))
        until_rest(ledger)
        return
    run = ledger.run()
    assert run is not None
    if run.state is RunState.READY:
        approve(console, ledger)
        if not wait_for_rest(ledger):
            console.ask("runs.cancel", run.id, make_actor("test"))
            until_rest(ledger)


def ledger_run(ledger: Ledger) -> str:
    run = ledger.run()
    assert run is not None
    return run.id


def wait_for_rest(ledger: Ledger) -> bool:
    """Wait until the newest run stops working; return whether it stopped without waiting for a system."""
    while (run := ledger.run()) is not None and run.state in (RunState.PREVIEWING, RunState.COMMITTING):
        if run.error:
            return False
        time.sleep(0.05)
    return True


@contextmanager
def a_blind_case(journal: Path, folder: Path, conventions: Conventions) -> Iterator[tuple[CommandedConsole, Ledger]]:
    with a_case(journal, folder, "order", conventions=conventions, patience_seconds=1.5) as case:
        yield case


@pytest.mark.parametrize("way", BLIND)
def test_books_that_cannot_be_looked_into_get_each_document_once(tmp_path: Path, till_journal: Path, way: str) -> None:
    with a_blind_case(till_journal, tmp_path / "case", BLIND[way]) as (console, ledger):
        for _ in range(RUNS):
            carry_out(console, ledger)
        send_counts = sendings(console.sandbox)
        assert send_counts.total() <= 1  # one alone, to find out
        assert not any(row.step is Step.PROVEN and row.kind == "sales_order" for row in ledger.changes())


@pytest.mark.parametrize("late", [LATE, NEVER], ids=["late", "never"])
def test_what_shows_later_than_we_wait_is_sent_once(tmp_path: Path, till_journal: Path, late: float) -> None:
    with a_case(till_journal, tmp_path / "case", "order", patience_seconds=PATIENCE) as (console, ledger):
        console.sandbox.switches.arm(
            Fault.LATE, system="accountview", operation=f"{ORDERS} POST", times=None, seconds=late
        )
        for _ in range(RUNS):
            carry_out(console, ledger)
            if late is LATE:
                time.sleep(LATE)
        send_counts = sendings(console.sandbox)
        assert set(send_counts.values()) == {1}
        if late is NEVER:
            assert send_counts.total() == 1


def test_a_kill_leaves_no_more_questions_than_calls_in_flight(tmp_path: Path, till_journal: Path) -> None:
    with a_blind_case(till_journal, tmp_path / "case", BLIND["unreadable, empty"]) as (console, ledger):
        order_plan(console, "order", DAYS)
        until_rest(ledger)
        with console.sandbox.switches.armed(
            Fault.DELAY, system="accountview", operation=f"{ORDERS} POST", times=None, seconds=2
        ):
            approve(console, ledger)
            wait_until(
                lambda: any(row.step is Step.SENT and row.kind == "sales_order" for row in ledger.changes()), "sent"
            )
            console.kill()
        console.start()
        until_rest(ledger)
        assert sum(row.cause in QUESTIONS for row in ledger.changes()) <= IN_FLIGHT
        assert max(sendings(console.sandbox).values(), default=0) <= 1
