"""Rows that retention deletes, and rows that stay at any age."""

from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from integration.core.days.report import DayState
from integration.core.errors import IntegrationError
from integration.core.issues import Issue
from integration.core.plan import Action, Change
from integration.core.plan_lines import PlanRow
from integration.core.records import Kind, Record
from integration.core.retention import CLASSES
from integration.core.run import Mode, Outcome
from integration.core.states import RunState, Step
from integration.retention.store.rows import PERMANENT_TABLES, TABLES, RetentionStore
from integration.store import tables
from integration.store.database import Database
from integration.store.issues import Issues
from integration.store.ledger import Ledger
from integration.store.links import Links
from integration.store.runs import RunStore
from tests.clocks import Clock
from tests.store.samples import FLOW, a_commit, a_create, a_line, a_park, a_plan, a_preview, a_skip, prove

YEAR = 365 * 86_400


@pytest.fixture
def retention_store(database: Database, clock: Clock) -> RetentionStore:
    """The stored rows, by retention class."""
    return RetentionStore(database, clock)


def lines_of(database: Database, run: str) -> int:
    """Return the number of stored lines of a plan."""
    query = sa.select(sa.func.count()).select_from(tables.lines).where(tables.lines.c.run == run)
    return int(database.scalar(query))


def a_done(runs: RunStore, *lines: PlanRow) -> str:
    """A run that wrote its plan."""
    run = a_commit(runs, *lines)
    prove(runs, run)
    Ledger(runs.database, runs.clock).finish(run)
    return run


def prune_all(retained: RetentionStore, name: str, before: datetime, portion: int = 500) -> int:
    """Delete all old rows of a class, and return their number."""
    total = 0
    while row_count := retained.prune(name, before, portion):
        assert row_count <= portion
        total += row_count
    return total


def a_document(number: int) -> PlanRow:
    """A line that books an order of somebody who lives somewhere."""
    record = Record(
        Kind.SALES_ORDER, f"O{number}", {"number": f"2026-{number}", "name": "A. de Vries"}, (), f"O{number}"
    )
    change = Change(
        action=Action.CREATE, kind=Kind.SALES_ORDER, key=record.key, title=f"2026-{number}", group="",
        sources=(f"O{number}",), desired=record, before=None, agreed=record,
    )  # fmt: skip
    return a_line(change)


def test_every_table_has_one_class_or_is_kept_for_good() -> None:
    table_names = [table.name for class_tables in TABLES.values() for table in class_tables] + [
        table.name for table in PERMANENT_TABLES
    ]
    assert sorted(table_names) == sorted(table.name for table in tables.metadata.sorted_tables)
    assert {retention_class.name for retention_class in CLASSES} - {"idle", "engine"} == TABLES.keys()


def test_lines_of_long_ago_go_in_portions_and_what_they_came_to_stays(
    database: Database, runs: RunStore, retention_store: RetentionStore, clock: Clock
) -> None:
    old = a_done(runs, *(a_create(number) for number in range(5)), a_skip(8), a_park(9))
    before, counts = runs.get(old), runs.counts(old)
    Issues(database, clock).store_check_result(FLOW, ["A9"], ["price_missing"], [])
    clock.advance(YEAR)
    newest = a_done(runs, a_create(7))
    assert retention_store.count_expired_rows("plans", clock.now) == 7

    assert retention_store.prune("plans", clock.now, 3) == 3
    assert runs.counts(old) == counts
    assert prune_all(retention_store, "plans", clock.now, 3) == 4
    assert (lines_of(database, old), lines_of(database, newest)) == (0, 1)
    after = runs.get(old)
    assert after.counts == before.counts == counts == runs.counts(old)
    assert (after.pruned_at, after.approval) == (clock.now, before.approval)
    assert retention_store.count_expired_rows("plans", clock.now) == 0


def test_what_goes_while_somebody_undoes_it_is_not_undone_by_half(
    runs: RunStore, retention_store: RetentionStore, clock: Clock
) -> None:
    old = a_done(runs, *(a_create(number) for number in range(5)))
    clock.advance(YEAR)
    a_done(runs, a_create(7))
    retention_store.prune("plans", clock.now, 2)
    with pytest.raises(IntegrationError) as refused:
        runs.begin(FLOW, Mode.UNDO, "anna", 4, undo_of=old)
    assert refused.value.code == "plan_not_kept"


