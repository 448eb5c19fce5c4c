"""Trouble at every step of an order with its debtor and address: none doubled, none lost, no cent astray, no hand work.

What was never answered is sent again by itself, as the flow is set here; as it is by itself, the fault lab tries it.

A case is one step boundary and one kind of trouble, in a console process and a sandbox of its own. A boundary is the
call of AccountView that follows on it: a switch meets that call, or, for a kill, holds it until the process is dead.
Where the call follows on a write, the write is held until the switch for what follows is on, so that no case can miss
its moment; the ledger of calls proves afterwards that the trouble was met.
"""

import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from traceback import format_exception
from typing import Any

from integration.core.plan import Approval
from integration.core.records import Kind
from integration.core.run import Counts, Mode, PreviewRequest
from integration.core.states import ACTIVE, RunState, Step
from integration.core.totals.sold import NOTHING
from integration.sandbox.accountview.conventions import Conventions
from integration.sandbox.faults import Fault
from integration.sandbox.server import Sandbox, running
from integration.store.cursors import Cursors
from tests.clocks import now
from tests.people import make_actor
from tests.runner import bookkeeping
from tests.runner.bookkeeping import OURS, Paper, cents_apart
from tests.runner.processes import CommandedConsole, Console, Ledger, looking_at
from tests.timeouts import SECONDS, wait_until

ARTICLES = 60
AT_ONCE = 2  # consoles side by side: more of them starve one another on two cores
OPEN = frozenset({Step.PLANNED, Step.SENT, Step.IN_DOUBT})
BOOKS = "accountview"
CONVENTIONS = Conventions()
PATIENCE = 1.5  # longer than anything here that is on its way, or accepted and not shown
HOLD = 0.6
LATE = 0.7
DAYS = 12  # of orders: nine to book, two of nobody, one cancelled; two new customers, two other addresses
ONE_MORE = DAYS + 1
OFTEN = 2
BEYOND = 6  # more often than one call is tried
REVENUE = "8030"
CURSOR = f"source:{Kind.ORDER}"

SLOW_TO_CLOSE = """
    CREATE VIEW slowness AS WITH RECURSIVE turns(turn) AS
        (SELECT 1 UNION ALL SELECT turn + 1 FROM turns LIMIT 400000000) SELECT count(*) AS turns FROM turns;
    CREATE TRIGGER slow_to_close BEFORE UPDATE OF state ON runs WHEN new.state = 'done'
        BEGIN SELECT turns FROM slowness; END;
"""
QUICK_AGAIN = "DROP TRIGGER slow_to_close; DROP VIEW slowness;"

FAULTS: Mapping[str, Fault | None] = {
    "kill": None,
    "cut before accepting": Fault.CUT_BEFORE,
    "cut after accepting": Fault.CUT_AFTER,
    "late visibility": Fault.LATE,
    "503": Fault.UNAVAILABLE,
    "429": Fault.TOO_MANY,
    "garbage": Fault.GARBAGE,
    "expired token": Fault.EXPIRED,
}
"""Kinds of trouble; a kill is no switch."""


@dataclass(frozen=True)
class Boundary:
    """A moment between two steps of a commit: `after` which write, if any, and before which `call` of AccountView."""

    name: str
    call: str
    after: str = ""
    lasting: Fault | None = None  # which trouble lasts longer here than we try
    often: int = OFTEN

    def times(self, fault: Fault | None) -> int:
        """Return how many calls meet a fault; a fault that never ends is left to a person."""
        if fault is None or fault is Fault.EXPIRED:
            return 1
        if fault in {Fault.UNAVAILABLE, Fault.TOO_MANY} and self.call.endswith("POST"):
            return 1  # the run waits after each, and a record that gets two such answers is a question
        return BEYOND if fault is self.lasting else self.often

    @property
    def write(self) -> str:
        """The write at either side of the moment."""
        return self.after or self.call.replace("GET", "POST")


BEFORE_ANYTHING = Boundary("before anything was sent", "* GET")
DEBTOR_SENT = Boundary("debtor sent", "AR1 POST")
DEBTOR_ACCEPTED = Boundary("debtor accepted, not read back", "AR1 GET", after="AR1 POST")
ADDRESS_SENT = Boundary("address sent", "ADDR POST", often=1)  # of two: the other shows that looks see
ADDRESS_ACCEPTED = Boundary("address accepted, not read back", "ADDR GET", after="ADDR POST")
ORDER_SENT = Boundary("order sent", "SO1 POST")
ORDER_ACCEPTED = Boundary("order accepted, not read back", "SO1 GET", after="SO1 POST", lasting=Fault.UNAVAILABLE)
ONE_ORDER_SENT = replace(ORDER_SENT, often=1)  # one that is never answered twice is a question
POSTING_SENT = Boundary("posting sent", "DJ2 POST")
POSTING_ACCEPTED = Boundary("posting accepted, not read back", "DJ2 GET", after="DJ2 POST")
BEFORE_CLOSING = Boundary("all settled, run not closed", "*")


