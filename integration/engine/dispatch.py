"""Who does what: a workflow begins in the process that has least to do, and at once where that is this one.

From one queue for all the first process that looked took as many runs as it had room for, while others had nothing to
do: of four workers on two processors one did nearly all the work. So each process has a queue of its own, and whoever
begins a run chooses whose. Nobody waits for a look at a queue where the run begins in the process that begins it.
"""

from collections import Counter
from collections.abc import Callable
from typing import Any

from dbos import DBOS, SetWorkflowID

from integration.engine.tables import AT_ONCE, QUEUE, queue_of
from integration.store.heartbeats import HeartbeatInterval, Heartbeats

PASSING = "terminal-"  # what a process of the terminal is called: it ends with its own run, and does nobody else's


class Sharing:
    """Lets workflows begin, here or in another process that is alive."""

    def __init__(
        self, executor: str, heartbeats: Heartbeats, pulse: HeartbeatInterval, at_work: Callable[[], int]
    ) -> None:
        """`at_work` tells how many workflows this process is at."""
        self._executor = executor
        self._heartbeats = heartbeats
        self._pulse = pulse
        self._at_work = at_work

    def begin(self, name: str, workflow: Callable[..., None], *arguments: object) -> None:
        """Let a workflow begin under a name; one that has begun under it goes on alone."""
        chosen = self._idlest()
        with SetWorkflowID(name):
            if chosen == self._executor and self._at_work() < AT_ONCE:
                DBOS.start_workflow(workflow, *arguments)
            else:
                DBOS.enqueue_workflow(queue_of(chosen), workflow, *arguments)

    def enqueue(self, name: str, workflow: Callable[..., None], *arguments: object) -> None:
        """Have a workflow begin wherever there is room first; within another workflow too."""
        with SetWorkflowID(name):
            DBOS.enqueue_workflow(QUEUE, workflow, *arguments)

    def orphans(self) -> list[str]:
        """Return the workflows that stand in the queue of a process that is no longer there."""
        waiting = _unfinished("ENQUEUED", queues_only=True)
        theirs = {queue_of(one) for one in (*self._heartbeats.alive(self._pulse.dead_after), self._executor)}
        return [one.workflow_id for one in waiting if one.queue_name not in (QUEUE, *theirs) and _is_ours(one)]

    def _idlest(self) -> str:
        alive = self._heartbeats.alive(self._pulse.dead_after)
        others = [one for one in alive if one != self._executor and not one.startswith(PASSING)]
        if not others:
            return self._executor
        load = Counter(one.executor_id if one.status == "PENDING" else one.queue_name for one in _unfinished())
        there = [self._executor, *(one for one in others if DBOS.retrieve_queue(queue_of(one)) is not None)]
        return min(there, key=lambda one: load[one] + load[queue_of(one)])


def _unfinished(*status: str, **more: Any) -> list[Any]:
    wanted = list(status) or ["PENDING", "ENQUEUED"]
    return DBOS.list_workflows(status=wanted, load_input=False, load_output=False, **more)


def _is_ours(workflow: Any) -> bool:
    return str(workflow.queue_name).startswith(queue_of(""))
