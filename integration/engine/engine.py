"""Makes runs durable, shares them between processes, and starts them on a schedule.

A workflow is a preview or a commit; a step is one page of it. A step may run twice after a crash: the runner's ledger
knows what was sent. Another process takes over the runs of a dead process.
"""

import logging
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import Any, Protocol

import structlog
from dbos import DBOS, DBOSConfig, DBOSPortableJSONSerializer

from integration.connectors.reference import current_run
from integration.connectors.write_guard import before_each_write
from integration.core.errors import IntegrationError, RunActiveError, UnavailableError
from integration.core.people import SCHEDULE
from integration.core.plan import Approval
from integration.core.run import Mode, PreviewRequest, Run
from integration.core.states import RunState
from integration.core.timetable import DRIFT_CHECKS, WALL_CLOCK, Schedule
from integration.engine.dispatch import WorkflowDispatcher
from integration.engine.orphan_recovery import Takeover
from integration.engine.tables import NAME, QUEUE, hand_back, make_ready, queue_of
from integration.runner import Pause, Runner
from integration.runner.commit import ValidatedApproval
from integration.store.database import FencingTokenLost
from integration.store.fencing_tokens import FencingTokens
from integration.store.heartbeats import DEFAULT_INTERVAL, HeartbeatInterval, Heartbeats
from integration.store.runs import RunStore

log = structlog.get_logger(__name__)

LONGEST_WAIT_SECONDS = 300.0
CHECK_ATTEMPTS = 6
BUSY = "busy"  # no run has this id
BUSY_PAUSE_SECONDS = 20.0  # between two checks whether the flow is still active
PAGE_SECONDS = 5  # how long a shutdown waits for the current page
WORKFLOW_VERSION = "1"  # pinned, so that a new release takes over the runs of the previous one

Answer = dict[str, Any]


class NightlyCheck(Protocol):
    """Nightly check that works page by page."""

    def page(self, position: str) -> str:
        """Process the page at a position and return the position of the next page; empty at the end."""


class CheckAfterCommit(Protocol):
    """Check that follows each commit of a flow, and works page by page."""

    def check_written(self, run: Run, position: str) -> str:
        """Process the page at a position and return the position of the next page; empty at the end."""


NO_CHECKS: Mapping[str, NightlyCheck] = {}
NO_CHECKS_AFTER_COMMIT: Mapping[str, CheckAfterCommit] = {}
NO_MORE: Answer = {"position": ""}


class Schedules(Protocol):
    """Decides which flows run without a person, and when."""

    def schedules(self) -> list[Schedule]:
        """Return the schedules of the enabled flows."""

    def may_begin(self, flow: str, mode: Mode, due: datetime | None = None) -> bool:
        """Return True if a scheduled run that was `due` may begin; its flow may have been disabled since."""

    def may_wait(self, flow: str, mode: Mode, due: datetime) -> bool:
        """Return True if a run that was `due` keeps waiting for an active run of its flow."""

    def report_missed_run(self, flow: str, mode: Mode, due: datetime) -> None:
        """Report that a run that was `due` is skipped because a run of its flow has been active since."""

    def may_approve(self, run: Run) -> Approval | None:
        """Return the automatic approval of a scheduled run, or None if a person has to approve it."""


_engine: "Engine | None" = None


def _current_engine() -> "Engine":
    if _engine is None:
        raise RuntimeError("the engine is not started")
    return _engine


# Stored workflows and steps are found by these names, so that functions can be renamed.
@DBOS.step(name="_preview_step")
def _preview_step(run_id: str) -> Answer:
    return _current_engine().page(run_id, _current_engine().runner.preview.page)


@DBOS.step(name="_commit_step")
def _commit_step(run_id: str) -> Answer:
    return _current_engine().page(run_id, _current_engine().runner.commit.page)


@DBOS.step(name="_approve_step")
def _approve_step(run_id: str) -> str:
    return _current_engine().approve_by_itself(run_id)


def _run_to_end(step: Callable[[str], Answer], run_id: str) -> str:
    """Repeat a step until its run has ended. Waits with growing pauses for an unavailable system."""
    runner = _current_engine().runner
    with _current_engine().takeover.record_execution(DBOS.workflow_id):
        with suppress(IntegrationError):  # the first page meets the same error and reports it
            runner.begin(run_id)
        try:
            return _repeat_step(step, run_id)
        finally:
            runner.preview.drop_prefetch(run_id)


