"""Killed with everything settled and the run about to be closed: where no call follows that the fault lab could meet.

Real processes are killed with SIGKILL and started again while both systems live on. A database that is slow to close
the run holds the moment open, so that the kill cannot miss it; the console's own files prove that it was met. Answers
get lost before the kill and again after the restart.
"""

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from traceback import format_exception

from integration.core.records import Kind
from integration.core.states import RunState, Step
from integration.sandbox.faults import Fault
from integration.sandbox.server import Sandbox, running
from integration.store.cursors import Cursors
from tests.clocks import now
from tests.runner.processes import Console, Ledger, looking_at
from tests.timeouts import SECONDS, wait_until

ARTICLES = 60
AT_ONCE = 2  # consoles side by side: more of them starve one another on two cores
PATIENCE = 3.0  # longer than any delay here: what was on its way when we died arrives before we lose patience
LATE = 1.3  # later than the first look back
LOST_ANSWERS = (
    Fault.CUT_BEFORE, Fault.CUT_AFTER, Fault.HALF, Fault.GARBAGE,
    Fault.HTML, Fault.UNAVAILABLE, Fault.FAULT, Fault.LATE,
)  # fmt: skip
OPEN = frozenset({Step.PLANNED, Step.SENT, Step.IN_DOUBT})

Moment = Callable[[Console, Ledger], None]
"""Waits until a console is at the moment, which it cannot leave by itself for a while."""

SLOW_TO_CLOSE = """
    CREATE VIEW slowness AS WITH RECURSIVE turns(turn) AS
        (SELECT 1 UNION ALL SELECT turn + 1 FROM turns LIMIT 400000000) SELECT count(*) AS turns FROM turns;
    CREATE TRIGGER slow_to_close BEFORE UPDATE OF state ON runs WHEN new.state = 'done'
        BEGIN SELECT turns FROM slowness; END;
"""
QUICK_AGAIN = "DROP TRIGGER slow_to_close; DROP VIEW slowness;"


def articles_proven_without_faults(folder: Path) -> frozenset[str]:
    """Return the source articles that a run without any fault proves."""
    with running(articles=ARTICLES) as sandbox:
        console = Console(sandbox, folder, patience_seconds=PATIENCE)
        console.start()
        console.ends()
        with looking_at(console) as ledger:
            proven = proven_articles(ledger)
    assert proven
    return proven


def proven_articles(ledger: Ledger) -> frozenset[str]:
    """Return the source articles of the products that are proven."""
    products = [row for row in ledger.changes() if row.kind is Kind.PRODUCT and row.step is Step.PROVEN]
    return frozenset(source for row in products if row.change for source in row.change.sources)


def _lose_answers(sandbox: Sandbox, fault: Fault) -> None:
    times = 1 if fault is Fault.UNAVAILABLE else 3  # the run waits after each, and two for one product are a question
    sandbox.switches.arm(fault, system="mplus", operation="createProduct", times=times, seconds=LATE)
    sandbox.switches.arm(fault, system="mplus", operation="newArticleGroup", times=1, seconds=LATE)


def steps(ledger: Ledger) -> Counter[Step]:
    return Counter(row.step for row in ledger.changes())


@contextmanager
def slow_to_close(console: Console) -> Iterator[None]:
    """Let the database of a console take its time to close a run; only for one that is killed meanwhile."""
    with closing(sqlite3.connect(console.folder / "console.sqlite", timeout=SECONDS)) as connection:
        connection.executescript(SLOW_TO_CLOSE)
        yield
        connection.executescript(QUICK_AGAIN)


def is_committing(ledger: Ledger) -> bool:
    run = ledger.run()
    return run is not None and run.state is RunState.COMMITTING


def before_the_cursor_moves(console: Console, ledger: Ledger) -> None:
    """Everything is settled, and the run is about to be closed."""
    wait_until(lambda: is_committing(ledger), "the commit")
    with slow_to_close(console):
        wait_until(lambda: not set(steps(ledger)) & OPEN, "the last change settled")
        console.kill()
    assert is_committing(ledger)
    assert Cursors(ledger.database, now).get("products", "source:article") is None


def how_it_stands(console: Console, ledger: Ledger) -> str:
    run, process = ledger.run(), console.process
    state = (run.state, run.error, run.facts) if run else "no run"
    return f"{process}: {state}, {dict(steps(ledger))}; {console.sandbox.ledger.writes()[-5:]}; {console.read_output()}"


def _kill_and_restart(moment: Moment, fault: Fault, folder: Path, expected: frozenset[str]) -> None:
    with running(articles=ARTICLES) as sandbox:
        console = Console(sandbox, folder, patience_seconds=PATIENCE)
        with looking_at(console) as ledger:
            _lose_answers(sandbox, fault)
            console.start()
            try:
                moment(console, ledger)
            except AssertionError as missed:
                missed.add_note(how_it_stands(console, ledger))
                raise
            finally:
                console.kill()
            sandbox.switches.disarm()
            _lose_answers(sandbox, fault)
            console.start()
            console.ends()
            _assert_nothing_lost_or_doubled(console, ledger, expected)


def _assert_nothing_lost_or_doubled(console: Console, ledger: Ledger, expected: frozenset[str]) -> None:
    run = ledger.run()
    assert run is not None
    assert run.state is RunState.DONE, (run.error, run.facts)
    counts = ledger.runs.counts(run.id)
    assert (counts.difference, counts.in_doubt, counts.planned) == (0, 0, 0)
    assert counts.read == counts.proven + counts.unchanged + counts.skipped + counts.parked
    assert proven_articles(ledger) == expected
    till = console.sandbox.state("articles", "mplus")
    articles = Counter(str(row["extArticleId"]) for row in till if row.get("extArticleId"))
    assert [code for code, number in articles.items() if number > 1] == []
    assert expected <= set(articles)
    groups = Counter((str(row.get("parent")), str(row["name"])) for row in console.sandbox.state("groups", "mplus"))
    assert [group for group, number in groups.items() if number > 1] == []
    assert Cursors(ledger.database, now).get("products", "source:article")


def assert_every_case_holds(moment: Moment, folder: Path, expected: frozenset[str]) -> str:
    """Kill at one moment under every switch, side by side; return how many cases there were."""
    number = check_all(
        {
            str(fault): partial(_kill_and_restart, moment, fault, folder / fault, expected)
            for fault in LOST_ANSWERS
        }
    )  # fmt: skip
    return f"{number} cases of {moment.__name__}"


def check_all(cases: Mapping[str, Callable[[], object]]) -> int:
    """Go through cases side by side, tell of all that do not hold, and return how many there were."""
    with ThreadPoolExecutor(AT_ONCE) as side_by_side:
        begun = {name: side_by_side.submit(case) for name, case in cases.items()}
    trouble = {name: format_exception(error) for name, case in begun.items() if (error := case.exception())}
    assert not trouble, "\n".join(f"{name}: {''.join(lines)}" for name, lines in trouble.items())
    return len(cases)
