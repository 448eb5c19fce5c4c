"""Takes over runs without a live process: those of dead processes, and those that never reached the queue."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import structlog
from dbos import DBOS, WorkflowStatus

from integration.core.run import Run
from integration.core.states import RunState
from integration.process.periodic import run_periodically
from integration.store.heartbeats import HeartbeatInterval, Heartbeats
from integration.store.runs import RunStore

log = structlog.get_logger(__name__)


class Takeover:
    """Sends heartbeats for this process, and takes over the runs of processes whose heartbeat stopped.

    `requeue` queues a run again; its second argument is the number of known workflows of the run. `orphans` returns the
    workflows in the queues of processes that no longer exist.
    """

    def __init__(
        self,
        *,
        executor: str,
        queue: str,
        runs: RunStore,
        heartbeats: Heartbeats,
        requeue: Callable[[Run, int], None],
        pulse: HeartbeatInterval,
        orphans: Callable[[], list[str]],
    ) -> None:
        self._executor = executor
        self._queue = queue
        self._runs = runs
        self._heartbeats = heartbeats
        self._requeue = requeue
        self._pulse = pulse
        self._orphans = orphans
        self._stop = threading.Event()
        self._idle_since: dict[str, float] = {}  # by run or workflow, in monotonic time of this process
        self._executions: Counter[str] = Counter()  # workflows that threads of this process execute
        self._thread = threading.Thread(
            target=run_periodically,
            args=(self._beat,),
            kwargs={"every": self._pulse.apart, "until": self._stop},
            name="engine-keeper",
            daemon=True,
        )

    def start(self) -> None:
        """Start sending heartbeats."""
        self._heartbeats.beat(self._executor)
        self._thread.start()

    def stop(self) -> None:
        """Stop sending heartbeats and taking over runs."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=10)

    @contextmanager
    def record_execution(self, workflow: str | None) -> Iterator[None]:
        """Record within the block that a thread of this process executes a workflow."""
        name = workflow or ""
        self._executions[name] += 1
        try:
            yield
        finally:
            self._executions[name] -= 1
            if not self._executions[name]:
                self._executions.pop(name, None)  # another thread with the same workflow may have removed it already

    def own_workflows(self) -> list[WorkflowStatus]:
        """Return the workflows that this process has started and not finished."""
        return DBOS.list_workflows(status="PENDING", executor_id=self._executor, load_input=False, load_output=False)

    def _beat(self) -> None:
        """Send a heartbeat, and take over the work of dead processes."""
        self._heartbeats.beat(self._executor)
        self._take_over()

    def _take_over(self) -> None:
        """Resume the runs of executors without a heartbeat, and queue runs that never reached the queue."""
        dead = [executor for executor in self._heartbeats.dead(self._pulse.dead_after) if executor != self._executor]
        if dead:
            pending = DBOS.list_workflows(status=["PENDING"], executor_id=dead, load_input=False, load_output=False)
            if pending:
                DBOS.resume_workflows([workflow.workflow_id for workflow in pending], queue_name=self._queue)
                log.info("took over runs", runs=len(pending), executors=dead)
            for executor in dead:
                self._heartbeats.mark_dead(executor)
        if orphans := self._orphans():
            DBOS.resume_workflows(orphans, queue_name=self._queue)
        idle: dict[str, Callable[[], object]] = {
            workflow.workflow_id: partial(DBOS.resume_workflow, workflow.workflow_id, queue_name=self._queue)
            for workflow in self.own_workflows()
            if not self._executions[workflow.workflow_id]
        }
        for run in self._runs.latest(states=[RunState.PREVIEWING, RunState.COMMITTING]):
            workflows = _workflows(run)
            if not any(workflow.status in ("PENDING", "ENQUEUED", "DELAYED") for workflow in workflows):
                idle[run.id] = partial(self._requeue, run, len(workflows))
        now = time.monotonic()
        self._idle_since = {name: self._idle_since.get(name, now) for name in idle}
        for name, resume in idle.items():
            if now - self._idle_since[name] > self._pulse.dead_after:
                resume()


def _workflows(run: Run) -> list[WorkflowStatus]:
    """Return all workflows of a run. A run that was just approved or has just ended briefly has none active."""
    prefixes = [f"preview-{run.id}", f"commit-{run.id}"]
    return DBOS.list_workflows(workflow_id_prefix=prefixes, load_input=False, load_output=False)
