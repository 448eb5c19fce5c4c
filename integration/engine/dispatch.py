"""Assigns workflows to the process with the least work, and starts them at once if that is the current process.

With one queue for all processes, the first process that polled took as many runs as it could hold while others were
idle: of four workers on two processors, one did nearly all the work. Therefore each process has its own queue, and the
process that starts a run chooses the queue. A run that starts in the current process does not wait for a poll.
"""

from collections import Counter
from collections.abc import Callable
from typing import Any

from dbos import DBOS, SetWorkflowID

from integration.engine.tables import AT_ONCE, QUEUE, queue_of
from integration.store.heartbeats import HeartbeatInterval, Heartbeats

TERMINAL_PREFIX = "terminal-"  # name prefix of terminal processes, which end with their own run and take no others


class WorkflowDispatcher:
    """Starts workflows in this process or in another live process."""

    def __init__(
        self, executor: str, heartbeats: Heartbeats, pulse: HeartbeatInterval, at_work: Callable[[], int]
    ) -> None:
        """`at_work` returns the number of workflows of this process."""
        self._executor = executor
        self._heartbeats = heartbeats
        self._pulse = pulse
        self._workflow_count = at_work

    def begin(self, name: str, workflow: Callable[..., None], *arguments: object) -> None:
        """Start a workflow under a name. Does nothing if a workflow with this name already exists."""
        executor = self._idlest_executor()
        with SetWorkflowID(name):
            if executor == self._executor and self._workflow_count() < AT_ONCE:
                DBOS.start_workflow(workflow, *arguments)
            else:
                DBOS.enqueue_workflow(queue_of(executor), workflow, *arguments)

    def enqueue(self, name: str, workflow: Callable[..., None], *arguments: object) -> None:
        """Queue a workflow for any process that has capacity. May be called within another workflow."""
        with SetWorkflowID(name):
            DBOS.enqueue_workflow(QUEUE, workflow, *arguments)

    def orphans(self) -> list[str]:
        """Return the workflows in the queues of processes that no longer exist."""
        waiting = _unfinished_workflows("ENQUEUED", queues_only=True)
        live_queues = {
            queue_of(executor) for executor in (*self._heartbeats.alive(self._pulse.dead_after), self._executor)
        }
        return [
            workflow.workflow_id
            for workflow in waiting
            if workflow.queue_name not in (QUEUE, *live_queues) and _is_ours(workflow)
        ]

    def _idlest_executor(self) -> str:
        alive = self._heartbeats.alive(self._pulse.dead_after)
        others = [
            executor for executor in alive if executor != self._executor and not executor.startswith(TERMINAL_PREFIX)
        ]
        if not others:
            return self._executor
        load = Counter(
            workflow.executor_id if workflow.status == "PENDING" else workflow.queue_name
            for workflow in _unfinished_workflows()
        )
        executors = [
            self._executor,
            *(executor for executor in others if DBOS.retrieve_queue(queue_of(executor)) is not None),
        ]
        return min(executors, key=lambda executor: load[executor] + load[queue_of(executor)])


def _unfinished_workflows(*status: str, **more: Any) -> list[Any]:
    statuses = list(status) or ["PENDING", "ENQUEUED"]
    return DBOS.list_workflows(status=statuses, load_input=False, load_output=False, **more)


def _is_ours(workflow: Any) -> bool:
    return str(workflow.queue_name).startswith(queue_of(""))
