"""What makes runs durable, shared between processes and started by the clock.

A workflow is a preview or a commit; a step is one page of it. A step may run twice after a crash: the runner's own
ledger knows what was sent. Runs of a process that died are taken over by any other one.
"""

import gc
import logging
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import sqlalchemy
import structlog
from dbos import DBOS, DBOSClient, DBOSConfig, DBOSPortableJSONSerializer, SetWorkflowID

from integration.connectors.before_writing import before_each_write
from integration.core.errors import IntegrationError, RunActiveError, UnavailableError
from integration.core.plan import Approval
from integration.core.run import WALL_CLOCK, Mode, PreviewRequest, Run, RunState, Schedule
from integration.runner import ALL_ON, Pause, Runner, Safeguards
from integration.store.claims import Claims
from integration.store.database import ClaimLost
from integration.store.heartbeats import USUAL, Heartbeats, Pulse
from integration.store.plain_rows import make_plain, refuse_classes
from integration.store.runs import Runs
from integration.takeover import Takeover

log = structlog.get_logger(__name__)

NAME = "integration"
QUEUE = "runs"
AT_ONCE = 4  # runs of different flows side by side in one process
POLL_SECONDS = 0.2
LONGEST_WAIT_SECONDS = 300.0
PAGE_SECONDS = 5  # how long an end waits for a page that is at work
WORKFLOW_VERSION = "1"  # pinned: a new release takes over the runs of the one before

Answer = dict[str, Any]


class Schedules(Protocol):
    """What runs without a person."""

    def schedules(self) -> list[Schedule]:
        """Return the schedules of the flows that are on."""

    def may_begin(self, flow: str, mode: Mode) -> bool:
        """Tell whether a flow may begin by itself now: it may have been switched off since it was scheduled."""

    def may_approve(self, run: Run) -> Approval | None:
        """Return the approval a scheduled run gives itself, or None when a person has to look."""


_engine: "Engine | None" = None


def _running() -> "Engine":
    if _engine is None:
        raise RuntimeError("the engine is not started")
    return _engine


# Workflows and steps that a database keeps are found by these names, whatever the functions are called.
@DBOS.step(name="_preview_step")
def _preview_step(run_id: str) -> Answer:
    return _running().page(run_id, _running().runner.preview.page)


@DBOS.step(name="_commit_step")
def _commit_step(run_id: str) -> Answer:
    return _running().page(run_id, _running().runner.commit.page)


@DBOS.step(name="_approve_step")
def _approve_step(run_id: str) -> str:
    return _running().approve_by_itself(run_id)


def _until_done(step: Callable[[str], Answer], run_id: str) -> str:
    """Repeat a step until its run has ended; an unavailable system is waited for with growing pauses."""
    with _running().takeover.at(DBOS.workflow_id):
        with suppress(IntegrationError):  # what stands in the way is told by the first page, which meets it too
            _running().runner.begin(run_id)
        return _repeated(step, run_id)


def _repeated(step: Callable[[str], Answer], run_id: str) -> str:
    failures = 0
    while True:
        answer = step(run_id)
        if "wait" not in answer:
            return str(answer.get("error", ""))
        failures = failures + 1 if answer.get("again") else 0
        pause = min(LONGEST_WAIT_SECONDS, answer["wait"] * 2.0 ** min(failures, 8)) if failures else answer["wait"]
        if pause:
            DBOS.sleep(pause)


@DBOS.workflow(name="_preview")
def _preview(run_id: str, scheduled: bool) -> None:
    if not _until_done(_preview_step, run_id) and scheduled and (approved := _approve_step(run_id)):
        _until_done(_commit_step, approved if isinstance(approved, str) else run_id)  # earlier versions answered True


@DBOS.workflow(name="_commit")
def _commit(run_id: str) -> None:
    _until_done(_commit_step, run_id)


@DBOS.step(name="_begin_step")
def _begin_step(flow: str, mode: str) -> str:
    """Open a scheduled run and return it, or nothing while another one of the flow is at work or it is off."""
    if not _running().schedules.may_begin(flow, Mode(mode)):
        log.info("the flow is off", flow=flow)
        return ""
    try:
        return _running().runner.preview.begin(PreviewRequest(flow, "schedule", Mode(mode))).id
    except RunActiveError:
        log.info("the flow is still at work", flow=flow)
        return ""


@DBOS.workflow(name="_scheduled")
def _scheduled(_due: datetime, context: Any) -> None:
    if run_id := _begin_step(context["flow"], context["mode"]):
        with SetWorkflowID(f"preview-{run_id}"):
            DBOS.enqueue_workflow(QUEUE, _preview, run_id, True)