def _repeat_step(step: Callable[[str], Answer], run_id: str) -> str:
    failures = 0
    while True:
        answer = step(run_id)
        if "wait" not in answer:
            return str(answer.get("error", ""))
        failures = failures + 1 if answer.get("again") else 0
        pause = min(LONGEST_WAIT_SECONDS, answer["wait"] * 2.0 ** min(failures, 8)) if failures else answer["wait"]
        if pause:
            DBOS.sleep(pause)


@DBOS.step(name="_check_after_commit_step")
def _check_after_commit_step(run_id: str, position: str) -> Answer:
    return _current_engine().check_after_commit(run_id, position)


@DBOS.workflow(name="_preview")
def _preview(run_id: str, scheduled: bool) -> None:
    if not _run_to_end(_preview_step, run_id) and scheduled and (approved := _approve_step(run_id)):
        _commit_and_check(approved)


@DBOS.workflow(name="_commit")
def _commit(run_id: str) -> None:
    _commit_and_check(run_id)


def _commit_and_check(run_id: str) -> None:
    if not _run_to_end(_commit_step, run_id):
        with _current_engine().takeover.record_execution(DBOS.workflow_id):
            _check_to_end(partial(_check_after_commit_step, run_id))


@DBOS.step(name="_begin_step")
def _begin_step(flow: str, mode: str, due: datetime | str | None = None) -> str:
    """Start a scheduled run and return its id.

    Returns `BUSY` while it waits for a run of the flow, and an empty text if it may not begin.
    """
    at = datetime.fromisoformat(due) if isinstance(due, str) else due  # DBOS stores it as text
    schedules = _current_engine().schedules
    if not schedules.may_begin(flow, Mode(mode), at):
        log.info("the flow is off, or not due", flow=flow)
        return ""
    try:
        return _current_engine().runner.preview.begin(PreviewRequest(flow, SCHEDULE, Mode(mode))).id
    except RunActiveError:
        log.info("the flow is still active", flow=flow)
        if at is not None and schedules.may_wait(flow, Mode(mode), at):
            return BUSY
        if at is not None:
            schedules.report_missed_run(flow, Mode(mode), at)
        return ""


def _begin_run(flow: str, mode: str, due: datetime) -> str:
    while (run_id := _begin_step(flow, mode, due)) == BUSY:
        DBOS.sleep(BUSY_PAUSE_SECONDS)
    return run_id


@DBOS.workflow(name="_scheduled")
def _scheduled(due: datetime, context: Any) -> None:
    """Start a run that is due. If a run of its flow is active, wait for that, at most until the next run is due."""
    with _current_engine().takeover.record_execution(DBOS.workflow_id):
        run_id = _begin_run(context["flow"], context["mode"], due)
    if run_id:
        _current_engine().dispatcher.enqueue(f"preview-{run_id}", _preview, run_id, True)


@DBOS.step(name="_nightly_check_step")
def _nightly_check_step(check: str, position: str) -> Answer:
    return _current_engine().run_nightly_check(check, position)


@DBOS.workflow(name="_nightly_check")
def _nightly_check(_due: datetime, context: Any) -> None:
    """Run a nightly check."""
    with _current_engine().takeover.record_execution(DBOS.workflow_id):
        _check_to_end(partial(_nightly_check_step, context["check"]))


def _check_to_end(step: Callable[[str], Answer]) -> None:
    """Run a check page by page. Temporary errors are retried a few times."""
    position, failures = "", 0
    while failures < CHECK_ATTEMPTS:
        answer = step(position)
        if "wait" in answer:
            failures += 1
            DBOS.sleep(answer["wait"] * 2.0**failures)
        elif not (position := answer["position"]):
            return


