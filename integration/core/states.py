"""What may follow what: the states of a run, and the steps of a change."""

from enum import StrEnum


class RunState(StrEnum):
    """Where a run stands."""

    PREVIEWING = "previewing"
    READY = "ready"  # the plan waits for a person
    COMMITTING = "committing"
    INTERRUPTED = "interrupted"  # stopped by an unavailable system or a cancel; can be resumed
    DONE = "done"
    FAILED = "failed"
    DISCARDED = "discarded"


class Step(StrEnum):
    """Where one change stands."""

    PLANNED = "planned"
    SENT = "sent"  # kept before the call, so that a crash leaves a trace
    IN_DOUBT = "in_doubt"  # sent, and no answer seen; settled by looking
    PROVEN = "proven"  # read back and equal to the plan
    ACCEPTED = "accepted"  # the target said yes, or a person that it is there; read back by nobody
    PARKED = "parked"
    LEFT = "left"  # not chosen when the plan was committed


RUN_STEPS: dict[RunState, frozenset[RunState]] = {
    RunState.PREVIEWING: frozenset({RunState.READY, RunState.DONE, RunState.FAILED, RunState.DISCARDED}),
    RunState.READY: frozenset({RunState.COMMITTING, RunState.DISCARDED}),
    RunState.COMMITTING: frozenset({RunState.DONE, RunState.INTERRUPTED, RunState.FAILED}),
    RunState.INTERRUPTED: frozenset({RunState.COMMITTING, RunState.DISCARDED}),
    RunState.DONE: frozenset(),
    RunState.FAILED: frozenset({RunState.COMMITTING}),
    RunState.DISCARDED: frozenset(),
}


CHANGE_STEPS: dict[Step, frozenset[Step]] = {
    Step.PLANNED: frozenset({Step.SENT, Step.PARKED, Step.LEFT}),
    Step.SENT: frozenset({Step.PROVEN, Step.ACCEPTED, Step.PARKED, Step.IN_DOUBT, Step.PLANNED}),
    Step.IN_DOUBT: frozenset(  # in doubt again: since when was told by a clock that was set back
        {Step.PROVEN, Step.ACCEPTED, Step.PARKED, Step.LEFT, Step.IN_DOUBT, Step.PLANNED}
    ),
    Step.PROVEN: frozenset(),
    Step.ACCEPTED: frozenset(),
    Step.PARKED: frozenset({Step.PROVEN, Step.ACCEPTED, Step.LEFT}),  # what was a question is answered
    Step.LEFT: frozenset(),
}


# One run of a flow at a time may be in one of these.
ACTIVE = frozenset({RunState.PREVIEWING, RunState.COMMITTING})


# Phases in which a run waits for a person or a system.
RESTING = frozenset({"approve", "hold", "stopped"})


def may_follow(now: RunState | Step, wanted: RunState | Step) -> bool:
    """Tell whether a run or a change may go from one state to another."""
    return wanted in (RUN_STEPS[now] if isinstance(now, RunState) else CHANGE_STEPS[now])