class Engine:
    """Runs previews and commits in the background of this process, and takes over those of dead ones."""

    def __init__(
        self,
        *,
        url: str,
        executor: str,
        runner: Runner,
        runs: Runs,
        claims: Claims,
        heartbeats: Heartbeats,
        schedules: Schedules,
        safeguards: Safeguards = ALL_ON,
        pulse: Pulse = USUAL,
    ) -> None:
        self.url = url
        self.executor = executor
        self.runner = runner
        self.runs = runs
        self.claims = claims
        self.heartbeats = heartbeats
        self.schedules = schedules
        self.safeguards = safeguards
        self.pulse = pulse
        self.takeover = Takeover(
            executor=executor, queue=QUEUE, runs=runs, heartbeats=heartbeats, requeue=self._requeue, pulse=pulse
        )
        self._stopped_working = False

    def start(self) -> None:
        """Start working off the queue; what this process left behind when it died goes on by itself."""
        global _engine  # noqa: PLW0603 - DBOS is one per process, and so is the engine
        _engine = self
        _prepare_sqlite(self.url)
        _prepare_rows(self.url)
        _prepare_queue(self.url)
        config: DBOSConfig = {
            "name": NAME,
            "system_database_url": self.url,
            "application_version": WORKFLOW_VERSION,
            "executor_id": self.executor,
            "serializer": DBOSPortableJSONSerializer(),
            "log_level": "WARNING",
            "notification_listener_polling_interval_sec": 0.1,  # nothing is listened for; an end waits for this
        }
        DBOS(config=config)
        DBOS.launch()
        self.reschedule()
        self.takeover.start()
        if not gc.get_freeze_count():  # what is loaded by now stays: walking it again took a tenth of a run's time
            gc.freeze()

    def stop(self) -> None:
        """Stop taking work; a run under way is taken up again at the next start."""
        global _engine  # noqa: PLW0603
        self.takeover.stop()
        logging.getLogger("dbos").setLevel(logging.CRITICAL)  # it would tell of every page that is left behind
        DBOS.destroy(workflow_completion_timeout_sec=PAGE_SECONDS if self.takeover.mine() else 0)  # it waits in seconds
        self._stopped_working = True
        self.heartbeats.forget(self.executor)
        _engine = None

    def reschedule(self) -> None:
        """Take over the flows' schedules as they are set now."""
        wanted = {f"{one.flow}-{one.mode}": one for one in self.schedules.schedules()}
        for known in DBOS.list_schedules():
            if known["schedule_name"] not in wanted:
                DBOS.delete_schedule(known["schedule_name"])
        DBOS.apply_schedules(
            [
                {
                    "schedule_name": name,
                    "workflow_fn": _scheduled,
                    "schedule": one.cron,
                    "context": {"flow": one.flow, "mode": str(one.mode)},
                    "cron_timezone": WALL_CLOCK,
                }
                for name, one in wanted.items()
            ]
        )

    # ---- what the application asks ----------------------------------------------------------------------------

    def preview(self, request: PreviewRequest) -> str:
        """Start a preview and return its run. Raises RunActiveError while another run of the flow is at work."""
        run = self.runner.preview.begin(request)
        self._queue(f"preview-{run.id}", _preview, run.id, False)
        return run.id

    def undo(self, run_id: str, *, by: str) -> str:
        """Start the plan that puts back what a run wrote, and return its run."""
        run = self.runner.preview.undo(run_id, by=by)
        self._queue(f"preview-{run.id}", _preview, run.id, False)
        return run.id

    def commit(self, run_id: str, approval: Approval) -> None:
        """Approve a plan and start writing it. Raises PlanStaleError or PlanUnsafeError before anything is sent."""
        number = self.runner.commit.approve(run_id, approval)
        self._queue(_of_approval(run_id, number), _commit, run_id)

    def cancel(self, run_id: str, *, by: str) -> None:
        """Ask a run to stop at its next page; a preview that waits for a system has none before long, and stops now."""
        self.runs.request_cancel(run_id, by)
        run = self.runs.get(run_id)
        if run.state is RunState.PREVIEWING and run.error:
            self._queue(f"preview-{run_id}-{uuid.uuid4().hex[:8]}", _preview, run_id, False)

    def _queue(self, name: str, workflow: Callable[..., None], *arguments: object) -> None:
        with SetWorkflowID(name):
            DBOS.enqueue_workflow(QUEUE, workflow, *arguments)

    # ---- one page, with every kind of end it can have ---------------------------------------------------------

    def page(self, run_id: str, work: Callable[[str], bool | Pause | None]) -> Answer:
        """Do one page and return how to go on: `wait` seconds and again, or the end, with the `error` that made it.

        Trouble with our own database is waited for like that of a system. A page whose run another process took over
        ends where it is.
        """
        try:
            with self._claimed(run_id):
                return self._page(run_id, work)
        except ClaimLost:
            log.warning("another process took over", run=run_id)
            return {"wait": self.pulse.apart}
        except UnavailableError as error:
            log.warning("the database cannot be written", run=run_id, cause=error.code)
            return {"wait": self.pulse.apart, "again": True}

    @contextmanager
    def _claimed(self, run_id: str) -> Iterator[None]:
        with ExitStack() as held:
            if self.safeguards.fencing:
                held.enter_context(self.claims.hold(run_id, self.executor))
                held.enter_context(before_each_write(self.claims.expect))
            yield

    def _page(self, run_id: str, work: Callable[[str], bool | Pause | None]) -> Answer:
        try:
            more = work(run_id)
        except ClaimLost:
            raise
        except UnavailableError as error:
            self.runs.waiting_for(run_id, error.code, error.facts)
            return {"wait": self.pulse.apart, "again": True}
        except IntegrationError as error:
            return self._stopped(run_id, error.code, error.facts)
        except Exception:  # a bug of ours: kept with its trace under a number, and never repeated blindly
            if self._stopped_working:  # no bug: our own end took the connections away; the next start does this page
                raise
            incident = uuid.uuid4().hex[:8]
            log.exception("unexpected error", run=run_id, incident=incident)
            return self._stopped(run_id, "unexpected_error", {"incident": incident})
        if isinstance(more, Pause):
            return {"wait": more.seconds}
        return {"wait": 0.0} if more else {}

    def _stopped(self, run_id: str, code: str, facts: Mapping[str, str]) -> Answer:
        run = self.runs.get(run_id)
        facts = {"flow": run.flow, **facts}
        if run.state is RunState.COMMITTING:
            self.runs.interrupt(run_id, code, facts)
        else:
            self.runs.fail(run_id, code, facts)
        return {"error": code}

    def approve_by_itself(self, run_id: str) -> str:
        """Approve a scheduled plan when its flow may do so and no brake is tripped, and return it; else nothing.

        Where a plan waits that says the same, it is that one.
        """
        run = self.runs.get(run_id)
        if run.error == "plan_says_the_same":
            run = self.runs.get(run.facts["run"])
        if run.state is RunState.COMMITTING:  # this very step, before a crash
            return run.id
        approval = self.schedules.may_approve(run) if run.state is RunState.READY else None
        if approval is None:
            return ""
        self.runner.commit.approve(run.id, approval)
        return run.id

    # ---- in the background ------------------------------------------------------------------------------------

    def _requeue(self, run: Run, known: int) -> None:
        """Queue a run that nobody is at: its process died before queueing it, or its workflow ended before it did.

        Its name follows from what is known, so that two processes queue it once.
        """
        if run.state is RunState.PREVIEWING:
            self._queue(f"preview-{run.id}-{known}", _preview, run.id, False)
            return
        name = _of_approval(run.id, run.approvals)
        is_new = not DBOS.list_workflows(workflow_ids=[name], load_input=False, load_output=False)
        self._queue(name if is_new else f"{name}-{known}", _commit, run.id)


def _of_approval(run_id: str, number: int) -> str:
    """Return the one workflow that carries out what was approved: whoever queues it twice, it runs once."""
    return f"commit-{run_id}-{number}"


def _prepare_sqlite(url: str) -> None:
    """Switch the engine's file to write-ahead logging, which DBOS leaves off: three times the steps a second."""
    if url.startswith("sqlite:///"):
        Path(url.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
        engine = sqlalchemy.create_engine(url)
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA journal_mode=WAL")
        engine.dispose()


def _prepare_rows(url: str) -> None:
    """Take what is kept for data alone, from now on and in what earlier versions left."""
    refuse_classes()
    DBOS.migrate(url)
    for workflow in make_plain(url):
        log.warning("a workflow asks for code to be run and is set aside", workflow=workflow)


def _prepare_queue(url: str) -> None:
    """Keep the queue before anything looks for it: one that comes later is noticed a second later."""
    client = DBOSClient(system_database_url=url, application_name=NAME, serializer=DBOSPortableJSONSerializer())
    try:
        client.register_queue(
            QUEUE, worker_concurrency=AT_ONCE, polling_interval_sec=POLL_SECONDS, on_conflict="always_update"
        )
    finally:
        client.destroy()