class Engine:
    """Runs previews and commits in the background of this process, and takes over those of dead processes."""

    def __init__(
        self,
        *,
        url: str,
        executor: str,
        runner: Runner,
        runs: RunStore,
        fencing_tokens: FencingTokens,
        heartbeats: Heartbeats,
        schedules: Schedules,
        nightly_checks: Mapping[str, NightlyCheck] = NO_CHECKS,
        checks_after_commit: Mapping[str, CheckAfterCommit] = NO_CHECKS_AFTER_COMMIT,
        pulse: HeartbeatInterval = DEFAULT_INTERVAL,
    ) -> None:
        """`nightly_checks` are checks by name, and `checks_after_commit` by flow."""
        self.url = url
        self.executor = executor
        self.runner = runner
        self.runs = runs
        self.fencing_tokens = fencing_tokens
        self.heartbeats = heartbeats
        self.schedules = schedules
        self.nightly_checks = nightly_checks
        self.checks_after_commit = checks_after_commit
        self.pulse = pulse
        self.dispatcher = WorkflowDispatcher(executor, heartbeats, pulse, lambda: len(self.takeover.own_workflows()))
        self.takeover = Takeover(
            executor=executor, queue=QUEUE, runs=runs, heartbeats=heartbeats, requeue=self._requeue, pulse=pulse,
            orphans=self.dispatcher.orphans,
        )  # fmt: skip
        self._stopped_working = False

    def start(self) -> None:
        """Start processing the queue. Work that this process left behind when it died continues by itself."""
        global _engine  # noqa: PLW0603 - DBOS is one per process, and so is the engine
        _engine = self
        self.runner.commit.ending.clear()
        make_ready(self.url, self.executor)
        config: DBOSConfig = {
            "name": NAME,
            "system_database_url": self.url,
            "application_version": WORKFLOW_VERSION,
            "executor_id": self.executor,
            "serializer": DBOSPortableJSONSerializer(),
            "log_level": "WARNING",
            "notification_listener_polling_interval_sec": 0.1,  # unused, but a shutdown waits for one interval
        }
        DBOS(config=config)
        self.heartbeats.beat(self.executor)  # first, so that no process treats our queue as orphaned
        DBOS.listen_queues([QUEUE, queue_of(self.executor)])
        DBOS.launch()
        self.reschedule()
        self.takeover.start()

    def stop(self) -> None:
        """Stop taking work. Another process continues a run in progress, or this process at its next start."""
        global _engine  # noqa: PLW0603
        self.takeover.stop()
        self.runner.commit.ending.set()
        logging.getLogger("dbos").setLevel(logging.CRITICAL)  # DBOS would log every unfinished page
        at_work = self.takeover.own_workflows()
        DBOS.destroy(workflow_completion_timeout_sec=PAGE_SECONDS if at_work else 0)  # it waits in seconds
        self._stopped_working = True
        if at_work:
            hand_back(self.url, self.executor)
        self.heartbeats.forget(self.executor)
        _engine = None

    def reschedule(self) -> None:
        """Replace the schedules in DBOS with the current schedules of the flows and the nightly checks."""
        schedules = {f"{schedule.flow}-{schedule.mode}": schedule for schedule in self.schedules.schedules()}
        nightly_checks = {f"check-{name}": name for name in self.nightly_checks}
        for existing_schedule in DBOS.list_schedules():
            if existing_schedule["schedule_name"] not in schedules.keys() | nightly_checks.keys():
                DBOS.delete_schedule(existing_schedule["schedule_name"])
        runs = [
            _schedule(name, _scheduled, schedule.cron, {"flow": schedule.flow, "mode": str(schedule.mode)})
            for name, schedule in schedules.items()
        ]
        nightly = [
            _schedule(name, _nightly_check, DRIFT_CHECKS, {"check": check}) for name, check in nightly_checks.items()
        ]
        DBOS.apply_schedules([*runs, *nightly])

    # ---- what the application asks ----------------------------------------------------------------------------

    def preview(self, request: PreviewRequest) -> str:
        """Start a preview and return its run id. Raises RunActiveError while another run of the flow is active."""
        run = self.runner.preview.begin(request)
        self.dispatcher.begin(f"preview-{run.id}", _preview, run.id, False)
        return run.id

    def undo(self, run_id: str, *, by: str) -> str:
        """Start a preview that reverses what a run wrote, and return the id of the new run."""
        run = self.runner.preview.undo(run_id, by=by)
        self.dispatcher.begin(f"preview-{run.id}", _preview, run.id, False)
        return run.id

    def commit(self, validated: ValidatedApproval) -> None:
        """Store a validated approval and start writing its plan. Raises PlanStaleError before anything is sent."""
        number = self.runner.commit.approve(validated)
        self.dispatcher.begin(_commit_name(validated.run.id, number), _commit, validated.run.id)

    def cancel(self, run_id: str, *, by: str) -> None:
        """Ask a run to stop, see `RunStore.request_cancel`. A preview that waits for a system stops at once."""
        self.runs.request_cancel(run_id, by)
        run = self.runs.get(run_id)
        if run.state is RunState.PREVIEWING and run.error:
            self.dispatcher.begin(f"preview-{run_id}-{uuid.uuid4().hex[:8]}", _preview, run_id, False)

    # ---- one page, with every possible outcome ---------------------------------------------------------

    def page(self, run_id: str, work: Callable[[str], bool | Pause | None]) -> Answer:
        """Process one page and return how to continue: `wait` seconds and repeat, or the end with its `error` if any.

        An error of our own database is handled like that of an unavailable system. If another process took the run
        over, the page ends where it is.
        """
        try:
            with (
                self.fencing_tokens.hold(run_id, self.executor),
                before_each_write(self.fencing_tokens.require_current),
                current_run(run_id),
            ):
                return self._run_page(run_id, work)
        except FencingTokenLost:
            log.warning("another process took over", run=run_id)
            return {"wait": self.pulse.apart}
        except UnavailableError as error:
            log.warning("the database cannot be written", run=run_id, cause=error.code)
            return {"wait": self.pulse.apart, "again": True}

    def _run_page(self, run_id: str, work: Callable[[str], bool | Pause | None]) -> Answer:
        try:
            more = work(run_id)
        except FencingTokenLost:
            raise
        except UnavailableError as error:
            self.runs.waiting_for(run_id, error.code, error.facts)
            return {"wait": self.pulse.apart, "again": True}
        except IntegrationError as error:
            return self._stop_run(run_id, error.code, error.facts)
        except Exception:  # a bug of ours: logged with its trace under a number, and not repeated
            if self._stopped_working:  # not a bug: the shutdown closed the connections; the next start repeats the page
                raise
            incident = uuid.uuid4().hex[:8]
            log.exception("unexpected error", run=run_id, incident=incident)
            return self._stop_run(run_id, "unexpected_error", {"incident": incident})
        if isinstance(more, Pause):
            return {"wait": more.seconds}
        return {"wait": 0.0} if more else {}

    def _stop_run(self, run_id: str, code: str, facts: Mapping[str, str]) -> Answer:
        run = self.runs.get(run_id)
        end = self.runs.interrupt if run.state is RunState.COMMITTING else self.runs.fail
        end(run_id, code, {"flow": run.flow, **facts})
        return {"error": code}

    def run_nightly_check(self, name: str, position: str) -> Answer:
        """Process one page of a nightly check.

        Returns the `position` of the next page, empty at the end, or how long to `wait`.
        """
        return self._check_page(self.nightly_checks[name].page, position) if name in self.nightly_checks else NO_MORE

    def check_after_commit(self, run_id: str, position: str) -> Answer:
        """Process one page of the check that follows a commit, if its flow has one. Returns as a nightly check."""
        run = self.runs.get(run_id)
        check = self.checks_after_commit.get(run.flow)
        return self._check_page(partial(check.check_written, run), position) if check else NO_MORE

    def _check_page(self, check: Callable[[str], str], position: str) -> Answer:
        try:
            return {"position": check(position)}
        except UnavailableError as error:
            log.warning("a check waits", cause=error.code)
            return {"wait": self.pulse.apart}

    def approve_by_itself(self, run_id: str) -> str:
        """Approve a scheduled plan if its flow allows that and no brake holds it.

        Returns the run id of the approved plan, or an empty text. If a waiting plan has the same content, that plan is
        approved instead.
        """
        run = self.runs.get(run_id)
        if run.error == "plan_says_the_same":
            run = self.runs.get(run.facts["run"])
        if run.state is RunState.COMMITTING:  # approved by this step before a crash
            return run.id
        approval = self.schedules.may_approve(run) if run.state is RunState.READY else None
        if approval is None:
            return ""
        try:
            self.runner.commit.approve(self.runner.commit.validate_approval(run.id, approval))
        except IntegrationError as error:  # the plan waits with its reason; the next round makes a new one
            log.info("a plan is outdated, or the books cannot be queried", run=run.id, cause=error.code)
            return ""
        return run.id

    # ---- in the background ------------------------------------------------------------------------------------

    def _requeue(self, run: Run, workflow_count: int) -> None:
        """Queue a run without a workflow: its process died before queueing it, or its workflow ended too early.

        The name is derived from the number of known workflows, so two processes queue the run only once.
        """
        if run.state is RunState.PREVIEWING:
            self.dispatcher.enqueue(f"preview-{run.id}-{workflow_count}", _preview, run.id, False)
            return
        name = _commit_name(run.id, run.approvals)
        is_new = not DBOS.list_workflows(workflow_ids=[name], load_input=False, load_output=False)
        self.dispatcher.enqueue(name if is_new else f"{name}-{workflow_count}", _commit, run.id)


def _schedule(name: str, workflow: Callable[[datetime, Any], None], cron: str, context: Answer) -> Any:
    """Return a schedule in the form that DBOS expects."""
    schedule = {"schedule_name": name, "workflow_fn": workflow, "schedule": cron}
    return {**schedule, "context": context, "cron_timezone": WALL_CLOCK}


def _commit_name(run_id: str, number: int) -> str:
    """Return the name of the only workflow for an approval: queued twice, it still runs once."""
    return f"commit-{run_id}-{number}"