@dataclass(frozen=True)
class RunResult:
    """The records of a run in the books, and its counts."""

    counts: Counts
    papers: list[Paper]
    debtors: list[str]
    addresses: list[tuple[str, ...]]


@dataclass(frozen=True)
class Calm:
    """Results of two runs without faults; the second finds one more order. `journal` fills a sandbox."""

    journal: Path
    becomes: str
    first: RunResult
    second: RunResult


# ---- a console with orders to book


def steps(ledger: Ledger) -> Counter[Step]:
    return Counter(row.step for row in ledger.changes())


@contextmanager
def slow_to_close(console: Console) -> Iterator[None]:
    """Slow down the statement that closes a run, for a console that is killed at that moment."""
    with closing(sqlite3.connect(console.folder / "console.sqlite", timeout=SECONDS)) as connection:
        connection.executescript(SLOW_TO_CLOSE)
        yield
        connection.executescript(QUICK_AGAIN)


def is_committing(ledger: Ledger) -> bool:
    run = ledger.run()
    return run is not None and run.state is RunState.COMMITTING


def how_it_stands(console: Console, ledger: Ledger) -> str:
    run, process = ledger.run(), console.process
    state = (run.state, run.error, run.facts) if run else "no run"
    return f"{process}: {state}, {dict(steps(ledger))}; {console.sandbox.ledger.writes()[-5:]}; {console.read_output()}"


def with_articles(folder: Path) -> Path:
    """Return the journal of a sandbox whose till has got its articles from the books."""
    journal = folder / "journal"
    with running(articles=ARTICLES, journal=journal) as sandbox:
        console = Console(sandbox, folder / "products")
        console.start()
        console.ends()
    return journal


def without_trouble(journal: Path, folder: Path, becomes: str = "order") -> Calm:
    """Return the result of orders without any fault; they become orders or postings."""
    with a_case(journal, folder, becomes) as (console, ledger):
        outcomes = []
        for days in (DAYS, ONE_MORE):
            plan(console, ledger, becomes, days)
            approve(console, ledger)
            until_rest(ledger)
            outcomes.append(assert_all_booked_once(console.sandbox, ledger, becomes, days))
    return Calm(journal, becomes, *outcomes)


@contextmanager
def a_case(
    journal: Path,
    folder: Path,
    becomes: str,
    *,
    data: Path | None = None,
    conventions: Conventions = CONVENTIONS,
    **settings: Any,
) -> Iterator[tuple[CommandedConsole, Ledger]]:
    """Yield a started console whose till has articles with codes, and a reader of its database.

    `data` is where the console has its files; a setting that is None stays as it is by itself.
    """
    chosen = {"patience_seconds": PATIENCE, **settings}
    folder.mkdir(parents=True)
    shutil.copy(journal, folder / "journal")
    with running(articles=ARTICLES, journal=folder / "journal", conventions=conventions) as sandbox:
        console = CommandedConsole(
            sandbox, data or folder, **{name: value for name, value in chosen.items() if value is not None}
        )
        with looking_at(console, "orders") as ledger:
            console.start()
            try:
                if becomes == "posting":
                    console.ask("rules.set_table", "revenue_accounts", {"*": REVENUE}, "test")
                yield console, ledger
            except AssertionError as missed:
                missed.add_note(how_it_stands(console, ledger))
                raise
            finally:
                console.kill()


def plan(console: CommandedConsole, ledger: Ledger, becomes: str, days: int) -> None:
    """Make a plan of the orders of these days, and wait for it."""
    order_plan(console, becomes, days)
    until_rest(ledger)


def order_plan(console: CommandedConsole, becomes: str, days: int) -> None:
    """Ask for a plan of the orders of these days."""
    shop = console.sandbox.shop
    collective = next(
        article.code for article in shop.articles if article.number and not article.blocked and not article.fault
    )
    since = (shop.today - timedelta(days=days)).isoformat()
    if becomes == "posting":  # which daybook is what the set-up finds out
        console.ask("proposals.fill", "test")
    settings: dict[str, Any] = {"date_from": since, "collective_article": collective, "orders": becomes}
    settings["resends"] = True  # nothing here shows later than we wait: so it goes without a person
    console.ask("flows.change", "orders", settings, make_actor("test"))
    console.ask("runs.preview", PreviewRequest("orders", make_actor("test"), Mode.COMPLETE))