@pytest.mark.parametrize(
    "reason", ["waits", "interrupted", "failed", "doubt", "question", "issue", "dismissed", "undone", "newest", "young"]
)
def test_what_is_still_needed_is_kept_whatever_its_age(
    reason: str, database: Database, runs: RunStore, retention_store: RetentionStore, clock: Clock
) -> None:
    def end(run: str, state: RunState) -> None:
        with database.write() as connection:
            changed = {"state": state, "active_flow": None, "ended_at": clock.now}
            connection.execute(tables.runs.update().where(tables.runs.c.id == run).values(changed))

    ledger = Ledger(database, clock)
    match reason:
        case "waits":
            run = a_plan(runs, a_create(1))
        case "issue" | "dismissed":
            run = a_done(runs, a_create(1), a_park(2))
        case "interrupted" | "failed":
            run = a_commit(runs, a_create(1))
            end(run, RunState(reason))
        case "doubt" | "question":
            run = a_commit(runs, a_create(1))
            ledger.mark_sent(run, [1])
            issue = Issue("read_back_missing", "P1")
            ledger.settle(
                run, [Outcome(1, Step.IN_DOUBT) if reason == "doubt" else Outcome(1, Step.PARKED, issue=issue)]
            )
            end(run, RunState.DONE)
            with database.write() as connection:
                connection.execute(tables.issues.delete())
        case _:
            run = a_done(runs, a_create(1))
    if reason == "undone":
        runs.begin(FLOW, Mode.UNDO, "anna", 4, undo_of=run)
        with database.write() as connection:
            connection.execute(tables.runs.update().values(active_flow=None))
    clock.advance(YEAR)
    before = clock.now
    if reason == "young":
        before = datetime(2026, 1, 1, tzinfo=UTC)
    if reason != "newest":
        a_done(runs, a_create(5))
    if reason in ("issue", "dismissed"):
        with database.write() as connection:
            state = "open" if reason == "issue" else reason
            connection.execute(tables.issues.update().values(state=state, run=run))  # the later run has closed it
    assert prune_all(retention_store, "plans", before) == 0
    assert prune_all(retention_store, "runs", before) == 0
    assert lines_of(database, run) > 0


def test_the_run_that_wrote_last_is_kept_though_the_clock_was_set_back(
    database: Database, runs: RunStore, retention_store: RetentionStore, clock: Clock
) -> None:
    earlier = a_done(runs, a_create(1))
    clock.advance(-3600)
    later = a_done(runs, a_create(2))
    clock.advance(YEAR)
    assert prune_all(retention_store, "plans", clock.now) == 1
    assert (lines_of(database, earlier), lines_of(database, later)) == (0, 1)


def test_runs_go_once_their_lines_have_and_those_that_found_nothing_sooner(
    runs: RunStore, retention_store: RetentionStore, clock: Clock
) -> None:
    writing_run, nothing = a_done(runs, a_create(1)), []
    for _ in range(3):
        run = a_preview(runs)
        runs.discard(run, "anna")
        nothing.append(run)
    clock.advance(YEAR)
    newest = a_done(runs, a_create(2))
    assert retention_store.count_expired_rows("idle", clock.now) == 3
    assert prune_all(retention_store, "idle", clock.now) == 3
    assert prune_all(retention_store, "runs", clock.now) == 0  # its lines are kept still
    prune_all(retention_store, "plans", clock.now)
    assert prune_all(retention_store, "runs", clock.now) == 1
    assert [run.id for run in runs.latest()] == [newest]
    for run in (writing_run, *nothing):
        with pytest.raises(KeyError):
            runs.get(run)


