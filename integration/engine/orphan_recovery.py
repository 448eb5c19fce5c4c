"""What takes up the runs that nobody is at: those of processes that died, and those that never reached the queue."""

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
from integration.process.periodic import again_and_again
from integration.store.heartbeats import HeartbeatInterval, Heartbeats
from integration.store.runs import RunStore

log = structlog.get_logger(__name__)


class Takeover:
    """Beats for this process, and looks after the runs whose process beats no more.

    `requeue` queues a run again; it is told how many workflows of the run are known. `orphans` are workflows that wait
    for a process that is no longer there.
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
        self._idle_since: dict[str, float] = {}  # by run or workflow, on the clock of this process
        self._at: Counter[str] = Counter()  # the workflows that threads of this process are at
        self._keeper = threading.Thread(
            target=again_and_again,
            args=(self._keep,),
            kwargs={"every": self._pulse.apart, "until": self._stop},
            name="engine-keeper",
            daemon=True,
        )

    def start(self) -> None:
        """Beat from now on."""
        self._heartbeats.beat(self._executor)
        self._keeper.start()

    def stop(self) -> None:
        """Take nothing up any more."""
        self._stop.set()
        if self._keeper.is_alive():
            self._keeper.join(timeout=10)

    @contextmanager
    def at(self, workflow: str | None) -> Iterator[None]:
        """Say for the block that a thread of this process is at a workflow."""
        name = workflow or ""
        self._at[name] += 1
        try:
            yield
        finally:
            self._at[name] -= 1
            if not self._at[name]:
                self._at.pop(name, None)  # another thread may be at the same one, and be quicker

    def mine(self) -> list[WorkflowStatus]:
        """Return the workflows that this process has begun and not ended."""
        return DBOS.list_workflows(status="PENDING", executor_id=self._executor, load_input=False, load_output=False)

    def _keep(self) -> None:
        """Beat, and take over what dead processes left."""
        self._heartbeats.beat(self._executor)
        self._take_over()

    def _take_over(self) -> None:
        """Resume the runs of executors whose heart has stopped, and queue those that never reached the queue."""
        dead = [one for one in self._heartbeats.dead(self._pulse.dead_after) if one != self._executor]
        if dead:
            left = DBOS.list_workflows(status=["PENDING"], executor_id=dead, load_input=False, load_output=False)
            if left:
                DBOS.resume_workflows([one.workflow_id for one in left], queue_name=self._queue)
                log.info("took over runs", runs=len(left), executors=dead)
            for one in dead:
                self._heartbeats.lose(one)
        if orphans := self._orphans():
            DBOS.resume_workflows(orphans, queue_name=self._queue)
        idle: dict[str, Callable[[], object]] = {
            one.workflow_id: partial(DBOS.resume_workflow, one.workflow_id, queue_name=self._queue)
            for one in self.mine()
            if not self._at[one.workflow_id]
        }
        for run in self._runs.latest(states=[RunState.PREVIEWING, RunState.COMMITTING]):
            known = _workflows(run)
            if not any(one.status in ("PENDING", "ENQUEUED", "DELAYED") for one in known):
                idle[run.id] = partial(self._requeue, run, len(known))
        now = time.monotonic()
        self._idle_since = {name: self._idle_since.get(name, now) for name in idle}
        for name, again in idle.items():
            if now - self._idle_since[name] > self._pulse.dead_after:
                again()


def _workflows(run: Run) -> list[WorkflowStatus]:
    """Return all workflows of a run. One that is just approved, or just over, has none at work for a moment."""
    prefixes = [f"preview-{run.id}", f"commit-{run.id}"]
    return DBOS.list_workflows(workflow_id_prefix=prefixes, load_input=False, load_output=False)
