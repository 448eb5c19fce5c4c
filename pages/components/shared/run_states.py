"""The badge state of a run."""

from integration.core.run import Run
from integration.core.states import RunState

RUN_STATES = ("running", "waiting", "interrupted", "done", "done_parked", "done_nothing", "failed", "discarded")


def run_state(run: Run) -> str:
    """Return the badge state of a run.

    A finished run has a state of its own if records are parked, or if it had changes to write and proved none.
    """
    if run.had_no_effect:
        return "done_nothing"
    if run.state is RunState.DONE and run.counts.parked:
        return "done_parked"
    at_work = {RunState.PREVIEWING: "running", RunState.COMMITTING: "running", RunState.READY: "waiting"}
    return at_work.get(run.state, str(run.state))