def test_of_what_was_booked_the_evidence_stays_for_years_without_a_name(
    database: Database, runs: RunStore, retention_store: RetentionStore, clock: Clock, links: Links
) -> None:
    booked, at = a_done(runs, a_document(1), a_create(3)), clock.now
    clock.advance(YEAR)
    a_done(runs, a_create(7))
    prune_all(retention_store, "plans", clock.now)
    (row,) = database.rows(sa.select(tables.evidence))
    assert (row.run, row.key, row.kind, row.step, row.by) == (booked, "O1", "sales_order", "proven", "anna")
    assert row.booked_at == at
    assert "Vries" not in str(row)

    assert prune_all(retention_store, "vouchers", at) == 0
    assert prune_all(retention_store, "vouchers", clock.now) == 2
    link = links.get(FLOW, Kind.SALES_ORDER, ["O1"])["O1"]
    assert (link.reference, link.agreed) == (row.reference, None)  # it is never booked again
    assert links.get(FLOW, Kind.PRODUCT, ["P3"])["P3"].agreed is not None


def test_settled_exceptions_go_and_open_ones_stay(
    database: Database, runs: RunStore, retention_store: RetentionStore, clock: Clock, issues: Issues
) -> None:
    a_done(runs, a_park(1), a_park(2))
    issues.store_check_result(FLOW, ["A1"], ["price_missing"], [])
    clock.advance(YEAR)
    assert prune_all(retention_store, "exceptions", clock.now) == 1
    assert [row.key for row in database.rows(sa.select(tables.issues))] == ["A2"]


def test_what_a_preview_read_stays_while_it_is_needed(
    database: Database, runs: RunStore, retention_store: RetentionStore, clock: Clock
) -> None:
    run = a_preview(runs)
    shape = {
        "stage": "groups",
        "key": "A1",
        "parent": "P1",
        "title": "Thee",
        "number": "",
        "mark": "",
        "taking_part": True,
    }
    with database.write() as connection:
        connection.execute(tables.staged_records.insert(), [{**shape, "run": run}, {**shape, "run": "gone"}])
    clock.advance(YEAR)
    assert prune_all(retention_store, "staging", clock.now) == 1
    assert [row.run for row in database.rows(sa.select(tables.staged_records))] == [run]


def test_sheets_of_days_and_movements_go_by_their_own_date(
    database: Database, retention_store: RetentionStore, clock: Clock
) -> None:
    day = {"branch": "1", "state": DayState.EQUAL, "checked_at": clock.now, "result": {}}
    move = {
        "flow": "stock", "branch": "1", "article": "A", "amount": "1", "type": "sale", "documents": [], "title": "",
        "delivered": True, "unread": "",
    }  # fmt: skip
    with database.write() as connection:
        days = [{**day, "date": datetime(year, 12, 31, tzinfo=UTC).date()} for year in (2018, 2019)]
        connection.execute(tables.day_checks.insert(), days)
        old, young = datetime(2019, 5, 1, tzinfo=UTC), datetime(2020, 5, 1, tzinfo=UTC)
        moved = [(1, old, True), (2, old, False), (3, young, True)]
        connection.execute(
            tables.stock_movements.insert(),
            [{**move, "number": n, "happened_at": at, "booked": b} for n, at, b in moved],
        )
    assert prune_all(retention_store, "books", datetime(2019, 1, 1, tzinfo=UTC)) == 1
    assert prune_all(retention_store, "movements", datetime(2020, 1, 1, tzinfo=UTC)) == 1
    assert [row.number for row in database.rows(sa.select(tables.stock_movements))] == [2, 3]


def test_what_there_is_is_reported_by_class(runs: RunStore, retention_store: RetentionStore, clock: Clock) -> None:
    first = clock.now
    a_done(runs, a_create(1), a_create(2))
    sizes = retention_store.class_sizes()
    assert (sizes["plans"].rows >= 2, sizes["plans"].oldest, sizes["runs"].oldest) == (True, first, first)
    assert (sizes["vouchers"].rows, sizes["vouchers"].oldest) == (0, None)
    assert sizes["plans"].size is None or sizes["plans"].size > 0
    assert sizes["kept"].rows > 0


def test_a_class_that_there_is_not_is_a_defect(retention_store: RetentionStore, clock: Clock) -> None:
    with pytest.raises(ValueError, match="nothing is kept as"):
        retention_store.count_expired_rows("poems", clock.now)
