"""Under which state a run is shown."""

from integration.core.run import Run
from integration.core.states import RunState

RUN_STATES = ("running", "waiting", "interrupted", "done", "done_parked", "done_nothing", "failed", "discarded")


def run_state(run: Run) -> str:
    """Return the state under which a run is shown: one that is done is not well where records of it are parked.

    Nor is one whose plan was to be written, and that proved nothing.
    """
    if run.came_to_nothing:
        return "done_nothing"
    if run.state is RunState.DONE and run.counts.parked:
        return "done_parked"
    at_work = {RunState.PREVIEWING: "running", RunState.COMMITTING: "running", RunState.READY: "waiting"}
    return at_work.get(run.state, str(run.state))
