"""Durability of runs, with the real engine in real processes."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest
import sqlalchemy as sa

from integration.core.errors import RunActiveError
from integration.core.plan import Approval
from integration.core.records import Kind
from integration.core.run import Mode, PreviewRequest, Run
from integration.core.states import RunState, Step
from integration.core.timetable import WALL_CLOCK
from integration.sandbox.faults import Fault
from integration.sandbox.server import Sandbox, running
from integration.store.database import open_database
from integration.store.plain_rows import SENTENCE
from integration.store.runs import RunStore
from integration.store.settings import StoredSettings
from integration.store.tables import heartbeats, runs
from tests.clocks import now
from tests.connectors.accountview.samples import calls_since, newest_call
from tests.people import make_actor
from tests.pickles import plant, rows
from tests.postgres import postgres_server, postgres_url
from tests.runner.processes import CommandedConsole, with_a_bug
from tests.timeouts import wait_until

__all__ = ["postgres_server", "postgres_url"]

pytestmark = pytest.mark.processes

ARTICLES = 50
TAKEN_OVER_WITHIN_SECONDS = 30.0

Start = Callable[..., CommandedConsole]


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """Both systems, fresh for every test."""
    with running(articles=ARTICLES) as both_systems:
        yield both_systems


@pytest.fixture
def start(sandbox: Sandbox, tmp_path: Path) -> Iterator[Start]:
    """Start console processes that end with the test; all of one test share a folder."""
    started: list[CommandedConsole] = []

    def begin_console(**settings: Any) -> CommandedConsole:
        console = CommandedConsole(sandbox, tmp_path, **{"patience_seconds": 2.0, **settings})
        started.append(console)
        console.start()
        return console

    yield begin_console
    for console in started:
        console.kill()


def approval_of(run: Run) -> Approval:
    """Return a yes to this plan, brakes and all."""
    return Approval(run.fingerprint, "test", confirmed={brake.code: brake.count for brake in run.brakes})


def unproven_changes(console: CommandedConsole, run: Run) -> dict[str, str]:
    """Return the changes of a run that are not proven, and why."""
    rows = console.ask("plans.rows", run.id, "changes", "", 0, 1000)
    return {row.key: row.cause for row in rows if row.step is not Step.PROVEN}


def stop_preview(start: Start, sandbox: Sandbox) -> tuple[CommandedConsole, str, str]:
    """Return a console with a preview that waits for unavailable books, and the fault that makes them so."""
    console = start()
    console.rests(console.ask("runs.preview", PreviewRequest("products", make_actor("test"))))
    away = sandbox.switches.arm(Fault.UNAVAILABLE, system="accountview", times=None)
    run_id = console.ask("runs.preview", PreviewRequest("products", make_actor("test")))
    wait_until(lambda: bool(console.ask("runs.get", run_id).error), "the trouble")
    return console, run_id, away


@pytest.mark.long
def test_each_run_learns_anew_how_the_books_say_that_there_is_nothing(start: Start, sandbox: Sandbox) -> None:
    console = start()

    def reads() -> Counter[str]:
        first = newest_call(sandbox)
        console.rests(console.ask("runs.preview", PreviewRequest("products", make_actor("test"), Mode.COMPLETE)))
        calls = calls_since(sandbox, first)
        return Counter({name: calls[name] for name in ("AG1 GET", "AK1 GET")})

    reads()  # the connection itself asks more
    assert reads() == reads() >= Counter({"AG1 GET": 3, "AK1 GET": 3})


@pytest.mark.long
def test_the_till_is_reported_for_which_run_it_is_asked_for_its_journals(start: Start, sandbox: Sandbox) -> None:
    console = start()
    run = console.rests(console.ask("runs.preview", PreviewRequest("days", make_actor("test"), Mode.COMPLETE)))
    references = [str(row["reference"]) for row in sandbox.state("questions", "mplus")]
    assert references
    assert len(set(references)) == len(references)
    assert all(reference.startswith(f"{run.id}-") for reference in references)


def workflow_queues(url: str, *names: str) -> list[str | None]:
    """Return from which queue each of these workflows was taken, or is to be; None where it began at once."""
    with rows(url) as (connection, schema):
        records = connection.execute(sa.text(f"SELECT workflow_uuid, queue_name FROM {schema}workflow_status"))  # noqa: S608 - ours
        queues = {row.workflow_uuid: row.queue_name for row in records}
    return [queues[name] for name in names]


@pytest.mark.long
def test_where_one_process_is_alone_a_run_begins_without_a_look_at_a_queue(start: Start) -> None:
    console = start()
    run = console.rests(console.ask("runs.preview", PreviewRequest("products", make_actor("test"))))
    console.ask("runs.commit", run.id, approval_of(run))
    assert console.rests(run.id).state is RunState.DONE
    engine = f"sqlite:///{console.folder / 'engine.sqlite'}"
    assert workflow_queues(engine, f"preview-{run.id}", f"commit-{run.id}-1") == [None, None]


def run_schedule(console: CommandedConsole) -> Run:
    """Make the schedule due and return its run as it was left."""
    console.ask("due", "products-changes")
    (run, *_) = console.ask("runs.latest", "products")
    assert isinstance(run, Run)
    return run


def start_scheduled_console(start: Start, *, may_send: bool) -> CommandedConsole:
    console = start()
    console.ask("proposals.fill", "test")
    console.ask(
        "flows.change", "products", {"on": True, "schedule_minutes": 60, "auto_approve": may_send}, make_actor("test")
    )
    return console


@pytest.mark.long
def test_what_was_written_is_looked_at_once_a_night(start: Start, sandbox: Sandbox) -> None:
    console = start_scheduled_console(start, may_send=True)
    run_schedule(console)
    writes = len(sandbox.ledger.writes())
    console.ask("check_now", "check-drift")
    counts_by_kind = {check.kind: check.counts for check in console.ask("drift.latest")}
    assert counts_by_kind[Kind.PRODUCT].compared == counts_by_kind[Kind.PRODUCT].equal > 0
    console.ask("check_now", "check-days")  # the flow of days is off
    today = console.ask("days.today")
    assert console.ask("days.listed", today, today) == []
    assert len(sandbox.ledger.writes()) == writes


@pytest.mark.long
def test_a_run_of_the_night_waits_for_one_that_is_at_work(start: Start, sandbox: Sandbox) -> None:
    console = start_scheduled_console(start, may_send=False)
    with sandbox.switches.armed(Fault.DELAY, system="mplus", operation="getArticleGroups", times=None, seconds=1):
        by_hand = console.ask("runs.preview", PreviewRequest("products", make_actor("test"), Mode.COMPLETE))
        console.ask("due", "products-complete")

    at_night, first = console.ask("runs.latest", "products")[:2]
    assert (at_night.by, at_night.mode, first.id) == ("schedule", Mode.COMPLETE, by_hand)
    assert at_night.started_at >= first.started_at


@pytest.mark.long
def test_a_flow_begins_by_itself_only_in_its_hours(start: Start, sandbox: Sandbox) -> None:
    console = start_scheduled_console(start, may_send=False)
    past_time = (now().astimezone(ZoneInfo(WALL_CLOCK)) - timedelta(hours=3)).time().replace(second=0, microsecond=0)
    calendar = {"begins": past_time, "ends": past_time}
    console.ask("flows.change", "products", {"schedule_minutes": 1, "calendar": calendar}, make_actor("test"))
    console.ask("round", "products", "changes")
    assert console.ask("runs.latest", "products") == []
    assert not sandbox.ledger.writes()


@pytest.mark.long
def test_a_flow_that_another_process_switched_off_does_not_begin_when_it_is_due(start: Start) -> None:
    console = start_scheduled_console(start, may_send=True)
    with closing(open_database(console.url)) as database:
        StoredSettings(database, now).put("flow:products", {"on": False}, "test")  # and schedules stay as they were
    console.ask("due", "products-changes")
    assert console.ask("runs.latest", "products") == []


def test_a_scheduled_plan_waits_for_a_person_until_its_flow_may_send_it_and_no_brake_is_tripped(
    start: Start, sandbox: Sandbox
) -> None:
    console = start_scheduled_console(start, may_send=False)
    waits = run_schedule(console)
    assert (waits.state, waits.by, waits.approval) == (RunState.READY, "schedule", None)
    assert not sandbox.ledger.writes()
    console.ask("flows.change", "products", {"auto_approve": True}, make_actor("test"))
    approved = run_schedule(console)
    assert (approved.state, approved.counts.proven) == (RunState.DONE, waits.counts.planned)
    assert approved.approval is not None
    assert approved.approval.by == "schedule"
    till_codes = {str(row["extArticleId"]) for row in sandbox.state("articles", "mplus") if row.get("extArticleId")}
    code = next(article.code for article in sandbox.shop.articles if article.code in till_codes and article.price_excl)
    sandbox.accountview.edit("ARTICLE", code, {"PX_SELL": 987.65})
    writes = len(sandbox.ledger.writes())
    run = run_schedule(console)
    assert (run.state, [brake.code for brake in run.brakes]) == (RunState.READY, ["brake_price"])
    assert len(sandbox.ledger.writes()) == writes


@pytest.mark.long
def test_a_plan_that_waits_goes_on_waiting_and_is_sent_once_its_flow_may_do_so(start: Start, sandbox: Sandbox) -> None:
    console = start_scheduled_console(start, may_send=True)
    run_schedule(console)
    console.ask("flows.change", "products", {"auto_approve": False}, make_actor("test"))
    till_codes = {str(row["extArticleId"]) for row in sandbox.state("articles", "mplus") if row.get("extArticleId")}
    article = next(
        candidate for candidate in sandbox.shop.articles if candidate.code in till_codes and candidate.price_excl
    )
    sandbox.accountview.edit("ARTICLE", article.code, {"ART_DESC1": "Met een andere naam"})
    waits = run_schedule(console)
    assert (waits.state, waits.brakes) == (RunState.READY, ())
    second_run = run_schedule(console)
    assert (second_run.state, second_run.error, second_run.facts["run"]) == (
        RunState.DISCARDED,
        "plan_says_the_same",
        waits.id,
    )
    assert console.ask("runs.get", waits.id).state is RunState.READY
    console.ask("flows.change", "products", {"auto_approve": True}, make_actor("test"))
    run_schedule(console)
    finished_run = console.rests(waits.id)
    assert (finished_run.state, finished_run.counts.proven) == (RunState.DONE, waits.counts.planned)


def test_a_commit_that_an_unavailable_till_stopped_goes_on_by_itself(start: Start, sandbox: Sandbox) -> None:
    console = start()
    run = console.rests(console.ask("runs.preview", PreviewRequest("products", make_actor("test"))))
    away = sandbox.switches.arm(Fault.UNAVAILABLE, system="mplus", times=None)
    console.ask("runs.commit", run.id, approval_of(run))
    wait_until(lambda: bool(console.ask("runs.get", run.id).error), "the trouble")
    stopped = console.ask("runs.get", run.id)
    assert (stopped.state, stopped.error) == (RunState.COMMITTING, "service_unavailable")
    assert stopped.counts.planned > 0
    sandbox.switches.disarm(away)
    finished_run = console.rests(run.id)
    assert (finished_run.state, finished_run.error) == (RunState.DONE, "")
    assert unproven_changes(console, finished_run) == {}


@pytest.mark.long
def test_a_preview_that_unavailable_books_stopped_goes_on_by_itself(start: Start, sandbox: Sandbox) -> None:
    console, run_id, away = stop_preview(start, sandbox)
    assert console.ask("runs.get", run_id).state is RunState.PREVIEWING
    sandbox.switches.disarm(away)
    run = console.rests(run_id)
    assert (run.state, run.counts.difference) == (RunState.READY, 0)


def test_a_preview_that_waits_for_a_system_is_cancelled_at_once(start: Start, sandbox: Sandbox) -> None:
    console, run_id, away = stop_preview(start, sandbox)
    console.ask("runs.cancel", run_id, make_actor("somebody"))
    wait_until(lambda: console.ask("runs.get", run_id).state is RunState.DISCARDED, "the end")
    sandbox.switches.disarm(away)
    second_run = console.rests(console.ask("runs.preview", PreviewRequest("products", make_actor("test"))))
    assert (second_run.state, second_run.counts.difference) == (RunState.READY, 0)
    assert not sandbox.ledger.writes()


def test_a_preview_whose_console_was_stopped_in_the_middle_goes_on_at_the_next_start(
    start: Start, sandbox: Sandbox
) -> None:
    console = start()
    slow = sandbox.switches.arm(Fault.DELAY, system="mplus", operation="getArticleGroups", times=None, seconds=7)
    run_id = console.ask("runs.preview", PreviewRequest("products", make_actor("test")))
    wait_until(lambda: console.ask("runs.get", run_id).phase == "extract", "the first page")
    console.stop()  # waits five seconds for the page, which is not long enough
    sandbox.switches.disarm(slow)
    console.start()
    run = console.rests(run_id)
    assert (run.state, run.counts.difference) == (RunState.READY, 0)


@pytest.mark.long
def test_a_run_that_was_approved_a_moment_ago_is_not_queued_beside_the_one_who_approved(start: Start) -> None:
    console = start()
    run = console.rests(console.ask("runs.preview", PreviewRequest("products", make_actor("test"))))
    long_ago = now() - timedelta(hours=1)
    with closing(open_database(console.url)) as database:
        with database.write() as connection:
            connection.execute(runs.update().where(runs.c.id == run.id).values(started_at=long_ago))
        console.ask("approve", run.id, approval_of(run))  # and its process is slow to queue it
        beats: set[Any] = set()

        def has_looked_twice() -> bool:
            """A process looks for idle runs after each of its beats."""
            beats.add(database.scalar(sa.select(heartbeats.c.last_beat_at)))
            return len(beats) > 3

        wait_until(has_looked_twice, "the looks of the process")

    assert console.ask("queued", f"commit-{run.id}") == []
    assert console.rests(run.id).state is RunState.DONE  # nobody came: it goes on by itself
    assert len(console.ask("queued", f"commit-{run.id}")) == 1


@pytest.mark.long
def test_a_run_goes_on_after_the_file_of_the_engine_was_moved_away(
    start: Start, sandbox: Sandbox, tmp_path: Path
) -> None:
    console, run_id, away = stop_preview(start, sandbox)
    console.stop()
    for file in tmp_path.glob("engine.sqlite*"):
        file.unlink()
    sandbox.switches.disarm(away)
    console.start()
    run = console.rests(run_id)
    assert (run.state, run.counts.difference) == (RunState.READY, 0)


@pytest.mark.parametrize(
    ("while_writing", "state"), [(False, RunState.FAILED), (True, RunState.INTERRUPTED)], ids=["mapping", "writing"]
)
def test_a_bug_ends_a_run_under_an_incident_number_that_the_log_knows(
    tmp_path: Path, while_writing: bool, state: RunState
) -> None:
    with_a_bug(tmp_path, while_writing=while_writing)
    database = open_database(f"sqlite:///{tmp_path / 'console.sqlite'}")
    (run,) = RunStore(database, now).latest("products")
    database.close()
    assert (run.state, run.error) == (state, "unexpected_error")
    output = (tmp_path / "said").read_text(encoding="utf-8")
    assert run.facts["incident"] in output
    assert "ZeroDivisionError" in output


# ---- two processes on one database


def two_processes(start: Start, url: str) -> tuple[CommandedConsole, CommandedConsole]:
    """Return a server and a worker that are at work on one shop that is set up."""
    server = start(database_url=url)
    server.ask("proposals.fill", "test")
    worker = start(database_url=url, executor="worker")
    assert worker.ask("runs.latest", "products") == []
    return server, worker


@pytest.mark.long
@pytest.mark.postgres
def test_two_processes_share_the_work_and_not_a_run(start: Start, sandbox: Sandbox, postgres_url: str) -> None:
    server, worker = two_processes(start, postgres_url)
    with sandbox.switches.armed(Fault.DELAY, system="mplus", operation="getArticleGroups", times=None, seconds=0.5):
        first = server.ask("runs.preview", PreviewRequest("products", make_actor("test")))
        with pytest.raises(RunActiveError) as refusal:
            worker.ask("runs.preview", PreviewRequest("products", make_actor("test")))
    assert refusal.value.facts["run"] == first
    server.rests(first)

    with sandbox.switches.armed(Fault.DELAY, system="mplus", operation="getArticleGroups", times=None, seconds=2.0):
        flows = ("products", "customers")
        run_ids = [server.ask("runs.preview", PreviewRequest(flow, make_actor("test"))) for flow in flows]
    for run_id in run_ids:
        server.rests(run_id)
    with psycopg.connect(postgres_url) as connection:
        records = connection.execute(
            "SELECT workflow_uuid, executor_id FROM dbos.workflow_status WHERE workflow_uuid = ANY(%s)",
            [[f"preview-{run_id}" for run_id in run_ids]],
        ).fetchall()
    assert dict(records) == {f"preview-{run_ids[0]}": "server-1", f"preview-{run_ids[1]}": "worker-1"}


@pytest.mark.long
@pytest.mark.postgres
def test_a_run_that_waits_for_a_process_that_died_is_done_by_another(
    start: Start, sandbox: Sandbox, postgres_url: str
) -> None:
    server, worker = two_processes(start, postgres_url)
    worker.kill()
    with sandbox.switches.armed(Fault.DELAY, system="mplus", operation="getArticleGroups", times=None, seconds=3.0):
        server.ask("runs.preview", PreviewRequest("products", make_actor("test")))
        waits = server.ask("runs.preview", PreviewRequest("customers", make_actor("test")))
    (queued,) = workflow_queues(postgres_url, f"preview-{waits}")
    assert queued == "runs-worker-1"
    assert server.rests(waits, TAKEN_OVER_WITHIN_SECONDS).state is RunState.READY


@pytest.mark.long
@pytest.mark.postgres
def test_a_run_whose_process_ended_in_the_middle_is_done_by_another(
    start: Start, sandbox: Sandbox, postgres_url: str
) -> None:
    server, worker = two_processes(start, postgres_url)
    with sandbox.switches.armed(Fault.UNAVAILABLE, system="mplus", times=None):
        run_id = worker.ask("runs.preview", PreviewRequest("products", make_actor("test")))
        wait_until(lambda: bool(worker.ask("runs.get", run_id).error), "that it waits for the till")
        worker.stop()
    assert server.rests(run_id, TAKEN_OVER_WITHIN_SECONDS).state is RunState.READY


@pytest.mark.long
@pytest.mark.postgres
def test_a_worker_takes_over_the_run_of_a_killed_server(start: Start, sandbox: Sandbox, postgres_url: str) -> None:
    server = start(database_url=postgres_url)
    run = server.rests(server.ask("runs.preview", PreviewRequest("products", make_actor("test"))))
    slow = sandbox.switches.arm(Fault.DELAY, system="mplus", operation="createProduct", times=None, seconds=0.5)
    server.ask("runs.commit", run.id, approval_of(run))
    wait_until(lambda: bool(sandbox.ledger.writes()), "the first write")
    server.kill()
    worker = start(database_url=postgres_url, executor="worker")
    assert worker.ask("runs.get", run.id).state is RunState.COMMITTING
    sandbox.switches.disarm(slow)
    finished_run = worker.rests(run.id, TAKEN_OVER_WITHIN_SECONDS)
    assert finished_run.state is RunState.DONE
    assert unproven_changes(worker, finished_run) == {}
    numbers = [row["extArticleId"] for row in sandbox.state("articles", "mplus") if row.get("extArticleId")]
    assert len(numbers) == len(set(numbers))


@pytest.mark.long
@pytest.mark.parametrize("store", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def test_no_row_of_the_engine_makes_a_worker_run_a_command(
    start: Start, tmp_path: Path, request: pytest.FixtureRequest, store: str
) -> None:
    address = request.getfixturevalue("postgres_url") if store == "postgres" else ""
    engine = address or f"sqlite:///{tmp_path / 'engine.sqlite'}"
    settings = {"database_url": address} if address else {}
    console, mark = start(**settings), tmp_path / "ran"
    console.rests(console.ask("runs.preview", PreviewRequest("products", make_actor("test"))))
    console.stop()

    planted = [*plant(engine, mark), *plant(engine, mark, status="PENDING")]  # while nobody is there
    console.start()
    first = console.rests(console.ask("runs.preview", PreviewRequest("products", make_actor("test"))))
    planted += [*plant(engine, mark), *plant(engine, mark, status="PENDING")]  # while it is at work
    wait_until(
        lambda: set(states(engine, planted).values()) <= {"ERROR", "SUCCESS", "PENDING"}, "the end of what is queued"
    )
    console.ask("queued", "planted")  # reads all that is kept of them
    second = console.rests(console.ask("runs.preview", PreviewRequest("customers", make_actor("test"))))
    assert {first.state, second.state} == {RunState.READY}
    console.stop()
    console.start()
    console.ask("runs.discard", second.id, "test")
    assert (
        console.rests(console.ask("runs.preview", PreviewRequest("customers", make_actor("test")))).state
        is RunState.READY
    )
    ended = states(engine, planted)
    console.stop()

    assert not mark.exists(), console.read_output()
    assert set(ended.values()) <= {"ERROR", "SUCCESS"}
    assert SENTENCE in console.read_output()


def states(engine: str, workflows: list[str]) -> dict[str, str]:
    """Return the states of workflows in the engine's database."""
    with rows(engine) as (connection, schema):
        records = connection.execute(sa.text(f"SELECT workflow_uuid, status FROM {schema}workflow_status")).all()  # noqa: S608
    return {name: status for name, status in records if name in workflows}