def approve(console: CommandedConsole, ledger: Ledger) -> None:
    run = ledger.run()
    assert run is not None
    assert run.state is RunState.READY, (run.error, run.facts)
    confirmed = {brake.code: brake.count for brake in run.brakes}
    console.ask("runs.commit", run.id, Approval(run.mark, "test", confirmed=confirmed))


def until_rest(ledger: Ledger) -> None:
    def rests() -> bool:
        run = ledger.run()
        return run is not None and run.state not in ACTIVE

    wait_until(rests, "the end of the run", pause=0.03)


# ---- trouble at a boundary


def _approve_into(boundary: Boundary, trouble: str, console: CommandedConsole, ledger: Ledger) -> None:
    """Approve a plan that meets trouble at a boundary, and wait until it is carried out all the same."""
    fault = FAULTS[trouble]
    if fault is Fault.LATE:
        _let_show_late(boundary, console.sandbox)
        approve(console, ledger)
    else:
        struck = _strike(boundary, fault, console, ledger)
        if fault is None:
            wait_until(lambda: not _is_switch_active(console.sandbox, struck), "the call that follows")
            _assert_at_boundary(boundary, console, ledger)
            console.kill()
            console.sandbox.switches.disarm()
            console.start()
    until_rest(ledger)
    if fault is not None:
        _assert_fault_met(fault, console.sandbox)


def _let_show_late(boundary: Boundary, sandbox: Sandbox) -> None:
    """Show one write late, or all; before a read back, delay the first beyond the visibility timeout."""
    if boundary.after:
        _arm(sandbox, Fault.DELAY, boundary.write, 1, PATIENCE + HOLD)
    _arm(sandbox, Fault.LATE, boundary.write, 1 if boundary.call == boundary.write else None, LATE)


def _strike(boundary: Boundary, fault: Fault | None, console: CommandedConsole, ledger: Ledger) -> str:
    """Approve a plan and let the call after a boundary meet a switch; a delay, where the process shall be killed."""
    sandbox, times = console.sandbox, boundary.times(fault)
    if not boundary.after:
        struck = _arm(sandbox, fault or Fault.DELAY, boundary.call, times, HOLD)
        approve(console, ledger)
        return struck
    delay = _arm(sandbox, Fault.DELAY, boundary.after, 1, HOLD)
    approve(console, ledger)
    wait_until(lambda: not _is_switch_active(sandbox, delay), boundary.after)
    return _arm(sandbox, fault or Fault.DELAY, boundary.call, times, HOLD)


def _arm(sandbox: Sandbox, fault: Fault, operation: str, times: int | None, seconds: float) -> str:
    return sandbox.switches.arm(fault, system=BOOKS, operation=operation, times=times, seconds=seconds)


def _is_switch_active(sandbox: Sandbox, switch: str) -> bool:
    return any(active_switch.id == switch for active_switch in sandbox.switches.active_switches())


def _assert_at_boundary(boundary: Boundary, console: CommandedConsole, ledger: Ledger) -> None:
    """The files of the console and the ledger of calls say that it is where it is to be killed."""
    accepted = [call for call in console.sandbox.ledger.writes() if call.accepted and call.operation == boundary.write]
    if boundary is BEFORE_ANYTHING:
        assert set(steps(ledger)) == {Step.PLANNED}
        assert not console.sandbox.ledger.writes()
    else:
        assert steps(ledger)[Step.SENT] > 0
        assert bool(accepted) is bool(boundary.after)


def _assert_fault_met(fault: Fault, sandbox: Sandbox) -> None:
    notes = Counter(call.note for call in sandbox.ledger.calls(BOOKS))
    assert notes[fault], notes


def _run_under_trouble(boundary: Boundary, trouble: str, folder: Path, calm: Calm) -> None:
    with a_case(calm.journal, folder, calm.becomes) as (console, ledger):
        plan(console, ledger, calm.becomes, DAYS)
        _approve_into(boundary, trouble, console, ledger)
        assert assert_all_booked_once(console.sandbox, ledger, calm.becomes, DAYS) == calm.first


