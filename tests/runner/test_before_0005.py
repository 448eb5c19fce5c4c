"""Runs begun before positions had types go on after the migration, wherever they stood."""

import json
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa

from integration.core.errors import PlanStaleError
from integration.core.records import Kind
from integration.core.run import Mode, Position, PreviewRequest, Run, RunState, Task
from integration.store.database import Database, open_database
from integration.store.tables import runs as table
from tests.bench import Bench, edited
from tests.fakes import MemoryConnector
from tests.people import somebody

ADDED = {
    "runs": ("in_force", "names", "undo_of", "notes", "owner", "claims", "approvals", "pruned_at", "number"),
    "plan_lines": ("accepted",),
    "links": ("unproven", "source_hash", "target_hash"),
    "staged": ("source_hash", "same"),
}
EARLIER = {Task.COMPARE: "plan"}


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=[pytest.mark.postgres, pytest.mark.long])])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database."""
    if request.param == "postgres":
        return str(request.getfixturevalue("postgres_url"))
    return f"sqlite:///{tmp_path / 'console.sqlite'}"


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    """An empty database of either kind."""
    opened = open_database(url)
    yield opened
    opened.close()


Update = Callable[[], None]


@pytest.fixture
def update(bench: Bench, database: Database, url: str) -> Update:
    """Let all runs lie there as the version before kept them, and open their database with this one."""

    def update_it() -> None:
        every = bench.runs.latest(limit=1_000)
        with database.write() as connection:
            for run in every:
                here = sa.text("UPDATE runs SET position = :position WHERE id = :run")
                connection.execute(here, {"position": json.dumps(as_it_was(run)), "run": run.id})
            for index in ("ix_links_changed", "ix_runs_number", "ix_runs_flow_state"):
                connection.execute(sa.text(f"DROP INDEX {index}"))
            connection.execute(sa.text("CREATE INDEX ix_runs_flow_state ON runs (flow, state, started_at)"))
            for of, columns in ADDED.items():
                for column in columns:
                    connection.execute(sa.text(f"ALTER TABLE {of} DROP COLUMN {column}"))
            later = ("left_out", "drift", "day_checks", "taken_back", "moves", "promises", "evidence")
            later_still = ("plan_notes", "saved_filters")
            people = ("people", "sessions", "invitations", "tries", "yeses", "audit", "audit_head")
            for table in (*later, *people, "episodes", "deliveries", "stopped", "erased", *later_still):
                connection.execute(sa.text(f"DROP TABLE {table}"))
            connection.execute(sa.text("UPDATE alembic_version SET version_num = '0004'"))
        open_database(url).close()
        assert by_id(bench.runs.latest(limit=1_000)) == by_id(every)  # several began at one moment of this clock
        bench.restart()

    return update_it


def by_id(runs: Iterable[Run]) -> list[Run]:
    """Return runs in an order that no clock makes."""
    return sorted(runs, key=lambda run: run.id)


def as_it_was(run: Run) -> dict[str, str]:
    """Return the position of a run as texts by name, with what the run was begun with beside it."""
    now = run.position
    counts = {"read": now.read, "planned": now.planned, "changes": now.changes, "retirements": now.retirements}
    old = {"phase": EARLIER.get(now.task, str(now.task))}
    if run.mode is Mode.UNDO:
        old |= {"of": run.undo_of, "done": str(now.undone)}
    else:
        old |= {"stage": str(now.stage), "keys": "\n".join(now.keys), "most": str(now.most or "")}
    old |= {name: str(number) for name, number in {**counts, **now.watched}.items() if number or name in now.watched}
    old |= {f"since:{kind}": stamp for kind, stamp in now.since.items()}
    old |= {f"stamp:{kind}": stamp for kind, stamp in now.stamps.items()}
    if now.after is not None:
        old["mark" if now.task is Task.TOUCHED else "after"] = now.after
    if now.marker is not None:
        old["marker"] = now.marker
    if run.has_earlier_mapping:
        old |= {"mapping": str(run.mapping_version), "published": str(run.in_force)}
    return old | ({} if run.names is None else {"names": run.names}) | dict(run.notes)


def with_updates(bench: Bench, run: Run, update: Update) -> tuple[Run, list[Position]]:
    """Go on with a preview that is updated before every page; return it at rest, and where it stood on the way."""
    positions = []
    update()
    while bench.runner.preview.page(run.id):
        update()
        positions.append(bench.runs.get(run.id).position)
    return bench.rested(run), positions


def assert_same_plan(bench: Bench, request: PreviewRequest, update: Update) -> list[Position]:
    """A preview that was updated on every page plans what one does that was left alone; it is committed then."""
    whole = bench.previewed(bench.runner.preview.begin(request))
    bench.runs.discard(whole.id, by="test")
    bench.clock.advance(60)
    run, positions = with_updates(bench, bench.runner.preview.begin(request), update)
    assert (run.fingerprint, run.counts, run.brakes) == (whole.fingerprint, whole.counts, whole.brakes)
    assert run.state is RunState.READY
    assert bench.commit(run).state is RunState.DONE
    return positions


def tasks(positions: list[Position]) -> list[Task]:
    return list(dict.fromkeys(position.task for position in positions))


def test_a_first_preview_goes_on(bench: Bench, update: Update) -> None:
    positions = assert_same_plan(bench, PreviewRequest("products", somebody("test")), update)
    assert tasks(positions) == [Task.EXTRACT, Task.COMPARE, Task.VANISHED, Task.FINISH]
    assert any(position.task is Task.EXTRACT and position.after for position in positions)
    assert any(position.task is Task.COMPARE and position.after for position in positions)
    assert bench.cursors.get("products", "source:article") == positions[-1].stamps[Kind.ARTICLE]
    assert bench.preview().state is RunState.DONE


@pytest.mark.long
def test_a_preview_of_changes_goes_on(
    bench: Bench, source: MemoryConnector, target: MemoryConnector, update: Update
) -> None:
    bench.run()
    for key in ("1001", "1002", "1003"):
        edited(target, key, {f"{key}/price_incl": Decimal("1.00")}, Kind.PRODUCT)
    edited(source, "1004", {"price": Decimal("20.0000")})
    positions = assert_same_plan(bench, PreviewRequest("products", somebody("test")), update)
    assert tasks(positions) == [Task.EXTRACT, Task.TOUCHED, Task.SIBLINGS, Task.COMPARE, Task.FINISH]
    assert any(position.task is Task.TOUCHED and position.after for position in positions)
    assert positions[0].since.keys() == {Kind.GROUP, Kind.ARTICLE}
    assert "brake_price" in positions[-1].watched
    assert bench.preview().state is RunState.DONE


@pytest.mark.long
def test_what_has_vanished_is_retired_by_a_preview_that_goes_on(
    bench: Bench, source: MemoryConnector, target: MemoryConnector, update: Update
) -> None:
    bench.run()
    source.remove(Kind.ARTICLE, "1003")
    positions = assert_same_plan(bench, PreviewRequest("products", somebody("test"), Mode.COMPLETE), update)
    assert positions[-1].retirements == 1
    assert target.held(Kind.PRODUCT)["1003"].flat()["1003/active"] is False


@pytest.mark.long
def test_chosen_records_with_an_earlier_mapping_go_on(bench: Bench, source: MemoryConnector, update: Update) -> None:
    bench.run()
    for key in ("1001", "1002", "1003"):
        edited(source, key, {"price": Decimal("20.0000")})
    bench.mapping_version = 2
    request = PreviewRequest(
        "products", somebody("test"), Mode.CHOSEN, ("1001", "1003"), {"tried": '{"cause": "any"}'}, 1
    )
    assert tasks(assert_same_plan(bench, request, update)) == [
        Task.EXTRACT, Task.SIBLINGS, Task.COMPARE, Task.FINISH,
    ]  # fmt: skip
    (run, *_) = bench.runs.latest()
    assert (run.mapping_version, run.in_force, run.notes) == (1, 2, {"tried": '{"cause": "any"}'})
    assert run.counts.proven == 2


def test_an_undo_goes_on(bench: Bench, source: MemoryConnector, target: MemoryConnector, update: Update) -> None:
    bench.run()
    edited(source, "1002", {"price": Decimal("20.0000")})
    done = bench.run()
    whole = bench.undo(done)
    bench.runs.discard(whole.id, by="test")
    run, positions = with_updates(bench, bench.runner.preview.undo(done.id, by="test"), update)
    assert (run.fingerprint, run.undo_of) == (whole.fingerprint, done.id)
    assert tasks(positions) == [Task.UNDO, Task.FINISH]
    bench.commit(run)
    assert target.held(Kind.PRODUCT)["1002"].flat()["1002/price_incl"] == Decimal("20.00")


def test_an_interrupted_commit_is_taken_up_again(bench: Bench, update: Update) -> None:
    run = bench.preview()
    bench.approve(run)
    bench.runner.commit.page(run.id)
    update()
    bench.runs.interrupt(run.id, "cancelled", {})
    update()
    assert bench.commit(run).state is RunState.DONE
    assert bench.preview().state is RunState.DONE


def test_a_waiting_plan_is_as_stale_after_the_update_as_before(bench: Bench, update: Update) -> None:
    run = bench.preview()
    update()
    bench.names = "as somebody called them since"
    with pytest.raises(PlanStaleError) as names:
        bench.approve(run)
    assert names.value.code == "names_changed_since"
    bench.mapping_version = 2
    with pytest.raises(PlanStaleError) as mapping:
        bench.approve(run)
    assert mapping.value.code == "mapping_published_since"


@pytest.mark.long
def test_a_plan_of_before_names_were_marked_is_not_held_up_by_them(
    bench: Bench, database: Database, update: Update
) -> None:
    run = bench.preview()
    with database.write() as connection:
        connection.execute(table.update().values(names=None))
    update()
    bench.names = "as somebody called them since"
    assert bench.commit(run).state is RunState.DONE