def _kill_before_closing(trouble: str, folder: Path, calm: Calm) -> None:
    """Killed with nothing left to do but close the run, restarted into trouble, and run again into the same."""
    fault = FAULTS[trouble]
    with a_case(calm.journal, folder, calm.becomes) as (console, ledger):
        plan(console, ledger, calm.becomes, DAYS)
        with slow_to_close(console):
            approve(console, ledger)
            wait_until(lambda: not set(steps(ledger)) & OPEN, "the last change settled")
            console.kill()
        assert is_committing(ledger)
        assert Cursors(ledger.database, now).get("orders", CURSOR) is None
        if fault is not None and fault is not Fault.LATE:
            _arm(console.sandbox, fault, BEFORE_CLOSING.call, BEFORE_CLOSING.times(fault), 0)
        console.start()
        until_rest(ledger)
        assert assert_all_booked_once(console.sandbox, ledger, calm.becomes, DAYS) == calm.first
        assert Cursors(ledger.database, now).get("orders", CURSOR)
        if fault is not None and fault is not Fault.LATE:
            _assert_fault_met(fault, console.sandbox)
        console.sandbox.switches.disarm()
        console.sandbox.ledger.clear()
        plan(console, ledger, calm.becomes, ONE_MORE)
        _approve_into(ONE_ORDER_SENT, trouble, console, ledger)
        assert assert_all_booked_once(console.sandbox, ledger, calm.becomes, ONE_MORE) == calm.second


# ---- what has to hold


def assert_all_booked_once(sandbox: Sandbox, ledger: Ledger, becomes: str, days: int) -> RunResult:
    """Every order of these days is in the books once and to the cent, and every record read is accounted for."""
    run = ledger.run()
    assert run is not None
    assert run.state is RunState.DONE, (run.error, run.facts)
    counts = ledger.runs.counts(run.id)
    assert (counts.difference, counts.in_doubt, counts.planned) == (0, 0, 0)
    assert counts.read_count == counts.proven + counts.unchanged + counts.skipped + counts.parked
    assert set(steps(ledger)) == {Step.PROVEN}
    papers = bookkeeping.postings(sandbox) if becomes == "posting" else bookkeeping.sales_orders(sandbox)
    numbers = _numbers_by_reference(sandbox, becomes, sandbox.shop.today - timedelta(days=days))
    assert Counter(paper.reference for paper in papers) == Counter(numbers.keys())
    assert counts.proven + counts.unchanged == len(papers)
    assert _cents_astray(sandbox, papers, numbers) == NOTHING
    kind = Kind.POSTING if becomes == "posting" else Kind.SALES_ORDER
    proven = [row for row in ledger.changes() if row.kind is kind]
    assert len({row.reference for row in proven}) == len(proven) == counts.proven
    return RunResult(
        counts,
        sorted(papers, key=lambda paper: paper.reference),
        sorted(bookkeeping.debtors(sandbox).values()),
        sorted(bookkeeping.addresses(sandbox)),
    )


def _numbers_by_reference(sandbox: Sandbox, becomes: str, since: date) -> dict[str, str]:
    """Return the numbers of the orders of somebody that were not cancelled, by the reference they have in the books."""
    numbers = {}
    for order in sandbox.state("orders", "mplus"):
        if _day(order["financialDate"]) < since or order["cancelState"].endswith("COMPLETE"):
            continue
        if order.get("relationNumber"):
            year, number = order["orderNumber"]["year"], order["orderNumber"]["number"]
            of_posting = f"MO{year - 2020}0000{number:05}"
            numbers[of_posting if becomes == "posting" else f"{OURS}{year}.{number}"] = f"{year}.{number}"
    return numbers


def _day(day_fields: Mapping[str, Any]) -> date:
    return date(day_fields["year"], day_fields["mon"], day_fields["day"])


def _cents_astray(sandbox: Sandbox, papers: list[Paper], numbers: Mapping[str, str]) -> Decimal:
    sold = bookkeeping.sums_by_order(sandbox)
    return sum((cents_apart(sold[numbers[paper.reference]], paper.sums) for paper in papers), NOTHING)


def check_all(cases: Mapping[str, Callable[[], object]]) -> int:
    """Run cases in parallel, report all that fail, and return the number of cases."""
    with ThreadPoolExecutor(AT_ONCE) as side_by_side:
        begun = {name: side_by_side.submit(case) for name, case in cases.items()}
    trouble = {name: format_exception(error) for name, case in begun.items() if (error := case.exception())}
    assert not trouble, "\n".join(f"{name}: {''.join(lines)}" for name, lines in trouble.items())
    return len(cases)


def assert_every_trouble_passes(boundary: Boundary, folder: Path, calm: Calm) -> str:
    """Run all faults at one boundary in parallel; return the number of cases as text."""
    cases = {
        trouble: partial(_kill_before_closing, trouble, folder / trouble.replace(" ", "-"), calm)
        if boundary is BEFORE_CLOSING
        else partial(_run_under_trouble, boundary, trouble, folder / trouble.replace(" ", "-"), calm)
        for trouble in FAULTS
    }
    number = check_all(cases)
    documents = number * len(calm.first.papers)
    return f"{number} cases of {boundary.name} ({documents} documents: 0 doubled, 0 lost, {NOTHING:.2f} astray)"
